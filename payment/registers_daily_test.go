package payment

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/daily"
	"qaqpa/payment/recon"
)

// The report of a day tells what statement, matches, exceptions and expectations hold.
func TestDailyReport(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	_, other := b.paid(neighborIIN)
	if err := b.expect(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := PaymentsOfBank(t.Context(), b.db, b.cfg.Privacy, b.asked())
	if err != nil || len(found) != 2 {
		t.Fatalf("%d payments, %v", len(found), err)
	}
	day := found[0].Day
	b.reconcile(sheet{number: 1, day: string(day), opening: 1000, lines: []line{{tiyn: tiyn, ref: ref}, {tiyn: 700, ref: "X"}}}.camt())
	r, err := DailyReport(t.Context(), b.db, ReportedDay{testBIC, day, "qaqpa", b.clock.now()})
	if err != nil {
		t.Fatal(err)
	}
	want := &daily.Report{
		Issuer: "qaqpa", Bank: testBIC, BankName: r.BankName, Day: day, MadeAt: b.clock.now(),
		Accounts: []daily.Account{{Number: monthAccount, Opening: 1000, Credit: tiyn + 700, Closing: 1700 + tiyn, Lines: 2}},
		Lines:    daily.Sum{Count: 2, Tiyn: tiyn + 700}, Matched: daily.Sum{Count: 1, Tiyn: tiyn},
		Rules:     []daily.Row{{Name: "reference", Sum: daily.Sum{Count: 1, Tiyn: tiyn}}},
		Kinds:     []daily.Row{{Name: string(recon.Surplus), Sum: daily.Sum{Count: 1, Tiyn: 700}}},
		Confirmed: daily.Sum{Count: 2, Tiyn: tiyn + other}, Settled: daily.Sum{Count: 1, Tiyn: tiyn}, Owed: daily.Sum{Count: 1, Tiyn: other},
		Trend: []daily.Point{{Day: day, Share: 500}},
	}
	want.AddAge(0, daily.Sum{Count: 1, Tiyn: 700})
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if r.BankName == testBIC {
		t.Error("the bank has no name")
	}
	if _, err := DailyReport(t.Context(), b.db, ReportedDay{Bank: otherBIC, Day: day}); err != nil {
		t.Errorf("a bank without statements: %v", err)
	}
	if _, err := DailyReport(t.Context(), b.db, ReportedDay{Bank: testBIC, Day: "today"}); err == nil {
		t.Error("a day that is none")
	}
}
