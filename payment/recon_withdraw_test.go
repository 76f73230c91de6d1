package payment

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/recon"
)

func (b *bundle) withdraw(actor, id string, w StatementWithdrawal) (WithdrawnStatement, error) {
	b.t.Helper()
	idem := b.idem("withdraw")
	idem.Caller = actor
	out, _, err := b.WithdrawStatement(b.t.Context(), idem, id, w)
	return out, err
}

// A statement that was taken in by mistake is taken back by two people: what it had paid is expected again, the ledger is as before, the
// statement behind it shows the gap, and the file may come again.
func TestWithdrawStatement(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	cash, due := "bank:"+testBIC+":"+monthAccount+":cash", "bank:"+testBIC+":due"
	owed := b.balance(due)
	day := b.today()
	b.reconcile(sheet{number: 1, day: day, opening: 10, lines: []line{{tiyn: 7, ref: "BEFORE"}}}.camt())
	before := b.balance(cash)
	body := sheet{number: 2, day: day, opening: 17, lines: []line{{tiyn: tiyn, ref: ref}, {tiyn: 40, ref: "A"}}}.camt()
	id := b.reconcile(body).Statements[0].ID
	b.reconcile(sheet{number: 3, day: day, opening: 57 + tiyn, lines: []line{{tiyn: 3, ref: "B"}}}.camt())

	ask := StatementWithdrawal{Action: ActPropose, Comment: "a file of the test bank"}
	if _, err := b.withdraw("operator:1", id, StatementWithdrawal{Action: ActApprove}); err == nil {
		t.Fatal("approved what nobody has proposed")
	}
	out, err := b.withdraw("operator:1", id, ask)
	b.must(err)
	if out.State != statementBooked || out.ProposedBy != "operator:1" {
		t.Errorf("%+v", out)
	}
	_, err = b.withdraw("operator:2", id, ask)
	wants(t, err, ErrStatementState)
	_, err = b.withdraw("operator:1", id, StatementWithdrawal{Action: ActApprove})
	wants(t, err, ErrFourEyes)
	// The attack: the same person under another name, at any instant, though nobody had proposed anything when the page was asked for.
	_, err = b.withdraw("operator:2/mbr_b", id, StatementWithdrawal{Action: ActApprove, Also: []string{"operator:2/mbr_b", "operator:1/mbr_a"}})
	wants(t, err, ErrFourEyes)
	other := sheet{number: 2, day: day, opening: 17, lines: []line{{tiyn: 41, ref: "A"}}}.camt()
	_, _, err = b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(other), Source: SourceAPI, Actor: "operator:2", Also: []string{"operator:1"}, Replace: true})
	wants(t, err, ErrFourEyes)
	_, err = b.withdraw("operator:1", id, StatementWithdrawal{Action: ActReject, Comment: "no"})
	b.must(err)
	_, err = b.withdraw("operator:2", id, StatementWithdrawal{Action: ActApprove})
	wants(t, err, ErrStatementState)
	_, err = b.withdraw("operator:1", id, ask)
	b.must(err)
	out, err = b.withdraw("operator:2", id, StatementWithdrawal{Action: ActApprove})
	b.must(err)
	if out.State != statementWithdrawn || out.Reopened != 1 {
		t.Errorf("%+v", out)
	}
	if got := b.balance(cash); got != before || b.balance(due) != owed {
		t.Errorf("cash %d, was %d; due %d, was %d", got, before, b.balance(due), owed)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Surplus: 2, recon.Gap: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	_, err = b.withdraw("operator:1", id, ask)
	wants(t, err, ErrStatementState)

	again := b.reconcile(body).Statements[0]
	if again.ID == id || again.Matched != 1 || b.balance(due) != owed-tiyn {
		t.Errorf("taken in again: %+v", again)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Surplus: 3}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	if _, repeated, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(body), Source: SourceAPI, Actor: "x"}); err != nil || !repeated {
		t.Errorf("the same file once more: %v %v", repeated, err)
	}
	b.settle()
	b.check()
}

// The only statement of an account leaves nothing behind, and a payment that was missing before it came is missing again.
func TestWithdrawTheFirst(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	day := b.today()
	b.clock.at = b.clock.at.AddDate(0, 0, 20)
	b.must(b.expect(t.Context()))
	b.must(b.ageAll(t.Context()))
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Missing: 1}, b.openKinds()); diff != "" {
		t.Fatal(diff)
	}
	id := b.reconcile(sheet{number: 1, day: day, opening: 500, lines: []line{{tiyn: tiyn, ref: ref}}}.camt()).Statements[0].ID
	if diff := cmp.Diff(map[recon.Kind]int64{}, b.openKinds()); diff != "" {
		t.Fatal(diff)
	}
	_, err := b.withdraw("operator:1", id, StatementWithdrawal{Action: ActPropose, Comment: "x"})
	b.must(err)
	_, err = b.withdraw("operator:2", id, StatementWithdrawal{Action: ActApprove})
	b.must(err)
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Missing: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	if got := b.balance("bank:" + testBIC + ":" + monthAccount + ":cash"); got != 0 {
		t.Errorf("cash %d", got)
	}
	b.settle()
	b.check()
}

