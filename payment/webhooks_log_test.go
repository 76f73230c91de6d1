package payment

import (
	"testing"
	"time"

	"qaqpa/payment/catalog"
)

// What was given up is listed, told with its tries, and sent again by range, once for each key; others' webhooks are out of reach.
func TestWebhookLogAndRange(t *testing.T) {
	b := setup(t, func(c *Config) { c.WebhookBackoff = []time.Duration{time.Second} })
	ctx := t.Context()
	began := b.clock.now()
	for range 3 {
		paidWith(b, 500, 503)
		b.clock.advance(time.Minute)
		b.settle()
		b.clock.advance(time.Hour)
	}
	paidWith(b, 204)
	page, err := b.Webhooks(ctx, WebhookQuery{Agency: b.agency.ID, State: "dead", Limit: 2})
	b.must(err)
	if len(page.Items) != 2 || !page.HasMore || page.Items[0].CreatedAt.Before(page.Items[1].CreatedAt) || page.Items[0].FinishedAt == nil || page.Items[0].NextTry != nil {
		t.Fatalf("%+v", page)
	}
	rest, err := b.Webhooks(ctx, WebhookQuery{Agency: b.agency.ID, State: "dead", After: page.Items[1].ID})
	b.must(err)
	everything, err := b.Webhooks(ctx, WebhookQuery{Agency: b.agency.ID})
	b.must(err)
	if len(rest.Items) != 1 || rest.HasMore || len(everything.Items) != 4 || everything.Items[0].State != "delivered" {
		t.Fatalf("%+v, %+v", rest, everything)
	}
	oldest := rest.Items[0]
	w, tries, err := b.Webhook(ctx, b.agency.ID, oldest.ID)
	b.must(err)
	if w.State != "dead" || w.Failures != 2 || len(tries) != 2 || tries[0].Number != 2 || tries[0].Status != 503 || tries[1].Status != 500 {
		t.Errorf("%+v, %+v", w, tries)
	}
	lost := Redelivery{From: began, To: page.Items[0].CreatedAt, State: "dead"} // the newest is not within
	key := b.idem("again")
	for _, wantReplay := range []bool{false, true} {
		out, replayed, err := b.RedeliverRange(ctx, key, b.agency.ID, lost)
		if err != nil || replayed != wantReplay || out.Webhooks != 2 || out.HasMore || !out.Through.Equal(page.Items[1].CreatedAt) {
			t.Errorf("%+v %v %v", out, replayed, err)
		}
	}
	if out, _, err := b.RedeliverRange(ctx, b.idem("once more"), b.agency.ID, lost); err != nil || out.Webhooks != 0 || out.Through != nil {
		t.Errorf("they wait already: %+v %v", out, err)
	}
	b.settle()
	if w, tries, err := b.Webhook(ctx, b.agency.ID, oldest.ID); err != nil || w.State != "delivered" || len(tries) != 3 || w.Failures != 0 {
		t.Errorf("%+v %+v %v", w, tries, err)
	}
	if left, err := b.Webhooks(ctx, WebhookQuery{Agency: b.agency.ID, State: "dead"}); err != nil || len(left.Items) != 1 {
		t.Errorf("%+v %v", left, err)
	}
}

func TestWebhookLogRefuses(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	other, _, err := b.RegisterAgency(ctx, b.idem("o"), catalog.AgencySpec{BIN: companyBIN, Names: b.agency.Names, WebhookURL: ""})
	b.must(err)
	paidWith(b)
	page, err := b.Webhooks(ctx, WebhookQuery{Agency: b.agency.ID})
	b.must(err)
	mine := page.Items[0].ID
	if page, err := b.Webhooks(ctx, WebhookQuery{Agency: other.ID}); err != nil || len(page.Items) != 0 {
		t.Errorf("another agency sees %+v, %v", page, err)
	}
	_, _, err = b.Webhook(ctx, other.ID, mine)
	wants(t, err, ErrWebhookUnknown)
	_, err = b.Webhooks(ctx, WebhookQuery{Agency: other.ID, After: mine})
	wants(t, err, ErrWebhookUnknown)
	_, err = b.Webhooks(ctx, WebhookQuery{Agency: b.agency.ID, State: "dead' OR true --"})
	wants(t, err, ErrInvalid)
	day := Redelivery{From: b.clock.now().Add(-time.Hour), To: b.clock.now().Add(time.Hour), State: "delivered"}
	if out, _, err := b.RedeliverRange(ctx, b.idem("r"), other.ID, day); err != nil || out.Webhooks != 0 {
		t.Errorf("%+v %v", out, err)
	}
	for name, r := range map[string]Redelivery{
		"backwards": {From: day.To, To: day.From, State: "dead"}, "no time": {State: "dead"}, "waiting": {From: day.From, To: day.To, State: "waiting"}, "no state": {From: day.From, To: day.To},
	} {
		if _, _, err := b.RedeliverRange(ctx, b.idem(name), b.agency.ID, r); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	_, _, err = b.RedeliverRange(ctx, b.idem("u"), "agc_unknown", day)
	wants(t, err, ErrAgencyUnknown)
}
