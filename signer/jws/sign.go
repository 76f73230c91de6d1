package jws

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
	"qaqpa/signer/rawsig"
)

// SignInput is what Sign needs.
type SignInput struct {
	Signer crypto.Signer
	// Certificate is the signer's; the key must be its own. nil signs with a bare key.
	Certificate *pkix.Certificate
	// Algorithm is empty for the first of [AlgorithmsFor].
	Algorithm Algorithm
	// Type and ContentType are typ and cty, KeyID is kid; left out when empty.
	Type, ContentType, KeyID string
	// Embed writes Certificate and Chain as x5c; Thumbprint writes x5t#S256.
	Embed      bool
	Chain      []*pkix.Certificate
	Thumbprint bool
	// Members are written after the parameters above, as they are. Critical lists those of them that a verifier must
	// understand.
	Members  []Member
	Critical []string
	// Payload is signed, and left out of the token when Detached. Unencoded signs it without base64url (RFC 7797); an
	// attached one must then be printable ASCII without a period.
	Payload             []byte
	Detached, Unencoded bool
	// Rand is handed to the signer; PS algorithms need it.
	Rand io.Reader
}

// Sign makes a compact JWS. Errors: rawsig.ErrKeyMismatch, ErrAlgorithm, algo.ErrMismatch, ErrHeader and ErrSyntax for
// members that Parse would refuse, ErrLimit, and the signer's own.
func Sign(in SignInput) (string, error) {
	compact, err := in.sign()
	if err != nil {
		return "", fmt.Errorf("couldn't sign JWS: %w", err)
	}
	return compact, nil
}

func (in SignInput) sign() (string, error) {
	pub, err := in.key()
	if err != nil {
		return "", err
	}
	if in.Algorithm == "" {
		fitting := AlgorithmsFor(pub)
		if len(fitting) == 0 {
			return "", fmt.Errorf("%w: none for this %s key", ErrAlgorithm, pub.Family)
		}
		in.Algorithm = fitting[0]
	}
	if err := in.Algorithm.Fits(pub); err != nil {
		return "", err
	}
	protected, err := in.header()
	if err != nil {
		return "", err
	}
	middle := ""
	switch {
	case in.Detached:
	case in.Unencoded:
		if err := checkUnencoded(in.Payload); err != nil {
			return "", err
		}
		middle = string(in.Payload)
	default:
		middle = encode64(in.Payload)
	}
	s, layout, err := in.Algorithm.signature()
	if err != nil {
		return "", err
	}
	signature, _, err := rawsig.Sign(rawsig.SignInput{
		Signer: in.Signer, Public: pub, Algorithm: &s, Form: layout, Rand: in.Rand,
		Data: signingInput(protected, in.Payload, in.Unencoded),
	})
	if err != nil {
		return "", err
	}
	return protected + "." + middle + "." + encode64(signature), nil
}

// key is the public key that the signature will be verified with.
func (in SignInput) key() (algo.PublicKey, error) {
	switch {
	case in.Signer == nil:
		return algo.PublicKey{}, errors.New("key missing")
	case in.Certificate == nil && (in.Embed || in.Thumbprint):
		return algo.PublicKey{}, errors.New("certificate missing")
	case in.Certificate == nil:
		return rawsig.Key(in.Signer.Public())
	case in.Certificate.PublicKeyErr != nil:
		return algo.PublicKey{}, in.Certificate.PublicKeyErr
	}
	return in.Certificate.PublicKey, nil
}

// header writes the encoded header, and reads it back: what a verifier would refuse is not signed.
func (in SignInput) header() (string, error) {
	members := []Member{{"alg", quote(string(in.Algorithm))}}
	for _, m := range []struct{ name, value string }{{"typ", in.Type}, {"cty", in.ContentType}, {"kid", in.KeyID}} {
		if m.value != "" {
			members = append(members, Member{m.name, quote(m.value)})
		}
	}
	if in.Thumbprint {
		sum := in.Certificate.Fingerprint()
		members = append(members, Member{"x5t#S256", quote(encode64(sum[:]))})
	}
	if in.Embed {
		members = append(members, Member{"x5c", in.x5c()})
	}
	critical := slices.Clone(in.Critical)
	if in.Unencoded {
		critical = append(critical, "b64")
		members = append(members, Member{"b64", []byte("false")})
	}
	if len(critical) > 0 {
		members = append(members, Member{"crit", quoteAll(critical)})
	}
	raw := []byte{'{'}
	for i, m := range append(members, in.Members...) {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(append(append(raw, quote(m.Name)...), ':'), m.Value...)
	}
	raw = append(raw, '}')
	if _, err := parseHeader(raw, DefaultLimits(), in.Critical); err != nil {
		return "", err
	}
	return encode64(raw), nil
}

func (in SignInput) x5c() []byte {
	texts := []string{base64.StdEncoding.EncodeToString(in.Certificate.Raw)}
	for _, c := range in.Chain {
		if !c.Equal(in.Certificate) {
			texts = append(texts, base64.StdEncoding.EncodeToString(c.Raw))
		}
	}
	return quoteAll(texts)
}

// quoteAll writes a JSON array of strings.
func quoteAll(texts []string) []byte {
	out := []byte{'['}
	for i, s := range texts {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, quote(s)...)
	}
	return append(out, ']')
}
