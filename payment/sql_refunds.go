package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"qaqpa/payment/flow"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/refund"
)

const (
	prefixRefund      = "rfd_"
	prefixRefundBatch = "rfb_"
)

const refundColumns = `r.bucket, r.id, r.batch_id, r.version, r.kind, r.state, r.order_id, r.debt_id, r.transfer_id, r.agency_id, r.bank_bic,
	r.amount, r.currency, r.reason, r.comment, r.aftermath, r.service_id, r.target_debt, r.asked_by, r.asked_at, r.decided_by, r.decided_at,
	r.message, r.sends, r.tries, r.due_at, r.last_problem, r.bank_reference, r.executed_at, r.bank_reason, r.successor, r.posting_id, r.commission, r.agency_commission`

type refundRow struct {
	Bucket   int          `db:"bucket"`
	ID       string       `db:"id"`
	Batch    string       `db:"batch_id"`
	Version  int          `db:"version"` // counts events
	Kind     refund.Kind  `db:"kind"`
	State    refund.State `db:"state"`
	Order    string       `db:"order_id"`
	Debt     string       `db:"debt_id"`
	Transfer string       `db:"transfer_id"`
	Agency   string       `db:"agency_id"`
	Bank     string       `db:"bank_bic"`
	money.Amount
	Reason        refund.Reason    `db:"reason"`
	Comment       string           `db:"comment"`
	Then          refund.Aftermath `db:"aftermath"`
	Service       string           `db:"service_id"`
	Target        string           `db:"target_debt"`
	AskedBy       string           `db:"asked_by"`
	AskedAt       time.Time        `db:"asked_at"`
	DecidedBy     *string          `db:"decided_by"`
	DecidedAt     *time.Time       `db:"decided_at"`
	Message       []byte           `db:"message"`
	Sends         int              `db:"sends"`
	Tries         int              `db:"tries"`
	DueAt         time.Time        `db:"due_at"`
	LastProblem   string           `db:"last_problem"`
	BankReference *string          `db:"bank_reference"`
	ExecutedAt    *time.Time       `db:"executed_at"`
	BankReason    string           `db:"bank_reason"`
	Successor     string           `db:"successor"`
	Posting       *string          `db:"posting_id"`
	// Commission is what the bank gives back to the payer, AgencyCommission to the agency.
	Commission       int64 `db:"commission"`
	AgencyCommission int64 `db:"agency_commission"`

	// events are the steps since the row was locked, not yet stored.
	events []refund.Event
}

func (x *refundRow) view() refund.Refund {
	return refund.Refund{
		ID: x.ID, Batch: x.Batch, Version: x.Version, Kind: x.Kind, State: x.State, Order: x.Order, Debt: x.Debt, Transfer: x.Transfer,
		Agency: x.Agency, Bank: x.Bank, Amount: x.Amount, Commission: x.Commission, AgencyCommission: x.AgencyCommission, Reason: x.Reason, Comment: x.Comment, Then: x.Then, Service: x.Service, Target: x.Target,
		AskedBy: x.AskedBy, AskedAt: x.AskedAt.UTC(), DecidedBy: deref(x.DecidedBy), DecidedAt: utc(x.DecidedAt),
		BankReference: deref(x.BankReference), ExecutedAt: utc(x.ExecutedAt), BankReason: x.BankReason, Successor: x.Successor, Posting: deref(x.Posting),
	}
}

// step takes an edge of the table; the event is stored by saveRefund.
func (x *refundRow) step(event flow.Event, at time.Time, actor, detail string) error {
	table, err := refund.Transitions()
	if err != nil {
		return err
	}
	next, err := table.Next(x.State, event)
	if err != nil {
		return ErrRefundState.with("it is " + string(x.State)).because(err)
	}
	x.note(event, next, at, actor, detail)
	x.State = next
	return nil
}

func (x *refundRow) note(event flow.Event, next refund.State, at time.Time, actor, detail string) {
	x.Version++
	x.events = append(x.events, refund.Event{Seq: x.Version, At: at, Event: string(event), From: x.State, To: next, Actor: actor, Detail: clip(detail)})
}

// findRefund reads one, or returns [ErrRefundUnknown]; lock is "FOR UPDATE" or empty.
func findRefund(ctx context.Context, q sqlx.QueryerContext, id, lock string) (*refundRow, error) {
	bucket, ok := bucketOfID(prefixRefund, id)
	if !ok {
		return nil, ErrRefundUnknown
	}
	var row refundRow
	err := orMissing(one(ctx, q, &row, `SELECT `+refundColumns+` FROM refunds r WHERE r.bucket = $1 AND r.id = $2 `+lock, bucket, id), ErrRefundUnknown)
	return &row, err
}

