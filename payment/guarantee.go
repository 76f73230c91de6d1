package payment

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// Exposure is what a bank owes and may come to owe, against what it has guaranteed.
type Exposure struct {
	Bank string `json:"bank"`
	// Guarantee in tiyn; nil means that the bank has no limit, and then nothing is counted.
	Guarantee *int64 `json:"guarantee"`
	// Committed in tiyn: executed and not yet settled, and on its way. It may exceed a guarantee that was lowered.
	Committed int64 `json:"committed"`
	// Free is what further payments may add; never negative.
	Free int64 `json:"free"`
	// PaymentMax and DayMax in tiyn bound one payment and all of a banking day; nil means no limit. DayUsed is what was authorised today and
	// not refused; it is counted only where there is a limit.
	PaymentMax *int64 `json:"payment_max"`
	DayMax     *int64 `json:"day_max"`
	DayUsed    int64  `json:"day_used"`
}

// BankLimits are what the operator lets go through a bank, in tenge; zero amounts take a limit away.
type BankLimits struct {
	// Payment bounds one payment, Day all payments of a banking day in Almaty.
	Payment, Day money.Amount
}

const guaranteeColumns = `bank_bic, amount, committed, version, payment_max, day_max, day, day_used`

type guaranteeRow struct {
	Bank      string `db:"bank_bic"`
	Amount    *int64 `db:"amount"`
	Committed int64  `db:"committed"`
	Version   int    `db:"version"`
	// Limits, the day that DayUsed is of, and what went through on it.
	PaymentMax *int64       `db:"payment_max"`
	DayMax     *int64       `db:"day_max"`
	Day        catalog.Date `db:"day"`
	DayUsed    int64        `db:"day_used"`
}

// refusal tells why a payment on a day does not fit into what is left; nil when it does.
func (r guaranteeRow) refusal(tiyn int64, day catalog.Date) *Error {
	switch {
	case r.PaymentMax != nil && tiyn > *r.PaymentMax:
		return ErrBankPaymentLimit
	case r.DayMax != nil && r.usedOn(day)+tiyn > *r.DayMax:
		return ErrBankDayLimit
	case r.Amount != nil && r.Committed+tiyn > *r.Amount:
		return ErrGuaranteeExhausted
	}
	return nil
}

func (r guaranteeRow) usedOn(day catalog.Date) int64 {
	if r.Day < day {
		return 0
	}
	return r.DayUsed
}

func (r guaranteeRow) exposure(today catalog.Date) Exposure {
	e := Exposure{Bank: r.Bank, Guarantee: r.Amount, PaymentMax: r.PaymentMax, DayMax: r.DayMax}
	if r.DayMax != nil {
		e.DayUsed = r.usedOn(today)
	}
	if r.Amount != nil {
		e.Committed, e.Free = r.Committed, max(*r.Amount-r.Committed, 0)
	}
	return e
}

// Exposure tells how far a bank has used its guarantee, or returns [ErrBankUnknown].
func (r *Registrar) Exposure(ctx context.Context, bic string) (Exposure, error) {
	var row guaranteeRow
	err := orMissing(one(ctx, r.db, &row, `SELECT `+guaranteeColumns+` FROM guarantees WHERE bank_bic = $1`, bic), ErrBankUnknown)
	return row.exposure(catalog.DateOf(r.now())), err
}

// SetGuarantee sets what a bank may owe at most; the zero amount takes the limit away. The deposit is posted to the ledger. A
// limit below what the bank owes stops new payments through it and no others. Errors: [ErrBankUnknown], [ErrAmountInvalid],
// and those of [Idem].
func (r *Registrar) SetGuarantee(ctx context.Context, idem Idem, bic string, limit money.Amount) (Exposure, bool, error) {
	if limit.Tiyn < 0 || limit.Currency != money.KZT {
		return Exposure{}, false, ErrAmountInvalid.at("guarantee")
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Exposure, error) {
		var before, row guaranteeRow
		err := orMissing(one(ctx, tx, &before, `SELECT `+guaranteeColumns+` FROM guarantees WHERE bank_bic = $1 FOR UPDATE`, bic), ErrBankUnknown)
		if err != nil {
			return Exposure{}, err
		}
		// From here on no order through the bank is authorised or refused and nothing is settled until we are done, so what
		// is counted stays true.
		if err := one(ctx, tx, &row, `
			UPDATE guarantees SET amount = nullif($2, 0), version = version + 1, updated_at = $3, committed =
				(SELECT coalesce(sum(amount), 0) FROM orders WHERE bank_bic = $1 AND state IN ('authorised', 'executing', 'unknown'))
				+ (SELECT coalesce(sum(CASE WHEN debit_account = $4 THEN amount ELSE -amount END), 0) FROM transfers
					WHERE debit_account = $4 OR credit_account = $4)
			WHERE bank_bic = $1 RETURNING `+guaranteeColumns, bic, limit.Tiyn, r.now(), ledger.BankDue(bic)); err != nil {
			return Exposure{}, err
		}
		if err := r.postGuarantee(ctx, tx, before, row); err != nil {
			return Exposure{}, err
		}
		return row.exposure(catalog.DateOf(r.now())), r.audit(ctx, tx, entry{idem.Caller, "bank.guarantee", bic, map[string]int64{"amount": limit.Tiyn, "committed": row.Committed}})
	})
}

