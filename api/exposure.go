package api

import (
	"context"

	"qaqpa/payment"
)

// getExposure tells how far a bank has used its guarantee.
func (s *Server) getExposure(ctx context.Context, r *request) (reply[payment.Exposure], error) {
	out, err := s.cfg.Payments.Exposure(ctx, r.param("bank"))
	return reply[payment.Exposure]{Body: out}, err
}
