package api

import (
	"context"
	"time"

	"qaqpa/signer"
)

// certificateRequest is a certificate to judge without a document.
type certificateRequest struct {
	// Certificate is DER or PEM; PEM may go on with those above it.
	Certificate []byte `json:"certificate" limit:"1048576"`
	// Evidence are certificates, lists and OCSP responses that the caller knows.
	Evidence [][]byte  `json:"evidence,omitempty" limit:"64"`
	At       time.Time `json:"at,omitzero"`
}

// validateCertificate judges a certificate alone. Nothing is stored.
func (s *Server) validateCertificate(ctx context.Context, _ *request, in certificateRequest) (reply[signer.CertificateVerdict], error) {
	if in.At.After(s.cfg.Now()) {
		return reply[signer.CertificateVerdict]{}, badField("/at")
	}
	release, err := s.turn(ctx)
	if err != nil {
		return reply[signer.CertificateVerdict]{}, err
	}
	defer release()
	v, err := s.cfg.Signer.ValidateCertificate(ctx, signer.CertificateRequest{
		Certificate: in.Certificate, Evidence: in.Evidence, At: in.At,
	})
	return reply[signer.CertificateVerdict]{Body: v}, err
}