// postGuarantee posts by how much the deposit was raised or lowered.
func (r *Registrar) postGuarantee(ctx context.Context, tx *sqlx.Tx, before, after guaranteeRow) error {
	change := tiynOf(after.Amount) - tiynOf(before.Amount)
	leg := ledger.Transfer{Debit: ledger.BankGuarantee(after.Bank), Credit: ledger.OperatorGuarantees, Amount: money.FromTiyn(change)}
	switch {
	case change == 0:
		return nil
	case change < 0:
		leg.Debit, leg.Credit, leg.Amount = leg.Credit, leg.Debit, money.FromTiyn(-change)
	}
	_, err := r.postAll(ctx, tx, []postingRequest{{
		kind: ledger.Guarantee, bucket: bucketOf(after.Bank), subject: fmt.Sprintf("%s:%d", after.Bank, after.Version), legs: []ledger.Transfer{leg},
	}})
	return err
}

func tiynOf(amount *int64) int64 {
	if amount == nil {
		return 0
	}
	return *amount
}

// SetBankLimits sets how much may go through a bank in one payment and in one day. A limit below what went through today stops new payments
// until tomorrow and no others. Errors: [ErrBankUnknown], [ErrAmountInvalid], and those of [Idem].
func (r *Registrar) SetBankLimits(ctx context.Context, idem Idem, bic string, limits BankLimits) (Exposure, bool, error) {
	for field, limit := range map[string]money.Amount{"payment": limits.Payment, "day": limits.Day} {
		if limit.Tiyn < 0 || limit.Currency != money.KZT {
			return Exposure{}, false, ErrAmountInvalid.at(field)
		}
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Exposure, error) {
		var row guaranteeRow
		// As with the guarantee: while we hold the row nothing is authorised or refused, so that the sum is whole.
		err := orMissing(one(ctx, tx, &row, `SELECT `+guaranteeColumns+` FROM guarantees WHERE bank_bic = $1 FOR UPDATE`, bic), ErrBankUnknown)
		if err != nil {
			return Exposure{}, err
		}
		today := catalog.DateOf(r.now())
		if err := one(ctx, tx, &row, `
			UPDATE guarantees SET payment_max = nullif($2::bigint, 0), day_max = nullif($3::bigint, 0), day = $4, updated_at = $6,
				day_used = (SELECT coalesce(sum(amount), 0) FROM attempts WHERE bank_bic = $1 AND state <> 'refused' AND created_at >= $5)
			WHERE bank_bic = $1 RETURNING `+guaranteeColumns, bic, limits.Payment.Tiyn, limits.Day.Tiyn, today, dayStart(today), r.now()); err != nil {
			return Exposure{}, err
		}
		return row.exposure(today), r.audit(ctx, tx, entry{idem.Caller, "bank.limits", bic, map[string]int64{"payment": limits.Payment.Tiyn, "day": limits.Day.Tiyn}})
	})
}

// expose adds to what a bank owes or may come to owe, and to what went through it on the day, within the transaction that makes it so, or
// returns [ErrGuaranteeExhausted], [ErrBankDayLimit] or [ErrBankPaymentLimit]. Taking away always succeeds; of the day it takes only while
// that day lasts. at is when the payment was authorised. It is called once for a bank in a
// transaction and late, for the row stays locked: among banks with a limit payments of one bank take turns here. Where
// there is none the lock is shared and holds up only who sets one, whose count must not miss us.
func (s *store) expose(ctx context.Context, tx *sqlx.Tx, bic string, tiyn int64, at time.Time) error {
	return s.count(ctx, tx, exposing{bic: bic, tiyn: tiyn, day: catalog.DateOf(at), limited: tiyn > 0})
}

