package api

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/auth/password"
	"qaqpa/api/language"
	"qaqpa/api/passkey"
	"qaqpa/api/strictjson"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/tsa"
)

// problem is an RFC 9457 document.
type problem struct {
	Type            string   `json:"type"`
	Title           string   `json:"title"`
	Status          int      `json:"status"`
	Detail          string   `json:"detail,omitempty"`
	Code            code     `json:"code"`
	Field           string   `json:"field,omitempty"`
	Parameter       string   `json:"parameter,omitempty"`
	TraceID         string   `json:"trace_id"`
	DeveloperDetail string   `json:"developer_detail,omitempty"`
	Reasons         []string `json:"reasons,omitempty"`
	About           string   `json:"about,omitempty"`
	VerdictID       string   `json:"verdict_id,omitempty"`
}

// refusal is an error that knows its code and what else the problem says.
type refusal struct {
	code       code
	field      string // JSON pointer
	parameter  string // name of a query parameter or header
	developer  string
	reasons    []string
	about      string // what a reason that is no verdict's is about
	verdict    string
	data       map[string]string // for the texts: Limit, Want
	retryAfter time.Duration
	allow      string
	cause      error
}

func refuse(c code) *refusal { return &refusal{code: c} }

// Error is for logs.
func (p *refusal) Error() string {
	text := string(p.code)
	if where := p.field + p.parameter; where != "" {
		text += " at " + where
	}
	if p.cause != nil {
		text += ": " + p.cause.Error()
	}
	return text
}

// Unwrap returns the cause, if any.
func (p *refusal) Unwrap() error { return p.cause }

func (p *refusal) at(field string) *refusal          { p.field = pointer(field); return p }
func (p *refusal) of(parameter string) *refusal      { p.parameter = parameter; return p }
func (p *refusal) because(err error) *refusal        { p.cause = err; return p }
func (p *refusal) explain(developer string) *refusal { p.developer = developer; return p }
func (p *refusal) after(d time.Duration) *refusal    { p.retryAfter = d; return p }
func (p *refusal) with(name, value string) *refusal {
	if p.data == nil {
		p.data = make(map[string]string, 2)
	}
	p.data[name] = value
	return p
}

// classify is the one place where errors become problems. What it does not know is a failure of ours, whose text stays
// in the log.
func classify(err error) *refusal {
	var own *refusal
	var body *strictjson.Error
	var domain *payment.Error
	var overload interface {
		error
		RetryAfter() time.Duration
	}
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &body):
		return ofJSON(body)
	case errors.As(err, &domain):
		return ofDomain(domain)
	case errors.Is(err, auth.ErrUnknownKey), errors.Is(err, auth.ErrRevoked), errors.Is(err, auth.ErrExpired):
		return refuse(codeKeyInvalid).because(err)
	case errors.Is(err, auth.ErrReplay):
		return refuse(codeReplayed).because(err)
	case errors.Is(err, auth.ErrReason):
		return refuse(codeReason).because(err)
	case errors.Is(err, auth.ErrNoChallenge):
		return refuse(codeChallenge).because(err)
	case errors.Is(err, auth.ErrSignIn):
		return refuse(codeSignInWrong).because(err)
	case errors.Is(err, auth.ErrInvitation):
		return refuse(codeInvitation).because(err)
	case errors.Is(err, password.ErrLength), errors.Is(err, password.ErrPlain):
		return refuse(codePasswordWeak).because(err)
	case errors.Is(err, auth.ErrQuestion), errors.Is(err, passkey.ErrAnswer), errors.Is(err, auth.ErrAccount):
		return refuse(codePasskey).because(err)
	case errors.Is(err, auth.ErrNoTicket):
		return refuse(codeQROver).because(err)
	case errors.Is(err, auth.ErrBusy):
		return refuse(codeTooMany).because(err).after(time.Second)
	case errors.Is(err, signer.ErrTooLarge):
		return refuse(codeBodyTooLarge).because(err)
	case errors.Is(err, signer.ErrRequest):
		return refuse(codeDocument).because(err).explain(err.Error())
	case errors.Is(err, signer.ErrVerdictNotFound):
		return refuse(codeNotOwn).because(err)
	case errors.As(err, &overload): // a key of the token that has more to do than it can
		return refuse(codeTooMany).because(err).after(overload.RetryAfter())
	case errors.Is(err, tsa.ErrCertificate): // no response of RFC 3161 says that it has ended
		return refuse(codeSealKey).because(err)
	case errors.Is(err, tsa.ErrLease):
		return refuse(codeUnavailable).because(err).after(10 * time.Second)
	case passing(err):
		return refuse(codeUnavailable).because(err).after(2 * time.Second)
	}
	return refuse(codeInternal).because(err)
}

