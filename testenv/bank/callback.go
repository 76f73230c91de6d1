package bank

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"time"

	"qaqpa/testenv/fault"
)

// triesMax of one callback; with doubling pauses of 200 ms at first that is about ten minutes.
const triesMax = 40

// decide translates the fault into what happens to a new payment.
func decide(f fault.Fault) decision {
	reason := f.Reason
	if reason == "" {
		reason = "refused_by_bank"
	}
	switch f.Kind {
	case FaultRefuse:
		return decision{refuse: reason}
	case FaultRefuseLater:
		return decision{refuse: reason, later: true, delay: f.Delay(defaultLater)}
	case FaultCallback, FaultOutOfOrder:
		return decision{later: true, delay: f.Delay(defaultLater)}
	case FaultPendingForever:
		return decision{later: true, delay: f.Delay(time.Hour)}
	}
	return decision{}
}

// schedule puts calls about an attempt on the list: after its settlement, in their order.
func (b *Bank) schedule(ctx context.Context, attempt string, calls []call) {
	if len(calls) == 0 {
		b.poke()
		return
	}
	b.mu.Lock()
	due := b.now()
	if p := b.state.Payments[attempt]; p != nil && p.SettleAt != nil {
		due = *p.SettleAt
	}
	for i, c := range calls {
		c.Attempt, c.Due = attempt, due.Add(time.Duration(i)*time.Millisecond)
		b.state.Waiting = append(b.state.Waiting, c)
	}
	err := b.save()
	b.mu.Unlock()
	if err != nil {
		b.cfg.Log.ErrorContext(ctx, "couldn't keep a callback", "error", err)
	}
	b.poke()
}

func (b *Bank) poke() {
	select {
	case b.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Run settles pending payments and calls the gateway back when they are due, until ctx ends.
func (b *Bank) Run(ctx context.Context) {
	for {
		pause := b.work(ctx)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-b.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// work does what is due and returns how long nothing will be.
func (b *Bank) work(ctx context.Context) time.Duration {
	for ctx.Err() == nil {
		b.mu.Lock()
		now := b.now()
		next := now.Add(time.Minute)
		settled := false
		for _, p := range b.state.Payments {
			if p.SettleAt == nil {
				continue
			}
			if p.SettleAt.After(now) {
				next = earlier(next, *p.SettleAt)
				continue
			}
			b.settle(p, p.RefuseWith)
			settled = true
		}
		if settled {
			if err := b.save(); err != nil {
				b.cfg.Log.ErrorContext(ctx, "couldn't keep a settlement", "error", err)
			}
		}
		c, due := b.firstCall()
		b.mu.Unlock()
		if c == nil {
			return max(next.Sub(now), time.Millisecond)
		}
		if due.After(now) {
			return max(earlier(next, due).Sub(now), time.Millisecond)
		}
		b.send(ctx, *c)
	}
	return 0
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// firstCall is the call that is due first; b.mu is held.
func (b *Bank) firstCall() (*call, time.Time) {
	if len(b.state.Waiting) == 0 || b.callback == "" {
		return nil, time.Time{}
	}
	c := slices.MinFunc(b.state.Waiting, func(x, y call) int { return x.Due.Compare(y.Due) })
	return &c, c.Due
}

// send makes one call and strikes it off the list or puts it back for later.
func (b *Bank) send(ctx context.Context, c call) {
	b.mu.Lock()
	var s Status
	if p := b.state.Payments[c.Attempt]; p != nil {
		s = b.status(*p)
	}
	url := b.callback
	b.mu.Unlock()
	if c.Outcome != "" {
		s.Outcome, s.Reference, s.ExecutedAt, s.Reason = c.Outcome, "", nil, ""
	}
	f, _ := b.faults.Take(OnCallback)
	made := Callback{Attempt: c.Attempt, Outcome: s.Outcome, At: b.now()}
	if f.Kind == FaultLost {
		made.Body = "lost"
	} else if body, err := b.message(s, f); err != nil {
		made.Body = err.Error()
	} else {
		made.Status, made.Body = b.call(ctx, url, body)
	}
	if ctx.Err() != nil {
		return // stopping is not a failure: the call stays on the list
	}
	again := f.Kind != FaultLost && c.Tries+1 < triesMax && retriable(made.Status)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.Callbacks = append(b.state.Callbacks, made)
	i := slices.Index(b.state.Waiting, c) // Run alone takes calls off the list
	if again {
		b.state.Waiting[i].Tries++
		b.state.Waiting[i].Due = b.now().Add(b.cfg.RetryAfter * time.Duration(min(1<<min(c.Tries, 10), 100)))
	} else {
		b.state.Waiting = slices.Delete(b.state.Waiting, i, i+1)
	}
	if err := b.save(); err != nil {
		b.cfg.Log.ErrorContext(ctx, "couldn't keep a callback", "error", err)
	}
}

// retriable says whether a call that ended so is made again: no answer, or one that isn't final.
func retriable(status int) bool {
	switch status {
	case 0, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// call posts a message to the gateway.
func (b *Bank) call(ctx context.Context, url string, body []byte) (status int, answer string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("Content-Type", "application/pkcs7-mime")
	resp, err := b.cfg.Client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 2000))
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(raw)
}
