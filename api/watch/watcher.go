package watch

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Pauses of a Watcher.
const (
	lookEvery    = 10 * time.Second
	latencyEvery = time.Minute
	tellWait     = 5 * time.Second
)

// markTimeline and kindFailover are of a database whose server was replaced.
const (
	markTimeline = "database.timeline"
	// KindFailover is the event that another server of the database has taken over.
	KindFailover = "failover"
)

// WatcherConfig says what a Watcher needs. All but Log is obligatory.
type WatcherConfig struct {
	Store *Store
	// Look tells what is wrong now. It gets a context with a deadline; what it cannot find out within it is left out.
	Look func(ctx context.Context) []Condition
	// Times are those of this process.
	Times *Recorder
	// Process names this process among others at the same database.
	Process string
	// Log gets what could not be stored; nil discards.
	Log *slog.Logger
}

// Watcher looks again and again. Its methods are for one goroutine.
type Watcher struct {
	cfg      WatcherConfig
	unstored map[[2]string]Sighting // seen and not yet stored
	// cleared is when the times were last stored.
	cleared time.Time
}

// NewWatcher makes one.
func NewWatcher(cfg WatcherConfig) (*Watcher, error) {
	if cfg.Store == nil || cfg.Look == nil || cfg.Times == nil || cfg.Process == "" {
		return nil, errors.New("a watcher needs a store, something to look at, times and a name")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Watcher{cfg: cfg, unstored: map[[2]string]Sighting{}}, nil
}

// Run looks until ctx ends, and then stores what was counted last.
func (w *Watcher) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := w.Once(ctx); err != nil && ctx.Err() == nil {
			w.cfg.Log.WarnContext(ctx, "what is watched could not be stored", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWait)
			defer cancel()
			if err := w.flush(last); err != nil {
				w.cfg.Log.WarnContext(last, "the last times of requests were not stored", slog.Any("error", err))
			}
			return
		case <-tick.C:
		}
	}
}

// Once looks once and stores what it saw. After an error what was seen is kept and stored the next time, with its true times.
func (w *Watcher) Once(ctx context.Context) error {
	now := w.cfg.Store.cfg.Now()
	seen, cancel := context.WithTimeout(ctx, tellWait)
	found := w.cfg.Look(seen)
	cancel()
	for _, c := range found {
		key := [2]string{c.Kind, c.Subject}
		x, known := w.unstored[key]
		if !known {
			x.First = now
		}
		x.Condition, x.Last = c, now
		w.unstored[key] = x
	}
	ctx, cancel = context.WithTimeout(ctx, tellWait)
	defer cancel()
	if err := w.tell(ctx); err != nil {
		return err
	}
	if err := w.timeline(ctx); err != nil {
		return err
	}
	if now.Sub(w.cleared) < latencyEvery {
		return nil
	}
	w.cleared = now
	return w.flush(ctx)
}

func (w *Watcher) tell(ctx context.Context) error {
	list := make([]Sighting, 0, len(w.unstored))
	for _, x := range w.unstored {
		list = append(list, x)
	}
	if err := w.cfg.Store.Tell(ctx, list); err != nil {
		return err
	}
	clear(w.unstored)
	return nil
}

// timeline notes that another server of the database has taken over.
func (w *Watcher) timeline(ctx context.Context) error {
	line, err := w.cfg.Store.Timeline(ctx)
	if err != nil || line == "" {
		return err
	}
	before, err := w.cfg.Store.Mark(ctx, markTimeline, line)
	if err != nil || before == "" {
		return err
	}
	return w.cfg.Store.Happened(ctx, Condition{Kind: KindFailover, Subject: "database", Detail: before + " → " + line, Grave: true})
}

func (w *Watcher) flush(ctx context.Context) error {
	taken := w.cfg.Times.Take()
	err := w.cfg.Store.PutLatency(ctx, w.cfg.Process, taken)
	if err != nil {
		w.cfg.Times.GiveBack(taken)
	}
	return err
}
