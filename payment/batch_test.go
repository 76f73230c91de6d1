package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"qaqpa/payment/bank"
	"qaqpa/payment/order"
)

// gathered holds up a first shared commit until n further requests wait behind it, so that those share the next one.
func (b *bundle) gathered(first func(), n int, rest func()) {
	b.t.Helper()
	gate := make(chan struct{})
	b.diary.mu.Lock()
	b.diary.gate = gate
	b.diary.mu.Unlock()
	held := b.diary.held.Load()
	var wait sync.WaitGroup
	wait.Go(first)
	for b.diary.held.Load() == held {
		runtime.Gosched()
	}
	b.diary.mu.Lock()
	b.diary.gate = nil
	b.diary.mu.Unlock()
	wait.Go(rest)
	for b.waiting() != n {
		runtime.Gosched()
	}
	close(gate)
	wait.Wait()
}

// waiting counts who waits for a shared commit.
func (b *bundle) waiting() int {
	n := 0
	for _, c := range append(b.confirmations[:], b.creations) {
		c.mu.Lock()
		n += len(c.waiting)
		c.mu.Unlock()
	}
	return n
}

// Members of one commit are judged one by one: what is wrong with some does not touch the others.
func TestSharedCommitJudgesEach(t *testing.T) {
	b := setup(t)
	var attempts []string
	for i := range 9 {
		payer := []string{citizenIIN, neighborIIN, companyBIN}[i%3]
		o := b.ordered(payer, b.fee(payer))
		signer := citizen(payer)
		if payer == companyBIN {
			signer = Signer{IIN: citizenIIN, BIN: companyBIN, Kind: "organisation", Roles: []string{"head"}}
		}
		out, err := b.authoriseAs(o, signer)
		b.must(err)
		attempts = append(attempts, out.Attempt)
		b.bank.pays = []string{"timeoutButDone"}
		b.attempts()
	}
	stranger := func(n int) []byte {
		b.bank.mu.Lock()
		defer b.bank.mu.Unlock()
		raw := mustJSON(t, b.bank.status(b.bank.payments[attempts[n]]))
		return b.notary.sign(bankSigner(otherBIN), raw, false)
	}
	unknown := func(s *bank.Status) { s.Attempt = "att_" + s.Attempt[4:6] + "00000000000000000000000000000000" }
	messages := [][]byte{
		b.bank.says(attempts[1], nil),
		b.bank.says(attempts[2], nil),
		b.bank.says(attempts[3], func(s *bank.Status) { s.Tiyn++ }),
		stranger(4),
		b.bank.says(attempts[5], unknown),
		b.bank.says(attempts[6], func(s *bank.Status) { s.Order = attempts[1] }),
		b.bank.says(attempts[7], nil),
		b.bank.says(attempts[8], nil),
	}
	want := []error{nil, nil, ErrConfirmationAmount, ErrBankSigner, ErrAttemptUnknown, ErrConfirmationConflict, nil, nil}
	got := make([]error, len(messages))
	b.gathered(func() { _, _ = b.Confirm(t.Context(), testBIC, b.bank.says(attempts[0], nil)) }, len(messages), func() {
		var wait sync.WaitGroup
		for i, m := range messages {
			wait.Go(func() { _, got[i] = b.Confirm(t.Context(), testBIC, m) })
		}
		wait.Wait()
	})
	for i, err := range got {
		if !errors.Is(err, want[i]) {
			t.Errorf("message %d: got %v, want %v", i, err, want[i])
		}
	}
	for i, id := range attempts {
		var state order.AttemptState
		b.must(b.db.Get(&state, `SELECT state FROM attempts WHERE id = $1`, id))
		if executed := state == order.AttemptExecuted; executed != (i < 3 || i > 6) {
			t.Errorf("attempt %d is %s", i, state)
		}
	}
	b.check()
	b.settle()
	b.agree()
}

