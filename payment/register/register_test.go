package register

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"qaqpa/payment/money"
	"qaqpa/payment/statement"
)

var treasury = Party{Name: "УГД по Примерному району", ID: "090440983694", Organisation: true, Account: "KZ24070105KSN0000000", BIC: "KKMFKZ2A", Code: "11"}

func payment(i int) Payment {
	return Payment{
		ID: fmt.Sprintf("PSHEP%09d", i), BankRef: fmt.Sprintf("FT%08d", i), Day: "2026-11-20", Amount: money.FromTiyn(int64(540600 + i)),
		Payer: Party{Name: "ОБРАЗЦОВА АЙГУЛЬ", ID: "850505400602", Account: "KZ218565468487452685", BIC: "KCJBKZKX", Code: "19"}, Beneficiary: treasury,
		KBK: "108125", KNP: "911", UIP: fmt.Sprintf("26%010d", i), Purpose: fmt.Sprintf("Госпошлина. УИП 26%010d", i),
	}
}

func register(n int) *Register {
	r := &Register{ID: "REG-20261120-1", Number: 1, Day: "2026-11-20", Bank: "KCJBKZKX", Sender: "qaqpa", CreatedAt: time.Date(2026, 11, 20, 13, 11, 22, 0, time.UTC)}
	for i := range n {
		r.Payments = append(r.Payments, payment(i))
	}
	return r
}

func written(t *rapid.T, f Format, r *Register, o Options) []byte {
	var b bytes.Buffer
	if err := Write(&b, f, r, o); err != nil {
		t.Fatalf("%s: %v", f, err)
	}
	return b.Bytes()
}

// back keeps what a file tells as payments again.
type back struct {
	list   []Payment
	failed []statement.Check
}

func (b *back) Statement(*statement.Header) error { return nil }

func (b *back) Entry(e *statement.Entry) error {
	d := &e.Details[0]
	party := func(p *statement.Party) Party {
		return Party{Name: string(p.Name), ID: string(p.ID), Account: string(p.Account), BIC: string(p.BIC)}
	}
	p := Payment{
		ID: string(d.EndToEndID), Amount: d.Amount, Payer: party(&d.Debtor), Beneficiary: party(&d.Creditor),
		KBK: string(d.KBK), KNP: string(d.KNP), Purpose: string(d.Remittance),
	}
	if p.ID == "" {
		p.ID = string(d.DocumentNumber)
	}
	if len(d.UltimateDebtor.Name) > 0 {
		other := party(&d.UltimateDebtor)
		p.For = &other
	}
	b.list = append(b.list, p)
	return nil
}

func (b *back) End(t *statement.Trailer) error {
	for _, c := range t.Checks {
		if c.Result == statement.Failed {
			b.failed = append(b.failed, c)
		}
	}
	return nil
}

// reduced is what every format holds of a payment.
func reduced(p Payment, upperCase bool) Payment {
	p.BankRef, p.UIP, p.Day = "", "", ""
	for _, x := range []*Party{&p.Payer, &p.Beneficiary} {
		x.Code, x.Organisation = "", false
	}
	if p.For != nil {
		p.For = &Party{Name: p.For.Name, ID: p.For.ID}
	}
	if upperCase {
		p.Purpose, p.Payer.Name, p.Beneficiary.Name = upper(p.Purpose), upper(p.Payer.Name), upper(p.Beneficiary.Name)
		if p.For != nil {
			p.For.Name = upper(p.For.Name)
		}
	}
	return p
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	word := rapid.StringMatching(`[А-ЯӘҒҚҢӨҰҮҺа-яәғқңөұүһA-Za-z0-9.,<>&"'()-]{1,20}`)
	rapid.Check(t, func(t *rapid.T) {
		r := register(rapid.IntRange(1, 12).Draw(t, "payments"))
		for i := range r.Payments {
			p := &r.Payments[i]
			p.Amount = money.FromTiyn(rapid.Int64Range(1, 1e12).Draw(t, "tiyn"))
			p.Purpose = strings.Join(rapid.SliceOfN(word, 1, 18).Draw(t, "purpose"), " ")
			if rapid.Bool().Draw(t, "for another") {
				p.For = &Party{Name: "ДРУГОЙ " + word.Draw(t, "name"), ID: "770707300260"}
			}
		}
		for _, f := range []Format{Pain001, Pacs008, MT102, OneC, CSV} {
			got := &back{}
			if _, err := statement.Read(bytes.NewReader(written(t, f, r, Options{})), got, statement.Options{Mapping: Mapping(treasury.Account)}); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			if len(got.failed) > 0 {
				t.Fatalf("%s: failed checks %v", f, got.failed)
			}
			var want []Payment
			for _, p := range r.Payments {
				p = reduced(p, f == MT102)
				if f == CSV || f == OneC { // the person for whom is paid stands in columns and keys without a meaning of their own
					p.For = nil
				}
				if f == CSV {
					p.Purpose = defused(p.Purpose)
				}
				want = append(want, p)
			}
			if diff := cmp.Diff(want, got.list); diff != "" {
				t.Fatalf("%s: %s", f, diff)
			}
		}
	})
}

