//go:build !release

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"qaqpa/testenv/fault"
)

// TestFaultsLoseNothingAndDoubleNothing pays a number of debts while the gateway and PostgreSQL are killed, the token is taken away, and
// the bank loses answers and calls back twice. At the end every order that was accepted is executed once, in the bank's books and in
// ours, and ledger and audit log verify. QAQPA_SEED replays a run.
func TestFaultsLoseNothingAndDoubleNothing(t *testing.T) {
	seed := seedOf(t)
	random := rand.New(rand.NewPCG(seed, 0)) // a schedule that can be replayed
	w := newTestWorld(t)
	s := newStory(w)
	if _, err := s.publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	const orders = 12
	var ids []string
	for i := range orders {
		ids = append(ids, orderOf(t, s, fmt.Sprintf("CRASH-%03d", i)))
	}
	faults := []string{"timeout_but_done", "timeout_not_done", "duplicate_callback", "error_but_done", "error_not_done", "drop_but_done", "drop_not_done", "callback"}
	var paying sync.WaitGroup
	for i, id := range ids {
		if err := w.bank.AddFault(fault.Fault{Kind: faults[random.IntN(len(faults))], Count: 1, DelayMS: 100}); err != nil {
			t.Fatal(err)
		}
		paying.Go(func() { signUntilAccepted(t, s, id) })
		if i%3 == 2 {
			strike(t, w, random)
		}
	}
	paying.Wait()
	w.bank.ClearFaults()
	for _, id := range ids {
		if _, err := s.await(t.Context(), id, "executed"); err != nil {
			t.Errorf("order %s: %v", id, err)
		}
		if n := s.moved(id); n != 1 {
			t.Errorf("money moved %d times for order %s", n, id)
		}
	}
	checkBooks(t, w, ids)
}

// seedOf is QAQPA_SEED, or a fresh one; it is printed, so that a failure can be replayed.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("QAQPA_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("replay with QAQPA_SEED=%d", seed)
	return seed
}

func orderOf(t *testing.T, s *story, reference string) string {
	t.Helper()
	debt, err := s.load(t.Context(), reference)
	if err != nil {
		t.Fatal(err)
	}
	order, err := s.order(t.Context(), debt)
	if err != nil {
		t.Fatal(err)
	}
	return order.ID
}

// signUntilAccepted hands the signature in as a careful client does: after any failure it asks what became of the order, and tries again.
func signUntilAccepted(t *testing.T, s *story, id string) {
	t.Helper()
	deadline := time.Now().Add(awaitMax)
	for {
		err := s.sign(t.Context(), id, s.people.citizen)
		if err == nil {
			return
		}
		if r, asked := s.portal.get(t.Context(), "/v1/orders/"+id); asked == nil {
			var o orderAnswer
			if r.into(200, &o) == nil && o.State != "created" {
				return
			}
		}
		if time.Now().After(deadline) || errors.Is(err, context.Canceled) {
			t.Errorf("order %s was never accepted: %v", id, err)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// strike lets one thing fail and brings it back.
func strike(t *testing.T, w *world, random *rand.Rand) {
	t.Helper()
	time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
	pause := time.Duration(random.IntN(500)) * time.Millisecond
	switch kind := random.IntN(3); kind {
	case 0:
		t.Log("SIGKILL to the gateway")
		if err := w.killGateway(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
		if err := w.startGateway(t.Context()); err != nil {
			t.Fatal(err)
		}
	case 1:
		t.Log("SIGKILL to PostgreSQL")
		if err := w.pg.Kill(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
		if err := w.pg.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	default:
		t.Log("the token is taken away")
		if err := w.token.Remove(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
		if err := w.token.Restore(); err != nil {
			t.Fatal(err)
		}
	}
}

// checkBooks compares the ledger with the orders and verifies journal and audit log.
func checkBooks(t *testing.T, w *world, orders []string) {
	t.Helper()
	db, err := w.pg.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, id := range orders {
		var n int
		if err := db.GetContext(t.Context(), &n, `SELECT count(*) FROM transfers WHERE order_id = $1`, id); err != nil {
			t.Fatal(err)
		}
		if n != 1 {
			t.Errorf("the ledger holds %d transfers for order %s", n, id)
		}
	}
	if out, err := w.verifyLedger(t.Context()); err != nil {
		t.Errorf("%s: %v", out, err)
	}
	if out, err := w.qaqpa(t.Context(), "audit", "verify"); err != nil {
		t.Errorf("%s: %v", out, err)
	}
}

// TestEachFaultDuringOnePayment strikes once in the middle of one payment, for each thing that can fail alone.
func TestEachFaultDuringOnePayment(t *testing.T) {
	w := newTestWorld(t)
	s := newStory(w)
	if _, err := s.publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, strike := range map[string]func(context.Context) error{
		"gateway killed":    func(ctx context.Context) error { return errors.Join(w.killGateway(), w.startGateway(ctx)) },
		"PostgreSQL killed": func(ctx context.Context) error { return errors.Join(w.pg.Kill(), w.pg.Restart(ctx)) },
		"token removed": func(context.Context) error {
			err := w.token.Remove()
			time.Sleep(500 * time.Millisecond)
			return errors.Join(err, w.token.Restore())
		},
		"gateway stopped": func(ctx context.Context) error {
			err := w.process.interrupt()
			return errors.Join(err, w.startGateway(ctx))
		},
	} {
		t.Run(name, func(t *testing.T) {
			id := orderOf(t, s, name)
			if err := w.bank.AddFault(fault.Fault{Kind: "slow", Count: 1, DelayMS: 800}); err != nil {
				t.Fatal(err)
			}
			signUntilAccepted(t, s, id)
			if err := strike(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := s.await(t.Context(), id, "executed"); err != nil {
				t.Fatal(err)
			}
			if n := s.moved(id); n != 1 {
				t.Errorf("money moved %d times", n)
			}
			checkBooks(t, w, []string{id})
		})
	}
}
