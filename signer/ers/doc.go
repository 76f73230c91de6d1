// Package ers puts many digests under one time stamp: a hash tree, and for each digest an evidence record (RFC 4998) that holds the
// token and the few hashes between the digest and what was stamped.
//
// A record is verified offline: [Parse], [Record.Verify] for the way through the tree, package tsp for the token. Records of one
// time stamp alone are made; renewed ones, of several, are read and their first time stamp is verified.
//
// The tree is that of RFC 4998 4.2: the hashes of a node are sorted before they are hashed, so that a record says nothing about the
// place of a digest; the record of a digest holds for its neighbours as well, which were stamped with it. It follows that an inner node is not told from a leaf: the concatenation of two hashes of the tree counts as a
// document that was stamped with them. Who stamps documents of a form of their own loses nothing by that.
//
// It is a pure leaf without state.
package ers
