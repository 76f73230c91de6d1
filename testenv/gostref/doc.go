// Package gostref is a naive reference of GOST R 34.10 signatures and GOST R 34.11 hashes, written
// from RFC 5831, 5832, 6986, 7091 and 7836 with math/big, for test keys only.
//
// It is slow and leaks its keys through time: no product code may use it. Its worth is that it
// shares nothing with the product's own GOST.
package gostref
