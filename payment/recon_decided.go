package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/recon"
)

// Plan is a resolution as it was proposed.
type Plan struct {
	Way recon.Way `json:"way"`
	// Expectations are the ids of what is linked.
	Expectations []string `json:"expectations,omitempty"`
	// ParkRest says that what they leave of the line goes to suspense.
	ParkRest bool `json:"park_rest,omitempty"`
}

// PlanOf reads the Proposal or the Resolution of an [Exception]; false for an exception that has none, or that ended without people.
func PlanOf(text string) (Plan, bool) {
	var p Plan
	if json.Unmarshal([]byte(text), &p) != nil || p.Way == "" {
		return Plan{}, false
	}
	return p, true
}

// ProposedLegs are the transfers that the approval of an exception's proposal makes, so that the second person sees what moves; none for an
// exception on which nothing is proposed, and for a resolution that moves nothing. Errors: [ErrExceptionUnknown], and [ErrResolutionMisfit]
// for what was proposed and fits no more.
func (s *Service) ProposedLegs(ctx context.Context, id string) ([]recon.Leg, error) {
	k, ok := parseExceptionID(id)
	if !ok {
		return nil, ErrExceptionUnknown
	}
	var legs []recon.Leg
	err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		row, err := findException(ctx, tx, k, "")
		if err != nil || row.State != recon.Proposed {
			return err
		}
		var plan resolutionPlan
		if err := json.Unmarshal([]byte(row.Proposal), &plan); err != nil {
			return fmt.Errorf("couldn't read the proposal: %w", err)
		}
		if plan.Way == recon.Prove { // the payment itself is booked as when its bank had told of it
			legs, err = recon.Legs(plan.Way, recon.Item{Kind: row.Kind, Bank: row.Bank, Account: row.Account, Tiyn: row.Tiyn, Linked: row.Tiyn})
			return err
		}
		x := &acting{Service: s, tx: tx, row: &row, now: s.now()}
		out, err := x.legs(ctx, plan)
		legs = out.legs
		return err
	})
	return legs, err
}

// DecidedException is an exception that two people have resolved.
type DecidedException struct {
	Exception

	// ApprovedBy is the second person; ProposedBy is the first.
	ApprovedBy string
	ApprovedAt time.Time
}

// decidedMax is the most decisions that are listed.
const decidedMax = 200

// DecidedPage is a page of decisions, the last approval first.
type DecidedPage struct {
	Items []DecidedException
	// Next is After of the page with the older ones; empty behind the oldest.
	Next string
}

// approvalRow is where an approval stands among all.
type approvalRow struct {
	exceptionKey
	Version int
	At      time.Time
}

// cursor names the row for the next page.
func (a approvalRow) cursor() string {
	return fmt.Sprintf("%d-%d-%s", a.At.UnixMicro(), a.Version, a.String())
}

// approvalAt reads a cursor.
func approvalAt(cursor string) (a approvalRow, ok bool) {
	at, rest, _ := strings.Cut(cursor, "-")
	version, id, _ := strings.Cut(rest, "-")
	micro, err1 := strconv.ParseInt(at, 10, 64)
	n, err2 := strconv.ParseInt(version, 10, 32)
	k, known := parseExceptionID(id)
	return approvalRow{exceptionKey: k, Version: int(n), At: time.UnixMicro(micro).UTC()}, err1 == nil && err2 == nil && known && micro > 0 && micro < 1<<53
}

// DecidedExceptions lists what two people have resolved, the last approval first; limit is 1 to 200. after is Next of the page before, or
// empty. An exception whose match was undone since stands there with the state that it has now. Errors: [ErrInvalid].
func (s *Service) DecidedExceptions(ctx context.Context, after string, limit int) (DecidedPage, error) {
	from := approvalRow{At: time.Unix(1<<40, 0)}
	if after != "" {
		var ok bool
		if from, ok = approvalAt(after); !ok {
			return DecidedPage{}, ErrInvalid.with("is where a page ended").at("after")
		}
	}
	limit = min(max(limit, 1), decidedMax)
	const order = `at DESC, bucket DESC, statement DESC, no DESC, part DESC, missing DESC, version DESC`
	var rows []struct {
		exceptionRow
		NoteVersion int       `db:"note_version"`
		ApprovedBy  string    `db:"approved_by"`
		ApprovedAt  time.Time `db:"approved_at"`
	}
	if err := all(ctx, s.db, &rows, `
		SELECT e.bucket, e.statement, e.no, e.part, e.missing, e.bank_bic, e.account, e.kind, e.state, e.amount, e.related, e.rule, e.owner, e.opened_on,
			e.version, e.proposal, e.proposed_by, e.resolution, e.posting_id, e.answer_by, y.version AS note_version, y.actor AS approved_by, y.at AS approved_at
		FROM (SELECT z.* FROM generate_series(0, 255) AS b (bucket), LATERAL (
			SELECT bucket, statement, no, part, missing, version, actor, at FROM recon_notes
			WHERE bucket = b.bucket AND event = 'approve' AND at <= $1
				AND ($8 = '' OR (at, bucket, statement, no, part, missing, version) < ($1, $2::integer, $3::bigint, $4::integer, $5::integer, $6::bigint, $7::integer))
			ORDER BY `+order+` LIMIT $9) z ORDER BY `+order+` LIMIT $9) y
		JOIN recon_exceptions e ON e.bucket = y.bucket AND e.statement = y.statement AND e.no = y.no AND e.part = y.part AND e.missing = y.missing
		ORDER BY y.at DESC, y.bucket DESC, y.statement DESC, y.no DESC, y.part DESC, y.missing DESC, y.version DESC`,
		from.At, from.Bucket, from.Statement, from.No, from.Part, from.Missing, from.Version, after, limit+1); err != nil {
		return DecidedPage{}, err
	}
	page := DecidedPage{}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = approvalRow{exceptionKey: last.exceptionKey, Version: last.NoteVersion, At: last.ApprovedAt}.cursor()
	}
	now := s.now()
	for _, r := range rows {
		page.Items = append(page.Items, DecidedException{Exception: r.exception(now), ApprovedBy: r.ApprovedBy, ApprovedAt: r.ApprovedAt.UTC()})
	}
	return page, nil
}
