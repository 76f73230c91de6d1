package payment

import (
	"context"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/bank"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// insertAllocations stores the parts of an order that has several, each with the reference under which the bank's
// statement will name it. It has the form of an attempt's digits, which fit the 35 characters of an EndToEndId.
func insertAllocations(ctx context.Context, tx *sqlx.Tx, o *orderRow, items []itemRow) error {
	var parts, amounts []int64
	var agencies, references []string
	for _, item := range items {
		for item.Part > len(parts) {
			reference, err := newID(prefixAttempt, o.Bucket)
			if err != nil {
				return err
			}
			parts, amounts = append(parts, int64(len(parts)+1)), append(amounts, 0)
			agencies, references = append(agencies, ""), append(references, strings.TrimPrefix(reference, prefixAttempt))
		}
		if i := item.Part - 1; i >= 0 {
			agencies[i], amounts[i] = item.Agency, amounts[i]+item.Tiyn
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return exec(ctx, tx, int64(len(parts)), `
		INSERT INTO order_allocations (bucket, order_id, part, agency_id, reference, amount, currency)
		SELECT $1, $2, part, agency_id, reference, amount, 'KZT'
		FROM unnest($3::integer[], $4::text[], $5::text[], $6::bigint[]) AS t (part, agency_id, reference, amount)`,
		o.Bucket, o.ID, pq.Array(parts), pq.Array(agencies), pq.Array(references), pq.Array(amounts))
}

// several reports whether items belong to more than one allocation.
func several(items []itemRow) bool { return len(items) > 0 && items[0].Part > 0 }

// partsOf reads the parts of an order, with their receipts; none when it has one allocation alone.
func partsOf(ctx context.Context, q sqlx.QueryerContext, o *orderRow, items []itemRow) ([]order.Part, error) {
	if !several(items) {
		return nil, nil
	}
	var rows []struct {
		Part      int    `db:"part"`
		Agency    string `db:"agency_id"`
		Reference string `db:"reference"`
		Receipt   string `db:"receipt"`
		money.Amount
	}
	err := all(ctx, q, &rows, `
		SELECT a.part, a.agency_id, a.reference, a.amount, a.currency, coalesce(r.id, '') AS receipt
		FROM order_allocations a LEFT JOIN receipts r ON r.bucket = a.bucket AND r.order_id = a.order_id AND r.part = a.part
		WHERE a.bucket = $1 AND a.order_id = $2 ORDER BY a.part`, o.Bucket, o.ID)
	parts := make([]order.Part, len(rows))
	for i, r := range rows {
		parts[i] = order.Part{Part: r.Part, Agency: r.Agency, Amount: r.Amount, Reference: r.Reference, Receipt: r.Receipt}
	}
	return parts, err
}

// instructions are what the bank shall credit when an order has several parts, in their order; none when it has one.
func instructions(ctx context.Context, q sqlx.QueryerContext, o *orderRow, doc order.Document) ([]bank.Allocation, error) {
	allocations := order.Allocate(doc.Items)
	if len(allocations) < 2 {
		return nil, nil
	}
	var references []string
	if err := all(ctx, q, &references, `SELECT reference FROM order_allocations WHERE bucket = $1 AND order_id = $2 ORDER BY part`, o.Bucket, o.ID); err != nil {
		return nil, err
	}
	if len(references) != len(allocations) {
		return nil, errAllocations
	}
	list := make([]bank.Allocation, len(allocations))
	for i, a := range allocations {
		list[i] = bank.Allocation{Reference: references[i], Amount: a.Amount, Beneficiary: beneficiaryOf(a.First()), Purpose: purposeOfItems(a.Items)}
	}
	return list, nil
}
