package payment

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/order"
	"qaqpa/payment/recon"
	stand "qaqpa/testenv/bank"
)

// lostReport makes a payment by file that the bank has executed and never reports.
func lostReport(t *testing.T) (b *bundle, o order.Order, file string) {
	t.Helper()
	b = setup(t)
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: otherBIC, Account: monthAccount}))
	b.byFiles(otherBIC)
	o = b.orderedAt(otherBIC, citizenIIN, b.fee(citizenIIN))
	o, err := b.authoriseAs(o, citizen(citizenIIN))
	b.must(err)
	b.clock.advance(b.cfg.FileEvery)
	for range 3 {
		b.desk.asks = []string{"timeoutNotDone"}
		b.filesWork()
	}
	if got := b.state(o.ID); got != order.Unknown {
		t.Fatalf("order is %s", got)
	}
	return b, o, b.desk.FileOf(o.Attempt[len(prefixAttempt):])
}

// references are both references of a payment: the order's and the one that its bank told beside it.
func (b *bundle) references(attempt string) (of, beside string) {
	b.t.Helper()
	row := b.db.QueryRowContext(b.t.Context(), `SELECT o.bank_reference, a.told_reference FROM attempts a JOIN orders o ON o.bucket = a.bucket AND o.id = a.order_id WHERE a.id = $1`, attempt)
	b.must(row.Scan(&of, &beside))
	return of, beside
}

// The report about a payment was lost, and the statement shows the money: two people take it for executed. When the report comes after all, it names another
// reference, and that is no contradiction; another amount is, and so is a refusal.
func TestStatementProvesWhatNoReportTold(t *testing.T) {
	b, o, file := lostReport(t)
	late := b.desk.signed(b.desk.Report(file, nil), "")
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: o.Tiyn, ref: o.Attempt[len(prefixAttempt):], bank: "ACC-77"}}}.camt())
	b.resolved(b.theOnly(recon.Surplus), ExceptionAction{Way: recon.Prove, Comment: "the money is there"})
	if got := b.state(o.ID); got != order.Executed {
		t.Fatalf("order is %s", got)
	}
	var open int
	b.must(b.db.Get(&open, `SELECT count(*) FROM bank_files WHERE state <> 'done'`))
	if open != 0 {
		t.Error("the file is asked for although its only payment has ended")
	}
	if due := b.balance("bank:" + otherBIC + ":due"); due != 0 {
		t.Errorf("the bank owes %d", due)
	}
	before, err := b.Order(t.Context(), o.ID)
	if err != nil || before.Receipt == "" {
		t.Errorf("receipt %q, %v", before.Receipt, err)
	}
	for i := range 3 { // the third one is another report that says the same
		if i == 2 {
			late = b.desk.signed(b.desk.Report(file, nil), "")
		}
		result, err := b.TakeReport(t.Context(), otherBIC, late)
		if err != nil || len(result.Problems) != 0 || result.Executed != 1 || result.Open != 0 {
			t.Errorf("late report %d: %+v, %v", i, result, err)
		}
	}
	of, beside := b.references(o.Attempt)
	if of != "ACC-77" || beside == "" || beside == of {
		t.Errorf("references %q and %q", of, beside)
	}
	var listed []BankAttempt // ids tell the day of making, whatever the clock of the test says; it may have been before midnight
	for _, at := range []time.Time{time.Now(), time.Now().Add(-24 * time.Hour)} {
		page, err := b.BankAttempts(t.Context(), BankAttemptQuery{Bank: otherBIC, Day: catalog.DateOf(at)})
		b.must(err)
		listed = append(listed, page.Items...)
	}
	if told, err := b.ToldReference(t.Context(), o.Attempt); err != nil || told != beside || len(listed) != 1 || listed[0].ToldReference != beside {
		t.Errorf("shown as %+v, %q: %v", listed, told, err)
	}
	for lie, change := range map[string]func(*stand.Said){
		"amount": lying("wrongAmount"), "refusal": lying("contradict"), "third reference": func(s *stand.Said) { s.Reference = "ANOTHER" },
	} {
		result, err := b.TakeReport(t.Context(), otherBIC, b.desk.signed(b.desk.Report(file, change), ""))
		if err != nil || len(result.Problems) != 1 {
			t.Errorf("%s after the execution: %+v, %v", lie, result, err)
		}
	}
	after, err := b.Order(t.Context(), o.ID)
	if err != nil || after.State != order.Executed || after.Receipt != before.Receipt {
		t.Errorf("order %+v, %v", after, err)
	}
	b.settle()
	b.agree()
}

