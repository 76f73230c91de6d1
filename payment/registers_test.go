package payment

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/register"
)

// asked names the bank of the tests and the banking days to which payments of its clock's day may count.
func (b *bundle) asked() BankPayments {
	return BankPayments{Bank: testBIC, From: catalog.Date(b.today()), To: catalog.DateOf(b.clock.now().AddDate(0, 0, 10)), Account: monthAccount}
}

// A register of the day lists what the bank confirmed, in every format; what a statement showed is no longer owed.
func TestRegistersOfTheDay(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	_, other := b.paid(neighborIIN)
	if err := b.expect(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, ref: ref}}}.camt())
	found, err := PaymentsOfBank(t.Context(), b.db, b.cfg.Privacy, b.asked())
	if err != nil || len(found) != 2 {
		t.Fatalf("%d payments, %v", len(found), err)
	}
	settled := map[string]bool{}
	var list []register.Payment
	for _, p := range found {
		settled[p.ID] = p.Settled
		list = append(list, p.Payment)
		if p.For == nil || p.Payer.BIC != testBIC || p.KBK == "" || p.Beneficiary.Account == "" {
			t.Errorf("payment %+v", p)
		}
	}
	owed, err := register.Owed(list, func(id string) bool { return settled[id] }, b.clock.now())
	if err != nil || len(owed) != 1 || owed[0].Confirmed.Tiyn != tiyn+other || owed[0].Settled.Tiyn != tiyn || owed[0].Owed.Tiyn != other {
		t.Errorf("owed %+v, %v", owed, err)
	}
	// What the database sums is what the list says.
	q := b.asked()
	summed, err := b.Owed(t.Context(), q.Bank, q.From, q.To)
	if diff := cmp.Diff(owed, summed); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	rates, err := b.MatchRates(t.Context(), catalog.DateOf(b.clock.now().AddDate(0, 0, -20)))
	if err != nil || len(rates) != 1 || rates[0].Bank != testBIC || rates[0].Lines != 1 || rates[0].Matched != 1 {
		t.Errorf("rates %+v, %v", rates, err)
	}
	if none, err := b.MatchRates(t.Context(), catalog.DateOf(b.clock.now().AddDate(0, 0, 20))); err != nil || len(none) != 0 {
		t.Errorf("rates %+v, %v", none, err)
	}
	r, err := MakeRegister(register.Part{Key: register.Key{Bank: testBIC, Day: list[0].Day, KBK: list[0].KBK}, Payments: list}, "qaqpa", b.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range register.Formats() {
		var file bytes.Buffer
		if err := register.Write(&file, f, r, register.Options{}); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if f == register.Pain001 && !strings.Contains(file.String(), "<PmtInfId>"+r.ID+"</PmtInfId>") {
			t.Errorf("the group of %s is not named as the batch", r.ID)
		}
	}
	for name, change := range map[string]func(*BankPayments){
		"another bank": func(q *BankPayments) { q.Bank = otherBIC }, "another KBK": func(q *BankPayments) { q.KBK = "999999" },
		"another beneficiary": func(q *BankPayments) { q.Beneficiary = "000000000000" }, "another day": func(q *BankPayments) { q.From, q.To = "2020-01-01", "2020-01-02" },
	} {
		q := b.asked()
		change(&q)
		if none, err := PaymentsOfBank(t.Context(), b.db, b.cfg.Privacy, q); err != nil || len(none) != 0 {
			t.Errorf("%s: %d payments, %v", name, len(none), err)
		}
	}
}

// refusing is an audit log that takes nothing.
type refusing struct{}

var errAuditFull = errors.New("the audit log is full")

func (refusing) Append(context.Context, *sqlx.Tx, string, string, string, []byte) error {
	return errAuditFull
}

// noting keeps what was written last.
type noting struct{ action, subject, detail string }

func (n *noting) Append(_ context.Context, _ *sqlx.Tx, _, action, subject string, detail []byte) error {
	n.action, n.subject, n.detail = action, subject, string(detail)
	return nil
}

func TestDisclose(t *testing.T) {
	b := setup(t)
	_, tiyn := b.paid(citizenIIN)
	b.paid(neighborIIN)
	day := catalog.Date(b.today())
	ask := DisclosureRequest{Number: "R-1", Requester: "Court 1", Ground: "276", Payer: citizenIIN, From: day, To: day, Actor: "operator:x"}
	log := &noting{}
	d, err := Disclose(t.Context(), b.db, log, ask, b.clock.now)
	if err != nil || d.Count != 1 || d.Payments[0].Sender.ID != citizenIIN || d.Payments[0].Amount != d.Sum {
		t.Fatalf("%+v, %v", d, err)
	}
	if log.action != "payments.disclosed" || log.subject != "R-1" || strings.Contains(log.detail, citizenIIN) {
		t.Errorf("audit entry %+v of %d tiyn", log, tiyn)
	}
	if _, err := Disclose(t.Context(), b.db, refusing{}, ask, b.clock.now); !errors.Is(err, errAuditFull) {
		t.Errorf("an answer without an audit entry: %v", err)
	}
	ask.Ground = ""
	if _, err := Disclose(t.Context(), b.db, log, ask, b.clock.now); !errors.Is(err, register.ErrInvalid) {
		t.Errorf("a request without a ground: %v", err)
	}
}

// What an agency may write in a debt, and a bank in its confirmation, fits into every register: one payment must not keep a bank from all of its day.
func TestLongNamesFitIntoRegisters(t *testing.T) {
	b := setup(t)
	_, tiyn := b.paid(citizenIIN)
	b.must(b.expect(t.Context()))
	found, err := PaymentsOfBank(t.Context(), b.db, b.cfg.Privacy, b.asked())
	b.must(err)
	row := paidRow{
		Attempt: "att_1", PaidOn: b.clock.now(), BankRef: strings.Repeat("R", 140), Bank: testBIC, BankBIN: bankBIN, BankName: strings.Repeat("Ұ", 200), PayerID: citizenIIN,
		PayerName: strings.Repeat("Ә", 139) + " " + strings.Repeat("ә", 60), Reference: strings.Repeat("№", 64), Purpose: "x", KBK: found[0].KBK, KNP: found[0].KNP, KBE: "11",
		Name: strings.Repeat("Қ", 140), BIN: found[0].Beneficiary.ID, Account: found[0].Beneficiary.Account, BIC: found[0].Beneficiary.BIC, Amount: money.FromTiyn(tiyn),
	}
	p := row.payment(monthAccount)
	if p.For.Name != strings.Repeat("Ә", 139) || p.Payer.Name != strings.Repeat("Ұ", 140) {
		t.Errorf("names %q, %q", p.For.Name, p.Payer.Name)
	}
	r, err := MakeRegister(register.Part{Key: register.Key{Bank: testBIC, Day: p.Day}, Payments: []register.Payment{p}}, "qaqpa", b.clock.now())
	b.must(err)
	for _, f := range register.Formats() {
		if f == register.MT102 {
			r.Payments[0].UIP = "1" // has no № in its alphabet, and names the payment
		}
		if err := register.Write(io.Discard, f, r, register.Options{}); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}
