package tsa

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// NTPClock asks servers (RFC 5905, client mode) and is sure when most of them agree with the clock.
type NTPClock struct {
	// Servers are addresses, host:port. The more there are, the more may fail or lie: the middle one is believed.
	Servers []string
	// Wait bounds one question; 0 means one second.
	Wait time.Duration
	// Now is the clock that is checked.
	Now func() time.Time
}

// ntpSize is the length of a packet without extensions, in bytes.
const ntpSize = 48

// ntpEpoch is 1900 seen from 1970, in seconds.
const ntpEpoch = 2208988800

// Check asks all servers at once. More than half must answer; the bound is the middle one of their bounds: offset, half of the way
// there and back, and what the server says of its own distance from the truth.
func (c NTPClock) Check(ctx context.Context) (time.Duration, error) {
	wait := c.Wait
	if wait == 0 {
		wait = time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	type answer struct {
		bound time.Duration
		err   error
	}
	answers := make(chan answer, len(c.Servers))
	for _, s := range c.Servers {
		go func() {
			bound, err := c.ask(ctx, s)
			answers <- answer{bound, err}
		}()
	}
	var (
		bounds []time.Duration
		errs   []error
	)
	for range c.Servers {
		a := <-answers
		if a.err != nil {
			errs = append(errs, a.err)
			continue
		}
		bounds = append(bounds, a.bound)
	}
	if 2*len(bounds) <= len(c.Servers) {
		return 0, fmt.Errorf("%w, %d of %d: %w", ErrClockServers, len(bounds), len(c.Servers), errors.Join(errs...))
	}
	slices.Sort(bounds)
	return bounds[len(bounds)/2], nil
}

func (c NTPClock) ask(ctx context.Context, server string) (time.Duration, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", server)
	if err != nil {
		return 0, fmt.Errorf("couldn't reach the time server %s: %w", server, err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return 0, fmt.Errorf("couldn't bound the wait for the time server %s: %w", server, err)
		}
	}
	question := make([]byte, ntpSize)
	question[0] = 4<<3 | 3 // version 4, client
	// The time in the question is random: the server echoes it, so who does not see the question cannot answer.
	_, _ = rand.Read(question[40:48]) // never fails, crypto/rand ends the process instead
	sent := c.Now()
	if _, err := conn.Write(question); err != nil {
		return 0, fmt.Errorf("couldn't ask the time server %s: %w", server, err)
	}
	packet := make([]byte, 512)
	n, err := conn.Read(packet)
	got := c.Now()
	if err != nil {
		return 0, fmt.Errorf("time server %s did not answer: %w", server, err)
	}
	bound, err := judgeNTP(packet[:n], question[40:48], sent, got)
	if err != nil {
		return 0, fmt.Errorf("time server %s: %w", server, err)
	}
	return bound, nil
}

// judgeNTP computes from an answer how far the clock may be off.
func judgeNTP(packet, echo []byte, sent, got time.Time) (time.Duration, error) {
	switch {
	case len(packet) < ntpSize:
		return 0, fmt.Errorf("answer of %d bytes", len(packet))
	case packet[0]&7 != 4 || packet[0]>>6 == 3:
		return 0, errors.New("it is no server, or its clock is not synchronised")
	case packet[1] == 0 || packet[1] > 15:
		return 0, fmt.Errorf("stratum %d", packet[1])
	case !slices.Equal(packet[24:32], echo):
		return 0, errors.New("answer to another question")
	}
	received, transmitted := ntpTime(packet[32:40], got), ntpTime(packet[40:48], got)
	way := max(0, got.Sub(sent)-transmitted.Sub(received))
	offset := (received.Sub(sent.Round(0)) + transmitted.Sub(got.Round(0))) / 2
	short := func(b []byte) time.Duration { // 16.16 seconds
		return time.Duration(binary.BigEndian.Uint32(b)) * time.Second >> 16
	}
	return max(offset, -offset) + way/2 + short(packet[4:8])/2 + short(packet[8:12]), nil
}

// ntpTime reads 32.32 seconds since 1900, in the era that lies nearest to a time (the first one ends in 2036).
func ntpTime(b []byte, near time.Time) time.Time {
	seconds := int64(binary.BigEndian.Uint32(b)) - ntpEpoch
	seconds += (near.Unix() - seconds + 1<<31) >> 32 << 32
	fraction := int64(binary.BigEndian.Uint32(b[4:])) * 1e9 >> 32
	return time.Unix(seconds, fraction)
}
