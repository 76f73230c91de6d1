package revoked

import (
	"encoding/hex"
	"fmt"
	"time"

	"qaqpa/signer/pkix"
)

// Extract is what one list says about one certificate: enough to know on which evidence a verdict rests, in some hundred octets
// where the list has twenty million. It is a statement of the gateway: what proves it is the list, which is named by its
// digest and kept once. Times are UTC; octets are lower-case hexadecimal.
type Extract struct {
	ListSHA256    string     `json:"list_sha256"`
	ListSizeBytes int        `json:"list_size_bytes"`
	ListEntries   int        `json:"list_entries"`
	Issuer        string     `json:"issuer"` // in the manner of RFC 4514
	Delta         bool       `json:"delta,omitempty"`
	Number        string     `json:"number,omitempty"`      // CRL number, contents of the INTEGER
	BaseNumber    string     `json:"base_number,omitempty"` // of a delta's base
	ThisUpdate    time.Time  `json:"this_update"`
	NextUpdate    *time.Time `json:"next_update,omitempty"`
	// SignerSHA256 is the certificate whose key verified the list.
	SignerSHA256 string `json:"signer_sha256"`
	// Serial is the serial number that was looked up, contents of the INTEGER.
	Serial string `json:"serial"`
	// Listed tells whether the list names the certificate; the fields below are empty when it does not. A delta that says
	// removeFromCRL names it too.
	Listed    bool       `json:"listed"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	Reason    string     `json:"reason,omitempty"` // RFC 5280 5.3.1; absent where the entry has none
}

// Extract tells what the list says about a certificate of an issuer.
func (l *List) Extract(issuer pkix.Name, serial []byte) Extract {
	signer := l.Signer.Fingerprint()
	return extractOf(l.crl, signer, issuer, serial)
}

func extractOf(crl *pkix.CRL, signer Digest, issuer pkix.Name, serial []byte) Extract {
	sum := crl.Fingerprint()
	x := Extract{
		ListSHA256: hex.EncodeToString(sum[:]), ListSizeBytes: len(crl.Raw), ListEntries: crl.Len(), Issuer: crl.Issuer.String(),
		Delta: crl.Delta, Number: hex.EncodeToString(crl.Number), BaseNumber: hex.EncodeToString(crl.BaseNumber),
		ThisUpdate: crl.ThisUpdate.UTC(), SignerSHA256: hex.EncodeToString(signer[:]), Serial: hex.EncodeToString(serial),
	}
	if !crl.NextUpdate.IsZero() {
		next := crl.NextUpdate.UTC()
		x.NextUpdate = &next
	}
	for _, e := range crl.Lookup(issuer, serial) {
		at := e.RevokedAt.UTC()
		if x.Listed && !at.Before(*x.RevokedAt) {
			continue
		}
		x.Listed, x.RevokedAt, x.Reason = true, &at, ""
		if e.HasReason {
			x.Reason = e.Reason.String()
		}
	}
	return x
}

// Check proves an extract against its list: the octets, the signer and what they say about a certificate of this issuer. It
// returns nil, ErrSignature, or ErrExtract with what differs.
func (x Extract) Check(list *pkix.CRL, signer *pkix.Certificate, issuer pkix.Name) error {
	serial, err := hex.DecodeString(x.Serial)
	if err != nil {
		return fmt.Errorf("%w: serial number %q", ErrExtract, x.Serial)
	}
	if err := list.CheckSignature(signer.PublicKey, signer.PublicKeyErr); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	want := extractOf(list, signer.Fingerprint(), issuer, serial)
	switch {
	case x.ListSHA256 != want.ListSHA256:
		return fmt.Errorf("%w: the list is %s", ErrExtract, want.ListSHA256)
	case x.Listed != want.Listed || x.Reason != want.Reason || !sameTime(x.RevokedAt, want.RevokedAt):
		return fmt.Errorf("%w: the list says something else about %s", ErrExtract, x.Serial)
	}
	x.RevokedAt, want.RevokedAt = nil, nil
	if !sameTime(x.NextUpdate, want.NextUpdate) || !x.ThisUpdate.Equal(want.ThisUpdate) {
		return fmt.Errorf("%w: the times of the list differ", ErrExtract)
	}
	x.NextUpdate, want.NextUpdate, x.ThisUpdate = nil, nil, want.ThisUpdate
	if x != want {
		return fmt.Errorf("%w: the description of the list differs", ErrExtract)
	}
	return nil
}

func sameTime(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// Extracts tells what each current list of an issuer says about a certificate of it.
func (s *Store) Extracts(issuer pkix.Name, serial []byte) []Extract {
	at := (*s.shelves.Load())[issuer.Key()]
	if at == nil {
		return nil
	}
	var out []Extract
	for _, l := range at.lists {
		out = append(out, l.Extract(issuer, serial))
	}
	return out
}
