package api

import (
	"context"
	"errors"
	"net/http"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/order"
)

// feeAsk is the body of fillFee.
type feeAsk struct {
	Service string `json:"service" limit:"80"`
	Payer   string `json:"payer" limit:"12"`
	Claim   int64  `json:"claim,omitempty"`
	// Reason why the caller looks; see debtSearch.
	Reason string `json:"reason,omitempty" limit:"200"`
}

func (s *Server) fillFee(ctx context.Context, r *request, in feeAsk) (reply[payment.FeeForm], error) {
	if err := s.noteLook(ctx, r, in.Payer, in.Reason); err != nil { // the form names the person
		return reply[payment.FeeForm]{}, err
	}
	form, err := s.cfg.Payments.FeeForm(ctx, in.Service, in.Payer, in.Claim)
	if r.caller.Kind == auth.Bank { // it knows its own clients; who they are to others, and where else they pay, it does not learn
		form.Payer.Name, form.Bank = "", ""
	}
	return reply[payment.FeeForm]{Body: form}, err
}

func (s *Server) createFee(ctx context.Context, r *request, in payment.FeeRequest) (reply[order.Order], error) {
	if r.caller.Kind == auth.Bank && in.Bank != r.caller.Subject {
		p := refuse(codeBankOfOther)
		p.field = "/bank"
		return reply[order.Order]{}, p
	}
	out, replayed, err := s.cfg.Payments.CreateFeeOrder(ctx, r.idem, in)
	return reply[order.Order]{Status: http.StatusCreated, Body: out, Location: "/v1/orders/" + out.ID, Replayed: replayed}, err
}

// feeRoutes are fees that payers reckon for themselves (R41).
func (s *Server) feeRoutes() ([]route, error) {
	fill, err1 := handle(s.fillFee)
	create, err2 := handle(s.createFee)
	return []route{
		post("/v1/fees/form", auth.OrdersWrite, s.cfg.Limits.JSONBytes, fill),
		change("/v1/fees", auth.OrdersWrite, s.cfg.Limits.JSONBytes, create),
	}, errors.Join(err1, err2)
}
