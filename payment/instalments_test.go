package payment

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
	"qaqpa/payment/refund"
)

// finesSpec is a service of fines: half off within seven days, parts of at least 100 tiyn.
func finesSpec() catalog.ServiceSpec {
	spec := licenceSpec()
	spec.Code, spec.InstalmentMin = "traffic-fine", 100
	spec.Tariffs = []catalog.Tariff{{
		ValidFrom: "2024-01-01", Kind: catalog.Stated, Discounts: []catalog.Discount{{Percent: "50", Rounding: money.HalfUpTiyn, Days: 7}},
	}}
	return spec
}

// fined loads a fine that arises today.
func (b *bundle) fined(tiyn int64) debt.Debt {
	b.t.Helper()
	v, _, err := b.PublishService(b.t.Context(), b.idem("fines"), b.agency.ID, finesSpec())
	b.must(err)
	b.keysMu.Lock()
	b.keys++
	reference := fmt.Sprintf("FINE-%d", b.keys)
	b.keysMu.Unlock()
	return b.owes(b.agency.ID, v, reference, tiyn)
}

// ordersPart makes and signs an order for a part of a debt; 0 is all that is left.
func (b *bundle) ordersPart(d debt.Debt, tiyn int64) (order.Order, error) {
	b.t.Helper()
	req := order.Request{Payer: d.Payer.ID, Debts: []string{d.ID}, Bank: testBIC}
	if tiyn > 0 {
		req.Instalments = []order.Instalment{{Debt: d.ID, Tiyn: tiyn}}
	}
	o, _, err := b.CreateOrder(b.t.Context(), b.idem("part"), req)
	return o, err
}

func (b *bundle) signs(o order.Order) error {
	b.t.Helper()
	_, _, err := b.Authorise(b.t.Context(), b.idem("sign"), o.ID, b.signed(o, citizen(o.Payer)))
	return err
}

func (b *bundle) paysPart(d debt.Debt, tiyn int64) order.Order {
	b.t.Helper()
	o, err := b.ordersPart(d, tiyn)
	b.must(err)
	b.must(b.signs(o))
	return o
}

func (b *bundle) debtNow(d debt.Debt) debt.Debt {
	b.t.Helper()
	d, err := b.Debt(b.t.Context(), d.ID)
	b.must(err)
	return d
}

// coreOfOrder is the receipt of an order, verified.
func (b *bundle) coreOfOrder(o order.Order) receipt.Core {
	b.t.Helper()
	r, err := b.Receipt(b.t.Context(), o.ID)
	b.must(err)
	core, _, err := receipt.Verify(r.Core, b.noteKeys)
	b.must(err)
	return core
}

// told finds the webhook of an executed order.
func (b *bundle) told(o order.Order) webhookData {
	b.t.Helper()
	b.hook.mu.Lock()
	defer b.hook.mu.Unlock()
	for _, body := range b.hook.bodies {
		var w webhook
		if json.Unmarshal(body, &w) == nil && w.Type == webhookType && w.Data.Order == o.ID {
			return w.Data
		}
	}
	b.t.Errorf("no webhook about %s", o.ID)
	return webhookData{}
}

