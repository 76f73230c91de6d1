package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/mandate"
	"qaqpa/payment/order"
)

// mandateSearch is the body of searchMandates.
type mandateSearch struct {
	Payer  string `json:"payer" limit:"12"`
	Reason string `json:"reason,omitempty" limit:"200"`
}

// mandateUse is the body of authoriseByMandate.
type mandateUse struct {
	Mandate string `json:"mandate" limit:"80"`
}

// mandateRoutes are of agreements for repeated payments.
func (s *Server) mandateRoutes() ([]route, error) {
	l := s.cfg.Limits
	create, err1 := handle(s.createMandate)
	search, err2 := handle(s.searchMandates)
	use, err3 := handle(s.authoriseByMandate)
	sign := change("/v1/mandates/{mandate}/signature", auth.OrdersWrite, l.SignatureBytes, answer(s.signMandate))
	sign.consumes = []string{typeCMS, typeSignature, typeText}
	return []route{
		change("/v1/mandates", auth.OrdersWrite, l.JSONBytes, create),
		post("/v1/mandates/search", auth.OrdersRead, l.JSONBytes, search),
		get("/v1/mandates/{mandate}", auth.OrdersRead, answer(s.getMandate)),
		get("/v1/mandates/{mandate}/document", auth.OrdersRead, s.getMandateDocument).as(typeBytes),
		get("/v1/mandates/{mandate}/events", auth.OrdersRead, answer(s.listMandateEvents), "after", "limit"),
		sign,
		change("/v1/mandates/{mandate}/revoke", auth.OrdersWrite, 0, answer(s.revokeMandate)),
		change("/v1/orders/{order}/mandate-authorisation", auth.OrdersWrite, l.JSONBytes, use),
	}, errors.Join(err1, err2, err3)
}

func (s *Server) createMandate(ctx context.Context, r *request, in mandate.Request) (reply[payment.Mandate], error) {
	if r.caller.Kind == auth.Bank && in.Bank != r.caller.Subject {
		p := refuse(codeBankOfOther)
		p.field = "/bank"
		return reply[payment.Mandate]{}, p
	}
	out, replayed, err := s.cfg.Payments.CreateMandate(ctx, r.idem, in)
	return reply[payment.Mandate]{Status: http.StatusCreated, Body: out, Location: "/v1/mandates/" + out.ID, Replayed: replayed}, err
}

func (s *Server) searchMandates(ctx context.Context, r *request, in mandateSearch) (reply[items[payment.Mandate]], error) {
	if r.caller.Kind != auth.Portal && r.caller.Kind != auth.Operator {
		return reply[items[payment.Mandate]]{}, refuse(codeScope)
	}
	if in.Reason == "" {
		in.Reason = "API: POST /v1/mandates/search"
	}
	if err := s.noteLook(ctx, r, in.Payer, in.Reason); err != nil {
		return reply[items[payment.Mandate]]{}, err
	}
	list, err := s.cfg.Payments.Mandates(ctx, in.Payer)
	return reply[items[payment.Mandate]]{Body: items[payment.Mandate]{Items: list}}, err
}

// visibleMandate gets an agreement that the caller may see: a bank its own; agencies see none.
func (s *Server) visibleMandate(ctx context.Context, r *request, id string) (payment.Mandate, error) {
	m, err := s.cfg.Payments.Mandate(ctx, id)
	if err != nil {
		return m, err
	}
	switch {
	case r.caller.Kind == auth.Portal, r.caller.Kind == auth.Operator, r.caller.Kind == auth.Bank && m.Bank == r.caller.Subject:
		return m, s.noteRead(ctx, r, m.Payer)
	}
	return payment.Mandate{}, payment.ErrMandateUnknown
}

func (s *Server) getMandate(ctx context.Context, r *request) (reply[payment.Mandate], error) {
	m, err := s.visibleMandate(ctx, r, r.param("mandate"))
	return reply[payment.Mandate]{Body: m}, err
}

func (s *Server) getMandateDocument(ctx context.Context, r *request) (*response, error) {
	m, err := s.visibleMandate(ctx, r, r.param("mandate"))
	if err != nil {
		return nil, err
	}
	doc, err := s.cfg.Payments.MandateDocument(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	return newAsset(typeBytes, doc).response(cachePrivate), nil
}

func (s *Server) listMandateEvents(ctx context.Context, r *request) (reply[payment.MandateEventPage], error) {
	var none reply[payment.MandateEventPage]
	var q payment.MandateEventQuery
	var err error
	if text := r.arg("after"); text != "" {
		if q.After, err = strconv.Atoi(text); err != nil || q.After < 0 || q.After > math.MaxInt32 {
			return none, refuse(codeQuery).of("after")
		}
	}
	if text := r.arg("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > 100 {
			return none, refuse(codeQuery).of("limit")
		}
	}
	m, err := s.visibleMandate(ctx, r, r.param("mandate"))
	if err != nil {
		return none, err
	}
	page, err := s.cfg.Payments.MandateEvents(ctx, m.ID, q)
	return reply[payment.MandateEventPage]{Body: page}, err
}

func (s *Server) signMandate(ctx context.Context, r *request) (reply[payment.Mandate], error) {
	m, err := s.visibleMandate(ctx, r, r.param("mandate"))
	if err != nil {
		return reply[payment.Mandate]{}, err
	}
	out, replayed, err := s.cfg.Payments.SignMandate(ctx, r.idem, m.ID, r.body)
	return reply[payment.Mandate]{Body: out, Replayed: replayed}, err
}

func (s *Server) revokeMandate(ctx context.Context, r *request) (reply[payment.Mandate], error) {
	m, err := s.visibleMandate(ctx, r, r.param("mandate"))
	if err != nil {
		return reply[payment.Mandate]{}, err
	}
	out, replayed, err := s.cfg.Payments.RevokeMandate(ctx, r.idem, m.ID)
	return reply[payment.Mandate]{Body: out, Replayed: replayed}, err
}

func (s *Server) authoriseByMandate(ctx context.Context, r *request, in mandateUse) (reply[order.Order], error) {
	o, err := s.visibleOrder(ctx, r)
	if err != nil {
		return reply[order.Order]{}, err
	}
	m, err := s.visibleMandate(ctx, r, in.Mandate)
	if err != nil {
		return reply[order.Order]{}, err
	}
	out, replayed, err := s.cfg.Payments.AuthoriseByMandate(ctx, r.idem, o.ID, m.ID)
	return reply[order.Order]{Status: http.StatusAccepted, Body: out, Replayed: replayed}, err
}
