package api

import (
	"context"
	"errors"
	"net/http"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/order"
)

func (s *Server) createOrder(ctx context.Context, r *request, in order.Request) (reply[order.Order], error) {
	if r.caller.Kind == auth.Bank && in.Bank != r.caller.Subject {
		p := refuse(codeBankOfOther)
		p.field = "/bank"
		return reply[order.Order]{}, p
	}
	out, replayed, err := s.cfg.Payments.CreateOrder(ctx, r.idem, in)
	return reply[order.Order]{Status: http.StatusCreated, Body: out, Location: "/v1/orders/" + out.ID, Replayed: replayed}, err
}

// visibleOrder gets an order as the caller may see it: a bank's own ones; an agency its own part of orders that pay it;
// portals and operators see all.
func (s *Server) visibleOrder(ctx context.Context, r *request) (order.Order, error) {
	o, err := s.cfg.Payments.Order(ctx, r.param("order"))
	if err != nil {
		return o, err
	}
	if !seesOrder(r.caller, o) {
		return order.Order{}, payment.ErrOrderUnknown
	}
	if r.caller.Kind == auth.Agency {
		o, _, _ = o.OfAgency(r.caller.Subject)
	}
	return o, s.noteRead(ctx, r, o.Payer)
}

func seesOrder(c auth.Caller, o order.Order) bool {
	switch c.Kind {
	case auth.Portal, auth.Operator:
		return true
	case auth.Bank:
		return o.Bank == c.Subject
	case auth.Agency:
		_, _, own := o.OfAgency(c.Subject)
		return own
	}
	return false
}

func (s *Server) getOrder(ctx context.Context, r *request) (reply[order.Order], error) {
	o, err := s.visibleOrder(ctx, r)
	if err == nil && o.State == order.Executed && o.Attempt != "" && (r.caller.Kind == auth.Bank || r.caller.Kind == auth.Operator) {
		o.ToldReference, err = s.cfg.Payments.ToldReference(ctx, o.Attempt)
	}
	return reply[order.Order]{Body: o}, err
}

func (s *Server) getOrderDocument(ctx context.Context, r *request) (*response, error) {
	o, err := s.visibleOrder(ctx, r)
	if err != nil {
		return nil, err
	}
	// The document lists everything that the payer pays. To one of several agencies it would tell of the others.
	if r.caller.Kind == auth.Agency {
		if all, err := s.cfg.Payments.Order(ctx, o.ID); err != nil || len(all.Items) != len(o.Items) {
			return nil, errors.Join(payment.ErrOrderUnknown, err)
		}
	}
	doc, err := s.cfg.Payments.OrderDocument(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	return newAsset(typeBytes, doc).response(cachePrivate), nil
}

func (s *Server) listOrderEvents(ctx context.Context, r *request) (reply[items[order.Event]], error) {
	o, err := s.visibleOrder(ctx, r)
	if err != nil {
		return reply[items[order.Event]]{}, err
	}
	events, err := s.cfg.Payments.OrderEvents(ctx, o.ID)
	if events == nil {
		events = []order.Event{}
	}
	return reply[items[order.Event]]{Body: items[order.Event]{Items: events}}, err
}

func (s *Server) cancelOrder(ctx context.Context, r *request) (reply[order.Order], error) {
	o, err := s.visibleOrder(ctx, r)
	if err != nil {
		return reply[order.Order]{}, err
	}
	out, replayed, err := s.cfg.Payments.CancelOrder(ctx, r.idem, o.ID)
	return reply[order.Order]{Body: out, Replayed: replayed}, err
}

func (s *Server) authoriseOrder(ctx context.Context, r *request) (reply[order.Order], error) {
	o, err := s.visibleOrder(ctx, r)
	if err != nil {
		return reply[order.Order]{}, err
	}
	out, replayed, err := s.cfg.Payments.Authorise(ctx, r.idem, o.ID, r.body)
	return reply[order.Order]{Status: http.StatusAccepted, Body: out, Replayed: replayed}, err
}
