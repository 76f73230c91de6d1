package payment

import (
	"slices"
	"testing"
	"time"

	"qaqpa/payment/recon"
)

// A search finds exactly what its words say of each exception: the database grades by severity and age as the rules do.
func TestExceptionFilters(t *testing.T) {
	b := setup(t)
	b.account()
	day := b.clock.now()
	opening := int64(0)
	for number, days := range []int{0, 1, 2, 4, 8, 31} {
		s := sheet{number: number + 1, day: recon.DayOf(day.AddDate(0, 0, -40+days)).Format(time.DateOnly), opening: opening}
		for _, tiyn := range []int64{1, recon.SmallTiyn - 1, recon.SmallTiyn, recon.LargeTiyn - 1, recon.LargeTiyn} {
			s.lines = append(s.lines, line{tiyn: tiyn, ref: "A"}, line{tiyn: -tiyn, ref: "B"})
		}
		b.reconcile(s.camt())
		opening = s.sum()
	}
	b.done("operator:a", b.listed(ExceptionQuery{Limit: 1})[0], ExceptionAction{Action: ActAssign})
	for _, now := range []int{-40, -32, -10, 0} {
		b.clock.at = day.AddDate(0, 0, now)
		everything := b.listed(ExceptionQuery{Limit: 100})
		if len(everything) != 60 {
			t.Fatalf("%d exceptions", len(everything))
		}
		seen := 0
		for _, severity := range append(recon.Severities(), "") {
			for _, age := range append(recon.Ages(), -1) {
				q := ExceptionQuery{Bank: testBIC, Severity: severity, Limit: 100}
				if age >= 0 {
					q.Age = age.String()
				}
				var want, got []string
				for _, e := range everything {
					if (severity == "" || e.Severity == severity) && (q.Age == "" || e.Age == q.Age) {
						want = append(want, e.ID)
					}
				}
				for _, e := range b.listed(q) {
					got = append(got, e.ID)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%d days on, severity %q, age %q: %d found, want %d", now+40, severity, q.Age, len(got), len(want))
				}
				if severity != "" && q.Age != "" {
					seen += len(got)
				}
			}
		}
		if seen != len(everything) {
			t.Errorf("severities and ages together have %d of %d", seen, len(everything))
		}
	}
	if mine := b.listed(ExceptionQuery{Owner: "operator:a", State: recon.Assigned}); len(mine) != 1 {
		t.Errorf("%d are mine", len(mine))
	}
	for _, q := range []ExceptionQuery{{Severity: "grave"}, {Age: "5"}, {State: "gone"}, {Kind: "odd"}, {Limit: 101}, {Limit: -1}} {
		_, err := b.Exceptions(t.Context(), q)
		wants(t, err, ErrInvalid)
	}
}

// listed is a page of the queue.
func (b *bundle) listed(q ExceptionQuery) []Exception {
	b.t.Helper()
	page, err := b.Exceptions(b.t.Context(), q)
	b.must(err)
	return page.Items
}

// With its period what is settled is put away, what is in somebody's hands is not; lines tell how they stand, and a match of a closed period
// that is undone gives its line back to the person.
func TestArchive(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	s := sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, ref: ref}, {tiyn: 30, ref: "X"}, {tiyn: 40, ref: "Y"}, {tiyn: tiyn, ref: ref}}}
	id := b.reconcile(s.camt()).Statements[0].ID
	surplus := b.listed(ExceptionQuery{Kind: recon.Surplus})
	b.resolved(surplus[0], ExceptionAction{Way: recon.Park})
	b.done("operator:a", surplus[1], ExceptionAction{Action: ActAssign})
	b.done("operator:a", b.theOnly(recon.Doubled), ExceptionAction{Action: ActAssign})
	standing := func() (status []recon.Status, archived int) {
		page, err := b.StatementLines(t.Context(), id, 0, 0, 0)
		b.must(err)
		for _, l := range page.Items {
			status = append(status, l.Status)
			if l.Archived {
				archived++
			}
		}
		return status, archived
	}
	want := []recon.Status{recon.PostedAuto, recon.Settled, recon.Listed, recon.Listed}
	if got, archived := standing(); !slices.Equal(got, want) || archived != 0 {
		t.Errorf("before the closing: %v, %d archived", got, archived)
	}
	out, _, err := b.ClosePeriod(t.Context(), b.idem("close"), monthAccount, b.today())
	b.must(err)
	if out.Archived != 1 || len(b.listed(ExceptionQuery{State: recon.Archived})) != 1 || len(b.listed(ExceptionQuery{})) != 2 || len(b.listed(ExceptionQuery{State: recon.Resolved})) != 0 {
		t.Errorf("archived %d", out.Archived)
	}
	if got, archived := standing(); !slices.Equal(got, want) || archived != 2 {
		t.Errorf("after the closing: %v, %d archived", got, archived)
	}
	put := b.listed(ExceptionQuery{State: recon.Archived})[0]
	_, err = b.act("operator:a", put, ExceptionAction{Action: ActAssign})
	wants(t, err, ErrExceptionState)
	_, _, err = b.UndoMatch(t.Context(), b.idem("undo"), id, MatchUndoing{No: 1, Comment: "not his"})
	b.must(err)
	if got, archived := standing(); got[0] != recon.Listed || archived != 1 {
		t.Errorf("undone: %v, %d archived", got, archived)
	}
	b.settle()
	b.check()
}

// A payment that was missing is put away once its statement lies in a closed period, not with the period of another account.
func TestArchiveMissing(t *testing.T) {
	b := setup(t)
	b.account()
	const other = "KZ496010000000000002"
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: other}))
	ref, tiyn := b.paid(citizenIIN)
	b.clock.advance(20 * 24 * time.Hour)
	b.must(b.workRecon(t.Context()))
	b.theOnly(recon.Missing)
	b.clock.advance(24 * time.Hour)
	b.reconcile(sheet{number: 1, day: b.today(), account: other}.camt())
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, ref: ref}}}.camt())
	out, _, err := b.ClosePeriod(t.Context(), b.idem("close"), other, b.today())
	b.must(err)
	if out.Archived != 0 {
		t.Errorf("%d archived with another account", out.Archived)
	}
	out, _, err = b.ClosePeriod(t.Context(), b.idem("close"), monthAccount, b.today())
	b.must(err)
	if out.Archived != 1 {
		t.Errorf("%d archived", out.Archived)
	}
}