// When the database refuses the shared transaction because of one member, each member gets an answer of its own.
func TestSharedCommitSplits(t *testing.T) {
	b := setup(t)
	var attempts []string
	for range 4 {
		o := b.ordered(citizenIIN, b.fee(citizenIIN))
		out, err := b.authoriseAs(o, citizen(citizenIIN))
		b.must(err)
		attempts = append(attempts, out.Attempt)
		b.bank.pays = []string{"timeoutButDone"}
		b.attempts()
	}
	// A row that breaks the batch's insert: the webhook of one order stands there already.
	_, err := b.db.ExecContext(t.Context(), `INSERT INTO outbox (bucket, id, agency_id, order_id, debt_id, state, failures, due_at, created_at)
		SELECT i.bucket, 'msg_x', i.agency_id, i.order_id, i.debt_id, 'waiting', 0, now(), now() FROM order_items i JOIN attempts a
		ON a.bucket = i.bucket AND a.order_id = i.order_id WHERE a.id = $1`, attempts[2])
	b.must(err)
	got := make([]error, 4)
	b.gathered(func() { _, got[0] = b.Confirm(t.Context(), testBIC, b.bank.says(attempts[0], nil)) }, 3, func() {
		var wait sync.WaitGroup
		for i := 1; i < 4; i++ {
			wait.Go(func() { _, got[i] = b.Confirm(t.Context(), testBIC, b.bank.says(attempts[i], nil)) })
		}
		wait.Wait()
	})
	for i, err := range got {
		if (err == nil) != (i != 2) {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
}

// A caller whose time is up is freed while his commit hangs, and a caller who was never begun leaves nothing behind.
func TestSharedCommitFreesCallers(t *testing.T) {
	b := setup(t)
	first, second := b.sentAndLost(citizenIIN), b.sentAndLost(citizenIIN)
	gate := make(chan struct{})
	b.diary.mu.Lock()
	b.diary.gate = gate
	b.diary.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	held, answer := b.diary.held.Load(), make(chan error, 1)
	go func() {
		_, err := b.Confirm(ctx, testBIC, first)
		answer <- err
	}()
	for b.diary.held.Load() == held {
		runtime.Gosched()
	}
	cancel()
	wants(t, <-answer, ErrUndecided) // while its commit still hangs
	_, err := b.Confirm(ctx, testBIC, second)
	wants(t, err, ErrUndecided)
	b.diary.mu.Lock()
	b.diary.gate = nil
	b.diary.mu.Unlock()
	close(gate)
	for b.waiting() > 0 {
		runtime.Gosched()
	}
	// The first was committed nevertheless, which a repetition finds; the second was not, and is now.
	for i, want := range []string{AlreadyApplied, Applied} {
		out, err := b.Confirm(t.Context(), testBIC, [][]byte{first, second}[i])
		if err != nil || out.Result != want {
			t.Errorf("repetition %d: %+v, %v", i, out, err)
		}
	}
	b.settle()
	b.agree()
}

// When too many wait, further ones are told so and nothing happens to them.
func TestSharedCommitOverload(t *testing.T) {
	c := &committer{running: true, waiting: make([]*job, queueMax)}
	if _, err := c.do(t.Context(), &confirmation{}); !errors.Is(err, ErrOverloaded) {
		t.Errorf("got %v", err)
	}
}

// Requests that touch the same thing come one after the other, in the order of their arrival; the others share.
func TestSharedCommitKeepsOrder(t *testing.T) {
	c := &committer{}
	add := func(attempt string) {
		c.waiting = append(c.waiting, &job{ctx: t.Context(), done: make(chan struct{}), work: &confirmation{heard: heard{status: bank.Status{Attempt: attempt}}}})
	}
	for _, a := range []string{"a", "b", "a", "c", "a", "b"} {
		add(a)
	}
	for _, want := range []string{"[a b c]", "[a b]", "[a]", "[]"} {
		var got []string
		for _, j := range c.take() {
			got = append(got, j.keys()[0])
		}
		if fmt.Sprint(got) != want {
			t.Errorf("took %v, want %s", got, want)
		}
	}
}

func mustJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}
