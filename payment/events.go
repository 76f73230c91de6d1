package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/pgarray"
)

// eventsPerRun bounds how many events are numbered in one transaction.
const eventsPerRun = 500

// Event is what a webhook tells, for agencies that fetch.
type Event struct {
	// Seq counts the events of the agency from 1, without gaps.
	Seq int64 `json:"seq"`
	// ID is the webhook-id of the same event.
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// Event is the body of the webhook, byte for byte.
	Event json.RawMessage `json:"event"`
}

// EventPage is a page of events. Next is where the next page begins; ask for it again later when HasMore is false.
type EventPage struct {
	Items   []Event `json:"items"`
	HasMore bool    `json:"has_more"`
	Next    int64   `json:"next"`
}

// Events lists the events of an agency after the one numbered after, in their order. Who keeps Next and asks on misses
// nothing and gets nothing twice: a number is given when everything before it is committed. limit is 1 to 100; 0 means 50.
// Errors: [ErrInvalid], [ErrAgencyUnknown].
func (s *Service) Events(ctx context.Context, agency string, after int64, limit int) (EventPage, error) {
	page := EventPage{Items: []Event{}, Next: after}
	limit, err := pageLimit(limit)
	if err != nil {
		return page, err
	}
	if after < 0 {
		return page, ErrInvalid.with("events are numbered from 1").at("after")
	}
	if err := s.agencyKnown(ctx, s.db, agency); err != nil {
		return page, err
	}
	var rows []struct {
		Seq     int64     `db:"event_seq"`
		ID      string    `db:"id"`
		At      time.Time `db:"created_at"`
		Payload []byte    `db:"payload"`
		Order   string    `db:"order_id"`
		Debt    string    `db:"debt_id"`
	}
	err = all(ctx, s.db, &rows, `SELECT event_seq, id, created_at, payload, order_id, debt_id FROM outbox WHERE agency_id = $1 AND event_seq > $2 ORDER BY event_seq LIMIT $3`,
		agency, after, limit+1)
	if err != nil {
		return page, err
	}
	page.HasMore = len(rows) > limit
	for _, r := range rows[:min(len(rows), limit)] {
		if r.Payload, err = s.private.open(ctx, r.Payload, place("outbox", "payload", r.Order+"/"+r.Debt)); err != nil {
			return page, err
		}
		page.Items = append(page.Items, Event{Seq: r.Seq, ID: r.ID, At: r.At.UTC(), Event: r.Payload})
		page.Next = r.Seq
	}
	return page, nil
}

// workEvents numbers events that can be told and have no number yet. An agency's head is locked until its new numbers are
// committed, so nobody sees a number before those below it.
func (s *Service) workEvents(ctx context.Context) (int, error) {
	done := 0
	err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		var rows []struct {
			Bucket int    `db:"bucket"`
			ID     string `db:"id"`
			Agency string `db:"agency_id"`
		}
		// What followed a payment waits until the payment itself is told, for its receipt may come late: a correction of a payment that
		// an agency has never heard of would be thrown away there.
		err := all(ctx, tx, &rows, `SELECT x.bucket, x.id, x.agency_id FROM outbox x WHERE x.event_seq IS NULL AND x.payload IS NOT NULL
			AND (x.subject = '' OR NOT EXISTS (SELECT 1 FROM outbox e WHERE e.bucket = x.bucket AND e.order_id = x.order_id AND e.debt_id = x.debt_id
				AND e.subject = '' AND e.event_seq IS NULL))
			ORDER BY x.created_at, x.id LIMIT $1 FOR UPDATE OF x SKIP LOCKED`, eventsPerRun)
		if err != nil {
			return err
		}
		if done = len(rows); done == 0 {
			return nil
		}
		more := map[string]int64{}
		for _, r := range rows {
			more[r.Agency]++
		}
		next, err := takeNumbers(ctx, tx, more)
		if err != nil {
			return err
		}
		buckets, ids, seqs := make([]int64, done), make([]string, done), make([]int64, done)
		for i, r := range rows {
			buckets[i], ids[i], seqs[i] = int64(r.Bucket), r.ID, next[r.Agency]
			next[r.Agency]++
		}
		return exec(ctx, tx, int64(done), `
			UPDATE outbox SET event_seq = t.seq FROM unnest($1::integer[], $2::text[], $3::bigint[]) AS t (bucket, id, seq)
			WHERE outbox.bucket = t.bucket AND outbox.id = t.id AND outbox.event_seq IS NULL`,
			pgarray.Int4s(buckets), pgarray.Texts(ids), pgarray.Int8s(seqs))
	})
	return done, err
}

// takeNumbers takes as many numbers as each agency needs and returns the first of each. Heads are locked in the order of ids.
func takeNumbers(ctx context.Context, tx *sqlx.Tx, more map[string]int64) (map[string]int64, error) {
	agencies := make([]string, 0, len(more))
	for agency := range more {
		agencies = append(agencies, agency)
	}
	slices.Sort(agencies)
	counts := make([]int64, len(agencies))
	for i, agency := range agencies {
		counts[i] = more[agency]
	}
	var heads []struct {
		Agency string `db:"agency_id"`
		Size   int64  `db:"size"`
	}
	err := all(ctx, tx, &heads, `
		INSERT INTO agency_event_heads AS h (agency_id, size)
		SELECT agency_id, n FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS t (agency_id, n, place) ORDER BY place
		ON CONFLICT (agency_id) DO UPDATE SET size = h.size + excluded.size
		RETURNING h.agency_id, h.size`, pgarray.Texts(agencies), pgarray.Int8s(counts))
	if err != nil {
		return nil, err
	}
	if len(heads) != len(agencies) {
		return nil, fmt.Errorf("took numbers for %d of %d agencies: %w", len(heads), len(agencies), errWrote)
	}
	first := make(map[string]int64, len(heads))
	for _, h := range heads {
		first[h.Agency] = h.Size - more[h.Agency] + 1
	}
	return first, nil
}
