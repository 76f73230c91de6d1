package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/refund"
)

// reopen makes the debt that is owed again, where the aftermath says so, and returns its id. It is a debt of its own: the old
// one was paid, and what the ledger says of it stays true. Its reference names the old one's. A part of a debt that is still open
// is owed again as a part of it.
//
// A payment that is given back as a whole leaves what was owed before it: the full fee, with its discount while the window is open. Of
// a payment that is given back in part that part is owed, without discount. The attack: a debt of the discounted sum, dated today or
// within the old window, would be discounted once more each time that it is paid, given back and owed again.
func (x *deciding) reopen(ctx context.Context, row *refundRow) (string, error) {
	return x.store.reopen(ctx, x.tx, row, x.now)
}

func (s *store) reopen(ctx context.Context, tx *sqlx.Tx, row *refundRow, now time.Time) (string, error) {
	if row.Then != refund.Reopened {
		return "", nil
	}
	found, err := s.lockOwnDebts(ctx, tx, row.Bucket, []string{row.Debt})
	if err != nil {
		return "", err
	}
	d, known := found[row.Debt]
	if !known {
		return "", ErrDebtUnknown
	}
	if d.OwnFee { // asked for before such were refused, see asking.ofOwnFee
		return "", nil
	}
	if done, err := restore(ctx, tx, row, d); err != nil || done {
		return d.ID, err
	}
	if whole, err := wasWhole(ctx, tx, row, d); err != nil {
		return "", err
	} else if !whole {
		d.Amount, d.Basis = row.Amount, catalog.Basis{Kind: catalog.Stated, On: catalog.DateOf(now), Rest: true}
	}
	old := d.Reference
	d.State, d.Version, d.Order, d.PaidAt, d.RecallReason, d.SettledBy, d.Paid = debt.Open, 1, "", nil, "", "", 0
	d.LoadedAt = now
	if d.ID, err = newID(prefixDebt, row.Bucket); err != nil {
		return "", err
	}
	if d.Reference, err = s.freeReference(ctx, tx, d, old, row.ID); err != nil {
		return "", err
	}
	return d.ID, s.insertDebts(ctx, tx, []debt.Debt{d}, now)
}

// freeReference names the debt that is owed again by the end of the refund's id. The attack: an agency that knows the refund feeds a debt of
// that name, and then the bank's word that it has given the money back could never be booked; so a name that is taken gives way to one by
// the id of the new debt, which nobody knows before.
func (s *store) freeReference(ctx context.Context, tx *sqlx.Tx, d debt.Debt, old, refundID string) (string, error) {
	name := successorReference(old, refundID)
	var taken bool
	if err := one(ctx, tx, &taken, `SELECT EXISTS (SELECT 1 FROM debts WHERE bucket = $1 AND agency_id = $2 AND payer_id = ANY($3) AND reference = $4)`,
		bucketOf(d.Payer.ID), d.Agency, s.private.forms(d.Payer.ID), name); err != nil {
		return "", err
	}
	if taken {
		name = successorReference(old, d.ID)
	}
	return name, nil
}

// wasWhole reports whether a refund takes back all that paid a debt at once.
func wasWhole(ctx context.Context, tx *sqlx.Tx, row *refundRow, d debt.Debt) (bool, error) {
	var discount int64
	err := one(ctx, tx, &discount, `SELECT discount FROM order_items WHERE bucket = $1 AND order_id = $2 AND debt_id = $3`, row.Bucket, row.Order, row.Debt)
	return row.Tiyn+discount == d.Tiyn, err
}

// successorReference names the debt that is owed again: the old reference with the end of the refund's id, within the 64
// characters that references have.
func successorReference(old, refundID string) string {
	const most, tail = 64, 8
	suffix := "/R" + refundID[len(refundID)-tail:]
	runes := []rune(old)
	return strings.TrimSpace(string(runes[:min(len(runes), most-len(suffix))])) + suffix
}

// refundFact is the body of a webhook about a refund, correction or return. It names no person: who asked and who decided have their
// numbers in what the gateway keeps, and a webhook passes through the agency's proxies and logs.
type refundFact struct {
	Type      string         `json:"type"`
	Timestamp string         `json:"timestamp"`
	Data      refundFactData `json:"data"`
}

type refundFactData struct {
	refund.Refund
	// Reference is the agency's own of the debt; SuccessorReference that of the debt which is open again.
	Reference          string `json:"reference"`
	SuccessorReference string `json:"successor_reference,omitempty"`
}

// tell puts the webhook of a refund that has ended into the queue of its agency.
func (s *store) tell(ctx context.Context, tx *sqlx.Tx, row *refundRow) error {
	var reference string
	if err := one(ctx, tx, &reference, `SELECT reference FROM debts WHERE bucket = $1 AND id = $2`, row.Bucket, row.Debt); err != nil {
		return err
	}
	now := s.now()
	fact := refundFact{Type: "refund." + string(row.State), Timestamp: now.Format(time.RFC3339Nano), Data: refundFactData{Refund: row.view(), Reference: reference}}
	fact.Data.AskedBy, fact.Data.DecidedBy = "", ""
	if row.Successor != "" {
		if err := one(ctx, tx, &fact.Data.SuccessorReference, `SELECT reference FROM debts WHERE bucket = $1 AND id = $2`, row.Bucket, row.Successor); err != nil {
			return err
		}
	}
	body, err := json.Marshal(fact)
	if err != nil {
		return fmt.Errorf("couldn't write the webhook of %s: %w", row.ID, err)
	}
	id, err := newID(prefixMessage, row.Bucket)
	if err != nil {
		return err
	}
	return exec(ctx, tx, 1, `
		INSERT INTO outbox (bucket, id, agency_id, order_id, debt_id, subject, state, payload, failures, due_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, 0, $8, $8)`, row.Bucket, id, row.Agency, row.Order, row.Debt, row.ID, body, now)
}

// withRefunds makes the view of a receipt that was read, with what was paid back since of the debts that it is about.
func (s *store) withRefunds(ctx context.Context, bucket int, row receiptRow, err error) (Receipt, error) {
	if err != nil {
		return Receipt{}, err
	}
	if row.Core, err = s.private.open(ctx, row.Core, place("receipts", "core", row.ID)); err != nil {
		return Receipt{}, err
	}
	r := row.receipt()
	err = one(ctx, s.db, &r.Refunded, `SELECT coalesce(sum(x.amount), 0)::bigint FROM refunds x
		JOIN order_items i ON i.bucket = x.bucket AND i.order_id = x.order_id AND i.debt_id = x.debt_id
		JOIN receipts p ON p.bucket = i.bucket AND p.order_id = i.order_id AND p.part = i.part
		WHERE x.bucket = $1 AND x.order_id = $2 AND p.id = $3 AND x.kind = 'refund' AND x.state = 'executed'`, bucket, row.Order, row.ID)
	return r, err
}

// refundedOf is what was paid back of a debt, in tiyn.
func (s *store) refundedOf(ctx context.Context, bucket int, debtID string) (int64, error) {
	var tiyn int64
	err := one(ctx, s.db, &tiyn, `SELECT coalesce(sum(amount), 0)::bigint FROM refunds
		WHERE bucket = $1 AND debt_id = $2 AND kind = 'refund' AND state = 'executed'
			AND order_id = ANY(ARRAY(SELECT order_id FROM transfers WHERE bucket = $1 AND debt_id = $2 AND kind = 'payment'))`, bucket, debtID)
	return tiyn, err
}
