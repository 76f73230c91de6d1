package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/signer/audit"
	"qaqpa/signer/dual"
	"qaqpa/signer/revoked"
	"qaqpa/signer/trust"
)

// Room is what the operator's pages show of keys, trust and lists. Parts that are nil or empty are not shown.
type Room struct {
	// Keys are those that the gateway signs with.
	Keys []portal.HeldKey
	// Requests is what two operators agree on before it is done to a key.
	Requests *dual.Book
	// Trust is whom the gateway believes.
	Trust *trust.Store
	// Lists are the revocation lists at hand.
	Lists *revoked.Store
	// Tokens tells the state of the tokens.
	Tokens func() []TokenState
	// Clock tells why the clock cannot be trusted; nil without an authority that needs it.
	Clock func(context.Context) error
}

// roomRoutes are the operator's pages on keys, trust and the audit log.
func (s *Server) roomRoutes() []route {
	const base = "/console/operator/{subject}"
	return []route{
		page(base+"/keys", s.keysPage, "lang", "done"),
		formRoute(base+"/keys/ask", free, s.keysAsk, typeFields),
		formRoute(base+"/keys/approve", free, s.keysApprove, typeFields),
		page(base+"/trust", s.trustPage, "lang"),
		page(base+"/audit", s.auditPage, "lang", "subject", "actor", "action"),
		page(base+"/audit/{chain}/{seq}", s.proofPage, "lang"),
	}
}

// operatorActor is the name under which a member asks and approves. Before the slash it is that of the operator's API key as well, so that
// the same operator is one on the page and at the command line; behind it stands which person it was.
func operatorActor(m auth.Member) string { return m.Actor() }

// sameSubject tells whether two actors act under one name, whichever persons they are.
func sameSubject(a, b string) bool {
	a, _, _ = strings.Cut(a, "/")
	b, _, _ = strings.Cut(b, "/")
	return a == b
}

func (s *Server) keysPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showKeys(ctx, r, who, m, nil)
	})(ctx, r)
}

// showKeys shows keys and requests; refused says why something was not done.
func (s *Server) showKeys(ctx context.Context, r *request, who auth.Session, m auth.Member, refused error) (*response, error) {
	v := portal.Keys{Frame: s.frame(r, who), Subject: m.Subject, Keys: s.cfg.Room.Keys, Done: r.arg("done")}
	v.Address = "/console/operator/" + m.Subject + "/keys"
	status := http.StatusOK
	if s.cfg.Room.Requests != nil {
		open, err := s.cfg.Room.Requests.Open(ctx)
		if err != nil {
			return nil, err
		}
		mine, err := s.operatorsOf(ctx, who)
		if err != nil {
			return nil, err
		}
		var actors []string
		for _, q := range open {
			if actors = append(actors, q.Asked); q.Approved != nil {
				actors = append(actors, *q.Approved)
			}
		}
		if v.People, err = s.people(ctx, r, actors...); err != nil {
			return nil, err
		}
		for _, q := range open {
			v.Requests = append(v.Requests, portal.KeyRequest{Request: q, Own: oneOf(mine, q.Asked)})
		}
		v.MayAct = m.Role == auth.Editor
	}
	if refused != nil {
		message, st := s.message(r, refused)
		v.Message, status = &message, st
	}
	body, err := s.pages.RenderKeys(v)
	return s.show(r, status, body, err)
}

// operatorsOf lists the names under which a person acts for the operator.
func (s *Server) operatorsOf(ctx context.Context, who auth.Session) ([]string, error) {
	members, err := s.cfg.Keys.MembershipsOf(ctx, who)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range members {
		if m.Kind == auth.Operator {
			out = append(out, operatorActor(m))
		}
	}
	return out, nil
}

// oneOf tells whether an actor is one of those names.
func oneOf(names []string, actor string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return sameSubject(name, actor) })
}

// keyKinds are what may be asked for a key.
func keyKinds() []string { return []string{"retire", "rotate", "destroy"} }

// keysAsk writes down what one operator wants done to a key.
func (s *Server) keysAsk(ctx context.Context, r *request) (*response, error) {
	return s.ceremony(func(ctx context.Context, r *request, _ auth.Session, m auth.Member) error {
		form, err := readFields(r, "what", "held")
		if err != nil {
			return err
		}
		i := slices.IndexFunc(s.cfg.Room.Keys, func(k portal.HeldKey) bool { return k.ID == form.Get("held") })
		if i < 0 || !slices.Contains(keyKinds(), form.Get("what")) {
			return refuse(codeForm).of("held")
		}
		k := s.cfg.Room.Keys[i]
		_, err = s.cfg.Room.Requests.Ask(ctx, dual.Action{Kind: form.Get("what"), Token: k.Token, Key: k.Label, KeyID: k.ID}, operatorActor(m))
		return err
	}, "asked")(ctx, r)
}

