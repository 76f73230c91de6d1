package revoked_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"qaqpa/signer/revoked"
	"qaqpa/testenv/pki"
)

// inBubble opens a house whose clock is that of the bubble, at the time of the stories.
func inBubble(t *testing.T, change func(*revoked.Config), points ...revoked.Point) *house {
	t.Helper()
	begin := time.Now()
	return openHouse(t, func(c *revoked.Config) {
		c.Now = func() time.Time { return start.Add(time.Since(begin)) }
		if change != nil {
			change(c)
		}
	}, points...)
}

// TestRunKeepsPace: asked at once, then at the pace of the point, doubling after failures, and no longer once ctx has ended.
func TestRunKeepsPace(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "pace")
	list := sheet{by: a, number: 1, next: start.Add(1000 * time.Hour), entries: entriesOf(0, 5)}.der(t)
	synctest.Test(t, func(t *testing.T) {
		h := inBubble(t, nil, a.point())
		h.site.fail(a.url(), errors.New("connection refused"))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		time.Sleep(20 * time.Minute)
		// 15 s, 30 s, 1 m, 2 m, 4 m, 8 m, 10 m at most: the pauses of the first 20 minutes, each shortened by up to half.
		if n := h.site.count(); n < 6 || n > 12 {
			t.Errorf("%d requests in 20 minutes of failure", n)
		}
		h.site.put(a.url(), list)
		time.Sleep(11 * time.Minute)
		if h.Ready() != nil {
			t.Fatal("not ready when the server was back")
		}
		before := h.site.count()
		time.Sleep(24 * time.Hour)
		if n := h.site.count() - before; n < 24 || n > 30 {
			t.Errorf("%d requests in a day", n)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		before = h.site.count()
		time.Sleep(24 * time.Hour)
		if h.site.count() != before {
			t.Error("asked after the end")
		}
	})
}

// TestRunStopsWithinADownload: the end of ctx ends what is under way.
func TestRunStopsWithinADownload(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "stop")
	synctest.Test(t, func(t *testing.T) {
		h := inBubble(t, func(c *revoked.Config) { c.StallTime = time.Hour }, a.point())
		h.site.put(a.url(), nil).open = func(ctx context.Context) io.ReadCloser { return &trickle{ctx, []byte{0x30}, time.Hour, 1} }
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		begin := time.Now()
		if err := h.Run(ctx); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
	})
}

// TestDeltaForLaterBase: it has the base fetched at once, not in an hour.
func TestDeltaForLaterBase(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "later")
	next := start.Add(1000 * time.Hour)
	synctest.Test(t, func(t *testing.T) {
		h := inBubble(t, nil, a.point(), a.deltaPoint())
		h.site.put(a.url(), sheet{by: a, number: 1, next: next}.der(t))
		h.site.put(a.deltaURL(), sheet{by: a, number: 1, delta: true, base: 1, this: start.Add(-50 * time.Minute), next: next}.der(t))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		time.Sleep(time.Minute)
		h.site.put(a.url(), sheet{by: a, number: 2, this: start, next: next, entries: entriesOf(0, 3)}.der(t))
		h.site.put(a.deltaURL(), sheet{by: a, number: 2, delta: true, base: 2, this: start.Add(30 * time.Second), next: next}.der(t))
		time.Sleep(12 * time.Minute)
		if f := h.listed(t, a, serialOf(1)); !f.Listed || f.Delta == nil {
			t.Errorf("%+v", f)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
