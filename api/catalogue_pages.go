package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
	"qaqpa/signer/audit"
)

// cataloguePages are the operator's view of what is paid for, to whom, and at what price since when.
func (s *Server) cataloguePages() []route {
	const base = "/console/operator/{subject}/catalogue"
	return []route{
		page(base, s.cataloguePage, "lang", "agency"),
		page(base+"/{agency}/{code}", s.catalogueService, "lang"),
	}
}

// servicesShown bounds the services of one page; an agency with more is looked at by itself.
const servicesShown = 500

func (s *Server) cataloguePage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.Catalogue{Frame: s.frame(r, who), Subject: m.Subject, Today: catalog.DateOf(s.cfg.Now()), Of: r.arg("agency")}
		var err error
		if v.Agencies, err = s.cfg.Payments.Agencies(ctx); err != nil {
			return nil, err
		}
		if v.MRP, err = s.cfg.Payments.MRP(ctx); err != nil {
			return nil, err
		}
		if v.Terms, err = s.cfg.Payments.Commissions(ctx, ""); err != nil {
			return nil, err
		}
		for after := ""; len(v.Services) < servicesShown; {
			found, err := s.cfg.Payments.Services(ctx, payment.ServiceQuery{Agency: v.Of, After: after, Limit: 100})
			if err != nil {
				return nil, err
			}
			v.Services = append(v.Services, found.Items...)
			if v.More = found.HasMore; !v.More {
				break
			}
			after = found.Items[len(found.Items)-1].ID
		}
		body, err := s.pages.RenderCatalogue(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

// catalogueService shows the versions of a service with who published each of them.
func (s *Server) catalogueService(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		agency, code := r.param("agency"), r.param("code")
		v := portal.CatalogueService{Frame: s.frame(r, who), Subject: m.Subject, Today: catalog.DateOf(s.cfg.Now()), Programs: map[int]portal.Published{}}
		var err error
		if v.History, err = s.cfg.Payments.ServiceHistory(ctx, agency, code); err != nil {
			return nil, err
		}
		if v.Agency, err = s.cfg.Payments.Agency(ctx, agency); err != nil {
			return nil, err
		}
		if v.Agreed, err = s.cfg.Payments.PublishedProposals(ctx, agency, code); err != nil {
			return nil, err
		}
		actors, err := s.publishedByPrograms(ctx, &v)
		if err != nil {
			return nil, err
		}
		if v.People, err = s.people(ctx, r, actors...); err != nil {
			return nil, err
		}
		body, err := s.pages.RenderCatalogueService(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

// publishedByPrograms finds in the audit log who published the versions that no two people agreed on.
func (s *Server) publishedByPrograms(ctx context.Context, v *portal.CatalogueService) (actors []string, err error) {
	entries, err := s.cfg.Signer.AuditEntries(ctx, audit.Query{Subject: v.History[0].ID, Action: "service.published", Limit: auditShown})
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		var published struct {
			Version int `json:"version"`
		}
		if json.Unmarshal(e.Detail, &published) != nil || published.Version == 0 {
			continue
		}
		v.Programs[published.Version] = portal.Published{Actor: e.Actor, Chain: e.Chain, Seq: e.Seq}
		actors = append(actors, e.Actor)
	}
	slices.Sort(actors)
	return slices.Compact(actors), nil
}

// Figures that take a while are asked for once in a while, whoever looks.
const (
	figuresLife  = time.Minute
	figuresWait  = 3 * time.Second
	figuresDays  = 14
	owedBanksMax = 50
)

// figures are the operator's charts beside the traffic. What could not be had in time is nil.
type figures struct {
	mu   sync.Mutex // held while they are asked for, so that many who look cost as much as one
	at   time.Time
	owed []portal.BankOwes
	rate []payment.MatchDay
}

// read fills the operator's page from figures that are at most a minute old.
func (f *figures) read(ctx context.Context, s *Server, v *portal.Operator) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := s.cfg.Now()
	if age := now.Sub(f.at); age < 0 || age >= figuresLife {
		ctx, cancel := context.WithTimeout(ctx, figuresWait)
		defer cancel()
		f.owed, f.rate = nil, nil
		if rate, err := s.cfg.Payments.MatchRates(ctx, catalog.DateOf(now.AddDate(0, 0, 1-figuresDays))); err == nil {
			f.rate = rate
		}
		f.owed = s.owedByBanks(ctx, v.Banks, now)
		f.at = now
	}
	v.Owed, v.Rates, v.FiguresAt = f.owed, f.rate, f.at
}

// owedByBanks asks the ledger what each bank owes: what was executed and no statement has settled.
func (s *Server) owedByBanks(ctx context.Context, banks []catalog.Bank, now time.Time) (out []portal.BankOwes) {
	for _, b := range banks[:min(len(banks), owedBanksMax)] {
		row := portal.BankOwes{Bank: b}
		if balance, err := s.cfg.Payments.BalanceAt(ctx, ledger.BankDue(b.BIC), now); err == nil {
			row.Tiyn, row.Known = balance.Amount, true
		}
		out = append(out, row)
	}
	return out
}
