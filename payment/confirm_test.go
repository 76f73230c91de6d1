package payment

import (
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/order"
)

// lostReply makes a payment that the bank has executed although we saw a time-out.
func lostReply(b *bundle) order.Order {
	b.t.Helper()
	o := b.authorised(citizenIIN)
	b.bank.pays = []string{"timeoutButDone"}
	b.attempts()
	return o
}

func TestConfirm(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	o := lostReply(b)
	message := b.bank.says(o.Attempt, nil)
	got, err := b.Confirm(ctx, testBIC, message)
	if err != nil || got.Result != Applied || got.Order != o.ID {
		t.Fatalf("got %+v %v", got, err)
	}
	for range 3 { // the same callback again
		if got, err := b.Confirm(ctx, "", message); err != nil || got.Result != AlreadyApplied {
			t.Errorf("again: %+v %v", got, err)
		}
	}
	b.clock.advance(24 * time.Hour) // days later, signed anew, with another time of execution
	if got, err := b.Confirm(ctx, testBIC, b.bank.says(o.Attempt, nil)); err != nil || got.Result != AlreadyApplied {
		t.Errorf("late: %+v %v", got, err)
	}
	b.settle()
	if r := b.check(); r.Transfers != 1 {
		t.Errorf("%d transfers", r.Transfers)
	}
	b.agree()
}

// Messages overtake each other: pending after executed changes nothing.
func TestConfirmOutOfOrder(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	o := lostReply(b)
	executed := b.bank.says(o.Attempt, nil)
	pending := b.bank.says(o.Attempt, func(s *bank.Status) {
		*s = bank.Status{Type: s.Type, Bank: s.Bank, Attempt: s.Attempt, Outcome: bank.Pending}
	})
	if got, err := b.Confirm(ctx, testBIC, pending); err != nil || got.Result != AlreadyApplied {
		t.Errorf("pending first: %+v %v", got, err)
	}
	if got := b.state(o.ID); got != order.Unknown {
		t.Errorf("order is %s", got)
	}
	if got, err := b.Confirm(ctx, testBIC, executed); err != nil || got.Result != Applied {
		t.Errorf("executed: %+v %v", got, err)
	}
	if got, err := b.Confirm(ctx, testBIC, pending); err != nil || got.Result != AlreadyApplied {
		t.Errorf("pending last: %+v %v", got, err)
	}
	if got := b.state(o.ID); got != order.Executed {
		t.Errorf("order is %s", got)
	}
	b.settle()
	b.agree()
}

// Ten copies of one callback at the same moment.
func TestConfirmAtOnce(t *testing.T) {
	b := setup(t)
	o := lostReply(b)
	message := b.bank.says(o.Attempt, nil)
	var wait sync.WaitGroup
	results := make([]Confirmation, 10)
	errs := make([]error, 10)
	for i := range results {
		wait.Go(func() { results[i], errs[i] = b.Confirm(t.Context(), testBIC, message) })
	}
	wait.Wait()
	applied := 0
	for i, r := range results {
		if errs[i] != nil {
			t.Errorf("%v", errs[i])
		}
		if r.Result == Applied {
			applied++
		}
	}
	if applied != 1 {
		t.Errorf("applied %d times", applied)
	}
	b.settle()
	b.agree()
}

func TestConfirmRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		message func(*bundle, order.Order) []byte
		bic     string
		want    *Error
		noted   bool // kept, with an event, for a person
	}{
		"other amount": {func(b *bundle, o order.Order) []byte {
			return b.bank.says(o.Attempt, func(s *bank.Status) { s.Tiyn++ })
		}, testBIC, ErrConfirmationAmount, true},
		"other order": {func(b *bundle, o order.Order) []byte {
			return b.bank.says(o.Attempt, func(s *bank.Status) { s.Order = b.ordered(citizenIIN, b.fee(citizenIIN)).ID })
		}, testBIC, ErrConfirmationConflict, true},
		"from the future": {func(b *bundle, o order.Order) []byte {
			return b.bank.says(o.Attempt, func(s *bank.Status) { s.ExecutedAt = "2027-01-01T00:00:00Z" })
		}, testBIC, ErrConfirmationConflict, true},
		"before it was authorised": {func(b *bundle, o order.Order) []byte {
			return b.bank.says(o.Attempt, func(s *bank.Status) { s.ExecutedAt = "2026-01-15T06:00:00Z" })
		}, testBIC, ErrConfirmationConflict, true},
		"caller is another bank": {func(b *bundle, o order.Order) []byte { return b.bank.says(o.Attempt, nil) }, otherBIC, ErrBankMismatch, false},
		"names another bank": {func(b *bundle, o order.Order) []byte {
			return b.bank.says(o.Attempt, func(s *bank.Status) { s.Bank = otherBIC })
		}, "", ErrBankSigner, false},
		"attempt of another bank": {func(b *bundle, o order.Order) []byte {
			raw := b.bank.says(o.Attempt, func(s *bank.Status) { s.Bank = otherBIC })
			return resign(b, raw, bankSigner(otherBIN))
		}, "", ErrBankMismatch, false},
		"bank unknown": {func(b *bundle, o order.Order) []byte {
			return b.bank.says(o.Attempt, func(s *bank.Status) { s.Bank = "HSBKKZKX" })
		}, "", ErrBankUnknown, false},
		"signed by another bank": {func(b *bundle, o order.Order) []byte {
			return resign(b, b.bank.says(o.Attempt, nil), bankSigner(otherBIN))
		}, testBIC, ErrBankSigner, false},
		"signed by a person of the bank": {func(b *bundle, o order.Order) []byte {
			return resign(b, b.bank.says(o.Attempt, nil), Signer{IIN: citizenIIN, BIN: bankBIN, Kind: "person"})
		}, testBIC, ErrBankSigner, false},
		"signed by the citizen": {func(b *bundle, o order.Order) []byte {
			return resign(b, b.bank.says(o.Attempt, nil), citizen(citizenIIN))
		}, testBIC, ErrBankSigner, false},
		"signature broken": {func(b *bundle, o order.Order) []byte {
			return []byte(strings.Replace(string(b.bank.says(o.Attempt, nil)), bankBIN, otherBIN, 1))
		}, testBIC, ErrSignatureInvalid, false},
		"detached": {func(b *bundle, o order.Order) []byte {
			return b.notary.sign(bankSigner(bankBIN), nil, true)
		}, testBIC, ErrBankMessageInvalid, false},
		"unknown attempt": {func(b *bundle, o order.Order) []byte {
			return b.bank.says(o.Attempt, func(s *bank.Status) { s.Attempt = s.Attempt[:30] + "00000000" })
		}, testBIC, ErrAttemptUnknown, false},
		"attempt not an id": {func(b *bundle, o order.Order) []byte {
			return b.bank.says(o.Attempt, func(s *bank.Status) { s.Attempt = "x" })
		}, testBIC, ErrAttemptUnknown, false},
		"absent by callback": {func(b *bundle, o order.Order) []byte {
			return b.bank.says(o.Attempt, func(s *bank.Status) { s.Outcome = bank.Absent })
		}, testBIC, ErrBankMessageInvalid, false},
		"unknown field": {func(b *bundle, o order.Order) []byte {
			return b.notary.sign(bankSigner(bankBIN), []byte(`{"type":"payment-status","bank":"TSESKZKA","attempt":"a","outcome":"refused","x":1}`), false)
		}, testBIC, ErrBankMessageInvalid, false},
		"not JSON": {func(b *bundle, o order.Order) []byte { return b.notary.sign(bankSigner(bankBIN), []byte("yes"), false) }, testBIC, ErrBankMessageInvalid, false},
		"no CMS":   {func(*bundle, order.Order) []byte { return []byte("yes") }, testBIC, ErrSignatureInvalid, false},
		"empty":    {func(*bundle, order.Order) []byte { return nil }, testBIC, ErrBankMessageInvalid, false},
		"huge":     {func(*bundle, order.Order) []byte { return make([]byte, bankMessageMax+1) }, testBIC, ErrBankMessageInvalid, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			o := lostReply(b)
			message := c.message(b, o)
			for range 2 { // a repetition is refused alike, and noted once
				_, err := b.Confirm(t.Context(), c.bic, message)
				wants(t, err, c.want)
			}
			if got := b.state(o.ID); got != order.Unknown {
				t.Errorf("order is %s", got)
			}
			events, err := b.OrderEvents(t.Context(), o.ID)
			b.must(err)
			noted := 0
			for _, e := range events {
				if e.Event == "contradict" {
					noted++
				}
			}
			if (c.noted && noted != 1) || (!c.noted && noted != 0) {
				t.Errorf("noted %d times", noted)
			}
			b.check()
			b.settle() // the true answer comes by look-up
			if got := b.state(o.ID); got != order.Executed {
				t.Errorf("order is %s", got)
			}
			b.agree()
		})
	}
}

