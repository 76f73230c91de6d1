package payment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/order"
	"qaqpa/payment/pgarray"
)

// writes gathers what the members of a shared commit change, so that each table costs one statement. Rows are read
// without locks; every change states what it was decided on, and when one of them meets another state the whole is tried
// again. So the locks of a commit are taken at its end, in one order: orders, attempts, debts, journals, audit.
type writes struct {
	at       time.Time
	private  *privacy
	idems    []idemWrite
	created  []createdOrder
	orders   []orderChange
	attempts []attemptChange
	debts    []debtChange
	messages []messageRow
	entries  []ledger.Entry
	postings []ledger.Posting // of commissions: their buckets are those of entries
	outbox   []webhookRow
	audit    []AuditEntry
}

// orderChange is an order after its steps. The steps count as version: every change of state adds one.
type orderChange struct {
	*orderRow
	eventsBefore int
}

// attemptChange is an attempt after its step.
type attemptChange struct {
	*attemptRow
	stateBefore order.AttemptState
	sendsBefore int
}

// debtChange moves a debt of an order.
type debtChange struct {
	bucket   int
	id       string
	from, to debt.State
	order    string
	tied     string // the order that holds it afterwards, or empty
	paidAt   *time.Time
	version  int // 0 when the order holds it already
}

// messageRow is a bank's message.
type messageRow struct {
	bucket      int
	digest      []byte
	attempt     string
	heard       heard
	disposition disposition
}

// webhookRow is a webhook to come.
type webhookRow struct {
	bucket                  int
	id, agency, order, debt string
}

