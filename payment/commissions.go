package payment

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/money"
)

const prefixCommission = "cmt_"

// States of terms of commission.
const (
	termsOpen     = "open"
	termsInForce  = "in_force"
	termsRejected = "rejected"
)

// CommissionTerms are terms of commission that one operator asked for, and what another one said to them.
type CommissionTerms struct {
	commission.Terms
	// State is open, in_force or rejected.
	State     string     `json:"state"`
	AskedBy   string     `json:"asked_by,omitempty"`
	AskedAt   time.Time  `json:"asked_at"`
	DecidedBy string     `json:"decided_by,omitempty"`
	DecidedAt *time.Time `json:"decided_at,omitempty"`
}

type termsRow struct {
	ID        string               `db:"id"`
	Bank      string               `db:"bank_bic"`
	Service   string               `db:"service_id"`
	Agency    string               `db:"agency_id"`
	KBK       string               `db:"kbk"`
	Bearer    commission.Bearer    `db:"bearer"`
	Rate      int64                `db:"rate"`
	Rounding  money.Rounding       `db:"rounding"`
	Fixed     int64                `db:"fixed"`
	Least     int64                `db:"least"`
	Most      int64                `db:"most"`
	GivenBack commission.GivenBack `db:"given_back"`
	ValidFrom catalog.Date         `db:"valid_from"`
	ValidTo   catalog.Date         `db:"valid_to"`
	Source    string               `db:"source"`
	State     string               `db:"state"`
	AskedBy   string               `db:"asked_by"`
	AskedAt   time.Time            `db:"asked_at"`
	DecidedBy string               `db:"decided_by"`
	DecidedAt *time.Time           `db:"decided_at"`
}

const termsColumns = `id, coalesce(bank_bic, '') AS bank_bic, coalesce(service_id, '') AS service_id, coalesce(agency_id, '') AS agency_id, kbk, bearer, rate,
	rounding, fixed, least, most, given_back, to_char(valid_from, 'YYYY-MM-DD') AS valid_from, coalesce(to_char(valid_to, 'YYYY-MM-DD'), '') AS valid_to, source,
	state, asked_by, asked_at, coalesce(decided_by, '') AS decided_by, decided_at`

func (r termsRow) terms() commission.Terms {
	return commission.Terms{ID: r.ID, Spec: commission.Spec{
		Bank: r.Bank, Service: r.Service, Agency: r.Agency, KBK: r.KBK, Bearer: r.Bearer, Rate: r.Rate, Rounding: r.Rounding, Fixed: r.Fixed,
		Min: r.Least, Max: r.Most, GivenBack: r.GivenBack, ValidFrom: r.ValidFrom, ValidTo: r.ValidTo, Source: r.Source,
	}}
}

func (r termsRow) whole() CommissionTerms {
	return CommissionTerms{
		Terms: r.terms(), State: r.State, AskedBy: r.AskedBy, AskedAt: r.AskedAt.UTC(), DecidedBy: r.DecidedBy, DecidedAt: utc(r.DecidedAt),
	}
}

// ProposeCommission asks for terms of commission, or for a prohibition, in the name of the operator who is idem's caller. They come
// into force when another operator agrees; see [Registrar.DecideCommission]. Errors: [ErrInvalid] naming the field, [ErrBankUnknown],
// [ErrServiceUnknown], [ErrAgencyUnknown], [ErrCommissionOverlap], [ErrCommissionForbidden], and those of [Idem].
func (r *Registrar) ProposeCommission(ctx context.Context, idem Idem, spec commission.Spec) (CommissionTerms, bool, error) {
	spec = spec.Normal()
	if err := spec.Check(); err != nil {
		return CommissionTerms{}, false, invalidSpec(err)
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (CommissionTerms, error) {
		if err := admitTerms(ctx, tx, spec); err != nil {
			return CommissionTerms{}, err
		}
		id, err := newID(prefixCommission, -1)
		if err != nil {
			return CommissionTerms{}, err
		}
		var row termsRow
		if err := one(ctx, tx, &row, `
			INSERT INTO commission_terms (id, bank_bic, service_id, agency_id, kbk, bearer, rate, rounding, fixed, least, most, given_back, valid_from, valid_to, source,
				state, asked_by, asked_at)
			VALUES ($1, nullif($2, ''), nullif($3, ''), nullif($4, ''), $5, $6, $7, $8, $9, $10, $11, $12, $13::date, nullif($14, '')::date, $15, 'open', $16, $17)
			RETURNING `+termsColumns,
			id, spec.Bank, spec.Service, spec.Agency, spec.KBK, spec.Bearer, spec.Rate, spec.Rounding, spec.Fixed, spec.Min, spec.Max, spec.GivenBack,
			spec.ValidFrom, spec.ValidTo, spec.Source, idem.Caller, r.now()); err != nil {
			return CommissionTerms{}, err
		}
		return row.whole(), r.audit(ctx, tx, entry{idem.Caller, "commission.proposed", id, spec})
	})
}

