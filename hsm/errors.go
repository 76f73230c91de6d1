package hsm

import "errors"

// Errors that a caller branches on; every error of the package wraps one of them (or a context's error).
var (
	// ErrModule: the PKCS#11 library cannot be loaded or initialised.
	ErrModule = errors.New("PKCS#11 module is not usable")
	// ErrTokenNotFound: no token carries the label.
	ErrTokenNotFound = errors.New("token not found")
	// ErrTokenAmbiguous: several tokens carry the label.
	ErrTokenAmbiguous = errors.New("several tokens carry this label")
	// ErrTokenExists: InitToken was asked for a label that a token carries already.
	ErrTokenExists = errors.New("a token carries this label already")
	// ErrWrongPIN: the token refused the PIN. It is not tried again on that token by this process.
	ErrWrongPIN = errors.New("token refused the PIN")
	// ErrPINLocked: the PIN is locked, or one more failure would lock it; nothing was tried.
	ErrPINLocked = errors.New("PIN is locked or at its last try")
	// ErrKeyNotFound: the token holds no private key with the label.
	ErrKeyNotFound = errors.New("key not found")
	// ErrKeyAmbiguous: several private keys carry the label.
	ErrKeyAmbiguous = errors.New("several keys carry this label")
	// ErrKeyExists: Generate was asked for a label that a key carries already.
	ErrKeyExists = errors.New("a key carries this label already")
	// ErrKeyAttributes: the key could leave the token, or could do more than sign.
	ErrKeyAttributes = errors.New("key has wrong attributes")
	// ErrKeyChanged: the token now holds another key under the label than the one that was opened.
	ErrKeyChanged = errors.New("token holds another key under this label")
	// ErrCertificateNotFound: the token holds no certificate for the key.
	ErrCertificateNotFound = errors.New("certificate not found")
	// ErrCertificateMismatch: the certificate's public key is not that of the key.
	ErrCertificateMismatch = errors.New("certificate does not belong to the key")
	// ErrAlgorithm: the key or the token cannot do what was asked (hash, padding, length, key type).
	ErrAlgorithm = errors.New("algorithm is not supported")
	// ErrBusy: the queue is full, or no session became free before the deadline. Try again later.
	ErrBusy = errors.New("token is busy")
	// ErrUnavailable: the token is lost, or did not answer before the deadline. It comes back by itself.
	ErrUnavailable = errors.New("token is unavailable")
	// ErrWrongSignature: the token made a signature that its public key does not verify. It was thrown away.
	ErrWrongSignature = errors.New("token made a wrong signature")
	// ErrClosed: the token was closed by its owner.
	ErrClosed = errors.New("token is closed")
)
