package payment

import (
	"strings"
	"testing"

	"qaqpa/payment/catalog"
	"qaqpa/payment/refund"
	"qaqpa/payment/register"
)

// A register tells what was taken back: executed refunds and booked corrections, per budget code and beneficiary, and nothing that is only talked about.
func TestRegistersListRefunds(t *testing.T) {
	b := setup(t)
	o, other := b.executed(citizenIIN), b.executed(neighborIIN)
	part := item(o)
	part.Tiyn = new(int64(100_00))
	x := b.decided("botagoz", ActApprove, b.wished(wishOf(refund.PayBack, part)))
	for range 3 {
		b.refundsWork()
	}
	if x = b.refunded(x.ID); x.State != refund.Executed {
		t.Fatalf("the refund is %s", x.State)
	}
	b.wished(wishOf(refund.PayBack, item(other))) // asked for alone
	rejected := b.wished(wishOf(refund.PayBack, part))
	b.decided("botagoz", ActReject, rejected)
	b.must(b.expect(t.Context()))

	// The day is asked as reconciliation counts it for payments, and as it was for refunds.
	today := RegisterQuery{Bank: testBIC, Day: catalog.Date(b.today()), Format: register.CSV}
	payments, err := PaymentsOfBank(t.Context(), b.db, b.cfg.Privacy, b.asked())
	b.must(err)
	paidOn := payments[0].Day
	parts, err := b.RegisterParts(t.Context(), today)
	b.must(err)
	refunds := 0
	for _, p := range parts {
		refunds += p.Refunds
		if p.Refunds > 0 && (p.Refunded != 100_00 || p.KBK != "108125") {
			t.Errorf("part %+v", p)
		}
	}
	if refunds != 1 {
		t.Fatalf("%d refunds in %+v", refunds, parts)
	}
	file, err := b.RegisterFile(t.Context(), today)
	b.must(err)
	text := string(file.Body)
	if !strings.Contains(text, ",-100.00,KZT,108125,") || !strings.Contains(text, ",refund\r\n") || !strings.Contains(text, x.BankReference) {
		t.Errorf("the refund is not in the register:\n%s", text)
	}
	if paidOn != today.Day { // then the order of the day holds nothing
		for _, f := range []register.Format{register.Pain001, register.MT102, register.OneC} {
			q := today
			q.Format, q.Account = f, monthAccount
			if _, err := b.RegisterFile(t.Context(), q); err != ErrRegisterEmpty { //nolint:errorlint // the very one
				t.Errorf("%s: %v", f, err)
			}
		}
	}
	for name, change := range map[string]func(*RegisterQuery){
		"another agency":      func(q *RegisterQuery) { q.Agency = "agc_1" },
		"another KBK":         func(q *RegisterQuery) { q.KBK = "999999" },
		"another beneficiary": func(q *RegisterQuery) { q.Beneficiary = "000000000000" },
		"another bank":        func(q *RegisterQuery) { q.Bank = otherBIC },
		"the day before":      func(q *RegisterQuery) { q.Day = catalog.DateOf(b.clock.now().AddDate(0, 0, -1)) },
	} {
		q := today
		change(&q)
		parts, err := b.RegisterParts(t.Context(), q)
		b.must(err)
		for _, p := range parts {
			if p.Refunds > 0 {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
	back, err := RefundsOfBank(t.Context(), b.db, b.cfg.Privacy, BankPayments{Bank: testBIC, From: today.Day, To: today.Day})
	b.must(err)
	if len(back) != 1 || back[0].Back != string(refund.PayBack) || back[0].For == nil || back[0].For.ID != citizenIIN {
		t.Errorf("taken back: %+v", back)
	}
}
