package revoked

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	// idleMax is how long Run sleeps at most, so that a clock that was set is noticed.
	idleMax = time.Minute
	// sweepEvery is the pause between two looks for lists and points that nobody needs any more.
	sweepEvery = time.Hour
)

// Run keeps the lists up to date until ctx ends, then waits for what is under way and returns nil. A second Run at the same
// time does no harm.
func (s *Store) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	slots := make(chan struct{}, s.cfg.Parallel)
	work.Go(func() { s.archiveAll(ctx) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-timer.C:
		}
		s.tidy(ctx)
		for p := s.claim(slots); p != nil; p = s.claim(slots) {
			work.Go(func() {
				s.settle(ctx, p, s.refresh(ctx, p))
				<-slots
				s.nudge()
			})
		}
		timer.Reset(s.idle())
	}
}

// Refresh asks for every list once, now, and returns when all have been tried, with the errors of those that neither came nor
// were confirmed. Points that Run is asking at the moment are left to it.
func (s *Store) Refresh(ctx context.Context) error {
	var work sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	slots := make(chan struct{}, s.cfg.Parallel)
	for _, p := range s.claimAll() {
		slots <- struct{}{}
		work.Go(func() {
			err := s.refresh(ctx, p)
			s.settle(ctx, p, err)
			mu.Lock()
			errs = append(errs, err)
			mu.Unlock()
			<-slots
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

// claim takes the point that is most overdue and a place for it, or returns nil.
func (s *Store) claim(slots chan struct{}) *point {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	var first *point
	for _, p := range s.points {
		if !p.busy && !p.due.After(now) && (first == nil || p.due.Before(first.due)) {
			first = p
		}
	}
	if first == nil {
		return nil
	}
	select {
	case slots <- struct{}{}:
	default:
		return nil // who gives a place back wakes Run up
	}
	first.busy, first.tried = true, now
	return first
}

func (s *Store) claimAll() []*point {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*point
	for _, p := range s.points {
		if !p.busy {
			p.busy, p.tried = true, s.cfg.Now()
			out = append(out, p)
		}
	}
	return out
}

// idle is how long there is nothing to do.
func (s *Store) idle() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait, now := idleMax, s.cfg.Now()
	for _, p := range s.points {
		if d := p.due.Sub(now); !p.busy && d < wait {
			wait = max(d, time.Millisecond) // due and without a place: the wake-up comes from there
		}
	}
	return wait
}

// roll is a number in [0, 1) from Config.Rand; a source that fails gives 0.5. mu is held, so that the source needs no lock.
func (s *Store) roll() float64 {
	var b [4]byte
	if _, err := io.ReadFull(s.cfg.Rand, b[:]); err != nil {
		return 0.5
	}
	return float64(binary.BigEndian.Uint32(b[:])) / (1 << 32)
}

// next is when a point is due again. roll in [0, 1) spreads points and gateways over time.
//
// After a failure the pause doubles from RetryMin to RetryMax. Else the list is asked for every so often, and towards the end of
// its time once more, so that its successor is there before it ends: a tenth of its time early. A list that is past
// its time is asked for at the pace of failures.
func (c *Config) next(p *point, now time.Time, roll float64) time.Time {
	if p.failures > 0 {
		pause := c.RetryMin << min(p.failures-1, 20)
		if pause <= 0 || pause > c.RetryMax {
			pause = c.RetryMax
		}
		return now.Add(time.Duration(float64(pause) * (0.5 + roll/2)))
	}
	every := c.BaseEvery
	if p.Delta {
		every = c.DeltaEvery
	}
	if p.Every > 0 {
		every = p.Every
	}
	pause := time.Duration(float64(every) * (0.8 + roll/5))
	if p.list == nil || p.list.NextUpdate().IsZero() {
		return now.Add(pause)
	}
	life := p.list.NextUpdate().Sub(p.list.ThisUpdate())
	lead := min(life/10, every)
	if left := p.list.NextUpdate().Sub(now) - lead; left < pause {
		pause = max(left, c.RetryMin+time.Duration(float64(min(every, c.RetryMax))*roll/2))
	}
	return now.Add(pause)
}

// tidy now and then drops points that nobody asks for and files that nobody can need.
func (s *Store) tidy(ctx context.Context) {
	s.saving.Lock()
	defer s.saving.Unlock()
	now := s.cfg.Now()
	if since := now.Sub(s.swept); since >= 0 && since < sweepEvery {
		return
	}
	s.swept = now
	if st, dropped := s.dropIdle(now); dropped {
		if err := s.folder.save(st); err != nil {
			s.log.ErrorContext(ctx, "the state of lists was not written", "error", err.Error())
		}
	}
	current := map[Digest]bool{}
	s.mu.Lock()
	for _, p := range s.points {
		if p.list != nil {
			current[p.list.SHA256] = true
		}
	}
	s.mu.Unlock()
	// A list may be in the folder already and not be current yet, for as long as a download can take.
	if err := s.folder.sweep(current, now.Add(-max(s.cfg.KeepFor, s.cfg.Timeout))); err != nil {
		s.log.ErrorContext(ctx, "old lists were not removed", "error", err.Error())
	}
}

// dropIdle forgets learnt points that nobody has asked for.
func (s *Store) dropIdle(now time.Time) (st state, dropped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := s.points[:0:0]
	for _, p := range s.points {
		if p.learnt && !p.busy && now.Sub(p.asked) > s.cfg.LearntIdle {
			for _, u := range p.URLs {
				delete(s.byURL, u)
			}
			continue
		}
		keep = append(keep, p)
	}
	if dropped = len(keep) < len(s.points); dropped {
		s.points = keep
		s.publish()
	}
	return s.state(), dropped
}

// archiveAll tells the archive of the lists that the folder brought back.
func (s *Store) archiveAll(ctx context.Context) {
	s.mu.Lock()
	points := slices.Clone(s.points)
	s.mu.Unlock()
	for _, p := range points {
		if ctx.Err() != nil {
			return
		}
		s.rearchive(ctx, p)
	}
}

// rearchive tells the archive of a list again that it has not taken yet.
func (s *Store) rearchive(ctx context.Context, p *point) {
	s.mu.Lock()
	l := p.list
	due := l != nil && !p.archived
	s.mu.Unlock()
	if !due || ctx.Err() != nil || !s.archive(ctx, l) {
		return
	}
	s.mu.Lock()
	if p.list == l {
		p.archived = true
	}
	s.mu.Unlock()
}
