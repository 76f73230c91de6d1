package payment

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"qaqpa/payment/order"
)

// countingCommits counts the shared transactions of a committer that were tried with a number of members.
func countingCommits(c *committer) *[]int {
	sizes, run := &[]int{}, c.run
	c.run = func(ctx context.Context, tx *sqlx.Tx, jobs []*job) (func(), error) {
		*sizes = append(*sizes, len(jobs)) // one goroutine at a time commits
		return run(ctx, tx, jobs)
	}
	return sizes
}

// Of racing orders in one commit the database refuses some rows and cannot give back others. Each caller gets an answer of its own, the honest ones share
// commits, and nothing is made twice, whoever repeats.
func TestSharedCommitTriesHalves(t *testing.T) {
	b := setup(t)
	const all = 40
	reqs, idems := make([]order.Request, all), make([]Idem, all)
	refused, unreadable := map[int]bool{3: true, 29: true}, map[int]bool{17: true}
	for i := range reqs {
		payer := citizenIIN
		if refused[i] {
			payer = neighborIIN
		}
		d := b.fee(payer)
		reqs[i], idems[i] = order.Request{Payer: payer, Debts: []string{d.ID}, Bank: testBIC}, b.idem("o")
		if unreadable[i] {
			_, err := b.db.ExecContext(t.Context(), `UPDATE debts SET basis = 'broken' WHERE id = $1`, d.ID)
			b.must(err)
		}
	}
	lead := order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: testBIC}
	_, err := b.db.ExecContext(t.Context(), `ALTER TABLE orders ADD CONSTRAINT orders_not_his CHECK (payer_id <> '`+neighborIIN+`') NOT VALID`)
	b.must(err)
	sizes := countingCommits(b.creations)
	got, views := make([]error, all), make([]order.Order, all)
	b.gathered(func() { _, _, _ = b.CreateOrder(t.Context(), b.idem("lead"), lead) }, all, func() {
		var wait sync.WaitGroup
		for i, r := range reqs {
			wait.Go(func() { views[i], _, got[i] = b.CreateOrder(t.Context(), idems[i], r) })
		}
		wait.Wait()
	})
	for i, err := range got {
		switch {
		case refused[i]:
			if pq.As(err, pqerror.CheckViolation) == nil {
				t.Errorf("order %d: got %v instead of the database's refusal", i, err)
			}
		case unreadable[i]:
			if err == nil || pq.As(err) != nil || errors.Is(err, ErrUndecided) {
				t.Errorf("order %d: got %v instead of what is wrong with its debt", i, err)
			}
		case err != nil:
			t.Errorf("order %d: %v", i, err)
		}
	}
	// Three at fault among forty: at most two parts a level for each of them, in place of forty transactions.
	if len(*sizes) < 4 || len(*sizes) > 2+3*2*6 || (*sizes)[1] != all {
		t.Errorf("shared transactions of %v members", *sizes)
	}
	// A refusal of the database leaves no trace: when its cause is gone, the same key serves. Who was answered gets the same answer.
	_, err = b.db.ExecContext(t.Context(), `ALTER TABLE orders DROP CONSTRAINT orders_not_his`)
	b.must(err)
	for i := range reqs {
		again, replayed, err := b.CreateOrder(t.Context(), idems[i], reqs[i])
		switch {
		case unreadable[i]:
			if err == nil {
				t.Errorf("order %d over a debt that cannot be read", i)
			}
		case refused[i]:
			if err != nil || replayed {
				t.Errorf("order %d again: %v, replayed %v", i, err, replayed)
			}
		case err != nil || !replayed || !cmp.Equal(again, views[i]):
			t.Errorf("order %d again: %v, replayed %v", i, err, replayed)
		}
	}
	var made int
	b.must(b.db.Get(&made, `SELECT count(*) FROM orders`))
	if made != all { // the lead's, and all but the one that cannot be read
		t.Errorf("%d orders", made)
	}
	b.check()
}

// Confirmations that share a commit with one whose rows the database refuses move their money once, told twice and at once.
func TestSharedConfirmationsSplit(t *testing.T) {
	b := setup(t)
	const all, bad = 9, 4
	messages, attempts := make([][]byte, all), make([]string, all)
	for i := range messages {
		o := b.authorised(citizenIIN)
		b.bank.pays = []string{"timeoutButDone"}
		b.attempts()
		attempts[i], messages[i] = o.Attempt, b.bank.says(o.Attempt, nil)
	}
	_, err := b.db.ExecContext(t.Context(), `ALTER TABLE bank_messages ADD CONSTRAINT messages_not_this CHECK (attempt_id <> '`+attempts[bad]+`') NOT VALID`)
	b.must(err)
	lead := b.sentAndLost(citizenIIN)
	got := make([]error, 2*all)
	b.gathered(func() { _, _ = b.Confirm(t.Context(), testBIC, lead) }, 2*all, func() {
		var wait sync.WaitGroup
		for i := range got {
			wait.Go(func() { _, got[i] = b.Confirm(t.Context(), testBIC, messages[i%all]) })
		}
		wait.Wait()
	})
	for i, err := range got {
		if (pq.As(err, pqerror.CheckViolation) != nil) != (i%all == bad) || (i%all != bad && err != nil) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	_, err = b.db.ExecContext(t.Context(), `ALTER TABLE bank_messages DROP CONSTRAINT messages_not_this`)
	b.must(err)
	_, err = b.Confirm(t.Context(), testBIC, messages[bad])
	b.must(err)
	b.settle()
	b.agree()
}

// The search for bad members is bounded: beyond it those that are left go on alone.
func TestSplittingIsBounded(t *testing.T) {
	c := &committer{}
	tried := 0
	batch := make([]*job, commitMax)
	for i := range batch {
		batch[i] = &job{work: &creation{}, ctx: t.Context(), done: make(chan struct{})}
	}
	b := setup(t)
	c.store = &b.store
	c.run = func(context.Context, *sqlx.Tx, []*job) (func(), error) {
		tried++
		return nil, &pq.Error{Code: pqerror.CheckViolation}
	}
	c.commit(batch)
	for i, j := range batch {
		<-j.done
		if !j.alone || j.err != nil {
			t.Fatalf("member %d: alone %v, %v", i, j.alone, j.err)
		}
	}
	if tried > 2*splitTriesMax {
		t.Errorf("%d transactions", tried)
	}
}

// Whether members are tried apart depends on what failed.
func TestOfRows(t *testing.T) {
	of := func(code pqerror.Code) error { return &pq.Error{Code: code} }
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"a constraint":                  {of(pqerror.CheckViolation), true},
		"a row too large":               {of("54000"), true},
		"a damaged row":                 {of("XX001"), true},
		"a refused commit":              {&commitError{of(pqerror.UniqueViolation)}, true},
		"a row of which a seal is off":  {ErrSealed, true},
		"a commit without an answer":    {&commitError{errors.New("reset")}, false},
		"a server that goes down":       {of(pqerror.AdminShutdown), false},
		"a full disk":                   {of(pqerror.DiskFull), false},
		"a standby":                     {of("25006"), false},
		"a column that is not there":    {of("42703"), false},
		"a database that does not talk": {unavailable(context.DeadlineExceeded), false},
	} {
		if got := ofRows(tc.err); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
