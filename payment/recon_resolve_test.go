package payment

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// theOnly returns the only open exception of a kind.
func (b *bundle) theOnly(kind recon.Kind) Exception {
	b.t.Helper()
	page, err := b.Exceptions(b.t.Context(), ExceptionQuery{Kind: kind})
	b.must(err)
	if len(page.Items) != 1 {
		b.t.Fatalf("%d exceptions of kind %s", len(page.Items), kind)
	}
	return page.Items[0]
}

// act does one step with an exception in somebody's name.
func (b *bundle) act(actor string, e Exception, a ExceptionAction) (Exception, error) {
	b.t.Helper()
	idem := b.idem("act")
	idem.Caller = actor
	a.Version = e.Version
	out, _, err := b.ActOnException(b.t.Context(), idem, e.ID, a)
	return out, err
}

func (b *bundle) done(actor string, e Exception, a ExceptionAction) Exception {
	b.t.Helper()
	out, err := b.act(actor, e, a)
	b.must(err)
	return out
}

// resolved resolves with two people.
func (b *bundle) resolved(e Exception, a ExceptionAction) {
	b.t.Helper()
	a.Action = ActResolve
	out := b.done("operator:a", e, a)
	if out.State == recon.Proposed {
		for actor, also := range map[string][]string{"operator:a": nil, "operator:b": {"operator:a"}} {
			if _, err := b.act(actor, out, ExceptionAction{Action: ActApprove, Also: also}); !errors.Is(err, ErrFourEyes) {
				b.t.Errorf("the proposer approved as %s: %v", actor, err)
			}
		}
		out = b.done("operator:b", out, ExceptionAction{Action: ActApprove})
	}
	if out.State != recon.Resolved {
		b.t.Errorf("%s is %s", out.Kind, out.State)
	}
}

func (b *bundle) balance(account string) int64 {
	b.t.Helper()
	b.settle()
	return b.check().Balances[ledger.Account(account)]
}

// A line whose reference the bank has garbled is tied to its payment by hand, as the first suggestion says.
func TestLinkBySuggestion(t *testing.T) {
	b := setup(t)
	b.account()
	_, tiyn := b.paid(citizenIIN)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, ref: "garbled", payer: neighborIIN}}}.camt())
	e := b.theOnly(recon.Surplus)
	d, err := b.Exception(t.Context(), e.ID)
	if err != nil || len(d.Suggestions) != 1 || d.Line == nil || d.Line.Tiyn != tiyn {
		t.Fatalf("detail %+v %v", d, err)
	}
	e = b.done("operator:a", e, ExceptionAction{Action: ActAssign, Owner: "operator:a", Comment: "mine", FileName: "letter.pdf", File: []byte("%PDF")})
	name, file, err := b.ExceptionFile(t.Context(), e.ID, e.Version)
	if err != nil || name != "letter.pdf" || string(file) != "%PDF" {
		t.Errorf("file %q %q %v", name, file, err)
	}
	asked := b.done("operator:a", e, ExceptionAction{Action: ActResolve, Way: recon.Link, Expectations: []string{d.Suggestions[0].ID}})
	if asked.State != recon.Proposed || asked.Posting != "" || b.balance("bank:"+testBIC+":due") != tiyn {
		t.Errorf("one person alone has linked: %+v", asked)
	}
	out := b.done("operator:b", asked, ExceptionAction{Action: ActApprove})
	if out.State != recon.Resolved || out.Posting == "" {
		t.Errorf("resolved %+v", out)
	}
	if due := b.balance("bank:" + testBIC + ":due"); due != 0 {
		t.Errorf("the bank owes %d", due)
	}
	if _, err := b.act("operator:a", e, ExceptionAction{Action: ActRelease}); !errors.Is(err, ErrExceptionChanged) {
		t.Errorf("an old version: %v", err)
	}
	if _, err := b.act("operator:a", out, ExceptionAction{Action: ActAssign}); !errors.Is(err, ErrExceptionState) {
		t.Errorf("assigned when resolved: %v", err)
	}
	// No rule takes the payment again, and no file takes the decision back.
	again := b.reconcile(sheet{number: 2, day: b.today(), opening: tiyn, lines: []line{{tiyn: tiyn, ref: "again", payer: citizenIIN, kbk: "108125"}}}.camt())
	if again.Statements[0].Matched != 0 {
		t.Errorf("a rule matched what a person had: %+v", again.Statements[0])
	}
	_, err = b.withdraw("operator:a", e.Statement, StatementWithdrawal{Action: ActPropose, Comment: "replace it"})
	wants(t, err, ErrStatementTouched)
	if d, err = b.Exception(t.Context(), e.ID); err != nil || len(d.Notes) != 3 || d.Notes[0].Comment != "mine" || len(d.Suggestions) != 0 {
		t.Errorf("notes %+v %v", d.Notes, err)
	}
}

