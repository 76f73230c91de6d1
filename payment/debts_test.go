package payment

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
)

// Good lines land, bad ones are told by number.
func TestSubmitDebts(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	payer := debt.Payer{ID: citizenIIN}
	items := []debt.Item{
		{Reference: "1", Payer: payer, Service: b.licence.ID},
		{Reference: "2", Payer: payer, Service: b.fine.ID, Tiyn: new(int64(100))},
		{Reference: "3", Payer: debt.Payer{ID: "900101300018"}, Service: b.licence.ID},
		{Reference: "4", Payer: payer, Service: "svc_other"},
		{Reference: "5", Payer: payer, Service: b.fine.ID},
		{Reference: "6", Payer: payer, Service: b.fine.ID, Tiyn: new(int64(0))},
		{Reference: "7", Payer: payer, Service: b.fine.ID, Tiyn: new(int64(-5))},
		{Reference: "8", Payer: payer, Service: b.fine.ID, Tiyn: new(int64(100)), Currency: "USD"},
		{Reference: "9", Payer: payer, Service: b.licence.ID, Tiyn: new(int64(540625))},
		{Reference: "1", Payer: payer, Service: b.licence.ID},
		{Reference: "", Payer: payer, Service: b.licence.ID},
		{Reference: "1", Payer: debt.Payer{ID: neighborIIN}, Service: b.licence.ID, Currency: money.KZT, DueOn: "2026-04-01"},
	}
	want := []string{
		"", "", debt.CodePayer, debt.CodeServiceUnknown, debt.CodeStated, debt.CodeAmount, debt.CodeAmount, debt.CodeCurrency,
		debt.CodeNotTariff, debt.CodeDuplicate, debt.CodeInvalid, "",
	}
	out, _, err := b.SubmitDebts(ctx, b.idem("1"), b.agency.ID, items)
	b.must(err)
	for i, r := range out.Results {
		if r.Code != want[i] || r.Index != i || (r.Code == "") != (r.Outcome == debt.Created) || (r.Code == "") != (r.Debt != "") {
			t.Errorf("item %d: %+v, want %q", i, r, want[i])
		}
	}
	if out.Accepted != 3 || out.Refused != 9 {
		t.Errorf("%d accepted, %d refused", out.Accepted, out.Refused)
	}
	b.clock.advance(time.Hour)
	again, _, err := b.SubmitDebts(ctx, b.idem("2"), b.agency.ID, []debt.Item{items[0], {Reference: "2", Payer: payer, Service: b.fine.ID, Tiyn: new(int64(200))}})
	b.must(err)
	if again.Results[0].Outcome != debt.Unchanged || again.Results[1].Outcome != debt.Amended || again.Results[0].Debt != out.Results[0].Debt {
		t.Errorf("again: %+v", again.Results)
	}
	d, err := b.Debt(ctx, again.Results[1].Debt)
	if err != nil || d.Tiyn != 200 || d.Version != 2 || !d.LoadedAt.Equal(b.clock.now()) {
		t.Errorf("amended: %+v %v", d, err)
	}
	b.check()
}

func TestSubmitDebtsRefusesTheBatch(t *testing.T) {
	b := setup(t)
	_, _, err := b.SubmitDebts(t.Context(), b.idem("1"), b.agency.ID, nil)
	wants(t, err, ErrInvalid)
	_, _, err = b.SubmitDebts(t.Context(), b.idem("2"), b.agency.ID, make([]debt.Item, batchMax+1))
	wants(t, err, ErrInvalid)
	_, _, err = b.SubmitDebts(t.Context(), b.idem("3"), "agc_other", []debt.Item{{Reference: "1"}})
	wants(t, err, ErrAgencyUnknown)
}

