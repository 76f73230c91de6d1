package payment

import (
	"context"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// expectPage is how many leaves of a journal are read at once.
const expectPage = 2000

// executedLeaf is an executed payment, or a part of one, as reconciliation sees it.
type executedLeaf struct {
	Seq        int64     `db:"seq"`
	Attempt    string    `db:"attempt_id"`
	Named      string    `db:"named"` // by the statement: the attempt, or the part's own reference
	Bank       string    `db:"bank_bic"`
	Tiyn       int64     `db:"amount"`
	Reference  string    `db:"bank_reference"`
	Payer      string    `db:"payer_id"`
	ExecutedAt time.Time `db:"executed_at"`
	KBK        string    `db:"kbk"`
	UIP        string    `db:"uip"`
	Charged    int64     `db:"charged"`
	Agency     string    `db:"agency_id"`
}

// expect turns executed payments into expectations until none is left. The journals are dense and
// ordered, so a cursor for each cannot miss a payment, whatever the order of commits.
func (s *Service) expect(ctx context.Context) error {
	var behind []int
	err := all(ctx, s.db, &behind, `
		SELECT h.bucket FROM journal_heads h JOIN recon_cursors c ON c.bucket = h.bucket WHERE h.size > c.next ORDER BY h.bucket`)
	if err != nil {
		return err
	}
	for _, bucket := range behind {
		for {
			more, err := s.expectBucket(ctx, bucket)
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
	}
	return nil
}

// ageAll lists payments that are past their term although no statement came: the day before today is the last that a bank may
// still be about to report.
func (s *Service) ageAll(ctx context.Context) error {
	var heads []headRow
	if err := all(ctx, s.db, &heads, `SELECT `+headColumns+` FROM recon_banks ORDER BY bucket, bank_bic`); err != nil {
		return err
	}
	yesterday := recon.DayOf(s.now()).AddDate(0, 0, -1)
	for _, h := range heads {
		if h.AgedOn != nil && !h.AgedOn.UTC().Before(yesterday) {
			continue
		}
		if err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
			head, err := lockHead(ctx, tx, h.Bucket, h.Bank)
			if err != nil {
				return err
			}
			return s.ageing(ctx, tx, head, yesterday, s.now())
		}); err != nil {
			return err
		}
	}
	return nil
}

// expectBucket reads a page of one journal. A crash leaves cursor and expectations as they were.
func (s *Service) expectBucket(ctx context.Context, bucket int) (more bool, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		more, err = s.expectPageOf(ctx, tx, bucket)
		return err
	})
	return more, err
}

// expectPageOf is [Service.expectBucket] within a transaction.
func (s *Service) expectPageOf(ctx context.Context, tx *sqlx.Tx, bucket int) (more bool, err error) {
	var next int64
	if err := one(ctx, tx, &next, `SELECT next FROM recon_cursors WHERE bucket = $1 FOR UPDATE`, bucket); err != nil {
		return false, err
	}
	var end int64
	if err := one(ctx, tx, &end, `SELECT coalesce(max(seq) + 1, $2) FROM (SELECT seq FROM journal WHERE bucket = $1 AND seq >= $2 ORDER BY seq LIMIT $3) AS t`,
		bucket, next, expectPage); err != nil || end == next {
		return false, err
	}
	var leaves []executedLeaf
	err = all(ctx, tx, &leaves, `
		SELECT j.seq, o.attempt_id, o.bank_bic, sum(i.amount)::bigint AS amount, o.bank_reference, o.payer_id, o.executed_at,
			coalesce(min(l.reference), o.attempt_id) AS named,
			CASE WHEN min(v.kbk) = max(v.kbk) THEN min(v.kbk) ELSE '' END AS kbk,
			CASE WHEN count(*) = 1 THEN min(d.reference) ELSE '' END AS uip, sum(i.agency_commission)::bigint AS charged, min(i.agency_id) AS agency_id
		FROM journal j
		JOIN orders o ON o.bucket = j.bucket AND o.id = j.order_id
		JOIN order_items i ON i.bucket = o.bucket AND i.order_id = o.id AND i.part = j.part
		LEFT JOIN order_allocations l ON l.bucket = j.bucket AND l.order_id = j.order_id AND l.part = j.part
		JOIN debts d ON d.bucket = i.bucket AND d.id = i.debt_id
		JOIN service_versions v ON v.service_id = i.service_id AND v.version = i.service_version
		WHERE j.bucket = $1 AND j.seq >= $2 AND j.seq < $3
		GROUP BY j.seq, o.attempt_id, o.bank_bic, o.bank_reference, o.payer_id, o.executed_at ORDER BY j.seq`,
		bucket, next, end)
	if err != nil {
		return false, err
	}
	if err := s.insertExpectations(ctx, tx, bucket, leaves); err != nil {
		return false, err
	}
	if err := s.due(ctx, tx, bucket, next, end); err != nil {
		return false, err
	}
	return end-next == expectPage, exec(ctx, tx, 1, `UPDATE recon_cursors SET next = $2 WHERE bucket = $1`, bucket, end)
}

