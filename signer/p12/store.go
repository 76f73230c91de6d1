package p12

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"qaqpa/signer/pkix"
)

// Store is what a file holds.
type Store struct {
	Entries []Entry // the private keys, in the order of the file
	// Certificates are those that belong to no key of the file, in its order.
	Certificates []*pkix.Certificate
	// Authenticated tells that a MAC vouches for the contents. Where false the file had none.
	Authenticated bool
}

// Entry is a private key with what belongs to it. It hides the key from fmt, JSON and logs.
type Entry struct {
	// Alias is the name to choose the key by: the friendly name, else the local key id in hexadecimal, else the
	// certificate's SHA-256 fingerprint, else the number of the key, from 1.
	Alias        string
	FriendlyName string
	LocalKeyID   []byte
	// Key is *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey or *gost.PrivateKey, whose Sign gives the national
	// byte order.
	Key crypto.Signer
	// Certificate holds the key's public key; nil where the file has none.
	Certificate *pkix.Certificate
	// Chain leads on from Certificate, as far as the file goes: issuers matched by name, signatures unchecked.
	Chain []*pkix.Certificate
}

// String names the entry and the kind of its key.
func (e Entry) String() string { return fmt.Sprintf("key %q (%T, hidden)", e.Alias, e.Key) }

// Format keeps the key out of every verb of fmt, and so out of text logs.
func (e Entry) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, e.String()) }

// MarshalJSON keeps the key out of JSON, and so out of JSON logs.
func (e Entry) MarshalJSON() ([]byte, error) { return []byte(`"key hidden"`), nil }

// Aliases are the names of the keys, in the order of the file.
func (s *Store) Aliases() []string {
	out := make([]string, len(s.Entries))
	for i := range s.Entries {
		out[i] = s.Entries[i].Alias
	}
	return out
}

// Find gives the one key under an alias, its letters compared exactly and, where nothing is found so, without regard to
// case, as Java's key stores do. ErrAlias: there is none, or there are several.
func (s *Store) Find(alias string) (*Entry, error) {
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		var found *Entry
		for i := range s.Entries {
			if !same(s.Entries[i].Alias, alias) {
				continue
			}
			if found != nil {
				return nil, ErrAlias
			}
			found = &s.Entries[i]
		}
		if found != nil {
			return found, nil
		}
	}
	return nil, ErrAlias
}

// store puts keys and certificates together.
func (d *reading) store(authenticated bool) (*Store, error) {
	s := &Store{Authenticated: authenticated}
	used := make([]bool, len(d.certs))
	for i, k := range d.keys {
		e := Entry{FriendlyName: k.friendly, LocalKeyID: k.localID, Key: k.key}
		at, err := d.certificateOf(k)
		if err != nil {
			return nil, err
		}
		if at >= 0 {
			used[at] = true
			e.Certificate = d.certs[at].cert
			e.Chain = d.chain(e.Certificate)
			if e.FriendlyName == "" {
				e.FriendlyName = d.certs[at].friendly
			}
		}
		e.Alias = e.alias(i)
		s.Entries = append(s.Entries, e)
	}
	for i, c := range d.certs {
		if !used[i] {
			s.Certificates = append(s.Certificates, c.cert)
		}
	}
	return s, nil
}

// certificateOf finds the certificate of a key: one that holds its public key, with the same local key id if there are
// several. A certificate that claims the key's id for another public key is ErrKeyMismatch: a signature made with this
// key would pass for another person's and fail.
func (d *reading) certificateOf(k keyItem) (int, error) {
	found, claimed := -1, error(nil)
	for i, c := range d.certs {
		named := k.localID != nil && bytes.Equal(c.localID, k.localID)
		if !c.cert.PublicKey.Matches(k.key.Public()) {
			if named {
				claimed = mismatch(c.cert)
			}
			continue
		}
		if named {
			return i, nil
		}
		if found < 0 {
			found = i
		}
	}
	if found < 0 && claimed != nil {
		return 0, claimed
	}
	return found, nil
}

// mismatch says why a certificate is not that of the key whose id it bears.
func mismatch(c *pkix.Certificate) error {
	if c.PublicKeyErr != nil {
		return fmt.Errorf("%w: public key of the certificate: %w", ErrUnsupported, c.PublicKeyErr)
	}
	return ErrKeyMismatch
}

// maxChain bounds the chain of one key.
const maxChain = 16

func (d *reading) chain(leaf *pkix.Certificate) []*pkix.Certificate {
	var out []*pkix.Certificate
	for at := leaf; len(out) < maxChain && !bytes.Equal(at.RawIssuer, at.RawSubject); {
		next := d.issuer(at)
		if next == nil {
			break
		}
		out = append(out, next)
		at = next
	}
	return out
}

func (d *reading) issuer(of *pkix.Certificate) *pkix.Certificate {
	for _, c := range d.certs {
		if c.cert != of && bytes.Equal(c.cert.RawSubject, of.RawIssuer) {
			return c.cert
		}
	}
	return nil
}

// alias chooses the name of the i-th key.
func (e *Entry) alias(i int) string {
	switch {
	case e.FriendlyName != "":
		return e.FriendlyName
	case len(e.LocalKeyID) > 0:
		return hex.EncodeToString(e.LocalKeyID)
	case e.Certificate != nil:
		f := e.Certificate.Fingerprint()
		return hex.EncodeToString(f[:])
	}
	return fmt.Sprintf("key %d", i+1)
}
