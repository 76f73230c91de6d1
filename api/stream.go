package api

import (
	"context"
	"io"
	"time"
)

// stream is a body that its endpoint reads by itself, while it comes.
type stream struct {
	io.Reader
	// keep gives memory of the shared budget back, down to what n octets need.
	keep func(n int)
}

// streamPace is how many octets a second a sender has to bring on average, once Limits.Read has passed. Who sends less holds a
// connection and a place among the streams for nothing (a "slow loris"), and gets 408.
const streamPace = 256 << 10

// streamStep is after how many octets the sender's time is looked at again.
const streamStep = 256 << 10

// openStream lets a form in whose endpoint reads it part by part. Memory is taken for the parts that are held: at most a document.
// Places are few and apart for callers with and without a key, so that strangers cannot keep clients out.
func (s *Server) openStream(ctx context.Context, r *request, in incoming) (func(), error) {
	nothing := func() {}
	if int64(in.length) > s.cfg.Limits.StreamBytes {
		return nothing, refuse(codeBodyTooLarge)
	}
	held := s.cfg.Limits.DocumentBytes
	if in.length >= 0 {
		held = min(held, in.length)
	}
	if held <= free {
		r.stream = &stream{Reader: in.open(s.cfg.Limits.StreamBytes), keep: func(int) {}}
		return nothing, nil
	}
	places := s.streams[0]
	if r.caller.Known() {
		places = s.streams[1]
	}
	wait, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	cost := int64(held) * bodyCopies
	if err := places.Acquire(wait, 1); err != nil {
		return nothing, refuse(codeBusy).because(err).after(5 * time.Second)
	}
	if err := s.memory.Acquire(wait, cost); err != nil {
		places.Release(1)
		return nothing, refuse(codeBusy).because(err).after(2 * time.Second)
	}
	r.stream = &stream{Reader: in.open(s.cfg.Limits.StreamBytes), keep: func(n int) {
		if less := int64(n) * bodyCopies; less < cost {
			s.memory.Release(cost - less)
			cost = less
		}
	}}
	return func() { s.memory.Release(cost); places.Release(1) }, nil
}