// exposing is one change of what is counted of a bank; without a day it is none of a payment's.
type exposing struct {
	bic     string
	tiyn    int64
	day     catalog.Date
	limited bool
}

// count is expose, with or without the limits.
func (s *store) count(ctx context.Context, tx *sqlx.Tx, e exposing) error {
	for range 2 {
		result, err := tx.ExecContext(ctx, `UPDATE guarantees SET
				committed = CASE WHEN amount IS NULL THEN committed ELSE committed + $2 END,
				day_used = CASE WHEN day_max IS NULL OR $4 = '' THEN day_used WHEN $2 > 0 AND day < $4 THEN $2
					WHEN $2 > 0 OR day = $4 THEN greatest(day_used + $2, 0) ELSE day_used END,
				day = CASE WHEN day_max IS NOT NULL AND $2 > 0 AND day < $4 THEN $4 ELSE day END
			WHERE bank_bic = $1 AND (amount IS NOT NULL OR payment_max IS NOT NULL OR day_max IS NOT NULL) AND (NOT $3::boolean OR (
				(amount IS NULL OR committed + $2 <= amount) AND (payment_max IS NULL OR $2 <= payment_max)
				AND (day_max IS NULL OR CASE WHEN day < $4 THEN 0 ELSE day_used END + $2 <= day_max)))`,
			e.bic, e.tiyn, e.limited, string(e.day))
		if err != nil {
			return fmt.Errorf("couldn't count what %s may owe: %w", e.bic, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		var limits []guaranteeRow
		if err := all(ctx, tx, &limits, `SELECT `+guaranteeColumns+` FROM guarantees WHERE bank_bic = $1 FOR SHARE`, e.bic); err != nil {
			return err
		}
		if len(limits) == 0 || (limits[0].Amount == nil && limits[0].PaymentMax == nil && limits[0].DayMax == nil) {
			return nil
		}
		// Either a limit is reached, or it was set between the two statements: then the second round counts.
		if refused := limits[0].refusal(e.tiyn, e.day); e.limited && refused != nil {
			return refused
		}
	}
	return ErrGuaranteeExhausted
}

// withinGuarantee refuses an order that the bank's guarantee and limits do not cover now, so that nobody signs in vain. What counts is
// the look at the signature, by expose.
func (s *store) withinGuarantee(ctx context.Context, tx *sqlx.Tx, o *orderRow) error {
	var rows []guaranteeRow
	if err := all(ctx, tx, &rows, `SELECT `+guaranteeColumns+` FROM guarantees WHERE bank_bic = $1`, o.Bank); err != nil || len(rows) == 0 {
		return err
	}
	if refused := rows[0].refusal(o.Tiyn, catalog.DateOf(s.now())); refused != nil {
		return refused.at("bank")
	}
	return nil
}

// exposePostings tells the guarantees what postings change in what banks owe; what has happened is counted, limit or not.
func (s *store) exposePostings(ctx context.Context, tx *sqlx.Tx, requests []postingRequest) error {
	changes := map[string]int64{}
	for _, r := range requests {
		for _, leg := range r.legs {
			if bic, owed := owingBank(leg.Debit); owed {
				changes[bic] += leg.Tiyn
			}
			if bic, owed := owingBank(leg.Credit); owed {
				changes[bic] -= leg.Tiyn
			}
		}
	}
	banks := make([]string, 0, len(changes))
	for bic, change := range changes {
		if change != 0 {
			banks = append(banks, bic)
		}
	}
	slices.Sort(banks) // one order for all who lock several
	for _, bic := range banks {
		if err := s.count(ctx, tx, exposing{bic: bic, tiyn: changes[bic]}); err != nil {
			return err
		}
	}
	return nil
}

// owingBank reads the bank out of the account of what it owes.
func owingBank(a ledger.Account) (bic string, owed bool) {
	rest, isBank := strings.CutPrefix(string(a), "bank:")
	bic, kind, _ := strings.Cut(rest, ":")
	return bic, isBank && kind == "due"
}
