package api

import (
	"context"
	"strconv"

	"qaqpa/api/auth"
	"qaqpa/payment"
)

func (s *Server) listEvents(ctx context.Context, r *request) (reply[payment.EventPage], error) {
	var none reply[payment.EventPage]
	agency := r.param("agency")
	switch r.caller.Kind {
	case auth.Agency:
		if agency != r.caller.Subject {
			return none, refuse(codeNotOwn)
		}
	case auth.Operator:
	case auth.Bank, auth.Portal:
		return none, refuse(codeAgencyOnly)
	}
	var after int64
	var err error
	if text := r.arg("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return none, refuse(codeQuery).of("after")
		}
	}
	limit := 0
	if text := r.arg("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 100 {
			return none, refuse(codeQuery).of("limit")
		}
	}
	page, err := s.cfg.Payments.Events(ctx, agency, after, limit)
	return reply[payment.EventPage]{Body: page}, err
}
