package ncanode

import (
	"context"
	"encoding/hex"
	"slices"

	"qaqpa/signer"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// verification is the answer to everything that is verified.
type verification struct {
	done
	Valid   bool               `json:"valid"`
	Signers []*certificateInfo `json:"signers"`
	outcome
}

// pool are the certificates that a document carries, by fingerprint.
type pool map[string]*pkix.Certificate

func (p pool) add(ders ...[]byte) {
	for _, der := range ders {
		if c, err := pkix.ParseCertificate(der); err == nil {
			id := c.Fingerprint()
			p[hex.EncodeToString(id[:])] = c
		}
	}
}

// judged is one signature with its certificate as NCANode describes it.
type judged struct {
	info    *certificateInfo // nil where the certificate is not in the document
	outcome outcome
	valid   bool
}

// signature describes a signature: its certificate, the state of that at the services asked for, and what is wrong.
func (g *Gateway) signature(ctx context.Context, c Call, s signer.SignatureVerdict, p pool, check *signer.RevocationCheck) (judged, error) {
	out := judged{
		outcome: outcome{s.Indication, s.Sub, reasonsIn(c.Language, s.Reasons), reasonsIn(c.Language, s.Remarks)},
		valid:   s.Indication == report.TotalPassed,
	}
	if s.Signer == nil || p[s.Signer.CertificateSHA256] == nil {
		return out, nil
	}
	a := asked{cert: p[s.Signer.CertificateSHA256], check: check}
	for _, link := range s.Chain {
		if above := p[link.SHA256]; above != nil && above != a.cert {
			a.chain = append(a.chain, above)
		}
	}
	if s.TimeProven {
		a.at = s.BestAt
	}
	revs, refuted, err := g.revocations(ctx, a, s.Revocation)
	if err != nil {
		return out, ofSigner(err)
	}
	out.valid = out.valid && !refuted
	out.info = describe(a.cert, revs, out.valid, nil)
	return out, nil
}

// summary is what a verdict says as a whole: its own reasons, then those of the signatures, each code once.
func summary(c Call, v signer.Verdict) outcome {
	out := outcome{Indication: v.Indication, SubIndication: v.Sub, Notes: reasonsIn(c.Language, v.Remarks)}
	all := slices.Clone(v.Reasons)
	for _, s := range v.Signatures {
		all = append(all, s.Reasons...)
	}
	seen := map[report.Code]bool{}
	once := make([]report.Reason, 0, len(all))
	for _, r := range all {
		if !seen[r.Code] {
			seen[r.Code] = true
			once = append(once, r)
		}
	}
	out.Problems = reasonsIn(c.Language, once)
	return out
}

// add puts a reason of this interface's own into the summary.
func (o *outcome) add(c Call, code report.Code, detail string) {
	o.Problems = append(o.Problems, reasonsIn(c.Language, []report.Reason{report.New(code, "", detail)})...)
}
