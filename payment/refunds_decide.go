package payment

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/refund"
)

// Decisions about refunds.
const (
	ActWithdraw = "withdraw"
)

// RefundDecision is one step of a person with a refund, or with all of a batch.
type RefundDecision struct {
	// Action is approve, reject or withdraw. Approval and rejection belong to another person than the one who asked,
	// withdrawal to that one.
	Action string `json:"action"`
	// Version is that of the refund as the person saw it; for a batch it is 0.
	Version int `json:"version,omitempty"`
	// Comment is kept with the step; obligatory for a rejection.
	Comment string `json:"comment,omitempty"`
}

func (d RefundDecision) check(batch bool) error {
	const commentMax = 500
	switch {
	case d.Action != ActApprove && d.Action != ActReject && d.Action != ActWithdraw:
		return ErrInvalid.with("is approve, reject or withdraw").at("action")
	case d.Action == ActReject && d.Comment == "":
		return ErrInvalid.with("say why").at("comment")
	case batch != (d.Version == 0) || d.Version < 0:
		return ErrInvalid.with("is that of the refund, and absent for a batch").at("version")
	}
	if err := catalog.CheckText("comment", d.Comment, 0, commentMax); err != nil {
		return invalidSpec(err)
	}
	return nil
}

// DecideRefund does one step with the refund of the id, or with all refunds of a batch that still wait. Approval moves money:
// a correction is booked and a return noted at once, a refund holds the money and is sent to the bank. agency hides what is not
// its own; empty hides nothing. Of a batch those that cannot be decided so are told, the others are decided. Errors:
// [ErrRefundUnknown], [ErrRefundState], [ErrRefundStale], [ErrFourEyes], [ErrRefundAsker], [ErrInvalid], what fits the target of
// a wrong payer no longer, [ErrNothingReturned], and those of [Idem].
func (r *Registrar) DecideRefund(ctx context.Context, idem Idem, agency, id string, d RefundDecision) (RefundBatch, bool, error) {
	batch := strings.HasPrefix(id, prefixRefundBatch)
	if err := d.check(batch); err != nil {
		return RefundBatch{}, false, err
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (RefundBatch, error) {
		rows, err := lockRefunds(ctx, tx, agency, id, batch)
		if err != nil {
			return RefundBatch{}, err
		}
		x := &deciding{Registrar: r, tx: tx, d: d, actor: idem.Caller, now: r.now()}
		out := RefundBatch{ID: id, Results: make([]RefundResult, len(rows))}
		for i, row := range rows {
			err := x.one(ctx, row, batch)
			out.Results[i].Index = i
			var refused *Error
			if batch && errors.As(err, &refused) && refused.Kind != KindUnavailable {
				view := row.view()
				out.Results[i] = RefundResult{Index: i, Refund: &view, Code: refused.Code, Field: refused.Field, Detail: refused.Detail}
				continue
			}
			if err != nil {
				return RefundBatch{}, err
			}
		}
		if err := x.end(ctx); err != nil {
			return RefundBatch{}, err
		}
		for _, row := range x.done {
			view := row.view()
			out.Results[indexOfRefund(rows, row)].Refund = &view
		}
		return out, r.audit(ctx, tx, entry{idem.Caller, "refund." + d.Action, id, map[string]any{"decided": len(x.done), "of": len(rows), "comment": d.Comment}})
	})
}

func indexOfRefund(rows []*refundRow, row *refundRow) int {
	return sort.Search(len(rows), func(i int) bool { return rows[i].ID >= row.ID })
}

// lockRefunds locks one refund, or all of a batch in the order of ids.
func lockRefunds(ctx context.Context, tx *sqlx.Tx, agency, id string, batch bool) ([]*refundRow, error) {
	if !batch {
		x, err := findRefund(ctx, tx, id, "FOR UPDATE")
		if err == nil && agency != "" && x.Agency != agency {
			err = ErrRefundUnknown
		}
		return []*refundRow{x}, err
	}
	var rows []refundRow
	if err := all(ctx, tx, &rows, `SELECT `+refundColumns+` FROM refunds r WHERE r.bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND r.batch_id = $1 AND ($2 = '' OR r.agency_id = $2) ORDER BY r.bucket, r.id FOR UPDATE`,
		id, agency); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, ErrRefundUnknown
	}
	out := make([]*refundRow, len(rows))
	for i := range rows {
		out[i] = &rows[i]
	}
	return out, nil
}

