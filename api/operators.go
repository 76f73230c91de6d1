package api

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"qaqpa/api/auth"
	"qaqpa/api/passkey"
	"qaqpa/api/portal"
)

// passkeyPolicy is of the pages that ask a passkey.
const passkeyPolicy = pagePolicy + "; script-src 'self'"

// operatorPages let the operator's people in by password and a second factor.
func (s *Server) operatorPages() []route {
	private := func(rt route) route { rt.secret = true; return rt.slowly() }
	return []route{
		page("/operators", s.operatorsPage, "lang"),
		private(formRoute("/operators", free, s.operatorsSignIn, typeFields)),
		page("/operators/enrol", s.enrolPage, "lang"),
		private(formRoute("/operators/enrol", free, s.enrol, typeFields)),
		formRoute("/operators/passkey", passkeyAnswer, s.passkeyAnswered, typeForm).slowly(),
		page("/console/security", s.securityPage, "lang"),
		formRoute("/console/security/add", free, s.passkeyAdd, typeFields),
		formRoute("/console/security/added", passkeyAnswer, s.passkeyAdded, typeForm),
		formRoute("/console/security/remove", free, s.passkeyRemove, typeFields),
		s.scriptRoute("/operators/passkey.js"),
	}
}

// passkeyAnswer bounds the form with a passkey's answer.
const passkeyAnswer = 32 << 10

func (s *Server) operatorsPage(ctx context.Context, r *request) (*response, error) {
	who, err := s.visitor(ctx, r)
	if err != nil {
		return nil, err
	}
	if who.Known() {
		return seeOther("/console"), nil
	}
	return s.operatorsForm(r, "", nil)
}

func (s *Server) operatorsForm(r *request, login string, refused error) (*response, error) {
	v, status := portal.Operators{Frame: s.frame(r, auth.Session{}), Login: login}, http.StatusOK
	v.Address = "/operators"
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	body, err := s.pages.RenderOperators(v)
	resp, err := s.show(r, status, body, err)
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

// operatorsSignIn takes password and code, or asks a passkey of whoever knows the password.
func (s *Server) operatorsSignIn(ctx context.Context, r *request) (*response, error) {
	form, err := readFields(r, "login", "password", "code", "with")
	if err != nil {
		return nil, err
	}
	login := form.Get("login")
	if form.Get("with") == "passkey" {
		resp, err := s.askPasskey(ctx, r, login, form.Get("password"))
		if err != nil {
			return s.operatorsForm(r, login, err)
		}
		return resp, nil
	}
	session, _, err := s.cfg.Keys.SignInByPassword(ctx, login, form.Get("password"), form.Get("code"), r.from())
	if err != nil {
		return s.operatorsForm(r, login, err)
	}
	return s.entered(session, "/console"), nil
}

func ownerOf(a auth.Account, keys []auth.Passkey) passkey.Owner {
	out := passkey.Owner{Login: a.Login, Name: a.Name}
	for _, k := range keys {
		out.Credentials = append(out.Credentials, k.Credential)
	}
	return out
}

func (s *Server) askPasskey(ctx context.Context, r *request, login, secret string) (*response, error) {
	account, keys, err := s.cfg.Keys.CheckPassword(ctx, login, secret)
	if err != nil {
		return nil, err
	}
	options, question, err := s.passkeys.AskToSignIn(ownerOf(account, keys))
	if err != nil {
		return nil, err
	}
	token, err := s.cfg.Keys.Ask(ctx, account.Login, "sign-in", question)
	if err != nil {
		return nil, err
	}
	return s.showPasskey(r, portal.AskPasskey{Frame: s.frame(r, auth.Session{}), Options: options, Question: token})
}

func (s *Server) showPasskey(r *request, v portal.AskPasskey) (*response, error) {
	v.Address = "/operators"
	if v.Adds {
		v.Address = "/console/security"
	}
	body, err := s.pages.RenderAskPasskey(v)
	resp, err := s.show(r, http.StatusOK, body, err)
	if err == nil {
		resp.set("Content-Security-Policy", passkeyPolicy)
	}
	return resp, err
}

// passkeyAnswered begins the session when the answer is right. A question is asked once: after a wrong answer everything begins anew.
func (s *Server) passkeyAnswered(ctx context.Context, r *request) (*response, error) {
	session, err := func() (string, error) {
		form, err := readForm(r, "question", "answer")
		if err != nil {
			return "", err
		}
		account, question, err := s.cfg.Keys.Asked(ctx, string(form["question"]), "sign-in")
		if err != nil {
			return "", err
		}
		keys, err := s.cfg.Keys.PasskeysOf(ctx, account.Login)
		if err != nil {
			return "", err
		}
		var key auth.Passkey
		if key.ID, key.Credential, err = s.passkeys.SignedIn(ownerOf(account, keys), question, form["answer"]); err != nil {
			return "", err
		}
		session, _, err := s.cfg.Keys.SignInByPasskey(ctx, account, key, r.from())
		return session, err
	}()
	if err != nil {
		return s.operatorsForm(r, "", err)
	}
	return s.entered(session, "/console"), nil
}

func (s *Server) enrolPage(_ context.Context, r *request) (*response, error) {
	return s.enrolForm(r, portal.Enrol{}, nil)
}

func (s *Server) enrolForm(r *request, v portal.Enrol, refused error) (*response, error) {
	v.Frame = s.frame(r, auth.Session{})
	v.Address = "/operators/enrol"
	status := http.StatusOK
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	body, err := s.pages.RenderEnrol(v)
	resp, err := s.show(r, status, body, err)
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

// enrol takes the password of an invited person and shows the seed of the second factor, once.
func (s *Server) enrol(ctx context.Context, r *request) (*response, error) {
	form, err := readFields(r, "login", "invitation", "password", "again")
	if err != nil {
		return nil, err
	}
	v := portal.Enrol{Login: strings.ToLower(strings.TrimSpace(form.Get("login")))}
	if form.Get("password") != form.Get("again") {
		return s.enrolForm(r, v, refuse(codePasswordsDiffer))
	}
	if v.Seed, err = s.cfg.Keys.Enrol(ctx, v.Login, form.Get("invitation"), form.Get("password")); err != nil {
		v.Seed = nil
		return s.enrolForm(r, v, err)
	}
	return s.enrolForm(r, v, nil)
}

// ownAccount wraps the pages of a person's own account; sessions that began otherwise have none.
func (s *Server) ownAccount(serve func(ctx context.Context, r *request, who auth.Session, a auth.Account) (*response, error)) endpoint {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		a, err := s.cfg.Keys.AccountOf(ctx, who)
		if errors.Is(err, auth.ErrAccount) {
			err = refuse(codeNotOwn).because(err)
		}
		if err != nil {
			return nil, err
		}
		return serve(ctx, r, who, a)
	})
}

