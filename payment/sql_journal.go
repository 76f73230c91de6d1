package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
	"qaqpa/payment/pgarray"
)

// errPosted says that the subject of a posting was posted before under the same kind.
var errPosted = errors.New("posted before")

// journalHead is the end of one bucket's journal.
type journalHead struct {
	Bucket int    `db:"bucket"`
	Size   int64  `db:"size"`
	Chain  []byte `db:"chain"`
}

// journalWriter appends leaves with their transfers to the journals of several buckets. It holds the heads' locks until
// the transaction ends, so it is opened late; heads are locked in the order of buckets, so two writers never wait for
// each other in a circle.
type journalWriter struct {
	heads map[int]*journalHead
	at    time.Time

	leaves struct {
		buckets, seqs    []int64
		parts            []int64
		orders, postings []string
		raw, chains      [][]byte
	}
	transfers struct {
		buckets, amounts, seqs, instalments                  []int64
		ids, kinds, orders, postings, debts, debits, credits []string
	}
	posted struct {
		buckets, seqs                 []int64
		ids, kinds, subjects, reasons []string
	}
}

// openJournal locks the heads of the buckets. at becomes the time of all that is written.
func openJournal(ctx context.Context, tx *sqlx.Tx, at time.Time, buckets ...int) (*journalWriter, error) {
	wanted := slices.Clone(buckets)
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	keys := make([]int64, len(wanted))
	for i, b := range wanted {
		keys[i] = int64(b)
	}
	var rows []journalHead
	if err := all(ctx, tx, &rows, `SELECT bucket, size, chain FROM journal_heads WHERE bucket = ANY($1::integer[]) ORDER BY bucket FOR UPDATE`, pgarray.Int4s(keys)); err != nil {
		return nil, err
	}
	if len(rows) != len(wanted) {
		return nil, fmt.Errorf("couldn't find the journals of %d buckets", len(wanted)-len(rows))
	}
	w := &journalWriter{heads: make(map[int]*journalHead, len(rows)), at: at}
	for i := range rows {
		w.heads[rows[i].Bucket] = &rows[i]
	}
	return w, nil
}

// execution appends the entry of an executed order; its number is set here.
func (w *journalWriter) execution(e ledger.Entry) error {
	h := w.heads[e.Bucket]
	e.Seq = h.Size
	leaf, err := e.Encode()
	if err != nil {
		return fmt.Errorf("couldn't write the journal entry of %s: %w", e.Order, err)
	}
	w.append(h, leaf, e.Order, "", e.Part)
	for _, t := range e.Transfers {
		w.transfer(h.Bucket, e.Seq, t, "payment", e.Instalment(t.Debt))
		w.transfers.orders, w.transfers.postings = append(w.transfers.orders, e.Order), append(w.transfers.postings, "")
	}
	return nil
}

// posting appends a posting; its number is set here.
func (w *journalWriter) posting(p ledger.Posting) error {
	h := w.heads[p.Bucket]
	p.Seq = h.Size
	leaf, err := p.Encode()
	if err != nil {
		return fmt.Errorf("couldn't write posting %s: %w", p.ID, err)
	}
	w.append(h, leaf, "", p.ID, 0)
	x := &w.posted
	x.buckets, x.seqs, x.ids = append(x.buckets, int64(p.Bucket)), append(x.seqs, p.Seq), append(x.ids, p.ID)
	x.kinds, x.subjects, x.reasons = append(x.kinds, string(p.Kind)), append(x.subjects, p.Subject), append(x.reasons, p.Reason)
	for _, t := range p.Transfers {
		w.transfer(h.Bucket, p.Seq, t, "posting", false)
		w.transfers.orders, w.transfers.postings = append(w.transfers.orders, ""), append(w.transfers.postings, p.ID)
	}
	return nil
}

func (w *journalWriter) append(h *journalHead, leaf []byte, order, posting string, part int) {
	chain := ledger.ChainNext(ledger.Hash(h.Chain), leaf)
	x := &w.leaves
	x.buckets, x.seqs = append(x.buckets, int64(h.Bucket)), append(x.seqs, h.Size)
	x.orders, x.postings, x.parts = append(x.orders, order), append(x.postings, posting), append(x.parts, int64(part))
	x.raw, x.chains = append(x.raw, leaf), append(x.chains, chain[:])
	h.Size, h.Chain = h.Size+1, chain[:]
}

