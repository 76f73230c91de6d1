package httpsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Refusals. ErrMalformed and ErrCoverage tell the client what to mend; the others are all that it learns.
var (
	// ErrMalformed says that the fields cannot be read.
	ErrMalformed = errors.New("signature fields are malformed")
	// ErrCoverage says that the signature leaves out what it has to cover, or lacks a parameter.
	ErrCoverage = errors.New("signature does not cover enough")
	// ErrTime says that the signature is from another time than now.
	ErrTime = errors.New("signature is too old, expired, or from the future")
	// ErrSignature says that the signature does not hold.
	ErrSignature = errors.New("signature does not hold")
	// ErrKey says that a public key is not one of those taken.
	ErrKey = errors.New("key is not Ed25519, ECDSA P-256 or RSA of 2048 to 8192 bits")
	// ErrDigest says that the body is not that of the digest.
	ErrDigest = errors.New("body has another digest")
)

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }
func uncovered(why string) error { return fmt.Errorf("%w: %s", ErrCoverage, why) }

// Field is a header field: its name in lower case, and its values in the order of their lines, without space around them.
type Field struct {
	Name   string
	Values []string
}

// Message is the head of a request, as its sender meant it: behind a proxy, Scheme and Authority are the public ones.
type Message struct {
	// Method in upper case.
	Method string
	// Scheme is https or http, Authority host and port without the scheme's own port, both in lower case.
	Scheme, Authority string
	// Path as sent, and Query with its question mark, empty when there is none.
	Path, Query string
	Fields      []Field
	// HasBody says that a body follows.
	HasBody bool
}

func (m *Message) field(name string) (string, bool) {
	for _, f := range m.Fields {
		if f.Name == name {
			return strings.Join(f.Values, ", "), true
		}
	}
	return "", false
}

// component is the value of a covered component (RFC 9421 2.1, 2.2).
func (m *Message) component(name string) (string, error) {
	switch name {
	case "@method":
		return m.Method, nil
	case "@target-uri":
		return m.Scheme + "://" + m.Authority + m.Path + m.Query, nil
	case "@authority":
		return m.Authority, nil
	case "@scheme":
		return m.Scheme, nil
	case "@request-target":
		return m.Path + m.Query, nil
	case "@path":
		return m.Path, nil
	case "@query":
		if m.Query == "" {
			return "?", nil
		}
		return m.Query, nil
	}
	value, ok := m.field(name)
	if strings.HasPrefix(name, "@") || !ok {
		return "", uncovered("component " + name + " is not in the request, or not taken")
	}
	if strings.ContainsAny(value, "\r\n") {
		return "", malformed("a field has more than one line")
	}
	return value, nil
}

// base is what is signed (RFC 9421 2.5).
func (m *Message) base(in input) (string, error) {
	var out strings.Builder
	for _, name := range in.components {
		value, err := m.component(name)
		if err != nil {
			return "", err
		}
		out.WriteString(`"` + name + `": ` + value + "\n")
	}
	out.WriteString(`"@signature-params": ` + in.raw)
	return out.String(), nil
}

// Signature is the signature of a request, read and not yet verified.
type Signature struct {
	// KeyID names the key.
	KeyID string
	// Nonce makes the signature good for one time; the caller remembers it until Until.
	Nonce string
	// Until is when the signature stops being taken whatever its nonce.
	Until time.Time
	in    input
	raw   []byte
}

// Window is how old a signature may be, and Skew how far ahead the sender's clock may run.
const (
	Window = 5 * time.Minute
	Skew   = 30 * time.Second
)

// Bounds of a nonce, in characters.
const (
	nonceMin = 16
	nonceMax = 128
)

