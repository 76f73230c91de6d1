package payment

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/notify"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// receiver is an agency that fails as it is told, and writes down what came in which order.
type receiver struct {
	next http.Handler
	mu   sync.Mutex
	// fails decides about a try of a webhook; cut closes the connection instead of an answer.
	fails func(id string) (fail, cut bool)
	log   []string // ids that were taken
	tried []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	id := q.Header.Get(notify.HeaderID)
	r.mu.Lock()
	fail, cut := r.fails(id)
	r.tried = append(r.tried, id)
	if !fail {
		r.log = append(r.log, id)
	}
	r.mu.Unlock()
	switch {
	case fail && cut:
		panic(http.ErrAbortHandler)
	case fail:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		r.next.ServeHTTP(w, q)
	}
}

// take forgets what was noted, and returns it.
func (r *receiver) take() (log, tried []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	log, tried = r.log, r.tried
	r.log, r.tried = nil, nil
	return log, tried
}

// toldInOrder makes three payments with three webhooks each, none of which is delivered yet. It returns the webhooks of each payment, in the
// order in which things happened.
func toldInOrder(t *testing.T) (b *bundle, r *receiver, payments [3][]string) {
	t.Helper()
	b = setup(t, func(c *Config) { c.WebhookBackoff = make([]time.Duration, 1000) })
	for i := range b.cfg.WebhookBackoff {
		b.cfg.WebhookBackoff[i] = time.Second
	}
	r = &receiver{next: b.hook, fails: func(string) (bool, bool) { return true, false }}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	_, _, err := b.RegisterAgency(t.Context(), b.idem("receiver"), catalog.AgencySpec{BIN: agencyBIN, Names: b.agency.Names, WebhookURL: server.URL})
	b.must(err)
	var orders [3]order.Order
	for i := range orders {
		orders[i] = b.authorised(citizenIIN)
	}
	b.settle()
	for range 2 {
		for _, o := range orders {
			part := item(o)
			part.Tiyn = new(int64(1_00))
			b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, part)))
		}
		b.settle()
	}
	for i, o := range orders {
		b.must(all(t.Context(), b.db, &payments[i], `SELECT id FROM outbox WHERE order_id = $1 ORDER BY created_at, id`, o.ID))
		if len(payments[i]) < 3 {
			t.Fatalf("%d webhooks", len(payments[i]))
		}
	}
	return b, r, payments
}

// rounds lets webhooks go until everything is taken.
func (b *bundle) rounds(n int) {
	b.t.Helper()
	for range n {
		_, err := b.workWebhooks(b.t.Context())
		b.must(err)
		b.posts.wait()
		b.clock.advance(time.Minute)
	}
}

// The first webhook of one payment fails again and again: those behind it wait, and other payments' go on. When it is taken, the others
// follow in their order; sent again, they keep it.
func TestWebhooksOfAPaymentWaitForTheFirst(t *testing.T) {
	b, r, payments := toldInOrder(t)
	stuck := payments[1][0]
	r.mu.Lock()
	r.fails = func(id string) (bool, bool) { return id == stuck, false }
	r.mu.Unlock()
	r.take()
	b.rounds(6)
	log, tried := r.take()
	if got, want := fmt.Sprint(log), len(payments[0])+len(payments[2]); len(log) != want {
		t.Errorf("%d were taken while one payment is stuck, want %d: %s", len(log), want, got)
	}
	for _, id := range tried {
		for _, behind := range payments[1][1:] {
			if id == behind {
				t.Fatalf("%s went out before %s was taken", id, stuck)
			}
		}
	}
	inOrder(t, log, payments)
	r.mu.Lock()
	r.fails = func(string) (bool, bool) { return false, false }
	r.mu.Unlock()
	b.rounds(6)
	log, _ = r.take()
	if fmt.Sprint(log) != fmt.Sprint(payments[1]) {
		t.Errorf("then came %v, want %v", log, payments[1])
	}
	out, _, err := b.RedeliverRange(t.Context(), b.idem("again"), b.agency.ID, Redelivery{From: b.clock.now().Add(-24 * time.Hour), To: b.clock.now(), State: "delivered"})
	if err != nil || out.Webhooks != len(payments[0])+len(payments[1])+len(payments[2]) {
		t.Fatalf("%+v %v", out, err)
	}
	r.mu.Lock()
	r.fails = func(id string) (bool, bool) { return false, false }
	r.mu.Unlock()
	b.rounds(8)
	log, _ = r.take()
	if len(log) != out.Webhooks {
		t.Errorf("%d of %d came again", len(log), out.Webhooks)
	}
	inOrder(t, log, payments)
	b.check()
}

