package revoked_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/testenv/pki"
)

// TestReadersDuringSwaps: while lists are swapped, learnt, extracted and shown, each reader sees one whole list or the next, and
// time never runs backwards.
func TestReadersDuringSwaps(t *testing.T) {
	p := pki.ForTest(t, pki.ECDSA)
	a := newAuthority(t, p, pki.ECDSA, "swap")
	h := openHouse(t, nil, a.point(), a.deltaPoint())
	put := func(i int) {
		at := start.Add(-time.Hour).Add(time.Duration(i) * time.Second)
		// List i has entries i to i+99.
		h.site.put(a.url(), sheet{by: a, number: int64(i + 1), this: at, entries: entriesOf(i, 100)}.der(t))
		h.site.put(a.deltaURL(), sheet{by: a, number: int64(i + 1), delta: true, base: int64(i + 1), this: at, entries: entriesOf(10000+i, 1)}.der(t))
		h.refresh(t)
	}
	put(0)
	leaf := taught(t, p, a, "leaf", []string{a.url()}, []string{a.deltaURL()})
	var reads atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			var last time.Time
			for ctx.Err() == nil {
				reads.Add(1)
				f, ok := h.Lookup(a.cert.Subject, serialOf(60))
				if !ok || f.ThisUpdate.Before(last) {
					t.Errorf("%v: a reader sees %s after %s", ok, f.ThisUpdate, last)
					return
				}
				last = f.Base.ThisUpdate()
				if i := int(last.Sub(start.Add(-time.Hour)) / time.Second); f.Listed != (i <= 60) {
					t.Errorf("list %d: listed %v", i, f.Listed)
					return
				}
				for _, crl := range h.CRLs(leaf) {
					_ = crl.Lookup(leaf.Issuer, leaf.Serial)
				}
				h.Learn(leaf, a.cert)
				_ = h.Status()
				_ = h.Extracts(a.cert.Subject, serialOf(61))
			}
		})
	}
	for i := 1; i < 25; i++ {
		put(i)
	}
	stop()
	readers.Wait()
	if reads.Load() < 25 {
		t.Errorf("%d reads", reads.Load())
	}
}

// TestLookupAllocatesNothing, for the forms of entries that the national authority uses.
func TestLookupAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "allocs")
	h := openHouse(t, nil, a.point())
	h.site.put(a.url(), sheet{by: a, number: 1, entries: entriesOf(0, 2000)}.der(t))
	h.refresh(t)
	present, absent, issuer := serialOf(5), serialOf(-5), a.cert.Subject
	leaf := leafOf(a)
	for name, f := range map[string]func(){
		"listed": func() { h.Lookup(issuer, present) },
		"absent": func() { h.Lookup(issuer, absent) },
		"lists":  func() { h.CRLs(leaf) },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
