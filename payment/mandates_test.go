package payment

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qaqpa/payment/commission"
	"qaqpa/payment/debt"
	"qaqpa/payment/mandate"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// agreed makes an agreement of a payer about fines through the first bank and signs it.
func (b *bundle) agreed(payer string, paymentMax, monthMax int64) Mandate {
	b.t.Helper()
	m := b.proposed(payer, paymentMax, monthMax)
	m, _, err := b.SignMandate(b.t.Context(), b.idem("sign"), m.ID, b.signedMandate(m, citizen(payer)))
	b.must(err)
	return m
}

func (b *bundle) proposed(payer string, paymentMax, monthMax int64) Mandate {
	b.t.Helper()
	m, _, err := b.CreateMandate(b.t.Context(), b.idem("mandate"), mandate.Request{
		Payer: payer, Bank: testBIC, Services: []string{b.fine.ID}, PaymentMax: paymentMax, MonthMax: monthMax, Until: "2026-12-31", Language: "ru",
	})
	b.must(err)
	return m
}

func (b *bundle) signedMandate(m Mandate, signer Signer) []byte {
	b.t.Helper()
	document, err := b.MandateDocument(b.t.Context(), m.ID)
	b.must(err)
	return b.notary.sign(signer, document, true)
}

// penalty loads a fine.
func (b *bundle) penalty(payer string, tiyn int64) debt.Debt {
	b.t.Helper()
	b.keysMu.Lock()
	b.keys++
	reference := "FINE-" + time.Duration(b.keys).String()
	b.keysMu.Unlock()
	out, _, err := b.SubmitDebts(b.t.Context(), b.idem(reference), b.agency.ID, []debt.Item{{Reference: reference, Payer: debt.Payer{ID: payer}, Service: b.fine.ID, Tiyn: &tiyn}})
	b.must(err)
	d, err := b.Debt(b.t.Context(), out.Results[0].Debt)
	b.must(err)
	return d
}

// byMandate orders debts and authorises the order by an agreement.
func (b *bundle) byMandate(m Mandate, debts ...debt.Debt) (order.Order, error) {
	b.t.Helper()
	o := b.ordered(debts[0].Payer.ID, debts...)
	out, _, err := b.AuthoriseByMandate(b.t.Context(), b.idem("use"), o.ID, m.ID)
	return out, err
}

func (b *bundle) spentUnder(m Mandate) int64 {
	b.t.Helper()
	now, err := b.Mandate(b.t.Context(), m.ID)
	b.must(err)
	return now.Spent
}

// One signature pays several fines; each use is an event and a notice, and the limits of payment and month hold.
func TestMandate(t *testing.T) {
	b, p := withCodes(t)
	m := b.agreed(citizenIIN, 1000_00, 1500_00)
	first, err := b.byMandate(m, b.penalty(citizenIIN, 1000_00))
	b.must(err)
	_, err = b.byMandate(m, b.penalty(citizenIIN, 1000_01))
	wants(t, err, ErrMandateLimit)
	_, err = b.byMandate(m, b.penalty(citizenIIN, 500_01))
	wants(t, err, ErrMandateLimit)
	_, err = b.byMandate(m, b.penalty(citizenIIN, 250_00), b.penalty(citizenIIN, 250_00))
	b.must(err)
	_, err = b.byMandate(m, b.penalty(citizenIIN, 1))
	wants(t, err, ErrMandateLimit)
	b.settle()
	if state := b.state(first.ID); state != order.Executed {
		t.Errorf("the order is %s", state)
	}
	b.clock.advance(31 * 24 * time.Hour) // another month
	_, err = b.byMandate(m, b.penalty(citizenIIN, 1))
	b.must(err)
	if spent := b.spentUnder(m); spent != 1 {
		t.Errorf("%d spent in the new month", spent)
	}
	for range 2 {
		_, err = b.workNotices(t.Context())
		b.must(err)
	}
	events, err := b.MandateEvents(t.Context(), m.ID, MandateEventQuery{})
	b.must(err)
	var kinds []string
	for _, e := range events.Items {
		kinds = append(kinds, string(e.Event)+e.Notice)
	}
	if got := strings.Join(kinds, " "); got != "created signedsent usedsent usedsent usedsent" {
		t.Errorf("events %s", got)
	}
	if last := p.texts[len(p.texts)-1]; !strings.Contains(last, "0.01") || !strings.Contains(last, "+77011234567") {
		t.Errorf("notice %q", last)
	}
	b.settle()
	b.agree()
}

