package api

import (
	"context"
	"strconv"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
)

// linesShown is how many lines of a statement one page lists.
const linesShown = 25

// linePages show the operator what became of each line of a statement, and undo the match that rules made of one. That moves money back into an
// exception in the hands of whoever does it; where it goes from there takes two people.
func (s *Server) linePages() []route {
	const path = "/console/operator/{subject}/statements/{statement}/lines"
	return []route{
		page(path, s.linesPage, "lang", "after_no", "after_part"),
		formRoute(path, free, s.undoOnPage, typeFields),
	}
}

func (s *Server) linesPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		var after [2]int
		for i, name := range [2]string{"after_no", "after_part"} {
			var err error
			if after[i], err = r.number(name); err != nil {
				return nil, err
			}
		}
		return s.showLines(ctx, r, who, linesOf(m, after[0], after[1]), nil)
	})(ctx, r)
}

// linesOf is an empty page for one of the operator's people, at a place of the statement.
func linesOf(m auth.Member, no, part int) portal.Lines {
	v := portal.Lines{Subject: m.Subject, No: no, Part: part}
	if m.Role == auth.Editor {
		v.Key = newID()
	}
	return v
}

// showLines shows lines from after v's place on. Of a form that was refused it shows the line itself first.
func (s *Server) showLines(ctx context.Context, r *request, who auth.Session, v portal.Lines, refused error) (*response, error) {
	no, part := v.No, v.Part
	if refused != nil { // the line of the form, and those after it
		if part--; part < 0 {
			no, part = no-1, 1<<30
		}
	}
	v.Frame, v.First = s.frame(r, who), refused == nil && no == 0 && part == 0
	var err error
	if v.Statement, err = s.cfg.Payments.Statement(ctx, r.param("statement")); err != nil {
		return nil, err
	}
	found, err := s.cfg.Payments.StatementLines(ctx, v.Statement.ID, max(no, 0), part, linesShown)
	if err != nil {
		return nil, err
	}
	v.Lines, v.More = found.Items, found.HasMore
	return s.showRefusable(r, refused, &v.Message, func() ([]byte, error) { return s.pages.RenderLines(v) })
}

// undoOnPage undoes a match under the name that the operator has at the command line, and goes on to the exception that comes of it.
func (s *Server) undoOnPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readFields(r, "key", "no", "part", "comment")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		idem.Caller = operatorActor(m)
		u := payment.MatchUndoing{Comment: strings.TrimSpace(strings.ReplaceAll(form.Get("comment"), "\r\n", "\n"))}
		for _, n := range []struct {
			name string
			to   *int
		}{{"no", &u.No}, {"part", &u.Part}} {
			if *n.to, err = strconv.Atoi(form.Get(n.name)); err != nil || *n.to < 0 || *n.to > 1<<30 {
				return nil, refuse(codeForm).of(n.name)
			}
		}
		undone, _, err := s.cfg.Payments.UndoMatch(ctx, idem, r.param("statement"), u)
		if err != nil {
			v := linesOf(m, u.No, u.Part)
			v.Draft = u.Comment
			return s.showLines(ctx, r, who, v, err)
		}
		at := "/console/operator/" + m.Subject + "/exceptions"
		if len(undone.Exceptions) == 1 {
			at += "/" + undone.Exceptions[0] + "?done=1"
		}
		return seeOther(at), nil
	})(ctx, r)
}