// DecideCommission puts terms into force, or rejects them, in the name of the operator who is idem's caller; into force not by the one
// who asked. Errors: [ErrCommissionUnknown], [ErrCommissionDecided], [ErrFourEyes], and, when other terms came into force meanwhile,
// those of [Registrar.ProposeCommission].
func (r *Registrar) DecideCommission(ctx context.Context, idem Idem, id string, agree bool) (CommissionTerms, bool, error) {
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (CommissionTerms, error) {
		// Of two who decide at once the second waits here and sees what the first put into force; see AddMRP.
		if err := exec(ctx, tx, -1, `SELECT 1 FROM checkpoint_head WHERE id = 1 FOR UPDATE`); err != nil {
			return CommissionTerms{}, err
		}
		var row termsRow
		if err := orMissing(one(ctx, tx, &row, `SELECT `+termsColumns+` FROM commission_terms WHERE id = $1`, id), ErrCommissionUnknown); err != nil {
			return CommissionTerms{}, err
		}
		switch {
		case row.State != termsOpen:
			return CommissionTerms{}, ErrCommissionDecided
		case agree && sameActor(row.AskedBy, idem.Caller):
			return CommissionTerms{}, ErrFourEyes
		}
		at := r.now()
		row.State, row.DecidedBy, row.DecidedAt = termsRejected, idem.Caller, &at
		if agree {
			row.State = termsInForce
			if err := admitTerms(ctx, tx, row.terms().Spec); err != nil {
				return CommissionTerms{}, err
			}
		}
		if err := exec(ctx, tx, 1, `UPDATE commission_terms SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1 AND state = 'open'`,
			id, row.State, row.DecidedBy, at); err != nil {
			return CommissionTerms{}, err
		}
		return row.whole(), r.audit(ctx, tx, entry{idem.Caller, "commission." + row.State, id, row.terms().Spec})
	})
}

// admitTerms refuses terms of parties that are not registered, and those that the terms in force leave no room for.
func admitTerms(ctx context.Context, tx *sqlx.Tx, spec commission.Spec) error {
	var of commission.Of
	for _, party := range []struct {
		id, query string
		unknown   *Error
	}{
		{spec.Bank, `SELECT bic FROM banks WHERE bic = $1`, ErrBankUnknown.at("bank")},
		{spec.Agency, `SELECT id FROM agencies WHERE id = $1`, ErrAgencyUnknown.at("agency")},
	} {
		var known string
		if party.id != "" {
			if err := orMissing(one(ctx, tx, &known, party.query, party.id), party.unknown); err != nil {
				return err
			}
		}
	}
	if spec.Service != "" {
		found, err := loadServices(ctx, tx, `s.id = $1`, spec.Service)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return ErrServiceUnknown.at("service")
		}
		of = commission.Of{Agency: found[0].Agency, KBK: found[0].KBK}
	}
	inForce, err := loadTerms(ctx, tx, spec.Bank)
	if err != nil {
		return err
	}
	switch err := commission.Admit(inForce, spec, of); {
	case errors.Is(err, commission.ErrOverlap):
		return ErrCommissionOverlap.because(err)
	case errors.Is(err, commission.ErrForbidden):
		return ErrCommissionForbidden.because(err)
	default:
		return err
	}
}

// loadTerms reads the terms in force of banks, with all prohibitions.
func loadTerms(ctx context.Context, q sqlx.QueryerContext, bics ...string) ([]commission.Terms, error) {
	var rows []termsRow
	err := all(ctx, q, &rows, `SELECT `+termsColumns+` FROM commission_terms WHERE state = 'in_force' AND (bank_bic IS NULL OR bank_bic = ANY($1::text[]))
		ORDER BY valid_from, id`, pq.Array(bics))
	terms := make([]commission.Terms, len(rows))
	for i, row := range rows {
		terms[i] = row.terms()
	}
	return terms, err
}

// Commissions lists terms of commission: of one bank with the prohibitions that hold for it, or of all; open ones first, then those that began last.
func (r *Registrar) Commissions(ctx context.Context, bank string) ([]CommissionTerms, error) {
	var rows []termsRow
	err := all(ctx, r.db, &rows, `SELECT `+termsColumns+` FROM commission_terms WHERE $1 = '' OR bank_bic = $1 OR bank_bic IS NULL
		ORDER BY state <> 'open', valid_from DESC, id DESC LIMIT 1000`, bank)
	list := make([]CommissionTerms, len(rows))
	for i, row := range rows {
		list[i] = row.whole()
	}
	return list, err
}

// CommissionsInForce lists the terms in force now and in days to come: of one bank with the prohibitions that hold for it, or of all.
func (r *Registrar) CommissionsInForce(ctx context.Context, bank string) ([]commission.Terms, error) {
	found, err := r.Commissions(ctx, bank)
	if err != nil {
		return nil, err
	}
	list, today := []commission.Terms{}, catalog.DateOf(r.now())
	for _, t := range found {
		if t.State == termsInForce && (t.ValidTo == "" || t.ValidTo >= today) {
			list = append(list, t.Terms)
		}
	}
	return list, nil
}
