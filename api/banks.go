package api

import (
	"context"

	"qaqpa/payment"
)

// confirmPayment takes a bank's word on a payment. Nobody has to show a key: the signature inside is what counts, and
// the domain binds it to the bank that the payment was given to.
func (s *Server) confirmPayment(ctx context.Context, r *request) (reply[payment.Confirmation], error) {
	out, err := s.cfg.Payments.Confirm(ctx, "", r.body)
	return reply[payment.Confirmation]{Body: out}, err
}