// What an agreement does not say is not paid under it.
func TestMandateRefuses(t *testing.T) {
	b := setup(t)
	m := b.agreed(citizenIIN, 1000_00, 1500_00)
	_, err := b.byMandate(m, b.fee(citizenIIN))
	wants(t, err, ErrMandateCover)
	_, err = b.byMandate(m, b.penalty(citizenIIN, 1_00), b.fee(citizenIIN))
	wants(t, err, ErrMandateCover)
	_, err = b.byMandate(m, b.penalty(neighborIIN, 1_00))
	wants(t, err, ErrMandateUnknown)
	o := b.orderedAt(otherBIC, citizenIIN, b.penalty(citizenIIN, 1_00))
	_, _, err = b.AuthoriseByMandate(t.Context(), b.idem("bank"), o.ID, m.ID)
	wants(t, err, ErrMandateCover)
	late := b.ordered(citizenIIN, b.penalty(citizenIIN, 1_00))
	b.clock.advance(time.Hour)
	_, _, err = b.AuthoriseByMandate(t.Context(), b.idem("late"), late.ID, m.ID)
	wants(t, err, ErrOrderExpired)
	_, err = b.signsTwice(citizenIIN)
	b.must(err)
	_, err = b.byMandate(m, b.penalty(citizenIIN, 1_00))
	wants(t, err, ErrMandateNotAllowed)
	_, _, err = b.CreateMandate(t.Context(), b.idem("again"), mandate.Request{Payer: citizenIIN, Bank: testBIC, Services: []string{b.fine.ID}, PaymentMax: 1, MonthMax: 1, Until: "2026-12-31"})
	wants(t, err, ErrMandateNotAllowed)
	b.clock.advance(400 * 24 * time.Hour)
	over := b.ordered(citizenIIN, b.penalty(citizenIIN, 1_00))
	_, _, err = b.AuthoriseByMandate(t.Context(), b.idem("over"), over.ID, m.ID)
	wants(t, err, ErrMandateState)
	if b.spentUnder(m) != 0 {
		t.Error("something counts that was refused")
	}
	b.agree()
}

// signsTwice asks for two signatures of a payer.
func (b *bundle) signsTwice(payer string) (int, error) {
	n, _, err := b.SetSignatures(b.t.Context(), b.idem("two"), payer, 2)
	return n, err
}

// Who may sign an agreement, over what, and when.
func TestMandateSigning(t *testing.T) {
	b := setup(t)
	m := b.proposed(citizenIIN, 1000_00, 1500_00)
	_, err := b.byMandate(m, b.penalty(citizenIIN, 1_00))
	wants(t, err, ErrMandateState)
	sign := func(signature []byte) error {
		_, _, err := b.SignMandate(t.Context(), b.idem("sign"), m.ID, signature)
		return err
	}
	wants(t, sign(b.signedMandate(m, citizen(neighborIIN))), ErrSignerNotPayer)
	wants(t, sign(b.signedMandate(b.proposed(citizenIIN, 1, 1), citizen(citizenIIN))), ErrSignatureInvalid)
	wants(t, sign(b.notary.sign(citizen(citizenIIN), []byte("something else"), false)), ErrSignatureContent)
	o := b.ordered(citizenIIN, b.penalty(citizenIIN, 1_00))
	wants(t, sign(b.signed(o, citizen(citizenIIN))), ErrSignatureInvalid) // one payment is not all payments
	_, _, err = b.Authorise(t.Context(), b.idem("other"), o.ID, b.signedMandate(m, citizen(citizenIIN)))
	wants(t, err, ErrSignatureInvalid)
	b.must(sign(b.signedMandate(m, citizen(citizenIIN))))
	wants(t, sign(b.signedMandate(m, citizen(citizenIIN))), ErrMandateState)
	late := b.proposed(citizenIIN, 1000_00, 1500_00)
	b.clock.advance(16 * time.Minute)
	_, _, err = b.SignMandate(t.Context(), b.idem("late"), late.ID, b.signedMandate(late, citizen(citizenIIN)))
	wants(t, err, ErrMandateState)
	_, err = b.Mandate(t.Context(), "mnd_00")
	wants(t, err, ErrMandateUnknown)
}

