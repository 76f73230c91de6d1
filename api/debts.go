package api

import (
	"context"
	"errors"
	"unicode/utf8"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
)

// debtSubmission is the body of submitDebts.
type debtSubmission struct {
	Debts []debt.Item `json:"debts" limit:"1000"`
}

func (s *Server) submitDebts(ctx context.Context, r *request, in debtSubmission) (reply[payment.DebtBatch], error) {
	agency, err := agencyOf(r)
	if err != nil {
		return reply[payment.DebtBatch]{}, err
	}
	out, replayed, err := s.cfg.Payments.SubmitDebts(ctx, r.idem, agency, in.Debts)
	return reply[payment.DebtBatch]{Body: out, Replayed: replayed}, err
}

// debtSearch is the body of searchDebts.
type debtSearch struct {
	Payer         string     `json:"payer" limit:"12"`
	Reference     string     `json:"reference,omitempty" limit:"256"`
	State         debt.State `json:"state,omitempty" limit:"16"`
	StartingAfter string     `json:"starting_after,omitempty" limit:"80"`
	Limit         int        `json:"limit,omitempty"`
	// Reason why the caller looks, in his own words; the person can read it.
	Reason string `json:"reason,omitempty" limit:"200"`
}

// lookedByDefault is the reason of a caller who gives none: what he called.
const lookedByDefault = "API: POST /v1/debts/search"

// noteLook writes down who looks at a person's debts and why, before they are shown (R42). A portal shows people their own.
func (s *Server) noteLook(ctx context.Context, r *request, payer, reason string) error {
	if r.caller.Kind == auth.Portal {
		return nil
	}
	if !catalog.ValidPayerID(payer) {
		return payment.ErrPayerIDInvalid
	}
	if reason == "" {
		reason = lookedByDefault
	}
	err := s.cfg.Keys.NoteLook(ctx, auth.Look{IIN: payer, Actor: r.caller.Actor(), Name: r.caller.Subject, Organisation: string(r.caller.Kind), Reason: reason})
	if errors.Is(err, auth.ErrReason) {
		return badField("/reason")
	}
	return err
}

func (in *debtSearch) check() error {
	switch in.State {
	case "", debt.Open, debt.Reserved, debt.Paid, debt.Recalled:
	default:
		return badField("/state")
	}
	if !utf8.ValidString(in.Reference) || utf8.RuneCountInString(in.Reference) > payment.NumberRunesMax {
		return badField("/reference")
	}
	if in.StartingAfter != "" && !plain(in.StartingAfter) {
		return badField("/starting_after")
	}
	if in.Limit == 0 {
		in.Limit = 50
	}
	if in.Limit < 1 || in.Limit > 100 {
		return badField("/limit")
	}
	return nil
}

// badField refuses a value that is well-formed JSON but not one of those that the contract lists.
func badField(pointer string) error {
	p := refuse(code(payment.ErrInvalid.Code))
	p.field = pointer
	return p
}

func (s *Server) searchDebts(ctx context.Context, r *request, in debtSearch) (reply[payment.DebtPage], error) {
	if err := in.check(); err != nil {
		return reply[payment.DebtPage]{}, err
	}
	if err := s.noteLook(ctx, r, in.Payer, in.Reason); err != nil {
		return reply[payment.DebtPage]{}, err
	}
	q := payment.DebtQuery{Payer: in.Payer, Reference: in.Reference, State: in.State, After: in.StartingAfter, Limit: in.Limit}
	if r.caller.Kind == auth.Agency {
		q.Agency = r.caller.Subject
	}
	page, err := s.cfg.Payments.LookUp(ctx, r.caller.Actor(), q)
	if page.Items == nil {
		page.Items = []debt.Debt{}
	}
	return reply[payment.DebtPage]{Body: page}, err
}

// visibleDebt gets a debt that the caller may see.
func (s *Server) visibleDebt(ctx context.Context, r *request) (debt.Debt, error) {
	d, err := s.cfg.Payments.Debt(ctx, r.param("debt"))
	if err == nil && r.caller.Kind == auth.Agency && d.Agency != r.caller.Subject {
		err = payment.ErrDebtUnknown
	}
	if err != nil {
		return debt.Debt{}, err
	}
	return d, s.noteRead(ctx, r, d.Payer.ID)
}

func (s *Server) getDebt(ctx context.Context, r *request) (reply[debt.Debt], error) {
	d, err := s.visibleDebt(ctx, r)
	return reply[debt.Debt]{Body: d}, err
}

// recall is the body of recallDebt.
type recall struct {
	Reason string `json:"reason" limit:"200"`
}

func (s *Server) recallDebt(ctx context.Context, r *request, in recall) (reply[debt.Debt], error) {
	agency, err := agencyOf(r)
	if err != nil {
		return reply[debt.Debt]{}, err
	}
	if in.Reason == "" {
		return reply[debt.Debt]{}, badField("/reason")
	}
	if _, err := s.visibleDebt(ctx, r); err != nil {
		return reply[debt.Debt]{}, err
	}
	out, replayed, err := s.cfg.Payments.RecallDebt(ctx, r.idem, agency, r.param("debt"), in.Reason)
	return reply[debt.Debt]{Body: out, Replayed: replayed}, err
}

func (s *Server) getPaymentFact(ctx context.Context, r *request) (reply[payment.PaymentFact], error) {
	d, err := s.visibleDebt(ctx, r)
	if err != nil {
		return reply[payment.PaymentFact]{}, err
	}
	out, err := s.cfg.Payments.PaymentFact(ctx, d.Agency, d.ID)
	return reply[payment.PaymentFact]{Body: out}, err
}
