package signer

import (
	"context"
	"fmt"

	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
)

// Withdrawn tells why certificates that sign for the gateway in another role than its seal, as those of a time-stamping authority do, must not be
// used any more: the first of them, or one above it that leads to an anchor, is revoked. Nil is no proof of the contrary: a revocation
// service that does not answer stops nobody, nor does an authority that the trust store does not know.
//
// Errors: ErrSigningCertificate, the context's. Safe for concurrent use.
func (s *Service) Withdrawn(ctx context.Context, chain []*pkix.Certificate) error {
	limited, cancel := context.WithTimeout(ctx, sealFetch)
	defer cancel()
	r := s.pathOf(limited, chain[0], chain[1:])
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, info := range r.Revocation {
		if info.Status == path.StatusRevoked {
			return fmt.Errorf("%w: certificate %s is revoked", ErrSigningCertificate, info.Certificate.SerialHex())
		}
	}
	return nil
}