// The report comes first: the line is matched by our reference whatever the bank's own is, and a second line of the same name proves nothing.
func TestReportBeforeStatement(t *testing.T) {
	b, o, file := lostReport(t)
	_, err := b.TakeReport(t.Context(), otherBIC, b.desk.signed(b.desk.Report(file, nil), ""))
	b.must(err)
	ref := o.Attempt[len(prefixAttempt):]
	report := b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: o.Tiyn, ref: ref, bank: "ACC-77"}, {tiyn: o.Tiyn, ref: ref, bank: "ACC-78"}}}.camt())
	if report.Statements[0].Matched != 1 {
		t.Errorf("report %+v", report.Statements[0])
	}
	page, err := b.Exceptions(t.Context(), ExceptionQuery{})
	b.must(err)
	for _, e := range page.Items {
		_, err := b.act("operator:a", e, ExceptionAction{Action: ActResolve, Way: recon.Prove})
		wants(t, err, ErrResolutionMisfit)
	}
	if of, beside := b.references(o.Attempt); of == "ACC-77" || beside != "" || len(page.Items) != 1 {
		t.Errorf("references %q and %q, %d exceptions", of, beside, len(page.Items))
	}
	b.settle()
	b.agree()
}

// The same for a payment by message, whose callback comes late; and while two people decide, the callback may come first.
func TestStatementProvesLostCallback(t *testing.T) {
	b := setup(t)
	b.account()
	o := lostReply(b)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: o.Tiyn, ref: attemptOf(b, o.ID)}}}.camt())
	e := b.theOnly(recon.Surplus)
	e = b.done("operator:a", e, ExceptionAction{Action: ActResolve, Way: recon.Prove})
	if legs, err := b.ProposedLegs(t.Context(), e.ID); err != nil || len(legs) != 1 || legs[0].Tiyn != o.Tiyn {
		t.Errorf("what the approval moves: %+v, %v", legs, err)
	}
	e = b.done("operator:b", e, ExceptionAction{Action: ActReject, Comment: "look again"})
	b.resolved(e, ExceptionAction{Way: recon.Prove})
	of, _ := b.references(o.Attempt)
	if !strings.HasPrefix(of, e.Statement+":") { // a line without a reference of the bank is named by its place
		t.Errorf("reference %q", of)
	}
	for name, c := range map[string]struct {
		change func(*bank.Status)
		want   *Error
	}{
		"another amount": {func(s *bank.Status) { s.Tiyn++ }, ErrConfirmationAmount},
		"a refusal": {func(s *bank.Status) {
			s.Outcome, s.Reason, s.Tiyn, s.Currency, s.BankReference, s.ExecutedAt = bank.Refused, "no money", 0, "", "", ""
		}, ErrConfirmationConflict},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, c.change))
			wants(t, err, c.want)
		})
	}
	for range 2 {
		out, err := b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, nil))
		if err != nil || out.Result != AlreadyApplied {
			t.Errorf("late callback: %+v, %v", out, err)
		}
	}
	_, err := b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, func(s *bank.Status) { s.BankReference = "ANOTHER" }))
	wants(t, err, ErrConfirmationConflict)
	b.settle()
	b.agree()
}

// Decision and callback meet: one of them makes the payment, and the money moves once.
func TestProofAndCallbackMeet(t *testing.T) {
	b := setup(t)
	b.account()
	for i := range 4 {
		o := lostReply(b)
		b.reconcile(sheet{number: 1 + i, day: b.today(), opening: int64(i) * o.Tiyn, lines: []line{{tiyn: o.Tiyn, ref: attemptOf(b, o.ID), bank: fmt.Sprintf("ACC-%d", i)}}}.camt())
		e := b.done("operator:a", b.theOnly(recon.Surplus), ExceptionAction{Action: ActResolve, Way: recon.Prove})
		message := b.bank.says(o.Attempt, nil)
		var wait sync.WaitGroup
		var proven, heard error
		wait.Go(func() { _, proven = b.act("operator:b", e, ExceptionAction{Action: ActApprove}) })
		wait.Go(func() { _, heard = b.Confirm(t.Context(), testBIC, message) })
		wait.Wait()
		b.must(heard)
		if proven != nil { // the callback was first: the line is linked to the payment that is expected now
			wants(t, proven, ErrResolutionMisfit)
			b.must(b.expect(t.Context()))
			e = b.done("operator:b", e, ExceptionAction{Action: ActReject, Comment: "it was told meanwhile"})
			d, err := b.Exception(t.Context(), e.ID)
			if err != nil || len(d.Suggestions) == 0 {
				t.Fatalf("suggestions %+v, %v", d.Suggestions, err)
			}
			b.resolved(e, ExceptionAction{Way: recon.Link, Expectations: []string{d.Suggestions[0].ID}})
		}
	}
	if due := b.balance("bank:" + testBIC + ":due"); due != 0 {
		t.Errorf("the bank owes %d", due)
	}
	b.agree()
}

