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
	"qaqpa/api/language"
	"qaqpa/api/portal"
	"qaqpa/payment/statement"
	"qaqpa/signer/report"
)

// pageRoutes are the pages for people. They are no part of the contract for programs: openapi.yaml leaves them out.
func (s *Server) pageRoutes() []route {
	upload := s.cfg.Limits.SignatureBytes + free
	return append(slices.Concat(s.codePages(), s.reconPages(), s.deskPages(), s.linePages(), s.wayPages(), s.operatorPages(), s.agencyPages(), s.webhookPages(), s.bankPages(), s.giveBackPages(), s.payPages(), s.mandatePages(), s.resolutionPages(), s.commissionPages(), s.developerPages()), []route{
		page("/", s.home, "lang"),
		page("/handbook", s.handbook, "lang"),
		page("/handbook/{role}", s.handbook, "lang"),
		page("/sign-in", s.signInPage, "lang"),
		page("/sign-in/challenge", s.signInChallenge).as(typeText),
		formRoute("/sign-in", upload, s.signIn, typeForm).slowly(),
		formRoute("/sign-out", free, s.signOut, typeFields).emptied(),
		page("/cabinet", s.cabinetPage, "lang", "payer", "before", "find"),
		page("/cabinet/data", s.personalData, "lang"),
		page("/console", s.console, "lang"),
		page("/console/operator/{subject}", s.operatorPage, "lang"),
		formRoute("/console/operator/{subject}/search", free, s.operatorSearch, typeFields),
		formRoute("/cabinet/orders", free, s.cabinetOrder, typeFields),
		page("/cabinet/orders/{order}", s.orderPage, "lang"),
		page("/cabinet/orders/{order}/document", s.orderDocument).as(typeBytes),
		formRoute("/cabinet/orders/{order}/sign", upload, s.orderSign, typeForm),
		formRoute("/cabinet/orders/{order}/cancel", free, s.orderCancel, typeFields),
		page("/cabinet/orders/{order}/receipt.pdf", s.ownReceiptPDF, "part", "lang").as(typePDF),
		page("/cabinet/orders/{order}/receipt.pdf.p7s", s.ownReceiptSeal, "part", "lang").as(typeSignature),
		formRoute("/cabinet/orders/{order}/court-copy", free, s.ownCourtCopy, typeFields).as(typePDF).or(typeHTML),
		page("/cabinet/orders/{order}/receipt.cms", s.ownReceiptCMS, "part").as(typeCMS),
	}...)
}

// page is a GET for people: what goes wrong is told on a page.
func page(path string, serve endpoint, args ...string) route {
	r := get(path, "", serve, args...).as(typeHTML)
	r.forPeople = true
	return r
}

// formRoute takes a form of our own pages, and of no others.
func formRoute(path string, bodyMax int, serve endpoint, consumes string) route {
	r := post(path, "", bodyMax, serve).as(typeHTML)
	r.consumes, r.forPeople, r.ownForm = []string{consumes}, true, true
	return r
}

// emptied lets a form have no field at all.
func (rt route) emptied() route { rt.bodyOptional = true; return rt }

// ownOrigin refuses forms that another site made the browser send (CSRF). Browsers tell by Sec-Fetch-Site where a request
// comes from, older ones by Origin; one that tells neither is older than what this site supports, or no browser, and is
// let through no further.
func (s *Server) ownOrigin(r *request) error {
	switch r.fetchSite {
	case "same-origin":
		return nil
	case "":
		if r.origin == originOf(s.cfg.BaseURL) {
			return nil
		}
	}
	return refuse(codeForeignForm)
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Scheme + "://" + u.Host
}

// Names of our cookies. Over TLS they bear the prefix by which browsers refuse cookies that a neighbouring host or an
// unprotected page planted.
const (
	cookieSession   = "qaqpa-session"
	cookieChallenge = "qaqpa-challenge"
	cookieLanguage  = "qaqpa-language"
	cookieHost      = "__Host-"
)

func cookieNames() []string { return []string{cookieSession, cookieChallenge, cookieLanguage} }

func (s *Server) secure() bool { return strings.HasPrefix(s.cfg.BaseURL, "https:") }

// cookieName is the name on the wire.
func (s *Server) cookieName(name string) string {
	if s.secure() {
		return cookieHost + name
	}
	return name
}

// setCookie gives the browser a cookie for this visit; an empty value takes it away. Scripts cannot read it, and forms of
// other sites are sent without it.
func (s *Server) setCookie(resp *response, name, value string) {
	c := http.Cookie{Name: s.cookieName(name), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode} //nolint:gosec // G124: Secure follows
	// Plain HTTP is for loopback alone.
	c.Secure = s.secure()
	if value == "" {
		c.MaxAge = -1
	}
	if name == cookieLanguage {
		c.MaxAge = 365 * 24 * 60 * 60
	}
	resp.set("Set-Cookie", c.String())
}

