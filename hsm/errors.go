package hsm

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// Errors that a caller branches on; they are wrapped with what was being done.
var (
	// ErrModule: the PKCS#11 library cannot be loaded or initialised.
	ErrModule = errors.New("PKCS#11 module is not usable")
	// ErrTokenNotFound: no token has the name.
	ErrTokenNotFound = errors.New("token not found")
	// ErrTokenAmbiguous: several tokens have the name.
	ErrTokenAmbiguous = errors.New("several tokens carry this label")
	// ErrTokenExists: InitToken was asked for a label that a token carries already.
	ErrTokenExists = errors.New("a token carries this label already")
	// ErrTokenFull: the token has no room for another object.
	ErrTokenFull = errors.New("token is full")
	// ErrWrongPIN: the token refused the PIN. This process does not try it again on that token.
	ErrWrongPIN = errors.New("token refused the PIN")
	// ErrPINLocked: the PIN is locked, or one more failure would lock it; it was not tried.
	ErrPINLocked = errors.New("PIN is locked or at its last try")
	// ErrKeyNotFound: the token holds no private key with the label.
	ErrKeyNotFound = errors.New("key not found")
	// ErrKeyAmbiguous: several private keys carry the label.
	ErrKeyAmbiguous = errors.New("several keys carry this label")
	// ErrKeyExists: Generate was asked for a label that a key carries already.
	ErrKeyExists = errors.New("a key carries this label already")
	// ErrKeyAttributes: the key could leave the token, might have left it, or could do more than sign.
	ErrKeyAttributes = errors.New("key has wrong attributes")
	// ErrKeyChanged: the token now holds another key under the label than the one that was opened.
	ErrKeyChanged = errors.New("token holds another key under this label")
	// ErrCertificateNotFound: the token holds no certificate for the key.
	ErrCertificateNotFound = errors.New("certificate not found")
	// ErrCertificateMismatch: the certificate's public key is not that of the key.
	ErrCertificateMismatch = errors.New("certificate does not belong to the key")
	// ErrAlgorithm: the key or the token cannot do what was asked (hash, padding, length, key type).
	ErrAlgorithm = errors.New("algorithm is not supported")
	// ErrBusy: the queue is full, or no session became free before the deadline. Nothing was signed; try later.
	ErrBusy error = passing("token is busy")
	// ErrUnavailable: the token is lost, or did not answer before the deadline. It comes back by itself.
	ErrUnavailable error = passing("token is unavailable")
	// ErrWrongSignature: the token made a signature that the public key does not verify; it was thrown away.
	ErrWrongSignature = errors.New("token made a wrong signature")
	// ErrSealed: what was to be opened was not sealed with this key, or was altered since.
	ErrSealed = errors.New("sealed data cannot be opened")
	// ErrClosed: the token was closed by its owner.
	ErrClosed = errors.New("token is closed")
)

// passing is an error that a repetition may get over.
type passing string

// Error is the text.
func (p passing) Error() string { return string(p) }

// Temporary tells callers who do not know this package that they may try again.
func (passing) Temporary() bool { return true }

// fault says what an error of one call means for the connection that it was made on.
type fault int

const (
	faultNone  fault = iota // the request itself is wrong; the connection is sound
	faultEpoch              // session, login or handles are void: connect anew
	faultToken              // the device or the library is lost: initialise the library anew
)

// errStale: the library was initialised again since the connection was made, so its handles mean nothing.
var errStale = errors.New("library was initialised again")

// errSessionsLost: the token has no session left because earlier connections were given up with theirs open.
var errSessionsLost = errors.New("sessions of earlier connections fill the token")

// errKeyLost: a key that was good is missing or bad, seen once.
var errKeyLost = errors.New("the key is not as it was")

// errOvertaken: the call's deadline passed while it waited for the library.
var errOvertaken = errors.New("deadline passed before the call")

// faultOf sorts the error of a signing or reading call. What PKCS#11 2.40 §5.1 calls an error of the arguments is the
// caller's; all others, unknown vendor codes included, are held against the connection: a stale handle that came to
// name another object shows itself as CKR_KEY_TYPE_INCONSISTENT just as well as CKR_KEY_HANDLE_INVALID.
func faultOf(err error) fault {
	switch {
	case errors.Is(err, errStale):
		return faultEpoch
	case errors.Is(err, errSessionsLost), errors.Is(err, errKeyLost):
		return faultToken
	}
	var code pkcs11.Error
	if !errors.As(err, &code) {
		return faultNone
	}
	switch code {
	case pkcs11.CKR_ARGUMENTS_BAD, pkcs11.CKR_DATA_INVALID, pkcs11.CKR_DATA_LEN_RANGE,
		pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_MECHANISM_PARAM_INVALID,
		pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_VALUE_INVALID, pkcs11.CKR_ATTRIBUTE_SENSITIVE,
		pkcs11.CKR_TEMPLATE_INCOMPLETE, pkcs11.CKR_TEMPLATE_INCONSISTENT,
		pkcs11.CKR_SESSION_COUNT, pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_TOKEN_WRITE_PROTECTED:
		return faultNone
	case pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_USER_NOT_LOGGED_IN,
		pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID,
		pkcs11.CKR_OPERATION_ACTIVE, pkcs11.CKR_OPERATION_NOT_INITIALIZED,
		pkcs11.CKR_KEY_TYPE_INCONSISTENT, pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED:
		return faultEpoch
	default:
		return faultToken
	}
}

// typed gives an error of the module the sentinel that a caller branches on.
func typed(err error) error {
	switch {
	case errors.Is(err, errStale), errors.Is(err, errSessionsLost), errors.Is(err, errOvertaken), errors.Is(err, errKeyLost):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	var code pkcs11.Error
	if err == nil || !errors.As(err, &code) {
		return err
	}
	switch code {
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE:
		return fmt.Errorf("%w: %w", ErrWrongPIN, err)
	case pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED:
		return fmt.Errorf("%w: %w", ErrPINLocked, err)
	case pkcs11.CKR_DEVICE_MEMORY:
		return fmt.Errorf("%w: %w", ErrTokenFull, err)
	case pkcs11.CKR_SESSION_COUNT:
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_MECHANISM_PARAM_INVALID, pkcs11.CKR_KEY_SIZE_RANGE,
		pkcs11.CKR_DATA_INVALID, pkcs11.CKR_DATA_LEN_RANGE, pkcs11.CKR_ARGUMENTS_BAD:
		return fmt.Errorf("%w: %w", ErrAlgorithm, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// late is the error of a call whose context ended: the caller's own cancellation, or what kept it from being served.
func late(ctx context.Context, why error, detail string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %s: %w", why, detail, ctx.Err())
}
