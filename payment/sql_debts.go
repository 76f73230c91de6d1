package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/pgarray"
)

const debtColumns = `d.bucket, d.id, d.agency_id, d.reference, d.payer_id, d.payer_name, d.service_id, d.service_version, d.amount,
	d.currency, d.basis, d.purpose, coalesce(d.due_on::text, '') AS due_on, d.state, d.version, coalesce(d.order_id, '') AS order_id,
	d.loaded_at, d.paid_at, d.recall_reason, d.settled_by, coalesce(d.arose_on::text, '') AS arose_on, d.part_paid - d.part_restored AS part_paid, d.part_held, d.origin = 'payer' AS own_fee`

type debtRow struct {
	Bucket         int    `db:"bucket"`
	ID             string `db:"id"`
	Agency         string `db:"agency_id"`
	Reference      string `db:"reference"`
	PayerID        string `db:"payer_id"`
	PayerName      string `db:"payer_name"`
	Service        string `db:"service_id"`
	ServiceVersion int    `db:"service_version"`
	money.Amount
	Basis        string       `db:"basis"`
	Purpose      string       `db:"purpose"`
	DueOn        catalog.Date `db:"due_on"`
	State        debt.State   `db:"state"`
	Version      int          `db:"version"`
	Order        string       `db:"order_id"`
	LoadedAt     time.Time    `db:"loaded_at"`
	PaidAt       *time.Time   `db:"paid_at"`
	RecallReason string       `db:"recall_reason"`
	SettledBy    string       `db:"settled_by"`
	AroseOn      catalog.Date `db:"arose_on"`
	// PartPaid is less what is owed again.
	PartPaid int64 `db:"part_paid"`
	PartHeld int64 `db:"part_held"`
	OwnFee   bool  `db:"own_fee"`
}

// debt opens a row.
func (s *store) debt(ctx context.Context, r debtRow) (debt.Debt, error) {
	var err error
	if r.PayerID, err = s.private.number(r.PayerID); err != nil {
		return debt.Debt{}, err
	}
	if r.PayerName, err = s.private.openText(ctx, r.PayerName, place("debts", "payer_name", r.ID)); err != nil {
		return debt.Debt{}, err
	}
	d := debt.Debt{
		ID: r.ID, Agency: r.Agency, Reference: r.Reference, Payer: debt.Payer{ID: r.PayerID, Name: r.PayerName},
		Service: r.Service, ServiceVersion: r.ServiceVersion, Amount: r.Amount, Purpose: r.Purpose, DueOn: r.DueOn,
		State: r.State, Version: r.Version, Order: r.Order, LoadedAt: r.LoadedAt.UTC(), PaidAt: utc(r.PaidAt), RecallReason: r.RecallReason, SettledBy: r.SettledBy,
		AroseOn: r.AroseOn, Paid: r.PartPaid, Held: r.PartHeld, OwnFee: r.OwnFee,
	}
	if err := json.Unmarshal([]byte(r.Basis), &d.Basis); err != nil {
		return debt.Debt{}, fmt.Errorf("couldn't read how %s came about: %w", r.ID, err)
	}
	return d, nil
}

func (s *store) debtsOf(ctx context.Context, rows []debtRow) ([]debt.Debt, error) {
	debts := make([]debt.Debt, len(rows))
	for i, r := range rows {
		var err error
		if debts[i], err = s.debt(ctx, r); err != nil {
			return nil, err
		}
	}
	return debts, nil
}

// debtKey is the agency's own name of a debt.
type debtKey struct{ payer, reference string }

// lockDebts locks an agency's debts with the given keys, in the order of bucket and id. Both steps are forced to look each
// key up: a table that is just being filled has no statistics yet, and the planner would read all of it for every batch.
func (s *store) lockDebts(ctx context.Context, tx *sqlx.Tx, agency string, keys []debtKey) (map[debtKey]debt.Debt, error) {
	var buckets []int64
	var payers, references []string
	for _, k := range keys {
		for _, form := range s.private.forms(k.payer) {
			buckets, payers, references = append(buckets, int64(bucketOf(k.payer))), append(payers, form), append(references, k.reference)
		}
	}
	// The attack: one debt, stated twice at once to two gateways that seal numbers under different secrets, stands there twice and is paid twice.
	if err := s.takeTurns(ctx, tx, buckets...); err != nil {
		return nil, err
	}
	var rows []debtRow
	err := all(ctx, tx, &rows, `
		WITH found AS MATERIALIZED (
			SELECT d.bucket, d.id FROM unnest($2::integer[], $3::text[], $4::text[]) AS k (bucket, payer_id, reference)
			CROSS JOIN LATERAL (SELECT bucket, id FROM debts WHERE bucket = k.bucket AND agency_id = $1 AND payer_id = k.payer_id
				AND reference = k.reference LIMIT 1) d
			ORDER BY d.bucket, d.id)
		SELECT `+debtColumns+` FROM found f
		CROSS JOIN LATERAL (SELECT * FROM debts WHERE bucket = f.bucket AND id = f.id FOR UPDATE) d`,
		agency, pgarray.Int4s(buckets), pgarray.Texts(payers), pgarray.Texts(references))
	if err != nil {
		return nil, err
	}
	debts, err := s.debtsOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	found := make(map[debtKey]debt.Debt, len(debts))
	for _, d := range debts {
		found[debtKey{d.Payer.ID, d.Reference}] = d
	}
	return found, nil
}

// debtArrays spreads debts over columns for unnest.
type debtArrays struct {
	bucket, serviceVersion, amount, version                                                       []int64
	id, agency, reference, payer, payerName, service, currency, basis, purpose, dueOn, state, why []string
	aroseOn                                                                                       []string
}

