package payment

import (
	"context"
	"encoding/json"
	"fmt"
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

// DecidedExceptions lists what two people have resolved, the last approval first; limit is 1 to 200. An exception whose match was undone
// since stands there with the state that it has now.
func (s *Service) DecidedExceptions(ctx context.Context, limit int) ([]DecidedException, error) {
	var rows []struct {
		exceptionRow
		ApprovedBy string    `db:"approved_by"`
		ApprovedAt time.Time `db:"approved_at"`
	}
	err := all(ctx, s.db, &rows, `
		SELECT e.bucket, e.statement, e.no, e.part, e.missing, e.bank_bic, e.account, e.kind, e.state, e.amount, e.related, e.rule, e.owner, e.opened_on,
			e.version, e.proposal, e.proposed_by, e.resolution, e.posting_id, e.answer_by, n.actor AS approved_by, n.at AS approved_at
		FROM (SELECT * FROM recon_notes WHERE event = 'approve' ORDER BY at DESC LIMIT $1) n JOIN recon_exceptions e
			ON e.bucket = n.bucket AND e.statement = n.statement AND e.no = n.no AND e.part = n.part AND e.missing = n.missing
		ORDER BY n.at DESC`, min(max(limit, 1), decidedMax))
	if err != nil {
		return nil, err
	}
	now := s.now()
	out := make([]DecidedException, len(rows))
	for i, r := range rows {
		out[i] = DecidedException{Exception: r.exception(now), ApprovedBy: r.ApprovedBy, ApprovedAt: r.ApprovedAt.UTC()}
	}
	return out, nil
}
