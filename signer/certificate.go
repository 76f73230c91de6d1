package signer

import (
	"context"
	"fmt"
	"time"

	"qaqpa/signer/engine"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// CertificateVerdict is the result of validating a certificate alone.
type CertificateVerdict = report.CertificateVerdict

// CertificateDemands are inputs of path validation (RFC 5280 6.1.1) that a caller may set.
type CertificateDemands = engine.Demands

// CertificateRequest is what ValidateCertificate judges.
type CertificateRequest struct {
	// Certificate is one certificate, DER, PEM or base64. PEM may hold those above it as well, after it.
	Certificate []byte
	// Evidence is as in ValidateRequest.
	Evidence [][]byte
	// At is the time to judge for; zero means now. It may not lie in the future.
	At time.Time
	// Policy names the rules to judge by, PolicyDocument brings them; both empty: those of the service.
	Policy         string
	PolicyDocument []byte
	// Demands are what the caller wants of the path beyond the policy.
	Demands CertificateDemands
	// Check, where not nil, takes the place of Config.Revocation.
	Check *RevocationCheck
}

// ValidateCertificate judges a certificate without a document: chain, dates, revocation. Nothing is stored. Errors:
// ErrRequest, ErrTooLarge, the context's. Safe for concurrent use.
func (s *Service) ValidateCertificate(ctx context.Context, req CertificateRequest) (CertificateVerdict, error) {
	given, err := s.check(ValidateRequest{Document: req.Certificate, Evidence: req.Evidence, At: req.At})
	if err != nil {
		return CertificateVerdict{}, err
	}
	certs, err := pkix.ParsePEMOrDER(req.Certificate)
	if err != nil {
		return CertificateVerdict{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	given.Certificates = append(given.Certificates, certs[1:]...)
	limited, cancel := context.WithTimeout(ctx, s.cfg.GatherTimeout)
	defer cancel()
	g := s.gatherer(given, req.At)
	if g.setting.Policy, err = s.policyOf(ValidateRequest{Policy: req.Policy, PolicyDocument: req.PolicyDocument}); err != nil {
		return CertificateVerdict{}, err
	}
	req.Demands.Narrow(&g.setting.Policy)
	g.checking(req.Check)
	for round := 1; ; round++ {
		v, needs, rejected := engine.AssessCertificate(g.setting, g.evidence, certs[0], req.Demands)
		g.discard(rejected)
		if round == roundsMax || len(needs) == 0 || !g.fetchAll(limited, needs) {
			v.Evidence = append(v.Evidence, g.listed...)
			return v, ctx.Err()
		}
		g.setting.Now = s.cfg.Now().UTC().Truncate(time.Microsecond)
	}
}