func (s *Server) securityPage(ctx context.Context, r *request) (*response, error) {
	return s.ownAccount(func(ctx context.Context, r *request, who auth.Session, a auth.Account) (*response, error) {
		return s.showSecurity(ctx, r, who, a, nil)
	})(ctx, r)
}

func (s *Server) showSecurity(ctx context.Context, r *request, who auth.Session, a auth.Account, refused error) (*response, error) {
	v, status := portal.Security{Frame: s.frame(r, who), Account: a}, http.StatusOK
	v.Address = "/console/security"
	var err error
	if v.Passkeys, err = s.cfg.Keys.PasskeysOf(ctx, a.Login); err != nil {
		return nil, err
	}
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	body, err := s.pages.RenderSecurity(v)
	resp, err := s.show(r, status, body, err)
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

const passkeyNameMax = 60

func (s *Server) passkeyAdd(ctx context.Context, r *request) (*response, error) {
	return s.ownAccount(func(ctx context.Context, r *request, who auth.Session, a auth.Account) (*response, error) {
		form, err := readFields(r, "name")
		if err != nil {
			return nil, err
		}
		name := strings.TrimSpace(form.Get("name"))
		if n := utf8.RuneCountInString(name); n < 1 || n > passkeyNameMax {
			return nil, refuse(codeForm).of("name")
		}
		keys, err := s.cfg.Keys.PasskeysOf(ctx, a.Login)
		if err != nil {
			return nil, err
		}
		options, question, err := s.passkeys.AskToAdd(ownerOf(a, keys))
		if err != nil {
			return nil, err
		}
		token, err := s.cfg.Keys.Ask(ctx, a.Login, "add", question)
		if err != nil {
			return nil, err
		}
		return s.showPasskey(r, portal.AskPasskey{Frame: s.frame(r, who), Options: options, Question: token, Adds: true, Name: name})
	})(ctx, r)
}

func (s *Server) passkeyAdded(ctx context.Context, r *request) (*response, error) {
	return s.ownAccount(func(ctx context.Context, r *request, who auth.Session, a auth.Account) (*response, error) {
		err := func() error {
			form, err := readForm(r, "question", "answer", "name")
			if err != nil {
				return err
			}
			name := string(form["name"])
			if n := utf8.RuneCountInString(name); n < 1 || n > passkeyNameMax || !text(name) {
				return refuse(codeForm).of("name")
			}
			asked, question, err := s.cfg.Keys.Asked(ctx, string(form["question"]), "add")
			// The attack: a passkey is added to the account of whoever is made to send this form.
			if err == nil && asked.Login != a.Login {
				err = auth.ErrQuestion
			}
			if err != nil {
				return err
			}
			id, credential, err := s.passkeys.Added(ownerOf(a, nil), question, form["answer"])
			if err != nil {
				return err
			}
			return s.cfg.Keys.AddPasskey(ctx, a, auth.Passkey{ID: id, Name: name, Credential: credential})
		}()
		if err != nil {
			return s.showSecurity(ctx, r, who, a, err)
		}
		return seeOther("/console/security"), nil
	})(ctx, r)
}

func (s *Server) passkeyRemove(ctx context.Context, r *request) (*response, error) {
	return s.ownAccount(func(ctx context.Context, r *request, _ auth.Session, a auth.Account) (*response, error) {
		form, err := readFields(r, "id")
		if err != nil {
			return nil, err
		}
		id, err := hex.DecodeString(form.Get("id"))
		if err != nil {
			return nil, refuse(codeForm).of("id")
		}
		if err := s.cfg.Keys.RemovePasskey(ctx, a, id); err != nil {
			return nil, err
		}
		return seeOther("/console/security"), nil
	})(ctx, r)
}
