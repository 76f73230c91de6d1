package jws

import "errors"

// Errors that callers tell apart; each error of this package wraps one of them, algo.ErrSignature where the signature
// is not of this key over these octets, or algo.ErrMismatch where key and algorithm do not go together.
var (
	// ErrSyntax: not a compact JWS, or not in the one encoding that is taken.
	ErrSyntax = errors.New("not a well-formed JWS")
	// ErrLimit: larger, deeper or longer than [Limits] allow.
	ErrLimit = errors.New("JWS beyond its limits")
	// ErrAlgorithm: the algorithm is none of this package: "none", HMAC, unknown.
	ErrAlgorithm = errors.New("JWS algorithm not allowed")
	// ErrHeader: a header that is well-formed and refused.
	ErrHeader = errors.New("JWS header not allowed")
	// ErrCertificate: the header names another certificate than the one that verifies.
	ErrCertificate = errors.New("JWS names another certificate")
	// ErrPayload: the payload is missing, or given twice.
	ErrPayload = errors.New("JWS payload is missing or given twice")
	// ErrClaims: the payload is no set of claims, or one of them is malformed.
	ErrClaims = errors.New("JWT claims are malformed")
	// ErrTime: the claims are not valid at the time asked for.
	ErrTime = errors.New("JWT is not valid at this time")
)
