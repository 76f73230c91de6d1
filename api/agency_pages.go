package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// webhookPages are the lists of an agency's cabinet: what was paid, the notifications with their tries, refunds, registers.
func (s *Server) webhookPages() []route {
	const base = "/console/agency/{subject}"
	return []route{
		page(base, s.agencyPage, "lang", "live", "starting_after"),
		page(base+"/webhooks", s.webhooksPage, "lang", "state", "starting_after"),
		page(base+"/webhooks/{webhook}", s.webhookPage, "lang", "sent", "before"),
		formRoute(base+"/redeliver", free, s.redeliver, typeFields),
		page(base+"/refunds", s.refundsPage, "lang", "sent", "starting_after"),
		formRoute(base+"/refunds", free, s.decideOnPage, typeFields),
		page(base+"/registers", s.registersPage, "lang"),
	}
}

// rowsShown is how many rows one page of a cabinet lists.
const rowsShown = 50

func (s *Server) agencyPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.Agency{Frame: s.frame(r, who), First: r.arg("starting_after") == ""}
		v.Live = v.First && r.arg("live") == "1"
		var err error
		if v.Agency, err = s.cfg.Payments.Agency(ctx, m.Subject); err != nil {
			return nil, err
		}
		if v.Dead, err = s.cfg.Payments.DeadCount(ctx, m.Subject); err != nil {
			return nil, err
		}
		found, err := s.cfg.Payments.AgencyPayments(ctx, payment.AgencyPaymentQuery{Agency: m.Subject, After: r.arg("starting_after"), Limit: rowsShown})
		if err != nil {
			return nil, err
		}
		v.Payments, v.More = found.Items, found.HasMore
		body, err := s.pages.RenderAgency(v)
		resp, err := s.show(r, http.StatusOK, body, err)
		if err == nil && v.Live {
			resp.set("Content-Security-Policy", verifyPolicy)
		}
		return resp, err
	})(ctx, r)
}

func (s *Server) webhooksPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := portal.Webhooks{Frame: s.frame(r, who)}
		switch r.arg("state") {
		case "":
		case "dead":
			v.Dead = true
		default:
			return nil, refuse(codeQuery).of("state")
		}
		if m.Role == auth.Editor {
			v.Key = newID()
		}
		var err error
		if v.Agency, err = s.cfg.Payments.Agency(ctx, m.Subject); err != nil {
			return nil, err
		}
		if v.DeadCount, err = s.cfg.Payments.DeadCount(ctx, m.Subject); err != nil {
			return nil, err
		}
		found, err := s.cfg.Payments.AgencyPayments(ctx, payment.AgencyPaymentQuery{Agency: m.Subject, Webhooks: true, Dead: v.Dead, After: r.arg("starting_after"), Limit: rowsShown})
		if err != nil {
			return nil, err
		}
		v.Items, v.More = found.Items, found.HasMore
		body, err := s.pages.RenderWebhooks(v)
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}

func (s *Server) webhookPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showWebhook(ctx, r, webhookView{who, m, r.param("webhook")}, nil)
	})(ctx, r)
}

// webhookView is who looks at which notification.
type webhookView struct {
	who auth.Session
	m   auth.Member
	id  string
}

// showWebhook shows a notification of the agency with its tries; to another agency it does not exist. refused is what became of a form.
func (s *Server) showWebhook(ctx context.Context, r *request, of webhookView, refused error) (*response, error) {
	m, id := of.m, of.id
	v := portal.Webhook{Frame: s.frame(r, of.who), Sent: r.arg("sent") == "1"}
	v.Address = "/console/agency/" + m.Subject + "/webhooks/" + url.PathEscape(id)
	if m.Role == auth.Editor {
		v.Key = newID()
	}
	before := 0
	if text := r.arg("before"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1<<30 {
			return nil, refuse(codeQuery).of("before")
		}
		before = n
	}
	found, err := s.cfg.Payments.AgencyPayments(ctx, payment.AgencyPaymentQuery{Agency: m.Subject, Webhooks: true, Webhook: id, Limit: 1})
	if err != nil {
		return nil, err
	}
	v.Item = found.Items[0]
	if v.Agency, err = s.cfg.Payments.Agency(ctx, m.Subject); err != nil {
		return nil, err
	}
	if v.Tries, err = s.cfg.Payments.WebhookTries(ctx, m.Subject, id, before); err != nil {
		return nil, err
	}
	return s.showRefusable(r, refused, &v.Message, func() ([]byte, error) { return s.pages.RenderWebhook(v) })
}

// redeliver puts a webhook of the agency into the queue again. The key of the form makes a double click one delivery more, and not two.
func (s *Server) redeliver(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readFields(r, "key", "webhook")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		id := form.Get("webhook")
		if _, _, err := s.cfg.Payments.Redeliver(ctx, idem, m.Subject, id); err != nil {
			return s.showWebhook(ctx, r, webhookView{who, m, id}, err)
		}
		return seeOther("/console/agency/" + m.Subject + "/webhooks/" + id + "?sent=1"), nil
	})(ctx, r)
}

func (s *Server) refundsPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showRefunds(ctx, r, who, m, nil)
	})(ctx, r)
}

// showRefunds lists an agency's refunds; refused says why a decision was not taken.
func (s *Server) showRefunds(ctx context.Context, r *request, who auth.Session, m auth.Member, refused error) (*response, error) {
	v := portal.AgencyRefunds{Frame: s.frame(r, who), Agency: m.Subject, Decided: r.arg("sent") == "refund", Actor: who.Actor()}
	v.Address = "/console/agency/" + m.Subject + "/refunds"
	if m.Role == auth.Editor {
		v.Key = newID()
	}
	found, err := s.cfg.Payments.Refunds(ctx, payment.RefundQuery{Agency: m.Subject, After: r.arg("starting_after"), Limit: rowsShown})
	if err != nil {
		return nil, err
	}
	v.Refunds, v.More = found.Items, found.HasMore
	var actors []string
	for _, x := range v.Refunds {
		actors = append(actors, x.AskedBy, x.DecidedBy)
	}
	if v.People, err = s.people(ctx, r, actors...); err != nil {
		return nil, err
	}
	return s.showRefusable(r, refused, &v.Message, func() ([]byte, error) { return s.pages.RenderAgencyRefunds(v) })
}

func (s *Server) registersPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		banks, err := s.cfg.Payments.Banks(ctx)
		if err != nil {
			return nil, err
		}
		body, err := s.pages.RenderAgencyRegisters(portal.AgencyRegisters{Frame: s.frame(r, who), Agency: m.Subject, Banks: banks, Today: catalog.DateOf(s.cfg.Now())})
		return s.show(r, http.StatusOK, body, err)
	})(ctx, r)
}
