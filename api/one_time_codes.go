package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/order"
)

// codeEntered is what a person types.
type codeEntered struct {
	Challenge string `json:"challenge"`
	Code      string `json:"code"`
}

// codeRoutes authorise small payments by a one-time code (R32). They are for portals, who know the person before them.
func (s *Server) codeRoutes() ([]route, error) {
	enter, err := handle(s.authoriseByCode)
	return []route{
		change("/v1/orders/{order}/code", auth.OrdersWrite, 0, answer(s.sendCode)),
		change("/v1/orders/{order}/code-authorisation", auth.OrdersWrite, s.cfg.Limits.JSONBytes, enter),
	}, err
}

// codeOrder is the order of a portal's request.
func (s *Server) codeOrder(ctx context.Context, r *request) (order.Order, error) {
	if r.caller.Kind != auth.Portal {
		return order.Order{}, refuse(codeScope)
	}
	return s.visibleOrder(ctx, r)
}

func (s *Server) sendCode(ctx context.Context, r *request) (reply[payment.Challenge], error) {
	o, err := s.codeOrder(ctx, r)
	if err != nil {
		return reply[payment.Challenge]{}, err
	}
	out, replayed, err := s.cfg.Payments.StartCode(ctx, r.idem, o.ID, string(s.languageOf(r)))
	return reply[payment.Challenge]{Status: http.StatusCreated, Body: out, Replayed: replayed}, err
}

func (s *Server) authoriseByCode(ctx context.Context, r *request, in codeEntered) (reply[order.Order], error) {
	o, err := s.codeOrder(ctx, r)
	if err != nil {
		return reply[order.Order]{}, err
	}
	out, replayed, err := s.cfg.Payments.AuthoriseByCode(ctx, r.idem, o.ID, in.Challenge, in.Code)
	return reply[order.Order]{Status: http.StatusAccepted, Body: out, Replayed: replayed}, err
}

// codePages are the same for people, without script.
func (s *Server) codePages() []route {
	return []route{
		formRoute("/cabinet/orders/{order}/code", free, s.orderCode, typeFields),
		formRoute("/cabinet/orders/{order}/code/enter", free, s.orderCodeEntered, typeFields),
		formRoute("/cabinet/data/phone", free, s.phoneNamed, typeFields),
		formRoute("/cabinet/data/phone/enter", free, s.phoneEntered, typeFields),
	}
}

// ownPerson lets people pay by code for themselves alone.
func ownPerson(who auth.Session, payer string) error {
	if who.IIN == "" || payer != who.IIN || !slices.Contains(payersOf(who), payer) {
		return payment.ErrCodeNotAllowed
	}
	return nil
}

func (s *Server) orderCode(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error) {
		form, err := readFields(r, "key")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err = errors.Join(err, ownPerson(who, o.Payer)); err != nil {
			return nil, err
		}
		_, _, err = s.cfg.Payments.StartCode(ctx, idem, o.ID, string(s.frame(r, who).Lang))
		return s.after(ctx, r, who, o, err)
	})(ctx, r)
}

func (s *Server) orderCodeEntered(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error) {
		form, err := readFields(r, "key", "challenge", "code")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err = errors.Join(err, ownPerson(who, o.Payer)); err != nil {
			return nil, err
		}
		_, _, err = s.cfg.Payments.AuthoriseByCode(ctx, idem, o.ID, form.Get("challenge"), form.Get("code"))
		return s.after(ctx, r, who, o, err)
	})(ctx, r)
}

// phoneNamed sends a code to the phone that a person names; only his own EDS, by which he signed in, binds a phone to him.
func (s *Server) phoneNamed(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		form, err := readFields(r, "key", "phone")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err = errors.Join(err, mayName(who)); err != nil {
			return nil, err
		}
		_, _, err = s.cfg.Payments.StartPhone(ctx, idem, who.IIN, form.Get("phone"), string(s.frame(r, who).Lang))
		return s.afterPhone(ctx, r, who, err)
	})(ctx, r)
}

func (s *Server) phoneEntered(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		form, err := readFields(r, "key", "challenge", "code")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err = errors.Join(err, mayName(who)); err != nil {
			return nil, err
		}
		_, _, err = s.cfg.Payments.ConfirmPhone(ctx, idem, who.IIN, form.Get("challenge"), form.Get("code"))
		return s.afterPhone(ctx, r, who, err)
	})(ctx, r)
}

func (s *Server) afterPhone(ctx context.Context, r *request, who auth.Session, refused error) (*response, error) {
	if refused == nil {
		return seeOther("/cabinet/data"), nil
	}
	return s.showData(ctx, r, who, refused)
}
