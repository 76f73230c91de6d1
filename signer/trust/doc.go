// Package trust holds whom the gateway believes: the anchors and the known intermediate authorities, as one immutable
// value.
//
// Production and test authorities of Kazakhstan are shipped apart, as data: a list with the times of trust (R25) and
// the certificates, which are public. They never meet in one Store. Further anchors come from the operator as PEM; a test
// authority among them is refused in production, whatever it is called, because it is known by its key.
//
// An intermediate authority is not believed by itself: it only saves fetching it, and is checked like any other
// certificate of a path.
package trust