// visitor is who is signed in; nobody is no error.
func (s *Server) visitor(ctx context.Context, r *request) (auth.Session, error) {
	v, err := s.cfg.Keys.Session(ctx, find(r.cookies, cookieSession), r.from())
	if errors.Is(err, auth.ErrNoSession) {
		return auth.Session{}, nil
	}
	return v, err
}

// signedIn wraps pages that are for people who signed in; others are sent to the page of sign-in.
func (s *Server) signedIn(serve func(ctx context.Context, r *request, who auth.Session) (*response, error)) endpoint {
	return func(ctx context.Context, r *request) (*response, error) {
		who, err := s.visitor(ctx, r)
		if err != nil {
			return nil, err
		}
		if !who.Known() {
			return seeOther("/sign-in"), nil
		}
		return serve(ctx, r, who)
	}
}

// seeOther sends the browser on, so that loading the next page again sends no form again.
func seeOther(address string) *response {
	resp := &response{status: http.StatusSeeOther}
	resp.set("Location", address)
	return resp
}

// frame is what the page has around its content.
func (s *Server) frame(r *request, who auth.Session) portal.Frame {
	address := url.URL{Path: r.path}
	q := url.Values{}
	for _, p := range r.query {
		if p.name != "lang" {
			q.Set(p.name, p.value)
		}
	}
	address.RawQuery = q.Encode()
	return portal.Frame{Lang: s.pageLanguage(r, r.arg("lang")), Address: address.String(), Person: who.Name, Works: who.BIN != "", Account: who.Way == auth.ByPassword}
}

// show makes the response of a page, and remembers a language that was chosen.
func (s *Server) show(r *request, status int, body []byte, err error) (*response, error) {
	if err != nil {
		return nil, err
	}
	resp := &response{status: status, contentType: typeHTML + "; charset=utf-8", body: body}
	lang, chosen := language.Parse(r.arg("lang"))
	if chosen {
		s.setCookie(resp, cookieLanguage, string(lang))
	} else {
		lang = s.pageLanguage(r, "")
	}
	resp.set("Content-Language", string(lang))
	resp.set("Vary", "Accept-Language, Cookie")
	return resp, nil
}

// message tells an error in words for people, with the status of its problem.
func (s *Server) message(r *request, err error) (portal.Message, int) {
	p := classify(err)
	status, known := s.statuses[p.code]
	if !known {
		p, status = refuse(codeInternal), http.StatusInternalServerError
	}
	lang := s.pageLanguage(r, r.arg("lang"))
	m := portal.Message{
		Title:  s.texts.Text(lang, "problem."+string(p.code)+".title", nil),
		Detail: s.texts.Text(lang, "problem."+string(p.code)+".detail", p.data),
	}
	if fault, ok := errors.AsType[*statement.Error](err); ok {
		s.tellFault(&m, fault, lang)
		p.about = "" // format and place in the words of programs
	}
	if status < http.StatusInternalServerError {
		m.Reasons = s.reasonTexts(p.reasons, p.about, lang)
	}
	return m, status
}

// tellFault says where in the sender's file its reader stopped, quotes what stands there, and leaves the reader's own words to experts.
func (s *Server) tellFault(m *portal.Message, fault *statement.Error, lang language.Lang) {
	where := map[string]string{"Format": string(fault.Format), "Line": strconv.Itoa(fault.Line), "Path": fault.Path}
	id := "page.fault"
	if fault.Line > 0 {
		id += ".line"
	}
	if fault.Path != "" {
		id += ".path"
	}
	m.Place = s.texts.Text(lang, id, where)
	if m.Quoted = fault.Quoted(); m.Quoted != "" {
		m.Place += ". " + s.texts.Text(lang, "page.fault.quoted", nil)
	}
	m.Expert = portal.Expert{Title: s.texts.Text(lang, "page.expert", nil), Text: fault.Error()}
}

// reasonTexts puts the codes of a verdict's reasons into words, or that of another refusal with what it is about.
func (s *Server) reasonTexts(codes []string, about string, lang language.Lang) []string {
	var out []string
	for _, c := range codes {
		text := report.New(report.Code(c), "", "").Text.In(report.Lang(lang))
		if id := "why." + c; s.texts.Has(lang, id) {
			text = s.texts.Text(lang, id, nil)
			if about != "" {
				text += ": " + about
			}
		}
		if text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// problemPage tells a refusal on a page of its own.
func (s *Server) problemPage(r *request, err error) (*response, error) {
	m, status := s.message(r, err)
	p := portal.Problem{Frame: s.frame(r, auth.Session{}), Message: m, TraceID: r.id, Back: "/cabinet"}
	body, rerr := s.pages.RenderProblem(p)
	resp, rerr := s.show(r, status, body, rerr)
	if rerr != nil {
		return nil, rerr
	}
	resp.code, resp.err = classify(err).code, err
	return resp, nil
}

func (s *Server) home(ctx context.Context, r *request) (*response, error) {
	who, err := s.visitor(ctx, r)
	if err != nil {
		who = auth.Session{} // the first page shows while the database is away
	}
	body, err := s.pages.RenderHome(portal.Home{Frame: s.frame(r, who)})
	return s.show(r, http.StatusOK, body, err)
}