// childOrder are sequences of the schemas: of the elements that stand in a parent, in their order.
var childOrder = map[string][]string{
	"CstmrCdtTrfInitn": {"GrpHdr", "PmtInf"},
	"GrpHdr":           {"MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "TtlIntrBkSttlmAmt", "IntrBkSttlmDt", "InitgPty", "SttlmInf"},
	"PmtInf":           {"PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt", "CdtTrfTxInf"},
	"CdtTrfTxInf":      {"PmtId", "Amt", "IntrBkSttlmAmt", "ChrgBr", "UltmtDbtr", "Dbtr", "DbtrAcct", "DbtrAgt", "CdtrAgt", "Cdtr", "CdtrAcct", "UltmtCdtr", "Purp", "Tax", "RmtInf"},
	"Dbtr":             {"Nm", "Id"},
	"Othr":             {"Id", "SchmeNm"},
}

func TestXMLIsWellFormedAndInOrder(t *testing.T) {
	r := register(3)
	r.Payments[1].For = &Party{Name: "Ә < Б & В", ID: "770707300260"}
	for _, f := range []Format{Pain001, Pacs008} {
		var b bytes.Buffer
		if err := Write(&b, f, r, Options{}); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "register.xml")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "xmllint", "--noout", file).CombinedOutput(); err != nil {
			t.Errorf("%s: xmllint: %v\n%s", f, err, out)
		}
		inOrder(t, f, b.String())
	}
}

var anyTag = regexp.MustCompile(`<(/?)([A-Za-z]+)[^>]*>`)

