package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
)

// courtAsk is the body of makeCourtCopy.
type courtAsk struct {
	// Reason is what the copy is for; it stands on the copy, and the payer can read it.
	Reason   string           `json:"reason" limit:"200"`
	Language receipt.Language `json:"language,omitempty" limit:"8"`
}

// courtRoutes are copies of receipts for courts (R11).
func (s *Server) courtRoutes() ([]route, error) {
	ask, err := handleRaw(s.makeCourtCopy)
	return []route{
		post("/v1/receipts/{receipt}/court-copy", auth.ReceiptsRead, s.cfg.Limits.JSONBytes, ask).as(typePDF),
	}, err
}

// makeCourtCopy: who may see the receipt may have a copy of it. Each is noted for the payer before it is made.
func (s *Server) makeCourtCopy(ctx context.Context, r *request, in courtAsk) (*response, error) {
	rcp, err := s.visibleReceipt(ctx, r)
	if err != nil {
		return nil, err
	}
	core, err := receipt.Decode(rcp.Core)
	if err != nil {
		return nil, err
	}
	if in.Language == "" {
		in.Language = receipt.Bilingual
	}
	ask := payment.CourtAsk{
		Receipt: rcp.ID, Actor: r.caller.Actor(), By: string(r.caller.Kind) + " " + r.caller.Subject, Reason: in.Reason, Language: in.Language,
	}
	if err := ask.Check(); err != nil {
		return nil, err
	}
	if err := s.noteLook(ctx, r, core.Payer.ID, in.Reason); err != nil {
		return nil, err
	}
	if r.caller.Kind == auth.Agency { // the document names what the payer pays to others
		o, err := s.cfg.Payments.Order(ctx, rcp.Order)
		if err != nil {
			return nil, err
		}
		_, whole, _ := o.OfAgency(r.caller.Subject)
		ask.Part = !whole
	}
	return s.courtCopy(ctx, ask)
}

func (s *Server) courtCopy(ctx context.Context, ask payment.CourtAsk) (*response, error) {
	out, err := s.cfg.Payments.CourtCopy(ctx, ask)
	if err != nil {
		return nil, err
	}
	return download(typePDF, ask.Receipt+"-court.pdf", out.PDF), nil
}

// ownCourtCopy gives a payer the copy that he attaches to a claim.
func (s *Server) ownCourtCopy(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error) {
		form, err := readFields(r, "receipt", "reason")
		if err != nil {
			return nil, err
		}
		id := form.Get("receipt")
		ofPart := slices.ContainsFunc(o.Allocations, func(a order.Part) bool { return a.Receipt == id })
		switch {
		case o.Receipt == "":
			err = payment.ErrReceiptPending
		case id != o.Receipt && !ofPart: // a form of ours names no other
			err = payment.ErrReceiptUnknown
		}
		if err != nil {
			return nil, err
		}
		resp, err := s.courtCopy(ctx, payment.CourtAsk{
			Receipt: id, Actor: who.Actor(), By: who.Name, Reason: form.Get("reason"),
			Language: receiptLanguageOf(s.pageLanguage(r, r.arg("lang"))),
		})
		var refused *payment.Error
		if errors.As(err, &refused) && s.statuses[classify(err).code] < http.StatusInternalServerError {
			return s.showOrder(ctx, r, who, o, err)
		}
		return resp, err
	})(ctx, r)
}

// ownPage is [Server.ownReceipt] for pages, which exist in English as well.
func (s *Server) ownPage(ctx context.Context, r *request, file func(name string, pdf, seal []byte) *response) (*response, error) {
	lang, err := receiptLanguage(r)
	if err != nil {
		return nil, err
	}
	return s.ownReceipt(ctx, r, func(ctx context.Context, id string) (*response, error) {
		pdf, seal, err := s.cfg.Payments.ReceiptPage(ctx, id, lang)
		if err != nil {
			return nil, err
		}
		name := id
		if lang == receipt.English {
			name += "-en"
		}
		return file(name, pdf, seal), nil
	})
}