func (s *store) spread(ctx context.Context, debts []debt.Debt) (debtArrays, error) {
	var a debtArrays
	for _, d := range debts {
		basis, err := canon.Marshal(d.Basis)
		if err != nil {
			return a, fmt.Errorf("couldn't encode how %s came about: %w", d.ID, err)
		}
		name, err := s.private.sealText(ctx, d.Payer.Name, place("debts", "payer_name", d.ID))
		if err != nil {
			return a, err
		}
		a.bucket, a.id = append(a.bucket, int64(bucketOf(d.Payer.ID))), append(a.id, d.ID)
		a.agency, a.reference = append(a.agency, d.Agency), append(a.reference, d.Reference)
		a.payer, a.payerName = append(a.payer, s.private.payer(d.Payer.ID)), append(a.payerName, name)
		a.service, a.serviceVersion = append(a.service, d.Service), append(a.serviceVersion, int64(d.ServiceVersion))
		a.amount, a.currency = append(a.amount, d.Tiyn), append(a.currency, string(d.Currency))
		a.basis, a.purpose, a.dueOn = append(a.basis, string(basis)), append(a.purpose, d.Purpose), append(a.dueOn, string(d.DueOn))
		a.aroseOn = append(a.aroseOn, string(d.AroseOn))
		a.state, a.version, a.why = append(a.state, string(d.State)), append(a.version, int64(d.Version)), append(a.why, d.RecallReason)
	}
	return a, nil
}

// insertDebts stores new debts. A reference that another batch stored at this moment makes the transaction run again.
func (s *store) insertDebts(ctx context.Context, tx *sqlx.Tx, debts []debt.Debt, loadedAt time.Time) error {
	if len(debts) == 0 {
		return nil
	}
	a, err := s.spread(ctx, debts)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, `
		INSERT INTO debts (bucket, id, agency_id, reference, payer_id, payer_name, service_id, service_version, amount, currency,
			basis, purpose, due_on, state, version, loaded_at, recall_reason, arose_on)
		SELECT bucket, id, agency_id, reference, payer_id, payer_name, service_id, service_version, amount, currency,
			basis, purpose, nullif(due_on, '')::date, state, version, $16, '', nullif(arose_on, '')::date
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::bigint[],
			$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::integer[], $17::text[])
			AS t (bucket, id, agency_id, reference, payer_id, payer_name, service_id, service_version, amount, currency,
				basis, purpose, due_on, state, version, arose_on)
		ON CONFLICT DO NOTHING`,
		pgarray.Int4s(a.bucket), pgarray.Texts(a.id), pgarray.Texts(a.agency), pgarray.Texts(a.reference), pgarray.Texts(a.payer), pgarray.Texts(a.payerName),
		pgarray.Texts(a.service), pgarray.Int4s(a.serviceVersion), pgarray.Int8s(a.amount), pgarray.Texts(a.currency), pgarray.Texts(a.basis),
		pgarray.Texts(a.purpose), pgarray.Texts(a.dueOn), pgarray.Texts(a.state), pgarray.Int4s(a.version), loadedAt, pgarray.Texts(a.aroseOn))
	if err != nil {
		return fmt.Errorf("couldn't store debts: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != int64(len(debts)) {
		return fmt.Errorf("couldn't store debts: %w", errAgain)
	}
	return nil
}

// updateDebts rewrites locked debts by what the agency states now.
func (s *store) updateDebts(ctx context.Context, tx *sqlx.Tx, debts []debt.Debt, loadedAt time.Time) error {
	if len(debts) == 0 {
		return nil
	}
	a, err := s.spread(ctx, debts)
	if err != nil {
		return err
	}
	return exec(ctx, tx, int64(len(debts)), `
		UPDATE debts SET payer_name = t.payer_name, payer_id = t.payer_id, service_id = t.service_id, service_version = t.service_version, amount = t.amount,
			currency = t.currency, basis = t.basis, purpose = t.purpose, due_on = nullif(t.due_on, '')::date, state = t.state,
			version = t.version, recall_reason = t.recall_reason, loaded_at = $14, arose_on = nullif(t.arose_on, '')::date
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::bigint[], $7::text[], $8::text[], $9::text[],
			$10::text[], $11::text[], $12::integer[], $13::text[], $15::text[], $16::text[])
			AS t (bucket, id, payer_name, service_id, service_version, amount, currency, basis, purpose, due_on, state, version, recall_reason, arose_on, payer_id)
		WHERE debts.bucket = t.bucket AND debts.id = t.id`,
		pgarray.Int4s(a.bucket), pgarray.Texts(a.id), pgarray.Texts(a.payerName), pgarray.Texts(a.service), pgarray.Int4s(a.serviceVersion), pgarray.Int8s(a.amount),
		pgarray.Texts(a.currency), pgarray.Texts(a.basis), pgarray.Texts(a.purpose), pgarray.Texts(a.dueOn), pgarray.Texts(a.state), pgarray.Int4s(a.version),
		pgarray.Texts(a.why), loadedAt, pgarray.Texts(a.aroseOn), pgarray.Texts(a.payer))
}

// lockOwnDebts locks debts of one bucket by id, in the order of ids.
func (s *store) lockOwnDebts(ctx context.Context, tx *sqlx.Tx, bucket int, ids []string) (map[string]debt.Debt, error) {
	var rows []debtRow
	err := all(ctx, tx, &rows, `SELECT `+debtColumns+` FROM debts d WHERE d.bucket = $1 AND d.id = ANY($2) ORDER BY d.id FOR UPDATE OF d`,
		bucket, pq.Array(ids))
	if err != nil {
		return nil, err
	}
	debts, err := s.debtsOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	found := make(map[string]debt.Debt, len(debts))
	for _, d := range debts {
		found[d.ID] = d
	}
	return found, nil
}
