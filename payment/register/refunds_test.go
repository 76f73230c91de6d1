package register

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"qaqpa/payment/money"
	"qaqpa/payment/statement"
)

// directions counts what a file brings in and takes out.
type directions struct {
	in, out int64
	failed  []statement.Check
}

func (d *directions) Statement(*statement.Header) error { return nil }

func (d *directions) Entry(e *statement.Entry) error {
	if e.Direction == statement.Debit {
		d.out += e.Amount.Tiyn
	} else {
		d.in += e.Amount.Tiyn
	}
	return nil
}

func (d *directions) End(t *statement.Trailer) error {
	for _, c := range t.Checks {
		if c.Result == statement.Failed {
			d.failed = append(d.failed, c)
		}
	}
	return nil
}

// What was taken back stands in tables below zero and nowhere else: no format that orders money on has it.
func TestRefundsStandInTables(t *testing.T) {
	r := register(3)
	one := payment(7)
	one.Back, one.Amount = "refund", money.FromTiyn(100_00)
	r.Refunds = []Payment{one}
	sum, err := r.Sum()
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := Write(&file, CSV, r, Options{}); err != nil {
		t.Fatal(err)
	}
	net := money.FromTiyn(sum.Tiyn - 100_00)
	for _, want := range []string{"4,PSHEP000000007,2026-11-20,-100.00,KZT,108125,", ",refund\r\n", "END,4,2026-11-20," + net.Decimal() + ",KZT"} {
		if !strings.Contains(file.String(), want) {
			t.Errorf("%q is not in\n%s", want, file.String())
		}
	}
	got := &directions{}
	if _, err := statement.Read(bytes.NewReader(file.Bytes()), got, statement.Options{Mapping: Mapping(treasury.Account)}); err != nil || got.in != sum.Tiyn || got.out != 100_00 || len(got.failed) > 0 {
		t.Errorf("read again: %+v, %v", got, err)
	}
	file.Reset()
	if err := Write(&file, XLSX, r, Options{}); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := book.GetCellValue("register", "D8", excelize.Options{RawCellValue: true}); err != nil || v != "-100" {
		t.Errorf("the spreadsheet has %q, %v", v, err)
	}
	for _, f := range []Format{Pain001, Pacs008, MT102, OneC} {
		file.Reset()
		if err := Write(&file, f, r, Options{}); err != nil || strings.Contains(file.String(), "000000007") {
			t.Errorf("%s has the refund, or %v", f, err)
		}
	}
	alone := register(0)
	alone.Refunds = r.Refunds
	for _, f := range Formats() {
		file.Reset()
		if err := Write(&file, f, alone, Options{}); (err == nil) != (f == CSV || f == XLSX) {
			t.Errorf("%s of refunds alone: %v", f, err)
		}
	}
}

// A refund among the payments, or a payment among the refunds, is refused.
func TestRefundsArePaymentsNowhere(t *testing.T) {
	for name, spoil := range map[string]func(*Register){
		"a refund as payment": func(r *Register) { r.Payments[0].Back = "refund" },
		"a payment as refund": func(r *Register) { r.Refunds = r.Payments[:1:1] },
		"a refund below zero": func(r *Register) {
			p := payment(1)
			p.Back, p.Amount = "refund", money.FromTiyn(-1)
			r.Refunds = []Payment{p}
		},
	} {
		for _, f := range Formats() {
			r := register(2)
			spoil(r)
			if err := Write(&bytes.Buffer{}, f, r, Options{}); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s in %s: %v", name, f, err)
			}
		}
	}
}
