package rawsig

import (
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// ErrForm means that octets are not a signature in the form that they are said to have, or the key has no such form.
var ErrForm = errors.New("signature is not in this form")

// Form is how the numbers of a signature are laid out.
type Form uint8

// Forms.
const (
	Octets   Form = iota + 1 // as the algorithm makes it, without inner structure: RSA, Ed25519
	DER                      // SEQUENCE { r, s }: ECDSA in X.509 and CMS (RFC 3279 2.2.3)
	Pair                     // r‖s, each big-endian and of full length: ECDSA in JWS, XMLDSig and PKCS#11 (IEEE P1363)
	National                 // r‖s, each little-endian: GOST in Kazakhstan
	RFC                      // s‖r, each big-endian: GOST in RFC 4491, RFC 9215, OpenSSL and PKCS#11
)

var formNames = [...]string{"unknown form", "octets", "DER", "r‖s big-endian", "r‖s little-endian", "s‖r big-endian"}

// String names the form.
func (f Form) String() string {
	if int(f) < len(formNames) {
		return formNames[f]
	}
	return formNames[0]
}

// Forms are the forms that signatures of a family can have. The first is the one of certificates and CMS; for GOST that
// of the national ones.
func Forms(f algo.Family) []Form {
	switch f {
	case algo.RSA, algo.RSAPSS, algo.Ed25519, algo.Ed448:
		return []Form{Octets}
	case algo.ECDSA:
		return []Form{DER, Pair}
	case algo.GOST2004, algo.GOST2012_256, algo.GOST2012_512:
		return []Form{National, RFC, Pair}
	case algo.Unknown, algo.DSA:
	}
	return nil
}

// Convert writes a signature of pub's kind in another form. The octets are checked to be well-formed in the form from:
// exact lengths, and strict DER with positive numbers. The result is a new slice. The error wraps ErrForm.
func Convert(pub algo.PublicKey, sig []byte, from, to Form) ([]byte, error) {
	forms := Forms(pub.Family)
	if !slices.Contains(forms, from) || !slices.Contains(forms, to) {
		return nil, fmt.Errorf("%w: %s signature from %s to %s", ErrForm, pub.Family, from, to)
	}
	if from == Octets {
		return slices.Clone(sig), nil
	}
	pair, err := toPair(sig, from, (pub.Bits+7)/8)
	if err != nil {
		return nil, err
	}
	return fromPair(pair, to), nil
}

// toPair brings a signature into r‖s, each big-endian and n octets long, in a new slice.
func toPair(sig []byte, from Form, n int) ([]byte, error) {
	if from == DER {
		return pairOfDER(sig, n)
	}
	if len(sig) != 2*n {
		return nil, fmt.Errorf("%w: %d octets, want %d", ErrForm, len(sig), 2*n)
	}
	pair := slices.Clone(sig)
	switch from { //nolint:exhaustive // the others have been dealt with
	case National:
		slices.Reverse(pair[:n])
		slices.Reverse(pair[n:])
	case RFC:
		copy(pair, sig[n:])
		copy(pair[n:], sig[:n])
	}
	return pair, nil
}

// fromPair writes r‖s in another form. It may change pair.
func fromPair(pair []byte, to Form) []byte {
	n := len(pair) / 2
	switch to { //nolint:exhaustive // Pair is there already, Octets has no numbers
	case DER:
		return asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedUint(pair[:n]), asn1ber.EncodedUint(pair[n:]))
	case National:
		slices.Reverse(pair[:n])
		slices.Reverse(pair[n:])
	case RFC:
		return append(pair[n:2*n:2*n], pair[:n]...)
	}
	return pair
}

var pairLimits = asn1ber.Limits{Bytes: 1 << 10, Depth: 2, Elements: 3}

// pairOfDER reads SEQUENCE { r INTEGER, s INTEGER } in DER: any second encoding of the same numbers is refused.
func pairOfDER(sig []byte, n int) ([]byte, error) {
	e, err := asn1ber.Parse(sig, asn1ber.DER, pairLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if e.Tag != asn1ber.Sequence {
		return nil, fmt.Errorf("%w: %s", ErrForm, e.Tag)
	}
	r, err := e.Children()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	pair := make([]byte, 2*n)
	for _, half := range [][]byte{pair[:n], pair[n:]} {
		number, err := r.Read(asn1ber.Integer)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForm, err)
		}
		if err := putUint(half, number); err != nil {
			return nil, err
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return pair, nil
}

// putUint writes a positive INTEGER big-endian and right-aligned into out.
func putUint(out []byte, e asn1ber.Element) error {
	c, err := e.Integer()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if c[0] >= 0x80 {
		return fmt.Errorf("%w: negative number", ErrForm)
	}
	if c[0] == 0 {
		c = c[1:]
	}
	if len(c) > len(out) {
		return fmt.Errorf("%w: number of %d octets, at most %d", ErrForm, len(c), len(out))
	}
	copy(out[len(out)-len(c):], c)
	return nil
}