// A fine paid in its window costs half; document, ledger, receipt, webhook and fact name full amount, discount and rule.
func TestDiscountIsApplied(t *testing.T) {
	b := setup(t)
	d := b.fined(10_001)
	if d.Payable != 5001 || d.Discount == nil || d.Discount.Until != "2026-03-08" || d.AroseOn != "2026-03-01" {
		t.Fatalf("shown: %+v", d)
	}
	o := b.ordered(citizenIIN, d)
	raw, err := b.OrderDocument(t.Context(), o.ID)
	b.must(err)
	if text := string(raw); o.Tiyn != 5001 || !strings.Contains(text, `"full": 10001`) || !strings.Contains(text, `"until": "2026-03-08"`) || !strings.Contains(text, `"percent": "50"`) {
		t.Fatalf("%d for\n%s", o.Tiyn, text)
	}
	b.must(b.signs(o))
	b.clock.advance(30 * 24 * time.Hour) // the bank is late: the amount was fixed when the payer signed
	b.settle()
	if state := b.state(o.ID); state != order.Executed {
		t.Fatalf("the order is %s", state)
	}
	want := ledger.Term{Debt: d.ID, Full: 10_001, Discount: &ledger.Discount{Tiyn: 5000, Percent: "50", Until: "2026-03-08"}}
	core, said := b.coreOfOrder(o), b.told(o)
	if core.Items[0].Tiyn != 5001 || core.Items[0].Term == nil || !core.Items[0].Term.Same(want) {
		t.Errorf("receipt %+v", core.Items[0])
	}
	if said.Amount != 5001 || said.Term == nil || !said.Term.Same(want) {
		t.Errorf("webhook %+v", said)
	}
	fact, err := b.PaymentFact(t.Context(), b.agency.ID, d.ID)
	if err != nil || !fact.Paid || fact.Tiyn != 5001 || fact.Discount != 5000 {
		t.Errorf("fact %+v %v", fact, err)
	}
	if list, err := b.AgencyPayments(t.Context(), AgencyPaymentQuery{Agency: b.agency.ID}); err != nil || len(list.Items) != 1 || list.Items[0].Tiyn != 5001 {
		t.Errorf("board %+v %v", list, err)
	}
	b.agree()
	// A receipt that tells of another discount than the journal does not hold.
	core.Items[0].Term.Discount.Until = "2026-03-09"
	forged, err := core.Encode()
	b.must(err)
	if _, _, err := receipt.Verify(forged, b.noteKeys); err == nil {
		t.Error("a receipt with another window holds")
	}
}

// The window ends with the day in Almaty: an order made before is refused after, whether or not it has expired, with a clear code.
func TestDiscountEndsWithTheDay(t *testing.T) {
	for name, c := range map[string]struct {
		ttl    time.Duration
		signed time.Time // in UTC
		want   *Error
	}{
		"last second":             {time.Hour, time.Date(2026, 3, 8, 18, 59, 59, 0, time.UTC), nil},
		"midnight":                {time.Hour, time.Date(2026, 3, 8, 19, 0, 0, 0, time.UTC), ErrAmountChanged},
		"expired inside":          {time.Minute, time.Date(2026, 3, 8, 18, 59, 59, 0, time.UTC), ErrOrderExpired},
		"expired past the window": {time.Minute, time.Date(2026, 3, 8, 19, 0, 0, 0, time.UTC), ErrAmountChanged},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, func(cfg *Config) { cfg.OrderTTL = c.ttl })
			d := b.fined(10_000)
			b.clock.advance(time.Date(2026, 3, 8, 18, 30, 0, 0, time.UTC).Sub(b.clock.now()))
			o := b.ordered(citizenIIN, d)
			b.clock.advance(c.signed.Sub(b.clock.now()))
			err := b.signs(o)
			if c.want == nil {
				b.must(err)
				return
			}
			wants(t, err, c.want)
			if c.want != ErrAmountChanged {
				return
			}
			again := b.ordered(citizenIIN, d)
			b.must(b.signs(again))
			b.settle()
			if core := b.coreOfOrder(again); core.Tiyn != 10_000 || core.Items[0].Term != nil {
				t.Errorf("receipt %+v", core.Items[0])
			}
			b.agree()
		})
	}
}

// Several orders pay one debt off: what is left is told at each step, and the last one closes the debt.
func TestInstalments(t *testing.T) {
	b := setup(t)
	d := b.fined(10_000)
	first := b.paysPart(d, 3000)
	if now := b.debtNow(d); now.State != debt.Open || now.Held != 3000 || now.Payable != 7000 || now.Discount != nil {
		t.Errorf("held: %+v", now)
	}
	b.settle()
	b.bank.pays = append(b.bank.pays, "refuse")
	refusedOrder := b.paysPart(d, 2000)
	b.settle()
	if state, now := b.state(refusedOrder.ID), b.debtNow(d); state != order.Refused || now.Paid != 3000 || now.Held != 0 {
		t.Errorf("after a refusal: %s, %+v", state, now)
	}
	last := b.paysPart(d, 0)
	b.settle()
	now := b.debtNow(d)
	if now.State != debt.Paid || now.Order != last.ID || now.PaidAt == nil {
		t.Errorf("paid off: %+v", now)
	}
	for o, rest := range map[string]int64{first.ID: 7000, last.ID: 0} {
		core := b.coreOfOrder(order.Order{ID: o})
		if term := core.Items[0].Term; term == nil || term.Rest != rest || term.Full != 10_000 || term.Discount != nil {
			t.Errorf("receipt %+v, want a rest of %d", core.Items[0], rest)
		}
		if said := b.told(order.Order{ID: o}); said.Term == nil || said.Term.Rest != rest {
			t.Errorf("webhook %+v, want a rest of %d", said, rest)
		}
	}
	fact, err := b.PaymentFact(t.Context(), b.agency.ID, d.ID)
	if err != nil || !fact.Paid || len(fact.Instalments) != 2 || fact.Left != 0 || fact.Instalments[0].Tiyn != 3000 || fact.Instalments[1].Receipt == "" {
		t.Errorf("fact %+v %v", fact, err)
	}
	_, err = b.ordersPart(d, 0)
	wants(t, err, ErrDebtPaid)
	b.agree()
}

