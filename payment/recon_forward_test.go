package payment

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/money"
	"qaqpa/payment/recon"
)

// forwards makes the test bank send on what it collects.
func (b *bundle) forwards() {
	b.t.Helper()
	yes := true
	b.must(b.SetReconTerms(b.t.Context(), "operator:test", ReconTerms{Bank: testBIC, CutOffMinute: 24 * 60, TermDays: 3, Forwards: &yes}))
}

const (
	sentOn = "bank:" + testBIC + ":forwarding"
	cashAt = "bank:" + testBIC + ":" + monthAccount + ":cash"
)

// nameOfDay is how the bank names what it sends on of the payments of a day.
func (b *bundle) nameOfDay() string {
	b.t.Helper()
	b.must(b.expect(b.t.Context()))
	var name string
	b.must(one(b.t.Context(), b.db, &name, `SELECT batch FROM expectations WHERE kind = 'payment' ORDER BY paid_on DESC LIMIT 1`))
	return name
}

// What is collected in a day goes on to the treasury by the name of its register, by its beneficiary, in parts, or together: rules match it, and it is no
// exception. What nobody has agreed on is one, and a person says where it went.
func TestForwarding(t *testing.T) {
	for name, c := range map[string]struct {
		payments int
		out      func(register string, refs []string, tiyn int64) []line
		rule     string
	}{
		"by the register": {2, func(register string, _ []string, tiyn int64) []line {
			return []line{{tiyn: -2 * tiyn, batch: register, to: agencyBIN, kbk: "108125"}}
		}, "forwarded"},
		"by the register as reference": {1, func(register string, _ []string, tiyn int64) []line { return []line{{tiyn: -tiyn, ref: register}} }, "forwarded-by-reference"},
		"payment by payment": {2, func(register string, refs []string, tiyn int64) []line {
			return []line{{tiyn: -tiyn, ref: refs[0], batch: register}, {tiyn: -tiyn, ref: refs[1], batch: register}}
		}, "forwarded-in-parts"},
		"by the beneficiary": {2, func(_ string, _ []string, tiyn int64) []line {
			return []line{{tiyn: -2 * tiyn, to: agencyBIN, kbk: "108125"}}
		}, "forwarded-of-day"},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.account()
			b.forwards()
			var refs []string
			var in []line
			var tiyn int64
			for range c.payments {
				ref, n := b.paid(citizenIIN)
				refs, tiyn, in = append(refs, ref), n, append(in, line{tiyn: n, ref: ref})
			}
			out := c.out(b.nameOfDay(), refs, tiyn)
			s := sheet{number: 1, day: b.today(), lines: append(in, out...)}
			report := b.reconcile(s.camt()).Statements[0]
			last := report.Rules[len(report.Rules)-1]
			if report.Matched != int64(len(s.lines)) || last.Rule != c.rule || last.Lines != int64(len(out)) || report.Listed != 0 || len(b.openKinds()) != 0 {
				t.Fatalf("report %+v", report)
			}
			all := int64(c.payments) * tiyn
			if on, cash, due := b.balance(sentOn), b.balance(cashAt), b.balance("bank:"+testBIC+":due"); on != all || cash != 0 || due != 0 {
				t.Errorf("sent on %d, cash %d, owed %d", on, cash, due)
			}
			_, _, err := b.UndoMatch(t.Context(), b.idem("undo"), report.ID, MatchUndoing{No: c.payments + 1, Comment: "elsewhere"})
			b.must(err)
			if on, cash := b.balance(sentOn), b.balance(cashAt); on != 0 || cash != all || b.openKinds()[recon.Withdrawal] != int64(len(out)) {
				t.Errorf("undone: sent on %d, cash %d, %v", on, cash, b.openKinds())
			}
		})
	}
}