// resign puts another signer under the content of a message.
func resign(b *bundle, message []byte, signer Signer) []byte {
	found, err := b.notary.Verify(b.t.Context(), message, nil)
	b.must(err)
	return b.notary.sign(signer, found.Content, false)
}

// A finished payment is contradicted: kept for a person, refused, and nothing moves.
func TestConfirmContradictsTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		pay    string
		change func(*bank.Status)
	}{
		"refused after executed": {"ok", func(s *bank.Status) {
			*s = bank.Status{Type: s.Type, Bank: s.Bank, Attempt: s.Attempt, Order: s.Order, Outcome: bank.Refused}
		}},
		"executed again under another reference": {"ok", func(s *bank.Status) { s.BankReference = "OTHER" }},
		"executed after refused": {"refuse", func(s *bank.Status) {
			s.Outcome, s.BankReference, s.ExecutedAt = bank.Executed, "LATE", "2026-03-01T06:00:00Z"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			o := b.authorised(citizenIIN)
			b.bank.pays = []string{c.pay}
			b.attempts()
			before := b.state(o.ID)
			_, err := b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, c.change))
			wants(t, err, ErrConfirmationConflict)
			if got := b.state(o.ID); got != before {
				t.Errorf("order went from %s to %s", before, got)
			}
			var kept int
			b.must(b.db.Get(&kept, `SELECT count(*) FROM bank_messages WHERE disposition = 'conflict'`))
			if kept != 1 {
				t.Errorf("%d messages kept", kept)
			}
			b.settle()
			b.agree()
		})
	}
}

// A bank confirms what was never sent to it: kept and refused, then, once it was sent, taken.
func TestConfirmUnsent(t *testing.T) {
	b := setup(t)
	o := b.authorised(citizenIIN)
	s := bank.Status{
		Type: bank.StatusType, Bank: testBIC, Attempt: o.Attempt, Order: o.ID, Outcome: bank.Executed, Tiyn: o.Tiyn, Currency: "KZT",
		BankReference: "EARLY", ExecutedAt: "2026-03-01T06:00:00Z",
	}
	message := b.bank.seal(s)
	_, err := b.Confirm(t.Context(), testBIC, message)
	wants(t, err, ErrConfirmationUnsent)
	if got := b.state(o.ID); got != order.Authorised {
		t.Errorf("order is %s", got)
	}
	b.bank.pays, b.bank.lookups = []string{"timeoutButDone"}, []string{"timeoutNotDone"}
	b.attempts()
	got, err := b.Confirm(t.Context(), testBIC, message)
	if err != nil || got.Result != Applied {
		t.Errorf("the same message after sending: %+v %v", got, err)
	}
	b.settle()
	b.agree()
}

func TestConfirmVerifierUnavailable(t *testing.T) {
	b := setup(t)
	o := lostReply(b)
	b.notary.fail("verify", 1)
	_, err := b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, nil))
	wants(t, err, ErrVerifierUnavailable)
	if got, err := b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, nil)); err != nil || got.Result != Applied {
		t.Errorf("second try: %+v %v", got, err)
	}
}

// A bank that answers an order with the word that it does not have it is not sent it again at once, without end.
func TestAbsentIsNoReply(t *testing.T) {
	b := setup(t)
	b.bank.pays = []string{"absent", "absent"}
	o := b.authorised(citizenIIN)
	for range 6 {
		b.attempts()
	}
	if b.bank.calls > 1 {
		t.Errorf("%d calls at one moment", b.bank.calls)
	}
	b.settle()
	if got := b.state(o.ID); got != order.Executed {
		t.Errorf("order is %s", got)
	}
}