// deciding is one decision on its way through. Postings are gathered and made at the end: they lock the journals.
type deciding struct {
	*Registrar
	tx       *sqlx.Tx
	d        RefundDecision
	actor    string
	now      time.Time
	done     []*refundRow
	postings []postingRequest
	// of says to which row a posting belongs.
	of []*refundRow
	// returned is what this decision takes from the suspense of banks.
	returned map[string]int64
}

// one decides about one refund. Whatever it refuses, it has changed nothing.
func (x *deciding) one(ctx context.Context, row *refundRow, batch bool) error {
	switch {
	case !batch && row.Version != x.d.Version:
		return ErrRefundStale.with(fmt.Sprintf("it is at version %d", row.Version))
	case x.d.Action == ActWithdraw && !sameActor(row.AskedBy, x.actor):
		return ErrRefundAsker
	case x.d.Action != ActWithdraw && sameActor(row.AskedBy, x.actor):
		return ErrFourEyes
	case row.State != refund.Requested:
		return ErrRefundState.with("it is " + string(row.State))
	}
	shares, err := lockShares(ctx, x.tx, `s.transfer_id = $2`, row.Bucket, row.Transfer)
	if err != nil {
		return err
	}
	if len(shares) != 1 {
		return fmt.Errorf("couldn't find the share of %s", row.ID)
	}
	if x.d.Action == ActApprove {
		if err := x.approve(ctx, row, shares[0].Account); err != nil {
			return err
		}
	} else if err := x.drop(ctx, row, &shares[0]); err != nil {
		return err
	}
	if x.d.Action != ActWithdraw {
		row.DecidedBy, row.DecidedAt = &x.actor, &x.now
	}
	x.done = append(x.done, row)
	return nil
}

// drop ends a request that comes to nothing: what it took is left again.
func (x *deciding) drop(ctx context.Context, row *refundRow, share *shareRow) error {
	if x.d.Action == ActReject {
		if err := row.step(refund.Reject, x.now, x.actor, x.d.Comment); err != nil {
			return err
		}
	} else if err := row.step(refund.Withdraw, x.now, x.actor, x.d.Comment); err != nil {
		return err
	}
	return saveShare(ctx, x.tx, share, share.share().Give(row.Kind, row.Tiyn))
}

// approve plans what a second person's yes moves.
func (x *deciding) approve(ctx context.Context, row *refundRow, due ledger.Account) error {
	event := refund.Book
	switch row.Kind {
	case refund.PayBack:
		event = refund.Approve
		message, err := x.instruction(ctx, row)
		if err != nil {
			return err
		}
		row.Message, row.DueAt = message, x.now
		x.post(row, row.Bucket, ledger.Refund, refund.Hold, refund.HoldLeg(due, row.Bank, row.Debt, row.Tiyn))
	case refund.WrongKBK:
		to, err := kbkAccount(ctx, x.tx, row)
		if err != nil {
			return err
		}
		if to == due {
			return ErrRefundItem.with("the service has the same budget code").at("service")
		}
		x.post(row, row.Bucket, ledger.Correction, refund.Move, refund.KBKLeg(due, to, row.Debt, row.Tiyn))
	case refund.WrongPayer:
		bucket, err := x.settle(ctx, row)
		if err != nil {
			return err
		}
		out, in := refund.PayerLegs(due, row.Debt, row.Target, row.Tiyn)
		x.post(row, row.Bucket, ledger.Correction, refund.Move, out)
		x.post(row, bucket, ledger.Correction, refund.Arrive, in)
		if row.Successor, err = x.reopen(ctx, row); err != nil {
			return err
		}
	case refund.Returned:
		if err := x.inSuspense(ctx, row); err != nil {
			return err
		}
		x.post(row, row.Bucket, ledger.Correction, refund.Move, refund.ReturnLeg(due, row.Bank, row.Debt, row.Tiyn))
	}
	return row.step(event, x.now, x.actor, x.d.Comment)
}

func (x *deciding) post(row *refundRow, bucket int, kind ledger.PostingKind, phase refund.Subject, leg ledger.Transfer) {
	x.postings = append(x.postings, postingRequest{
		kind: kind, bucket: bucket, subject: phase.Of(row.ID), reason: string(row.Kind) + ": " + string(row.Reason), legs: []ledger.Transfer{leg},
	})
	x.of = append(x.of, row)
}

