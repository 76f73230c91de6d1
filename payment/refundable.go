package payment

import (
	"context"
	"fmt"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// Refundable is money that one transfer brought to an agency, and how much of it can still be given back or moved. What a person
// saw here goes back in [refund.Item] as Left, so that nobody decides on an amount that has changed meanwhile.
type Refundable struct {
	Order string `json:"order" db:"order_id"`
	Debt  string `json:"debt" db:"debt_id"`
	// Transfer names money that a correction has moved to another budget code; empty means the payment itself.
	Transfer string `json:"transfer,omitempty" db:"transfer_id"`
	// Reference is the agency's own number of the debt.
	Reference string `json:"reference" db:"reference"`
	Service   string `json:"service" db:"service_id"`
	KBK       string `json:"kbk"`
	Bank      string `json:"bank" db:"bank_bic"`
	money.Amount
	// Left can be refunded or corrected, in tiyn.
	Left int64 `json:"left" db:"remaining"`
	// Unreturned can still come back from the treasury, in tiyn: that is Left of the kind "returned".
	Unreturned int64     `json:"unreturned" db:"unreturned"`
	ExecutedAt time.Time `json:"executed_at" db:"executed_at"`

	// Account is where the transfer brought it.
	Account ledger.Account `json:"-" db:"account"`
}

// Refundable lists what an executed order brought to an agency, the oldest transfer first; agency empty, for the operator, lists what
// it brought to all of them. It takes no locks. Errors: [ErrOrderUnknown], also for an order that brought the agency nothing.
func (r *Registrar) Refundable(ctx context.Context, agency, orderID string) ([]Refundable, error) {
	bucket, ok := bucketOfID(prefixOrder, orderID)
	if !ok {
		return nil, ErrOrderUnknown
	}
	var rows []Refundable
	err := all(ctx, r.db, &rows, `
		SELECT $2::text AS order_id, x.debt_id, x.transfer_id, d.reference, d.service_id, o.bank_bic, x.account, x.amount, x.currency,
			x.amount - x.taken AS remaining, x.amount - x.returned AS unreturned, o.executed_at
		FROM (
			SELECT t.journal_seq, t.debt_id, '' AS transfer_id, t.credit_account AS account, t.amount, t.currency, coalesce(s.taken, 0) AS taken, coalesce(s.returned, 0) AS returned
			FROM transfers t LEFT JOIN refund_shares s ON s.bucket = t.bucket AND s.transfer_id = t.id
			WHERE t.bucket = $1 AND t.order_id = $2 AND t.kind = 'payment'
			UNION ALL
			SELECT t.journal_seq, s.debt_id, s.transfer_id, s.account, s.amount, t.currency, s.taken, s.returned
			FROM refund_shares s JOIN transfers t ON t.bucket = s.bucket AND t.id = s.transfer_id
			WHERE s.bucket = $1 AND s.order_id = $2 AND t.kind <> 'payment') x
		JOIN orders o ON o.bucket = $1 AND o.id = $2
		JOIN debts d ON d.bucket = $1 AND d.id = x.debt_id
		ORDER BY x.journal_seq, x.debt_id`, bucket, orderID)
	if err != nil {
		return nil, fmt.Errorf("couldn't list what %s brought: %w", orderID, err)
	}
	own := rows[:0]
	for _, row := range rows {
		// The attack: an order pays several agencies, and the number of one tells nothing about the money of another.
		of, kbk, known := row.Account.Agency()
		if !known || (agency != "" && of != agency) {
			continue
		}
		row.KBK, row.ExecutedAt = kbk, row.ExecutedAt.UTC()
		own = append(own, row)
	}
	if len(own) == 0 {
		return nil, ErrOrderUnknown
	}
	return own, nil
}

// DebtNamed finds a debt of an agency by its own reference and the payer's number. Errors: [ErrPayerIDInvalid], [ErrDebtUnknown].
func (r *Registrar) DebtNamed(ctx context.Context, agency, payer, reference string) (debt.Debt, error) {
	if !catalog.ValidPayerID(payer) {
		return debt.Debt{}, ErrPayerIDInvalid.at("payer")
	}
	var row debtRow
	err := orMissing(one(ctx, r.db, &row, `SELECT `+debtColumns+` FROM debts d
		WHERE d.bucket = $1 AND d.agency_id = $2 AND d.payer_id = ANY($3) AND d.reference = $4 LIMIT 1`,
		bucketOf(payer), agency, r.private.forms(payer), reference), ErrDebtUnknown)
	if err != nil {
		return debt.Debt{}, err
	}
	return r.debt(ctx, row)
}