// One line pays two payments and a rest that nobody explains.
func TestSplitAndPark(t *testing.T) {
	b := setup(t)
	b.account()
	_, one := b.paid(citizenIIN)
	_, two := b.paid(neighborIIN)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: one + two + 55, ref: "X"}}}.camt())
	e := b.theOnly(recon.Surplus)
	var ids []string
	var nos []int64
	b.must(b.db.Select(&nos, `SELECT no FROM expectations ORDER BY no`))
	for _, no := range nos {
		ids = append(ids, expectationID(bucketOf(testBIC), no))
	}
	misfit := ExceptionAction{Action: ActResolve, Way: recon.Link, Expectations: ids}
	if _, err := b.act("operator:a", e, misfit); !errors.Is(err, ErrResolutionMisfit) {
		t.Errorf("a rest that goes nowhere: %v", err)
	}
	misfit.Expectations = []string{ids[0], ids[0]}
	if _, err := b.act("operator:a", e, misfit); !errors.Is(err, ErrResolutionMisfit) {
		t.Errorf("one payment twice: %v", err)
	}
	b.resolved(e, ExceptionAction{Way: recon.Link, Expectations: ids, ParkRest: true})
	if due, parked := b.balance("bank:"+testBIC+":due"), b.balance("bank:"+testBIC+":suspense"); due != 0 || parked != -55 {
		t.Errorf("owed %d, in suspense %d", due, parked)
	}
}

// A surplus is given back: the bank has to pay it out, and its statement shows that it did.
func TestGiveBackIsExpected(t *testing.T) {
	b := setup(t)
	b.account()
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: 900, ref: "X", payer: citizenIIN}}}.camt())
	b.resolved(b.theOnly(recon.Surplus), ExceptionAction{Way: recon.GiveBack, Comment: "not ours"})
	if owed := b.balance("bank:" + testBIC + ":refunds"); owed != -900 {
		t.Errorf("to be refunded %d", owed)
	}
	var ref string
	b.must(b.db.Get(&ref, `SELECT reference FROM expectations WHERE kind = 'refund'`))
	report := b.reconcile(sheet{number: 2, day: b.today(), opening: 900, lines: []line{{tiyn: -900, ref: ref}}}.camt())
	if report.Statements[0].Matched != 1 || b.balance("bank:"+testBIC+":refunds") != 0 {
		t.Errorf("report %+v", report.Statements[0])
	}
}

// The bank takes back what it had shown: it owes the payment again, and delivers it under the same reference.
func TestOweAgain(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, ref: ref}, {tiyn: -tiyn, ref: ref, reverses: true}}}.camt())
	b.resolved(b.theOnly(recon.Reversal), ExceptionAction{Way: recon.Owe})
	if due := b.balance("bank:" + testBIC + ":due"); due != tiyn {
		t.Errorf("the bank owes %d", due)
	}
	report := b.reconcile(sheet{number: 2, day: b.today(), lines: []line{{tiyn: tiyn, ref: ref}}}.camt())
	if report.Statements[0].Matched != 1 || b.balance("bank:"+testBIC+":due") != 0 {
		t.Errorf("report %+v", report.Statements[0])
	}
}

// A payment that no statement shows is missing after its term; when the money comes late the exception is void, and when it
// never comes two people write it off.
func TestMissing(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	b.paid(neighborIIN)
	b.reconcile(sheet{number: 1, day: b.today()}.camt())
	if n := len(b.openKinds()); n != 0 {
		t.Errorf("missing within the term: %v", b.openKinds())
	}
	b.clock.advance(10 * 24 * time.Hour)
	b.must(b.workRecon(t.Context()))
	if got := b.openKinds()[recon.Missing]; got != 2 {
		t.Fatalf("%d are missing", got)
	}
	b.reconcile(sheet{number: 2, day: b.today(), lines: []line{{tiyn: tiyn, ref: ref}}}.camt())
	e := b.theOnly(recon.Missing)
	if e.Severity != recon.Critical && e.Severity != recon.High {
		t.Errorf("severity %s", e.Severity)
	}
	for _, way := range []recon.Way{recon.Park, recon.GiveBack, recon.Accept} {
		if _, err := b.act("operator:a", e, ExceptionAction{Action: ActResolve, Way: way}); !errors.Is(err, ErrResolutionMisfit) {
			t.Errorf("%s of a missing payment: %v", way, err)
		}
	}
	e = b.done("operator:a", e, ExceptionAction{Action: ActAsk, AnswerBy: "2026-04-01", Comment: "where is it?"})
	b.resolved(e, ExceptionAction{Way: recon.WriteOff})
	if due, lost := b.balance("bank:"+testBIC+":due"), b.balance("operator:write-offs"); due != 0 || lost != tiyn {
		t.Errorf("owed %d, written off %d", due, lost)
	}
}