// Two who race for the rest: one gets it, the other is told that less is left; nobody pays too much.
func TestInstalmentsRace(t *testing.T) {
	b := setup(t)
	d := b.fined(10_000)
	b.paysPart(d, 4000)
	const racers = 6
	orders := make([]order.Order, racers)
	for i := range orders {
		var err error
		orders[i], err = b.ordersPart(d, 3000) // two fit beside what is held
		b.must(err)
	}
	var wait sync.WaitGroup
	results := make([]error, racers)
	for i := range orders {
		signature, idem := b.signed(orders[i], citizen(citizenIIN)), b.idem("race")
		wait.Go(func() {
			_, _, results[i] = b.Authorise(t.Context(), idem, orders[i].ID, signature)
		})
	}
	wait.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		wants(t, err, ErrAmountChanged)
	}
	if now := b.debtNow(d); won != 2 || now.Held != 10_000 || now.Payable != 0 {
		t.Errorf("%d of %d won, %+v", won, racers, now)
	}
	_, err := b.ordersPart(d, 0)
	wants(t, err, ErrDebtBeingPaid)
	b.settle()
	if now := b.debtNow(d); now.State != debt.Paid {
		t.Errorf("%+v", now)
	}
	b.agree()
}

// A debt is paid at once or in parts: who was made an offer for all of it before a part was held is told so, and the other way round.
func TestWholeAgainstParts(t *testing.T) {
	b := setup(t)
	d := b.fined(10_000)
	all := b.ordered(citizenIIN, d)
	part, err := b.ordersPart(d, 3000)
	b.must(err)
	b.must(b.signs(part))
	wants(t, b.signs(all), ErrAmountChanged)
	_, _, err = b.RecallDebt(t.Context(), b.idem("r"), b.agency.ID, d.ID, "error")
	wants(t, err, ErrDebtBeingPaid)

	other := b.fined(10_000)
	all = b.ordered(citizenIIN, other)
	part, err = b.ordersPart(other, 3000)
	b.must(err)
	b.must(b.signs(all))
	wants(t, b.signs(part), ErrDebtBeingPaid)
	b.settle()
	b.agree()
}

func TestInstalmentRefusals(t *testing.T) {
	b := setup(t)
	d, fee := b.fined(10_000), b.fee(citizenIIN)
	for name, c := range map[string]struct {
		debts []string
		parts []order.Instalment
		want  *Error
	}{
		"of another debt":     {[]string{fee.ID}, []order.Instalment{{Debt: d.ID, Tiyn: 3000}}, ErrInvalid},
		"twice":               {[]string{d.ID}, []order.Instalment{{Debt: d.ID, Tiyn: 3000}, {Debt: d.ID, Tiyn: 3000}}, ErrInvalid},
		"nothing":             {[]string{d.ID}, []order.Instalment{{Debt: d.ID}}, ErrAmountInvalid},
		"negative":            {[]string{d.ID}, []order.Instalment{{Debt: d.ID, Tiyn: -1}}, ErrAmountInvalid},
		"beyond all bounds":   {[]string{d.ID}, []order.Instalment{{Debt: d.ID, Tiyn: 1 << 62}}, ErrAmountInvalid},
		"too small":           {[]string{d.ID}, []order.Instalment{{Debt: d.ID, Tiyn: 99}}, ErrInstalmentBounds},
		"more than is due":    {[]string{d.ID}, []order.Instalment{{Debt: d.ID, Tiyn: 5001}}, ErrInstalmentBounds},
		"service takes whole": {[]string{fee.ID}, []order.Instalment{{Debt: fee.ID, Tiyn: 3000}}, ErrInstalments},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := b.CreateOrder(t.Context(), b.idem(name), order.Request{Payer: citizenIIN, Debts: c.debts, Bank: testBIC, Instalments: c.parts})
			wants(t, err, c.want)
		})
	}
	late := debt.Item{Reference: "later", Payer: d.Payer, Service: d.Service, Tiyn: new(int64(1)), AroseOn: "2026-03-02"}
	out, _, err := b.SubmitDebts(t.Context(), b.idem("late"), b.agency.ID, []debt.Item{late})
	if err != nil || out.Results[0].Field != "arose_on" {
		t.Errorf("%+v %v", out.Results, err)
	}
}