// inOrder walks the tags and holds the children of every parent against its sequence.
func inOrder(t *testing.T, f Format, document string) {
	t.Helper()
	type open struct {
		name string
		last int
	}
	stack := []open{{}}
	for _, m := range anyTag.FindAllStringSubmatch(document, -1) {
		if m[1] == "/" {
			stack = stack[:len(stack)-1]
			continue
		}
		parent := &stack[len(stack)-1]
		if order, ok := childOrder[parent.name]; ok {
			at := slices.Index(order, m[2])
			if at < parent.last {
				t.Errorf("%s: %s stands wrong in %s", f, m[2], parent.name)
			}
			parent.last = at
		}
		stack = append(stack, open{name: m[2]})
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		format Format
		change func(r *Register)
	}{
		"a register without an id":      {Pain001, func(r *Register) { r.ID = "" }},
		"a register without payments":   {Pain001, func(r *Register) { r.Payments = nil }},
		"a long reference":              {Pain001, func(r *Register) { r.Payments[0].ID = strings.Repeat("x", 36) }},
		"a reference with a line end":   {MT102, func(r *Register) { r.Payments[0].ID = "A\n:59:B" }},
		"a purpose with a line end":     {OneC, func(r *Register) { r.Payments[0].Purpose = "x\nСумма=1" }},
		"a name with a line end":        {MT102, func(r *Register) { r.Payments[0].Payer.Name = "x\n:59:KZ" }},
		"nothing":                       {CSV, func(r *Register) { r.Payments[0].Amount = money.FromTiyn(0) }},
		"dollars":                       {XLSX, func(r *Register) { r.Payments[0].Amount.Currency = "USD" }},
		"an account that is none":       {Pacs008, func(r *Register) { r.Payments[0].Payer.Account = "" }},
		"a letter that kz-1048 lacks":   {MT102, func(r *Register) { r.Payments[0].Payer.Name = "ЇВАН" }},
		"a purpose of 413 characters":   {MT102, func(r *Register) { r.Payments[0].Purpose = strings.Repeat("Ж", 413) }},
		"a second line that is a field": {MT102, func(r *Register) { r.Payments[0].Purpose = strings.Repeat("Ж", 62) + ":59:KZ" }},
		"a word of 141 characters":      {Pain001, func(r *Register) { r.Payments[0].Purpose = strings.Repeat("Ж", 141) }},
		"two accounts in 1C":            {OneC, func(r *Register) { r.Payments[1].Beneficiary.Account = "KZ1" }},
		"an unknown format":             {"pdf", func(*Register) {}},
		"a sum beyond int64": {Pain001, func(r *Register) {
			r.Payments[0].Amount, r.Payments[1].Amount = money.FromTiyn(1<<62), money.FromTiyn(1<<62)
		}},
	} {
		r := register(2)
		c.change(r)
		if err := Write(&bytes.Buffer{}, c.format, r, Options{}); !errors.Is(err, ErrInvalid) && !errors.Is(err, money.ErrOverflow) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPacketsAreSplit(t *testing.T) {
	r := register(120)
	r.Payments[70].Amount = money.FromTiyn(6_000_000_00)
	var b bytes.Buffer
	if err := Write(&b, MT102, r, Options{}); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for packet := range strings.SplitSeq(strings.TrimSuffix(b.String(), "-}\r\n"), "-}\r\n") {
		sizes = append(sizes, strings.Count(packet, ":21:"))
	}
	if !slices.Equal(sizes, []int{50, 20, 1, 49}) {
		t.Errorf("packets of %v", sizes)
	}
}

func TestSpreadsheet(t *testing.T) {
	r := register(2)
	r.Payments[0].Payer.Name = `=HYPERLINK("http://x")`
	var b bytes.Buffer
	if err := Write(&b, XLSX, r, Options{}); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("register")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 7 || rows[3][0] != "number" || rows[4][1] != "PSHEP000000000" || rows[4][3] != "5,406.00" || rows[6][1] != "2" {
		t.Errorf("got %q", rows)
	}
	if formula, err := f.GetCellFormula("register", "I5"); err != nil || formula != "" {
		t.Errorf("a name became a formula: %q, %v", formula, err)
	}
}

func TestCSVIsNoFormula(t *testing.T) {
	r := register(1)
	r.Payments[0].Payer.Name = "@SUM(A1)"
	var b bytes.Buffer
	if err := Write(&b, CSV, r, Options{}); err != nil || !strings.Contains(b.String(), "'@SUM(A1)") {
		t.Errorf("%v\n%s", err, b.String())
	}
	cut := b.Bytes()[:bytes.LastIndex(b.Bytes(), []byte(EndMark))]
	got := &back{}
	if _, err := statement.Read(bytes.NewReader(cut), got, statement.Options{Mapping: Mapping("KZ1")}); err != nil || len(got.failed) != 1 {
		t.Errorf("cut off: %v, %v", err, got.failed)
	}
}

func TestSplit(t *testing.T) {
	all := register(6).Payments
	all[1].KBK, all[2].Day, all[3].Payer.BIC, all[4].Beneficiary.ID = "108126", "2026-11-21", "HSBKKZKX", "1"
	for name, c := range map[string]struct {
		by   Parting
		want []int
	}{
		"bank and day":        {Parting{Bank: true, Day: true}, []int{1, 4, 1}},
		"kbk and beneficiary": {Parting{KBK: true, Beneficiary: true}, []int{4, 1, 1}},
		"nothing":             {Parting{}, []int{6}},
	} {
		var sizes []int
		for _, p := range Split(all, c.by) {
			sizes = append(sizes, len(p.Payments))
		}
		slices.Sort(sizes)
		slices.Sort(c.want)
		if !slices.Equal(sizes, c.want) {
			t.Errorf("%s: parts of %v, want %v", name, sizes, c.want)
		}
	}
}

func TestOwed(t *testing.T) {
	all := register(4).Payments
	all[3].Day = "2026-11-18"
	settled := map[string]bool{all[0].ID: true}
	at := time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC) // the 22nd in Almaty
	got, err := Owed(all, func(id string) bool { return settled[id] }, at)
	if err != nil {
		t.Fatal(err)
	}
	want := []Obligation{
		{Bank: "KCJBKZKX", Day: "2026-11-18", Count: 1, Confirmed: money.FromTiyn(540603), Settled: money.FromTiyn(0), Owed: money.FromTiyn(540603), DaysOpen: 4},
		{Bank: "KCJBKZKX", Day: "2026-11-20", Count: 3, Confirmed: money.FromTiyn(1621803), SettledCount: 1, Settled: money.FromTiyn(540600), Owed: money.FromTiyn(1081203), DaysOpen: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var b bytes.Buffer
	if err := WriteOwed(&b, got, at); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if v, err := f.GetCellValue("owed", "G6"); err != nil || v != "16,218.06" {
		t.Errorf("sum of what is owed: %q, %v", v, err)
	}
}

func TestDisclosureTellsNoMoreThanTheRuleNames(t *testing.T) {
	d, err := Disclose("R-1", "Суд", "1-276", register(1).Payments, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := d.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	for _, told := range []string{`"amount":"5406.00"`, `"day":"2026-11-20"`, `"id":"850505400602"`, `"id":"090440983694"`, `"count":1`, `"sum":"5406.00"`} {
		if !strings.Contains(b.String(), told) {
			t.Errorf("%s is not told", told)
		}
	}
	if strings.Contains(b.String(), "KZ21856546848745268") {
		t.Error("an account is disclosed")
	}
}

func TestFormatsHaveNames(t *testing.T) {
	for _, f := range Formats() {
		if f.MediaType() == "" || f.Extension() == "" {
			t.Errorf("%s has no media type or extension", f)
		}
	}
}