func TestActRefuses(t *testing.T) {
	b := setup(t)
	b.account()
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: 900, ref: "X"}}}.camt())
	e := b.theOnly(recon.Surplus)
	for name, c := range map[string]struct {
		a    ExceptionAction
		want *Error
	}{
		"no action":               {ExceptionAction{}, ErrInvalid},
		"unknown action":          {ExceptionAction{Action: "burn"}, ErrInvalid},
		"resolve without way":     {ExceptionAction{Action: ActResolve}, ErrInvalid},
		"unknown way":             {ExceptionAction{Action: ActResolve, Way: "burn"}, ErrInvalid},
		"link to nothing":         {ExceptionAction{Action: ActResolve, Way: recon.Link}, ErrInvalid},
		"park with a payment":     {ExceptionAction{Action: ActResolve, Way: recon.Park, Expectations: []string{"exp_00"}}, ErrInvalid},
		"link to garbage":         {ExceptionAction{Action: ActResolve, Way: recon.Link, Expectations: []string{"exp_zz"}}, ErrResolutionMisfit},
		"link to what is not":     {ExceptionAction{Action: ActResolve, Way: recon.Link, Expectations: []string{expectationID(bucketOf(testBIC), 7)}}, ErrResolutionMisfit},
		"approve nothing":         {ExceptionAction{Action: ActApprove}, ErrExceptionState},
		"reject nothing":          {ExceptionAction{Action: ActReject, Comment: "no"}, ErrExceptionState},
		"release what is free":    {ExceptionAction{Action: ActRelease}, ErrExceptionState},
		"ask without a day":       {ExceptionAction{Action: ActAsk, Comment: "?"}, ErrInvalid},
		"file without a name":     {ExceptionAction{Action: ActComment, Comment: "x", File: []byte("x")}, ErrInvalid},
		"comment without a word":  {ExceptionAction{Action: ActComment}, ErrInvalid},
		"owe what was not lent":   {ExceptionAction{Action: ActResolve, Way: recon.Owe}, ErrResolutionMisfit},
		"accept money from never": {ExceptionAction{Action: ActResolve, Way: recon.Accept}, ErrResolutionMisfit},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.act("operator:a", e, c.a)
			wants(t, err, c.want)
		})
	}
	for _, id := range []string{"", "exc_", "exc_zz", e.ID + "0", e.ID[:len(e.ID)-1] + "f", "exc_" + fmt.Sprintf("%050d", 0)} {
		_, _, err := b.ActOnException(t.Context(), b.idem("x"), id, ExceptionAction{Version: 1, Action: ActAssign})
		wants(t, err, ErrExceptionUnknown)
	}
}

// Whatever people do with whatever exceptions, ledger and statement agree after each step (the service proves it before it
// commits), and what the bank owes is what is still expected.
func TestResolveInvariant(t *testing.T) {
	b := setup(t)
	b.account()
	var refs []string
	var tiyn int64
	for range 4 {
		ref, n := b.paid(citizenIIN)
		refs, tiyn = append(refs, ref), n
	}
	number := 0
	const roundsMax = 15
	rapid.Check(t, func(r *rapid.T) {
		if number++; number > roundsMax {
			return
		}
		s := sheet{number: number, day: b.today(), opening: rapid.SampledFrom([]int64{0, 10}).Draw(r, "opening")}
		for range rapid.IntRange(1, 4).Draw(r, "lines") {
			s.lines = append(s.lines, line{
				tiyn: rapid.SampledFrom([]int64{tiyn, tiyn - 1, tiyn + 5, 2 * tiyn, -tiyn, 7}).Draw(r, "tiyn"), ref: rapid.SampledFrom(append(refs, "X", "")).Draw(r, "ref"),
			})
		}
		if _, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(s.camt()), Source: SourceAPI, Actor: "x"}); err != nil {
			r.Fatal(err)
		}
		page, err := b.Exceptions(t.Context(), ExceptionQuery{})
		b.must(err)
		for _, e := range page.Items {
			d, err := b.Exception(t.Context(), e.ID)
			b.must(err)
			a := ExceptionAction{Action: ActResolve, Way: rapid.SampledFrom(recon.Ways()).Draw(r, "way")}
			if a.Way == recon.Link || a.Way == recon.Force {
				for _, sug := range d.Suggestions[:min(len(d.Suggestions), rapid.IntRange(1, 2).Draw(r, "links"))] {
					a.Expectations = append(a.Expectations, sug.ID)
				}
			}
			out, err := b.act("operator:a", e, a)
			if err == nil && out.State == recon.Proposed {
				_, err = b.act("operator:b", out, ExceptionAction{Action: ActApprove})
			}
			if err != nil && !errors.Is(err, ErrResolutionMisfit) && !errors.Is(err, ErrInvalid) {
				r.Fatal(err)
			}
		}
		var open, due int64
		b.must(b.db.Get(&open, `SELECT (coalesce(sum(amount), 0) - (SELECT coalesce(sum(m.owed), 0) FROM recon_matches m WHERE m.undone_at IS NULL AND m.owed > 0))::bigint FROM expectations WHERE amount > 0`))
		b.must(b.db.Get(&due, `SELECT sum(CASE WHEN debit_account = $1 THEN amount ELSE -amount END)::bigint FROM transfers WHERE $1 IN (debit_account, credit_account)`, "bank:"+testBIC+":due"))
		if open != due {
			r.Fatalf("expected %d, owed %d", open, due)
		}
	})
	b.settle()
	b.check()
}

