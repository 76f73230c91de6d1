package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/flow"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

const orderColumns = `o.bucket, o.id, o.payer_id, o.payer_name, o.bank_bic, o.state, o.amount, o.currency, o.document, o.created_at,
	o.expires_at, o.events, o.attempt_id, o.bank_reference, o.executed_at, o.reason, o.receipt_id, o.receipt_due_at, o.commission`

type orderRow struct {
	Bucket    int         `db:"bucket"`
	ID        string      `db:"id"`
	PayerID   string      `db:"payer_id"`
	PayerName string      `db:"payer_name"`
	Bank      string      `db:"bank_bic"`
	State     order.State `db:"state"`
	money.Amount
	Document      []byte     `db:"document"`
	CreatedAt     time.Time  `db:"created_at"`
	ExpiresAt     time.Time  `db:"expires_at"`
	Events        int        `db:"events"`
	Attempt       *string    `db:"attempt_id"`
	BankReference *string    `db:"bank_reference"`
	ExecutedAt    *time.Time `db:"executed_at"`
	Reason        string     `db:"reason"`
	Receipt       *string    `db:"receipt_id"`
	ReceiptDueAt  *time.Time `db:"receipt_due_at"`
	// Commission is what the payer pays the bank on top, in tiyn; the document says how it came about.
	Commission int64 `db:"commission"`

	// steps are the events taken since the row was locked, not yet stored.
	steps []order.Event
}

type itemRow struct {
	Order          string `db:"order_id"`
	Debt           string `db:"debt_id"`
	DebtVersion    int    `db:"debt_version"`
	Service        string `db:"service_id"`
	ServiceVersion int    `db:"service_version"`
	Agency         string `db:"agency_id"`
	Part           int    `db:"part"`
	// Instalment: the item pays a part of the debt. Discount is what was taken off the debt, in tiyn.
	Instalment bool  `db:"instalment"`
	Discount   int64 `db:"discount"`
	// Commission and AgencyCommission are the shares of the bank's commission, by who bears them.
	Commission       int64 `db:"commission"`
	AgencyCommission int64 `db:"agency_commission"`
	money.Amount
}

type authorisationRow struct {
	VerdictID string    `db:"verdict_id"`
	Signer    string    `db:"signer"`
	At        time.Time `db:"at"`
}

// step takes an edge of the table; the event is stored by saveOrder.
func (o *orderRow) step(table flow.Table[order.State], event flow.Event, at time.Time, detail string) error {
	next, err := table.Next(o.State, event)
	if err != nil {
		return ErrOrderFinished.with("the order is " + string(o.State)).because(err)
	}
	o.note(event, next, at, detail)
	o.State = next
	return nil
}

// note records an event that leads to the given state, or to none other.
func (o *orderRow) note(event flow.Event, next order.State, at time.Time, detail string) {
	o.Events++
	o.steps = append(o.steps, order.Event{Seq: o.Events, At: at, Event: string(event), From: o.State, To: next, Detail: clip(detail)})
}

// clip bounds a text that comes from outside.
func clip(text string) string {
	const runesMax = 300
	if runes := []rune(text); len(runes) > runesMax {
		return string(runes[:runesMax]) + "…"
	}
	return text
}

// lockOrder locks an order, or returns [ErrOrderUnknown].
func (s *store) lockOrder(ctx context.Context, tx *sqlx.Tx, id string) (*orderRow, error) {
	bucket, ok := bucketOfID(prefixOrder, id)
	if !ok {
		return nil, ErrOrderUnknown
	}
	var row orderRow
	err := orMissing(one(ctx, tx, &row, `SELECT `+orderColumns+` FROM orders o WHERE o.bucket = $1 AND o.id = $2 FOR UPDATE`, bucket, id), ErrOrderUnknown)
	if err != nil {
		return nil, err
	}
	return &row, s.private.order(ctx, &row)
}

