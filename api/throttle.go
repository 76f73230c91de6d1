package api

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// throttleAddresses bounds the addresses that are remembered; the one longest silent is forgotten first.
const throttleAddresses = 16 << 10

// throttle limits calls per client address. IPv6 clients are counted by their /64, since they own all of it.
type throttle struct {
	perMinute int
	mu        sync.Mutex // one Get-or-Add at a time
	buckets   *lru.Cache[netip.Prefix, *rate.Limiter]
}

func newThrottle(perMinute int) (*throttle, error) {
	buckets, err := lru.New[netip.Prefix, *rate.Limiter](throttleAddresses)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the table of addresses: %w", err)
	}
	return &throttle{perMinute: perMinute, buckets: buckets}, nil
}

func (t *throttle) allow(addr netip.Addr, now time.Time) bool {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	key, err := addr.Prefix(bits)
	if err != nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.buckets.Get(key)
	if !ok {
		l = rate.NewLimiter(rate.Limit(float64(t.perMinute)/60), t.perMinute)
		t.buckets.Add(key, l)
	}
	return l.AllowN(now, 1)
}
