package payment

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/catalog"
	"qaqpa/payment/recon"
)

// join puts the statements of the second file behind those of the first.
func join(first, second []byte) []byte {
	from, to := bytes.Index(second, []byte("<Stmt>")), bytes.LastIndex(second, []byte("</BkToCstmrStmt>"))
	at := bytes.LastIndex(first, []byte("</BkToCstmrStmt>"))
	return bytes.Join([][]byte{first[:at], second[from:to], first[at:]}, nil)
}

// A file whose later statement is older than its first is read once more and matched by the database: what was open in the older days was
// not read.
func TestOlderStatementBehindTheFirst(t *testing.T) {
	b := setup(t)
	b.account()
	b.clock.at = b.clock.at.AddDate(0, 2, 0)
	day := recon.DayOf(b.clock.now())
	old := day.AddDate(0, 0, -30)
	b.expects(expectedRow{No: 256, Tiyn: 500, PaidOn: day, Reference: "NEW"}, expectedRow{No: 512, Tiyn: 700, PaidOn: old, Reference: "OLD"},
		expectedRow{No: 768, Tiyn: 900, PaidOn: old, Reference: "TWICE"}, expectedRow{No: 1024, Tiyn: 900, PaidOn: day, Reference: "TWICE"})
	later := sheet{number: 2, day: day.Format("2006-01-02"), opening: 700, lines: []line{{tiyn: 500, ref: "NEW"}, {tiyn: 900, ref: "TWICE"}}}
	earlier := sheet{number: 1, day: old.Format("2006-01-02"), lines: []line{{tiyn: 700, ref: "OLD"}}}
	report := b.reconcile(join(later.camt(), earlier.camt()))
	if len(report.Statements) != 2 || report.Statements[0].Number != 1 || report.Statements[0].Matched != 1 || report.Statements[1].Matched != 1 {
		t.Errorf("report %+v", report)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Ambiguous: 1, recon.Missing: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
}

// A file with accounts of two banks: lines of the first are matched while it is read, those of the second by the database.
func TestTwoBanksInOneFile(t *testing.T) {
	b := setup(t)
	b.account()
	const account = "KZ398562203100000023"
	_, _, err := b.RegisterBank(t.Context(), b.idem("other"), catalog.BankSpec{BIC: otherBIC, BIN: otherBIN, Name: "Банк", URL: "http://bank.invalid", Paused: true})
	b.must(err)
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: otherBIC, Account: account}))
	ref, tiyn := b.paid(citizenIIN)
	day := b.today()
	first := sheet{number: 1, day: day, lines: []line{{tiyn: tiyn, ref: ref}}}
	second := sheet{account: account, number: 1, day: day, lines: []line{{tiyn: 5, ref: "A"}}}
	report := b.reconcile(join(first.camt(), second.camt()))
	matched := int64(0)
	for _, s := range report.Statements {
		matched += s.Matched
	}
	if len(report.Statements) != 2 || matched != 1 {
		t.Errorf("report %+v", report)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Surplus: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	b.settle()
	b.check()
}
