package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qaqpa/payment/recon"
)

// Which conversations a bank looks at.
const (
	TalkWaiting  = "waiting"  // for the bank's answer
	TalkAnswered = "answered" // and not settled yet
	TalkSettled  = "settled"
)

// BankTalk is an exception about which a bank was asked, in a list.
type BankTalk struct {
	Exception
	// Asked is when the last question came.
	Asked time.Time
}

// BankTalkQuery selects them, those asked last first.
type BankTalkQuery struct {
	Bank string
	// Which is one of the above; empty means all.
	Which string
	// After is the id behind which to continue; empty starts.
	After string
	// Limit is 1 to 100; 0 means 50.
	Limit int
}

// BankTalkPage is a page of them.
type BankTalkPage struct {
	Items   []BankTalk
	HasMore bool
}

// askedLast is when a bank was asked last about the exception e; NULL when it never was.
const askedLast = `(SELECT max(n.at) FROM recon_notes n WHERE n.bucket = e.bucket AND n.statement = e.statement AND n.no = e.no AND n.part = e.part AND n.missing = e.missing
	AND n.event = 'ask')`

// BankTalks lists the exceptions about which a bank was asked, whatever became of them since: it learns nothing of the others.
// Errors: [ErrInvalid], [ErrExceptionUnknown] for an After about which the bank was not asked.
func (s *Service) BankTalks(ctx context.Context, q BankTalkQuery) (BankTalkPage, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return BankTalkPage{}, err
	}
	if !slices.Contains([]string{"", TalkWaiting, TalkAnswered, TalkSettled}, q.Which) {
		return BankTalkPage{}, ErrInvalid.with("waiting, answered or settled").at("state")
	}
	var after exceptionKey
	from := time.Unix(1<<40, 0)
	if q.After != "" {
		var ok bool
		if after, ok = parseExceptionID(q.After); !ok {
			return BankTalkPage{}, ErrInvalid.with("no exception has this id").at("starting_after")
		}
		if from, err = s.askedAt(ctx, q.Bank, after); err != nil {
			return BankTalkPage{}, err
		}
	}
	var rows []struct {
		exceptionRow
		Asked time.Time `db:"asked"`
	}
	err = all(ctx, s.db, &rows, `
		SELECT `+exceptionColumns+`, asked FROM recon_exceptions JOIN (SELECT bucket, statement, no, part, missing, max(at) AS asked FROM recon_notes
			WHERE bucket = $1 AND event = 'ask' GROUP BY bucket, statement, no, part, missing) AS n USING (bucket, statement, no, part, missing)
		WHERE bank_bic = $2 AND CASE $3 WHEN 'waiting' THEN state = 'asked' WHEN 'answered' THEN state <> 'asked' AND state NOT IN `+settledStates+`
			WHEN 'settled' THEN state IN `+settledStates+` ELSE true END
			AND (asked, statement, no, part, missing) < ($4, $5::bigint, $6::integer, $7::integer, $8::bigint)
		ORDER BY asked DESC, statement DESC, no DESC, part DESC, missing DESC LIMIT $9`,
		bucketOf(q.Bank), q.Bank, q.Which, from, after.Statement, after.No, after.Part, after.Missing, limit+1)
	if err != nil {
		return BankTalkPage{}, fmt.Errorf("couldn't list the questions to a bank: %w", err)
	}
	page := BankTalkPage{HasMore: len(rows) > limit}
	for _, r := range rows[:min(len(rows), limit)] {
		page.Items = append(page.Items, BankTalk{Exception: r.exception(s.now()), Asked: r.Asked.UTC()})
	}
	return page, nil
}

// askedAt is when a bank was asked last about an exception.
func (s *Service) askedAt(ctx context.Context, bank string, k exceptionKey) (time.Time, error) {
	var at *time.Time
	err := one(ctx, s.db, &at, `SELECT `+askedLast+` FROM recon_exceptions e WHERE e.bucket = $1 AND e.statement = $2 AND e.no = $3 AND e.part = $4 AND e.missing = $5
		AND e.bank_bic = $6`, k.Bucket, k.Statement, k.No, k.Part, k.Missing, bank)
	if err == nil && at == nil {
		return time.Time{}, ErrExceptionUnknown
	}
	if err != nil {
		return time.Time{}, orMissing(err, ErrExceptionUnknown)
	}
	return *at, nil
}

// BankTalk shows an exception to the bank that was asked about it, with the conversation and its state.
// Errors: [ErrExceptionUnknown], also for one of another bank and for one about which it was not asked.
func (s *Service) BankTalk(ctx context.Context, bank, id string) (q BankQuestion, state recon.State, err error) {
	k, ok := parseExceptionID(id)
	if !ok {
		return BankQuestion{}, "", ErrExceptionUnknown
	}
	if _, err := s.askedAt(ctx, bank, k); err != nil {
		return BankQuestion{}, "", err
	}
	row, err := findException(ctx, s.db, k, "")
	if err != nil {
		return BankQuestion{}, "", err
	}
	q, err = s.question(ctx, row.exception(s.now()))
	return q, row.State, err
}
