package engine

import (
	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// form is a signature as the engine sees it, whatever the document is made of. Chains, revocation, time and the rules for
// keys are the same for all forms; what differs stands here. Implementations are immutable once opened.
type form interface {
	// describe fills in the level, the claimed time and the name of the algorithm.
	describe(out *report.Signature)
	// candidates are the certificates of a pool that may be the signer's, best first. It makes no public-key operation.
	candidates(pool []*pkix.Certificate) []*pkix.Certificate
	// verify judges every rule of the signature for a certificate; nil leaves what needs one undecided. It makes at most
	// two public-key operations.
	verify(cert *pkix.Certificate) cms.Checks
	// cover tells what is signed, given the outcomes of verify. A signature that covers nothing, or not what its form must
	// cover, is a finding.
	cover(checks cms.Checks, out *report.Signature, f *findings)
	// algorithms are the signature algorithm and the hashes besides it; false when they are a finding already.
	algorithms() (algo.Signature, []algo.Hash, bool)
	// value is the octets of the signature: what a signature time stamp is over.
	value() []byte
}
