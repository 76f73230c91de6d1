package payment

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// expirePerRun bounds the orders that one run expires.
const expirePerRun = 500

// reconPause lies between looks at the journals for payments to be expected of banks; a statement looks by itself.
const reconPause = 5 * time.Second

// breakerPause lies between looks at what banks have left unanswered.
const breakerPause = 2 * time.Second

// worker is one loop of [Service.Run].
type worker struct {
	name string
	wake chan struct{} // nil: by the clock alone
	// pause between runs that nobody asked for; gap between any two runs.
	pause, gap time.Duration
	run        func(context.Context) (int, error)
}

// Run runs the workers until ctx ends: attempts and look-ups, checkpoints, receipts, webhooks, expiry. It returns nil
// after all of them stopped; what a worker had in hand is either stored or comes up again. Failures are logged, counted
// and tried again, with growing pauses while they last. Several processes may run over one database.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range s.workers() {
		group.Go(func() error {
			s.loop(ctx, w)
			return nil
		})
	}
	err := group.Wait()
	s.calls.wait()
	s.refundCalls.wait()
	s.fileCalls.wait()
	s.inquiries.wait()
	s.posts.wait()
	return err
}

func (s *Service) workers() []worker {
	return []worker{
		{name: "attempts", wake: s.wakeAttempts, pause: s.cfg.Poll, run: s.workAttempts},
		{name: "checkpoints", wake: s.wakeCheckpoint, pause: s.cfg.Poll, gap: s.cfg.CheckpointEvery, run: func(ctx context.Context) (int, error) {
			_, err := s.makeCheckpoint(ctx)
			return 0, err // what is left waits for the gap
		}},
		{name: "breaker", pause: max(s.cfg.Poll, breakerPause), run: s.workBreaker},
		{name: "files", pause: s.cfg.Poll, run: s.workFiles},
		{name: "refunds", pause: s.cfg.Poll, run: s.workRefunds},
		{name: "receipts", wake: s.wakeReceipts, pause: s.cfg.Poll, run: s.workReceipts},
		{name: "webhooks", wake: s.wakeWebhooks, pause: s.cfg.Poll, run: s.workWebhooks},
		{name: "events", pause: s.cfg.Poll, run: s.workEvents},
		{name: "notices", pause: max(s.cfg.Poll, time.Second), run: s.workNotices},
		{name: "expiry", pause: max(s.cfg.Poll, time.Second), run: func(ctx context.Context) (int, error) {
			return s.expireOrders(ctx, expirePerRun)
		}},
		{name: "balances", pause: max(s.cfg.Poll, reconPause), run: s.workBalances},
		{name: "reconciliation", pause: max(s.cfg.Poll, reconPause), run: func(ctx context.Context) (int, error) {
			return 0, s.workRecon(ctx)
		}},
	}
}

func (s *Service) loop(ctx context.Context, w worker) {
	failures := 0
	for {
		done, err := w.run(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			failures++
			s.metrics.failures.WithLabelValues(w.name).Inc()
			s.log.ErrorContext(ctx, "worker failed", slog.String("worker", w.name), slog.Int("failures", failures), slog.Any("err", err))
		} else {
			failures = 0
		}
		if !sleep(ctx, w, done > 0 && err == nil, failures) {
			return
		}
	}
}

// sleep waits for the next run and reports whether there is one. After a run that found work the next follows at once.
func sleep(ctx context.Context, w worker, found bool, failures int) bool {
	const failPauseMax = 30 * time.Second
	least, most := w.gap, w.pause
	switch {
	case failures > 0:
		least = min(w.pause<<min(failures, 10), failPauseMax)
	case found:
		most = 0
	}
	if least > 0 && !wait(ctx, nil, least) {
		return false
	}
	if most == 0 {
		return ctx.Err() == nil
	}
	return wait(ctx, w.wake, most)
}

// wait returns true after d or a wake-up, false when ctx ended.
func wait(ctx context.Context, wake <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}
