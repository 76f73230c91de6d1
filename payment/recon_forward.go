package payment

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/recon"
)

// dueRow is what a bank is to send on for a day, budget code and beneficiary.
type dueRow struct {
	Bank        string    `db:"bank_bic"`
	PaidOn      time.Time `db:"paid_on"`
	KBK         string    `db:"kbk"`
	Beneficiary string    `db:"beneficiary"`
	Tiyn        int64     `db:"amount"`
}

// forwarding reads the terms of the banks that send on what they collect.
func forwarding(ctx context.Context, q sqlx.QueryerContext) (map[string]recon.Terms, error) {
	var heads []headRow
	if err := all(ctx, q, &heads, `SELECT `+headColumns+` FROM recon_banks WHERE forwards`); err != nil {
		return nil, err
	}
	terms := make(map[string]recon.Terms, len(heads))
	for _, h := range heads {
		terms[h.Bank] = h.terms()
	}
	return terms, nil
}

// due adds the leaves of a journal, from next to end, to what their banks are to send on.
func (s *Service) due(ctx context.Context, tx *sqlx.Tx, bucket int, next, end int64) error {
	terms, err := forwarding(ctx, tx)
	if err != nil || len(terms) == 0 {
		return err
	}
	banks := make([]string, 0, len(terms))
	for bank := range terms {
		banks = append(banks, bank)
	}
	var paid []struct {
		dueRow
		ExecutedAt time.Time `db:"executed_at"`
	}
	if err := all(ctx, tx, &paid, `
		SELECT o.bank_bic, o.executed_at, v.kbk, v.beneficiary_bin AS beneficiary, sum(i.amount)::bigint AS amount
		FROM journal j
		JOIN orders o ON o.bucket = j.bucket AND o.id = j.order_id
		JOIN order_items i ON i.bucket = o.bucket AND i.order_id = o.id AND i.part = j.part
		JOIN service_versions v ON v.service_id = i.service_id AND v.version = i.service_version
		WHERE j.bucket = $1 AND j.seq >= $2 AND j.seq < $3 AND o.bank_bic = ANY($4)
		GROUP BY j.seq, o.bank_bic, o.executed_at, v.kbk, v.beneficiary_bin`, bucket, next, end, pq.Array(banks)); err != nil || len(paid) == 0 {
		return err
	}
	days, err := calendar(ctx, tx)
	if err != nil {
		return err
	}
	sums := map[dueRow]int64{}
	for _, p := range paid {
		key := p.dueRow
		key.PaidOn, key.Tiyn = days.PaymentDay(p.ExecutedAt, terms[p.Bank]), 0
		sums[key] += p.Tiyn
	}
	return addDues(ctx, tx, sums)
}

// addDues adds in the order of the keys, so that two journals that are read at once wait for each other and not in a circle.
func addDues(ctx context.Context, tx *sqlx.Tx, sums map[dueRow]int64) error {
	rows := make([]dueRow, 0, len(sums))
	for key, tiyn := range sums {
		key.Tiyn = tiyn
		rows = append(rows, key)
	}
	slices.SortFunc(rows, func(a, b dueRow) int {
		return cmp.Or(cmp.Compare(a.Bank, b.Bank), a.PaidOn.Compare(b.PaidOn), cmp.Compare(a.KBK, b.KBK), cmp.Compare(a.Beneficiary, b.Beneficiary))
	})
	n := len(rows)
	buckets, amounts := make([]int64, n), make([]int64, n)
	var texts [4][]string
	for i, r := range rows {
		buckets[i], amounts[i] = int64(bucketOf(r.Bank)), r.Tiyn
		for j, v := range [4]string{r.Bank, r.PaidOn.Format(time.DateOnly), r.KBK, r.Beneficiary} {
			texts[j] = append(texts[j], v)
		}
	}
	return exec(ctx, tx, int64(n), `
		INSERT INTO forward_dues (bucket, bank_bic, paid_on, kbk, beneficiary, amount)
		SELECT bucket, bank, paid_on::date, kbk, beneficiary, amount
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) AS t (bucket, bank, paid_on, kbk, beneficiary, amount)
		ON CONFLICT (bucket, bank_bic, paid_on, kbk, beneficiary) DO UPDATE SET amount = forward_dues.amount + excluded.amount`,
		pq.Array(buckets), pq.Array(texts[0]), pq.Array(texts[1]), pq.Array(texts[2]), pq.Array(texts[3]), pq.Array(amounts))
}

// forward expects of the statements what their bank was to send on up to the last of their days and that nothing expects yet: the sum of a
// day, budget code and beneficiary, and what was added to it later by itself.
func (b *bankBooking) forward(ctx context.Context, booked []*booking) error {
	if !b.head.Forwards {
		return nil
	}
	through := booked[0].to
	for _, s := range booked {
		if s.to.After(through) {
			through = s.to
		}
	}
	through = b.days.Next(through) // a line that is booked on a holiday belongs to the day after it
	var dues []dueRow
	// Who reads a journal may be adding to a sum: it is waited for here, and what it has become is taken by a statement that sees it.
	if err := all(ctx, b.tx, &dues, `
		SELECT bank_bic, paid_on, kbk, beneficiary, amount - expected AS amount FROM forward_dues
		WHERE bucket = $1 AND bank_bic = $2 AND paid_on <= $3 AND expected < amount ORDER BY paid_on, kbk, beneficiary FOR UPDATE`,
		b.head.Bucket, b.head.Bank, through); err != nil {
		return err
	}
	rows := make([]expectedRow, len(dues))
	var keys [3][]string
	for i, d := range dues {
		for j, v := range [3]string{d.PaidOn.UTC().Format(time.DateOnly), d.KBK, d.Beneficiary} {
			keys[j] = append(keys[j], v)
		}
		no, _, err := newExpectation()
		if err != nil {
			return err
		}
		paid := d.PaidOn.UTC()
		name := recon.Batch(d.Bank, paid, d.KBK)
		rows[i] = expectedRow{
			Bucket: b.head.Bucket, No: no, Tiyn: -d.Tiyn, PaidOn: paid, DueOn: b.days.DueDay(paid, b.head.terms()), Bank: d.Bank, Kind: expectForward,
			Source: name, Reference: name, Batch: name, Payer: d.Beneficiary, KBK: d.KBK,
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := exec(ctx, b.tx, int64(len(rows)), `
		UPDATE forward_dues d SET expected = d.amount FROM unnest($3::text[], $4::text[], $5::text[]) AS t (paid_on, kbk, beneficiary)
		WHERE d.bucket = $1 AND d.bank_bic = $2 AND d.paid_on = t.paid_on::date AND d.kbk = t.kbk AND d.beneficiary = t.beneficiary`,
		b.head.Bucket, b.head.Bank, pq.Array(keys[0]), pq.Array(keys[1]), pq.Array(keys[2])); err != nil {
		return err
	}
	return insertExpectations(ctx, b.tx, rows, b.now)
}

// newExpectation makes the number of an expectation that no journal gives: below zero, apart from the numbers of executed payments; 62
// random bits, for several may be made at one instant.
func newExpectation() (no int64, id uuid.UUID, err error) {
	if id, err = uuid.NewV7(); err != nil {
		return 0, id, fmt.Errorf("couldn't make a reference: %w", err)
	}
	const randomBits = 1<<62 - 1
	return -1 - int64(binary.BigEndian.Uint64(id[8:])&randomBits), id, nil
}
