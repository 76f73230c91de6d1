package payment

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"qaqpa/payment/canon"
	"qaqpa/payment/recon"
)

// The lines of a statement say which rule matched them by what; a match is undone alone, and no rule makes it again.
func TestUndoMatch(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	other, _ := b.paid(citizenIIN)
	half := sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, ref: ref}, {tiyn: tiyn - 7, ref: other}, {tiyn: 7, ref: other}, {tiyn: 3, ref: "X"}}}
	id := b.reconcile(half.camt()).Statements[0].ID
	page, err := b.StatementLines(t.Context(), id, 0, 0, 0)
	b.must(err)
	if len(page.Items) != 4 || page.Items[0].Matches[0].Rule != "reference" || page.Items[0].Matches[0].Fields[0] != recon.ByReference ||
		page.Items[1].Matches[0].Rule != "instalments" || page.Items[3].Exception == "" {
		t.Fatalf("lines %+v", page)
	}
	out, _, err := b.UndoMatch(t.Context(), b.idem("undo"), id, MatchUndoing{No: 3, Comment: "not his"})
	if err != nil || len(out.Exceptions) != 2 || out.Posting == "" {
		t.Fatalf("undone %+v %v", out, err)
	}
	if due := b.balance("bank:" + testBIC + ":due"); due != tiyn {
		t.Errorf("the bank owes %d", due)
	}
	if page, err = b.StatementLines(t.Context(), id, 1, 0, 1); err != nil || len(page.Items[0].Matches) != 0 || !page.HasMore {
		t.Errorf("lines %+v %v", page, err)
	}
	_, _, err = b.UndoMatch(t.Context(), b.idem("undo"), id, MatchUndoing{No: 3, Comment: "again"})
	wants(t, err, ErrMatchUnknown)
	_, _, err = b.UndoMatch(t.Context(), b.idem("undo"), id, MatchUndoing{No: 1})
	wants(t, err, ErrInvalid)
	_, _, err = b.UndoMatch(t.Context(), b.idem("undo"), "stm_x", MatchUndoing{No: 1, Comment: "x"})
	wants(t, err, ErrStatementUnknown)
	next := b.reconcile(sheet{number: 2, day: b.today(), opening: half.sum()}.camt())
	if next.Statements[0].LedgerBalance+next.Statements[0].Listed != half.sum() || b.balance("bank:"+testBIC+":due") != tiyn {
		t.Errorf("a rule took it again: %+v", next.Statements[0])
	}
}

// A period is closed when everything in it is in somebody's hands; its sealed register says what was; nothing is booked into
// it afterwards.
func TestClosePeriod(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	first := sheet{number: 1, day: b.today(), opening: 5, lines: []line{{tiyn: tiyn, ref: ref}, {tiyn: 30, ref: "X"}}}
	b.reconcile(first.camt())
	_, _, err := b.ClosePeriod(t.Context(), b.idem("close"), monthAccount, b.today())
	wants(t, err, ErrPeriodOpen)
	b.done("operator:a", b.theOnly(recon.Surplus), ExceptionAction{Action: ActAssign})
	_, _, err = b.ClosePeriod(t.Context(), b.idem("close"), monthAccount, "2026-02-01")
	wants(t, err, ErrPeriodOpen)
	out, _, err := b.ClosePeriod(t.Context(), b.idem("close"), monthAccount, b.today())
	b.must(err)
	r := out.Register
	if r.Opening != 5 || r.Closing != first.sum() || r.LedgerBalance+r.Listed != r.Closing || r.Matches != 1 || r.BankOwes != 0 || len(r.Statements) != 1 || r.Exceptions[0].Kind != recon.Surplus {
		t.Errorf("register %+v", r)
	}
	seal, err := b.PeriodSeal(t.Context(), monthAccount, out.Through)
	b.must(err)
	found, err := b.notary.Verify(t.Context(), seal, nil)
	var sealed PeriodRegister
	if err != nil || !found.Valid || canon.DecodeExact(found.Content, &sealed) != nil || sealed.Closing != r.Closing {
		t.Errorf("seal %+v %v", found, err)
	}
	if _, err := b.PeriodSeal(t.Context(), monthAccount, "2020-01-01"); !errors.Is(err, ErrStatementUnknown) {
		t.Errorf("no such period: %v", err)
	}
	_, _, err = b.ClosePeriod(t.Context(), b.idem("close"), monthAccount, out.Through)
	wants(t, err, ErrPeriodClosed)
	_, _, err = b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(sheet{number: 9, day: out.Through}.camt()), Source: SourceAPI, Actor: "x"})
	wants(t, err, ErrPeriodClosed)
}

// A missing payment that a statement has shown is missing again when the match is undone.
func TestUndoneMatchIsMissingAgain(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	b.clock.advance(30 * 24 * time.Hour)
	b.must(b.expect(t.Context()))
	b.must(b.ageAll(t.Context()))
	b.theOnly(recon.Missing)
	s := b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, ref: ref}}}.camt()).Statements[0]
	_, _, err := b.UndoMatch(t.Context(), b.by("aru"), s.ID, MatchUndoing{No: 1, Comment: "not so"})
	b.must(err)
	b.resolved(b.theOnly(recon.Surplus), ExceptionAction{Way: recon.Park, Comment: "somebody else's"})
	b.clock.advance(30 * 24 * time.Hour)
	b.must(b.ageAll(t.Context()))
	if e := b.theOnly(recon.Missing); e.Owner != "aru" || b.balance("bank:"+testBIC+":due") != tiyn {
		t.Errorf("%+v", e)
	}
	b.check()
}
