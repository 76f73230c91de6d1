// Package schema brings the tables of one package to their newest migration. It knows none of them.
package schema
