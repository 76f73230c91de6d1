package payment

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// RefundBatch is what became of a request for refunds, item by item.
type RefundBatch struct {
	// ID names the request; a second person decides about all of it, or about single refunds.
	ID      string         `json:"id"`
	Results []RefundResult `json:"results"`
}

// RefundResult is what became of one item.
type RefundResult struct {
	Index int `json:"index"`
	// Refund is set when the item was taken, or decided.
	Refund *refund.Refund `json:"refund,omitempty"`
	// Code, Field and Detail tell why it was not.
	Code   Code   `json:"code,omitempty"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// RequestRefunds asks for refunds or corrections of executed payments; nothing moves before another person approves. agency
// limits it to what was paid to that agency; empty, for the operator, does not. What is asked for is taken from what is left of
// the payment at once, so that two who ask together never get more than was paid. A request of one item that cannot be taken is
// refused; of several items the good ones are taken, and the others told by their number. Errors: [ErrInvalid], [ErrOrderUnknown],
// [ErrRefundOfUnpaid], [ErrRefundItem], [ErrRefundTooMuch], [ErrRefundChanged], [ErrServiceUnknown], [ErrDebtUnknown] and its
// kin for the target of a wrong payer, and those of [Idem].
func (r *Registrar) RequestRefunds(ctx context.Context, idem Idem, agency string, req refund.Request) (RefundBatch, bool, error) {
	req = req.Normal()
	if err := req.Check(); err != nil {
		return RefundBatch{}, false, invalidRefund(err)
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (RefundBatch, error) {
		out := RefundBatch{Results: make([]RefundResult, len(req.Items))}
		var err error
		if out.ID, err = newID(prefixRefundBatch, -1); err != nil {
			return RefundBatch{}, err
		}
		a := &asking{Registrar: r, tx: tx, req: req, agency: agency, batch: out.ID, actor: idem.Caller, now: r.now()}
		for _, i := range lockOrderOf(req.Items) { // one order for all who ask for several
			x, err := a.item(ctx, req.Items[i])
			out.Results[i] = RefundResult{Index: i}
			var refused *Error
			switch {
			case err == nil:
				view := x.view()
				out.Results[i].Refund = &view
			case len(req.Items) > 1 && errors.As(err, &refused) && refused.Kind != KindUnavailable:
				out.Results[i].Code, out.Results[i].Field, out.Results[i].Detail = refused.Code, refused.Field, refused.Detail
			default:
				return RefundBatch{}, err
			}
		}
		return out, r.audit(ctx, tx, entry{idem.Caller, "refund.requested", out.ID, map[string]any{"kind": req.Kind, "reason": req.Reason, "items": len(req.Items)}})
	})
}

func invalidRefund(err error) error {
	if f, ok := errors.AsType[*refund.FieldError](err); ok {
		return ErrInvalid.with(f.Rule).at(f.Field)
	}
	return ErrInvalid.because(err)
}

// lockOrderOf lists the items in the order in which their shares are locked.
func lockOrderOf(items []refund.Item) []int {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	key := func(i int) string { return items[i].Order + "\x00" + items[i].Debt + "\x00" + items[i].Transfer }
	sort.Slice(order, func(a, b int) bool { return key(order[a]) < key(order[b]) })
	return order
}

// asking is one request on its way through.
type asking struct {
	*Registrar
	tx                   *sqlx.Tx
	req                  refund.Request
	agency, batch, actor string
	now                  time.Time
}

// item takes one item from its share and stores the request. Whatever it refuses, it has changed nothing.
func (a *asking) item(ctx context.Context, item refund.Item) (*refundRow, error) {
	o, err := a.readOrder(ctx, a.tx, item.Order)
	if err != nil {
		return nil, err
	}
	share, err := a.share(ctx, o, item)
	if err != nil {
		return nil, err
	}
	agency, _, known := share.Account.Agency()
	switch {
	case !known || (a.agency != "" && agency != a.agency):
		return nil, ErrOrderUnknown // another agency's payment does not exist for this one
	case o.State != order.Executed:
		return nil, ErrRefundOfUnpaid
	}
	after, amount, err := share.share().Take(a.req.Kind, item)
	switch {
	case errors.Is(err, refund.ErrChanged):
		return nil, ErrRefundChanged.with(err.Error())
	case err != nil:
		return nil, ErrRefundTooMuch.with(err.Error())
	}
	x := &refundRow{
		Bucket: o.Bucket, Batch: a.batch, Kind: a.req.Kind, Order: o.ID, Debt: share.Debt, Transfer: share.Transfer, Agency: agency,
		Bank: share.Bank, Amount: money.FromTiyn(amount), Reason: a.req.Reason, Comment: a.req.Comment, Then: a.req.Then,
		Service: item.Service, Target: item.Target, AskedBy: a.actor, AskedAt: a.now, DueAt: a.now,
	}
	if err := a.ofOwnFee(ctx, x); err != nil {
		return nil, err
	}
	if x.ID, err = newID(prefixRefund, o.Bucket); err != nil {
		return nil, err
	}
	if err := a.chargedBack(o, x); err != nil {
		return nil, err
	}
	if err := a.aim(ctx, x, share.Account); err != nil {
		return nil, err
	}
	if err := saveShare(ctx, a.tx, share, after); err != nil {
		return nil, err
	}
	x.note(refund.Ask, refund.Requested, a.now, a.actor, string(x.Reason))
	x.events[0].From, x.State = "", refund.Requested
	return x, insertRefund(ctx, a.tx, x)
}

// ofOwnFee: a fee that its payer has ordered himself is nobody's arrears when its money goes back, or to somebody else's debt: who wants the service orders it anew, by the tariff of
// that day. The attack on people: a debt of theirs that no agency states and that nobody can recall.
func (a *asking) ofOwnFee(ctx context.Context, x *refundRow) error {
	if x.Then != refund.Reopened {
		return nil
	}
	var own bool
	if err := one(ctx, a.tx, &own, `SELECT origin = 'payer' FROM debts WHERE bucket = $1 AND id = $2`, x.Bucket, x.Debt); err != nil || !own {
		return err
	}
	if x.Kind == refund.PayBack {
		return ErrRefundItem.with("the payer ordered this fee himself: nobody owes it again").at("then")
	}
	x.Then = refund.Closed
	return nil
}

// share finds and locks what a transfer brought; the share is made when it is touched for the first time.
func (a *asking) share(ctx context.Context, o *orderRow, item refund.Item) (*shareRow, error) {
	if b, ok := bucketOfID(prefixDebt, item.Debt); !ok || b != o.Bucket {
		return nil, ErrRefundItem
	}
	if item.Transfer == "" {
		if err := exec(ctx, a.tx, -1, `
			INSERT INTO refund_shares (bucket, transfer_id, order_id, debt_id, account, bank_bic, amount, taken, returned)
			SELECT bucket, id, order_id, debt_id, credit_account, $4, amount, 0, 0 FROM transfers
			WHERE bucket = $1 AND order_id = $2 AND debt_id = $3 AND kind = 'payment' ON CONFLICT DO NOTHING`,
			o.Bucket, o.ID, item.Debt, o.Bank); err != nil {
			return nil, err
		}
	}
	rows, err := lockShares(ctx, a.tx, `s.order_id = $2 AND s.debt_id = $3 AND (s.transfer_id = $4 OR ($4 = '' AND t.kind = 'payment'))`,
		o.Bucket, o.ID, item.Debt, item.Transfer)
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0 && o.State != order.Executed:
		return nil, ErrRefundOfUnpaid
	case len(rows) != 1:
		return nil, ErrRefundItem
	}
	return &rows[0], nil
}

// aim checks where a correction leads, so that what cannot be done is not asked for: the second person should not be the one to
// find out.
func (a *asking) aim(ctx context.Context, x *refundRow, from ledger.Account) error {
	switch x.Kind {
	case refund.WrongKBK:
		to, err := kbkAccount(ctx, a.tx, x)
		if err == nil && to == from {
			err = ErrRefundItem.with("the service has the same budget code").at("service")
		}
		return err
	case refund.WrongPayer:
		bucket, ok := bucketOfID(prefixDebt, x.Target)
		if !ok {
			return ErrDebtUnknown.at("target")
		}
		var row debtRow
		if err := orMissing(one(ctx, a.tx, &row, `SELECT `+debtColumns+` FROM debts d WHERE d.bucket = $1 AND d.id = $2`, bucket, x.Target), ErrDebtUnknown.at("target")); err != nil {
			return err
		}
		target, err := a.debt(ctx, row)
		if err != nil {
			return err
		}
		return fits(x, target)
	case refund.PayBack, refund.Returned:
	}
	return nil
}

// fits reports whether a debt can be settled by the money that was paid for another.
func fits(x *refundRow, target debt.Debt) error {
	switch {
	case target.Agency != x.Agency:
		return ErrDebtUnknown.at("target") // another agency's debts do not exist for this one
	case target.State != debt.Open:
		return debtStateError(target.State).at("target")
	case target.Held > 0:
		return ErrDebtBeingPaid.at("target")
	case target.Paid > 0 || target.Amount != x.Amount:
		return ErrRefundItem.with("the debt is of another amount").at("target")
	}
	return nil
}

// kbkAccount is where money of the agency belongs under a service in its present version.
func kbkAccount(ctx context.Context, q sqlx.QueryerContext, x *refundRow) (ledger.Account, error) {
	services, err := loadServices(ctx, q, `s.id = $1`, x.Service)
	if err != nil {
		return "", err
	}
	if len(services) != 1 || services[0].Agency != x.Agency {
		return "", ErrServiceUnknown.at("service")
	}
	return ledger.BeneficiaryDue(x.Agency, services[0].KBK), nil
}

// Refund returns one with its events. agency hides what is not its own; empty hides nothing. Errors: [ErrRefundUnknown].
func (r *Registrar) Refund(ctx context.Context, agency, id string) (refund.Refund, []refund.Event, error) {
	x, err := findRefund(ctx, r.db, id, "")
	if err == nil && agency != "" && x.Agency != agency {
		err = ErrRefundUnknown
	}
	if err != nil {
		return refund.Refund{}, nil, err
	}
	events, err := eventsOfRefund(ctx, r.db, x)
	return x.view(), events, err
}

// RefundQuery selects refunds.
type RefundQuery struct {
	// Agency, State and Batch narrow; empty means all.
	Agency string
	State  refund.State
	Batch  string
	// Limit is 1 to 100; 0 means 50.
	Limit int
	// After is the id after which to continue.
	After string
}

// RefundPage is a page of refunds, the newest first.
type RefundPage struct {
	Items   []refund.Refund `json:"items"`
	HasMore bool            `json:"has_more"`
}

// Refunds lists refunds, the newest first. Errors: [ErrInvalid].
func (r *Registrar) Refunds(ctx context.Context, q RefundQuery) (RefundPage, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return RefundPage{}, err
	}
	if q.State != "" && !strings.Contains(" requested approved sent unknown absent executed refused booked rejected withdrawn ", " "+string(q.State)+" ") {
		return RefundPage{}, ErrInvalid.with("no such state").at("state")
	}
	var rows []refundRow
	// Ids begin with the bucket; their order in time is that of their tails.
	err = all(ctx, r.db, &rows, `SELECT `+refundColumns+` FROM refunds r
		WHERE r.bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND ($1 = '' OR agency_id = $1) AND ($2 = '' OR state = $2) AND ($3 = '' OR batch_id = $3)
			AND ($4 = '' OR (asked_at, id) < (SELECT x.asked_at, x.id FROM refunds x WHERE x.id = $4))
		ORDER BY asked_at DESC, id DESC LIMIT $5`, q.Agency, q.State, q.Batch, q.After, limit+1)
	if err != nil {
		return RefundPage{}, fmt.Errorf("couldn't list refunds: %w", err)
	}
	page := RefundPage{Items: []refund.Refund{}, HasMore: len(rows) > limit}
	for i := range rows[:min(len(rows), limit)] {
		page.Items = append(page.Items, rows[i].view())
	}
	return page, nil
}

// RefundsOf lists what was given back or corrected of an order, the oldest first. Errors: [ErrOrderUnknown].
func (r *Registrar) RefundsOf(ctx context.Context, orderID string) ([]refund.Refund, error) {
	bucket, ok := bucketOfID(prefixOrder, orderID)
	if !ok {
		return nil, ErrOrderUnknown
	}
	var rows []refundRow
	if err := all(ctx, r.db, &rows, `SELECT `+refundColumns+` FROM refunds r WHERE r.bucket = $1 AND r.order_id = $2 ORDER BY r.id`, bucket, orderID); err != nil {
		return nil, err
	}
	out := make([]refund.Refund, len(rows))
	for i := range rows {
		out[i] = rows[i].view()
	}
	return out, nil
}