// A wrong file took the place of the right one and is withdrawn: the right one can come again, in one step and over two.
func TestWithdrawWhatReplaced(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	day := b.today()
	right := sheet{number: 1, day: day, opening: 10, lines: []line{{tiyn: tiyn, ref: ref}}}.camt()
	last := b.reconcile(right).Statements[0].ID
	for i := range 2 {
		_, err := b.withdraw("operator:1", last, StatementWithdrawal{Action: ActPropose, Comment: "x"})
		b.must(err)
		wrong := sheet{number: 1, day: day, opening: 10, lines: []line{{tiyn: int64(40 + i), ref: "WRONG"}}}.camt()
		report, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(wrong), Source: SourceAPI, Actor: "x", Replace: true})
		b.must(err)
		last = report.Statements[0].ID
	}
	if _, repeated, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(right), Source: SourceAPI, Actor: "x", Replace: true}); err != nil || !repeated {
		t.Errorf("a replaced file came again: %v %v", repeated, err)
	}
	_, err := b.withdraw("operator:1", last, StatementWithdrawal{Action: ActPropose, Comment: "x"})
	b.must(err)
	_, err = b.withdraw("operator:2", last, StatementWithdrawal{Action: ActApprove})
	b.must(err)
	if again := b.reconcile(right).Statements[0]; again.Matched != 1 {
		t.Errorf("%+v", again)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	b.settle()
	b.check()
}

// What people have decided, and what a period has sealed, is not withdrawn.
func TestWithdrawRefuses(t *testing.T) {
	b := setup(t)
	b.account()
	id := b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: 40, ref: "A"}}}.camt()).Statements[0].ID
	_, err := b.withdraw("operator:1", "stm_1", StatementWithdrawal{Action: ActPropose, Comment: "x"})
	wants(t, err, ErrStatementUnknown)
	_, err = b.withdraw("operator:1", "stm_000000000000000001", StatementWithdrawal{Action: ActPropose, Comment: "x"})
	wants(t, err, ErrStatementUnknown)
	_, err = b.withdraw("operator:1", id, StatementWithdrawal{Action: "burn", Comment: "x"})
	wants(t, err, ErrInvalid)
	_, err = b.withdraw("operator:1", id, StatementWithdrawal{Action: ActPropose})
	wants(t, err, ErrInvalid)
	_, err = b.withdraw("operator:1", id, StatementWithdrawal{Action: ActPropose, Comment: "x"})
	b.must(err)
	b.resolved(b.theOnly(recon.Surplus), ExceptionAction{Way: recon.Park})
	_, err = b.withdraw("operator:2", id, StatementWithdrawal{Action: ActApprove})
	wants(t, err, ErrStatementTouched)
	_, _, err = b.ClosePeriod(t.Context(), b.idem("close"), monthAccount, b.today())
	b.must(err)
	_, err = b.withdraw("operator:2", id, StatementWithdrawal{Action: ActApprove})
	wants(t, err, ErrPeriodClosed)
}

// joined puts the statement of one file behind that of another.
func joined(first, second []byte) []byte {
	from, to := bytes.Index(second, []byte("<Stmt>")), bytes.Index(second, []byte("</BkToCstmrStmt>"))
	return bytes.Replace(first, []byte("</BkToCstmrStmt>"), second[from:], 1)[:len(first)+to-from]
}

// A file may have notices and copies beside what is booked: it comes again when all that was booked of it is withdrawn.
func TestWithdrawnFileWithACopyComesAgain(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	day := b.today()
	file := joined(sheet{number: 1, day: day, copy: "DUPL", lines: []line{{tiyn: 5, ref: "COPY"}}}.camt(), sheet{number: 2, day: day, lines: []line{{tiyn: tiyn, ref: ref}}}.camt())
	report := b.reconcile(file)
	if len(report.Statements) != 2 || report.Statements[0].State != statementNoted || report.Statements[1].Matched != 1 {
		t.Fatalf("%+v", report)
	}
	for range 2 { // and once more
		id := report.Statements[1].ID
		_, err := b.withdraw("operator:1", id, StatementWithdrawal{Action: ActPropose, Comment: "x"})
		b.must(err)
		_, err = b.withdraw("operator:2", id, StatementWithdrawal{Action: ActApprove})
		b.must(err)
		if report = b.reconcile(file); len(report.Statements) != 2 || report.Statements[1].Matched != 1 {
			t.Fatalf("%+v", report)
		}
	}
	b.settle()
	b.check()
}

// Instalments of one payment may stand on two accounts of a bank: their match is undone on each of them.
func TestUndoMatchOverTwoAccounts(t *testing.T) {
	b := setup(t)
	b.account()
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: citizenAccount}))
	ref, tiyn := b.paid(citizenIIN)
	day := b.today()
	report := b.reconcile(joined(sheet{number: 1, day: day, lines: []line{{tiyn: tiyn - 10, ref: ref}}}.camt(), sheet{number: 1, day: day, account: citizenAccount, lines: []line{{tiyn: 10, ref: ref}}}.camt()))
	if len(report.Statements) != 2 || report.Statements[0].Matched+report.Statements[1].Matched != 2 {
		t.Fatalf("%+v", report)
	}
	_, _, err := b.UndoMatch(t.Context(), b.idem("undo"), report.Statements[0].ID, MatchUndoing{No: 1, Comment: "not his"})
	b.must(err)
	for _, st := range report.Statements {
		var listed int64
		b.must(b.db.Get(&listed, `SELECT coalesce(sum(amount), 0)::bigint FROM recon_exceptions WHERE account = $1 AND missing = 0 AND state = 'assigned'`, st.Account))
		if cash := b.balance("bank:" + testBIC + ":" + st.Account + ":cash"); cash != 0 || listed != st.Closing {
			t.Errorf("%s: cash %d, listed %d of %d", st.Account, cash, listed, st.Closing)
		}
	}
	b.settle()
	b.check()
}