// flush writes everything. Nothing of it is there unless the transaction commits.
func (w *writes) flush(ctx context.Context, tx *sqlx.Tx, auditor Auditor) error {
	slices.SortFunc(w.orders, func(a, b orderChange) int { return cmp.Or(a.Bucket-b.Bucket, cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(w.attempts, func(a, b attemptChange) int { return cmp.Or(a.Bucket-b.Bucket, cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(w.debts, func(a, b debtChange) int { return cmp.Or(a.bucket-b.bucket, cmp.Compare(a.id, b.id)) })
	for _, step := range []func(context.Context, *sqlx.Tx) error{
		w.insertKeys, w.insertOrders, w.insertItems, w.changeOrders, w.insertEvents, w.changeAttempts, w.changeDebts, w.insertMessages, w.insertOutbox, w.appendEntries,
	} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	return auditAll(ctx, tx, auditor, w.audit)
}

// changed runs an update that must meet all its rows as they were read, or the transaction is repeated.
func changed(ctx context.Context, tx *sqlx.Tx, want int, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("couldn't change rows: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != int64(want) {
		return fmt.Errorf("%d of %d rows were as they had been read: %w", n, want, errAgain)
	}
	return nil
}

func (w *writes) changeOrders(ctx context.Context, tx *sqlx.Tx) error {
	n := len(w.orders)
	if n == 0 {
		return nil
	}
	buckets, before, events := make([]int64, n), make([]int64, n), make([]int64, n)
	ids, states, attempts, references, reasons := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	executed, due := make([]*time.Time, n), make([]*time.Time, n)
	for i, o := range w.orders {
		buckets[i], before[i], events[i], ids[i], states[i] = int64(o.Bucket), int64(o.eventsBefore), int64(o.Events), o.ID, string(o.State)
		attempts[i], references[i], reasons[i] = deref(o.Attempt), deref(o.BankReference), o.Reason
		executed[i], due[i] = o.ExecutedAt, o.ReceiptDueAt
	}
	return changed(ctx, tx, n, `
		UPDATE orders o SET state = t.state, events = t.events, attempt_id = nullif(t.attempt, ''), bank_reference = nullif(t.reference, ''),
			executed_at = t.executed_at, reason = t.reason, receipt_due_at = t.receipt_due_at
		FROM unnest($1::integer[], $2::text[], $3::integer[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
			$10::timestamptz[]) AS t (bucket, id, before, state, events, attempt, reference, executed_at, reason, receipt_due_at)
		WHERE o.bucket = t.bucket AND o.id = t.id AND o.events = t.before`,
		pgarray.Int4s(buckets), pgarray.Texts(ids), pgarray.Int4s(before), pgarray.Texts(states), pgarray.Int4s(events), pgarray.Texts(attempts), pgarray.Texts(references),
		pgarray.Times(executed), pgarray.Texts(reasons), pgarray.Times(due))
}

func (w *writes) insertEvents(ctx context.Context, tx *sqlx.Tx) error {
	var buckets, seqs []int64
	var ids, events, from, to, details []string
	var at []*time.Time
	stepped := make([]*orderRow, 0, len(w.orders)+len(w.created))
	for _, o := range w.orders {
		stepped = append(stepped, o.orderRow)
	}
	for _, o := range w.created {
		stepped = append(stepped, o.orderRow)
	}
	for _, o := range stepped {
		for i := range o.steps {
			s := &o.steps[i]
			buckets, seqs, ids = append(buckets, int64(o.Bucket)), append(seqs, int64(s.Seq)), append(ids, o.ID)
			events, from, to = append(events, s.Event), append(from, string(s.From)), append(to, string(s.To))
			details, at = append(details, s.Detail), append(at, &s.At)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return exec(ctx, tx, int64(len(ids)), `
		INSERT INTO order_events (bucket, order_id, seq, at, event, from_state, to_state, detail)
		SELECT * FROM unnest($1::integer[], $2::text[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[])`,
		pgarray.Int4s(buckets), pgarray.Texts(ids), pgarray.Int4s(seqs), pgarray.Times(at), pgarray.Texts(events), pgarray.Texts(from), pgarray.Texts(to), pgarray.Texts(details))
}

func (w *writes) changeAttempts(ctx context.Context, tx *sqlx.Tx) error {
	n := len(w.attempts)
	if n == 0 {
		return nil
	}
	buckets, before, sends, tries := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	ids, from, states, problems := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	due := make([]*time.Time, n)
	for i, a := range w.attempts {
		buckets[i], before[i], sends[i], tries[i] = int64(a.Bucket), int64(a.sendsBefore), int64(a.Sends), int64(a.Tries)
		ids[i], from[i], states[i], problems[i], due[i] = a.ID, string(a.stateBefore), string(a.State), clip(a.LastProblem), &a.DueAt
	}
	return changed(ctx, tx, n, `
		UPDATE attempts a SET state = t.state, sends = t.sends, tries = t.tries, due_at = t.due_at, last_problem = t.problem, updated_at = $9
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::integer[], $8::timestamptz[], $10::text[])
			AS t (bucket, id, state_before, sends_before, state, sends, tries, due_at, problem)
		WHERE a.bucket = t.bucket AND a.id = t.id AND a.state = t.state_before AND a.sends = t.sends_before`,
		pgarray.Int4s(buckets), pgarray.Texts(ids), pgarray.Texts(from), pgarray.Int4s(before), pgarray.Texts(states), pgarray.Int4s(sends), pgarray.Int4s(tries), pgarray.Times(due),
		w.at, pgarray.Texts(problems))
}

func (w *writes) changeDebts(ctx context.Context, tx *sqlx.Tx) error {
	n := len(w.debts)
	if n == 0 {
		return nil
	}
	buckets, versions := make([]int64, n), make([]int64, n)
	ids, from, to, orders, tied := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	paid := make([]*time.Time, n)
	for i, d := range w.debts {
		buckets[i], versions[i], ids[i], from[i], to[i] = int64(d.bucket), int64(d.version), d.id, string(d.from), string(d.to)
		orders[i], tied[i], paid[i] = d.order, d.tied, d.paidAt
	}
	return changed(ctx, tx, n, `
		UPDATE debts d SET state = t.state, order_id = nullif(t.tied, ''), paid_at = t.paid_at
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::integer[])
			AS t (bucket, id, state_before, state, order_id, tied, paid_at, version)
		WHERE d.bucket = t.bucket AND d.id = t.id AND d.state = t.state_before
			AND CASE WHEN t.version = 0 THEN d.order_id = t.order_id ELSE d.version = t.version END`,
		pgarray.Int4s(buckets), pgarray.Texts(ids), pgarray.Texts(from), pgarray.Texts(to), pgarray.Texts(orders), pgarray.Texts(tied), pgarray.Times(paid), pgarray.Int4s(versions))
}

func (w *writes) insertMessages(ctx context.Context, tx *sqlx.Tx) error {
	n := len(w.messages)
	if n == 0 {
		return nil
	}
	buckets, digests, bodies := make([]int64, n), make([][]byte, n), make([][]byte, n)
	attempts, banks, sources, outcomes := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	dispositions, verdicts := make([]string, n), make([]string, n)
	for i, m := range w.messages {
		buckets[i], digests[i], bodies[i], attempts[i] = int64(m.bucket), m.digest, m.heard.message, m.attempt
		banks[i], sources[i], outcomes[i] = m.heard.status.Bank, string(m.heard.from), string(m.heard.status.Outcome)
		dispositions[i], verdicts[i] = string(m.disposition), m.heard.verdictID
	}
	return exec(ctx, tx, -1, `
		INSERT INTO bank_messages (bucket, digest, attempt_id, bank_bic, source, outcome, disposition, message, verdict_id, received_at)
		SELECT t.*, $10 FROM unnest($1::integer[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::text[]) AS t
		ON CONFLICT DO NOTHING`,
		pgarray.Int4s(buckets), pgarray.Byteas(digests), pgarray.Texts(attempts), pgarray.Texts(banks), pgarray.Texts(sources), pgarray.Texts(outcomes),
		pgarray.Texts(dispositions), pgarray.Byteas(bodies), pgarray.Texts(verdicts), w.at)
}

func (w *writes) insertOutbox(ctx context.Context, tx *sqlx.Tx) error {
	n := len(w.outbox)
	if n == 0 {
		return nil
	}
	buckets := make([]int64, n)
	ids, agencies, orders, debts := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, r := range w.outbox {
		buckets[i], ids[i], agencies[i], orders[i], debts[i] = int64(r.bucket), r.id, r.agency, r.order, r.debt
	}
	return exec(ctx, tx, int64(n), `
		INSERT INTO outbox (bucket, id, agency_id, order_id, debt_id, state, failures, due_at, created_at)
		SELECT bucket, id, agency_id, order_id, debt_id, 'waiting', 0, $6, $6
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[]) AS t (bucket, id, agency_id, order_id, debt_id)`,
		pgarray.Int4s(buckets), pgarray.Texts(ids), pgarray.Texts(agencies), pgarray.Texts(orders), pgarray.Texts(debts), w.at)
}

func (w *writes) appendEntries(ctx context.Context, tx *sqlx.Tx) error {
	if len(w.entries) == 0 {
		return nil
	}
	buckets := make([]int, len(w.entries))
	for i, e := range w.entries {
		buckets[i] = e.Bucket
	}
	journal, err := openJournal(ctx, tx, w.at, buckets...)
	if err != nil {
		return err
	}
	for _, e := range w.entries {
		if err := journal.execution(e); err != nil {
			return err
		}
	}
	for _, p := range w.postings {
		if err := journal.posting(p); err != nil {
			return err
		}
	}
	return journal.write(ctx, tx)
}
