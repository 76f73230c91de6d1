package api

import (
	"context"
	"errors"

	"qaqpa/api/auth"
	"qaqpa/payment"
)

// webhookRoutes are those of what webhooks told, when and whether it arrived.
func (s *Server) webhookRoutes() ([]route, error) {
	again, err := handle(s.redeliverRange)
	one := change("/v1/webhooks/{webhook}/redelivery", auth.ReceiptsRead, 0, answer(s.redeliverOne))
	one.consumes = nil
	return []route{
		get("/v1/webhooks", auth.ReceiptsRead, answer(s.listWebhooks), "agency", "state", "starting_after", "limit"),
		get("/v1/webhooks/{webhook}", auth.ReceiptsRead, answer(s.getWebhook), "agency"),
		one,
		change("/v1/webhook-redeliveries", auth.ReceiptsRead, s.cfg.Limits.JSONBytes, again),
	}, err
}

// webhookAgency is whose webhooks are meant: an agency's own, and those that the operator names.
func webhookAgency(r *request) (string, error) {
	named := r.arg("agency")
	switch r.caller.Kind {
	case auth.Agency:
		if named != "" && named != r.caller.Subject {
			return "", refuse(codeNotOwn)
		}
		return r.caller.Subject, nil
	case auth.Operator:
		if named == "" {
			return "", refuse(codeQuery).of("agency")
		}
		return named, nil
	case auth.Bank, auth.Portal:
	}
	return "", refuse(codeAgencyOnly)
}

func (s *Server) listWebhooks(ctx context.Context, r *request) (reply[payment.WebhookPage], error) {
	agency, err1 := webhookAgency(r)
	limit, err2 := limitOf(r)
	if err := errors.Join(err1, err2); err != nil {
		return reply[payment.WebhookPage]{}, err
	}
	page, err := s.cfg.Payments.Webhooks(ctx, payment.WebhookQuery{Agency: agency, State: r.arg("state"), After: r.arg("starting_after"), Limit: limit})
	return reply[payment.WebhookPage]{Body: page}, err
}

// webhookTry is a delivery that was tried.
type webhookTry struct {
	Number     int    `json:"number"`
	At         string `json:"at"`
	Status     int    `json:"status"`
	Problem    string `json:"problem,omitempty"`
	DurationMS int64  `json:"duration_ms"`
}

// webhookWithTries is a webhook with its log.
type webhookWithTries struct {
	payment.Webhook
	Tries []webhookTry `json:"tries"`
}

func (s *Server) getWebhook(ctx context.Context, r *request) (reply[webhookWithTries], error) {
	agency, err := webhookAgency(r)
	if err != nil {
		return reply[webhookWithTries]{}, err
	}
	w, tries, err := s.cfg.Payments.Webhook(ctx, agency, r.param("webhook"))
	out := webhookWithTries{Webhook: w, Tries: make([]webhookTry, len(tries))}
	for i, t := range tries {
		out.Tries[i] = webhookTry{Number: t.Number, At: t.At.Format("2006-01-02T15:04:05.999999Z07:00"), Status: t.Status, Problem: t.Problem, DurationMS: t.DurationMS}
	}
	return reply[webhookWithTries]{Body: out}, err
}

func (s *Server) redeliverOne(ctx context.Context, r *request) (reply[payment.Webhook], error) {
	agency, err := agencyOf(r)
	if err != nil {
		return reply[payment.Webhook]{}, err
	}
	id, replayed, err := s.cfg.Payments.Redeliver(ctx, r.idem, agency, r.param("webhook"))
	if err != nil {
		return reply[payment.Webhook]{}, err
	}
	w, _, err := s.cfg.Payments.Webhook(ctx, agency, id)
	return reply[payment.Webhook]{Body: w, Replayed: replayed}, err
}

func (s *Server) redeliverRange(ctx context.Context, r *request, in payment.Redelivery) (reply[payment.Redelivered], error) {
	agency, err := agencyOf(r)
	if err != nil {
		return reply[payment.Redelivered]{}, err
	}
	out, replayed, err := s.cfg.Payments.RedeliverRange(ctx, r.idem, agency, in)
	return reply[payment.Redelivered]{Body: out, Replayed: replayed}, err
}
