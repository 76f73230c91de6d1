package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/flow"
	"qaqpa/payment/order"
)

// partOf is the part of a debt that a request asks for, 0 for all that is left.
func partOf(req order.Request, id string) int64 {
	for _, part := range req.Instalments {
		if part.Debt == id {
			return part.Tiyn
		}
	}
	return 0
}

// checkInstalments refuses parts of debts that the order does not pay, parts that are named twice, and sums that cannot be paid.
func checkInstalments(req order.Request) error {
	asked := make(map[string]bool, len(req.Debts))
	for _, id := range req.Debts {
		asked[id] = true
	}
	for i, part := range req.Instalments {
		field := fmt.Sprintf("instalments[%d]", i)
		switch {
		case !asked[part.Debt]:
			return ErrInvalid.with("names a debt that the order does not pay, or names it twice").at(field + ".debt")
		case part.Tiyn <= 0 || part.Tiyn > catalog.TiynMax:
			return ErrAmountInvalid.at(field + ".amount")
		}
		asked[part.Debt] = false
	}
	return nil
}

// owing says what an order that is made now pays of a debt.
func (s *store) owing(d debt.Debt, v catalog.Service, part int64) (debt.Owed, error) {
	owed, err := d.Owe(v, part, catalog.DateOf(s.now()))
	if err != nil {
		return owed, partError(err).with(d.ID)
	}
	return owed, nil
}

func partError(err error) *Error {
	switch {
	case errors.Is(err, debt.ErrHeld):
		return ErrDebtBeingPaid
	case errors.Is(err, debt.ErrWhole):
		return ErrInstalments
	case errors.Is(err, debt.ErrBounds):
		return ErrInstalmentBounds
	}
	return ErrDebtChanged.because(err)
}

// tied reports whether a locked debt can be tied to an item as the payer signed it: nobody changed, paid or holds so much of it
// that the sum does not fit any more. Discounts are judged by the document; see [order.Document.Lapsed].
func (s *Service) tied(d debt.Debt, item itemRow) error {
	event := debt.Reserve
	if item.Instalment {
		event = debt.Hold
	}
	switch _, err := s.debtTable.Next(d.State, event); {
	case err != nil:
		return debtStateError(d.State).with(item.Debt)
	case d.Version != item.DebtVersion:
		return ErrDebtChanged.with(item.Debt)
	case item.Instalment && item.Tiyn > d.Left(), !item.Instalment && (d.Paid != 0 || d.Held != 0):
		return ErrAmountChanged.with(fmt.Sprintf("%s: %d tiyn are left", item.Debt, d.Left()))
	case !item.Instalment && d.Tiyn != item.Tiyn+item.Discount:
		return ErrDebtChanged.with(item.Debt)
	}
	return nil
}

// wholeAndParts tells the debts that items pay at once from the items that pay parts.
func wholeAndParts(items []itemRow) (whole []string, parts []itemRow) {
	for _, item := range items {
		if item.Instalment {
			parts = append(parts, item)
		} else {
			whole = append(whole, item.Debt)
		}
	}
	return whole, parts
}

// moveItems takes the debts of an order along: those paid at once by event, those paid in parts by what event means for a part.
// The debts are locked; found is as they were. It returns what stays owed of debts paid in parts, by debt.
func (s *Service) moveItems(ctx context.Context, tx *sqlx.Tx, items []itemRow, found map[string]debt.Debt, m debtMove) (map[string]int64, error) {
	whole, parts := wholeAndParts(items)
	if len(whole) > 0 {
		if err := s.moveDebts(ctx, tx, whole, m); err != nil {
			return nil, err
		}
	}
	if len(parts) == 0 {
		return nil, nil //nolint:nilnil // no parts is an answer
	}
	rests := make(map[string]int64, len(parts))
	n := len(parts)
	ids, held, paid := make([]string, n), make([]int64, n), make([]int64, n)
	for i, item := range parts {
		d := found[item.Debt]
		event, err := partEvent(m.event, d, item.Tiyn)
		if err != nil {
			return nil, err
		}
		if _, err := s.debtTable.Next(d.State, event); err != nil {
			return nil, err
		}
		ids[i], rests[item.Debt] = item.Debt, d.Tiyn-d.Paid
		switch event {
		case debt.Hold:
			held[i] = item.Tiyn
		case debt.Free:
			held[i] = -item.Tiyn
		default:
			held[i], paid[i] = -item.Tiyn, item.Tiyn
			rests[item.Debt] -= item.Tiyn
		}
	}
	// Where nothing is left to pay, the debt is closed by this order.
	return rests, exec(ctx, tx, int64(n), `
		UPDATE debts d SET part_held = d.part_held + t.held, part_paid = d.part_paid + t.paid,
			state = CASE WHEN t.paid > 0 AND d.part_paid + t.paid - d.part_restored = d.amount THEN 'paid' ELSE d.state END,
			order_id = CASE WHEN t.paid > 0 AND d.part_paid + t.paid - d.part_restored = d.amount THEN $2 ELSE d.order_id END,
			paid_at = CASE WHEN t.paid > 0 AND d.part_paid + t.paid - d.part_restored = d.amount THEN $3 ELSE d.paid_at END
		FROM unnest($4::text[], $5::bigint[], $6::bigint[]) AS t (id, held, paid)
		WHERE d.bucket = $1 AND d.id = t.id AND d.state = 'open'`,
		m.order.Bucket, m.order.ID, m.paidAt, pq.Array(ids), pq.Array(held), pq.Array(paid))
}

// partEvent is what an event of an order means for a debt of which it pays a part.
func partEvent(event flow.Event, d debt.Debt, part int64) (flow.Event, error) {
	if event == debt.Reserve {
		return debt.Hold, nil
	}
	if d.Held < part {
		return "", fmt.Errorf("%w: %d of %s are held, not %d", errReservation, d.Held, d.ID, part)
	}
	switch {
	case event == debt.Release:
		return debt.Free, nil
	case d.Paid+part == d.Tiyn:
		return debt.PayRest, nil
	}
	return debt.PayPart, nil
}

// restore makes a part that was given back owed again, where its debt is still open; done is false where it is not, and the debt
// that is owed again has to be one of its own.
func restore(ctx context.Context, tx *sqlx.Tx, row *refundRow, d debt.Debt) (done bool, err error) {
	if d.State != debt.Open || d.Paid < row.Tiyn {
		return false, nil
	}
	return true, exec(ctx, tx, 1, `UPDATE debts SET part_restored = part_restored + $3 WHERE bucket = $1 AND id = $2 AND state = 'open'`,
		row.Bucket, row.Debt, row.Tiyn)
}

// dress adds to debts what is payable of them now.
func (s *store) dress(ctx context.Context, q sqlx.QueryerContext, debts []debt.Debt) error {
	var keys []serviceKey
	for _, d := range debts {
		if d.State == debt.Open {
			keys = append(keys, serviceKey{d.Service, d.ServiceVersion})
		}
	}
	if len(keys) == 0 {
		return nil
	}
	services, err := loadServiceVersions(ctx, q, keys)
	if err != nil {
		return err
	}
	today := catalog.DateOf(s.now())
	for i, d := range debts {
		debts[i] = d.Dressed(services[serviceKey{d.Service, d.ServiceVersion}], today)
	}
	return nil
}
