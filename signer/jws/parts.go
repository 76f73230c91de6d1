package jws

import (
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/rawsig"
)

// What follows reads the parts of a JWS for formats that are built on it, by the same strict rules as [Parse].

// ReadObject reads a JSON object that has but one reading: UTF-8, no name twice in it or in any object inside, no lone
// surrogates, at most depth levels. Values are parts of b. Errors: ErrSyntax, ErrLimit.
func ReadObject(b []byte, depth int) ([]Member, error) { return readObject(b, depth) }

// Decode64 reads base64url in its one encoding. Errors: ErrSyntax.
func Decode64(s string) ([]byte, error) { return decode64(s) }

// Text is the value of a member that must be a string. Errors: ErrSyntax.
func (m Member) Text() (string, error) { return m.text() }

// Texts is the value of a member that must be an array of strings. Errors: ErrSyntax.
func (m Member) Texts() ([]string, error) { return m.texts() }

// X5C is the value of a member that holds certificates as x5c does: DER, the signer's first, at most limit. Errors: ErrSyntax, ErrLimit.
func (m Member) X5C(limit int) ([][]byte, error) { return m.certificates(Limits{Certificates: limit}) }

// Registered reports whether a name is one of RFC 7515 itself, which crit may not list (4.1.11).
func Registered(name string) bool {
	return slices.Contains(registered, name)
}

// CheckUnencoded refuses a payload that cannot stand unencoded between two periods (RFC 7797 5.2). Errors: ErrSyntax.
func CheckUnencoded(payload []byte) error { return checkUnencoded(payload) }

// VerifyOver checks a decoded signature over a whole signing input by a key that the caller has chosen. nil: it holds. Errors: those of
// [Token.Verify].
func (a Algorithm) VerifyOver(pub algo.PublicKey, input, signature []byte) error {
	if err := a.Fits(pub); err != nil {
		return err
	}
	s, layout, err := a.signature()
	if err != nil {
		return err
	}
	if _, err := rawsig.Verify(pub, input, signature, rawsig.Options{Algorithm: &s, Form: layout}); err != nil {
		return fmt.Errorf("couldn't verify JWS: %w", err)
	}
	return nil
}

// Scheme is the signature algorithm that a name stands for. Errors: ErrAlgorithm.
func (a Algorithm) Scheme() (algo.Signature, error) {
	s, _, err := a.signature()
	return s, err
}
