package p12

import (
	"errors"
	"fmt"

	"qaqpa/signer/asn1ber"
)

// Errors that callers tell apart; each error of this package wraps one of them, or asn1ber.ErrLimit where a file goes
// beyond [Limits]. None of them quotes a password or a key.
var (
	// ErrPassword: the file is whole as far as can be seen, and the password does not open it, or not all of it.
	ErrPassword = errors.New("wrong password")
	// ErrDamaged: not a PKCS #12 file, or one that was changed after it was made.
	ErrDamaged = errors.New("not a PKCS #12 file, or a damaged one")
	// ErrUnsupported: a well-formed file whose algorithms or kinds of key are not those of this package.
	ErrUnsupported = errors.New("PKCS #12 file of a kind that is not supported")
	// ErrKeyMismatch: a key and the certificate that is named as its own have different public keys.
	ErrKeyMismatch = errors.New("private key does not belong to its certificate")
	// ErrAlias: no key, or more than one, goes by this alias.
	ErrAlias = errors.New("no single key under this alias")
)

// errNoise: decryption gave something that is not what was encrypted: wrong password or changed octets.
var errNoise = errors.New("decryption gives no sense")

// damaged puts an error into its class: limits stay what they are, all else that has none is ErrDamaged.
func damaged(err error) error {
	for _, class := range []error{asn1ber.ErrLimit, ErrPassword, ErrDamaged, ErrUnsupported, ErrKeyMismatch, errNoise} {
		if errors.Is(err, class) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// Limits bound one file. A zero field takes the value of [DefaultLimits].
type Limits struct {
	Bytes    int // octets of the file
	Depth    int // levels of ASN.1 and of safes inside safes
	Elements int // ASN.1 elements
	Bags     int // keys, certificates and others, in all
	Keys     int
	// Work is the number of hash computations that all derivations of keys from the password may take; one of SHA-1 or
	// SHA-256 counts one, slower hashes more. An iteration of PBKDF2 takes two for each block of output.
	Work int
}

// DefaultLimits suit keys of people and services: 1 MiB, 32 levels, 2^14 elements, 256 bags, 16 keys, and work of under
// a second on slow processors, which is a million iterations of PBKDF2 with two to spare for MAC and certificates.
func DefaultLimits() Limits {
	return Limits{Bytes: 1 << 20, Depth: 32, Elements: 1 << 14, Bags: 256, Keys: 16, Work: 4_000_000}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ value, standard *int }{
		{&l.Bytes, &d.Bytes},
		{&l.Depth, &d.Depth},
		{&l.Elements, &d.Elements},
		{&l.Bags, &d.Bags},
		{&l.Keys, &d.Keys},
		{&l.Work, &d.Work},
	} {
		if *f.value == 0 {
			*f.value = *f.standard
		}
	}
	return l
}

func (l Limits) asn1() asn1ber.Limits {
	return asn1ber.Limits{Bytes: l.Bytes, Depth: l.Depth, Elements: l.Elements}
}
