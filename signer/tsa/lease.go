package tsa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// leaseStep is how far ahead an instance reserves the times that it may state.
const leaseStep = 10 * time.Second

// startTries bounds the attempts to take a number when several instances start at once.
const startTries = 20

// start takes the next number of an instance. Numbers are never given back, so serial numbers behind them never repeat, whatever
// is lost in a crash.
func (a *Authority) start(ctx context.Context) error {
	for range startTries {
		err := a.startOnce(ctx)
		var pe *pq.Error
		if errors.As(err, &pe) && (pe.Code == "23505" || pe.Code == "40001" || pe.Code == "40P01") {
			continue // another instance starts at the same time
		}
		if err != nil {
			return fmt.Errorf("couldn't take a number for serial numbers: %w", err)
		}
		return nil
	}
	return errors.New("couldn't take a number for serial numbers: too many instances start at once")
}

// startOnce supersedes the instances before it and begins behind their leases. An instance that extends its lease at the same
// moment either comes first, so that its new lease is read here, or waits for this transaction and then finds itself superseded.
func (a *Authority) startOnce(ctx context.Context) error {
	tx, err := a.cfg.DB.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	now := a.cfg.Now().UTC()
	var row struct {
		Number int64     `db:"number"`
		Lease  time.Time `db:"lease"`
	}
	if a.cfg.Ordering {
		if _, err := tx.ExecContext(ctx, `UPDATE tsa_instances SET superseded = true WHERE NOT superseded`); err != nil {
			return err
		}
	}
	err = tx.GetContext(ctx, &row, `
		INSERT INTO tsa_instances (number, started_at, lease, superseded)
		SELECT coalesce(max(number), 0) + 1, $1, coalesce(max(lease), $1), NOT $2::boolean FROM tsa_instances
		RETURNING number, lease`, now, a.cfg.Ordering)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	a.instance = row.Number
	if a.cfg.Ordering {
		a.last, a.lease = row.Lease.UTC(), row.Lease.UTC()
	}
	return nil
}

// extend makes sure that the instance may state the time. It holds only while no other instance has started since: the newest one
// alone serves, and it started behind every time that any before it may have stated. The caller holds a.mu.
func (a *Authority) extend(ctx context.Context, at time.Time) error {
	if at.Before(a.lease) {
		return nil
	}
	lease := at.Add(leaseStep)
	done, err := a.cfg.DB.ExecContext(ctx, `
		UPDATE tsa_instances SET lease = $2 WHERE number = $1 AND NOT superseded`, a.instance, lease)
	if err != nil {
		return fmt.Errorf("couldn't extend the lease on times: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrLease, err)
	}
	a.lease = lease
	return nil
}
