package api

import (
	"context"
	"net/http"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/order"
)

// wayPages are the ways to sign in beside NCALayer: a code to the confirmed phone, and eGov Mobile.
func (s *Server) wayPages() []route {
	return []route{
		formRoute("/sign-in/code", free, s.signInCode, typeFields).slowly(),
		formRoute("/sign-in/code/enter", free, s.signInCodeEntered, typeFields).slowly(),
		formRoute("/sign-in/qr", free, s.signInQR, typeFields).emptied().slowly(),
		page("/sign-in/qr", s.signInQRPage, "lang"),
		formRoute("/cabinet/orders/{order}/qr", free, s.orderQR, typeFields).emptied(),
		page("/cabinet/orders/{order}/qr", s.orderQRPage, "lang"),
	}
}

// from is the address to which sessions of the operator's people are bound. Of IPv6 the network counts: hosts change the rest every day.
func (r *request) from() string {
	if r.remote.Is4() {
		return r.remote.String()
	}
	const network = 64
	p, err := r.remote.Prefix(network)
	if err != nil {
		return r.remote.String()
	}
	return p.String()
}

// challenged finds the challenge of this browser, or makes one; resp gets its cookie.
func (s *Server) challenged(ctx context.Context, r *request) (token string, set func(*response), err error) {
	token = find(r.cookies, cookieChallenge)
	if _, err := s.cfg.Keys.PendingChallenge(ctx, token); err == nil {
		return token, func(*response) {}, nil
	}
	token, _, err = s.cfg.Keys.Challenge(ctx, s.cfg.BaseURL)
	return token, func(resp *response) { s.setCookie(resp, cookieChallenge, token) }, err
}

// entered sends a visitor on whose session has begun.
func (s *Server) entered(session, to string) *response {
	resp := seeOther(to)
	s.setCookie(resp, cookieSession, session)
	s.setCookie(resp, cookieChallenge, "")
	return resp
}

// errandMax bounds what is done after a page was answered.
const errandMax = 20 * time.Second

// errand does something after the answer, within the life of the server: who waits for the answer shall not learn how long it took.
// Nobody is left to tell when it fails; the log is told.
func (s *Server) errand(do func(ctx context.Context) error) {
	s.errands.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.base), errandMax)
		defer cancel()
		if err := do(ctx); err != nil {
			s.cfg.Log.ErrorContext(ctx, "an errand failed", "error", err.Error())
		}
	})
}

// signInCode sends a code to the phone that is confirmed for an IIN. The page that follows is the same for every IIN.
func (s *Server) signInCode(ctx context.Context, r *request) (*response, error) {
	form, err := readFields(r, "key", "iin")
	if err != nil {
		return nil, err
	}
	token, set, err := s.challenged(ctx, r)
	if err != nil {
		return nil, err
	}
	browser, err := auth.ChallengeSubject(token)
	if err != nil {
		return nil, err
	}
	key := form.Get("key")
	if len(key) < 8 || len(key) > 64 || !plain(key) {
		return nil, refuse(codeForm).of("key")
	}
	idem := payment.Idem{Caller: "browser:" + browser, Key: key, Hash: fingerprint(r.method, r.path, r.body)}
	c, deliver, err := s.cfg.Payments.StartSignIn(ctx, idem, form.Get("iin"), browser, string(s.pageLanguage(r, "")))
	if err != nil {
		return s.signInForm(r, err)
	}
	s.errand(deliver) //nolint:contextcheck // it outlives the request on purpose
	resp, err := s.codeForm(r, form.Get("iin"), c.ID, nil)
	if err == nil {
		set(resp)
	}
	return resp, err
}

// codeForm shows where the code is entered; refused says what was wrong with the last one.
func (s *Server) codeForm(r *request, iin, challenge string, refused error) (*response, error) {
	v, status := portal.SignInCode{Frame: s.frame(r, auth.Session{}), Key: newID(), IIN: iin, Challenge: challenge}, http.StatusOK
	v.Address = "/sign-in"
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	body, err := s.pages.RenderSignInCode(v)
	resp, err := s.show(r, status, body, err)
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

// signInCodeEntered begins a session of whoever enters the code in the browser for which it was sent.
func (s *Server) signInCodeEntered(ctx context.Context, r *request) (*response, error) {
	form, err := readFields(r, "challenge", "iin", "code")
	if err != nil {
		return nil, err
	}
	iin, token := form.Get("iin"), find(r.cookies, cookieChallenge)
	session, err := func() (string, error) {
		browser, err := auth.ChallengeSubject(token)
		if err != nil {
			return "", err
		}
		// The attack: somebody is made to enter the code of an attacker's browser, or his own code in it. It serves here alone.
		if err := s.cfg.Payments.ConfirmSignIn(ctx, iin, form.Get("challenge"), browser, form.Get("code")); err != nil {
			return "", err
		}
		who := auth.Person{IIN: iin, Name: iin, Kind: order.KindPerson}
		session, _, err := s.cfg.Keys.SignIn(ctx, token, who, auth.ByCode, r.from())
		return session, err
	}()
	if err != nil {
		return s.codeForm(r, iin, form.Get("challenge"), err)
	}
	return s.entered(session, "/cabinet"), nil
}

// mayName says whether a person may name a phone: only his EDS binds one to him, for whoever has the old phone would bind the next.
func mayName(who auth.Session) error {
	if who.Way != auth.ByEDS {
		return payment.ErrCodeNotAllowed
	}
	return ownPerson(who, who.IIN)
}
