// Package hostile makes inputs that whoever sends documents may send: truncated, nested too deep, with lengths that promise
// more than there is, with attributes twice, without signers, with encodings mixed, and large ones in which nothing is
// wrong. Each starts from a good object of the test authorities, so that the damage lies behind what a parser checks first.
//
// It knows nothing of the parsers that it feeds.
package hostile