// keysApprove gives the second approval. Whoever asked is no second pair of eyes, under whatever name he acts now.
func (s *Server) keysApprove(ctx context.Context, r *request) (*response, error) {
	return s.ceremony(func(ctx context.Context, r *request, who auth.Session, m auth.Member) error {
		form, err := readFields(r, "request")
		if err != nil {
			return err
		}
		open, err := s.cfg.Room.Requests.Open(ctx)
		if err != nil {
			return err
		}
		mine, err := s.operatorsOf(ctx, who)
		if err != nil {
			return err
		}
		for _, q := range open {
			// The attack: one person with two roles asks under one name and approves under the other.
			if q.ID == form.Get("request") && oneOf(mine, q.Asked) {
				return refuse(codeFourEyes)
			}
		}
		return s.cfg.Room.Requests.Approve(ctx, form.Get("request"), operatorActor(m))
	}, "approved")(ctx, r)
}

// ceremony wraps the forms of the page of keys: they are for editors of an operator whose gateway has such requests.
func (s *Server) ceremony(do func(ctx context.Context, r *request, who auth.Session, m auth.Member) error, done string) endpoint {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		if s.cfg.Room.Requests == nil {
			return nil, refuse(codeNotOwn)
		}
		err := do(ctx, r, who, m)
		switch {
		case errors.Is(err, dual.ErrSamePerson):
			err = refuse(codeFourEyes).because(err)
		case errors.Is(err, dual.ErrNotFound), errors.Is(err, dual.ErrDone):
			err = refuse(codeRequestOver).because(err)
		}
		if err != nil {
			return s.showKeys(ctx, r, who, m, err)
		}
		return seeOther("/console/operator/" + m.Subject + "/keys?done=" + done), nil
	})
}

func (s *Server) trustPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(_ context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.Trust{Frame: s.frame(r, who), Subject: m.Subject, Now: s.cfg.Now()}
		if t := s.cfg.Room.Trust; t != nil {
			v.Mode, v.Digest, v.Authorities = string(t.Mode()), t.Digest(), t.Authorities()
		}
		if l := s.cfg.Room.Lists; l != nil {
			v.Lists = l.Status()
		}
		body, err := s.pages.RenderTrust(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

// auditShown is how many entries one page lists.
const auditShown = 100

func (s *Server) auditPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.Audit{Frame: s.frame(r, who), Subject: m.Subject, Query: audit.Query{
			Subject: r.arg("subject"), Actor: r.arg("actor"), Action: r.arg("action"), Limit: auditShown,
		}}
		// What is asked for stands in the address, which logs and histories keep, and a person is looked for with a reason.
		if portal.NamesPerson(v.Query.Subject) || portal.NamesPerson(v.Query.Actor) {
			return nil, refuse(codeQuery).of("subject")
		}
		var err error
		if v.Entries, err = s.cfg.Signer.AuditEntries(ctx, v.Query); err != nil {
			return nil, err
		}
		actors := make([]string, len(v.Entries))
		for i, e := range v.Entries {
			actors[i] = e.Actor
		}
		if v.People, err = s.people(ctx, r, actors...); err != nil {
			return nil, err
		}
		body, err := s.pages.RenderAudit(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

func (s *Server) proofPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		chain, err := strconv.Atoi(r.param("chain"))
		seq, err2 := strconv.ParseInt(r.param("seq"), 10, 64)
		if err != nil || err2 != nil {
			return nil, refuse(codeNotOwn)
		}
		proof, err := s.cfg.Signer.AuditProof(ctx, chain, seq)
		if errors.Is(err, audit.ErrNoEntry) {
			return nil, refuse(codeNotOwn).because(err)
		}
		if err != nil {
			return nil, err
		}
		v := portal.AuditProof{Frame: s.frame(r, who), Subject: m.Subject, Proof: proof}
		if v.People, err = s.people(ctx, r, proof.Actor); err != nil {
			return nil, err
		}
		if portal.NamesPerson(proof.Subject) {
			body, err := s.pages.RenderProof(v)
			return s.show(r, http.StatusOK, body, err)
		}
		v.More = "/console/operator/" + url.PathEscape(m.Subject) + "/audit?subject=" + url.QueryEscape(proof.Subject)
		body, err := s.pages.RenderProof(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}
