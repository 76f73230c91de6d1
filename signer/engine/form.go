package engine

import (
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// form is a signature as the engine sees it, whatever the document is made of. Chains, revocation, time and the rules for
// keys are the same for all forms; what differs stands here. Implementations are immutable once opened.
type form interface {
	// about tells what stands in the signature.
	about() about
	// candidates are the certificates of a pool that may be the signer's, best first. It makes no public-key operation.
	candidates(pool []*pkix.Certificate) []*pkix.Certificate
	// verify judges every rule of the signature for a certificate; nil leaves what needs one undecided. It makes at most
	// two public-key operations.
	verify(cert *pkix.Certificate) cms.Checks
	// cover tells what is signed, given the outcomes of verify. A signature that covers nothing, or not what its form must
	// cover, is a finding.
	cover(checks cms.Checks, out *report.Signature, f *findings)
}

// about is what a signature says of itself, before anything is verified.
type about struct {
	level     string
	claimedAt time.Time      // zero: nothing is claimed
	algorithm algo.Signature // with hashes, where known
	hashes    []algo.Hash    // those besides the algorithm's own
	known     bool           // false: the algorithms are a finding of verify
	value     []byte         // octets of the signature: what a signature time stamp is over

	policy     *cms.SignaturePolicy // that the signer names; nil: none
	attributes []report.Attribute   // to be shown
}

func (s about) describe(out *report.Signature) {
	out.Level, out.Algorithm = s.level, s.algorithm.Name
	if out.Algorithm == "" {
		out.Algorithm = "unknown"
	}
	if !s.claimedAt.IsZero() {
		t := s.claimedAt.UTC()
		out.ClaimedAt = &t
	}
	out.Attributes = s.attributes
}
