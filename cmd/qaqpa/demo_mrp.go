//go:build !release

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
)

// migrate makes the tables, with an МРП for today: the fee of the story depends on it.
func (w *world) migrate(ctx context.Context) (err error) {
	if _, err := w.qaqpa(ctx, "migrate"); err != nil {
		return err
	}
	db, err := w.pg.Open(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return prolongMRP(ctx, db, catalog.DateOf(time.Now()))
}

// prolongMRP gives the МРП of 2026, the last that the migrations know, to the years behind it up to that of a day. A gateway has an operator who adds
// what the law on the budget says (clients add-mrp), a demonstration has none. What is there stays.
func prolongMRP(ctx context.Context, db *sqlx.DB, today catalog.Date) error {
	_, err := db.ExecContext(ctx, `INSERT INTO mrp (valid_from, valid_to, amount, source)
		SELECT make_date(y, 1, 1), make_date(y, 12, 31), 432500, 'demonstration: as in 2026' FROM generate_series(2027, left($1, 4)::integer) AS t (y)
		ON CONFLICT DO NOTHING`, string(today))
	if err != nil {
		return fmt.Errorf("couldn't prolong the МРП: %w", err)
	}
	return nil
}
