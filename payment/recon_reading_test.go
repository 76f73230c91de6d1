package payment

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/recon"
	"qaqpa/payment/statement"
)

// table is the reading of a bank that sends tables in Kazakh letters of one byte.
func tableReading() *statement.Reading {
	return &statement.Reading{Table: &statement.Mapping{
		Separator: ";", Decimal: ",", Charset: statement.KZ1048, DateLayout: "02.01.2006", EndMark: "БАРЛЫҒЫ",
		Columns: map[statement.Column]string{
			statement.ColumnDate: "Күні", statement.ColumnCredit: "Кіріс", statement.ColumnDebit: "Шығыс", statement.ColumnEndToEnd: "Нөмір", statement.ColumnPurpose: "Мақсаты",
		},
	}}
}

func tableFile(t *testing.T, day string, rows ...string) []byte {
	t.Helper()
	at := day[8:10] + "." + day[5:7] + "." + day[:4]
	text := "Күні;Кіріс;Шығыс;Нөмір;Мақсаты\r\n"
	for _, row := range rows {
		text += at + ";" + row + "\r\n"
	}
	raw, ok := statement.Encode(statement.KZ1048, text+"БАРЛЫҒЫ;;;;\r\n")
	if !ok {
		t.Fatal("the table has letters that kz-1048 lacks")
	}
	return raw
}

// A bank's table is known by its columns, matched and booked like any statement; it opens with what the statement before it closed with, and
// the one behind it holds it to account.
func TestTableOfABank(t *testing.T) {
	b := setup(t)
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: monthAccount, Reading: tableReading()}))
	ref, tiyn := b.paid(citizenIIN)
	day := b.today()
	b.reconcile(sheet{number: 1, day: recon.DayOf(b.clock.now()).AddDate(0, 0, -1).Format("2006-01-02"), lines: []line{{tiyn: 7, ref: "BEFORE"}}}.camt())
	amount := strings.ReplaceAll(money.FromTiyn(tiyn).Decimal(), ".", ",")
	report := b.reconcile(tableFile(t, day, amount+";;"+ref+";Мемлекеттік баж, төлем", ";0,02;;комиссия"))
	s := report.Statements[0]
	if s.Matched != 1 || s.Opening != 7 || s.Closing != 5+tiyn || s.LedgerBalance+s.Listed != s.Closing || len(s.Warnings) == 0 || report.Format != "csv" {
		t.Errorf("report %+v", s)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Surplus: 1, recon.Withdrawal: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	for name, body := range map[string][]byte{
		"cut off":         bytes.TrimSuffix(tableFile(t, day, "1,00;;A;B"), []byte("\xc1\xc0\xd0\xcb\xdb\xaa\xdb;;;;\r\n")),
		"another column":  []byte("Date;Amount\r\n2026-03-02;5\r\n"),
		"an amount of no": tableFile(t, day, "x;;A;B"),
	} {
		if _, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(body), Source: SourceAPI, Actor: "x"}); codeOf(err) != string(ErrStatementUnreadable.Code) && codeOf(err) != string(ErrStatementCheck.Code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.settle()
	b.check()
}

// A table that fits the columns of two accounts is nobody's; a bank is not asked about accounts of another.
func TestTableOfTwoAccounts(t *testing.T) {
	b := setup(t)
	const account = "KZ398562203100000023"
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: monthAccount, Reading: tableReading()}))
	_, _, err := b.RegisterBank(t.Context(), b.idem("other"), catalog.BankSpec{BIC: otherBIC, BIN: otherBIN, Name: "Банк", URL: "http://bank.invalid", Paused: true})
	b.must(err)
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: otherBIC, Account: account, Reading: tableReading()}))
	body := tableFile(t, b.today(), "1,00;;A;B")
	_, _, err = b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(body), Source: SourceFolder, Actor: "x"})
	wants(t, err, ErrStatementUnreadable)
	report, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(body), Source: SourceAPI, Actor: "x", Bank: otherBIC})
	if err != nil || report.Statements[0].Account != account {
		t.Errorf("%+v %v", report, err)
	}
	bad := tableReading()
	bad.Table.Columns["colour"] = "Түсі"
	wants(t, b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: monthAccount, Reading: bad}), ErrInvalid)
}

// Where a bank puts the national codes is data of its account.
func TestPlacesOfABank(t *testing.T) {
	for _, places := range []*statement.Places{nil, {KBK: []string{"Purp/Prtry"}}} {
		b := setup(t)
		b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: monthAccount, Reading: &statement.Reading{Places: places}}))
		body := sheet{number: 1, day: b.today(), lines: []line{{tiyn: 40, ref: "A", kbk: "108125"}}}.camt()
		body = bytes.ReplaceAll(body, []byte("<Tax><Rcrd><CtgyDtls>108125</CtgyDtls></Rcrd></Tax>"), []byte("<Purp><Prtry>108126</Prtry></Purp>"))
		id := b.reconcile(body).Statements[0].ID
		page, err := b.StatementLines(t.Context(), id, 0, 0, 0)
		b.must(err)
		want := ""
		if places != nil {
			want = "108126"
		}
		if got := page.Items[0].KBK; got != want {
			t.Errorf("%+v: %q", places, got)
		}
	}
}
