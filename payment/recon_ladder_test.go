package payment

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"qaqpa/payment/recon"
	"qaqpa/testenv/statements"
)

// expects stores expectations as they are told.
func (b *bundle) expects(rows ...expectedRow) {
	b.t.Helper()
	for i := range rows {
		r := &rows[i]
		r.Bucket, r.Bank, r.Kind, r.DueOn = bucketOf(testBIC), testBIC, expectPayment, r.PaidOn.AddDate(0, 0, 3)
		r.Source = fmt.Sprint("att_", r.No)
	}
	b.must(b.inTx(b.t.Context(), func(ctx context.Context, tx *sqlx.Tx) error { return insertExpectations(ctx, tx, rows, b.clock.now()) }))
}

// pairsOf lists live matches as line number and expectation.
func (b *bundle) pairsOf() map[int]int64 {
	b.t.Helper()
	var rows []struct {
		No          int   `db:"no"`
		Expectation int64 `db:"expectation"`
	}
	b.must(all(b.t.Context(), b.db, &rows, `SELECT no, expectation FROM recon_matches WHERE undone_at IS NULL`))
	pairs := map[int]int64{}
	for _, r := range rows {
		pairs[r.No] = r.Expectation
	}
	return pairs
}

// A line that fits two payments by the first rule is left to a person: once it was matched with both.
// It is so whether the gateway matches while it reads, the database does, or there are too many open payments for the memory.
func TestLineOfTwoPayments(t *testing.T) {
	for _, limit := range []int{probeMax, 2, 0} {
		lineOfTwoPayments(t, limit)
	}
}

func lineOfTwoPayments(t *testing.T, limit int) {
	t.Helper()
	b := setup(t)
	b.probeMax = limit
	b.account()
	day := recon.DayOf(b.clock.now())
	b.expects(expectedRow{No: 256, Tiyn: 500, PaidOn: day, Reference: "SAME"}, expectedRow{No: 512, Tiyn: 500, PaidOn: day, Reference: "SAME"},
		expectedRow{No: 768, Tiyn: 700, PaidOn: day, Reference: "OTHER"})
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: 500, ref: "SAME"}, {tiyn: 700, ref: "OTHER"}, {tiyn: 700, ref: "OTHER"}}}.camt())
	if diff := cmp.Diff(map[int]int64{2: 768}, b.pairsOf()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Ambiguous: 1, recon.Doubled: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
}

// Payments long past their term are found by what names them, and before a younger payment of the same charge.
func TestPaymentsBeyondTheHorizon(t *testing.T) {
	b := setup(t)
	b.account()
	b.clock.at = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)
	day := recon.DayOf(b.clock.now())
	old := day.AddDate(0, 0, -90)
	b.expects(expectedRow{No: 256, Tiyn: 500, PaidOn: old, Reference: "FIRST", UIP: "U1"}, expectedRow{No: 512, Tiyn: 500, PaidOn: day, Reference: "SECOND", UIP: "U1"},
		expectedRow{No: 768, Tiyn: 900, PaidOn: old, Reference: "THIRD", BankReference: "B9"}, expectedRow{No: 1024, Tiyn: 300, PaidOn: old, Payer: citizenIIN, KBK: "108125"})
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: 500, ref: "FIRST"}, {tiyn: 900, bank: "B9"}, {tiyn: 300, payer: citizenIIN, kbk: "108125"}}}.camt())
	if diff := cmp.Diff(map[int]int64{1: 256, 2: 768}, b.pairsOf()); diff != "" {
		t.Error(diff) // the third has no name, and who pays the same fee again after three months has not paid late
	}
}

