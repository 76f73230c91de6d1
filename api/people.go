package api

import (
	"context"
	"errors"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
)

// people says who the actors of a page are: officials by the name of their certificate or account, agencies and banks by theirs. Whom
// nobody knows, such as citizens and programs, is left out and shown as the page shows actors otherwise.
func (s *Server) people(ctx context.Context, r *request, actors ...string) (portal.People, error) {
	known, err := s.cfg.Keys.NamesOf(ctx, actors)
	if err != nil {
		return nil, err
	}
	out := make(portal.People, len(known))
	for actor, k := range known {
		out[actor] = k.Name
		if k.Subject != "" {
			out[actor] += " (" + k.Subject + ")"
		}
	}
	for _, actor := range actors {
		if _, done := out[actor]; done {
			continue
		}
		name, err := s.organisation(ctx, r, actor)
		if err != nil {
			return nil, err
		}
		if name != "" {
			out[actor] = name
		}
	}
	return out, nil
}

// organisation is the name of an agency or a bank that acted by its program; empty for any other actor.
func (s *Server) organisation(ctx context.Context, r *request, actor string) (string, error) {
	kind, subject, _ := strings.Cut(actor, ":")
	switch auth.Kind(kind) {
	case auth.Agency:
		a, err := s.cfg.Payments.Agency(ctx, subject)
		if errors.Is(err, payment.ErrAgencyUnknown) {
			return "", nil
		}
		return nameIn(a.Names, string(s.pageLanguage(r, r.arg("lang")))), err
	case auth.Bank:
		banks, err := s.cfg.Payments.Banks(ctx)
		for _, b := range banks {
			if b.BIC == subject {
				return b.Name, nil
			}
		}
		return "", err
	case auth.Operator, auth.Portal:
	}
	return "", nil
}
