package payment

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"qaqpa/payment/recon"
	"qaqpa/testenv/statements"
)

const monthAccount = "KZ916011700111350335"

// expectAll stores the payments of a plan as expectations, as the journal's reader does for executed ones.
func (b *bundle) expectAll(plan *statements.Plan) {
	b.t.Helper()
	ctx := b.t.Context()
	days, err := calendar(ctx, b.db)
	b.must(err)
	tx, err := b.db.BeginTxx(ctx, nil)
	b.must(err)
	defer func() { _ = tx.Rollback() }()
	var rows []expectedRow
	for i := range plan.Payments() {
		p := plan.Payment(i)
		rows = append(rows, expectedRow{
			Bucket: bucketOf(testBIC), No: int64(i+1) * 256, Tiyn: p.Tiyn, PaidOn: p.Day, DueOn: days.DueDay(p.Day, recon.DefaultTerms()), Bank: testBIC,
			Kind: expectPayment, Source: fmt.Sprintf("att_%d", i), Reference: p.Ref, UIP: p.UIP, Batch: p.Batch, Payer: p.PayerID, KBK: p.KBK,
		})
		if len(rows) == 5000 || i == plan.Payments()-1 {
			b.must(insertExpectations(ctx, tx, rows, b.clock.now()))
			rows = rows[:0]
		}
	}
	b.must(tx.Commit())
}

func (b *bundle) account() {
	b.t.Helper()
	b.must(b.RegisterAccount(b.t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: monthAccount}))
}

func (b *bundle) reconcile(body []byte) FileReport {
	b.t.Helper()
	report, repeated, err := b.Reconcile(b.t.Context(), StatementFile{Body: bytes.NewReader(body), Name: "test.xml", Source: SourceCLI, Actor: "operator:test"})
	if err != nil || repeated {
		b.t.Fatalf("repeated %v: %v", repeated, err)
	}
	return report
}

// A month with every known defect, statement by statement: what rules match is compared with the truth that the generator
// tells, entry by entry.
func TestMonth(t *testing.T) {
	b := setup(t)
	b.account()
	b.clock.at = time.Date(2026, 12, 8, 6, 0, 0, 0, time.UTC)
	plan, err := statements.New(statements.Config{Seed: 7, Payments: 3000, Days: 30, Account: monthAccount, Opening: 1_500_000_00})
	b.must(err)
	b.expectAll(plan)
	for day := range plan.Days() {
		var file bytes.Buffer
		b.must(plan.WriteCamt053Day(&file, day))
		report := b.reconcile(file.Bytes())
		if s := report.Statements[0]; s.LedgerBalance+s.Listed != plan.Opening(day+1) {
			t.Fatalf("day %d: ledger %d + listed %d for a closing balance of %d", day, s.LedgerBalance, s.Listed, plan.Opening(day+1))
		}
	}
	score := b.judgeMonth(plan)
	t.Logf("\n%s", score.table())
	score.check(t, b)
}
