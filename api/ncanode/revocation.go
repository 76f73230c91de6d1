package ncanode

import (
	"context"
	"slices"
	"strings"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// Services that NCANode asks for the state of a certificate.
const (
	byOCSP = "OCSP"
	byCRL  = "CRL"
)

// checked is the part of a request that says whom to ask.
type services []string

// check reads the list; nobody is asked by default.
func (s services) check() (*signer.RevocationCheck, error) {
	for _, name := range s {
		if name != byOCSP && name != byCRL {
			return nil, refuse(CodeRevocation, "revocationCheck takes OCSP and CRL")
		}
	}
	return &signer.RevocationCheck{OCSP: slices.Contains(s, byOCSP), CRL: slices.Contains(s, byCRL)}, nil
}

// revocation is the state of a certificate at one service. NCANode's member revoked is null where nothing is known.
type revocation struct {
	Revoked        *bool   `json:"revoked"`
	By             string  `json:"by"`
	RevocationTime *string `json:"revocationTime"`
	Reason         *string `json:"reason"`
	// Status is GOOD, REVOKED, UNKNOWN (the service does not know the certificate) or UNAVAILABLE.
	Status string `json:"status"`
}

// stateAt turns what a verdict knows of its first certificate into NCANode's form. by is whom the client had asked.
func stateAt(all []report.Revocation, by string) revocation {
	out := revocation{By: by, Status: "UNAVAILABLE"}
	if len(all) == 0 {
		return out
	}
	r := all[0]
	if r.Source != "" {
		out.By = strings.ToUpper(r.Source)
	}
	revoked := true
	switch r.Status {
	case "good", "exempt":
		revoked = false
		out.Revoked, out.Status = &revoked, "GOOD"
		if out.By == byOCSP {
			fine := "OK"
			out.Reason = &fine
		}
	case "revoked":
		out.Revoked, out.Status = &revoked, "REVOKED"
		word := screaming(r.RevocationReason)
		out.Reason = &word
		if r.RevokedAt != nil {
			at := stamp(*r.RevokedAt)
			out.RevocationTime = &at
		}
	case "unknown":
		// A client that looks at nothing else must not take a certificate that was never issued for a good one.
		word := "UNKNOWN"
		out.Revoked, out.Status, out.Reason = &revoked, word, &word
	}
	return out
}

// screaming turns keyCompromise into KEY_COMPROMISE, and cACompromise into CA_COMPROMISE.
func screaming(word string) string {
	upper := func(i int) bool { return i < len(word) && word[i] >= 'A' && word[i] <= 'Z' }
	var b strings.Builder
	for i := range len(word) {
		if upper(i) && i > 0 && (i > 1 && !upper(i-1) || i+1 < len(word) && !upper(i+1)) {
			b.WriteByte('_')
		}
		b.WriteByte(word[i])
	}
	return strings.ToUpper(b.String())
}

// asked is whose state is wanted.
type asked struct {
	cert  *pkix.Certificate
	chain []*pkix.Certificate // certificates that may lie above it
	at    time.Time           // zero: now
	check *signer.RevocationCheck
}

// revocations lists the state at each service that was asked for, lists first. known is what the verdict found with all of
// them; a verdict rests on one good answer, so where two are wanted each is asked by itself. refuted tells that one of
// them speaks against the certificate.
func (g *Gateway) revocations(ctx context.Context, a asked, known []report.Revocation) (out []revocation, refuted bool, err error) {
	switch {
	case a.check.OCSP && a.check.CRL:
		for _, only := range []signer.RevocationCheck{{CRL: true}, {OCSP: true}} {
			v, err := g.certificate(ctx, a, only)
			if err != nil {
				return nil, false, err
			}
			out = append(out, stateAt(v.Revocation, map[bool]string{true: byOCSP, false: byCRL}[only.OCSP]))
		}
	case a.check.OCSP:
		out = []revocation{stateAt(known, byOCSP)}
	case a.check.CRL:
		out = []revocation{stateAt(known, byCRL)}
	}
	for _, r := range out {
		refuted = refuted || r.Revoked != nil && *r.Revoked
	}
	return out, refuted, nil
}

// certificate judges a certificate alone.
func (g *Gateway) certificate(ctx context.Context, a asked, check signer.RevocationCheck) (signer.CertificateVerdict, error) {
	req := signer.CertificateRequest{Certificate: a.cert.Raw, At: a.at, Check: &check}
	for _, c := range a.chain[:min(len(a.chain), chainMax)] {
		req.Evidence = append(req.Evidence, c.Raw)
	}
	return g.cfg.Signer.ValidateCertificate(ctx, req)
}

// chainMax bounds the certificates of a document that are looked at again for one of them.
const chainMax = 16

// described is a certificate that was judged alone.
func (g *Gateway) described(ctx context.Context, c Call, a asked) (*certificateInfo, error) {
	v, err := g.certificate(ctx, a, *a.check)
	if err != nil {
		return nil, ofSigner(err)
	}
	revs, refuted, err := g.revocations(ctx, a, v.Revocation)
	if err != nil {
		return nil, ofSigner(err)
	}
	o := &outcome{v.Indication, v.Sub, reasonsIn(c.Language, v.Reasons), reasonsIn(c.Language, v.Remarks)}
	return describe(a.cert, revs, v.Indication == report.TotalPassed && !refuted, o), nil
}
