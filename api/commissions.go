package api

import (
	"context"

	"qaqpa/payment/commission"
)

// listCommissions lists what banks take, and what they may not.
func (s *Server) listCommissions(ctx context.Context, r *request) (reply[items[commission.Terms]], error) {
	list, err := s.cfg.Payments.CommissionsInForce(ctx, r.arg("bank"))
	return reply[items[commission.Terms]]{Body: items[commission.Terms]{Items: list}}, err
}
