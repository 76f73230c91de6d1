package payment

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
)

// What was paid to an agency and the webhooks that tell of it are listed page by page, those that were given up apart, and one by its id;
// an id of another agency is none.
func TestAgencyPaymentsArePaged(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	if _, log := paidWith(b, 410); len(log) == 0 {
		t.Fatal("no webhook")
	}
	all, err := b.AgencyPayments(ctx, AgencyPaymentQuery{Agency: b.agency.ID, Webhooks: true})
	if err != nil || all.HasMore || len(all.Items) != 1 || all.Items[0].State != "dead" || all.Items[0].Status != 410 || all.Items[0].CreatedAt.IsZero() {
		t.Fatalf("%+v, %v", all, err)
	}
	// More of the same, a second apart, of which every other one was delivered.
	webhook := all.Items[0].Webhook
	for i := range 5 {
		_, err := b.db.ExecContext(ctx, `INSERT INTO outbox (bucket, id, agency_id, order_id, debt_id, subject, state, payload, failures, due_at, created_at, finished_at)
			SELECT bucket, substr(id, 1, 8) || lpad($2::text, 30, '0'), agency_id, order_id, debt_id, 'ref_' || $2, $3, payload, 0, due_at, created_at + $2::integer * interval '1 second', finished_at FROM outbox WHERE id = $1`,
			webhook, fmt.Sprint(i+1), []string{"dead", "delivered"}[i%2])
		b.must(err)
	}
	page := func(q AgencyPaymentQuery) (ids []string) {
		q.Agency, q.Limit = b.agency.ID, 2
		for {
			got, err := b.AgencyPayments(ctx, q)
			b.must(err)
			for _, x := range got.Items {
				ids, q.After = append(ids, x.Webhook), x.Webhook
			}
			if !got.HasMore {
				return ids
			}
		}
	}
	every := page(AgencyPaymentQuery{Webhooks: true})
	if len(every) != 6 || every[5] != webhook {
		t.Errorf("all: %q", every)
	}
	if dead := page(AgencyPaymentQuery{Webhooks: true, Dead: true}); len(dead) != 4 || dead[0] != every[0] {
		t.Errorf("dead: %q", dead)
	}
	if paid := page(AgencyPaymentQuery{}); len(paid) != 1 {
		t.Errorf("payments: %q", paid)
	}
	if one := page(AgencyPaymentQuery{Webhooks: true, Webhook: every[3]}); len(one) != 1 || one[0] != every[3] {
		t.Errorf("one: %q", one)
	}
	if n, err := b.DeadCount(ctx, b.agency.ID); err != nil || n != 4 {
		t.Errorf("%d dead, %v", n, err)
	}
	for name, q := range map[string]AgencyPaymentQuery{
		"of another": {Agency: "agc_other", Webhooks: true, Webhook: webhook}, "behind another's": {Agency: "agc_other", After: webhook},
		"no id": {Agency: b.agency.ID, Webhook: "msg_1"}, "behind no id": {Agency: b.agency.ID, After: "x"},
	} {
		if got, err := b.AgencyPayments(ctx, q); !errors.Is(err, ErrWebhookUnknown) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := b.AgencyPayments(ctx, AgencyPaymentQuery{Limit: 101}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if tries, err := b.WebhookTries(ctx, b.agency.ID, webhook, 1); err != nil || len(tries) != 0 {
		t.Errorf("before the first: %+v, %v", tries, err)
	}
}

// Feeds are listed page by page, and the results of one are read from any line on.
func TestFeedsArePaged(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	for i := range feedsShown + 2 {
		items := []debt.Item{{Reference: fmt.Sprint("F-", i), Payer: debt.Payer{ID: "1"}, Service: b.licence.ID}}
		_, _, err := b.FeedDebts(ctx, Feed{Caller: "agency:x", Agency: b.agency.ID, Name: fmt.Sprint("feed-", i)}, lines(items, io.EOF))
		b.must(err)
	}
	first, err := b.RecentFeeds(ctx, b.agency.ID, "")
	if err != nil || !first.HasMore || len(first.Items) != feedsShown {
		t.Fatalf("%d, %v", len(first.Items), err)
	}
	second, err := b.RecentFeeds(ctx, b.agency.ID, first.Items[feedsShown-1].Name)
	if err != nil || second.HasMore || len(second.Items) != 2 {
		t.Errorf("%+v, %v", second, err)
	}
	var items []debt.Item
	for i := range feedChunk + 2 {
		items = append(items, debt.Item{Reference: fmt.Sprint("L-", i), Payer: debt.Payer{ID: "1"}, Service: b.licence.ID})
	}
	_, _, err = b.FeedDebts(ctx, Feed{Caller: "agency:x", Agency: b.agency.ID, Name: "long"}, lines(items, io.EOF))
	b.must(err)
	for line, chunks := range map[int]int{0: 2, 1: 2, feedChunk: 2, feedChunk + 1: 1, 10 * feedChunk: 0} {
		n := 0
		b.must(b.FeedResultsFrom(ctx, b.agency.ID, "long", line, func([]byte) error { n++; return nil }))
		if n != chunks {
			t.Errorf("from line %d: %d chunks, want %d", line, n, chunks)
		}
	}
}

// A bank's payments of a day are listed by their outcome, page by page, and nobody else's.
func TestBankAttemptsArePaged(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	paidWith(b, 200)
	var made string
	b.must(b.db.Get(&made, `SELECT id FROM attempts`))
	ms, err := strconv.ParseInt(tailOf(prefixAttempt, made)[:12], 16, 64)
	b.must(err)
	begun := time.UnixMilli(ms) // and not now: a midnight may have passed since
	today := catalog.DateOf(begun)
	got, err := b.BankAttempts(ctx, BankAttemptQuery{Bank: testBIC, Day: today})
	if err != nil || len(got.Items) != 1 || got.Items[0].State != "executed" || got.Items[0].ExecutedAt == nil || got.Items[0].BankReference == "" {
		t.Fatalf("%+v, %v", got, err)
	}
	id := got.Items[0].ID
	for name, q := range map[string]BankAttemptQuery{
		"another bank": {Bank: otherBIC, Day: today}, "yesterday": {Bank: testBIC, Day: catalog.DateOf(begun.AddDate(0, 0, -1))}, "tomorrow": {Bank: testBIC, Day: catalog.DateOf(begun.AddDate(0, 0, 1))},
		"refused": {Bank: testBIC, Day: today, State: "refused"}, "open": {Bank: testBIC, Day: today, State: AttemptsOpen}, "behind it": {Bank: testBIC, Day: today, After: id},
	} {
		if got, err := b.BankAttempts(ctx, q); err != nil || len(got.Items) != 0 || got.HasMore {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := b.BankAttempts(ctx, BankAttemptQuery{Bank: testBIC, Day: today, State: "executed"}); err != nil || len(got.Items) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	unknown := b.authorised(citizenIIN)
	got, err = b.BankAttempts(ctx, BankAttemptQuery{Bank: testBIC, Day: "2001-01-01", State: AttemptsOpen})
	if err != nil || len(got.Items) != 1 || got.Items[0].Order != unknown.ID {
		t.Errorf("what has no outcome, on whichever day: %+v, %v", got, err)
	}
	for name, q := range map[string]BankAttemptQuery{
		"no day": {Bank: testBIC}, "odd day": {Bank: testBIC, Day: "2026-13-01"}, "odd state": {Bank: testBIC, Day: today, State: "prepared"}, "odd id": {Bank: testBIC, Day: today, After: "att_1"},
		"another kind of id": {Bank: testBIC, Day: today, After: "ord_" + id[4:]}, "limit": {Bank: testBIC, Day: today, Limit: -1},
	} {
		if _, err := b.BankAttempts(ctx, q); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