func TestSubmitDebtsFullBatch(t *testing.T) {
	b := setup(t)
	items := make([]debt.Item, batchMax)
	for i := range items {
		items[i] = debt.Item{Reference: fmt.Sprint(i), Payer: debt.Payer{ID: []string{citizenIIN, neighborIIN, companyBIN}[i%3]}, Service: b.fine.ID, Tiyn: new(int64(i) + 1)}
	}
	for round, want := range []debt.Outcome{debt.Created, debt.Unchanged} {
		out, _, err := b.SubmitDebts(t.Context(), b.idem(fmt.Sprint(round)), b.agency.ID, items)
		b.must(err)
		for _, r := range out.Results {
			if r.Outcome != want {
				t.Fatalf("round %d: %+v", round, r)
			}
		}
	}
	seen := map[string]bool{}
	for after := ""; ; {
		page, err := b.Debts(t.Context(), DebtQuery{Payer: citizenIIN, After: after, Limit: 100})
		b.must(err)
		for _, d := range page.Items {
			seen[d.ID] = true
			after = d.ID
		}
		if !page.HasMore {
			break
		}
	}
	if len(seen) != 334 {
		t.Errorf("%d debts over the pages, want 334", len(seen))
	}
}

// Two feeds state the same new debts at the same moment.
func TestSubmitDebtsAtOnce(t *testing.T) {
	b := setup(t)
	items := make([]debt.Item, 50)
	for i := range items {
		items[i] = debt.Item{Reference: fmt.Sprint(i), Payer: debt.Payer{ID: citizenIIN}, Service: b.licence.ID}
	}
	var wait sync.WaitGroup
	for range 6 {
		idem := b.idem("x")
		wait.Go(func() {
			if _, _, err := b.SubmitDebts(t.Context(), idem, b.agency.ID, items); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	var n int
	b.must(b.db.Get(&n, `SELECT count(*) FROM debts`))
	if n != len(items) {
		t.Errorf("%d debts stored", n)
	}
}

func TestRecallDebtRefuses(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	d := b.fee(citizenIIN)
	_, _, err := b.RecallDebt(ctx, b.idem("1"), "agc_other", d.ID, "error")
	wants(t, err, ErrDebtOfAgency)
	_, _, err = b.RecallDebt(ctx, b.idem("2"), b.agency.ID, d.ID, "")
	wants(t, err, ErrInvalid)
	_, _, err = b.RecallDebt(ctx, b.idem("3"), b.agency.ID, "dbt_x", "error")
	wants(t, err, ErrDebtUnknown)
	out, _, err := b.RecallDebt(ctx, b.idem("4"), b.agency.ID, d.ID, "қате")
	if err != nil || out.State != debt.Recalled || out.RecallReason != "қате" {
		t.Errorf("%+v %v", out, err)
	}
	_, _, err = b.RecallDebt(ctx, b.idem("5"), b.agency.ID, d.ID, "error")
	wants(t, err, ErrDebtRecalled)
	again, _, err := b.SubmitDebts(ctx, b.idem("6"), b.agency.ID, []debt.Item{{Reference: d.Reference, Payer: d.Payer, Service: b.licence.ID}})
	if err != nil || again.Results[0].Outcome != debt.Reopened {
		t.Errorf("%+v %v", again, err)
	}
}

func TestDebtsRefuses(t *testing.T) {
	b := setup(t)
	_, err := b.Debts(t.Context(), DebtQuery{Payer: "1"})
	wants(t, err, ErrPayerIDInvalid)
	_, err = b.Debts(t.Context(), DebtQuery{Payer: citizenIIN, State: "lost"})
	wants(t, err, ErrInvalid)
	_, err = b.Debts(t.Context(), DebtQuery{Payer: citizenIIN, Limit: 101})
	wants(t, err, ErrInvalid)
	_, err = b.Debts(t.Context(), DebtQuery{Payer: citizenIIN, Limit: -1})
	wants(t, err, ErrInvalid)
}

// A publication that changes nothing is none; one that does makes a version, and debts keep theirs.
func TestPublishService(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	same, _, err := b.PublishService(ctx, b.idem("1"), b.agency.ID, licenceSpec())
	if err != nil || same.ID != b.licence.ID || same.Version != 1 {
		t.Fatalf("%+v %v", same, err)
	}
	old := b.fee(citizenIIN)
	spec := licenceSpec()
	spec.Tariffs[0].ValidTo = "2026-05-31"
	spec.Tariffs = append(spec.Tariffs, catalog.Tariff{ValidFrom: "2026-06-01", Kind: catalog.Fixed, Fixed: 700000})
	changed, _, err := b.PublishService(ctx, b.idem("2"), b.agency.ID, spec)
	if err != nil || changed.ID != b.licence.ID || changed.Version != 2 {
		t.Fatalf("%+v %v", changed, err)
	}
	for at, want := range map[time.Time]string{
		time.Date(2026, 5, 31, 18, 59, 0, 0, time.UTC): "5406.00", // the last minute of May in Almaty
		time.Date(2026, 5, 31, 19, 0, 0, 0, time.UTC):  "7000.00",
		time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC):    "4915.00",
	} {
		quote, err := b.Quote(ctx, b.licence.ID, catalog.Ask{On: catalog.DateOf(at)})
		if err != nil || quote.Decimal() != want || quote.Version != 2 {
			t.Errorf("%s: %+v %v", at, quote, err)
		}
	}
	_, err = b.Quote(ctx, b.licence.ID, catalog.Ask{On: catalog.DateOf(time.Date(2023, 3, 1, 0, 0, 0, 0, time.UTC))})
	wants(t, err, ErrNoTariff)
	_, err = b.Quote(ctx, b.fine.ID, catalog.Ask{On: catalog.DateOf(b.clock.now())})
	wants(t, err, ErrAmountStated)
	if d, err := b.Debt(ctx, old.ID); err != nil || d.ServiceVersion != 1 {
		t.Errorf("an old debt: %+v %v", d, err)
	}
	page, err := b.Services(ctx, ServiceQuery{Limit: 1})
	if err != nil || len(page.Items) != 1 || !page.HasMore {
		t.Fatalf("%+v %v", page, err)
	}
	rest, err := b.Services(ctx, ServiceQuery{After: page.Items[0].ID, Agency: b.agency.ID})
	if err != nil || len(rest.Items) != 1 || rest.HasMore {
		t.Errorf("%+v %v", rest, err)
	}
	bad := licenceSpec()
	bad.KBK = "1"
	_, _, err = b.PublishService(ctx, b.idem("3"), b.agency.ID, bad)
	wants(t, err, ErrInvalid)
	_, _, err = b.PublishService(ctx, b.idem("4"), "agc_other", licenceSpec())
	wants(t, err, ErrAgencyUnknown)
}

func TestRegistrarChanges(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	spec := catalog.AgencySpec{BIN: agencyBIN, Names: b.agency.Names, WebhookURL: "https://agency.example/new"}
	changed, _, err := b.RegisterAgency(ctx, b.idem("1"), spec)
	if err != nil || changed.ID != b.agency.ID || changed.WebhookURL != spec.WebhookURL {
		t.Errorf("%+v %v", changed, err)
	}
	spec.BIN = "1"
	_, _, err = b.RegisterAgency(ctx, b.idem("2"), spec)
	wants(t, err, ErrInvalid)
	_, _, err = b.RegisterBank(ctx, b.idem("3"), catalog.BankSpec{BIC: "x"})
	wants(t, err, ErrInvalid)
	banks, err := b.Banks(ctx)
	if err != nil || len(banks) != 2 || banks[0].BIC != otherBIC {
		t.Errorf("%+v %v", banks, err)
	}
	strict, err := NewRegistrar(RegistrarConfig{DB: b.db, Auditor: b.diary, Now: b.clock.now})
	b.must(err)
	_, _, err = strict.RegisterBank(ctx, b.idem("4"), catalog.BankSpec{BIC: testBIC, BIN: bankBIN, Name: "Банк", URL: "http://bank.example"})
	wants(t, err, ErrInvalid)
}