// A missing payment that two people have written off comes in the end: its statement is taken in, whoever matches it, and the line is an exception that gives the loss back.
func TestWrittenOffComesLate(t *testing.T) {
	for _, probe := range []int{0, probeMax} {
		b := setup(t)
		b.account()
		b.probeMax = probe
		ref, tiyn := b.paid(citizenIIN)
		b.clock.advance(12 * 24 * time.Hour)
		b.must(b.expect(t.Context()))
		b.must(b.ageAll(t.Context()))
		b.resolved(b.theOnly(recon.Missing), ExceptionAction{Way: recon.WriteOff, Comment: "lost"})
		s := b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, ref: ref}}}.camt()).Statements[0]
		if s.Matched != 0 || len(s.Exceptions) != 1 {
			t.Errorf("%+v", s)
		}
		b.resolved(b.theOnly(recon.Doubled), ExceptionAction{Way: recon.WriteOff, Comment: "it came"})
		b.stands(map[ledger.Account]int64{ledger.BankDue(testBIC): 0, ledger.OperatorWriteOffs: 0, ledger.BankCash(testBIC, monthAccount): tiyn})
	}
}

// Of a payment that a line has paid in part the rest is missing, and no more than the rest is written off.
func TestRestOfAPartIsMissing(t *testing.T) {
	for _, listedBefore := range []bool{false, true} {
		b := setup(t)
		b.account()
		ref, tiyn := b.paid(citizenIIN)
		ages := func() {
			b.clock.advance(30 * 24 * time.Hour)
			b.must(b.expect(t.Context()))
			b.must(b.ageAll(t.Context()))
		}
		if listedBefore {
			ages()
		}
		b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn - 40_000, ref: ref}}}.camt())
		b.resolved(b.theOnly(recon.Under), ExceptionAction{Way: recon.Link, Expectations: b.expectationIDs()})
		if !listedBefore {
			ages()
		}
		b.stands(map[ledger.Account]int64{ledger.BankDue(testBIC): 40_000})
		b.resolved(b.theOnly(recon.Missing), ExceptionAction{Way: recon.WriteOff, Comment: "lost"})
		b.stands(map[ledger.Account]int64{ledger.BankDue(testBIC): 0, ledger.OperatorWriteOffs: 40_000})
	}
}

// Money that came long before its payment, and that people have linked with it, is no second time open: the bank's second line is a double.
func TestLinkedWithALineOfLongAgo(t *testing.T) {
	for _, probe := range []int{0, probeMax} {
		b := setup(t)
		b.account()
		b.probeMax = probe
		b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceTiyn, ref: "ahead"}}}.camt())
		early := b.done("operator:a", b.theOnly(recon.Surplus), ExceptionAction{Action: ActAssign})
		b.clock.advance(90 * 24 * time.Hour)
		ref, tiyn := b.paid(citizenIIN)
		b.must(b.expect(t.Context()))
		b.resolved(early, ExceptionAction{Way: recon.Link, Expectations: b.expectationIDs()})
		s := b.reconcile(sheet{number: 2, day: b.today(), opening: licenceTiyn, lines: []line{{tiyn: tiyn, ref: ref}}}.camt()).Statements[0]
		if s.Matched != 0 || b.openKinds()[recon.Doubled] != 1 {
			t.Errorf("%+v", s)
		}
		b.check()
	}
}
