package api

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"qaqpa/api/auth"
)

// quotaClients bounds the clients that are counted; the one longest silent is forgotten first.
const quotaClients = 16 << 10

// quotas counts the requests of each key by the minute of the clock, so that what a client reads is exact.
type quotas struct {
	perMinute int
	mu        sync.Mutex // guards what follows
	used      *lru.Cache[string, *minuteCount]
}

type minuteCount struct {
	minute int64
	n      int
}

// quotaState is what is left to a client after a request.
type quotaState struct {
	PerMinute int `json:"per_minute"`
	Remaining int `json:"remaining"`
	ResetsIn  int `json:"resets_in"`
}

func newQuotas(perMinute int) (*quotas, error) {
	used, err := lru.New[string, *minuteCount](quotaClients)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the table of quotas: %w", err)
	}
	return &quotas{perMinute: perMinute, used: used}, nil
}

// take counts a request of a known caller, or refuses it.
func (q *quotas) take(r *request, now time.Time) error {
	state := &quotaState{PerMinute: r.caller.PerMinute, ResetsIn: 60 - now.Second()}
	if state.PerMinute == 0 {
		state.PerMinute = q.perMinute
	}
	n := q.count(r.caller.KeyID, now.Unix()/60)
	state.Remaining = max(state.PerMinute-n, 0)
	r.quota = state
	if n > state.PerMinute {
		return refuse(codeTooMany).after(time.Duration(state.ResetsIn) * time.Second).explain(fmt.Sprintf("%d requests a minute", state.PerMinute))
	}
	return nil
}

func (q *quotas) count(key string, minute int64) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	c, ok := q.used.Get(key)
	if !ok {
		c = &minuteCount{}
		q.used.Add(key, c)
	}
	if c.minute != minute {
		c.minute, c.n = minute, 0
	}
	c.n++
	return c.n
}

// tell writes the quota into the head of an answer, as draft-ietf-httpapi-ratelimit-headers-10 has it.
func (q *quotaState) tell(resp *response) {
	if q == nil || resp == nil {
		return
	}
	resp.set("RateLimit-Policy", `"client";q=`+strconv.Itoa(q.PerMinute)+`;w=60`)
	resp.set("RateLimit", `"client";r=`+strconv.Itoa(q.Remaining)+`;t=`+strconv.Itoa(q.ResetsIn))
}

// client is the answer to getClient.
type client struct {
	Key     string       `json:"key"`
	Kind    auth.Kind    `json:"kind"`
	Subject string       `json:"subject"`
	Scopes  []auth.Scope `json:"scopes"`
	Quota   *quotaState  `json:"quota"`
}

func (s *Server) clientRoute() route {
	rt := get("/v1/client", "", answer(s.getClient))
	rt.anyScope = true
	return rt
}

func (s *Server) getClient(_ context.Context, r *request) (reply[client], error) {
	c := r.caller
	return reply[client]{Body: client{Key: c.KeyID, Kind: c.Kind, Subject: c.Subject, Scopes: c.Scopes(), Quota: r.quota}}, nil
}