// Sums of several budget codes go on in one line; a payment that is told late is sent on by itself; a second beneficiary is not mistaken
// for the first; a withdrawn statement has sent nothing on.
func TestForwardingTogether(t *testing.T) {
	b := setup(t)
	b.account()
	b.forwards()
	day := b.today()
	dues := func(kbk, bin string, tiyn int64) {
		t.Helper()
		tx, err := b.db.BeginTxx(t.Context(), nil)
		b.must(err)
		at, err := time.Parse(time.DateOnly, day)
		b.must(err)
		b.must(addDues(t.Context(), tx, map[dueRow]int64{{Bank: testBIC, PaidOn: at, KBK: kbk, Beneficiary: bin}: tiyn}))
		b.must(tx.Commit())
	}
	dues("108125", agencyBIN, 500)
	dues("108126", agencyBIN, 300)
	dues("108125", otherBIN, 500)
	name := testBIC + "-" + day[:4] + day[5:7] + day[8:] + "-108125"
	first := sheet{number: 1, day: day, opening: 5000, lines: []line{{tiyn: -800, to: agencyBIN}, {tiyn: -500, batch: name, to: otherBIN}}}
	report := b.reconcile(first.camt()).Statements[0]
	want := []RuleCount{
		{Rule: "forwarded", Fields: []recon.Field{recon.ByBatch}, Lines: 1, Amount: -500},
		{Rule: "forwarded-together", Fields: []recon.Field{recon.ByPayer}, Lines: 1, Amount: -800},
	}
	if diff := cmp.Diff(want, report.Rules); diff != "" || b.balance(sentOn) != 1300 {
		t.Errorf("sent on %d\n%s", b.balance(sentOn), diff)
	}
	dues("108125", agencyBIN, 70)
	second := sheet{number: 2, day: day, opening: first.sum(), lines: []line{{tiyn: -70, batch: name, to: agencyBIN}, {tiyn: -70, batch: name, to: agencyBIN}}}
	again := b.reconcile(second.camt()).Statements[0]
	if again.Matched != 1 || b.openKinds()[recon.Doubled] != 1 || b.balance(sentOn) != 1370 {
		t.Errorf("report %+v, %v", again, b.openKinds())
	}
	for _, step := range []struct{ who, action string }{{"operator:1", ActPropose}, {"operator:2", ActApprove}} {
		_, err := b.withdraw(step.who, again.ID, StatementWithdrawal{Action: step.action, Comment: "x"})
		b.must(err)
	}
	if on := b.balance(sentOn); on != 1300 {
		t.Errorf("after the withdrawal %d are sent on", on)
	}
}

// Without an agreement, or with another sum, the line is listed; two people say that it was sent on, all of it or as far as it was due. What was due
// and never left is missing, and moves nothing when it is given up.
func TestForwardingByPeople(t *testing.T) {
	b := setup(t)
	b.account()
	b.reconcile(sheet{number: 1, day: b.today(), opening: 5000, lines: []line{{tiyn: -900, to: agencyBIN}}}.camt())
	b.resolved(b.theOnly(recon.Withdrawal), ExceptionAction{Way: recon.Forward})
	if on := b.balance(sentOn); on != 900 {
		t.Fatalf("sent on %d", on)
	}
	b.forwards()
	ref, tiyn := b.paid(citizenIIN)
	name := b.nameOfDay()
	b.reconcile(sheet{number: 2, day: b.today(), opening: 4100, lines: []line{{tiyn: tiyn, ref: ref}, {tiyn: 1 - tiyn, ref: name}}}.camt())
	under := b.theOnly(recon.Under)
	b.resolved(under, ExceptionAction{Way: recon.Force, Expectations: []string{under.Related}})
	if on, lost := b.balance(sentOn), b.balance("operator:write-offs"); on != 900+tiyn || lost != -1 {
		t.Errorf("sent on %d, written off %d", on, lost)
	}
	other, _ := b.paid(citizenIIN)
	b.reconcile(sheet{number: 3, day: b.today(), opening: 4101, lines: []line{{tiyn: tiyn, ref: other}}}.camt())
	b.clock.advance(20 * 24 * time.Hour)
	b.must(b.workRecon(t.Context()))
	missing := b.theOnly(recon.Missing)
	if missing.Amount != money.FromTiyn(-tiyn) {
		t.Errorf("missing %+v", missing)
	}
	b.resolved(missing, ExceptionAction{Way: recon.WriteOff})
	if on, lost := b.balance(sentOn), b.balance("operator:write-offs"); on != 900+tiyn || lost != -1 {
		t.Errorf("sent on %d, written off %d", on, lost)
	}
}

// What is to be sent on grows while a statement is booked: the statement waits for it, and expects all of it once.
func TestDuesGrowWhileAStatementIsBooked(t *testing.T) {
	b := setup(t)
	b.account()
	b.forwards()
	at, err := time.Parse(time.DateOnly, b.today())
	b.must(err)
	due := dueRow{Bank: testBIC, PaidOn: at, KBK: "108125", Beneficiary: agencyBIN}
	tx, err := b.db.BeginTxx(t.Context(), nil)
	b.must(err)
	b.must(addDues(t.Context(), tx, map[dueRow]int64{due: 500}))
	b.must(tx.Commit())
	tx, err = b.db.BeginTxx(t.Context(), nil)
	b.must(err)
	b.must(addDues(t.Context(), tx, map[dueRow]int64{due: 70}))
	done := make(chan bool)
	go func() {
		time.Sleep(300 * time.Millisecond)
		_ = tx.Commit()
		close(done)
	}()
	b.reconcile(sheet{number: 1, day: b.today(), opening: 1, lines: []line{{tiyn: 5, ref: "x"}}}.camt())
	<-done
	var made []int64
	b.must(b.db.Select(&made, `SELECT amount FROM expectations WHERE kind = 'forward'`))
	if len(made) != 1 || made[0] != -570 {
		t.Errorf("%v are expected to be sent on", made)
	}
	b.check()
}
