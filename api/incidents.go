package api

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"qaqpa/api/portal"
	"qaqpa/api/watch"
	"qaqpa/payment"
	"qaqpa/signer/tsa"
)

// TokenState is what the operator's pages and the watch know of a token.
type TokenState struct {
	// Label names it; Processes serve it, of which Usable can be used now.
	Label             string
	Processes, Usable int
	// Since is when the first of the others stopped; zero while all can be used. Trouble is the kind of what is the matter, one of the words
	// of the texts page.trouble.token; Problem is it in full, in English, for people who know the gateway.
	Since            time.Time
	Problem, Trouble string
}

// Bounds beyond which something is an incident.
const (
	unknownMax = 10 * time.Minute
	scarce     = 10 // a bank's guarantee with less than a tenth left
)

// Watch stores what is wrong, and how long requests take, until ctx ends. process names this process among others. It does nothing where
// the configuration has no Watch.
func (s *Server) Watch(ctx context.Context, process string) error {
	if s.cfg.Watch == nil {
		return nil
	}
	w, err := watch.NewWatcher(watch.WatcherConfig{Store: s.cfg.Watch, Look: s.conditions, Times: s.times, Process: process, Log: s.cfg.Log})
	if err != nil {
		return err
	}
	w.Run(ctx)
	return nil
}

// Classes of requests whose times are kept apart.
const (
	classPay   = "pay"
	classJudge = "judge"
	classOther = "other"
)

// classOf is the class of an operation.
func classOf(route string) string {
	switch {
	case strings.HasPrefix(route, "/v1/orders"), strings.HasPrefix(route, "/cabinet/orders"), strings.HasPrefix(route, "/v1/bank-"), strings.HasPrefix(route, "/v1/debts"):
		return classPay
	case strings.HasPrefix(route, "/v1/validations"), strings.HasPrefix(route, "/v1/certificates"), strings.HasPrefix(route, "/v1/seals"), route == "/verify":
		return classJudge
	}
	return classOther
}

// conditions are what is wrong now, as far as this process can see: what cannot be asked is itself one of them.
func (s *Server) conditions(ctx context.Context) []watch.Condition {
	var out []watch.Condition
	for _, h := range s.health(ctx) {
		if !h.Good {
			out = append(out, watch.Condition{Kind: "health", Subject: h.Name, Grave: true})
		}
	}
	out = append(out, s.tokenConditions(ctx)...)
	out = append(out, s.trustConditions()...)
	for _, look := range []func(context.Context) ([]watch.Condition, error){s.bankConditions, s.attemptConditions, s.agencyConditions} {
		// A database that cannot be asked is in the list already, by its check.
		if found, err := look(ctx); err == nil {
			out = append(out, found...)
		}
	}
	return out
}

func (s *Server) tokenConditions(ctx context.Context) (out []watch.Condition) {
	if s.cfg.Room.Tokens != nil {
		for _, t := range s.cfg.Room.Tokens() {
			if t.Usable < t.Processes {
				out = append(out, watch.Condition{Kind: "token", Subject: t.Label, Detail: watch.Technical(t.Trouble, t.Problem), Since: t.Since, Grave: t.Usable == 0})
			}
		}
	}
	if s.cfg.Room.Clock != nil {
		if err := s.cfg.Room.Clock(ctx); err != nil {
			out = append(out, watch.Condition{Kind: "clock", Subject: "clock", Detail: watch.Technical(clockTrouble(err), err.Error()), Grave: true})
		}
	}
	return out
}

// clockTrouble sorts why a clock is not sure, in the words of the texts page.trouble.clock.
func clockTrouble(err error) string {
	switch {
	case errors.Is(err, tsa.ErrClockUnsynchronised):
		return "unsynchronised"
	case errors.Is(err, tsa.ErrClockServers):
		return "servers"
	case errors.Is(err, tsa.ErrClockOff):
		return "off"
	}
	return "unknown"
}

func (s *Server) trustConditions() (out []watch.Condition) {
	now := s.cfg.Now()
	if l := s.cfg.Room.Lists; l != nil {
		for _, p := range l.Status() {
			if p.OutOfDate || p.List == nil && !p.Optional {
				out = append(out, watch.Condition{Kind: "list", Subject: p.Name, Since: p.CheckedAt})
			}
		}
	}
	if t := s.cfg.Room.Trust; t != nil {
		for _, a := range t.Anchors() {
			if now.Add(portal.TrustSoon).After(a.TrustedUntil) && now.Before(a.TrustedUntil) {
				out = append(out, watch.Condition{Kind: "anchor", Subject: a.Certificate.Subject.String(), Detail: a.TrustedUntil.Format(time.DateOnly)})
			}
		}
	}
	return out
}

func (s *Server) bankConditions(ctx context.Context) (out []watch.Condition, err error) {
	banks, err := s.cfg.Payments.Banks(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range banks {
		if b.Paused {
			out = append(out, watch.Condition{Kind: "paused", Subject: b.BIC})
		}
		if b.SilentSince != nil {
			out = append(out, watch.Condition{Kind: "silent", Subject: b.BIC, Since: *b.SilentSince, Grave: true})
		}
		e, err := s.cfg.Payments.Exposure(ctx, b.BIC)
		if err != nil {
			return nil, err
		}
		if e.Guarantee != nil && e.Free < *e.Guarantee/scarce {
			out = append(out, watch.Condition{Kind: "guarantee", Subject: b.BIC, Grave: e.Free == 0})
		}
	}
	return out, nil
}

// attemptConditions are payments whose outcome is unknown for too long, by bank.
func (s *Server) attemptConditions(ctx context.Context) (out []watch.Condition, err error) {
	open, err := s.cfg.Payments.OpenAttempts(ctx, "")
	if err != nil {
		return nil, err
	}
	late := map[string][]payment.OpenAttempt{}
	for _, a := range open {
		if s.cfg.Now().Sub(a.CreatedAt) > unknownMax {
			late[a.Bank] = append(late[a.Bank], a)
		}
	}
	for bank, list := range late {
		out = append(out, watch.Condition{Kind: "attempt", Subject: bank, Detail: strconv.Itoa(len(list)), Since: list[0].CreatedAt})
	}
	return out, nil
}

// agencyConditions are webhooks that were given up, and agencies that refuse them.
func (s *Server) agencyConditions(ctx context.Context) (out []watch.Condition, err error) {
	dead, err1 := s.cfg.Payments.DeadWebhooks(ctx)
	agencies, err2 := s.cfg.Payments.Agencies(ctx)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	for _, d := range dead {
		out = append(out, watch.Condition{Kind: "dead", Subject: d.Agency, Detail: strconv.Itoa(d.Count), Since: d.Since})
	}
	for _, a := range agencies {
		if a.WebhookDisabledAt != nil {
			out = append(out, watch.Condition{Kind: "gone", Subject: a.ID, Since: *a.WebhookDisabledAt})
		}
	}
	return out, nil
}