func (s *Service) insertExpectations(ctx context.Context, tx *sqlx.Tx, bucket int, leaves []executedLeaf) error {
	if len(leaves) == 0 {
		return nil
	}
	days, err := calendar(ctx, tx)
	if err != nil {
		return err
	}
	terms, err := allTerms(ctx, tx)
	if err != nil {
		return err
	}
	rows := make([]expectedRow, len(leaves))
	for i, l := range leaves {
		t, found := terms[l.Bank]
		if !found {
			t = recon.DefaultTerms()
		}
		paid := days.PaymentDay(l.ExecutedAt, t)
		if l.Payer, err = s.private.number(l.Payer); err != nil { // compared with what banks' statements say
			return err
		}
		rows[i] = expectedRow{
			Bucket: bucketOf(l.Bank), No: l.Seq*ledger.Buckets + int64(bucket), Tiyn: l.Tiyn, PaidOn: paid, DueOn: days.DueDay(paid, t), Bank: l.Bank,
			Kind: expectPayment, Source: l.Attempt, Reference: string(recon.Reference([]byte(l.Named))),
			UIP: l.UIP, BankReference: l.Reference, Batch: recon.Batch(l.Bank, paid, l.KBK), Payer: l.Payer, KBK: l.KBK,
		}
		if l.Charged > 0 {
			rows[i].Charged, rows[i].ChargedTo = l.Charged, l.Agency
		}
	}
	return insertExpectations(ctx, tx, rows, s.now())
}

func allTerms(ctx context.Context, q sqlx.QueryerContext) (map[string]recon.Terms, error) {
	var heads []headRow
	if err := all(ctx, q, &heads, `SELECT `+headColumns+` FROM recon_banks`); err != nil {
		return nil, err
	}
	terms := make(map[string]recon.Terms, len(heads))
	for _, h := range heads {
		terms[h.Bank] = h.terms()
	}
	return terms, nil
}

// Kinds of expectations.
const (
	expectPayment = "payment"
	expectRefund  = "refund"
	expectOwed    = "owed"
	// expectForward is money that the bank is to send on.
	expectForward = "forward"
)

// expectedRow is a row of expectations.
type expectedRow struct {
	Bucket        int       `db:"bucket"`
	No            int64     `db:"no"`
	Tiyn          int64     `db:"amount"`
	PaidOn        time.Time `db:"paid_on"`
	DueOn         time.Time `db:"due_on"`
	Bank          string    `db:"bank_bic"`
	Kind          string    `db:"kind"`
	Source        string    `db:"source"`
	Reference     string    `db:"reference"`
	UIP           string    `db:"uip"`
	BankReference string    `db:"bank_reference"`
	Batch         string    `db:"batch"`
	Payer         string    `db:"payer"`
	KBK           string    `db:"kbk"`
	// Charged is the bank's commission that the agency ChargedTo bears for it; 0 and empty for none.
	Charged   int64  `db:"charged"`
	ChargedTo string `db:"charged_to"`
	// Settled is what live matches carry of it.
	Settled int64 `db:"settled"`
}

func insertExpectations(ctx context.Context, tx *sqlx.Tx, rows []expectedRow, now time.Time) error {
	n := len(rows)
	ints := [4][]int64{make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)}
	var texts [12][]string
	for i := range texts {
		texts[i] = make([]string, n)
	}
	for i, x := range rows {
		ints[0][i], ints[1][i], ints[2][i], ints[3][i] = int64(x.Bucket), x.No, x.Tiyn, x.Charged
		for j, v := range [12]string{
			x.PaidOn.Format(time.DateOnly), x.DueOn.Format(time.DateOnly), x.Bank, x.Kind, x.Source,
			clipBytes(x.Reference, referenceBytesMax), clipBytes(x.UIP, referenceBytesMax), clipBytes(x.BankReference, referenceBytesMax),
			clipBytes(x.Batch, referenceBytesMax), x.Payer, x.KBK, x.ChargedTo,
		} {
			texts[j][i] = strings.ToValidUTF8(v, "")
		}
	}
	return exec(ctx, tx, int64(n), `
		INSERT INTO expectations (bucket, no, amount, paid_on, due_on, bank_bic, kind, source, reference, uip, bank_reference, batch, payer, kbk, charged, charged_to, created_at)
		SELECT bucket, no, amount, paid_on::date, due_on::date, bank, kind, source, reference, uip, bank_reference, batch, payer, kbk, charged, charged_to, $17
		FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
			$11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::text[])
			AS t (bucket, no, amount, paid_on, due_on, bank, kind, source, reference, uip, bank_reference, batch, payer, kbk, charged, charged_to)`,
		pq.Array(ints[0]), pq.Array(ints[1]), pq.Array(ints[2]), pq.Array(texts[0]), pq.Array(texts[1]), pq.Array(texts[2]), pq.Array(texts[3]),
		pq.Array(texts[4]), pq.Array(texts[5]), pq.Array(texts[6]), pq.Array(texts[7]), pq.Array(texts[8]), pq.Array(texts[9]), pq.Array(texts[10]), pq.Array(ints[3]), pq.Array(texts[11]), now)
}
