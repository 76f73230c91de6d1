package algo

import "errors"

// Errors that callers tell apart; each error of this package wraps one of them.
var (
	// ErrSignature: everything was understood and the signature is not of this key over these octets.
	ErrSignature = errors.New("signature does not verify")
	// ErrUnknownAlgorithm: an OID that the registry does not hold.
	ErrUnknownAlgorithm = errors.New("unknown algorithm")
	// ErrNotAllowed: the algorithm is known and refused: DSA, explicit curves, keys out of bounds.
	ErrNotAllowed = errors.New("algorithm not allowed")
	// ErrParameters: the algorithm's parameters are missing, malformed or contradict each other.
	ErrParameters = errors.New("algorithm parameters are wrong")
	// ErrKey: the public key is malformed or not a member of its group.
	ErrKey = errors.New("public key is malformed")
	// ErrMismatch: key and signature algorithm are of different families, or hashes that must agree do not.
	ErrMismatch = errors.New("algorithms do not fit together")
	// ErrNeedsMessage: the algorithm signs the message itself and a digest does not suffice (Ed25519).
	ErrNeedsMessage = errors.New("algorithm needs the whole message")
)
