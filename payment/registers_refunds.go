package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/recon"
	"qaqpa/payment/refund"
	"qaqpa/payment/register"
)

// backRow is a refund or correction that has moved money.
type backRow struct {
	paidRow
	ID      string         `db:"refund_id"`
	Kind    refund.Kind    `db:"kind"`
	Reason  string         `db:"reason"`
	At      time.Time      `db:"at"`
	Share   ledger.Account `db:"account"`
	BackRef string         `db:"back_reference"`
	Back    int64          `db:"back"`
	// BackCommission and BackAgency are what of the commission was given back with it.
	BackCommission int64 `db:"back_commission"`
	BackAgency     int64 `db:"back_agency"`
}

// RefundsOfBank lists what was taken back of payments through a bank: refunds that it has executed, by the day of execution in Almaty, and corrections and returns of the
// treasury, by the day on which the second person agreed. They stand under the budget code that the money was taken from. Errors as of [PaymentsOfBank].
func RefundsOfBank(ctx context.Context, db *sqlx.DB, secrets *Privacy, q BankPayments) ([]register.Payment, error) {
	private, err := newPrivacy(secrets)
	if err != nil {
		return nil, err
	}
	var rows []backRow
	err = all(ctx, db, &rows, `
		SELECT `+paidColumns+`, '0001-01-01'::date AS paid_on, false AS settled,
			r.id AS refund_id, r.kind, r.reason, coalesce(r.executed_at, r.decided_at) AS at, s.account, coalesce(r.bank_reference, '') AS back_reference, r.amount AS back,
			r.commission AS back_commission, r.agency_commission AS back_agency
		FROM refunds r
		JOIN refund_shares s ON s.bucket = r.bucket AND s.transfer_id = r.transfer_id
		JOIN orders o ON o.bucket = r.bucket AND o.id = r.order_id
		JOIN banks b ON b.bic = o.bank_bic`+paidItems+`
		WHERE i.debt_id = r.debt_id AND r.bucket = ANY(ARRAY(SELECT generate_series(0, $5::integer))) AND r.bank_bic = $1 AND r.state IN ('executed', 'booked')
			AND coalesce(r.executed_at, r.decided_at) >= $2 AND coalesce(r.executed_at, r.decided_at) < $3
			AND ($4 = '' OR v.beneficiary_bin = $4) AND ($6 = '' OR r.agency_id = $6)
		ORDER BY at, r.id LIMIT $7`,
		q.Bank, dayStart(q.From), dayStart(q.To).AddDate(0, 0, 1), q.Beneficiary, ledger.Buckets-1, q.Agency, registerMax+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > registerMax {
		return nil, fmt.Errorf("couldn't list more than %d refunds: narrow the days: %w", registerMax, register.ErrInvalid)
	}
	out := make([]register.Payment, 0, len(rows))
	for i := range rows {
		if err := private.paid(ctx, &rows[i].paidRow); err != nil {
			return nil, err
		}
		if p := rows[i].payment(q.Account); q.KBK == "" || p.KBK == q.KBK {
			out = append(out, p)
		}
	}
	return out, nil
}

// payment makes the form of registers: the parties stay those of the payment that it takes back.
func (r *backRow) payment(account string) register.Payment {
	p := r.paidRow.payment(account)
	p.ID, p.BankRef, p.Amount, p.Back = string(recon.Reference([]byte(r.ID))), r.BackRef, money.FromTiyn(r.Back), string(r.Kind)
	p.Day, p.Commission, p.AgencyCommission = catalog.DateOf(r.At), r.BackCommission, r.BackAgency
	p.Purpose = p.Back + " (" + r.Reason + "): " + string(recon.Reference([]byte(r.Attempt)))
	if _, kbk, ok := r.Share.Agency(); ok {
		p.KBK = kbk // money that a correction moved stands under the code to which it was moved
	}
	return p
}
