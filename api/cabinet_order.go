package api

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
)

// ownOrder wraps pages of one order: for who is signed in and may pay for its payer. To anybody else it does not exist.
func (s *Server) ownOrder(serve func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error)) endpoint {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		o, err := s.cfg.Payments.Order(ctx, r.param("order"))
		if err == nil && !slices.Contains(payersOf(who), o.Payer) {
			err = payment.ErrOrderUnknown
		}
		if err != nil {
			return nil, err
		}
		return serve(ctx, r, who, o)
	})
}

func (s *Server) orderPage(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error) {
		return s.showOrder(ctx, r, who, o, nil)
	})(ctx, r)
}

// showOrder shows an order as it stands; refused is what became of a form.
func (s *Server) showOrder(ctx context.Context, r *request, who auth.Session, o order.Order, refused error) (*response, error) {
	raw, err := s.cfg.Payments.OrderDocument(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	v := portal.Order{Frame: s.frame(r, who), Order: o, Key: newID()}
	v.Address = "/cabinet/orders/" + o.ID
	if v.Document, err = order.DecodeDocument(raw); err != nil {
		return nil, err
	}
	if v.IIN = who.IIN; o.Payer == who.BIN {
		v.BIN = who.BIN
	}
	if o.Receipt != "" {
		if v.Code, err = s.receiptCode(ctx, o.Receipt); err != nil {
			return nil, err
		}
	}
	for _, a := range o.Allocations {
		if a.Receipt == "" {
			continue
		}
		part := portal.PartReceipt{Part: a.Part, ID: a.Receipt}
		if part.Code, err = s.receiptCode(ctx, a.Receipt); err != nil {
			return nil, err
		}
		v.Parts = append(v.Parts, part)
	}
	if v.Refunds, err = s.shownRefunds(ctx, o); err != nil {
		return nil, err
	}
	if err := errors.Join(s.addCode(ctx, &v, who), s.addAgreements(ctx, &v)); err != nil {
		return nil, err
	}
	status := http.StatusOK
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	body, err := s.pages.RenderOrder(v)
	resp, err := s.show(r, status, body, err)
	if err == nil {
		resp.set("Content-Security-Policy", signingPolicy)
	}
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

// addCode offers a person to pay by a one-time code, where that is allowed.
func (s *Server) addCode(ctx context.Context, v *portal.Order, who auth.Session) error {
	err := ownPerson(who, v.Order.Payer)
	if v.Order.State != order.Created || err != nil {
		return nil //nolint:nilerr // then nothing is offered
	}
	if v.CodePhone, err = s.cfg.Payments.CodePhone(ctx, v.Order.ID); err != nil || v.CodePhone == "" {
		return err
	}
	open, err := s.cfg.Payments.OpenCode(ctx, v.Order.Payer, v.Order.ID)
	if open != nil {
		v.Challenge = open.ID
	}
	return err
}

func (s *Server) receiptCode(ctx context.Context, id string) (string, error) {
	rcp, err := s.cfg.Payments.Receipt(ctx, id)
	if err != nil {
		return "", err
	}
	core, err := receipt.Decode(rcp.Core)
	return core.Code, err
}

// orderDocument gives the stored bytes that the payer signs: never bytes that the browser made.
func (s *Server) orderDocument(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, _ *request, _ auth.Session, o order.Order) (*response, error) {
		doc, err := s.cfg.Payments.OrderDocument(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		return download(typeBytes, o.ID+".json", doc), nil
	})(ctx, r)
}

// orderSign takes the payer's signature. Sending the same signature again finds its first answer.
func (s *Server) orderSign(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error) {
		cms, err := signatureOf(r)
		if err != nil {
			return s.showOrder(ctx, r, who, o, err)
		}
		sum := fingerprint(r.method, r.path, cms)
		_, _, err = s.cfg.Payments.Authorise(ctx, payment.Idem{Caller: who.Actor(), Key: hex.EncodeToString(sum[:]), Hash: sum}, o.ID, cms)
		return s.after(ctx, r, who, o, err)
	})(ctx, r)
}

func (s *Server) orderCancel(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error) {
		form, err := readFields(r, "key")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		_, _, err = s.cfg.Payments.CancelOrder(ctx, idem, o.ID)
		return s.after(ctx, r, who, o, err)
	})(ctx, r)
}

// after sends the browser to the page of the order, or shows the page with what was refused and the state that holds now:
// it may have changed under the reader's hands.
func (s *Server) after(ctx context.Context, r *request, who auth.Session, o order.Order, refused error) (*response, error) {
	if refused == nil {
		return seeOther("/cabinet/orders/" + o.ID), nil
	}
	now, err := s.cfg.Payments.Order(ctx, o.ID)
	if err != nil {
		return nil, refused
	}
	return s.showOrder(ctx, r, who, now, refused)
}

// ownReceipt wraps the files of a receipt.
func (s *Server) ownReceipt(ctx context.Context, r *request, file func(ctx context.Context, id string) (*response, error)) (*response, error) {
	return s.ownOrder(func(ctx context.Context, _ *request, _ auth.Session, o order.Order) (*response, error) {
		if o.Receipt == "" {
			return nil, payment.ErrReceiptPending
		}
		if part := r.arg("part"); part != "" {
			for _, a := range o.Allocations {
				if strconv.Itoa(a.Part) == part {
					return file(ctx, a.Receipt)
				}
			}
			return nil, payment.ErrReceiptUnknown
		}
		return file(ctx, o.Receipt)
	})(ctx, r)
}

func (s *Server) ownReceiptPDF(ctx context.Context, r *request) (*response, error) {
	return s.ownPage(ctx, r, func(name string, pdf, _ []byte) *response { return download(typePDF, name+".pdf", pdf) })
}

func (s *Server) ownReceiptSeal(ctx context.Context, r *request) (*response, error) {
	return s.ownPage(ctx, r, func(name string, _, seal []byte) *response { return download(typeSignature, name+".pdf.p7s", seal) })
}

func (s *Server) ownReceiptCMS(ctx context.Context, r *request) (*response, error) {
	return s.ownReceipt(ctx, r, func(ctx context.Context, id string) (*response, error) {
		cms, err := s.cfg.Payments.ReceiptCMS(ctx, id)
		return download(typeCMS, id+".cms", cms), err
	})
}
