package api

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
)

// commissionPages let the operator's people write down what agencies have paid for commissions that they bear, to banks or to make good what those
// kept back: one records a payment order, another one books it. Either step stands in the audit log under the name that the operator has at the command line.
func (s *Server) commissionPages() []route {
	const path = "/console/operator/{subject}/commissions"
	return []route{
		page(path, s.commissionsPage, "lang", "bank", "done"),
		formRoute(path, free, s.commissionRecorded, typeFields),
		formRoute(path+"/{payment}", free, s.commissionDecided, typeFields),
	}
}

func (s *Server) commissionsPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showCommissions(ctx, r, who, m, refusedDraft{})
	})(ctx, r)
}

// refusedDraft is a form that was refused, and why.
type refusedDraft struct {
	form url.Values
	err  error
}

// showCommissions lists the payments, above them the form with what was refused.
func (s *Server) showCommissions(ctx context.Context, r *request, who auth.Session, m auth.Member, refused refusedDraft) (*response, error) {
	v := portal.CommissionsPaid{
		Frame: s.frame(r, who), Subject: m.Subject, MayAct: m.Role == auth.Editor, Key: newID(), Bank: r.arg("bank"), Done: r.arg("done"),
		Today: catalog.DateOf(s.cfg.Now()), Draft: refused.form, Own: map[string]bool{},
	}
	v.Address = "/console/operator/" + m.Subject + "/commissions" // of the page, when a form of it was refused
	var err error
	if v.Agencies, err = s.cfg.Payments.Agencies(ctx); err != nil {
		return nil, err
	}
	if v.Banks, err = s.cfg.Payments.Banks(ctx); err != nil {
		return nil, err
	}
	if v.Payments, err = s.cfg.Payments.CommissionPayments(ctx, v.Bank); err != nil {
		return nil, err
	}
	mine, err := s.operatorsOf(ctx, who)
	if err != nil {
		return nil, err
	}
	var actors []string
	for _, p := range v.Payments {
		v.Own[p.ID] = oneOf(mine, p.AskedBy)
		actors = append(actors, p.AskedBy, p.DecidedBy)
	}
	if v.People, err = s.people(ctx, r, actors...); err != nil {
		return nil, err
	}
	s.addCommissionsOwed(ctx, &v)
	if invalid, ok := errors.AsType[*payment.Error](refused.err); ok && invalid.Code == payment.ErrInvalid.Code {
		v.Field = invalid.Field
	}
	return s.showRefusable(r, refused.err, &v.Message, func() ([]byte, error) { return s.pages.RenderCommissionsPaid(v) })
}

// commissionsOwedMax bounds the questions to the ledger that one page asks.
const commissionsOwedMax = 50

// addCommissionsOwed says of the payments that wait what the agency owes now. What the ledger cannot tell is left out: booking asks it
// again.
func (s *Server) addCommissionsOwed(ctx context.Context, v *portal.CommissionsPaid) {
	v.Owed = map[ledger.Account]int64{}
	for _, p := range v.Payments {
		account := p.Owing()
		if _, known := v.Owed[account]; known || p.State != portal.CommissionOpen || len(v.Owed) == commissionsOwedMax {
			continue
		}
		if balance, err := s.cfg.Payments.BalanceAt(ctx, account, s.cfg.Now()); err == nil {
			v.Owed[account] = balance.Amount
		}
	}
}

func (s *Server) commissionRecorded(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readFields(r, "key", "agency", "bank", "got", "amount", "paid_on", "reference")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		idem.Caller = operatorActor(m)
		got := form.Get("got")
		if got != portal.GotByBank && got != portal.GotByBeneficiary {
			return nil, refuse(codeForm).of("got")
		}
		paid := payment.CommissionPaid{
			Agency: form.Get("agency"), Bank: form.Get("bank"), MadeGood: got == portal.GotByBeneficiary,
			PaidOn: catalog.Date(form.Get("paid_on")), Reference: form.Get("reference"),
		}
		if paid.Tiyn, err = tenge(form.Get("amount"), "amount"); err == nil {
			_, _, err = s.cfg.Payments.RecordCommissionPaid(ctx, idem, paid)
		}
		if err != nil {
			return s.showCommissions(ctx, r, who, m, refusedDraft{form, err})
		}
		return seeOther("/console/operator/" + m.Subject + "/commissions?done=recorded"), nil
	})(ctx, r)
}

// commissionDecided books a payment or rejects it. Who recorded it may reject it alone.
// The attack: one person with two of the operator's names records under the one and books under the other.
func (s *Server) commissionDecided(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readFields(r, "key", "do")
		if err != nil {
			return nil, err
		}
		agree := form.Get("do") == "book"
		if !agree && form.Get("do") != "reject" {
			return nil, refuse(codeForm).of("do")
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		idem.Caller = operatorActor(m)
		id := r.param("payment")
		if agree {
			err = s.notOwnCommission(ctx, who, id)
		}
		if err == nil {
			_, _, err = s.cfg.Payments.DecideCommissionPaid(ctx, idem, id, agree)
		}
		if err != nil {
			return s.showCommissions(ctx, r, who, m, refusedDraft{err: err})
		}
		done := "rejected"
		if agree {
			done = "booked"
		}
		return seeOther("/console/operator/" + m.Subject + "/commissions?done=" + done), nil
	})(ctx, r)
}

// notOwnCommission refuses whoever recorded the payment under any of his names. Who recorded it never changes, so that nothing comes between
// this look and the step.
func (s *Server) notOwnCommission(ctx context.Context, who auth.Session, id string) error {
	mine, err := s.operatorsOf(ctx, who)
	if err != nil {
		return err
	}
	list, err := s.cfg.Payments.CommissionPayments(ctx, "")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(p payment.CommissionPayment) bool { return p.ID == id })
	if i < 0 {
		return payment.ErrCommissionPaymentUnknown
	}
	if oneOf(mine, list[i].AskedBy) {
		return payment.ErrFourEyes
	}
	return nil
}
