package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"qaqpa/payment/recon"
)

// Bounds of a page of the queue.
const (
	queueLimitMax     = 100
	queueLimitDefault = 50
)

// Exceptions lists the queue. Errors: [ErrInvalid].
func (s *Service) Exceptions(ctx context.Context, q ExceptionQuery) (ExceptionPage, error) {
	if q.Limit == 0 {
		q.Limit = queueLimitDefault
	}
	now := s.now()
	opened, err := q.check(recon.DayOf(now))
	if err != nil {
		return ExceptionPage{}, err
	}
	var after exceptionKey
	from := time.Time{}.AddDate(1, 0, 0)
	if q.After != "" {
		k, ok := parseExceptionID(q.After)
		if !ok {
			return ExceptionPage{}, ErrInvalid.with("no exception has this id").at("starting_after")
		}
		row, err := findException(ctx, s.db, k, "")
		if err != nil {
			return ExceptionPage{}, err
		}
		after, from = k, row.OpenedOn
	}
	var rows []exceptionRow
	err = all(ctx, s.db, &rows, `
		SELECT `+exceptionColumns+` FROM recon_exceptions
		WHERE (bank_bic = $1 OR $1 = '') AND (kind = $2 OR $2 = '') AND (owner = $3 OR $3 = '')
			AND CASE WHEN $4 = '' THEN state NOT IN `+settledStates+` ELSE state = $4 END
			AND (opened_on, bucket, statement, no, part, missing) > ($5::date, $6::integer, $7::bigint, $8::integer, $9::integer, $10::bigint)
			AND opened_on BETWEEN $12::date AND $13::date AND ($14 < 0 OR `+gradeOf+` = $14)
		ORDER BY opened_on, bucket, statement, no, part, missing LIMIT $11`,
		q.Bank, string(q.Kind), q.Owner, string(q.State), from, after.Bucket, after.Statement, after.No, after.Part, after.Missing, q.Limit+1,
		opened[0], opened[1], slices.Index(recon.Severities(), q.Severity), recon.DayOf(now), pq.Array(recon.ShortOf()))
	if err != nil {
		return ExceptionPage{}, err
	}
	page := ExceptionPage{Items: []Exception{}, HasMore: len(rows) > q.Limit}
	for _, r := range rows[:min(len(rows), q.Limit)] {
		page.Items = append(page.Items, r.exception(now))
	}
	return page, nil
}

// gradeOf is [recon.SeverityOf] as the database computes it: the place of the severity. $15 is today, $16 are [recon.ShortOf].
var gradeOf = fmt.Sprintf(`least(greatest(1 + (kind = ANY($16))::integer + (amount >= %[1]d OR amount <= -%[1]d)::integer
	- (amount < %[2]d AND amount > -%[2]d)::integer + (opened_on <= $15::date - %[3]d)::integer, 0), 3)`, recon.LargeTiyn, recon.SmallTiyn, recon.LateDays)

// check refuses what names nothing, which would look like an empty queue, and returns the days between which an exception of the asked age
// was opened.
func (q ExceptionQuery) check(today recon.Day) (opened [2]time.Time, err error) {
	opened = [2]time.Time{time.Time{}.AddDate(1, 0, 0), today.AddDate(100, 0, 0)}
	age, known := recon.ParseAge(q.Age)
	switch {
	case q.Limit < 1 || q.Limit > queueLimitMax:
		return opened, ErrInvalid.with("1 to 100").at("limit")
	case q.Kind != "" && !slices.Contains(recon.Kinds(), q.Kind):
		return opened, ErrInvalid.with("no such kind").at("kind")
	case q.State != "" && !slices.Contains(recon.States(), q.State):
		return opened, ErrInvalid.with("no such state").at("state")
	case q.Severity != "" && !slices.Contains(recon.Severities(), q.Severity):
		return opened, ErrInvalid.with("no such severity").at("severity")
	case q.Age != "" && !known:
		return opened, ErrInvalid.with("0-1, 2-3, 4-7, 8-30 or 30+").at("age")
	case q.Age == "":
		return opened, nil
	}
	first, last := age.Bounds()
	if first > 0 { // what was opened later than today is fresh, too
		opened[1] = today.AddDate(0, 0, -first)
	}
	if last >= 0 {
		opened[0] = today.AddDate(0, 0, -last)
	}
	return opened, nil
}