// A month in one file is matched as well as day by day, and in every run alike.
func TestMonthInOneFile(t *testing.T) {
	var runs []string
	for _, limit := range []int{probeMax, 0} { // matched while it is read, and by the database
		b := setup(t)
		b.probeMax = limit
		b.account()
		b.clock.at = time.Date(2026, 12, 8, 6, 0, 0, 0, time.UTC)
		plan, err := statements.New(statements.Config{Seed: 11, Payments: 1500, Days: 30, Account: monthAccount, Opening: 1_500_000_00})
		b.must(err)
		b.expectAll(plan)
		var file bytes.Buffer
		b.must(plan.WriteCamt053(&file))
		report := b.reconcile(file.Bytes())
		if s := report.Statements[len(report.Statements)-1]; len(report.Statements) != plan.Days() || s.LedgerBalance+s.Listed != plan.Opening(plan.Days()) {
			t.Fatalf("%d statements; ledger %d + listed %d for a closing balance of %d", len(report.Statements), s.LedgerBalance, s.Listed, plan.Opening(plan.Days()))
		}
		b.judgeMonth(plan).check(t, b)
		var found []string
		b.must(all(t.Context(), b.db, &found, `
			SELECT concat_ws(' ', s.number, x.no, x.part, x.what, x.rule) FROM (
				SELECT statement, no, part, expectation::text AS what, rule FROM recon_matches
				UNION ALL SELECT statement, no, part, kind || coalesce(related, 0), rule FROM recon_exceptions) AS x
			LEFT JOIN statements s ON s.id = x.statement ORDER BY 1`))
		runs = append(runs, fmt.Sprint(found))
	}
	if runs[0] != runs[1] {
		t.Error("two runs over the same file differ")
	}
}

// A line for four payments of a batch is matched when one choice alone adds up to it, and left to a person when there are two, or when
// another line wants one of them.
func TestFourOfABatch(t *testing.T) {
	b := setup(t)
	b.account()
	day := recon.DayOf(b.clock.now())
	for i, tiyn := range []int64{100, 200, 400, 800, 1600, 3200, 6400} {
		b.expects(expectedRow{No: int64(i+1) * 256, Tiyn: tiyn, PaidOn: day, Reference: fmt.Sprint("A", i), Batch: "BTCH-A"})
	}
	for i, tiyn := range []int64{10, 10, 20, 40, 80} {
		b.expects(expectedRow{No: int64(i+20) * 256, Tiyn: tiyn, PaidOn: day, Reference: fmt.Sprint("B", i), Batch: "BTCH-B"})
	}
	for i, tiyn := range []int64{1, 2, 4, 8, 16, 32, 64} {
		b.expects(expectedRow{No: int64(i+40) * 256, Tiyn: tiyn, PaidOn: day, Reference: fmt.Sprint("C", i), Batch: "BTCH-C"})
	}
	body := sheet{number: 1, day: b.today(), lines: []line{{tiyn: 100 + 400 + 1600 + 6400}, {tiyn: 10 + 20 + 40 + 80}, {tiyn: 1 + 2 + 4 + 8}, {tiyn: 8 + 16 + 32 + 64}}}.camt()
	for _, batch := range []string{"BTCH-A", "BTCH-B", "BTCH-C", "BTCH-C"} {
		body = bytes.Replace(body, []byte(`<NtryDtls><TxDtls>`), []byte(`<NtryDtls><Btch><PmtInfId>`+batch+`</PmtInfId><NbOfTxs>4</NbOfTxs></Btch><TXDtls>`), 1)
	}
	for {
		from, to := bytes.Index(body, []byte("<TXDtls>")), bytes.Index(body, []byte("</TxDtls>"))
		if from < 0 {
			break
		}
		body = append(bytes.Clone(body[:from]), body[to+len("</TxDtls>"):]...)
	}
	report := b.reconcile(body)
	var found []int64
	b.must(all(t.Context(), b.db, &found, `SELECT expectation / 256 FROM recon_matches WHERE no = 1 ORDER BY 1`))
	if diff := cmp.Diff([]int64{1, 3, 5, 7}, found); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Ambiguous: 3}, b.openKinds()); diff != "" || report.Statements[0].Matched != 1 {
		t.Errorf("%+v %s", report.Statements[0], diff)
	}
}