// A part that was given back is owed again as a part of the same debt, where the agency says so.
func TestRefundOfAPartRestoresTheRest(t *testing.T) {
	b := setup(t)
	d := b.fined(10_000)
	o := b.paysPart(d, 4000)
	b.settle()
	back := refund.Item{Order: o.ID, Debt: d.ID, Tiyn: new(int64(1500))}
	req := wishOf(refund.PayBack, back)
	req.Then = refund.Reopened
	x := b.decided("dana", ActApprove, b.wished(req))
	b.settle()
	x = b.refunded(x.ID)
	if now := b.debtNow(d); x.State != refund.Executed || x.Successor != d.ID || now.Paid != 2500 || now.Payable != 7500 {
		t.Errorf("%+v, %+v", x, now)
	}
	b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, refund.Item{Order: o.ID, Debt: d.ID, Tiyn: new(int64(500))})))
	b.settle()
	if now := b.debtNow(d); now.Paid != 2500 { // it was given back for good
		t.Errorf("%+v", now)
	}
	last := b.paysPart(d, 0)
	b.settle()
	if now := b.debtNow(d); now.State != debt.Paid || last.Tiyn != 7500 {
		t.Errorf("%d, %+v", last.Tiyn, now)
	}
	b.agree()
	// Nothing leaves paid: what is owed again from here on is a debt of its own.
	req = wishOf(refund.PayBack, refund.Item{Order: last.ID, Debt: d.ID, Tiyn: new(int64(1000))})
	req.Then = refund.Reopened
	x = b.decided("dana", ActApprove, b.wished(req))
	b.settle()
	x = b.refunded(x.ID)
	again, err := b.Debt(t.Context(), x.Successor)
	if err != nil || again.ID == d.ID || again.Tiyn != 1000 || again.Paid != 0 || again.State != debt.Open {
		t.Errorf("%+v %v", again, err)
	}
	b.agree()
}

// The bank's own client is offered what is due today; an offer that he held over midnight is refused.
func TestDiscountAtTheCounter(t *testing.T) {
	b := setup(t)
	d := b.fined(10_000)
	offers, err := b.check1(nil)
	b.must(err)
	if len(offers) != 1 || offers[0].Tiyn != 5000 || offers[0].DiscountUntil != "2026-03-08" {
		t.Fatalf("%+v", offers)
	}
	b.clock.advance(8 * 24 * time.Hour)
	_, err = b.began(b.initiation("late", nil, d))
	wants(t, err, ErrAmountChanged)
	o, err := b.began(b.initiation("in-time", nil, b.debtNow(d)))
	b.must(err)
	b.bank.ends(o.Attempt, bank.Executed)
	b.clock.advance(time.Hour)
	b.settle()
	if now := b.debtNow(d); now.State != debt.Paid || o.Tiyn != 10_000 {
		t.Errorf("%d, %+v", o.Tiyn, now)
	}
	b.agree()
}

