package path

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
)

// askOCSP collects what the OCSP responses say about a certificate (RFC 6960 3.2). Responses about other certificates
// are passed over in silence, unusable ones are listed.
func (v *validation) askOCSP(q question, info *RevocationInfo) []answer {
	var out []answer
	for _, o := range v.in.OCSP {
		if o == nil {
			continue
		}
		if o.Status != pkix.OCSPSuccessful {
			info.reject(evidence{source: SourceOCSP, object: o}, Problem{
				Code: CodeEvidenceStatus, Clause: "RFC 6960 4.2.1", Detail: "the responder answered " + o.Status.String(),
			})
			continue
		}
		for i := range o.Responses {
			s := &o.Responses[i]
			if !bytes.Equal(s.CertID.Serial, q.cert.Serial) {
				continue
			}
			e := evidence{source: SourceOCSP, object: o, this: s.ThisUpdate, next: s.NextUpdate}
			a, p := v.judgeOCSP(q, o, s, e)
			if p != nil {
				info.reject(e, *p)
			}
			if a != nil {
				out = append(out, *a)
			}
		}
	}
	return out
}

// judgeOCSP applies the acceptance rules of RFC 6960 3.2 to one single response. Both results are set when the response
// is too old to acquit.
func (v *validation) judgeOCSP(q question, o *pkix.OCSPResponse, s *pkix.SingleResponse, e evidence) (*answer, *Problem) {
	if p := v.checkOCSPForm(q, o, s); p != nil {
		return nil, p
	}
	times, stale := v.checkTimes(q, e)
	if times != nil && !stale {
		return nil, times
	}
	signer, p := v.responder(q, o)
	if p != nil {
		return nil, p
	}
	a := &answer{
		source: SourceOCSP, stale: stale, signer: signer, digests: []Digest{digestOf(o)},
		thisUpdate: s.ThisUpdate, nextUpdate: s.NextUpdate, producedAt: o.ProducedAt,
	}
	switch {
	case s.Status == pkix.CertUnknown, s.NeverIssued():
		a.status = StatusUnknown
	case s.Status == pkix.CertRevoked:
		a.status, a.revokedAt, a.reason, a.hasReason = StatusRevoked, s.RevokedAt, s.Reason, s.HasReason
	case s.ThisUpdate.After(q.cert.NotAfter) && (s.ArchiveCutoff.IsZero() || s.ArchiveCutoff.After(q.cert.NotAfter)):
		return nil, &Problem{
			Code: CodeEvidenceExpiredCert, Clause: "RFC 6960 4.4.4", Certificate: q.cert,
			Detail: "the certificate had expired when the response was made, and no archive cutoff reaches back to it",
		}
	default:
		a.status = StatusGood
	}
	return a, times
}

// checkOCSPForm checks what needs no key: the whole CertID, critical extensions, the nonce, and producedAt.
func (v *validation) checkOCSPForm(q question, o *pkix.OCSPResponse, s *pkix.SingleResponse) *Problem {
	if !s.CertID.Matches(q.cert, q.issuer) {
		return &Problem{
			Code: CodeEvidenceScope, Clause: "RFC 6960 3.2 (1)", Certificate: q.cert,
			Detail: "the response is about another issuer's certificate of this serial number",
		}
	}
	if unknown := slices.Concat(o.UnknownCritical, s.UnknownCritical); len(unknown) > 0 {
		return &Problem{
			Code: CodeEvidenceForm, Clause: "RFC 6960 4.4", Detail: "critical extension " + unknown[0] + " is not understood",
		}
	}
	if o.ProducedAt.After(v.in.EvidenceAt.Add(v.in.Revocation.Skew)) {
		return &Problem{
			Code: CodeEvidenceFuture, Clause: "RFC 6960 4.2.2.1",
			Detail: "produced on " + o.ProducedAt.Format(time.RFC3339) + ", which is in the future",
		}
	}
	return v.checkNonce(o)
}

func (v *validation) checkNonce(o *pkix.OCSPResponse) *Problem {
	if v.in.Nonces == nil {
		return nil
	}
	asked, ok := v.in.Nonces[o.Fingerprint()]
	if !ok || bytes.Equal(asked, o.Nonce) || o.Nonce == nil && !v.in.Revocation.RequireNonce {
		return nil
	}
	return &Problem{Code: CodeEvidenceNonce, Clause: "RFC 9654 2.1", Detail: "the response does not return the nonce asked for"}
}

