package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// console shows for whom a person may act.
func (s *Server) console(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		members, err := s.cfg.Keys.MembershipsOf(ctx, who)
		if err != nil {
			return nil, err
		}
		var hats []portal.Hat
		for _, m := range members {
			hat := portal.Hat{Address: "/console/" + string(m.Kind) + "/" + m.Subject, Name: m.Subject, Role: string(m.Role)}
			if m.Kind == auth.Agency {
				a, err := s.cfg.Payments.Agency(ctx, m.Subject)
				if err != nil {
					return nil, err
				}
				hat.Name = nameIn(a.Names, string(s.pageLanguage(r, r.arg("lang"))))
			}
			hats = append(hats, hat)
		}
		body, err := s.pages.RenderConsole(s.frame(r, who), hats)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

func nameIn(n catalog.Names, lang string) string {
	return map[string]string{"kk": n.KK, "ru": n.RU, "en": n.EN}[lang]
}

// member wraps pages of an organisation's people. Whoever has no right there finds that the page does not exist.
func (s *Server) member(kind auth.Kind, serve func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error)) endpoint {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		members, err := s.cfg.Keys.MembershipsOf(ctx, who)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if m.Kind == kind && m.Subject == r.param("subject") {
				return serve(ctx, r, who, m)
			}
		}
		return nil, refuse(codeNotOwn)
	})
}

func (s *Server) bankPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.Bank{Frame: s.frame(r, who), Now: s.cfg.Now()}
		banks, err := s.cfg.Payments.Banks(ctx)
		if err != nil {
			return nil, err
		}
		for _, b := range banks {
			if b.BIC == m.Subject {
				v.Bank = b
			}
		}
		if v.Traffic, err = s.cfg.Payments.TrafficSince(ctx, m.Subject, v.Now.Add(-portal.TrafficSpan)); err != nil {
			return nil, err
		}
		if v.Open, err = s.cfg.Payments.OpenAttempts(ctx, m.Subject); err != nil {
			return nil, err
		}
		if err := s.fillBank(ctx, &v, m.Subject); err != nil {
			return nil, err
		}
		body, err := s.pages.RenderBank(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

func (s *Server) operatorPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showOperator(ctx, r, who, m, portal.Operator{})
	})(ctx, r)
}

// showOperator fills the operator's page; v has the answer of a search, if any.
func (s *Server) showOperator(ctx context.Context, r *request, who auth.Session, m auth.Member, v portal.Operator) (*response, error) {
	v.Frame, v.Subject, v.Now = s.frame(r, who), m.Subject, s.cfg.Now()
	v.Address, v.MaySearch = "/console/operator/"+m.Subject, m.Role == auth.Support
	v.Health = s.health(ctx)
	var err error
	if v.Banks, err = s.cfg.Payments.Banks(ctx); err != nil {
		return nil, err
	}
	if v.Traffic, err = s.cfg.Payments.TrafficSince(ctx, "", v.Now.Add(-portal.TrafficSpan)); err != nil {
		return nil, err
	}
	if v.Open, err = s.cfg.Payments.OpenAttempts(ctx, ""); err != nil {
		return nil, err
	}
	if err := s.fillOperator(ctx, r, &v); err != nil {
		return nil, err
	}
	body, err := s.pages.RenderOperator(v)
	return s.show(r, http.StatusOK, body, err)
}

// fillOperator adds what is wrong now, the state of tokens, banks and agencies, and the figures.
func (s *Server) fillOperator(ctx context.Context, r *request, v *portal.Operator) (err error) {
	for _, b := range v.Banks {
		e, err := s.cfg.Payments.Exposure(ctx, b.BIC)
		if err != nil {
			return err
		}
		v.Exposures = append(v.Exposures, e)
	}
	agencies, err1 := s.cfg.Payments.Agencies(ctx)
	dead, err2 := s.cfg.Payments.DeadWebhooks(ctx)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	counts := make(map[string]int, len(dead))
	for _, d := range dead {
		counts[d.Agency] = d.Count
	}
	for _, a := range agencies {
		v.Agencies = append(v.Agencies, portal.AgencyHealth{Agency: a, Dead: counts[a.ID]})
	}
	if s.cfg.Room.Tokens != nil {
		for _, t := range s.cfg.Room.Tokens() {
			v.Tokens = append(v.Tokens, portal.TokenHealth{Label: t.Label, Processes: t.Processes, Usable: t.Usable})
		}
	}
	v.Wrong = s.conditions(ctx)
	if v.Names, err = s.subjects(ctx, r); err != nil {
		return err
	}
	s.figures.read(ctx, s, v)
	if s.cfg.Watch != nil {
		v.Latency, err = s.cfg.Watch.Latency(ctx, v.Now.Add(-portal.LatencySpan), portal.LatencySlot)
	}
	return err
}

