package payment

import (
	"errors"
	"io"
	"runtime"
	"testing"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
)

// What the operator and an agency see of webhooks that were given up, of the tries, of feeds and of what two people agreed on.
func TestBoardsOfOperatorAndAgency(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	if list, err := b.Agencies(ctx); err != nil || len(list) == 0 || list[0].Names.EN == "" {
		t.Errorf("agencies %+v, %v", list, err)
	}
	if dead, err := b.DeadWebhooks(ctx); err != nil || len(dead) != 0 {
		t.Errorf("dead %+v, %v", dead, err)
	}
	state, log := paidWith(b, 410)
	webhook := log[len(log)-1].Webhook
	dead, err := b.DeadWebhooks(ctx)
	if err != nil || state != "dead" || len(dead) != 1 || dead[0].Agency != b.agency.ID || dead[0].Count != 1 || dead[0].Since.IsZero() {
		t.Errorf("dead %+v, %v", dead, err)
	}
	tries, err := b.WebhookTries(ctx, b.agency.ID, webhook, 0)
	if err != nil || len(tries) != 1 || tries[0].Status != 410 || tries[0].Number != 1 {
		t.Errorf("tries %+v, %v", tries, err)
	}
	for name, q := range map[string][2]string{"another agency": {"agc_other", webhook}, "no webhook": {b.agency.ID, "msg_none"}, "nothing": {"", ""}} {
		if _, err := b.WebhookTries(ctx, q[0], q[1], 0); !errors.Is(err, ErrWebhookUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if feeds, err := b.RecentFeeds(ctx, b.agency.ID, ""); err != nil || len(feeds.Items) != 0 {
		t.Errorf("feeds %+v, %v", feeds, err)
	}
	items := []debt.Item{{Reference: "F-1", Payer: debt.Payer{ID: citizenIIN}, Service: b.licence.ID}, {Reference: "F-2", Payer: debt.Payer{ID: "1"}, Service: b.licence.ID}}
	if _, _, err := b.FeedDebts(ctx, Feed{Caller: "agency:x", Agency: b.agency.ID, Name: "monday"}, lines(items, io.EOF)); err != nil {
		t.Fatal(err)
	}
	page, err := b.RecentFeeds(ctx, b.agency.ID, "")
	feeds := page.Items
	if err != nil || page.HasMore || len(feeds) != 1 || feeds[0].Name != "monday" || feeds[0].Lines != 2 || feeds[0].Accepted != 1 || feeds[0].Refused != 1 || !feeds[0].Complete {
		t.Errorf("feeds %+v, %v", feeds, err)
	}
	if none, err := b.RecentFeeds(ctx, "agc_other", ""); err != nil || len(none.Items) != 0 {
		t.Errorf("feeds %+v, %v", none, err)
	}
	spec := b.licence.ServiceSpec
	spec.Names.EN = "Another name"
	ask, agree := b.idem("ask"), b.idem("agree")
	ask.Caller, agree.Caller = "citizen:a", "citizen:b"
	p, _, err := b.ProposeService(ctx, ask, b.agency.ID, spec, "Айгүл")
	b.must(err)
	_, _, err = b.DecideProposal(ctx, agree, b.agency.ID, p.ID, ProposalDecision{Publish: true, Name: "Дәурен"})
	b.must(err)
	agreed, err := b.PublishedProposals(ctx, b.agency.ID, spec.Code)
	if v := agreed[b.licence.Version+1]; err != nil || len(agreed) != 1 || v.AskedName != "Айгүл" || v.DecidedName != "Дәурен" {
		t.Errorf("agreed %+v, %v", agreed, err)
	}
}

// One name is one person where two are needed, whoever stands behind the slash.
func TestSameActor(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"operator:ops", "operator:ops", true},
		{"operator:ops/mbr_1", "operator:ops", true},
		{"operator:ops/mbr_1", "operator:ops/mbr_2", true},
		{"operator:ops", "operator:other", false},
		{"citizen:1", "citizen:2", false},
		{"bank:KOPRKZKA/mbr_1", "bank:KOPRKZKA/mbr_2", false},
		{"bank:KOPRKZKA/mbr_1", "bank:KOPRKZKA/mbr_1", true},
		{"bank:KOPRKZKA/mbr_1", "bank:KOPRKZKA", true},
		{"bank:KOPRKZKA", "bank:KOPRKZKA/mbr_1", true},
		{"bank:KOPRKZKA/mbr_1", "bank:BASQKZKA/mbr_2", false},
		{"operator:ops/mbr_1", "operator:other/mbr_1", false},
	} {
		if sameActor(row.a, row.b) != row.same {
			t.Errorf("%s and %s", row.a, row.b)
		}
	}
}

// The attack: a bank sends one file with thousands of statements, whose report tells of them all, and the operator's page reads that report with each.
func TestMatchRatesReadAReportOnce(t *testing.T) {
	b := setup(t)
	b.account()
	_, tiyn := b.paid(citizenIIN)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, ref: "X"}}}.camt())
	const statements, report = 300, 100_000
	_, err := b.db.ExecContext(t.Context(), `UPDATE statement_files SET result = convert_to(jsonb_set(convert_from(result, 'UTF8')::jsonb, '{signer}', to_jsonb(repeat('x', $1::integer)))::text, 'UTF8')`, report)
	b.must(err)
	_, err = b.db.ExecContext(t.Context(), `INSERT INTO statements (bucket, id, bank_bic, account, format, name, number, year, page, opened_on, closed_on, opening, closing, credit, debit, lines, state,
			ladder, sha256, file_index, created_at)
		SELECT bucket, id + g, bank_bic, account, format, name, number + g, year, page, opened_on, closed_on, opening, closing, credit, debit, lines, state, ladder, sha256, file_index + g,
			created_at FROM statements, generate_series(1, $1::integer) g`, statements)
	b.must(err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rates, err := b.MatchRates(t.Context(), catalog.DateOf(b.clock.now().AddDate(0, 0, -20)))
	runtime.ReadMemStats(&after)
	if err != nil || len(rates) != 1 || rates[0].Lines != statements+1 || rates[0].Matched != 0 {
		t.Fatalf("%+v %v", rates, err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > statements*report/2 {
		t.Errorf("%d octets for one report of %d", taken, report)
	}
}
