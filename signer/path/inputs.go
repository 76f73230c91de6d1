package path

import (
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
)

// Anchor is a certification authority that is trusted from outside.
type Anchor struct {
	Certificate *pkix.Certificate
	// NotBefore and NotAfter bound the trust itself, such as the accreditation of a CA (R25): At must lie between them,
	// both included. Zero: no bound.
	NotBefore, NotAfter time.Time
	// IgnoreDates leaves the validity of the anchor's certificate out of account.
	IgnoreDates bool
	// NameConstraints narrow those of the certificate; nil: no more.
	NameConstraints *pkix.NameConstraints
	// Policies are those that the anchor is trusted for (RFC 5937): a path must be valid under one. nil: all, or none.
	Policies []string
	// EKU are the purposes that the anchor is trusted for; nil: all. A leaf must name one of them, or none at all.
	EKU []string
}

// Mode says how much the revocation of a certificate matters.
type Mode uint8

// Modes.
const (
	// Required: anything but good evidence leaves the result INDETERMINATE.
	Required Mode = iota
	// IfAvailable: bad evidence counts, absence of any is reported and tolerated.
	IfAvailable
	// Off: not looked at.
	Off
)

// Revocation is the policy of revocation checking. The zero value demands it for every certificate.
type Revocation struct {
	Leaf Mode
	CA   Mode // of intermediate certificates, and of separate signers of CRLs
	// MaxAge and MaxAgeCA bound how long before At evidence about the leaf, or about other certificates, may have been
	// made, even where its nextUpdate is later; zero: nextUpdate alone decides.
	MaxAge, MaxAgeCA time.Duration
	// MaxAgeOpen bounds the age of evidence without nextUpdate; zero: 24 hours.
	MaxAgeOpen time.Duration
	// Skew is by how much evidence may be younger than EvidenceAt, since clocks differ; zero: 5 minutes.
	Skew time.Duration
	// CheckResponders demands the status of delegated OCSP responders that are not marked with ocsp-nocheck. Without it,
	// evidence about them counts and its absence is tolerated: RFC 6960 4.2.2.2.1 leaves that to local policy, and
	// responders without the mark for which no other evidence exists are in use.
	CheckResponders bool
	// RequireNonce refuses an OCSP response that omits the nonce asked for (see Inputs.Nonces).
	RequireNonce bool
}

// Defaults of Revocation.
const (
	DefaultMaxAgeOpen = 24 * time.Hour
	DefaultSkew       = 5 * time.Minute
)

// PolicyInputs are the policy inputs of RFC 5280 6.1.1.
type PolicyInputs struct {
	Initial          []string // user-initial-policy-set; nil: any policy
	Explicit         bool     // initial-explicit-policy
	MappingInhibited bool     // initial-policy-mapping-inhibit
	AnyInhibited     bool     // initial-any-policy-inhibit
}

// Budget bounds the work of one validation. A zero field takes the value of [DefaultBudget].
type Budget struct {
	Depth      int // certificates of a path, the anchor included, self-issued intermediate ones not
	Steps      int // certificates considered while building
	Signatures int // signatures verified, remembered ones not counted
	Octets     int // octets hashed for those signatures: lists are large
	Names      int // comparisons of a name with a constraint
	Paths      int // complete paths that are validated
}

// DefaultBudget is ample for real hierarchies: the deepest in use have six levels.
func DefaultBudget() Budget {
	return Budget{Depth: 16, Steps: 4096, Signatures: 256, Octets: 128 << 20, Names: 1 << 18, Paths: 32}
}

// Inputs are everything that a judgement rests on. Leaf, Anchors and At are obligatory.
type Inputs struct {
	Leaf    *pkix.Certificate
	Pool    []*pkix.Certificate // certificates that may be part of a path; none is trusted
	Anchors []Anchor

	At          time.Time // the instant that is asked about
	EvidenceAt  time.Time // when the evidence is known to exist; zero: At
	SignedAfter time.Time // the signature is proven to be made not before this; zero: nothing is proven
	// SignedBefore: the signature is proven to be made not after this (a time stamp); zero: nothing is proven.
	SignedBefore time.Time

	CRLs []*pkix.CRL
	OCSP []*pkix.OCSPResponse
	// Proofs are earlier times by which a piece of evidence is proven to exist, by its digest. The signer of the evidence
	// is judged then, and at EvidenceAt where nothing is proven.
	Proofs map[Digest]time.Time
	// Nonces are those that were asked for, by the digest of the response. A response with another nonce is refused.
	Nonces map[Digest][]byte

	Revocation Revocation
	Policy     PolicyInputs
	// KeyUsage: bits that a leaf with the Key Usage extension must have.
	KeyUsage pkix.KeyUsage
	// EKU: purposes of which a leaf with the Extended Key Usage extension must name one, anyExtendedKeyUsage included.
	EKU []string
	// Strict also demands what RFC 5280 4 demands of those who issue certificates (key identifiers, criticality, serial
	// numbers), and not only what 6 demands of those who validate.
	Strict bool
	// KnownCritical are critical extensions that the caller understands, beside those of package pkix.
	KnownCritical []string
	// Algorithms judges strength at At; nil: every algorithm that can be verified is good enough.
	Algorithms *algo.Reliability

	Budget Budget
	Memo   *Memo // remembers verified signatures across calls; nil: none
}

func (in *Inputs) withDefaults() Inputs {
	out := *in
	if out.EvidenceAt.IsZero() {
		out.EvidenceAt = out.At
	}
	if out.Revocation.MaxAgeOpen == 0 {
		out.Revocation.MaxAgeOpen = DefaultMaxAgeOpen
	}
	if out.Revocation.Skew == 0 {
		out.Revocation.Skew = DefaultSkew
	}
	d := DefaultBudget()
	b := &out.Budget
	for _, f := range []struct{ at, value *int }{
		{&b.Depth, &d.Depth},
		{&b.Steps, &d.Steps},
		{&b.Signatures, &d.Signatures},
		{&b.Octets, &d.Octets},
		{&b.Names, &d.Names},
		{&b.Paths, &d.Paths},
	} {
		if *f.at == 0 {
			*f.at = *f.value
		}
	}
	return out
}
