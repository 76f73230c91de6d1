// Package flow holds tables of states and transitions. A table is data: each edge names the event that is recorded
// when it is taken, so that the history of a thing is the path that it took through the table. The service changes a
// state only by asking a table.
package flow
