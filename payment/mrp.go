package payment

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// AddMRP adds the МРП of a period that has none yet: a year, or the rest of one after a change in its middle. A value that is
// there is never changed: debts, orders and receipts rest on it. Without a value for a day nothing that depends on it can be quoted or
// loaded that day ([ErrNoTariff]); amounts that debts state themselves, and fixed prices, go on. Errors: [ErrInvalid], [ErrAmountInvalid],
// [ErrMRPKnown], and those of [Idem].
func (r *Registrar) AddMRP(ctx context.Context, idem Idem, m catalog.MRP) (catalog.MRP, bool, error) {
	const sourceMax = 200
	switch {
	case !m.ValidFrom.Valid() || !m.ValidTo.Valid() || m.ValidTo < m.ValidFrom:
		return catalog.MRP{}, false, ErrInvalid.with("a period has a first and a last day, YYYY-MM-DD").at("valid_from")
	case catalog.CheckAmount(money.FromTiyn(m.Tiyn)) != nil:
		return catalog.MRP{}, false, ErrAmountInvalid.at("amount")
	}
	if err := catalog.CheckText("source", m.Source, 1, sourceMax); err != nil {
		return catalog.MRP{}, false, invalidSpec(err)
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (catalog.MRP, error) {
		// Of two operators who add at once one waits here for the other, and then sees what he added. The table itself is append-only for
		// the program, which therefore cannot lock its rows; this one it can, and it is held for a moment once a year.
		if err := exec(ctx, tx, -1, `SELECT 1 FROM checkpoint_head WHERE id = 1 FOR UPDATE`); err != nil {
			return catalog.MRP{}, err
		}
		table, err := loadMRP(ctx, tx)
		if err != nil {
			return catalog.MRP{}, err
		}
		for _, old := range table {
			if m.ValidFrom <= old.ValidTo && old.ValidFrom <= m.ValidTo || old.ValidTo == "" && old.ValidFrom <= m.ValidTo {
				return catalog.MRP{}, ErrMRPKnown.with(fmt.Sprintf("%s to %s is %s tenge", old.ValidFrom, old.ValidTo, money.FromTiyn(old.Tiyn).Decimal()))
			}
		}
		if err := exec(ctx, tx, 1, `INSERT INTO mrp (valid_from, valid_to, amount, source) VALUES ($1::date, $2::date, $3, $4)`,
			m.ValidFrom, m.ValidTo, m.Tiyn, m.Source); err != nil {
			return catalog.MRP{}, err
		}
		return m, r.audit(ctx, tx, entry{idem.Caller, "mrp.added", string(m.ValidFrom), m})
	})
}

// MRP lists the МРП by period.
func (r *Registrar) MRP(ctx context.Context) ([]catalog.MRP, error) { return loadMRP(ctx, r.db) }
