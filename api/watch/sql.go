package watch

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/api/schema"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the tables of this package to the newest schema. Safe to call from several processes at once; it only goes forward.
func Migrate(ctx context.Context, db *sqlx.DB) error { return schema.Up(ctx, db, "watch", migrations) }

// Slot is the requests of one class in some minutes.
type Slot struct {
	At     time.Time
	Class  string
	Counts Counts
}

// PutLatency adds what one process has counted in a minute, all of it or nothing, and forgets minutes that are too old.
func (s *Store) PutLatency(ctx context.Context, process string, taken map[string][]int64) error {
	now := s.cfg.Now().UTC()
	tx, err := s.cfg.DB.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	for class, counts := range taken {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO latency_minutes AS l (minute, class, process, counts) VALUES ($1, $2, $3, $4)
			ON CONFLICT (minute, class, process) DO UPDATE SET counts =
				(SELECT array_agg(a + b ORDER BY i) FROM unnest(l.counts, excluded.counts) WITH ORDINALITY AS t (a, b, i))`,
			now.Truncate(time.Minute), class, process, pq.Array(counts))
		if err != nil {
			return fmt.Errorf("couldn't store times of requests: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM latency_minutes WHERE minute < $1`, now.Add(-latencyKept)); err != nil {
		return fmt.Errorf("couldn't forget old times of requests: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't commit times of requests: %w", err)
	}
	return nil
}

// Latency sums the times of requests since a moment over all processes, in slots of the given width, in the order of time and class.
func (s *Store) Latency(ctx context.Context, since time.Time, width time.Duration) ([]Slot, error) {
	var rows []struct {
		Minute time.Time     `db:"minute"`
		Class  string        `db:"class"`
		Counts pq.Int64Array `db:"counts"`
	}
	err := s.cfg.DB.SelectContext(ctx, &rows, `SELECT minute, class, counts FROM latency_minutes WHERE minute >= $1 ORDER BY minute, class`, since.UTC().Truncate(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("couldn't read times of requests: %w", err)
	}
	type place struct {
		at    int64
		class string
	}
	width = max(width, widthMin)
	index := map[place]int{}
	var out []Slot
	for _, r := range rows {
		at := r.Minute.UTC().Truncate(width)
		i, known := index[place{at.Unix(), r.Class}]
		if !known {
			i = len(out)
			index[place{at.Unix(), r.Class}] = i
			out = append(out, Slot{At: at, Class: r.Class})
		}
		out[i].Counts.Add(r.Counts)
	}
	return out, nil
}
