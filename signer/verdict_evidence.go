package signer

import (
	"context"

	"qaqpa/signer/path"
)

// VerdictEvidence returns a stored verdict with the bodies of the evidence that was gathered for it, and the certificates of the trust store on its paths, in DER:
// what the document brought itself is not among them, nor the document, nor what has more than bytesMax bytes: national lists have tens of millions. Errors:
// ErrVerdictNotFound, ErrNoDatabase.
func (s *Service) VerdictEvidence(ctx context.Context, id string, bytesMax int) (Verdict, [][]byte, error) {
	v, err := s.Verdict(ctx, id)
	if err != nil {
		return Verdict{}, nil, err
	}
	var wanted []path.Digest
	for _, e := range v.Evidence {
		if d, ok := digestOf(e.SHA256); ok && e.Source != "document" && !isSubject(e) && !isPolicy(e) {
			wanted = append(wanted, d)
		}
	}
	found, err := s.evidenceUpTo(ctx, wanted, bytesMax)
	if err != nil {
		return Verdict{}, nil, err
	}
	var out [][]byte
	for _, d := range wanted { // in the order of the verdict, each once
		if body, ok := found[d]; ok {
			out = append(out, body)
			delete(found, d)
		}
	}
	return v, append(out, s.chainsOf(v)...), nil
}

// chainsOf lists the authorities on a verdict's paths that the trust store knows. Who judges elsewhere has the anchors, and not always those between.
func (s *Service) chainsOf(v Verdict) [][]byte {
	wanted := map[string]bool{}
	for _, signature := range v.Signatures {
		for _, c := range signature.Chain {
			wanted[c.SHA256] = !c.Anchor
		}
	}
	var out [][]byte
	for _, c := range s.cfg.Trust.Pool() {
		if d := hexOf(c.Fingerprint()); wanted[d] {
			out = append(out, c.Raw)
			delete(wanted, d)
		}
	}
	return out
}
