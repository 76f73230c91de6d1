package engine

import (
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/trust"
)

// Setting is under which circumstances a document is judged. It is immutable and may be shared.
type Setting struct {
	// At is the time in question; Now is when the evidence is at hand, not before At.
	At, Now time.Time
	// Trust is whom to believe.
	Trust *Trust
	// Policy is by which rules.
	Policy Policy
	// Algorithms tells until when algorithms are reliable; nil: the built-in table.
	Algorithms *algo.Reliability
	// Memo remembers verified signatures; nil: none.
	Memo *path.Memo
	// Known remembers certificates; nil: none.
	Known *Known
	// Chains remembers verdicts about paths; nil: none.
	Chains *Chains
}

// complete fills in the table of algorithms: the policy's own goes before all others.
func (s Setting) complete() Setting {
	switch {
	case s.Policy.Algorithms != nil:
		s.Algorithms = s.Policy.Algorithms
	case s.Algorithms == nil:
		s.Algorithms = algo.DefaultReliability()
	}
	return s
}

// Trust is a trust store as the engine uses it.
type Trust struct {
	mode, digest string
	anchors      []path.Anchor
	pool         []*pkix.Certificate
	listed       map[path.Digest]bool
	foreign      map[string]trust.Authority // by the digest of their certificates, in hexadecimal
}

// NewTrust prepares a store for many judgements.
func NewTrust(s *trust.Store) *Trust {
	t := &Trust{mode: string(s.Mode()), digest: s.Digest(), pool: s.Pool(), listed: map[path.Digest]bool{}, foreign: map[string]trust.Authority{}}
	for _, a := range s.Authorities() {
		t.listed[a.Certificate.Fingerprint()] = true
	}
	for _, a := range s.Anchors() {
		anchor := path.Anchor{Certificate: a.Certificate, EKU: a.Purposes, Policies: a.Policies}
		if a.Profile == trust.ThirdParty {
			t.foreign[hexOf(a.Certificate.Fingerprint())] = a
		}
		// Bounds that are the certificate's own say nothing more: then "expired" is the better word.
		if !a.TrustedFrom.Equal(a.Certificate.NotBefore) {
			anchor.NotBefore = a.TrustedFrom
		}
		if !a.TrustedUntil.Equal(a.Certificate.NotAfter) {
			anchor.NotAfter = a.TrustedUntil
		}
		t.anchors = append(t.anchors, anchor)
	}
	return t
}

// Evidence is what was gathered beside the document. The zero Evidence is none.
type Evidence struct {
	Certificates []*pkix.Certificate
	CRLs         []*pkix.CRL
	OCSP         []*pkix.OCSPResponse
	// Nonces are those asked for, by the digest of the response.
	Nonces map[path.Digest][]byte
	// Published marks the CRLs that came from where certificates say: only their being out of date is a fault of the
	// authority. A document may carry old ones.
	Published map[path.Digest]bool
	// Missing are the fetches that brought nothing.
	Missing []Missing
}

// Missing is a fetch that failed.
type Missing struct {
	// Certificate is whose status or issuer was wanted.
	Certificate path.Digest
	Kind, URL   string
	Failure     string
}