// An order over two beneficiaries is proven by the lines of both; one alone shows a fault of the bank.
func TestStatementProvesParts(t *testing.T) {
	b := setup(t)
	b.account()
	court, claim := b.court()
	o := b.ordered(citizenIIN, b.fee(citizenIIN), b.owes(court.ID, claim, "CLAIM-1", 777700))
	o, err := b.authoriseAs(o, citizen(citizenIIN))
	b.must(err)
	b.bank.pays = []string{"timeoutButDone"}
	b.attempts()
	parts := b.bank.payments[o.Attempt].order.Allocations
	lines := []line{{tiyn: parts[0].Tiyn, ref: parts[0].Reference, bank: "ACC-1"}}
	b.reconcile(sheet{number: 1, day: b.today(), lines: lines}.camt())
	first := b.theOnly(recon.Surplus)
	_, err = b.act("operator:a", first, ExceptionAction{Action: ActResolve, Way: recon.Prove})
	wants(t, err, ErrResolutionMisfit)
	b.reconcile(sheet{number: 2, day: b.today(), opening: parts[0].Tiyn, lines: []line{{tiyn: parts[1].Tiyn, ref: parts[1].Reference, bank: "ACC-2"}}}.camt())
	b.resolved(first, ExceptionAction{Way: recon.Prove})
	if got := b.state(o.ID); got != order.Executed {
		t.Errorf("order is %s", got)
	}
	// The other line finds its payment by the rules, at the next statement.
	b.reconcile(sheet{number: 3, day: b.today(), opening: o.Tiyn}.camt())
	if open := b.openKinds(); len(open) != 0 {
		t.Errorf("open %v", open)
	}
	if due := b.balance("bank:" + testBIC + ":due"); due != 0 {
		t.Errorf("the bank owes %d", due)
	}
	b.agree()
}

// What a line does not prove.
func TestStatementProvesNothing(t *testing.T) {
	b := setup(t)
	b.account()
	refused := b.authorised(citizenIIN)
	b.bank.pays = []string{"refuse"}
	b.attempts()
	elsewhere := b.orderedAt(otherBIC, citizenIIN, b.fee(citizenIIN))
	elsewhere, err := b.authoriseAs(elsewhere, citizen(citizenIIN))
	b.must(err)
	lost := b.sentAndLost(citizenIIN)
	waiting := b.authorised(citizenIIN) // after the workers went: never sent
	var said bank.Status
	said, err = bank.ParseStatus(opened(t, lost))
	b.must(err)
	early := recon.DayOf(b.clock.now()).AddDate(0, 0, -3).Format(time.DateOnly)
	nobody := refused.Attempt[len(prefixAttempt):len(prefixAttempt)+2] + "0123456789abcdef0123456789abcdef"
	opening := int64(0)
	for i, c := range []struct {
		name string
		line line
		day  string
	}{
		{"an old day", line{tiyn: said.Tiyn, ref: said.Attempt}, early},
		{"a refused payment", line{tiyn: refused.Tiyn, ref: refused.Attempt}, b.today()},
		{"one that was never sent", line{tiyn: waiting.Tiyn, ref: waiting.Attempt}, b.today()},
		{"one through another bank", line{tiyn: elsewhere.Tiyn, ref: elsewhere.Attempt}, b.today()},
		{"another amount", line{tiyn: said.Tiyn + 1, ref: said.Attempt}, b.today()},
		{"no payment of ours", line{tiyn: said.Tiyn, ref: "SALARY"}, b.today()},
		{"a payment that is not there", line{tiyn: said.Tiyn, ref: nobody}, b.today()},
	} {
		report := b.reconcile(sheet{number: 1 + i, day: c.day, opening: opening, lines: []line{c.line}}.camt())
		opening += c.line.tiyn
		page, err := b.Exceptions(t.Context(), ExceptionQuery{})
		b.must(err)
		for _, e := range page.Items {
			if e.Statement != report.Statements[0].ID {
				continue
			}
			out, err := b.act("operator:a", e, ExceptionAction{Action: ActResolve, Way: recon.Prove})
			if err == nil { // the day is judged with the decision
				_, err = b.act("operator:b", out, ExceptionAction{Action: ActApprove})
			}
			if !errors.Is(err, ErrResolutionMisfit) {
				t.Errorf("%s proves a payment: %v", c.name, err)
			}
		}
	}
	b.check()
}