// healthWait bounds how long the page waits for the checks.
const healthWait = 2 * time.Second

// health asks all checks of readiness at once.
func (s *Server) health(ctx context.Context) []portal.Health {
	ctx, cancel := context.WithTimeout(ctx, healthWait)
	defer cancel()
	out := make([]portal.Health, len(s.cfg.Checks))
	var wg sync.WaitGroup
	for i, check := range s.cfg.Checks {
		wg.Go(func() { out[i] = portal.Health{Name: check.Name, Good: check.Ready(ctx) == nil} })
	}
	wg.Wait()
	return out
}

// operatorSearch looks for a caller's payments. What is asked for travels in the form, not in the address, which logs and
// histories keep; and the look is noted before anything is shown, also when nothing is found.
func (s *Server) operatorSearch(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Support {
			return nil, refuse(codeRole)
		}
		form, err := readFields(r, "code", "payer", "amount", "on", "reason")
		if err != nil {
			return nil, err
		}
		v := portal.Operator{Query: portal.OperatorQuery{Code: form.Get("code"), Payer: form.Get("payer"), Amount: form.Get("amount"), On: form.Get("on")}}
		v.Found, err = s.search(ctx, who, v.Query, form.Get("reason"))
		if v.Searched = err == nil; v.Searched {
			return s.showOperator(ctx, r, who, m, v)
		}
		message, status := s.message(r, err)
		v.Message = &message
		resp, err := s.showOperator(ctx, r, who, m, v)
		if err == nil {
			resp.status = status
		}
		return resp, err
	})(ctx, r)
}

func (s *Server) search(ctx context.Context, who auth.Session, in portal.OperatorQuery, reason string) ([]payment.Found, error) {
	q := payment.FindQuery{Code: strings.TrimSpace(in.Code), Payer: strings.TrimSpace(in.Payer), On: catalog.Date(in.On)}
	if in.Amount != "" {
		var err error
		if q.Tiyn, err = tenge(in.Amount, "amount"); err != nil {
			return nil, err
		}
	}
	look := auth.Look{IIN: q.Payer, Actor: who.Actor(), Name: who.Name, Organisation: who.Organisation, Reason: reason}
	if look.IIN == "" {
		look.IIN = q.Code // whose it is shows only afterwards
	}
	if look.IIN == "" {
		return nil, payment.ErrPayerIDInvalid
	}
	if err := s.cfg.Keys.NoteLook(ctx, look); err != nil {
		return nil, err
	}
	found, err := s.cfg.Payments.FindOrders(ctx, q)
	if err != nil || len(found) == 0 || q.Payer != "" {
		return found, err
	}
	look.IIN = found[0].Payer
	return found, s.cfg.Keys.NoteLook(ctx, look)
}

// personalData shows a person what is held and who looked at it (R42).
func (s *Server) personalData(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		return s.showData(ctx, r, who, nil)
	})(ctx, r)
}

// showData shows what is held about a person; refused is what became of a form.
func (s *Server) showData(ctx context.Context, r *request, who auth.Session, refused error) (*response, error) {
	looks, err := s.cfg.Keys.LooksAt(ctx, who.IIN)
	if err != nil {
		return nil, err
	}
	v := portal.PersonalData{Frame: s.frame(r, who), Name: who.Name, IIN: who.IIN, Organisation: who.Organisation, Since: who.CreatedAt}
	for _, l := range looks {
		v.Looks = append(v.Looks, portal.Look{At: l.At, Name: l.Name, Organisation: l.Organisation, Reason: l.Reason})
	}
	v.Address, v.Key, v.MayName = "/cabinet/data", newID(), mayName(who) == nil
	if v.Phone, err = s.cfg.Payments.Phone(ctx, who.IIN); err != nil {
		return nil, err
	}
	open, err := s.cfg.Payments.OpenCode(ctx, who.IIN, "phone")
	if err != nil {
		return nil, err
	}
	if open != nil {
		v.Challenge, v.SentTo = open.ID, open.Phone
	}
	status := http.StatusOK
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	body, err := s.pages.RenderPersonalData(v)
	resp, err := s.show(r, status, body, err)
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}