// settle closes the debt for which the money was meant, and returns its bucket.
func (x *deciding) settle(ctx context.Context, row *refundRow) (int, error) {
	bucket, ok := bucketOfID(prefixDebt, row.Target)
	if !ok {
		return 0, ErrDebtUnknown.at("target")
	}
	found, err := x.lockOwnDebts(ctx, x.tx, bucket, []string{row.Target})
	if err != nil {
		return 0, err
	}
	target, known := found[row.Target]
	if !known {
		return 0, ErrDebtUnknown.at("target")
	}
	if err := fits(row, target); err != nil {
		return 0, err
	}
	table, err := debt.Transitions()
	if err != nil {
		return 0, err
	}
	next, err := table.Next(target.State, debt.Recall)
	if err != nil {
		return 0, debtStateError(target.State).at("target")
	}
	return bucket, exec(ctx, x.tx, 1, `UPDATE debts SET state = $3, recall_reason = $4, settled_by = $5, version = version + 1 WHERE bucket = $1 AND id = $2`,
		bucket, row.Target, next, "paid by correction "+row.ID, row.ID)
}

// inSuspense reports whether the treasury's money stands, unexplained, in what the bank's statements have shown. The bank's row
// is locked as statements lock it, so that nobody else counts on the same money meanwhile. Of two who approve at once the second waits here,
// and what the first took counts although it was posted after the second had looked at the clock.
func (x *deciding) inSuspense(ctx context.Context, row *refundRow) error {
	if err := exec(ctx, x.tx, -1, `SELECT 1 FROM recon_banks WHERE bucket = $1 AND bank_bic = $2 FOR UPDATE`, bucketOf(row.Bank), row.Bank); err != nil {
		return err
	}
	suspense, err := postedNow(ctx, x.tx, ledger.BankSuspense(row.Bank))
	if err != nil {
		return err
	}
	if -suspense-x.returned[row.Bank] < row.Tiyn {
		return ErrNothingReturned
	}
	if x.returned == nil {
		x.returned = map[string]int64{}
	}
	x.returned[row.Bank] += row.Tiyn
	return nil
}

// instruction renders the order to the bank. It is stored, so that every repetition has the same content.
func (x *deciding) instruction(ctx context.Context, row *refundRow) ([]byte, error) {
	o, err := x.readOrder(ctx, x.tx, row.Order)
	if err != nil {
		return nil, err
	}
	return bank.RefundOrder{
		Refund: row.ID, Order: row.Order, Attempt: deref(o.Attempt), BankReference: deref(o.BankReference), Bank: row.Bank, Amount: row.Amount,
		Commission: row.Commission, AgencyCommission: row.AgencyCommission,
		Purpose: "Возврат по заказу " + row.Order, CreatedAt: x.now.Format(time.RFC3339Nano),
	}.Encode()
}

// end makes the postings and stores everything.
func (x *deciding) end(ctx context.Context) error {
	ids, err := x.postAll(ctx, x.tx, x.postings)
	if err != nil {
		return err
	}
	for i, row := range x.of {
		if row.Posting != nil {
			continue // the second of its postings, in the other payer's bucket
		}
		row.Posting = &ids[i]
		if row.Kind == refund.WrongKBK {
			if err := x.movedShare(ctx, row); err != nil {
				return err
			}
		}
	}
	for _, row := range x.done {
		if err := saveRefund(ctx, x.tx, row); err != nil {
			return err
		}
		if row.State != refund.Booked {
			continue
		}
		if err := x.tell(ctx, x.tx, row); err != nil {
			return err
		}
	}
	return nil
}

// movedShare makes what was moved to another budget code a share of its own, from which it may be given back.
func (x *deciding) movedShare(ctx context.Context, row *refundRow) error {
	return exec(ctx, x.tx, 1, `
		INSERT INTO refund_shares (bucket, transfer_id, order_id, debt_id, account, bank_bic, amount, taken, returned)
		SELECT bucket, id, $3, $4, credit_account, $5, amount, 0, 0 FROM transfers WHERE bucket = $1 AND posting_id = $2`,
		row.Bucket, row.Posting, row.Order, row.Debt, row.Bank)
}
