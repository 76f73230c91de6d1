package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"qaqpa/signer/pkix"
)

// Mode says which of the shipped authorities a Store holds.
type Mode string

// Modes of a Store.
const (
	// Production: the root authorities of Kazakhstan and the authorities below them.
	Production Mode = "production"
	// Test: the test authorities of the national CA. Verdicts made with such a store say so.
	Test Mode = "test"
	// Custom: nothing that is shipped, only what Config names.
	Custom Mode = "custom"
)

// Errors of New; they come wrapped.
var (
	// ErrMode: there is no such mode.
	ErrMode = errors.New("unknown trust mode")
	// ErrTestAuthority: a test authority of the national CA was given for production.
	ErrTestAuthority = errors.New("a test authority is not trusted in production")
	// ErrNoAnchor: nobody would be trusted.
	ErrNoAnchor = errors.New("no trust anchor")
	// ErrTwice: a key is that of a national and of a foreign authority.
	ErrTwice = errors.New("an authority is national and foreign at once")
)

// Config of a Store.
type Config struct {
	// Mode chooses the shipped authorities; obligatory.
	Mode Mode
	// Anchors are further anchors, each a file's content: PEM with one or more certificates, or one DER certificate. Each is
	// trusted within its own validity.
	Anchors [][]byte
	// Intermediates are further certificates that may be part of a path, in the same forms.
	Intermediates [][]byte
	// Lists are trust lists of the operator (JSON): anchors with times and bounds of their trust, those of other states among
	// them; see doc.go.
	Lists [][]byte
}

// Role is what an authority is to a Store.
type Role string

// Roles of authorities.
const (
	RoleAnchor       Role = "anchor"
	RoleIntermediate Role = "intermediate"
)

// Authority is one member of a Store.
type Authority struct {
	// Name is that of the shipped list, or "configured".
	Name        string
	Role        Role
	Certificate *pkix.Certificate
	// TrustedFrom and TrustedUntil bound the trust, both inclusive.
	TrustedFrom, TrustedUntil time.Time
	// Source is where the certificate was published; empty for configured ones.
	Source string
	// Profile is National for all but what a trust list says.
	Profile Profile
	// Territory is the state (ISO 3166-1) of a ThirdParty.
	Territory string
	// Purposes (extended key usages) and Policies, dotted OIDs, are those for which an anchor is trusted; nil: all.
	Purposes, Policies []string
}

// Store is an immutable set of anchors and intermediate authorities. Safe for concurrent use; callers must not change
// the slices that it returns.
type Store struct {
	mode        Mode
	authorities []Authority
	anchors     []Authority
	pool        []*pkix.Certificate
	digest      string
}

// New makes a Store of what is shipped for the mode and what the operator adds. Errors: ErrMode, ErrTestAuthority,
// ErrNoAnchor, ErrList, ErrTwice, or that of reading a certificate.
func New(cfg Config) (*Store, error) {
	s := &Store{mode: cfg.Mode}
	switch cfg.Mode {
	case Production, Test:
		shipped, err := shippedFor(cfg.Mode)
		if err != nil {
			return nil, err
		}
		s.authorities = shipped
	case Custom:
	default:
		return nil, fmt.Errorf("%w: %q", ErrMode, cfg.Mode)
	}
	for _, given := range []struct {
		role  Role
		files [][]byte
	}{{RoleAnchor, cfg.Anchors}, {RoleIntermediate, cfg.Intermediates}} {
		for i, file := range given.files {
			if err := s.add(given.role, file); err != nil {
				return nil, fmt.Errorf("couldn't take %s %d: %w", given.role, i+1, err)
			}
		}
	}
	for i, file := range cfg.Lists {
		if err := s.addList(file); err != nil {
			return nil, fmt.Errorf("couldn't take trust list %d: %w", i+1, err)
		}
	}
	s.index()
	if len(s.anchors) == 0 {
		return nil, ErrNoAnchor
	}
	return s, nil
}

// addList takes the anchors of a trust list. The key of a foreign authority must be no national one's: else it would depend on
// the way of a path whether a number in a certificate is an IIN.
func (s *Store) addList(file []byte) error {
	list, err := readList(file)
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := s.refuseTest(a.Certificate); err != nil {
			return err
		}
		for _, b := range s.authorities {
			if a.Profile != b.Profile && bytes.Equal(a.Certificate.RawSPKI, b.Certificate.RawSPKI) {
				return fmt.Errorf("%w: %s, %s", ErrTwice, a.Name, b.Name)
			}
		}
		s.authorities = append(s.authorities, a)
	}
	return nil
}

func (s *Store) add(role Role, file []byte) error {
	certs, err := pkix.ParsePEMOrDER(file)
	if err != nil {
		return err
	}
	for _, c := range certs {
		if err := s.refuseTest(c); err != nil {
			return err
		}
		s.authorities = append(s.authorities, Authority{
			Name: "configured", Role: role, Certificate: c, TrustedFrom: c.NotBefore, TrustedUntil: c.NotAfter, Profile: National,
		})
	}
	return nil
}

// refuseTest knows test authorities by their key, so that neither another certificate for it nor another name helps.
func (s *Store) refuseTest(c *pkix.Certificate) error {
	if s.mode != Production {
		return nil
	}
	test, err := shippedFor(Test)
	if err != nil {
		return err
	}
	for _, a := range test {
		if bytes.Equal(a.Certificate.RawSPKI, c.RawSPKI) {
			return fmt.Errorf("%w: %s", ErrTestAuthority, c.Subject)
		}
	}
	return nil
}

// index makes what a path is built from, and the digest that names the snapshot.
func (s *Store) index() {
	h := sha256.New()
	for _, a := range s.authorities {
		print := a.Certificate.Fingerprint()
		fmt.Fprintf(h, "%s %x %d %d\n", a.Role, print, a.TrustedFrom.Unix(), a.TrustedUntil.Unix())
		if a.Profile != National || a.Purposes != nil || a.Policies != nil {
			fmt.Fprintf(h, "%s %q %q %q\n", a.Profile, a.Territory, a.Purposes, a.Policies)
		}
		s.pool = append(s.pool, a.Certificate)
		if a.Role == RoleAnchor {
			s.anchors = append(s.anchors, a)
		}
	}
	s.digest = hex.EncodeToString(h.Sum(nil))
}

// Mode tells which authorities the store was made of.
func (s *Store) Mode() Mode { return s.mode }

// BelievesPeople tells whether certificates of real people are believed: an anchor has the key of an authority that is shipped for production, whatever
// the mode.
func (s *Store) BelievesPeople() (bool, error) {
	national, err := shippedFor(Production)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(s.anchors, func(anchor Authority) bool {
		return slices.ContainsFunc(national, func(a Authority) bool { return bytes.Equal(a.Certificate.RawSPKI, anchor.Certificate.RawSPKI) })
	}), nil
}

// Anchors are the trusted authorities.
func (s *Store) Anchors() []Authority { return s.anchors }

// Pool are all certificates, of anchors and intermediates, from which a path may be built.
func (s *Store) Pool() []*pkix.Certificate { return s.pool }

// Authorities lists all members, anchors of the shipped list first.
func (s *Store) Authorities() []Authority { return slices.Clone(s.authorities) }

// Digest names the snapshot: the SHA-256 (hex) over roles, certificates, times and bounds of trust. A verdict keeps it.
func (s *Store) Digest() string { return s.digest }