func insertRefund(ctx context.Context, tx *sqlx.Tx, x *refundRow) error {
	if err := exec(ctx, tx, 1, `
		INSERT INTO refunds (bucket, id, batch_id, version, kind, state, order_id, debt_id, transfer_id, agency_id, bank_bic, amount, currency,
			reason, comment, aftermath, service_id, target_debt, asked_by, asked_at, sends, tries, due_at, last_problem, bank_reason, successor,
			commission, agency_commission)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 0, 0, $20, '', '', '', $21, $22)`,
		x.Bucket, x.ID, x.Batch, x.Version, x.Kind, x.State, x.Order, x.Debt, x.Transfer, x.Agency, x.Bank, x.Tiyn, x.Currency,
		x.Reason, x.Comment, x.Then, x.Service, x.Target, x.AskedBy, x.AskedAt, x.Commission, x.AgencyCommission); err != nil {
		return err
	}
	return saveRefundEvents(ctx, tx, x)
}

// saveRefund writes what may change of a locked refund, and its new events.
func saveRefund(ctx context.Context, tx *sqlx.Tx, x *refundRow) error {
	err := exec(ctx, tx, 1, `
		UPDATE refunds SET version = $3, state = $4, decided_by = $5, decided_at = $6, message = $7, sends = $8, tries = $9, due_at = $10,
			last_problem = $11, bank_reference = $12, executed_at = $13, bank_reason = $14, successor = $15, posting_id = $16
		WHERE bucket = $1 AND id = $2`,
		x.Bucket, x.ID, x.Version, x.State, x.DecidedBy, x.DecidedAt, x.Message, x.Sends, x.Tries, x.DueAt, clip(x.LastProblem),
		x.BankReference, x.ExecutedAt, x.BankReason, x.Successor, x.Posting)
	// The database knows about the two people, too, whatever the code does.
	if e := (*pq.Error)(nil); errors.As(err, &e) && e.Constraint == "refunds_two_people" {
		return ErrFourEyes.because(err)
	}
	if err != nil {
		return err
	}
	return saveRefundEvents(ctx, tx, x)
}

func saveRefundEvents(ctx context.Context, tx *sqlx.Tx, x *refundRow) error {
	for _, e := range x.events { // one, seldom two
		if err := exec(ctx, tx, 1, `
			INSERT INTO refund_events (bucket, refund_id, seq, at, event, from_state, to_state, actor, detail)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, x.Bucket, x.ID, e.Seq, e.At, e.Event, e.From, e.To, e.Actor, e.Detail); err != nil {
			return err
		}
	}
	x.events = nil
	return nil
}

func eventsOfRefund(ctx context.Context, q sqlx.QueryerContext, x *refundRow) ([]refund.Event, error) {
	var rows []struct {
		Seq    int          `db:"seq"`
		At     time.Time    `db:"at"`
		Event  string       `db:"event"`
		From   refund.State `db:"from_state"`
		To     refund.State `db:"to_state"`
		Actor  string       `db:"actor"`
		Detail string       `db:"detail"`
	}
	err := all(ctx, q, &rows, `SELECT seq, at, event, from_state, to_state, actor, detail FROM refund_events WHERE bucket = $1 AND refund_id = $2 ORDER BY seq`,
		x.Bucket, x.ID)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the events of %s: %w", x.ID, err)
	}
	out := make([]refund.Event, len(rows))
	for i, r := range rows {
		out[i] = refund.Event(r)
		out[i].At = r.At.UTC()
	}
	return out, nil
}

// shareRow is money that one transfer brought to a beneficiary.
type shareRow struct {
	Bucket   int            `db:"bucket"`
	Transfer string         `db:"transfer_id"`
	Order    string         `db:"order_id"`
	Debt     string         `db:"debt_id"`
	Account  ledger.Account `db:"account"`
	Bank     string         `db:"bank_bic"`
	Tiyn     int64          `db:"amount"`
	Taken    int64          `db:"taken"`
	Returned int64          `db:"returned"`
}

func (s *shareRow) share() refund.Share {
	return refund.Share{Amount: s.Tiyn, Taken: s.Taken, Returned: s.Returned}
}

// lockShares locks shares of one bucket, in the order of transfers; t in the condition is the transfer.
func lockShares(ctx context.Context, tx *sqlx.Tx, where string, args ...any) ([]shareRow, error) {
	var rows []shareRow
	err := all(ctx, tx, &rows, `SELECT s.bucket, s.transfer_id, s.order_id, s.debt_id, s.account, s.bank_bic, s.amount, s.taken, s.returned
		FROM refund_shares s JOIN transfers t ON t.bucket = s.bucket AND t.id = s.transfer_id
		WHERE s.bucket = $1 AND `+where+` ORDER BY s.transfer_id FOR UPDATE OF s`, args...)
	return rows, err
}

func saveShare(ctx context.Context, tx *sqlx.Tx, row *shareRow, s refund.Share) error {
	err := exec(ctx, tx, 1, `UPDATE refund_shares SET taken = $3, returned = $4 WHERE bucket = $1 AND transfer_id = $2`,
		row.Bucket, row.Transfer, s.Taken, s.Returned)
	if pq.As(err, pqerror.CheckViolation) != nil {
		return ErrRefundTooMuch.because(err)
	}
	row.Taken, row.Returned = s.Taken, s.Returned
	return err
}