// passing tells failures that a repetition may get over: a database that restarts or is overloaded, a deadline.
func passing(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	var token interface {
		error
		Temporary() bool
	}
	if errors.As(err, &token) && token.Temporary() { // a token that is away
		return true
	}
	var db interface{ SQLState() string }
	if !errors.As(err, &db) || len(db.SQLState()) != 5 {
		return false
	}
	switch db.SQLState()[:2] {
	case "08", "40", "53", "57": // connection, rolled back, resources, operator intervention
		return true
	}
	return db.SQLState() == "55P03" // a lock was waited for too long
}

func ofJSON(e *strictjson.Error) *refusal {
	p := refuse(jsonCode(e.Reason)).because(e).with("Want", e.Want).with("Limit", strconv.Itoa(e.Limit))
	p.field = e.Pointer
	p.developer = "byte " + strconv.Itoa(e.Offset)
	return p
}

func ofDomain(e *payment.Error) *refusal {
	p := refuse(code(e.Code)).because(e)
	p.field, p.developer, p.reasons, p.about, p.verdict = pointer(e.Field), e.Detail, e.Reasons, e.About, e.VerdictID
	if e.Kind == payment.KindUnavailable {
		return p.after(5 * time.Second)
	}
	return p
}

// pointer turns debts[2].payer into /debts/2/payer.
func pointer(field string) string {
	if field == "" || strings.HasPrefix(field, "/") {
		return field
	}
	return "/" + strings.NewReplacer("[", "/", "]", "", ".", "/").Replace(field)
}

// problemResponse writes an error as a problem in the language.
func (s *Server) problemResponse(err error, id string, lang language.Lang) *response {
	p := classify(err)
	status, known := s.statuses[p.code]
	if !known {
		status = http.StatusInternalServerError
		p = refuse(codeInternal).because(err)
	}
	out := problem{Type: s.cfg.BaseURL + "/problems/" + string(p.code), Status: status, Code: p.code, TraceID: id}
	out.Title = s.texts.Text(lang, "problem."+string(p.code)+".title", nil)
	// A 5xx says no more than the id under which the operator finds the rest.
	if status < http.StatusInternalServerError {
		out.Detail = s.texts.Text(lang, "problem."+string(p.code)+".detail", p.data)
		out.Field, out.Parameter, out.DeveloperDetail = p.field, p.parameter, p.developer
		out.Reasons, out.About, out.VerdictID = p.reasons, p.about, p.verdict
	}
	body, merr := json.Marshal(out)
	if merr != nil {
		body = []byte(`{}`)
	}
	resp := &response{status: status, contentType: typeProblem, body: body, code: p.code, err: err}
	resp.set("Content-Language", string(lang))
	resp.set("Vary", "Accept-Language")
	resp.set("Cache-Control", "no-store")
	s.problemHeaders(resp, p, status)
	return resp
}

func (s *Server) problemHeaders(resp *response, p *refusal, status int) {
	if p.retryAfter > 0 {
		resp.set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	if p.allow != "" {
		resp.set("Allow", p.allow)
	}
	if status == http.StatusUnauthorized {
		resp.set("WWW-Authenticate", `Bearer realm="qaqpa"`)
	}
}
