package payment

import (
	"context"
	"testing"
	"time"

	"qaqpa/payment/order"
	"qaqpa/testenv/sim"
)

// A database that stops answering and keeps its connections holds nobody beyond his deadline, whatever he asked for; when it
// answers again, the work goes on.
func TestHangingDatabaseFreesCallers(t *testing.T) {
	w := newWorld(t)
	c := newCrashing(t, w, 1) // its pool gives connections up after a minute only
	message := c.sentAndLost(citizenIIN)
	d := c.fee(citizenIIN)
	o := c.ordered(citizenIIN, d)
	signature := c.bundle.signed(o, citizen(citizenIIN))
	for name, call := range map[string]func(context.Context) error{
		"read":    func(ctx context.Context) error { _, err := c.Order(ctx, o.ID); return err },
		"confirm": func(ctx context.Context) error { _, err := c.Confirm(ctx, testBIC, message); return err },
		"create": func(ctx context.Context) error {
			_, _, err := c.CreateOrder(ctx, c.idem("x"), order.Request{Payer: citizenIIN, Debts: []string{d.ID}, Bank: testBIC})
			return err
		},
		"authorise": func(ctx context.Context) error {
			_, _, err := c.Authorise(ctx, c.idem("x"), o.ID, signature)
			return err
		},
	} {
		for at := 1; at <= 4; at++ { // hang at the first statement, and in the middle of a transaction
			c.proxy.Arm(sim.Hang, at)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			started := time.Now()
			err := call(ctx)
			cancel()
			if took := time.Since(started); took > 30*time.Second {
				t.Errorf("%s at message %d held its caller for %s", name, at, took)
			}
			if c.proxy.Dead() {
				wants(t, err, ErrUndecided)
			}
			_, err = c.proxy.Revive()
			c.must(err)
		}
	}
	if out, err := c.Confirm(t.Context(), testBIC, message); err != nil || out.Order == "" {
		t.Errorf("afterwards: %+v, %v", out, err)
	}
	c.check()
}
