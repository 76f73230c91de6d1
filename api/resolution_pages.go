package api

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/recon"
)

// resolutionPages let two of the operator's people resolve exceptions, which moves money, and show what two people have decided.
func (s *Server) resolutionPages() []route {
	const operator = "/console/operator/{subject}"
	return []route{
		formRoute(operator+"/exceptions/{exception}/resolution", free, s.resolveOnPage, typeFields),
		page(operator+"/approvals", s.approvalsPage, "lang"),
	}
}

// resolveOnPage proposes a resolution, or approves or rejects the one that waits. Who proposed is no second pair of eyes, under whatever name
// he acts now.
func (s *Server) resolveOnPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readRepeated(r, "expectation", "key", "version", "do", "way", "expectation", "other", "park_rest", "comment")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		idem.Caller = operatorActor(m)
		action, err := resolutionOf(form)
		if err != nil {
			return nil, err
		}
		id := r.param("exception")
		if action.Also, err = s.operatorsOf(ctx, who); err != nil {
			return nil, err
		}
		if _, _, err = s.cfg.Payments.ActOnException(ctx, idem, id, action); err != nil {
			return s.showException(ctx, r, who, m, sent{plan: form, refused: err})
		}
		return seeOther("/console/operator/" + m.Subject + "/exceptions/" + id + "?done=1"), nil
	})(ctx, r)
}

// resolutionOf is the step that a form asks for.
func resolutionOf(form url.Values) (payment.ExceptionAction, error) {
	a := payment.ExceptionAction{Action: form.Get("do"), Comment: strings.TrimSpace(strings.ReplaceAll(form.Get("comment"), "\r\n", "\n"))}
	var err error
	if a.Version, err = strconv.Atoi(form.Get("version")); err != nil || a.Version < 1 || a.Version > 1<<30 {
		return a, refuse(codeForm).of("version")
	}
	switch a.Action {
	case payment.ActResolve:
		a.Way, a.ParkRest = recon.Way(form.Get("way")), form.Get("park_rest") == "1"
		if a.Way.Links() {
			a.Expectations = slices.Compact(slices.Sorted(slices.Values(append(form["expectation"], strings.Fields(form.Get("other"))...))))
		}
		return a, nil
	case payment.ActApprove, payment.ActReject:
		return a, nil
	}
	return a, refuse(codeForm).of("do")
}

// approvalsShown is how many past decisions of each sort one page lists.
const approvalsShown = 100

// approvalsPage lists what waits for a second person, of statements, exceptions and commissions, and what two people have decided: of exceptions, and of keys.
func (s *Server) approvalsPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.Approvals{Frame: s.frame(r, who), Subject: m.Subject}
		var err error
		if v.Waiting, err = s.cfg.Payments.WaitingStatements(ctx); err != nil {
			return nil, err
		}
		proposed, err := s.cfg.Payments.Exceptions(ctx, payment.ExceptionQuery{State: recon.Proposed, Limit: approvalsShown})
		if err != nil {
			return nil, err
		}
		v.Proposed, v.MoreProposed = proposed.Items, proposed.HasMore
		if v.Commissions, err = s.cfg.Payments.CommissionPayments(ctx, ""); err != nil {
			return nil, err
		}
		v.Commissions = slices.DeleteFunc(v.Commissions, func(p payment.CommissionPayment) bool { return p.State != portal.CommissionOpen })
		decided, err := s.cfg.Payments.DecidedExceptions(ctx, r.arg("after"), approvalsShown)
		if err != nil {
			return nil, err
		}
		v.Exceptions, v.Next = decided.Items, decided.Next
		if b := s.cfg.Room.Requests; b != nil {
			if v.Keys, err = b.Past(ctx, approvalsShown); err != nil {
				return nil, err
			}
		}
		var actors []string
		for _, x := range v.Waiting {
			actors = append(actors, x.ProposedBy)
		}
		for _, e := range v.Proposed {
			actors = append(actors, e.ProposedBy)
		}
		for _, p := range v.Commissions {
			actors = append(actors, p.AskedBy)
		}
		for _, e := range v.Exceptions {
			actors = append(actors, e.ProposedBy, e.ApprovedBy)
		}
		for _, k := range v.Keys {
			if actors = append(actors, k.Asked); k.Approved != nil {
				actors = append(actors, *k.Approved)
			}
		}
		if v.People, err = s.people(ctx, r, actors...); err != nil {
			return nil, err
		}
		return s.showRefusable(r, nil, nil, func() ([]byte, error) { return s.pages.RenderApprovals(v) })
	})(ctx, r)
}
