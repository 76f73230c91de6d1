package payment

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/recon"
)

// A rule with a tolerance takes what differs by no more, in both directions, and the ledger tells the difference under the rule's name, more
// and less apart; what differs by a tiyn more is an exception. Undone or replaced, nothing of the difference stays.
func TestToleranceNamesItsDifference(t *testing.T) {
	b := setup(t)
	b.account()
	ladder := slices.Insert(recon.DefaultLadder(), 1, recon.Rule{Name: "rounded", Shape: recon.OneToOne, On: []recon.Field{recon.ByReference}, Tolerance: 5})
	b.must(b.SetReconTerms(t.Context(), "operator:test", ReconTerms{Bank: testBIC, CutOffMinute: 24 * 60, TermDays: 3, Rules: ladder}))
	less, tiyn := b.paid(citizenIIN)
	more, _ := b.paid(neighborIIN)
	far, _ := b.paid(citizenIIN)
	first := sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn - 5, ref: less}, {tiyn: tiyn + 3, ref: more}, {tiyn: tiyn - 6, ref: far}}}
	report := b.reconcile(first.camt()).Statements[0]
	if report.Matched != 2 || len(report.Rules) != 1 || report.Rules[0].Rule != "rounded" || report.Rules[0].Lines != 2 {
		t.Fatalf("report %+v", report)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Under: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	page, err := b.StatementLines(t.Context(), report.ID, 0, 0, 1)
	if err != nil || len(page.Items[0].Matches) != 1 || !page.Items[0].Matches[0].Own {
		t.Errorf("the rule is the operator's own: %+v %v", page, err)
	}
	var told []struct {
		Reason string `db:"reason"`
		Debit  string `db:"debit_account"`
		Credit string `db:"credit_account"`
		Tiyn   int64  `db:"amount"`
	}
	b.must(all(t.Context(), b.db, &told, `SELECT p.reason, t.debit_account, t.credit_account, t.amount FROM postings p JOIN transfers t ON t.posting_id = p.id
		WHERE p.kind = 'write-off' AND p.subject = $1 ORDER BY t.amount`, report.ID+":rounded"))
	due, lost := "bank:"+testBIC+":due", "operator:write-offs"
	if len(told) != 2 || told[0].Reason != "difference that rule rounded tolerates" || told[0].Credit != lost || told[0].Tiyn != 3 ||
		told[1].Debit != lost || told[1].Credit != due || told[1].Tiyn != 5 {
		t.Errorf("differences %+v", told)
	}
	if owed, off := b.balance(due), b.balance(lost); owed != tiyn || off != 2 {
		t.Errorf("owed %d, written off %d", owed, off)
	}
	_, _, err = b.UndoMatch(t.Context(), b.idem("undo"), report.ID, MatchUndoing{No: 1, Comment: "too little"})
	b.must(err)
	if owed, off := b.balance(due), b.balance(lost); owed != 2*tiyn || off != -3 {
		t.Errorf("after undoing one: owed %d, written off %d", owed, off)
	}
}

// What a replaced statement wrote off is taken back with it.
func TestToleranceIsReplaced(t *testing.T) {
	b := setup(t)
	b.account()
	ladder := slices.Insert(recon.DefaultLadder(), 1, recon.Rule{Name: "rounded", Shape: recon.OneToOne, On: []recon.Field{recon.ByReference}, Tolerance: 5})
	b.must(b.SetReconTerms(t.Context(), "operator:test", ReconTerms{Bank: testBIC, CutOffMinute: 24 * 60, TermDays: 3, Rules: ladder}))
	ref, tiyn := b.paid(citizenIIN)
	s := sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn - 5, ref: ref}}}
	id := b.reconcile(s.camt()).Statements[0].ID
	s.lines[0].tiyn = tiyn - 4
	_, err := b.withdraw("operator:1", id, StatementWithdrawal{Action: ActPropose, Comment: "a wrong one"})
	b.must(err)
	_, _, err = b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(s.camt()), Source: SourceAPI, Actor: "bank:x", Replace: true})
	b.must(err)
	if owed, off := b.balance("bank:"+testBIC+":due"), b.balance("operator:write-offs"); owed != 0 || off != 4 {
		t.Errorf("owed %d, written off %d", owed, off)
	}
}
