package api

import (
	"bytes"
	"context"
	"net/url"
	"slices"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
)

// deskPages are the operator's pages of statements: one is withdrawn or replaced by two people.
func (s *Server) deskPages() []route {
	const desk = "/console/operator/{subject}/statements"
	return []route{
		page(desk, s.deskPage, "lang", "bank", "waiting", "starting_after"),
		page(desk+"/{statement}", s.deskStatementPage, "lang", "done"),
		formRoute(desk+"/{statement}", s.cfg.Limits.DocumentBytes+free, s.actOnStatement, typeForm),
	}
}

// deskPage lists the statements of a bank, of the first one when none is chosen.
func (s *Server) deskPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.Desk{
			Frame: s.frame(r, who), Subject: m.Subject,
			Query: payment.StatementQuery{Bank: r.arg("bank"), Waiting: r.arg("waiting") == "true", After: r.arg("starting_after")},
		}
		var err error
		if v.Banks, err = s.cfg.Payments.Banks(ctx); err != nil {
			return nil, err
		}
		if v.Query.Bank == "" && len(v.Banks) > 0 {
			v.Query.Bank = v.Banks[0].BIC
		}
		if v.Query.Bank != "" {
			found, err := s.cfg.Payments.Statements(ctx, v.Query)
			if err != nil {
				return nil, err
			}
			v.Statements, v.More = found.Items, found.HasMore
		}
		return s.showRefusable(r, nil, nil, func() ([]byte, error) { return s.pages.RenderDesk(v) })
	})(ctx, r)
}

func (s *Server) deskStatementPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showDeskStatement(ctx, r, who, m, sent{})
	})(ctx, r)
}

func (s *Server) showDeskStatement(ctx context.Context, r *request, who auth.Session, m auth.Member, after sent) (*response, error) {
	v := portal.DeskStatement{
		Frame: s.frame(r, who), Subject: m.Subject, MaxBytes: s.cfg.Limits.DocumentBytes, Done: r.arg("done") == "1", Draft: after.note.fields["comment"],
	}
	if m.Role == auth.Editor {
		v.Key = newID()
	}
	var err error
	if v.Statement, err = s.cfg.Payments.Statement(ctx, r.param("statement")); err != nil {
		return nil, err
	}
	if v.People, err = s.people(ctx, r, v.Statement.ProposedBy); err != nil {
		return nil, err
	}
	if v.Own, err = s.isSelf(ctx, who, v.Statement.ProposedBy); err != nil {
		return nil, err
	}
	return s.showRefusable(r, after.refused, &v.Message, func() ([]byte, error) { return s.pages.RenderDeskStatement(v) })
}

// actOnStatement takes one step of a withdrawal, or sends the file that replaces the statement, which is the second person's step, too. Both
// are done under the name that the operator has at the command line, so that nobody is two people.
func (s *Server) actOnStatement(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		n, err := readStep(r, operatorActor(m))
		if err != nil {
			return nil, err
		}
		id := r.param("statement")
		if err := s.stepOnStatement(ctx, who, id, n); err != nil {
			return s.showDeskStatement(ctx, r, who, m, sent{note: n, refused: err})
		}
		return seeOther("/console/operator/" + m.Subject + "/statements/" + id + "?done=1"), nil
	})(ctx, r)
}

// stepOnStatement takes one step of a withdrawal, or sends the file that replaces the statement.
// The attack: one person with two roles proposes under one name and approves under the other.
func (s *Server) stepOnStatement(ctx context.Context, who auth.Session, id string, n note) error {
	mine, err := s.ownNames(ctx, who)
	if err != nil {
		return err
	}
	if n.fields["action"] == "replace" {
		return s.replaceStatement(ctx, id, n, mine)
	}
	_, _, err = s.cfg.Payments.WithdrawStatement(ctx, n.idem, id, payment.StatementWithdrawal{Action: n.fields["action"], Comment: n.fields["comment"], Also: mine})
	return err
}

// ownNames are all names under which a person acts, for whomever.
func (s *Server) ownNames(ctx context.Context, who auth.Session) ([]string, error) {
	members, err := s.cfg.Keys.MembershipsOf(ctx, who)
	if err != nil {
		return nil, err
	}
	out := []string{who.Actor()}
	for _, m := range members {
		out = append(out, m.Actor())
	}
	return out, nil
}

// isSelf tells whether an actor is the person who is signed in, under any of his names. Of an operator the name alone counts.
func (s *Server) isSelf(ctx context.Context, who auth.Session, actor string) (bool, error) {
	names, err := s.ownNames(ctx, who)
	return slices.ContainsFunc(names, func(name string) bool {
		return name == actor || (strings.HasPrefix(name, string(auth.Operator)+":") && sameSubject(name, actor))
	}), err
}

// replaceStatement takes a file in that has to replace this statement and no other; mine are all names of who sends it.
func (s *Server) replaceStatement(ctx context.Context, id string, n note, mine []string) error {
	if len(n.file) == 0 {
		return refuse(codeBodyEmpty)
	}
	of, err := s.cfg.Payments.Statement(ctx, id)
	if err != nil {
		return err
	}
	_, _, err = s.reconcile(ctx, payment.StatementFile{
		Body: bytes.NewReader(n.file), Name: n.fileName, Source: payment.SourceAPI, Actor: n.idem.Caller, Also: mine, Bank: of.Bank, Replace: true, Instead: id,
	})
	return err
}

// readStep reads a form of this page. Its key counts with its fields and not with its bytes, as in readNote.
func readStep(r *request, actor string) (note, error) {
	form, called, err := readFiles(r, "key", "action", "comment", "file")
	if err != nil {
		return note{}, err
	}
	n := note{fields: map[string]string{}, file: form["file"], fileName: strings.TrimSpace(called["file"])}
	if !text(n.fileName) {
		return note{}, refuse(codeForm).of("file")
	}
	same := url.Values{}
	for _, name := range []string{"key", "action", "comment"} {
		if !text(string(form[name])) {
			return note{}, refuse(codeForm).of(name)
		}
		n.fields[name] = strings.TrimSpace(strings.ReplaceAll(string(form[name]), "\r\n", "\n"))
		same.Set(name, n.fields[name])
	}
	key := n.fields["key"]
	if len(key) < 8 || len(key) > 64 || !plain(key) {
		return note{}, refuse(codeForm).of("key")
	}
	n.idem = payment.Idem{Caller: actor, Key: key, Hash: fingerprint(r.method, r.path, []byte(same.Encode()))}
	return n, nil
}
