package signer

import "context"

// SealRequest is what Seal signs.
type SealRequest struct {
	// Document is the content.
	Document []byte
	// Detached leaves the content out of the CMS.
	Detached bool
	// Actor is who asks, for the audit row; obligatory.
	Actor string
}

// Seal signs a document with the gateway's key and returns a CAdES-B CMS in DER (ETSI EN 319 122-1: content-type,
// message-digest, signing-time, signing-certificate-v2).
//
// Before the key is asked, the certificate must be in date and fit the key (№500/НҚ 4, 22), else
// ErrSealCertificate. The audit row is committed before the signature leaves, so no seal exists without its row.
// ErrNoSealKey when the service has none. Safe for concurrent use.
func (s *Service) Seal(ctx context.Context, req SealRequest) ([]byte, error) {
	return s.seal(ctx, req)
}
