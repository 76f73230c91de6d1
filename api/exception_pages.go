package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/recon"
)

// exceptionsPage is the queue, the oldest first.
func (s *Server) exceptionsPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.Exceptions{
			Frame: s.frame(r, who), Subject: m.Subject, Actor: operatorActor(m),
			Query: payment.ExceptionQuery{
				Bank: r.arg("bank"), Kind: recon.Kind(r.arg("kind")), Severity: recon.Severity(r.arg("severity")), Age: r.arg("age"), Owner: r.arg("owner"),
				State: recon.State(r.arg("state")), After: r.arg("starting_after"),
			},
		}
		var err error
		if v.Banks, err = s.cfg.Payments.Banks(ctx); err != nil {
			return nil, err
		}
		found, err := s.cfg.Payments.Exceptions(ctx, v.Query)
		if err != nil {
			return nil, err
		}
		v.Exceptions, v.More = found.Items, found.HasMore
		owners := make([]string, len(found.Items))
		for i, e := range found.Items {
			owners[i] = e.Owner
		}
		if v.People, err = s.people(ctx, r, owners...); err != nil {
			return nil, err
		}
		return s.showRefusable(r, nil, nil, func() ([]byte, error) { return s.pages.RenderExceptions(v) })
	})(ctx, r)
}

func (s *Server) exceptionPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showException(ctx, r, who, m, sent{})
	})(ctx, r)
}

// showException shows one and tells what became of a form.
func (s *Server) showException(ctx context.Context, r *request, who auth.Session, m auth.Member, after sent) (*response, error) {
	found, err := s.cfg.Payments.Exception(ctx, r.param("exception"))
	if err != nil {
		return nil, err
	}
	v := portal.Exception{Frame: s.frame(r, who), Subject: m.Subject, Actor: operatorActor(m), Done: r.arg("done") == "1", Now: s.cfg.Now(), Detail: found, Draft: after.note.fields["comment"], Plan: after.plan}
	if m.Role == auth.Editor {
		v.Key = newID()
	}
	if err := s.addProposal(ctx, &v, who); err != nil {
		return nil, err
	}
	actors := []string{found.Owner, found.ProposedBy}
	for _, n := range found.Notes {
		actors = append(actors, n.Actor)
	}
	if v.People, err = s.people(ctx, r, actors...); err != nil {
		return nil, err
	}
	return s.showRefusable(r, after.refused, &v.Message, func() ([]byte, error) { return s.pages.RenderException(v) })
}

// addProposal says whether the proposal that waits is the reader's own, and what its approval moves. One that fits no more is shown without:
// approving it is refused with the reason.
func (s *Server) addProposal(ctx context.Context, v *portal.Exception, who auth.Session) error {
	if v.Detail.State != recon.Proposed {
		return nil
	}
	mine, err := s.operatorsOf(ctx, who)
	if err != nil {
		return err
	}
	v.Own = oneOf(mine, v.Detail.ProposedBy)
	v.Legs, err = s.cfg.Payments.ProposedLegs(ctx, v.Detail.ID)
	var misfit *payment.Error
	if errors.As(err, &misfit) && misfit.Code == payment.ErrResolutionMisfit.Code {
		v.Note, err = strings.Join(s.reasonTexts(misfit.Reasons, misfit.About, v.Lang), " "), nil
	}
	return err
}

// pageActions are the actions of the form with a message. None of them moves money: a form that names another is refused, and resolutions
// have a form of their own (resolveOnPage).
func pageActions() []string {
	return []string{payment.ActAssign, payment.ActRelease, payment.ActComment, payment.ActAsk}
}

// actOnPage takes one step with an exception under the name that the operator has at the command line, too.
func (s *Server) actOnPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		n, err := readNote(r, operatorActor(m), "action", "answer_by")
		if err != nil {
			return nil, err
		}
		a := payment.ExceptionAction{
			Version: n.version, Action: n.fields["action"], Comment: n.fields["comment"], FileName: n.fileName, File: n.file,
		}
		if !slices.Contains(pageActions(), a.Action) {
			return nil, refuse(codeForm).of("action")
		}
		if a.Action == payment.ActAsk {
			a.AnswerBy = n.fields["answer_by"]
		}
		id := r.param("exception")
		if _, _, err := s.cfg.Payments.ActOnException(ctx, n.idem, id, a); err != nil {
			return s.showException(ctx, r, who, m, sent{note: n, refused: err})
		}
		return seeOther("/console/operator/" + m.Subject + "/exceptions/" + id + "?done=1"), nil
	})(ctx, r)
}
