package api

import (
	"context"
	"net/http"

	"qaqpa/api/auth"
	"qaqpa/payment"
)

// bankQueryRoutes ask banks for facts (R10).
func (s *Server) bankQueryRoutes() ([]route, error) {
	ask, err := handle(s.askBank)
	return []route{
		change("/v1/bank-queries", auth.BankQueries, s.cfg.Limits.JSONBytes, ask),
		get("/v1/bank-queries/{query}", auth.BankQueries, answer(s.getBankQuery)),
	}, err
}

func (s *Server) askBank(ctx context.Context, r *request, in payment.BankQueryRequest) (reply[payment.BankQuery], error) {
	person := in.Person
	if in.Order != "" {
		o, err := s.cfg.Payments.Order(ctx, in.Order)
		if err != nil {
			return reply[payment.BankQuery]{}, err
		}
		if r.caller.Kind == auth.Agency {
			// The answer tells of all beneficiaries: an agency that is one of several would learn what else was paid.
			if own, _, some := o.OfAgency(r.caller.Subject); !some || len(own.Items) != len(o.Items) {
				return reply[payment.BankQuery]{}, payment.ErrOrderUnknown
			}
		}
		person = o.Payer
	}
	if err := s.noteLook(ctx, r, person, in.Reason); err != nil {
		return reply[payment.BankQuery]{}, err
	}
	in.Person = person
	out, replayed, err := s.cfg.Payments.AskBank(ctx, r.idem, in)
	return reply[payment.BankQuery]{Status: http.StatusCreated, Body: out, Location: "/v1/bank-queries/" + out.ID, Replayed: replayed}, err
}

func (s *Server) getBankQuery(ctx context.Context, r *request) (reply[payment.BankQuery], error) {
	q, err := s.cfg.Payments.BankQuery(ctx, r.param("query"))
	if err == nil && r.caller.Kind != auth.Operator && q.Actor != r.caller.Actor() {
		q, err = payment.BankQuery{}, payment.ErrQueryUnknown
	}
	if err == nil { // whose accounts and pledges they are reads who read of them, the one who asked included
		err = s.noteRead(ctx, r, q.Person)
	}
	if err != nil {
		q = payment.BankQuery{}
	}
	return reply[payment.BankQuery]{Body: q}, err
}
