// Package trust holds whom the gateway believes: the anchors and the known intermediate authorities, as one immutable
// value. Production and test authorities are shipped apart as data and never meet in one Store: a test anchor
// does not validate in production.
package trust
