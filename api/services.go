package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// agencyOf returns the id of the agency that calls; other kinds of clients are refused.
func agencyOf(r *request) (string, error) {
	if r.caller.Kind != auth.Agency {
		return "", refuse(codeAgencyOnly)
	}
	return r.caller.Subject, nil
}

func (s *Server) publishService(ctx context.Context, r *request, in catalog.ServiceSpec) (reply[catalog.Service], error) {
	agency, err := agencyOf(r)
	if err != nil {
		return reply[catalog.Service]{}, err
	}
	out, replayed, err := s.cfg.Payments.PublishService(ctx, r.idem, agency, in)
	return reply[catalog.Service]{Status: http.StatusCreated, Body: out, Location: "/v1/services/" + out.ID, Replayed: replayed}, err
}

func (s *Server) listServices(ctx context.Context, r *request) (reply[payment.ServicePage], error) {
	q := payment.ServiceQuery{Agency: r.arg("agency"), After: r.arg("starting_after")}
	var err error
	if q.Limit, err = limitOf(r); err != nil {
		return reply[payment.ServicePage]{}, err
	}
	for _, name := range []string{"agency", "starting_after"} {
		if v := r.arg(name); v != "" && !plain(v) {
			return reply[payment.ServicePage]{}, refuse(codeQuery).of(name)
		}
	}
	out, err := s.cfg.Payments.Services(ctx, q)
	if out.Items == nil {
		out.Items = []catalog.Service{}
	}
	return reply[payment.ServicePage]{Body: out}, err
}

// limitOf reads the page size; 0 when absent.
func limitOf(r *request) (int, error) {
	v := r.arg("limit")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 100 {
		return 0, refuse(codeQuery).of("limit")
	}
	return n, nil
}

func (s *Server) getService(ctx context.Context, r *request) (reply[catalog.Service], error) {
	out, err := s.cfg.Payments.Service(ctx, r.param("service"))
	return reply[catalog.Service]{Body: out}, err
}

func (s *Server) quoteService(ctx context.Context, r *request) (reply[catalog.Quote], error) {
	ask := catalog.Ask{On: catalog.DateOf(s.cfg.Now())}
	for name, day := range map[string]*catalog.Date{"on": &ask.On, "paid_on": &ask.PaidOn} {
		if v := r.arg(name); v != "" {
			if *day = catalog.Date(v); !day.Valid() {
				return reply[catalog.Quote]{}, refuse(codeQuery).of(name)
			}
		}
	}
	for name, sum := range map[string]*int64{"claim": &ask.Claim, "amount": &ask.Stated} {
		if v := r.arg(name); v != "" {
			n, err := strconv.ParseInt(v, 10, 64)
			// The second reading is compared with the first: +5, 05 and -0 are not how an amount is written.
			if err != nil || n <= 0 || strconv.FormatInt(n, 10) != v {
				return reply[catalog.Quote]{}, refuse(codeQuery).of(name)
			}
			*sum = n
		}
	}
	out, err := s.cfg.Payments.Quote(ctx, r.param("service"), ask)
	return reply[catalog.Quote]{Body: out}, err
}

// bankItem is what clients may know of a bank: its interface and certificates' number are the operator's business.
type bankItem struct {
	BIC    string `json:"bic"`
	Name   string `json:"name"`
	Paused bool   `json:"paused"`
	// PausedBy is operator or silence.
	PausedBy    string     `json:"paused_by,omitempty"`
	SilentSince *time.Time `json:"silent_since,omitempty"`
}

// items is a list that is short enough to have no pages.
type items[T any] struct {
	Items []T `json:"items"`
}

func (s *Server) listBanks(ctx context.Context, _ *request) (reply[items[bankItem]], error) {
	banks, err := s.cfg.Payments.Banks(ctx)
	out := items[bankItem]{Items: make([]bankItem, len(banks))}
	for i, b := range banks {
		out.Items[i] = bankItem{BIC: b.BIC, Name: b.Name, Paused: !b.Takes(), SilentSince: b.SilentSince}
		switch {
		case b.Paused:
			out.Items[i].PausedBy = "operator"
		case b.SilentSince != nil:
			out.Items[i].PausedBy = "silence"
		}
	}
	return reply[items[bankItem]]{Body: out}, err
}
