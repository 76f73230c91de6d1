package payment

import (
	"context"

	"qaqpa/payment/catalog"
	"qaqpa/payment/order"
)

// OrderQuery selects the orders of one payer, the newest first.
type OrderQuery struct {
	// Payer is an IIN or BIN.
	Payer string
	// Before is the id of the order after which to continue; empty starts with the newest.
	Before string
	// Limit is 1 to 100; 0 means 50.
	Limit int
}

// OrderPage is a page of orders.
type OrderPage struct {
	Items   []order.Order `json:"items"`
	HasMore bool          `json:"has_more"`
}

// Orders lists the orders of a payer by their ids, which grow with time. Items of the orders are left out. Errors:
// [ErrPayerIDInvalid], [ErrInvalid].
func (s *Service) Orders(ctx context.Context, q OrderQuery) (OrderPage, error) {
	if !catalog.ValidPayerID(q.Payer) {
		return OrderPage{}, ErrPayerIDInvalid.at("payer")
	}
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return OrderPage{}, err
	}
	var rows []orderRow
	err = all(ctx, s.db, &rows, `SELECT `+orderColumns+` FROM orders o
		WHERE o.bucket = $1 AND o.payer_id = ANY($2) AND ($3 = '' OR o.id < $3)
		ORDER BY o.id DESC LIMIT $4`, bucketOf(q.Payer), s.private.forms(q.Payer), q.Before, limit+1)
	if err != nil {
		return OrderPage{}, err
	}
	page := OrderPage{HasMore: len(rows) > limit}
	now := s.now()
	for i := range rows[:min(len(rows), limit)] {
		if err := s.private.order(ctx, &rows[i]); err != nil {
			return OrderPage{}, err
		}
		page.Items = append(page.Items, viewOrder(&rows[i], nil, nil, now))
	}
	return page, nil
}
