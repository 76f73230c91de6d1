package api

import (
	"context"
	"errors"
	"net/http"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/recon"
)

// bankPages are the lists of a bank's cabinet, and the steps by which two of its people withdraw or replace a statement.
func (s *Server) bankPages() []route {
	const base = "/console/bank/{subject}"
	return []route{
		page(base, s.bankPage, "lang"),
		page(base+"/file", s.bankFile, "day", "form", "lang").as(typeBytes).or(typeHTML),
		page(base+"/payments", s.bankPaymentsPage, "lang", "day", "state", "starting_after"),
		page(base+"/queries", s.bankQueriesPage, "lang", "state", "starting_after"),
		page(base+"/exceptions", s.talksPage, "lang", "state", "starting_after"),
		page(base+"/exceptions/{exception}", s.talkPage, "lang"),
		page(base+"/statements/{statement}", s.bankStatementPage, "lang", "done"),
		formRoute(base+"/statements/{statement}", s.cfg.Limits.DocumentBytes+free, s.actOnBankStatement, typeForm),
	}
}

func (s *Server) bankPaymentsPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.BankPayments{Frame: s.frame(r, who), Query: payment.BankAttemptQuery{
			Bank: m.Subject, Day: catalog.Date(r.arg("day")), State: r.arg("state"), After: r.arg("starting_after"), Limit: rowsShown,
		}}
		if v.Query.Day == "" {
			v.Query.Day = catalog.DateOf(s.cfg.Now())
		}
		found, err := s.cfg.Payments.BankAttempts(ctx, v.Query)
		if err != nil {
			return nil, err
		}
		v.Attempts, v.More = found.Items, found.HasMore
		body, err := s.pages.RenderBankPayments(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

func (s *Server) bankQueriesPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.BankQueries{Frame: s.frame(r, who), Query: payment.BankQueryFilter{
			Bank: m.Subject, State: payment.BankQueryState(r.arg("state")), After: r.arg("starting_after"), Limit: rowsShown,
		}}
		found, err := s.cfg.Payments.BankQueries(ctx, v.Query)
		if err != nil {
			return nil, err
		}
		v.Queries, v.More = found.Items, found.HasMore
		body, err := s.pages.RenderBankQueries(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

func (s *Server) talksPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.BankTalks{Frame: s.frame(r, who), Query: payment.BankTalkQuery{Bank: m.Subject, Which: r.arg("state"), After: r.arg("starting_after"), Limit: rowsShown}}
		found, err := s.cfg.Payments.BankTalks(ctx, v.Query)
		if err != nil {
			return nil, err
		}
		v.Talks, v.More = found.Items, found.HasMore
		body, err := s.pages.RenderBankTalks(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

func (s *Server) talkPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.BankTalk{Frame: s.frame(r, who), BIC: m.Subject}
		var err error
		if v.Question, v.State, err = s.cfg.Payments.BankTalk(ctx, m.Subject, r.param("exception")); err != nil {
			return nil, err
		}
		if m.Role == auth.Editor && v.State == recon.Asked {
			v.Key = newID()
		}
		body, err := s.pages.RenderBankTalk(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

// ownStatement is a statement of the bank. To another one it does not exist.
func (s *Server) ownStatement(ctx context.Context, bank, id string) (payment.BankStatement, error) {
	found, err := s.cfg.Payments.Statement(ctx, id)
	if err == nil && found.Bank != bank {
		return payment.BankStatement{}, payment.ErrStatementUnknown
	}
	return found, err
}

func (s *Server) bankStatementPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showBankStatement(ctx, r, who, m, sent{})
	})(ctx, r)
}

func (s *Server) showBankStatement(ctx context.Context, r *request, who auth.Session, m auth.Member, after sent) (*response, error) {
	v := portal.BankStatement{
		Frame: s.frame(r, who), BIC: m.Subject, MaxBytes: s.cfg.Limits.DocumentBytes, Done: r.arg("done") == "1", Draft: after.note.fields["comment"],
	}
	var err error
	if v.Statement, err = s.ownStatement(ctx, m.Subject, r.param("statement")); err != nil {
		return nil, err
	}
	report, err := s.cfg.Payments.StatementReport(ctx, v.Statement.ID)
	switch {
	case err == nil:
		v.Report = &report
	case !errors.Is(err, payment.ErrStatementUnknown):
		return nil, err
	}
	if m.Role == auth.Editor {
		v.Key = newID()
	}
	if v.People, err = s.people(ctx, r, v.Statement.ProposedBy); err != nil {
		return nil, err
	}
	if v.Own, err = s.isSelf(ctx, who, v.Statement.ProposedBy); err != nil {
		return nil, err
	}
	return s.showRefusable(r, after.refused, &v.Message, func() ([]byte, error) { return s.pages.RenderBankStatement(v) })
}

// actOnBankStatement takes one step of a withdrawal by the bank's own people. Each acts under a name of his own, so that two people are two;
// the operator's people may take either step, too.
func (s *Server) actOnBankStatement(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		of, err := s.ownStatement(ctx, m.Subject, r.param("statement"))
		if err != nil {
			return nil, err
		}
		n, err := readStep(r, m.Actor())
		if err != nil {
			return nil, err
		}
		if err := s.stepOnStatement(ctx, who, of.ID, n); err != nil {
			return s.showBankStatement(ctx, r, who, m, sent{note: n, refused: err})
		}
		return seeOther("/console/bank/" + m.Subject + "/statements/" + of.ID + "?done=1"), nil
	})(ctx, r)
}