// Whatever parts are asked for, paid, refused, given back: the debt is never overpaid, and ledger and debt agree.
func TestInstalmentsWalk(t *testing.T) {
	b := setup(t)
	rapid.Check(t, func(r *rapid.T) {
		d := b.fined(rapid.Int64Range(1, 2000).Draw(r, "full"))
		var paid []order.Order
		for range rapid.IntRange(1, 5).Draw(r, "steps") {
			if len(paid) > 0 && rapid.IntRange(0, 3).Draw(r, "refund") == 0 {
				o := paid[0]
				req := wishOf(refund.PayBack, refund.Item{Order: o.ID, Debt: d.ID, Tiyn: new(rapid.Int64Range(1, o.Tiyn).Draw(r, "back"))})
				req.Then = refund.Reopened
				out, _, err := b.RequestRefunds(b.t.Context(), b.by("aru"), b.agency.ID, req)
				if err == nil {
					b.decided("dana", ActApprove, *out.Results[0].Refund)
					b.refundsWork()
				}
				continue
			}
			o, err := b.ordersPart(d, rapid.Int64Range(0, 2001).Draw(r, "part"))
			if err != nil {
				continue
			}
			if rapid.IntRange(0, 3).Draw(r, "refused") == 0 {
				b.bank.mu.Lock()
				b.bank.pays = append(b.bank.pays, "refuse")
				b.bank.mu.Unlock()
			}
			if err := b.signs(o); err != nil {
				r.Fatal(err)
			}
			b.attempts()
			if b.state(o.ID) == order.Executed {
				paid = append(paid, o)
			}
		}
		if now := b.debtNow(d); now.Paid+now.Held > now.Tiyn || now.Held != 0 {
			r.Fatalf("%+v", now)
		}
	})
	b.settle()
	b.agree()
}

// What is changed behind the gateway's back of discounts and instalments is found.
func TestVerifyLedgerFindsTamperedParts(t *testing.T) {
	b := setup(t)
	d, whole := b.fined(10_000), b.fined(5000)
	o := b.paysPart(d, 3000)
	b.must(b.signs(b.ordered(citizenIIN, whole)))
	b.settle()
	req := wishOf(refund.PayBack, refund.Item{Order: o.ID, Debt: d.ID, Tiyn: new(int64(500))})
	req.Then = refund.Reopened
	b.decided("dana", ActApprove, b.wished(req))
	b.settle()
	b.bank.pays = []string{"timeoutButDone"}
	b.paysPart(d, 2000)
	b.attempts()
	b.check()
	for name, c := range map[string]struct{ change, want string }{
		"more held":           {`UPDATE debts SET part_held = part_held + 1 WHERE part_held > 0`, "is held of debt"},
		"nothing held":        {`UPDATE debts SET part_held = 0`, "is held of debt"},
		"more paid":           {`UPDATE debts SET part_paid = part_paid + 1 WHERE part_paid > 0`, "the sum of its instalments"},
		"nothing paid":        {`UPDATE debts SET part_paid = 0, part_restored = 0`, "the sum of its instalments"},
		"less owed again":     {`UPDATE debts SET part_restored = part_restored - 1 WHERE part_restored > 0`, "what was given back of it"},
		"part is the whole":   {`UPDATE transfers SET instalment = false`, "instalments for"},
		"whole is a part":     {`UPDATE transfers SET instalment = true WHERE NOT instalment AND kind = 'payment'`, "instalments for"},
		"discount of an item": {`UPDATE order_items SET discount = discount + 1 WHERE discount > 0`, "is not paid"},
		"amount of the debt":  {`UPDATE debts SET amount = amount + 1 WHERE state = 'open'`, "the terms of debt"},
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := b.db.BeginTxx(t.Context(), nil)
			b.must(err)
			defer tx.Rollback() //nolint:errcheck // the tampering of one case must not meet the next
			_, err = tx.ExecContext(t.Context(), `SET LOCAL session_replication_role = replica; `+c.change)
			b.must(err)
			report, err := verifyIn(t.Context(), tx, b.private, b.noteKeys)
			b.must(err)
			if all := strings.Join(report.Problems, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("found otherwise than by %q:\n%s", c.want, all)
			}
		})
	}
	// The database itself refuses what would overpay, or pay a debt both ways.
	for _, change := range []string{
		`UPDATE debts SET part_held = amount WHERE part_paid > 0`, `UPDATE debts SET part_held = -1`,
		`UPDATE debts SET part_restored = part_paid + 1 WHERE part_paid > 0`, `UPDATE debts SET part_paid = 1 WHERE state = 'paid'`,
	} {
		if _, err := b.db.ExecContext(t.Context(), change); err == nil {
			t.Errorf("taken: %s", change)
		}
	}
}
