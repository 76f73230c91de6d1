package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/testenv/pki"
)

// benchPayment is a payment that was sent to the bank and waits for its word.
type benchPayment struct {
	bucket                               int
	attempt, order, debt, kbk, reference string
	document                             []byte
	message                              []byte // signed, when asked for
}

// stock puts n payments into the database that wait for the bank's word, spread over payers, and over accounts of the
// treasury by KBK. Numbers start at from.
func (w *payBench) stock(from, n, accounts int) []benchPayment {
	w.t.Helper()
	list := make([]benchPayment, n)
	for i := range list {
		k := from + i
		payer := fmt.Sprintf("%012d", k)
		bucket := int(sha256.Sum256([]byte(payer))[0])
		p := &list[i]
		*p = benchPayment{bucket: bucket, kbk: fmt.Sprintf("%06d", 108125+k%accounts), reference: fmt.Sprintf("R-%d", k)}
		for prefix, id := range map[string]*string{"att_": &p.attempt, "ord_": &p.order, "dbt_": &p.debt} {
			*id = fmt.Sprintf("%s%02x%032x", prefix, bucket, k)
		}
		p.document = w.document(p, payer)
	}
	for len(list) > 0 {
		page := list[:min(len(list), 2000)]
		list = list[len(page):]
		w.insertStock(page)
	}
	return w.again(from, n, accounts)
}

// again makes the list of what stock has put in.
func (w *payBench) again(from, n, accounts int) []benchPayment {
	list := make([]benchPayment, n)
	for i := range list {
		k := from + i
		bucket := int(sha256.Sum256(fmt.Appendf(nil, "%012d", k))[0])
		list[i] = benchPayment{
			bucket: bucket, kbk: fmt.Sprintf("%06d", 108125+k%accounts), attempt: fmt.Sprintf("att_%02x%032x", bucket, k),
			order: fmt.Sprintf("ord_%02x%032x", bucket, k), debt: fmt.Sprintf("dbt_%02x%032x", bucket, k), reference: fmt.Sprintf("R-%d", k),
		}
	}
	return list
}

