package payment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

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
}

type guaranteeRow struct {
	Bank      string `db:"bank_bic"`
	Amount    *int64 `db:"amount"`
	Committed int64  `db:"committed"`
	Version   int    `db:"version"`
}

func (r guaranteeRow) exposure() Exposure {
	e := Exposure{Bank: r.Bank, Guarantee: r.Amount}
	if r.Amount != nil {
		e.Committed, e.Free = r.Committed, max(*r.Amount-r.Committed, 0)
	}
	return e
}

// Exposure tells how far a bank has used its guarantee, or returns [ErrBankUnknown].
func (r *Registrar) Exposure(ctx context.Context, bic string) (Exposure, error) {
	var row guaranteeRow
	err := orMissing(one(ctx, r.db, &row, `SELECT bank_bic, amount, committed, version FROM guarantees WHERE bank_bic = $1`, bic), ErrBankUnknown)
	return row.exposure(), err
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
		err := orMissing(one(ctx, tx, &before, `SELECT bank_bic, amount, committed, version FROM guarantees WHERE bank_bic = $1 FOR UPDATE`, bic), ErrBankUnknown)
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
			WHERE bank_bic = $1 RETURNING bank_bic, amount, committed, version`, bic, limit.Tiyn, r.now(), ledger.BankDue(bic)); err != nil {
			return Exposure{}, err
		}
		if err := r.postGuarantee(ctx, tx, before, row); err != nil {
			return Exposure{}, err
		}
		return row.exposure(), r.audit(ctx, tx, entry{idem.Caller, "bank.guarantee", bic, map[string]int64{"amount": limit.Tiyn, "committed": row.Committed}})
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

// expose adds to what a bank owes or may come to owe, within the transaction that makes it so, or returns
// [ErrGuaranteeExhausted] where that would pass its guarantee. Taking away always succeeds. It is called once for a bank in a
// transaction and late, for the row stays locked: among banks with a guarantee payments of one bank take turns here. Where
// there is no guarantee the lock is shared and holds up only who sets one, whose count must not miss us.
func (s *store) expose(ctx context.Context, tx *sqlx.Tx, bic string, tiyn int64) error {
	return s.count(ctx, tx, bic, tiyn, tiyn > 0)
}

// count is expose, with or without the limit.
func (s *store) count(ctx context.Context, tx *sqlx.Tx, bic string, tiyn int64, limited bool) error {
	for range 2 {
		result, err := tx.ExecContext(ctx, `UPDATE guarantees SET committed = committed + $2
			WHERE bank_bic = $1 AND amount IS NOT NULL AND (NOT $3::boolean OR committed + $2 <= amount)`, bic, tiyn, limited)
		if err != nil {
			return fmt.Errorf("couldn't count what %s may owe: %w", bic, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		var limits []bool
		if err := all(ctx, tx, &limits, `SELECT amount IS NOT NULL FROM guarantees WHERE bank_bic = $1 FOR SHARE`, bic); err != nil {
			return err
		}
		if len(limits) == 0 || !limits[0] {
			return nil
		}
		// Either the limit is reached, or it was set between the two statements: the second round tells.
	}
	return ErrGuaranteeExhausted
}

// withinGuarantee refuses an order that the bank's guarantee does not cover now, so that nobody signs in vain. What counts is
// the look at the signature, by expose.
func withinGuarantee(ctx context.Context, tx *sqlx.Tx, o *orderRow) error {
	var exhausted bool
	err := one(ctx, tx, &exhausted, `SELECT EXISTS (SELECT 1 FROM guarantees WHERE bank_bic = $1 AND amount IS NOT NULL AND committed + $2 > amount)`, o.Bank, o.Tiyn)
	if err == nil && exhausted {
		return ErrGuaranteeExhausted.at("bank")
	}
	return err
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
		if err := s.count(ctx, tx, bic, changes[bic], false); err != nil {
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
