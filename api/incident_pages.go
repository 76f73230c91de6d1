package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/api/watch"
)

// incidentForm bounds the form of a note: 2000 letters in the encoding of forms.
const incidentForm = 32 << 10

// incidentPages are the operator's pages of what went wrong lately.
func (s *Server) incidentPages() []route {
	const base = "/console/operator/{subject}/incidents"
	return []route{
		page(base, s.incidentsPage, "lang", "starting_after"),
		page(base+"/{incident}", s.incidentPage, "lang", "done"),
		formRoute(base+"/{incident}", incidentForm, s.noteIncident, typeFields),
	}
}

// subjects names what incidents are about: agencies have ids that say nothing.
func (s *Server) subjects(ctx context.Context, r *request) (map[string]string, error) {
	agencies, err := s.cfg.Payments.Agencies(ctx)
	if err != nil {
		return nil, err
	}
	banks, err := s.cfg.Payments.Banks(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(agencies)+len(banks))
	for _, a := range agencies {
		out[a.ID] = nameIn(a.Names, string(s.pageLanguage(r, r.arg("lang"))))
	}
	for _, b := range banks {
		out[b.BIC] = b.Name + " (" + b.BIC + ")"
	}
	return out, nil
}

func (s *Server) incidentsPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if s.cfg.Watch == nil {
			return nil, refuse(codeNotOwn)
		}
		v := portal.Incidents{Frame: s.frame(r, who), Subject: m.Subject, Later: r.arg("starting_after") != ""}
		var err error
		if v.Incidents, v.More, err = s.cfg.Watch.Incidents(ctx, r.arg("starting_after")); err != nil {
			return nil, err
		}
		if v.Names, err = s.subjects(ctx, r); err != nil {
			return nil, err
		}
		body, err := s.pages.RenderIncidents(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

func (s *Server) incidentPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showIncident(ctx, r, portal.Incident{Frame: s.frame(r, who), Subject: m.Subject, MayAct: m.Role == auth.Editor}, nil)
	})(ctx, r)
}

// showIncident fills the page of one; v says who looks, and what a refused form said.
func (s *Server) showIncident(ctx context.Context, r *request, v portal.Incident, refused error) (*response, error) {
	if s.cfg.Watch == nil {
		return nil, refuse(codeNotOwn)
	}
	v.Done = r.arg("done") == "1"
	var err error
	v.Incident, v.Notes, err = s.cfg.Watch.Incident(ctx, r.param("incident"))
	if errors.Is(err, watch.ErrNoIncident) {
		err = refuse(codeNotOwn).because(err)
	}
	if err != nil {
		return nil, err
	}
	actors := make([]string, len(v.Notes))
	for i, n := range v.Notes {
		actors[i] = n.Actor
	}
	if v.People, err = s.people(ctx, r, actors...); err != nil {
		return nil, err
	}
	if v.Names, err = s.subjects(ctx, r); err != nil {
		return nil, err
	}
	return s.showRefusable(r, refused, &v.Message, func() ([]byte, error) { return s.pages.RenderIncident(v) })
}

// noteIncident writes down what was done, or a comment.
func (s *Server) noteIncident(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		if s.cfg.Watch == nil {
			return nil, refuse(codeNotOwn)
		}
		form, err := readFields(r, "no", "kind", "text")
		if err != nil {
			return nil, err
		}
		no, err := strconv.Atoi(form.Get("no"))
		if err != nil {
			return nil, refuse(codeForm).of("no")
		}
		note := watch.Note{No: no, Kind: watch.NoteKind(form.Get("kind")), Text: strings.ReplaceAll(form.Get("text"), "\r\n", "\n"), Actor: m.Actor()}
		if !text(note.Text) {
			return nil, refuse(codeForm).of("text")
		}
		id := r.param("incident")
		err = s.cfg.Watch.AddNote(ctx, id, note)
		switch {
		case errors.Is(err, watch.ErrNoIncident):
			return nil, refuse(codeNotOwn).because(err)
		case errors.Is(err, watch.ErrNote):
			err = refuse(codeForm).of("text").because(err)
		case errors.Is(err, watch.ErrNoteStale):
			err = refuse(codeNoteStale).because(err)
		}
		if err != nil {
			return s.showIncident(ctx, r, portal.Incident{Frame: s.frame(r, who), Subject: m.Subject, MayAct: true, Draft: note.Text}, err)
		}
		return seeOther("/console/operator/" + m.Subject + "/incidents/" + id + "?done=1"), nil
	})(ctx, r)
}