func (w *payBench) document(p *benchPayment, payer string) []byte {
	w.t.Helper()
	amount := money.FromTiyn(540_600)
	spec := licence("bench")
	doc := order.Document{
		Type: order.DocumentType, Version: order.DocumentVersion, Statement: order.Statement(), Gateway: order.Gateway{BIN: pki.BIN(9), URL: "https://pay.example.kz"},
		Order: p.order, Nonce: "000102030405060708090a0b0c0d0e0f", CreatedAt: "2026-03-01T06:00:00Z", ExpiresAt: "2026-03-01T06:15:00Z",
		Payer: debt.Payer{ID: payer, Name: "СЕЙТҚАЛИЕВА АЙГҮЛ"}, Bank: order.DocumentBank{BIC: ownBIC, Name: "Көпір Банк"},
		Items: []order.DocumentItem{{
			Debt: p.debt, DebtVersion: 1, Reference: p.reference, Agency: w.agencyID, AgencyName: catalog.Names{KK: "Полиция", RU: "Полиция", EN: "Police"},
			Service: "svc_bench", ServiceName: spec.Names, ServiceVersion: 1, KBK: p.kbk, KNP: "911", KBE: "11", Beneficiary: spec.Beneficiary,
			Sum: amount.Decimal(), Amount: amount,
		}},
		Total: amount.Decimal(), Amount: amount,
	}
	raw, err := doc.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

func (w *payBench) insertStock(page []benchPayment) {
	w.t.Helper()
	n := len(page)
	buckets, documents := make([]int64, n), make([][]byte, n)
	attempts, orders, debts, references := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, p := range page {
		buckets[i], documents[i], attempts[i], orders[i], debts[i], references[i] = int64(p.bucket), p.document, p.attempt, p.order, p.debt, p.reference
	}
	const from = ` FROM unnest($1::integer[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[]) AS t (bucket, document, attempt, ord, debt, reference)`
	for _, into := range []string{
		`INSERT INTO debts (bucket, id, agency_id, reference, payer_id, payer_name, service_id, service_version, amount, currency, basis, purpose,
			state, version, order_id, loaded_at, recall_reason) SELECT bucket, debt, '` + w.agencyID + `', reference, right(debt, 12), 'П', 'svc_bench', 1,
			540600, 'KZT', '{}', '', 'reserved', 1, ord, now(), ''` + from,
		`INSERT INTO orders (bucket, id, payer_id, payer_name, bank_bic, state, amount, currency, document, created_at, expires_at, events, attempt_id, reason)
			SELECT bucket, ord, right(debt, 12), 'П', '` + ownBIC + `', 'executing', 540600, 'KZT', document, now(), now() + interval '15 minutes', 3, attempt, ''` + from,
		`INSERT INTO order_items (bucket, order_id, debt_id, debt_version, service_id, service_version, agency_id, amount, currency)
			SELECT bucket, ord, debt, 1, 'svc_bench', 1, '` + w.agencyID + `', 540600, 'KZT'` + from,
		`INSERT INTO order_events (bucket, order_id, seq, at, event, from_state, to_state, detail) SELECT bucket, ord, 3, now(), 'send', 'authorised', 'executing', ''` + from,
		`INSERT INTO attempts (bucket, id, order_id, bank_bic, state, amount, currency, message, sends, tries, due_at, last_problem, created_at, updated_at)
			SELECT bucket, attempt, ord, '` + ownBIC + `', 'sent', 540600, 'KZT', document, 1, 0, now() + interval '1 day', '', now(), now()` + from,
	} {
		// Each statement takes the same arguments, whether it uses them or not.
		if _, err := w.db.ExecContext(w.t.Context(), into, pq.Array(buckets), pq.Array(documents), pq.Array(attempts), pq.Array(orders), pq.Array(debts), pq.Array(references)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// sign lets the bank say of each payment that it was executed.
func (w *payBench) sign(list []benchPayment) {
	w.t.Helper()
	now := time.Now().UTC().Format(time.RFC3339)
	for i := range list {
		p := &list[i]
		content, err := json.Marshal(bank.Status{
			Type: bank.StatusType, Bank: ownBIC, Attempt: p.attempt, Order: p.order, Outcome: bank.Executed, Tiyn: 540_600, Currency: money.KZT,
			BankReference: "BR-" + p.reference, ExecutedAt: now,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		if p.message, err = w.bankID.SignCMS(content, pki.CMSOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// history fills the tables with executed payments, n of them, copied inside of the database from one that was paid.
func (w *payBench) history(n int) {
	w.t.Helper()
	ids := func(column string) string {
		return `overlay(` + column + ` placing 'e' || lpad(to_hex(g), 11, '0') from 7 for 12)`
	}
	for _, statement := range []string{
		`INSERT INTO debts SELECT d.bucket, ` + ids("d.id") + `, agency_id, 'H-' || g, payer_id, payer_name, service_id, service_version, amount, currency, basis,
			purpose, due_on, state, version, ` + ids("d.order_id") + `, loaded_at, paid_at, recall_reason FROM one JOIN debts d ON d.id = one.debt, generate_series(1, $1) g`,
		`INSERT INTO orders SELECT d.bucket, ` + ids("d.id") + `, payer_id, payer_name, bank_bic, state, amount, currency, document, created_at, expires_at, events,
			` + ids("d.attempt_id") + `, bank_reference, executed_at, reason, NULL, receipt_due_at + interval '1 day' FROM one JOIN orders d ON d.id = one.ord, generate_series(1, $1) g`,
		`INSERT INTO order_items SELECT d.bucket, ` + ids("d.order_id") + `, ` + ids("d.debt_id") + `, debt_version, service_id, service_version, agency_id, amount, currency
			FROM one JOIN order_items d ON d.order_id = one.ord, generate_series(1, $1) g`,
		`INSERT INTO order_events SELECT d.bucket, ` + ids("d.order_id") + `, seq, at, event, from_state, to_state, detail FROM one JOIN order_events d ON d.order_id = one.ord, generate_series(1, $1) g`,
		`INSERT INTO attempts SELECT d.bucket, ` + ids("d.id") + `, ` + ids("d.order_id") + `, bank_bic, state, amount, currency, message, sends, tries, due_at, last_problem, created_at, updated_at
			FROM one JOIN attempts d ON d.id = one.attempt, generate_series(1, $1) g`,
		`INSERT INTO bank_messages SELECT d.bucket, digest, ` + ids("d.attempt_id") + `, bank_bic, source, outcome, disposition, message, verdict_id, received_at
			FROM one JOIN bank_messages d ON d.attempt_id = one.attempt, generate_series(1, $1) g`,
		`INSERT INTO journal (bucket, seq, order_id, leaf, chain, created_at) SELECT d.bucket, -g - 1 + 1000000000, ` + ids("d.order_id") + `, leaf, chain, created_at
			FROM one JOIN journal d ON d.order_id = one.ord, generate_series(1, $1) g`,
		`INSERT INTO transfers (bucket, id, kind, order_id, debt_id, debit_account, credit_account, amount, currency, journal_seq, created_at)
			SELECT d.bucket, ` + ids("d.id") + `, kind, ` + ids("d.order_id") + `, ` + ids("d.debt_id") + `, debit_account, credit_account, amount, currency, journal_seq, created_at
			FROM one JOIN transfers d ON d.order_id = one.ord, generate_series(1, $1) g`,
		`INSERT INTO outbox SELECT d.bucket, ` + ids("d.id") + `, agency_id, ` + ids("d.order_id") + `, ` + ids("d.debt_id") + `, state, payload, failures, due_at, created_at, finished_at
			FROM one JOIN outbox d ON d.order_id = one.ord, generate_series(1, $1) g`,
		`INSERT INTO verdicts SELECT d.bucket, ` + ids("d.id") + `, at, created_at, actor, document_sha256, indication, sub_indication, verdict
			FROM (SELECT * FROM verdicts LIMIT 1) d, generate_series(1, $1) g`,
		`INSERT INTO audit_entries SELECT d.chain, 1000000000 + g, prev_hash, hash, at, actor, action, subject, detail
			FROM (SELECT * FROM audit_entries LIMIT 1) d, generate_series(1, 2 * $1) g`,
	} {
		with := `WITH one AS (SELECT o.id AS ord, o.attempt_id AS attempt, i.debt_id AS debt FROM orders o JOIN order_items i ON i.order_id = o.id
			WHERE o.state = 'executed' ORDER BY o.executed_at, o.id LIMIT 1) `
		if _, err := w.db.ExecContext(w.t.Context(), with+statement, n); err != nil {
			w.t.Fatalf("%v: %s", err, statement)
		}
		// What refers to these rows is checked by plans for as many as there are.
		if _, err := w.db.ExecContext(w.t.Context(), `VACUUM ANALYZE`); err != nil {
			w.t.Fatal(err)
		}
	}
}

// bareStatement writes the rows of a batch of payments, in one statement and without asking anything: the ceiling.
const bareStatement = `
WITH t AS (SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bigint[])
		AS t (bucket, attempt, ord, debt, agency, message, leaf, verdict, digest, k)),
	a AS (UPDATE attempts SET state = 'executed', tries = 0, due_at = now(), updated_at = now() FROM t WHERE attempts.bucket = t.bucket AND attempts.id = t.attempt),
	o AS (UPDATE orders SET state = 'executed', events = 4, bank_reference = 'BR', executed_at = now(), receipt_due_at = now() FROM t WHERE orders.bucket = t.bucket AND orders.id = t.ord),
	e AS (INSERT INTO order_events SELECT bucket, ord, 4, now(), 'confirm', 'executing', 'executed', 'callback' FROM t),
	d AS (UPDATE debts SET state = 'paid', paid_at = now() FROM t WHERE debts.bucket = t.bucket AND debts.id = t.debt),
	m AS (INSERT INTO bank_messages SELECT bucket, digest, attempt, '` + ownBIC + `', 'callback', 'executed', 'applied', message, 'vrd', now() FROM t),
	x AS (INSERT INTO outbox SELECT bucket, 'msg' || substr(ord, 4), agency, ord, debt, 'waiting', NULL, 0, now(), now(), NULL FROM t),
	j AS (INSERT INTO journal (bucket, seq, order_id, leaf, chain, created_at) SELECT bucket, k, ord, leaf, digest, now() FROM t),
	f AS (INSERT INTO transfers (bucket, id, kind, order_id, debt_id, debit_account, credit_account, amount, currency, journal_seq, created_at)
		SELECT bucket, 'trf' || substr(ord, 4), 'payment', ord, debt, 'bank:` + ownBIC + `:due', 'beneficiary:' || agency || ':108125:due', 540600, 'KZT', k, now() FROM t),
	v AS (INSERT INTO verdicts SELECT bucket, 'vrd' || substr(ord, 4), now(), now(), 'system:payments', digest, 'TOTAL-PASSED', '', verdict FROM t),
	u AS (INSERT INTO audit_entries SELECT bucket, 2 * k + i, digest, digest, now(), 'bank:` + ownBIC + `', 'bank.executed', attempt, leaf FROM t, generate_series(0, 1) i),
	h AS (UPDATE journal_heads SET size = journal_heads.size FROM (SELECT DISTINCT bucket FROM t) b WHERE journal_heads.bucket = b.bucket)
UPDATE audit_chains SET seq = seq FROM (SELECT DISTINCT bucket FROM t) b WHERE chain = b.bucket`

// bare writes one batch.
func (w *payBench) bare(ctx context.Context, db *sqlx.DB, page []benchPayment, first int, sizes benchSizes) error {
	n := len(page)
	buckets, ks := make([]int64, n), make([]int64, n)
	attempts, orders, debts, agencies := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	messages, leaves, verdicts, digests := make([][]byte, n), make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for i, p := range page {
		digest := sha256.Sum256([]byte(p.attempt))
		buckets[i], attempts[i], orders[i], debts[i], agencies[i] = int64(p.bucket), p.attempt, p.order, p.debt, w.agencyID
		messages[i], leaves[i], verdicts[i], digests[i] = sizes.message, sizes.leaf, sizes.verdict, digest[:]
		ks[i] = int64(2_000_000_000 + first + i)
	}
	_, err := db.ExecContext(ctx, bareStatement, pq.Array(buckets), pq.Array(attempts), pq.Array(orders), pq.Array(debts), pq.Array(agencies),
		pq.Array(messages), pq.Array(leaves), pq.Array(verdicts), pq.Array(digests), pq.Array(ks))
	return err
}

// benchSizes are bodies of the size that real ones have.
type benchSizes struct{ message, leaf, verdict []byte }

// sizes takes the bodies of one real payment.
func (w *payBench) sizes() benchSizes {
	w.t.Helper()
	var s benchSizes
	err := w.db.QueryRowContext(w.t.Context(), `SELECT m.message, j.leaf, v.verdict FROM bank_messages m JOIN verdicts v ON v.id = m.verdict_id
		JOIN attempts a ON a.id = m.attempt_id JOIN journal j ON j.order_id = a.order_id LIMIT 1`).Scan(&s.message, &s.leaf, &s.verdict)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// pgbenchScript is one payment per commit by the same tables, as a gateway would write it that does one request after the
// other in each connection: read and lock, change, insert, chain, commit. account says which balance is kept.
func (w *payBench) pgbenchScript(account string) string {
	return `\set i :i + 1
\set n :base + :client_id * :each + :i
\set account ` + account + `
BEGIN;
SELECT a.bucket AS bucket, a.id AS attempt, o.id AS ord, i.debt_id AS debt FROM bench_pay b JOIN attempts a ON a.bucket = b.bucket AND a.id = b.attempt JOIN orders o ON o.bucket = a.bucket AND o.id = a.order_id JOIN order_items i ON i.bucket = o.bucket AND i.order_id = o.id WHERE b.n = :n FOR UPDATE OF a, o \gset
UPDATE attempts SET state = 'executed', tries = 0, due_at = now(), updated_at = now() WHERE bucket = :bucket AND id = :attempt;
UPDATE orders SET state = 'executed', events = 4, bank_reference = 'BR', executed_at = now(), receipt_due_at = now() WHERE bucket = :bucket AND id = :ord;
INSERT INTO order_events VALUES (:bucket::integer, :ord::text, 4, now(), 'confirm', 'executing', 'executed', 'callback');
UPDATE debts SET state = 'paid', paid_at = now() WHERE bucket = :bucket AND id = :debt AND state = 'reserved';
INSERT INTO bank_messages SELECT :bucket::integer, sha256(:attempt::text::bytea), :attempt::text, '` + ownBIC + `', 'callback', 'executed', 'applied', message, 'vrd', now() FROM bench_bodies;
INSERT INTO outbox VALUES (:bucket::integer, 'msg' || substr(:ord::text, 4), '` + w.agencyID + `', :ord::text, :debt::text, 'waiting', NULL, 0, now(), now(), NULL);
INSERT INTO verdicts SELECT :bucket::integer, 'vrd' || substr(:ord::text, 4), now(), now(), actor, sha256(:attempt::text::bytea), 'TOTAL-PASSED', '', verdict FROM bench_bodies;
UPDATE bench_balances SET balance = balance + 540600 WHERE account = :account;
SELECT size AS seq FROM journal_heads WHERE bucket = :bucket FOR UPDATE \gset
INSERT INTO journal (bucket, seq, order_id, leaf, chain, created_at) SELECT :bucket::integer, :seq::bigint, :ord::text, leaf, sha256(leaf), now() FROM bench_bodies;
INSERT INTO transfers (bucket, id, kind, order_id, debt_id, debit_account, credit_account, amount, currency, journal_seq, created_at) SELECT :bucket::integer, 'trf' || substr(:ord::text, 4), 'payment', :ord::text, :debt::text, debit, credit, 540600, 'KZT', :seq::bigint, now() FROM bench_bodies;
UPDATE journal_heads SET size = size + 1 WHERE bucket = :bucket;
SELECT seq AS aseq FROM audit_chains WHERE chain = :bucket FOR UPDATE \gset
INSERT INTO audit_entries SELECT :bucket::integer, :aseq::bigint + i, sha256(:attempt::text::bytea), sha256(:attempt::text::bytea), now(), actor, 'bank.executed', :attempt::text, leaf FROM bench_bodies, generate_series(1, 2) i;
UPDATE audit_chains SET seq = seq + 2 WHERE chain = :bucket;
COMMIT;
`
}

// forPgbench makes the tables that pgbench picks its payments from.
func (w *payBench) forPgbench(list []benchPayment, from int) {
	w.t.Helper()
	n := len(list)
	buckets, ks, attempts := make([]int64, n), make([]int64, n), make([]string, n)
	for i, p := range list {
		buckets[i], ks[i], attempts[i] = int64(p.bucket), int64(from+i), p.attempt
	}
	s := w.sizes()
	for _, statement := range []struct {
		text string
		args []any
	}{
		{`CREATE TABLE bench_pay (n bigint PRIMARY KEY, bucket integer NOT NULL, attempt text NOT NULL)`, nil},
		{`INSERT INTO bench_pay SELECT * FROM unnest($1::bigint[], $2::integer[], $3::text[])`, []any{pq.Array(ks), pq.Array(buckets), pq.Array(attempts)}},
		{`CREATE TABLE bench_bodies (message bytea, leaf bytea, verdict bytea, actor text, debit text, credit text)`, nil},
		{`INSERT INTO bench_bodies VALUES ($1, $2, $3, $4, $5, $6)`, []any{s.message, s.leaf, s.verdict, "bank:" + ownBIC, "bank:" + ownBIC + ":due", "beneficiary:" + w.agencyID + ":108125:due"}},
		{`CREATE TABLE bench_balances (account bigint PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50)`, nil},
		{`INSERT INTO bench_balances SELECT g, 0 FROM generate_series(0, 9999) g`, nil},
		{`ANALYZE`, nil},
	} {
		if _, err := w.db.ExecContext(w.t.Context(), statement.text, statement.args...); err != nil {
			w.t.Fatalf("%v: %s", err, statement.text)
		}
	}
}
