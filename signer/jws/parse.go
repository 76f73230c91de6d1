package jws

import (
	"fmt"
	"slices"
	"strings"
)

// Limits bound one token. A zero field takes the value of [DefaultLimits].
type Limits struct {
	Bytes        int // of the token, and of a detached payload
	HeaderBytes  int // of the decoded header
	Depth        int // levels of JSON, in the header and in claims
	Certificates int // in x5c
}

// DefaultLimits suit signed documents: 64 MiB, a header of 256 KiB, 16 levels, 16 certificates.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 20, HeaderBytes: 256 << 10, Depth: 16, Certificates: 16}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ value, standard *int }{
		{&l.Bytes, &d.Bytes},
		{&l.HeaderBytes, &d.HeaderBytes},
		{&l.Depth, &d.Depth},
		{&l.Certificates, &d.Certificates},
	} {
		if *f.value == 0 {
			*f.value = *f.standard
		}
	}
	return l
}

// Options are what a caller of Parse may set.
type Options struct {
	Limits Limits
	// Algorithms are those that the caller accepts; nil accepts all that fit the key. Who expects one kind of token names
	// its algorithm (RFC 8725 3.1).
	Algorithms []Algorithm
	// Critical names the header extensions that the caller processes itself and that crit may therefore list; b64 need
	// not be named.
	Critical []string
}

// Token is a compact JWS, taken apart and not yet believed.
type Token struct {
	Header  Header
	Payload []byte // nil when it is empty, which for a detached one it is
	// Signature is decoded.
	Signature []byte

	protected string // the encoded header
	middle    string // the payload as it stands
	limits    Limits
}

// Parse reads a compact JWS: three parts, the second empty when the payload is detached. Nothing is verified. Errors:
// ErrSyntax, ErrLimit, ErrAlgorithm, ErrHeader.
func Parse(compact string, opts Options) (*Token, error) {
	t, err := parse(compact, opts)
	if err != nil {
		return nil, fmt.Errorf("couldn't read JWS: %w", err)
	}
	return t, nil
}

func parse(compact string, opts Options) (*Token, error) {
	lim := opts.Limits.withDefaults()
	if len(compact) > lim.Bytes {
		return nil, fmt.Errorf("%w: %d octets", ErrLimit, len(compact))
	}
	if strings.Count(compact, ".") != 2 {
		return nil, fmt.Errorf("%w: three parts are due", ErrSyntax)
	}
	protected, rest, _ := strings.Cut(compact, ".")
	middle, last, _ := strings.Cut(rest, ".")
	if len(protected) > 2*lim.HeaderBytes {
		return nil, fmt.Errorf("%w: header", ErrLimit)
	}
	raw, err := decode64(protected)
	if err != nil {
		return nil, err
	}
	t := &Token{protected: protected, middle: middle, limits: lim}
	if t.Header, err = parseHeader(raw, lim, opts.Critical); err != nil {
		return nil, err
	}
	if opts.Algorithms != nil && !slices.Contains(opts.Algorithms, t.Header.Algorithm) {
		return nil, fmt.Errorf("%w: %s is not expected", ErrAlgorithm, t.Header.Algorithm)
	}
	if t.Signature, err = decode64(last); err != nil {
		return nil, err
	}
	if len(t.Signature) == 0 {
		return nil, fmt.Errorf("%w: no signature", ErrSyntax)
	}
	return t, t.readPayload()
}

func (t *Token) readPayload() (err error) {
	if t.middle == "" {
		return nil
	}
	if t.Header.Unencoded {
		t.Payload = []byte(t.middle)
		return checkUnencoded(t.Payload)
	}
	t.Payload, err = decode64(t.middle)
	return err
}

// checkUnencoded holds a payload that stands unencoded between two periods to printable ASCII without a period (RFC 7797
// 5.2); any other has to be detached.
func checkUnencoded(payload []byte) error {
	for _, c := range payload {
		if c < 0x20 || c > 0x7e || c == '.' {
			return fmt.Errorf("%w: octet %02x in an unencoded payload", ErrSyntax, c)
		}
	}
	return nil
}

// Detached reports whether there is no payload in the token. An empty one that is attached looks the same.
func (t *Token) Detached() bool { return t.middle == "" }

// signingInput is what the signature is made over (RFC 7515 5.1 step 8, RFC 7797 3).
func (t *Token) signingInput(detached []byte) ([]byte, error) {
	if detached == nil {
		return signingInput(t.protected, []byte(t.middle), true), nil
	}
	if t.middle != "" {
		return nil, fmt.Errorf("%w: attached and detached", ErrPayload)
	}
	if len(detached) > t.limits.Bytes {
		return nil, fmt.Errorf("%w: payload of %d octets", ErrLimit, len(detached))
	}
	return signingInput(t.protected, detached, t.Header.Unencoded), nil
}

func signingInput(protected string, payload []byte, asIs bool) []byte {
	out := make([]byte, 0, len(protected)+1+len(payload)*4/3+4)
	out = append(append(out, protected...), '.')
	if asIs {
		return append(out, payload...)
	}
	return append(out, encode64(payload)...)
}