// saveOrder writes what may change of a locked order, and its new events.
func saveOrder(ctx context.Context, tx *sqlx.Tx, o *orderRow) error {
	if err := exec(ctx, tx, 1, `
		UPDATE orders SET state = $3, events = $4, attempt_id = $5, bank_reference = $6, executed_at = $7, reason = $8,
			receipt_id = $9, receipt_due_at = $10
		WHERE bucket = $1 AND id = $2`,
		o.Bucket, o.ID, o.State, o.Events, o.Attempt, o.BankReference, o.ExecutedAt, o.Reason, o.Receipt, o.ReceiptDueAt); err != nil {
		return err
	}
	return saveEvents(ctx, tx, o)
}

func saveEvents(ctx context.Context, tx *sqlx.Tx, o *orderRow) error {
	n := len(o.steps)
	seqs, events, details := make([]int64, n), make([]string, n), make([]string, n)
	from, to := make([]string, n), make([]string, n)
	for i, s := range o.steps {
		seqs[i], events[i], details[i], from[i], to[i] = int64(s.Seq), s.Event, s.Detail, string(s.From), string(s.To)
	}
	if n == 0 {
		return nil
	}
	at := o.steps[0].At
	o.steps = nil
	return exec(ctx, tx, int64(n), `
		INSERT INTO order_events (bucket, order_id, seq, at, event, from_state, to_state, detail)
		SELECT $1, $2, seq, $3, event, from_state, to_state, detail
		FROM unnest($4::integer[], $5::text[], $6::text[], $7::text[], $8::text[]) AS t (seq, event, from_state, to_state, detail)`,
		o.Bucket, o.ID, at, pq.Array(seqs), pq.Array(events), pq.Array(from), pq.Array(to), pq.Array(details))
}

// itemsOf reads the items of orders in one bucket, in the order of debts.
func itemsOf(ctx context.Context, q sqlx.QueryerContext, bucket int, orders ...string) ([]itemRow, error) {
	var rows []itemRow
	err := all(ctx, q, &rows, `SELECT order_id, debt_id, debt_version, service_id, service_version, agency_id, part, amount, currency, instalment, discount, commission, agency_commission
		FROM order_items WHERE bucket = $1 AND order_id = ANY($2) ORDER BY order_id, debt_id`, bucket, pq.Array(orders))
	return rows, err
}

