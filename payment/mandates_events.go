package payment

import (
	"context"
)

// MandateEventQuery selects steps of an agreement.
type MandateEventQuery struct {
	// After is the number behind which to continue; 0 starts.
	After int
	// Newest turns the order round: the newest first, and what comes after a number is older.
	Newest bool
	// Limit is 1 to 100; 0 means 50.
	Limit int
}

// MandateEventPage is a page of them.
type MandateEventPage struct {
	Items   []MandateEvent `json:"items"`
	HasMore bool           `json:"has_more"`
}

// MandateEvents lists the steps of an agreement, the oldest first; an agreement may be used for years. Errors: [ErrMandateUnknown],
// [ErrInvalid].
func (s *Service) MandateEvents(ctx context.Context, id string, q MandateEventQuery) (MandateEventPage, error) {
	page := MandateEventPage{Items: []MandateEvent{}}
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return page, err
	}
	if q.After < 0 {
		return page, ErrInvalid.with("events are numbered from 1").at("after")
	}
	row, err := s.readMandate(ctx, s.db, id, "")
	if err != nil {
		return page, err
	}
	which, direction := "e.number > $3", "ASC"
	if q.Newest {
		which, direction = "($3 = 0 OR e.number < $3)", "DESC"
	}
	err = all(ctx, s.db, &page.Items, `SELECT e.number, e.event, e.at, e.order_id, e.amount, e.notice, coalesce(o.state, '') AS order_state
		FROM mandate_events e LEFT JOIN orders o ON o.bucket = e.bucket AND o.id = e.order_id
		WHERE e.bucket = $1 AND e.mandate_id = $2 AND `+which+` ORDER BY e.number `+direction+` LIMIT $4`,
		row.Bucket, row.ID, q.After, limit+1)
	if page.HasMore = len(page.Items) > limit; page.HasMore {
		page.Items = page.Items[:limit]
	}
	for i := range page.Items {
		page.Items[i].At = page.Items[i].At.UTC()
	}
	return page, err
}
