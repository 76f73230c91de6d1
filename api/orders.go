package api

import (
	"context"
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

// visibleOrder gets an order that the caller may see: a bank's own ones; portals and operators see all.
func (s *Server) visibleOrder(ctx context.Context, r *request) (order.Order, error) {
	o, err := s.cfg.Payments.Order(ctx, r.param("order"))
	if err == nil && !seesOrder(r.caller, o) {
		err = payment.ErrOrderUnknown
	}
	return o, err
}

func seesOrder(c auth.Caller, o order.Order) bool {
	switch c.Kind {
	case auth.Portal, auth.Operator:
		return true
	case auth.Bank:
		return o.Bank == c.Subject
	case auth.Agency:
		for _, item := range o.Items {
			if item.Agency == c.Subject {
				return true
			}
		}
	}
	return false
}

func (s *Server) getOrder(ctx context.Context, r *request) (reply[order.Order], error) {
	o, err := s.visibleOrder(ctx, r)
	return reply[order.Order]{Body: o}, err
}

func (s *Server) getOrderDocument(ctx context.Context, r *request) (*response, error) {
	o, err := s.visibleOrder(ctx, r)
	if err != nil {
		return nil, err
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
