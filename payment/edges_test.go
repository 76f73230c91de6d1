package payment

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

// A bank may say it days late, after look-ups without end, and under its own clock: what it executed is posted once, under its
// own time, in whatever order its words come.
func TestConfirmedDaysLate(t *testing.T) {
	for name, shift := range map[string]time.Duration{
		"right clock": 0, "an hour behind": -time.Hour, "an hour ahead": time.Hour, "twenty hours ahead": 20 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			o := b.authorised(citizenIIN)
			b.bank.pays, b.bank.lookups = []string{"timeoutButDone"}, strings.Split(strings.Repeat("timeoutNotDone ", 40), " ")
			b.settle()
			b.clock.advance(9 * 24 * time.Hour)
			if got := b.state(o.ID); got != order.Unknown {
				t.Fatalf("order is %s", got)
			}
			at := b.clock.now().Add(shift - 9*24*time.Hour)
			message := b.bank.says(o.Attempt, func(s *bank.Status) { s.ExecutedAt = at.Format(time.RFC3339Nano) })
			for _, want := range []string{Applied, AlreadyApplied, AlreadyApplied} {
				if out, err := b.Confirm(t.Context(), testBIC, message); err != nil || out.Result != want {
					t.Fatalf("%+v, %v", out, err)
				}
			}
			b.bank.lookups = nil
			b.settle()
			done, err := b.Order(t.Context(), o.ID)
			if err != nil || done.State != order.Executed || !done.ExecutedAt.Equal(at.Truncate(time.Microsecond)) {
				t.Errorf("order %+v, %v", done, err)
			}
			b.agree()
		})
	}
}

// Nobody signs an order whose time is over by any clock but ours, and a clock that was set back revives nothing.
func TestClocksThatDiffer(t *testing.T) {
	b := setup(t)
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	signature := b.signed(o, citizen(citizenIIN))
	b.clock.advance(15 * time.Minute)
	_, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, signature)
	wants(t, err, ErrOrderExpired)
	_, err = b.expireOrders(t.Context(), 10)
	b.must(err)
	b.clock.advance(-15 * time.Minute)
	_, _, err = b.Authorise(t.Context(), b.idem("s"), o.ID, signature)
	wants(t, err, ErrOrderExpired)
	// A process whose clock is behind does not send again what another sends now.
	paid := b.authorised(citizenIIN)
	b.attempts()
	b.clock.advance(-time.Hour)
	b.attempts()
	b.clock.advance(2 * time.Hour)
	b.settle()
	if got := b.state(paid.ID); got != order.Executed || b.bank.payments[paid.Attempt].asked != 1 {
		t.Errorf("order is %s, asked %d times", got, b.bank.payments[paid.Attempt].asked)
	}
	b.agree()
}

// What was signed for one order serves for no other, not even for the same debt and amount (R20).
func TestReplayedAuthorisation(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	d := b.fee(citizenIIN)
	first, second := b.ordered(citizenIIN, d), b.ordered(citizenIIN, d)
	signature := b.signed(first, citizen(citizenIIN))
	_, _, err := b.Authorise(ctx, b.idem("s"), second.ID, signature)
	wants(t, err, ErrSignatureInvalid)
	document, err := b.OrderDocument(ctx, first.ID)
	b.must(err)
	_, _, err = b.Authorise(ctx, b.idem("s"), second.ID, b.notary.sign(citizen(citizenIIN), document, false))
	wants(t, err, ErrSignatureContent)
	_, _, err = b.Authorise(ctx, b.idem("s"), first.ID, signature)
	b.must(err)
	_, _, err = b.Authorise(ctx, b.idem("s"), first.ID, signature)
	wants(t, err, ErrOrderFinished)
	b.settle()
	b.agree()
}

// Debts whose amounts no payment can carry never become orders, whatever the agency sends.
func TestAmountsThatCannotBe(t *testing.T) {
	b := setup(t)
	for name, raw := range map[string]string{
		"zero": `0`, "negative": `-1`, "the largest": `9223372036854775807`, "above all money": `100000000000000001`,
	} {
		var tiyn int64
		b.must(json.Unmarshal([]byte(raw), &tiyn))
		out, _, err := b.SubmitDebts(t.Context(), b.idem(name), b.agency.ID, []debt.Item{
			{Reference: name, Payer: debt.Payer{ID: citizenIIN}, Service: b.fine.ID, Tiyn: &tiyn},
			{Reference: name + " with another currency", Payer: debt.Payer{ID: citizenIIN}, Service: b.fine.ID, Tiyn: new(int64(100)), Currency: "USD"},
		})
		b.must(err)
		for _, r := range out.Results {
			if r.Outcome != debt.Refused || r.Code == "" {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}
