package payment

import (
	"bytes"
	"encoding/csv"
	"testing"

	"qaqpa/payment/catalog"
	"qaqpa/payment/refund"
	"qaqpa/payment/register"
)

// Registers and the report of a day list commissions and what of them was given back; the amounts stay those of the beneficiaries.
func TestRegistersListCommissions(t *testing.T) {
	b := setup(t)
	b.inForce(onePercent())
	o := b.executed(citizenIIN)
	wish := wishOf(refund.PayBack, item(o))
	wish.Fault = true
	x := b.decided("dana", ActApprove, b.wished(wish))
	for range 3 {
		b.refundsWork()
	}
	if x = b.refunded(x.ID); x.State != refund.Executed || x.Commission != licenceCharged {
		t.Fatalf("the refund is %+v", x)
	}
	b.must(b.expect(t.Context()))
	payments, err := PaymentsOfBank(t.Context(), b.db, b.cfg.Privacy, b.asked())
	b.must(err)
	day := catalog.Date(b.today())
	back, err := RefundsOfBank(t.Context(), b.db, b.cfg.Privacy, BankPayments{Bank: testBIC, From: day, To: day})
	b.must(err)
	if len(payments) != 1 || payments[0].Commission != licenceCharged || len(back) != 1 || back[0].Commission != licenceCharged {
		t.Fatalf("paid %+v, back %+v", payments, back)
	}
	r := register.Register{ID: "R1", Day: payments[0].Day, Bank: testBIC, Sender: "s", CreatedAt: b.clock.now(), Payments: []register.Payment{payments[0].Payment}, Refunds: back}
	var file bytes.Buffer
	b.must(register.Write(&file, register.CSV, &r, register.Options{}))
	rows, err := csv.NewReader(&file).ReadAll()
	b.must(err)
	n := len(rows[0])
	if rows[0][n-2] != "commission" || rows[1][n-2] != "54.06" || rows[2][n-2] != "-54.06" || rows[1][3] != "5406.00" {
		t.Errorf("the register says %q", rows)
	}
	report, err := DailyReport(t.Context(), b.db, ReportedDay{Bank: testBIC, Day: payments[0].Day, Issuer: "x", At: b.clock.now()})
	b.must(err)
	if report.Charged.Count != 1 || report.Charged.Tiyn != licenceCharged || report.Billed.Count != 0 {
		t.Errorf("the report says %+v and %+v", report.Charged, report.Billed)
	}
}