// viewOrder makes the public form of a row at a time: an order whose time has run out is expired, whether or not the
// worker has come by.
func viewOrder(o *orderRow, items []itemRow, auth *authorisationRow, now time.Time) order.Order {
	digest := sha256.Sum256(o.Document)
	view := order.Order{
		ID: o.ID, Payer: o.PayerID, Bank: o.Bank, State: o.State, Amount: o.Amount, Commission: o.Commission, DocumentSHA256: hex.EncodeToString(digest[:]),
		CreatedAt: o.CreatedAt.UTC(), ExpiresAt: o.ExpiresAt.UTC(), Attempt: deref(o.Attempt), BankReference: deref(o.BankReference),
		ExecutedAt: utc(o.ExecutedAt), Reason: o.Reason, Receipt: deref(o.Receipt), Items: make([]order.Item, len(items)),
	}
	if view.State == order.Created && !now.Before(o.ExpiresAt) {
		view.State = order.Expired
	}
	for i, r := range items {
		view.Items[i] = order.Item{Debt: r.Debt, DebtVersion: r.DebtVersion, Service: r.Service, Agency: r.Agency, Part: r.Part, Amount: r.Amount, Instalment: r.Instalment, Discount: r.Discount, Commission: r.Commission}
	}
	if auth != nil {
		at := auth.At.UTC()
		view.AuthorisedAt, view.VerdictID, view.Signer = &at, auth.VerdictID, auth.Signer
	}
	return view
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// readView reads the public form of an order by bucket and id.
func (s *store) readView(ctx context.Context, q sqlx.QueryerContext, o *orderRow) (order.Order, error) {
	items, err := itemsOf(ctx, q, o.Bucket, o.ID)
	if err != nil {
		return order.Order{}, err
	}
	auths, err := s.authorisationsOf(ctx, q, o)
	if err != nil {
		return order.Order{}, err
	}
	var auth *authorisationRow
	if len(auths) > 0 && o.Attempt != nil { // the last signature is the one that set it going
		auth = &auths[len(auths)-1]
	}
	view := viewOrder(o, items, auth, s.now())
	for _, a := range auths {
		view.Signers = append(view.Signers, a.Signer)
	}
	if o.State == order.Created {
		needed, err := s.signaturesOf(ctx, q, o.PayerID)
		if err != nil {
			return order.Order{}, err
		}
		if needed > 1 {
			view.SignaturesNeeded = needed
		}
	}
	view.Allocations, err = partsOf(ctx, q, o, items)
	return view, err
}

func (s *store) readOrder(ctx context.Context, q sqlx.QueryerContext, id string) (*orderRow, error) {
	bucket, ok := bucketOfID(prefixOrder, id)
	if !ok {
		return nil, ErrOrderUnknown
	}
	var row orderRow
	err := orMissing(one(ctx, q, &row, `SELECT `+orderColumns+` FROM orders o WHERE o.bucket = $1 AND o.id = $2`, bucket, id), ErrOrderUnknown)
	if err != nil {
		return nil, err
	}
	return &row, s.private.order(ctx, &row)
}

func (s *store) insertOrder(ctx context.Context, tx *sqlx.Tx, o *orderRow, items []itemRow) error {
	payer, name, document, err := s.private.storedOrder(ctx, o)
	if err != nil {
		return err
	}
	if err := exec(ctx, tx, 1, `
		INSERT INTO orders (bucket, id, payer_id, payer_name, bank_bic, state, amount, currency, document, created_at, expires_at,
			events, reason, commission) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', $13)`,
		o.Bucket, o.ID, payer, name, o.Bank, o.State, o.Tiyn, o.Currency, document, o.CreatedAt, o.ExpiresAt, o.Events, o.Commission); err != nil {
		return err
	}
	n := len(items)
	debts, versions := make([]string, n), make([]int64, n)
	services, serviceVersions := make([]string, n), make([]int64, n)
	agencies, amounts, parts := make([]string, n), make([]int64, n), make([]int64, n)
	instalments, discounts := make([]bool, n), make([]int64, n)
	payers, ownShares := make([]int64, n), make([]int64, n)
	for i, r := range items {
		payers[i], ownShares[i] = r.Commission, r.AgencyCommission
		parts[i], instalments[i], discounts[i] = int64(r.Part), r.Instalment, r.Discount
		debts[i], versions[i], services[i], serviceVersions[i] = r.Debt, int64(r.DebtVersion), r.Service, int64(r.ServiceVersion)
		agencies[i], amounts[i] = r.Agency, r.Tiyn
	}
	if err := exec(ctx, tx, int64(n), `
		INSERT INTO order_items (bucket, order_id, debt_id, debt_version, service_id, service_version, agency_id, amount, currency, part, instalment, discount,
			commission, agency_commission)
		SELECT $1, $2, debt_id, debt_version, service_id, service_version, agency_id, amount, $3, part, instalment, discount, commission, agency_commission
		FROM unnest($4::text[], $5::integer[], $6::text[], $7::integer[], $8::text[], $9::bigint[], $10::integer[], $11::boolean[], $12::bigint[], $13::bigint[],
			$14::bigint[]) AS t (debt_id, debt_version, service_id, service_version, agency_id, amount, part, instalment, discount, commission, agency_commission)`,
		o.Bucket, o.ID, o.Currency, pq.Array(debts), pq.Array(versions), pq.Array(services), pq.Array(serviceVersions),
		pq.Array(agencies), pq.Array(amounts), pq.Array(parts), pq.Array(instalments), pq.Array(discounts), pq.Array(payers), pq.Array(ownShares)); err != nil {
		return fmt.Errorf("couldn't store the items of %s: %w", o.ID, err)
	}
	if err := insertAllocations(ctx, tx, o, items); err != nil {
		return err
	}
	return saveEvents(ctx, tx, o)
}