// isResponder reports whether a certificate was issued to sign OCSP responses (RFC 6960 4.2.2.2). anyExtendedKeyUsage
// does not do.
func isResponder(c *pkix.Certificate) bool { return slices.Contains(c.EKU, pkix.EKUOCSPSigning) }

// responder finds the authorised signer of a response: the CA that issued the certificate, or one to which that CA
// itself, with the same key, delegated it (RFC 6960 4.2.2.2).
func (v *validation) responder(q question, o *pkix.OCSPResponse) (*pkix.Certificate, *Problem) {
	wrong := &Problem{
		Code: CodeEvidenceSigner, Clause: "RFC 6960 4.2.2.2", Detail: "no certificate of an authorised responder is at hand",
	}
	if o.NamedBy(q.issuer) {
		err := v.verify(q.issuer, o)
		if err == nil {
			return q.issuer, v.checkEvidenceAlgorithm(o.SignatureAlgorithm, q.issuer, v.provenAt(o))
		}
		wrong = evidenceSignature("RFC 6960 3.2 (2)", err)
	}
	for _, c := range slices.Concat(o.Certificates, v.in.Pool) {
		if c == nil || !o.NamedBy(c) || c.Equal(q.issuer) {
			continue
		}
		p := v.checkDelegate(q, o, c)
		if p == nil {
			return c, nil
		}
		wrong = p
	}
	return nil, wrong
}

func evidenceSignature(clause string, err error) *Problem {
	p := &Problem{Code: CodeEvidenceSignature, Clause: clause, Detail: err.Error()}
	if errors.Is(err, algo.ErrUnknownAlgorithm) || errors.Is(err, algo.ErrNotAllowed) {
		p.Code = CodeAlgorithm
	}
	return p
}

// checkDelegate checks a delegated responder's certificate and its signature over the response.
func (v *validation) checkDelegate(q question, o *pkix.OCSPResponse, c *pkix.Certificate) *Problem {
	p := &Problem{Code: CodeEvidenceSigner, Clause: "RFC 6960 4.2.2.2", Certificate: c}
	switch {
	case !isResponder(c):
		p.Detail = "the responder's certificate is not for signing OCSP responses"
		return p
	case !c.Issuer.Equal(q.issuer.Subject):
		p.Detail = "the responder's certificate is not issued by the CA itself"
		return p
	case c.HasKeyUsage && c.KeyUsage&(pkix.DigitalSignature|pkix.NonRepudiation) == 0:
		p.Detail = "the responder's key may not sign"
		return p
	case len(c.Defects) > 0 || len(c.UnknownCritical) > 0:
		p.Detail = "the responder's certificate is malformed or has an unknown critical extension"
		return p
	}
	if err := v.verify(q.issuer, c); err != nil {
		p.Detail = "the responder's certificate is not signed by the CA's key: " + err.Error()
		return p
	}
	at := v.provenAt(o)
	if at.Before(c.NotBefore) || at.After(c.NotAfter) {
		p.Code, p.Clause = CodeEvidenceSignerDates, "EN 319 102-1 5.2.6.4"
		p.Detail = fmt.Sprintf("the responder's certificate is valid from %s until %s",
			c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
		return p
	}
	if err := v.verify(c, o); err != nil {
		return evidenceSignature("RFC 6960 3.2 (2)", err)
	}
	if weak := v.checkEvidenceAlgorithm(o.SignatureAlgorithm, c, at); weak != nil {
		return weak
	}
	return v.checkResponderStatus(q, c)
}

// checkResponderStatus looks at the revocation of a delegated responder that is not marked with ocsp-nocheck (RFC 6960
// 4.2.2.2.1).
func (v *validation) checkResponderStatus(q question, c *pkix.Certificate) *Problem {
	mode := IfAvailable
	if v.in.Revocation.CheckResponders {
		mode = Required
	}
	info := v.statusOf(question{cert: c, issuer: q.issuer, path: q.path, anchor: q.anchor}, mode)
	if statusSuffices(info.Status) || info.Status == StatusUnavailable && mode == IfAvailable {
		return nil
	}
	return &Problem{
		Code: CodeEvidenceSigner, Clause: "RFC 6960 4.2.2.2.1", Certificate: c,
		Detail: "the responder's certificate has the status " + string(info.Status),
	}
}
