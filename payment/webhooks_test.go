package payment

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"qaqpa/payment/catalog"
)

// paidWith pays one fee while the agency answers as told, and returns the state of the webhook and the tries.
func paidWith(b *bundle, statuses ...int) (string, []Delivery) {
	b.t.Helper()
	b.hook.mu.Lock()
	b.hook.statuses = statuses
	b.hook.mu.Unlock()
	o := b.authorised(citizenIIN)
	b.settle()
	deliveries, err := b.Deliveries(b.t.Context(), o.ID)
	b.must(err)
	return deliveries[len(deliveries)-1].State, deliveries
}

func TestWebhookRetries(t *testing.T) {
	b := setup(t, func(c *Config) { c.WebhookBackoff = []time.Duration{time.Second, time.Second, time.Second} })
	for name, c := range map[string]struct {
		statuses []int
		want     string
		tries    int
	}{
		"first time":         {nil, "delivered", 1},
		"after two failures": {[]int{500, 503}, "delivered", 3},
		"a redirect":         {[]int{302}, "delivered", 2},
		"accepted":           {[]int{202}, "delivered", 1},
		"dead":               {[]int{500, 500, 500, 500}, "dead", 4},
	} {
		state, deliveries := paidWith(b, c.statuses...)
		if state != c.want || len(deliveries) != c.tries {
			t.Errorf("%s: %s after %d tries: %+v", name, state, len(deliveries), deliveries)
		}
		for i, d := range deliveries {
			if d.Number != i+1 || d.Webhook != deliveries[0].Webhook {
				t.Errorf("%s: tries %+v", name, deliveries)
			}
		}
	}
	b.check()
}

// 410 disables the address until the agency states another one.
func TestWebhookGone(t *testing.T) {
	b := setup(t)
	if state, _ := paidWith(b, 410); state != "dead" {
		t.Errorf("state %s", state)
	}
	agency, err := b.Agency(t.Context(), b.agency.ID)
	if err != nil || agency.WebhookDisabledAt == nil {
		t.Errorf("%+v %v", agency, err)
	}
	if state, deliveries := paidWith(b); state != "unwanted" || deliveries[0].Number != 0 {
		t.Errorf("state %s %+v", state, deliveries)
	}
	spec := catalog.AgencySpec{BIN: agencyBIN, Names: b.agency.Names, WebhookURL: b.hookURL + "/2"}
	agency, _, err = b.RegisterAgency(t.Context(), b.idem("1"), spec)
	if err != nil || agency.WebhookDisabledAt != nil {
		t.Errorf("%+v %v", agency, err)
	}
	if state, _ := paidWith(b); state != "delivered" {
		t.Errorf("state %s", state)
	}
	b.check()
}

// An agency without address reads by API: nothing is sent.
func TestWebhookUnwanted(t *testing.T) {
	b := setup(t)
	_, _, err := b.RegisterAgency(t.Context(), b.idem("1"), catalog.AgencySpec{BIN: agencyBIN, Names: b.agency.Names})
	b.must(err)
	if state, _ := paidWith(b); state != "unwanted" || len(b.hook.got) != 0 {
		t.Errorf("state %s, %d deliveries", state, len(b.hook.got))
	}
	b.check()
}

// Without AllowPrivate the operator's own network is out of reach, however the address came into the register.
func TestWebhookStaysOutside(t *testing.T) {
	b := setup(t)
	strict := b.cfg
	strict.AllowPrivate = false
	service, err := New(strict)
	b.must(err)
	b.Service = service
	state, deliveries := paidWith(b)
	if state != "pending" || len(b.hook.got) != 0 || deliveries[0].Status != 0 || deliveries[0].Problem == "" {
		t.Errorf("state %s, %d deliveries: %+v", state, len(b.hook.got), deliveries)
	}
}

// A worker dies between the delivery and its note: the webhook comes again, with the same id and body.
func TestWebhookAtLeastOnce(t *testing.T) {
	b := setup(t)
	b.authorised(citizenIIN)
	b.attempts()
	_, err := b.makeCheckpoint(t.Context())
	b.must(err)
	_, err = b.workReceipts(t.Context())
	b.must(err)
	claimed, err := b.claimWebhooks(t.Context(), bucketOf(citizenIIN), 10)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d claimed: %v", len(claimed), err)
	}
	b.diary.failNext(0)
	b.must(b.deliver(t.Context(), claimed[0]))
	// The note is undone as if the transaction had not committed.
	_, err = b.db.ExecContext(t.Context(), `UPDATE outbox SET state = 'pending', finished_at = NULL, due_at = $1`, b.clock.now().Add(time.Minute))
	b.must(err)
	b.settle()
	if n := b.hook.got[claimed[0].ID]; n != 2 {
		t.Errorf("delivered %d times", n)
	}
	b.check()
}

// An agency moves: the old address answers 410 as it should, also to what is under way, and the new one gets everything.
func TestWebhookGoneAfterMoving(t *testing.T) {
	b := setup(t)
	asked, leave := make(chan struct{}), make(chan struct{})
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-leave
		w.WriteHeader(http.StatusGone)
	}))
	t.Cleanup(old.Close)
	move := func(url string) {
		_, _, err := b.RegisterAgency(t.Context(), b.idem(url), catalog.AgencySpec{BIN: agencyBIN, Names: b.agency.Names, WebhookURL: url})
		b.must(err)
	}
	move(old.URL)
	o := b.authorised(citizenIIN)
	done := make(chan struct{})
	go func() { b.settle(); close(done) }()
	<-asked
	move(b.hookURL)
	close(leave)
	<-done
	agency, err := b.Agency(t.Context(), b.agency.ID)
	if err != nil || agency.WebhookDisabledAt != nil {
		t.Errorf("the new address is disabled: %+v %v", agency, err)
	}
	deliveries, err := b.Deliveries(t.Context(), o.ID)
	if err != nil || len(deliveries) != 2 || deliveries[1].State != "delivered" {
		t.Errorf("%+v %v", deliveries, err)
	}
	b.check()
}