// A revocation holds at once, whatever races with it: what was authorised before goes on, and nothing is after it.
func TestMandateRevoked(t *testing.T) {
	b := setup(t)
	m := b.agreed(citizenIIN, 1000_00, 10000_00)
	orders := make([]order.Order, 8)
	for i := range orders {
		orders[i] = b.ordered(citizenIIN, b.penalty(citizenIIN, 100_00))
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	done := int64(0)
	for i, o := range orders {
		group.Go(func() {
			if i == len(orders)/2 {
				_, _, err := b.RevokeMandate(t.Context(), b.idem("revoke"), m.ID)
				if err != nil {
					t.Error(err)
				}
			}
			_, _, err := b.AuthoriseByMandate(t.Context(), b.idem("use"), o.ID, m.ID)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !errors.Is(err, ErrMandateState) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	_, err := b.byMandate(m, b.penalty(citizenIIN, 1_00))
	wants(t, err, ErrMandateState)
	_, _, err = b.RevokeMandate(t.Context(), b.idem("again"), m.ID)
	wants(t, err, ErrMandateState)
	if spent := b.spentUnder(m); spent != done*100_00 {
		t.Errorf("%d spent by %d orders", spent, done)
	}
	list, err := b.Mandates(t.Context(), citizenIIN)
	if err != nil || len(list) != 1 || list[0].State != MandateRevoked {
		t.Errorf("%+v %v", list, err)
	}
	b.settle()
	b.agree()
}

// Orders that race for what is left of a month never pass it together, and what a bank refuses is free again.
func TestMandateMonthUnderRace(t *testing.T) {
	b := setup(t)
	m := b.agreed(citizenIIN, 100_00, 300_00)
	var group sync.WaitGroup
	orders := make([]order.Order, 6)
	for i := range orders {
		orders[i] = b.ordered(citizenIIN, b.penalty(citizenIIN, 100_00))
	}
	for _, o := range orders {
		group.Go(func() {
			if _, _, err := b.AuthoriseByMandate(t.Context(), b.idem("use"), o.ID, m.ID); err != nil && !errors.Is(err, ErrMandateLimit) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if spent := b.spentUnder(m); spent != 300_00 {
		t.Fatalf("%d spent", spent)
	}
	b.bank.pays = []string{"refuse", "refuse", "refuse"}
	b.settle()
	if spent := b.spentUnder(m); spent != 0 {
		t.Fatalf("%d spent after the bank refused", spent)
	}
	_, err := b.byMandate(m, b.penalty(citizenIIN, 100_00))
	b.must(err)
	b.settle()
	b.agree()
}

// Along any walk of payments, refusals and months, what is counted is what a plain model counts, and never beyond the limits.
func TestMandateWalk(t *testing.T) {
	b := setup(t)
	payers := 0
	rapid.Check(t, func(t *rapid.T) {
		const walks = 15 // each asks the database dozens of times
		if payers++; payers > walks {
			return
		}
		payer := madeIIN(1000 + payers)
		m := b.agreed(payer, 50_00, 120_00)
		month, spent := mandate.MonthOf(b.clock.now()), int64(0)
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "time") == 0 {
				b.clock.advance(10 * 24 * time.Hour)
			}
			if now := mandate.MonthOf(b.clock.now()); now != month {
				month, spent = now, 0
			}
			if _, err := b.Mandate(b.t.Context(), m.ID); err != nil {
				t.Fatal(err)
			}
			tiyn := rapid.Int64Range(1, 60_00).Draw(t, "tiyn")
			refuses := rapid.Bool().Draw(t, "refuses")
			b.bank.pays = nil
			if refuses {
				b.bank.pays = []string{"refuse"}
			}
			fits := tiyn <= 50_00 && spent+tiyn <= 120_00 && b.clock.now().Format(time.DateOnly) <= "2026-12-31"
			_, err := b.byMandate(m, b.penalty(payer, tiyn))
			if fits != (err == nil) {
				t.Fatalf("%d with %d spent: %v", tiyn, spent, err)
			}
			b.attempts()
			if fits && !refuses {
				spent += tiyn
			}
			if got := b.spentUnder(m); got != spent {
				t.Fatalf("%d counted, %d spent", got, spent)
			}
		}
	})
	b.bank.pays = nil
	b.settle()
	b.agree()
}

// A payment that came back whole counts no more, its commission included; while the bank keeps the commission, it counts.
func TestMandateCountsCommission(t *testing.T) {
	for rule, want := range map[commission.GivenBack]int64{commission.Always: 0, commission.Never: 100_00 + 30_00} {
		t.Run(string(rule), func(t *testing.T) {
			b := setup(t)
			spec := onePercent()
			spec.GivenBack = rule
			b.inForce(spec)
			m := b.agreed(citizenIIN, 1000_00, 1500_00)
			o, err := b.byMandate(m, b.penalty(citizenIIN, 100_00))
			b.must(err)
			b.settle()
			if spent := b.spentUnder(m); spent != 100_00+30_00 {
				t.Errorf("%d spent", spent)
			}
			b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, refund.Item{Order: o.ID, Debt: o.Items[0].Debt})))
			b.settle()
			if spent := b.spentUnder(m); spent != want {
				t.Errorf("%d spent after the refund, want %d", spent, want)
			}
			b.agree()
		})
	}
}
