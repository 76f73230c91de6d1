package order

import (
	"bytes"
	"testing"

	"qaqpa/payment/canon"
	"qaqpa/payment/commission"
	"qaqpa/payment/money"
)

// charged is the document of the tests with one percent for the payer and a fixed sum for the agency, of two items.
func charged(t *testing.T) Document {
	t.Helper()
	d := document()
	second := d.Items[0]
	second.Debt, second.Service = "dbt_2", "svc_2"
	d.Items = append(d.Items, second)
	d.Tiyn = 2 * d.Items[0].Tiyn
	d.Total = d.Decimal()
	of := func(service string, s commission.Spec) commission.Terms {
		s.Bank, s.Service, s.ValidFrom, s.GivenBack = "HSBKKZKX", service, "2026-01-01", commission.OnFault
		return commission.Terms{ID: "cmt_" + service, Spec: s}
	}
	terms := []commission.Terms{
		of(d.Items[0].Service, commission.Spec{Bearer: commission.Payer, Rate: 100, Rounding: money.HalfUpTiyn}),
		of("svc_2", commission.Spec{Bearer: commission.Agency, Fixed: 70}),
	}
	var items []commission.Item
	for _, item := range d.Items {
		items = append(items, commission.Item{Service: item.Service, Tiyn: item.Tiyn})
	}
	decided, err := commission.Decide(terms, "HSBKKZKX", "2026-03-01", items)
	if err != nil {
		t.Fatal(err)
	}
	d.Charge(decided)
	return d
}

func TestChargedDocument(t *testing.T) {
	d := charged(t)
	raw, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeDocument(raw)
	if err != nil {
		t.Fatal(err)
	}
	if payer, agency := back.Charged(); payer != 5406 || agency != 70 || back.Commission.DebitTiyn != d.Tiyn+5406 {
		t.Errorf("charged %d and %d, debited %d", payer, agency, back.Commission.DebitTiyn)
	}
	if c := back.ChargeOf(back.Items[1]); c == nil || c.Bearer != commission.Agency {
		t.Errorf("the second item falls under %+v", c)
	}
}

// What stands in a document is what its terms come to, whoever wrote it.
func TestChargedDocumentRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Document){
		"a tiyn more":            func(d *Document) { d.Items[0].Commission++ },
		"negative":               func(d *Document) { d.Items[0].Commission = -1 },
		"the agency's":           func(d *Document) { d.Items[1].AgencyCommission++ },
		"to the wrong bearer":    func(d *Document) { d.Items[1].AgencyCommission, d.Items[1].Commission = 0, 70 },
		"terms of nobody":        func(d *Document) { d.Commission.Charges[0].Bearer = commission.Nobody },
		"unknown terms":          func(d *Document) { d.Items[0].CommissionTerms = "cmt_x" },
		"no terms":               func(d *Document) { d.Items[0].CommissionTerms = "" },
		"another rate":           func(d *Document) { d.Commission.Charges[0].Rate = 99 },
		"another base":           func(d *Document) { d.Commission.Charges[0].Base++ },
		"another charge":         func(d *Document) { d.Commission.Charges[0].Tiyn++ },
		"a charge twice":         func(d *Document) { d.Commission.Charges = append(d.Commission.Charges, d.Commission.Charges[0]) },
		"no charges":             func(d *Document) { d.Commission.Charges = nil },
		"no commission":          func(d *Document) { d.Commission = nil },
		"sum in words":           func(d *Document) { d.Commission.Sum = "0.01" },
		"sum in tiyn":            func(d *Document) { d.Commission.Tiyn++; d.Commission.Sum = d.Commission.Decimal() },
		"debit in words":         func(d *Document) { d.Commission.Debit = "1.00" },
		"debit in tiyn":          func(d *Document) { d.Commission.DebitTiyn-- },
		"currency":               func(d *Document) { d.Commission.Currency = "USD" },
		"overflow of the charge": func(d *Document) { d.Commission.Charges[0].Base = 1 << 62 },
	} {
		t.Run(name, func(t *testing.T) {
			d := charged(t)
			spoil(&d)
			if _, err := d.Encode(); err == nil {
				t.Error("encoded")
			}
			raw, err := canon.Indent(d)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := DecodeDocument(raw); err == nil {
				t.Error("decoded")
			}
		})
	}
}

// A decision that takes nothing leaves no word in what is signed.
func TestNothingCharged(t *testing.T) {
	plain, free := document(), document()
	free.Charge(commission.Decision{Terms: []string{""}, Payer: []int64{0}, Agency: []int64{0}})
	a, err1 := plain.Encode()
	b, err2 := free.Encode()
	if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
		t.Errorf("%v, %v:\n%s", err1, err2, b)
	}
}