// Whatever fails, by an answer or without one, and whenever everything is sent again: of each payment things are told in the order in
// which they happened.
func TestWebhooksKeepOrderUnderFaults(t *testing.T) {
	b, r, payments := toldInOrder(t)
	for seed := range uint64(4) {
		luck := rand.New(rand.NewPCG(seed, 6))
		r.mu.Lock()
		r.fails = func(string) (bool, bool) { return luck.IntN(2) == 0, luck.IntN(3) == 0 }
		r.mu.Unlock()
		r.take()
		b.rounds(12)
		r.mu.Lock()
		r.fails = func(string) (bool, bool) { return false, false }
		r.mu.Unlock()
		b.rounds(6)
		log, _ := r.take()
		if want := len(payments[0]) + len(payments[1]) + len(payments[2]); len(log) != want {
			t.Errorf("seed %d: %d were taken, want %d", seed, len(log), want)
		}
		inOrder(t, log, payments)
		_, _, err := b.RedeliverRange(t.Context(), b.idem(fmt.Sprint("again", seed)), b.agency.ID,
			Redelivery{From: b.clock.now().Add(-48 * time.Hour), To: b.clock.now(), State: "delivered"})
		b.must(err)
	}
	b.check()
}

// inOrder holds what was taken to the order of each payment.
func inOrder(t *testing.T, log []string, payments [3][]string) {
	t.Helper()
	for i, ids := range payments {
		place := 0
		for _, id := range log {
			for at, own := range ids {
				if own != id {
					continue
				}
				if at != place {
					t.Errorf("payment %d: number %d was taken where %d was due: %v", i, at, place, log)
				}
				place++
			}
		}
	}
}

// More webhooks of one instant than go at once are all sent again, each once, though those that were sent are delivered meanwhile.
func TestRedeliverManyOfOneInstant(t *testing.T) {
	b := setup(t)
	b.executed(citizenIIN)
	const more = redeliverMax + 50
	_, err := b.db.ExecContext(t.Context(), `
		INSERT INTO outbox (bucket, id, agency_id, order_id, debt_id, state, payload, failures, due_at, created_at, finished_at, subject)
		SELECT o.bucket, left(o.id, length(o.id) - 6) || lpad(to_hex(n), 6, '0'), o.agency_id, o.order_id, o.debt_id, 'delivered', o.payload, 0, o.due_at, $2, o.due_at, 'copy-' || n
		FROM outbox o, generate_series(1, $1) AS n`, more, b.clock.now().Add(-time.Hour))
	b.must(err)
	ask := Redelivery{From: b.clock.now().Add(-time.Hour), To: b.clock.now().Add(-time.Hour + time.Second), State: "delivered"}
	sent := 0
	for round := range 3 {
		out, _, err := b.RedeliverRange(t.Context(), b.idem("again"), b.agency.ID, ask)
		b.must(err)
		sent += out.Webhooks
		_, err = b.db.ExecContext(t.Context(), `UPDATE outbox SET state = 'delivered', finished_at = due_at WHERE state = 'pending'`)
		b.must(err)
		if !out.HasMore {
			break
		}
		if round == 2 {
			t.Error("it does not end")
		}
		ask.From, ask.After = *out.Through, out.Last
	}
	if sent != more {
		t.Errorf("%d of %d were sent again", sent, more)
	}
	ask.After = "msg_x"
	_, _, err = b.RedeliverRange(t.Context(), b.idem("again"), b.agency.ID, ask)
	wants(t, err, ErrInvalid)
}
