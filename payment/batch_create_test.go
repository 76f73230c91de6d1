package payment

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/order"
)

// Orders that share a commit are judged one by one, and each is what it would have been alone: answers, refusals, and what a
// repetition of either finds.
func TestSharedCreationJudgesEach(t *testing.T) {
	b := setup(t)
	const good = 6
	reqs := make([]order.Request, 0, good+4)
	for range good {
		reqs = append(reqs, order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID, b.fee(citizenIIN).ID}, Bank: testBIC})
	}
	taken := b.fee(neighborIIN)
	_, err := b.authoriseAs(b.ordered(neighborIIN, taken), citizen(neighborIIN))
	b.must(err)
	unknown := taken.ID[:6] + "00000000000000000000000000000000"
	reqs = append(
		reqs,
		order.Request{Payer: neighborIIN, Debts: []string{taken.ID}, Bank: testBIC},
		order.Request{Payer: neighborIIN, Debts: []string{unknown}, Bank: testBIC},
		order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: "NOBANKKZ"},
		reqs[0],
	)
	want := []error{nil, nil, nil, nil, nil, nil, ErrDebtBeingPaid, ErrDebtUnknown, ErrBankUnknown, ErrIdempotencyReuse}
	idems, got, views := make([]Idem, len(reqs)), make([]error, len(reqs)), make([]order.Order, len(reqs))
	for i := range reqs {
		idems[i] = b.idem("o")
	}
	first := b.idem("first")
	idems[len(idems)-1] = Idem{Caller: first.Caller, Key: first.Key, Hash: [32]byte{9}} // used before with another body
	_, _, err = b.CreateOrder(t.Context(), first, order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: testBIC})
	b.must(err)
	lead := order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: testBIC}
	b.gathered(func() { _, _, _ = b.CreateOrder(t.Context(), b.idem("lead"), lead) }, len(reqs), func() {
		var wait sync.WaitGroup
		for i, r := range reqs {
			wait.Go(func() { views[i], _, got[i] = b.CreateOrder(t.Context(), idems[i], r) })
		}
		wait.Wait()
	})
	for i := range reqs {
		if !errors.Is(got[i], want[i]) {
			t.Errorf("order %d: got %v, want %v", i, got[i], want[i])
		}
		again, replayed, err := b.CreateOrder(t.Context(), idems[i], reqs[i])
		if !errors.Is(err, want[i]) || !cmp.Equal(again, views[i]) || (want[i] == nil && !replayed) {
			t.Errorf("order %d again: %v, replayed %v %s", i, err, replayed, cmp.Diff(views[i], again))
		}
		if want[i] != nil {
			continue
		}
		stored, err := b.Order(t.Context(), views[i].ID)
		if err != nil || !cmp.Equal(stored, views[i]) {
			t.Errorf("order %d as stored: %v %s", i, err, cmp.Diff(views[i], stored))
		}
		if events, err := b.OrderEvents(t.Context(), views[i].ID); err != nil || len(events) != 1 || events[0].From != "" {
			t.Errorf("order %d has events %+v, %v", i, events, err)
		}
	}
	b.check()
}