func (w *journalWriter) transfer(bucket int, seq int64, t ledger.Transfer, kind string, instalment bool) {
	x := &w.transfers
	part := int64(0)
	if instalment {
		part = 1
	}
	x.instalments = append(x.instalments, part)
	x.buckets, x.amounts, x.seqs = append(x.buckets, int64(bucket)), append(x.amounts, t.Tiyn), append(x.seqs, seq)
	x.ids, x.kinds, x.debts = append(x.ids, t.ID), append(x.kinds, kind), append(x.debts, t.Debt)
	x.debits, x.credits = append(x.debits, string(t.Debit)), append(x.credits, string(t.Credit))
}

// write stores everything in a statement per table. Amounts are tenge: [ledger.Transfer] admits no other.
func (w *journalWriter) write(ctx context.Context, tx *sqlx.Tx) error {
	if n := len(w.posted.ids); n > 0 {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO postings (bucket, id, kind, subject, reason, journal_seq, created_at)
			SELECT bucket, id, kind, subject, reason, seq, $7
			FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) AS t (bucket, id, kind, subject, reason, seq)
			ON CONFLICT DO NOTHING`,
			pgarray.Int4s(w.posted.buckets), pgarray.Texts(w.posted.ids), pgarray.Texts(w.posted.kinds), pgarray.Texts(w.posted.subjects),
			pgarray.Texts(w.posted.reasons), pgarray.Int8s(w.posted.seqs), w.at)
		if err != nil {
			return fmt.Errorf("couldn't store postings: %w", err)
		}
		if stored, err := result.RowsAffected(); err != nil || stored != int64(n) {
			return errors.Join(errPosted, err)
		}
	}
	l := &w.leaves
	if err := exec(ctx, tx, int64(len(l.raw)), `
		INSERT INTO journal (bucket, seq, order_id, posting_id, leaf, chain, created_at, part)
		SELECT bucket, seq, nullif(order_id, ''), nullif(posting_id, ''), leaf, chain, $7, part
		FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $8::integer[])
			AS t (bucket, seq, order_id, posting_id, leaf, chain, part)`,
		pgarray.Int4s(l.buckets), pgarray.Int8s(l.seqs), pgarray.Texts(l.orders), pgarray.Texts(l.postings), pgarray.Byteas(l.raw), pgarray.Byteas(l.chains), w.at,
		pgarray.Int4s(l.parts)); err != nil {
		return err
	}
	return errors.Join(w.writeTransfers(ctx, tx), w.moveHeads(ctx, tx))
}

func (w *journalWriter) writeTransfers(ctx context.Context, tx *sqlx.Tx) error {
	x := &w.transfers
	return exec(ctx, tx, int64(len(x.ids)), `
		INSERT INTO transfers (bucket, id, kind, order_id, posting_id, debt_id, debit_account, credit_account, amount, currency, journal_seq, created_at, instalment)
		SELECT bucket, id, kind, nullif(order_id, ''), nullif(posting_id, ''), nullif(debt_id, ''), debit, credit, amount, 'KZT', seq, $11, instalment = 1
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
			$12::integer[]) AS t (bucket, id, kind, order_id, posting_id, debt_id, debit, credit, amount, seq, instalment)`,
		pgarray.Int4s(x.buckets), pgarray.Texts(x.ids), pgarray.Texts(x.kinds), pgarray.Texts(x.orders), pgarray.Texts(x.postings), pgarray.Texts(x.debts),
		pgarray.Texts(x.debits), pgarray.Texts(x.credits), pgarray.Int8s(x.amounts), pgarray.Int8s(x.seqs), w.at, pgarray.Int4s(x.instalments))
}

func (w *journalWriter) moveHeads(ctx context.Context, tx *sqlx.Tx) error {
	n := len(w.heads)
	buckets, sizes, chains := make([]int64, 0, n), make([]int64, 0, n), make([][]byte, 0, n)
	for _, h := range w.heads {
		buckets, sizes, chains = append(buckets, int64(h.Bucket)), append(sizes, h.Size), append(chains, h.Chain)
	}
	return exec(ctx, tx, int64(n), `
		UPDATE journal_heads SET size = t.size, chain = t.chain
		FROM unnest($1::integer[], $2::bigint[], $3::bytea[]) AS t (bucket, size, chain) WHERE journal_heads.bucket = t.bucket`,
		pgarray.Int4s(buckets), pgarray.Int8s(sizes), pgarray.Byteas(chains))
}
