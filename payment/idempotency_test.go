package payment

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

func TestIdempotencyReplay(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	d := b.fee(citizenIIN)
	req := order.Request{Payer: citizenIIN, Debts: []string{d.ID}, Bank: testBIC}
	idem := b.idem("order")
	first, replayed, err := b.CreateOrder(ctx, idem, req)
	if err != nil || replayed {
		t.Fatal(err)
	}
	again, replayed, err := b.CreateOrder(ctx, idem, req)
	if err != nil || !replayed || !cmp.Equal(first, again) {
		t.Errorf("replay: %v %s", err, cmp.Diff(first, again))
	}
	// A signature is replayed even when the order has moved on.
	sign := b.idem("sign")
	signature := b.signed(first, citizen(citizenIIN))
	signed, _, err := b.Authorise(ctx, sign, first.ID, signature)
	b.must(err)
	b.settle()
	again, replayed, err = b.Authorise(ctx, sign, first.ID, signature)
	if err != nil || !replayed || !cmp.Equal(signed, again) {
		t.Errorf("replay after the end: %v %s", err, cmp.Diff(signed, again))
	}
	// Another caller has keys of his own.
	other := idem
	other.Caller = "another"
	if o, replayed, err := b.CreateOrder(ctx, other, order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: testBIC}); err != nil || replayed || o.ID == first.ID {
		t.Errorf("another caller: %+v %v %v", o, replayed, err)
	}
	b.agree()
}

// The same key with another body is refused, whoever the payer is.
func TestIdempotencyReuse(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	idem := b.idem("body 1")
	_, _, err := b.CreateOrder(ctx, idem, order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: testBIC})
	b.must(err)
	idem.Hash = sha256.Sum256([]byte("body 2"))
	_, _, err = b.CreateOrder(ctx, idem, order.Request{Payer: neighborIIN, Debts: []string{b.fee(neighborIIN).ID}, Bank: testBIC})
	wants(t, err, ErrIdempotencyReuse)
	_, _, err = b.CancelOrder(ctx, idem, "ord_any")
	wants(t, err, ErrIdempotencyReuse)
	_, _, err = b.Authorise(ctx, idem, "ord_any", []byte("x"))
	wants(t, err, ErrIdempotencyReuse)
}

// A refusal is part of the result: it is replayed, although by now the answer would be another.
func TestIdempotencyKeepsRefusals(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	idem := b.idem("sign")
	_, replayed, err := b.Authorise(ctx, idem, o.ID, b.signed(o, citizen(neighborIIN)))
	if replayed {
		t.Error("the first refusal counts as replayed")
	}
	wants(t, err, ErrSignerNotPayer)
	_, replayed, err = b.Authorise(ctx, idem, o.ID, b.signed(o, citizen(citizenIIN)))
	wants(t, err, ErrSignerNotPayer)
	var e *Error
	if !replayed || !errors.As(err, &e) || e.VerdictID != "vrd_good" || e.Kind != KindForbidden {
		t.Errorf("replay: %v %+v", replayed, e)
	}
	if got := b.state(o.ID); got != order.Created {
		t.Errorf("order is %s", got)
	}
	// A malformed request is not kept: the client mends it under the same key.
	mend := b.idem("bad")
	_, _, err = b.CreateOrder(ctx, mend, order.Request{Payer: "1", Bank: testBIC})
	wants(t, err, ErrPayerIDInvalid)
	mend.Hash = sha256.Sum256([]byte("good"))
	_, _, err = b.CreateOrder(ctx, mend, order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: testBIC})
	b.must(err)
}

func TestIdempotencyKeys(t *testing.T) {
	b := setup(t)
	for name, c := range map[string]struct {
		idem Idem
		want *Error
	}{
		"missing":   {Idem{Caller: "c"}, ErrIdempotencyMissing},
		"long":      {Idem{Caller: "c", Key: strings.Repeat("k", 256)}, ErrInvalid},
		"control":   {Idem{Caller: "c", Key: "a\nb"}, ErrInvalid},
		"not ASCII": {Idem{Caller: "c", Key: "кілт"}, ErrInvalid},
		"no caller": {Idem{Key: "k"}, ErrInvalid},
	} {
		_, _, err := b.CancelOrder(t.Context(), c.idem, "ord_x")
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Many copies of one request at the same moment: one effect; the others are told to wait or get the same result.
func TestIdempotencyAtOnce(t *testing.T) {
	b := setup(t)
	idem := b.idem("batch")
	items := []debt.Item{{Reference: "R", Payer: debt.Payer{ID: citizenIIN}, Service: b.licence.ID}}
	second := setupSecond(b)
	const copies = 12
	errs, outs := make([]error, copies), make([]DebtBatch, copies)
	var wait sync.WaitGroup
	for i := range copies {
		service := b.Service
		if i%2 == 1 {
			service = second // another process over the same database
		}
		wait.Go(func() { outs[i], _, errs[i] = service.SubmitDebts(t.Context(), idem, b.agency.ID, items) })
	}
	wait.Wait()
	ids := map[string]bool{}
	for i, err := range errs {
		if err != nil {
			wants(t, err, ErrIdempotencyBusy)
			continue
		}
		ids[outs[i].Results[0].Debt] = true
	}
	if len(ids) != 1 {
		t.Errorf("%d debts from one key", len(ids))
	}
	var n int
	b.must(b.db.Get(&n, `SELECT count(*) FROM debts`))
	if n != 1 {
		t.Errorf("%d debts stored", n)
	}
}

// setupSecond is another process with the same configuration over the same database.
func setupSecond(b *bundle) *Service {
	b.t.Helper()
	cfg := b.cfg
	cfg.Registerer = nil
	second, err := New(cfg)
	b.must(err)
	b.t.Cleanup(func() { second.calls.wait(); second.posts.wait() })
	return second
}

// The effect fails for a reason that is nobody's fault: neither effect nor key remains, and a repetition works.
func TestIdempotencyFailedNotApplied(t *testing.T) {
	b := setup(t)
	d := b.fee(citizenIIN)
	idem := b.idem("order")
	req := order.Request{Payer: citizenIIN, Debts: []string{d.ID}, Bank: testBIC}
	b.diary.failNext(1)
	if _, _, err := b.CreateOrder(t.Context(), idem, req); !errors.Is(err, errDown) {
		t.Fatalf("got %v", err)
	}
	var n int
	b.must(b.db.Get(&n, `SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM idempotency WHERE key = $1)`, idem.Key))
	if n != 0 {
		t.Errorf("%d rows remain of a failed request", n)
	}
	if _, replayed, err := b.CreateOrder(t.Context(), idem, req); err != nil || replayed {
		t.Errorf("repetition: %v", err)
	}
}

// A cancelled caller leaves nothing half-done.
func TestIdempotencyCancelled(t *testing.T) {
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.CreateOrder(ctx, b.idem("o"), order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: testBIC}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	b.check()
}