// Read reads the signature of a request and holds it to the rules that need no key: it has keyid, created and a nonce of 16 to
// 128 characters, is at most [Window] old at the given time, and covers @method, the whole target (@target-uri, or
// @authority, @path and @query), and what is there of idempotency-key, content-digest and content-type; a body has a
// content-digest. Errors: [ErrMalformed], [ErrCoverage], [ErrTime].
func Read(m *Message, at time.Time) (Signature, error) {
	var s Signature
	field, ok := m.field("signature-input")
	signature, both := m.field("signature")
	if !ok || !both {
		return s, malformed("Signature-Input and Signature belong together")
	}
	var err error
	if s.in, err = readInput(field); err != nil {
		return s, err
	}
	if s.raw, err = readSignature(signature, s.in.label); err != nil {
		return s, err
	}
	p := s.in.params
	switch {
	case !p.hasKeyID || !p.hasCreated || !p.hasNonce:
		return s, uncovered("keyid, created and nonce are needed")
	case len(p.nonce) < nonceMin || len(p.nonce) > nonceMax:
		return s, uncovered(fmt.Sprintf("the nonce has %d characters, %d to %d are taken", len(p.nonce), nonceMin, nonceMax))
	}
	if err := s.covers(m); err != nil {
		return s, err
	}
	s.KeyID, s.Nonce = p.keyID, p.nonce
	return s, s.timely(at)
}

// covers: what is not covered can be exchanged on the way.
func (s *Signature) covers(m *Message) error {
	need := []string{"@method"}
	if !slices.Contains(s.in.components, "@target-uri") {
		need = append(need, "@authority", "@path", "@query")
		if slices.Contains(s.in.components, "@request-target") {
			need = need[:2]
		}
	}
	if m.HasBody {
		need = append(need, "content-digest", "content-type")
	}
	for _, name := range []string{"idempotency-key", "content-digest"} {
		if _, there := m.field(name); there && !slices.Contains(need, name) {
			need = append(need, name)
		}
	}
	for _, name := range need {
		if name == "@query" && m.Query == "" {
			continue
		}
		if !slices.Contains(s.in.components, name) {
			return uncovered("component " + name + " is needed")
		}
	}
	return nil
}

func (s *Signature) timely(at time.Time) error {
	created := time.Unix(s.in.params.created, 0)
	s.Until = created.Add(Window)
	if s.in.params.hasExpires {
		if expires := time.Unix(s.in.params.expires, 0); expires.Before(s.Until) {
			s.Until = expires
		}
	}
	if created.After(at.Add(Skew)) || !at.Before(s.Until) {
		return fmt.Errorf("%w: created %s, it is %s", ErrTime, created.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	}
	return nil
}

// Verify verifies the signature with the key that KeyID names; its type decides the algorithm, and an alg that differs is
// refused, so that nobody chooses how he is verified. Errors: [ErrSignature], [ErrKey], [ErrCoverage] for a covered
// component that the request lacks.
func (s *Signature) Verify(m *Message, key crypto.PublicKey) error {
	algorithm, err := Algorithm(key)
	if err != nil {
		return err
	}
	if s.in.params.hasAlg && s.in.params.algorithm != algorithm {
		return fmt.Errorf("%w: the key is for %s", ErrSignature, algorithm)
	}
	base, err := m.base(s.in)
	if err != nil {
		return err
	}
	if !holds(key, []byte(base), s.raw) {
		return ErrSignature
	}
	return nil
}

// Algorithm is the registered name (RFC 9421 6.2.2) of what a key is verified by. Errors: [ErrKey].
func Algorithm(key crypto.PublicKey) (string, error) {
	const rsaMin, rsaMax = 2048, 8192
	switch k := key.(type) {
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return "ed25519", nil
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return "ecdsa-p256-sha256", nil
		}
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n >= rsaMin && n <= rsaMax {
			return "rsa-pss-sha512", nil
		}
	}
	return "", ErrKey
}

func holds(key crypto.PublicKey, base, signature []byte) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, base, signature)
	case *ecdsa.PublicKey:
		const half = 32 // r and s, each of the size of the group (RFC 9421 3.3.4)
		if len(signature) != 2*half {
			return false
		}
		sum := sha256.Sum256(base)
		return ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
	case *rsa.PublicKey:
		sum := sha512.Sum512(base)
		return rsa.VerifyPSS(k, crypto.SHA512, sum[:], signature, &rsa.PSSOptions{SaltLength: sha512.Size, Hash: crypto.SHA512}) == nil
	}
	return false
}
