package statement

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// payments keeps what the synthetic samples have in common: the same twelve payments in every format.
type payments struct {
	list   []string
	checks []Check
}

func (p *payments) Statement(*Header) error { return nil }

func (p *payments) Entry(e *Entry) error {
	for i := range e.Details {
		d := &e.Details[i]
		p.list = append(p.list, fmt.Sprintf("%s %s %s %s %s %s", firstReference(e, d), d.Amount.Decimal(), d.KNP, d.KBK, d.UIP, d.Debtor.ID))
	}
	return nil
}

// firstReference is the gateway's own number, wherever it stands.
func firstReference(e *Entry, d *Detail) (ref string) {
	e.EachReference(d, func(_ string, v []byte) {
		if ref == "" && strings.HasPrefix(string(v), "PSHEP") {
			ref = string(v)
		}
	})
	return ref
}

func (p *payments) End(t *Trailer) error {
	p.checks = append(p.checks, t.Checks...)
	return nil
}

func readPayments(t *testing.T, name string) *payments {
	t.Helper()
	p := &payments{}
	if _, err := Read(strings.NewReader(string(sample(t, name))), p, Options{}); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, c := range p.checks {
		if c.Result == Failed {
			t.Errorf("%s: %+v", name, c)
		}
	}
	return p
}

func TestSamplesTellTheSamePayments(t *testing.T) {
	want := readPayments(t, "camt/synthetic-kzt-camt.053.001.08.xml").list
	if len(want) != 12 || want[0] != "PSHEP000100000 5406.00 912 101201 268433119415 850505400602" {
		t.Fatalf("got %q", want)
	}
	for name, n := range map[string]int{
		"camt/synthetic-kzt-camt.053-batch.xml":  12,
		"camt/synthetic-kzt-camt.054.001.08.xml": 3,
		"pacs/synthetic-kzt-pacs.008.001.08.xml": 12,
		"pain/synthetic-kzt-pain.001.001.09.xml": 1,
		"mt940/synthetic-kzt.sta":                12,
		"mt100/synthetic-mt100.txt":              3,
		"mt100/synthetic-mt102.txt":              12,
		"1c/synthetic-kz-statement-cp1251.txt":   12,
		"1c/synthetic-kz-statement-cp866.txt":    12,
		"1c/synthetic-kz-statement-utf8bom.txt":  12,
	} {
		expected := slices.Clone(want[:n])
		if strings.HasPrefix(name, "pain/") { // the order of one payer, whose number is not told
			expected[0] = strings.TrimSuffix(expected[0], "850505400602")
		}
		if got := readPayments(t, name).list; !slices.Equal(got, expected) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(expected, "\n"))
		}
	}
}

// camt wraps entries into a statement; kinds of faults are tried one at a time.
func camt(version, before, entries string) string {
	return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.` + version + `"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id>` +
		`<Acct><Id><IBAN>KZ916011700111350335</IBAN></Id><Ccy>KZT</Ccy></Acct>` + before + entries + `</Stmt></BkToCstmrStmt></Document>`
}

func balances(opening, closing string) string {
	one := func(kind, amount string) string {
		return `<Bal><Tp><CdOrPrtry><Cd>` + kind + `</Cd></CdOrPrtry></Tp><Amt Ccy="KZT">` + amount + `</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-20</Dt></Dt></Bal>`
	}
	return one("OPBD", opening) + one("CLBD", closing)
}

func entry(amount, rest string) string {
	return `<Ntry><Amt Ccy="KZT">` + amount + `</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>` + rest + `</Ntry>`
}

func TestCamtRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		document string
		want     error
		path     string
	}{
		"an old version":             {camt("01", "", ""), ErrVersion, "Document"},
		"a version of the future":    {camt("14", "", ""), ErrVersion, "Document"},
		"another message":            {strings.ReplaceAll(camt("08", "", ""), "camt.053", "camt.029"), ErrUnknown, ""},
		"a name that does not match": {strings.ReplaceAll(camt("08", "", ""), "camt.053", "camt.052"), ErrStructure, "Document"},
		"no account":                 {strings.ReplaceAll(camt("08", "", ""), "IBAN>", "BBAN>"), ErrStructure, "Document/BkToCstmrStmt/Stmt"},
		"a tenth of a tiyn":          {camt("08", "", entry("1.001", "")), ErrValue, "Document/BkToCstmrStmt/Stmt/Ntry/Amt"},
		"a negative amount":          {camt("08", "", entry("-1", "")), ErrValue, "Document/BkToCstmrStmt/Stmt/Ntry/Amt"},
		"an exponent":                {camt("08", "", entry("1e3", "")), ErrValue, "Document/BkToCstmrStmt/Stmt/Ntry/Amt"},
		"an amount beyond int64":     {camt("08", "", entry("92233720368547758.08", "")), ErrValue, "Document/BkToCstmrStmt/Stmt/Ntry/Amt"},
		"a sum beyond int64":         {camt("08", "", strings.Repeat(entry("9000000000000000", ""), 12)), ErrValue, ""},
		"a second amount":            {camt("08", "", entry("1", `<Amt Ccy="KZT">2</Amt>`)), ErrStructure, "Document/BkToCstmrStmt/Stmt/Ntry/Amt"},
		"no direction":               {camt("08", "", `<Ntry><Amt Ccy="KZT">1</Amt><Sts>BOOK</Sts></Ntry>`), ErrStructure, "Document/BkToCstmrStmt/Stmt/Ntry"},
		"no status":                  {camt("08", "", `<Ntry><Amt Ccy="KZT">1</Amt><CdtDbtInd>CRDT</CdtDbtInd></Ntry>`), ErrStructure, "Document/BkToCstmrStmt/Stmt/Ntry"},
		"no currency":                {camt("08", "", `<Ntry><Amt>1</Amt></Ntry>`), ErrValue, "Document/BkToCstmrStmt/Stmt/Ntry/Amt"},
		"a day that is not":          {camt("08", "", entry("1", `<BookgDt><Dt>2026-02-29</Dt></BookgDt>`)), ErrValue, "Document/BkToCstmrStmt/Stmt/Ntry/BookgDt/Dt"},
		"text among elements":        {camt("08", "", entry("1", `x`)), ErrStructure, "Document/BkToCstmrStmt/Stmt/Ntry"},
		"a balance behind entries":   {camt("08", "", entry("1", "")+balances("1", "2")), ErrStructure, "Document/BkToCstmrStmt/Stmt/Bal"},
		"cut off":                    {strings.TrimSuffix(camt("08", "", ""), "</Document>"), ErrSyntax, "Document"},
		"an entity":                  {`<!DOCTYPE Document [<!ENTITY a "b">]>` + camt("08", "", ""), ErrSyntax, ""},
		"a second document":          {`<e>` + camt("08", "", "") + camt("08", "", "") + `</e>`, ErrStructure, "Document"},
		"a document in the header":   {`<e><AppHdr>` + camt("08", "", "") + `</AppHdr></e>`, ErrUnknown, ""},
		"a remittance without end":   {camt("08", "", entry("1", `<NtryDtls><TxDtls><RmtInf>`+strings.Repeat("<Ustrd>"+strings.Repeat("x", 1000)+"</Ustrd>", 2000)+`</RmtInf></TxDtls></NtryDtls>`)), ErrLimit, "Document/BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls/RmtInf/Ustrd"},
	} {
		out, err := readAll([]byte(c.document), Options{})
		var fault *Error
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v\n%s", name, err, c.want, out)
		} else if errors.As(err, &fault) && (fault.Path != c.path || fault.Line != 1) {
			t.Errorf("%s: at %s, line %d: %v", name, fault.Path, fault.Line, err)
		}
	}
}

func TestForeignNamespaceHasNoMeaning(t *testing.T) {
	out, err := readAll([]byte(camt("08", "", entry("1", `<x:Amt xmlns:x="u:x" Ccy="KZT">2</x:Amt>`))), Options{})
	if err != nil || !strings.Contains(out, "entry 1.00 KZT") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestChecksOfAStatement(t *testing.T) {
	batch := func(count, total string, amounts ...string) string {
		out := `<NtryDtls><Btch><NbOfTxs>` + count + `</NbOfTxs><TtlAmt Ccy="KZT">` + total + `</TtlAmt></Btch>`
		for _, a := range amounts {
			out += `<TxDtls><Amt Ccy="KZT">` + a + `</Amt></TxDtls>`
		}
		return out + `</NtryDtls>`
	}
	for name, c := range map[string]struct {
		document string
		failed   []CheckName
	}{
		"right":                 {camt("08", balances("10", "13"), entry("1", "")+entry("2", batch("2", "2", "0.5", "1.5"))), nil},
		"wrong closing":         {camt("08", balances("10", "14"), entry("3", "")), []CheckName{CheckBalance}},
		"pending counts not":    {camt("08", balances("10", "10"), strings.ReplaceAll(entry("3", ""), "BOOK", "PDNG")), nil},
		"another currency":      {camt("08", balances("10", "13"), entry("3", "")+strings.ReplaceAll(entry("1", ""), "KZT", "USD")), []CheckName{CheckCurrency}},
		"too few transactions":  {camt("08", "", entry("2", batch("3", "2", "0.5", "1.5"))), []CheckName{CheckBatch}},
		"another total":         {camt("08", "", entry("2", batch("2", "3", "0.5", "1.5"))), []CheckName{CheckBatch}},
		"transactions sum less": {camt("08", "", entry("2", batch("2", "1", "0.5", "0.5"))), []CheckName{CheckBatch}},
		"a copy":                {strings.ReplaceAll(camt("08", "", ""), "<Acct>", "<CpyDplctInd>DUPL</CpyDplctInd><Acct>"), []CheckName{CheckCopy}},
		"totals": {
			camt("08", `<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries><Sum>3</Sum></TtlNtries></TxsSummry>`, entry("3", "")),
			[]CheckName{CheckTotals},
		},
		"one statement twice": {
			strings.ReplaceAll(camt("08", "", ""), "</Stmt>", `</Stmt><Stmt><Id>S</Id><Acct><Id><IBAN>KZ916011700111350335</IBAN></Id></Acct></Stmt>`),
			[]CheckName{CheckRepeated},
		},
	} {
		p := &payments{}
		if _, err := Read(strings.NewReader(c.document), p, Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var failed []CheckName
		for _, k := range p.checks {
			if k.Result == Failed {
				failed = append(failed, k.Name)
			}
		}
		if !slices.Equal(failed, c.failed) {
			t.Errorf("%s: failed %v, want %v", name, failed, c.failed)
		}
	}
}

// parts counts how a batch is handed out.
type parts struct {
	payments
	sizes []int
	last  []bool
}

func (p *parts) Entry(e *Entry) error {
	p.sizes, p.last = append(p.sizes, len(e.Details)), append(p.last, e.Last)
	return p.payments.Entry(e)
}

func TestLargeBatchesComeInParts(t *testing.T) {
	document := camt("08", "", entry("25", `<NtryDtls><Btch><NbOfTxs>25</NbOfTxs></Btch>`+strings.Repeat(`<TxDtls><Amt Ccy="KZT">1</Amt></TxDtls>`, 25)+`</NtryDtls>`))
	p := &parts{}
	s, err := Read(iotest.HalfReader(strings.NewReader(document)), p, Options{DetailsMax: 10})
	if err != nil || s.Entries != 1 || s.Details != 25 || s.Failed != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if !slices.Equal(p.sizes, []int{10, 10, 5}) || !slices.Equal(p.last, []bool{false, false, true}) {
		t.Errorf("parts of %v, last %v", p.sizes, p.last)
	}
}

func TestLimitsOfAFile(t *testing.T) {
	document := camt("08", "", strings.Repeat(entry("1", ""), 100))
	for _, o := range []Options{{EntriesMax: 99}, {BytesMax: 1000}} {
		if _, err := readAll([]byte(document), o); !errors.Is(err, ErrLimit) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	two := strings.ReplaceAll(camt("08", "", ""), "</Stmt>", `</Stmt><Stmt><Id>T</Id><Acct><Id><IBAN>KZ916011700111350335</IBAN></Id></Acct></Stmt>`)
	if _, err := readAll([]byte(two), Options{StatementsMax: 1}); !errors.Is(err, ErrLimit) {
		t.Errorf("two statements: %v", err)
	}
}

// stopping refuses at the first entry.
type stopping struct {
	payments
	err error
}

func (s *stopping) Entry(*Entry) error { return s.err }

func TestHandlerErrorsComeBackAsTheyAre(t *testing.T) {
	stop := errors.New("the database is gone")
	if _, err := Read(strings.NewReader(camt("08", "", entry("1", ""))), &stopping{err: stop}, Options{}); err != stop { //nolint:errorlint // as it is, not wrapped
		t.Errorf("got %v", err)
	}
	broken := errors.New("the disk is gone")
	if _, err := Read(iotest.ErrReader(broken), &payments{}, Options{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestPlacesOfABank(t *testing.T) {
	document := camt("08", "", entry("1", `<NtryDtls><TxDtls><Purp><Cd>TAXS</Cd></Purp><RmtInf><Strd><AddtlRmtInf>911</AddtlRmtInf></Strd></RmtInf><Tax><Mtd>108125</Mtd></Tax></TxDtls></NtryDtls>`))
	out, err := readAll([]byte(document), Options{Places: Places{KNP: []string{"RmtInf/Strd/AddtlRmtInf"}, KBK: []string{"Tax/Mtd"}}})
	if err != nil || !strings.Contains(out, `knp="911" kbk="108125" purp="TAXS"`) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDetect(t *testing.T) {
	for head, want := range map[string]Format{
		camt("08", "", ""): Camt053, camt("13", "", ""): Camt053, "\xef\xbb\xbf " + camt("02", "", ""): Camt053, "": "", "hello": "", "<a/>": "",
	} {
		if got, err := Detect([]byte(head)); got != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: got %q, %v", head, got, err)
		}
	}
}

// A signature inside of Document is passed over, wherever it stands; anything else there, and a Signature of another namespace, is no message.
func TestEnvelopedSignature(t *testing.T) {
	const head, message, tail = `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">`, `<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>1</Id><Acct><Id><IBAN>KZ1</IBAN></Id></Acct></Stmt></BkToCstmrStmt>`, `</Document>`
	const signature = `<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"><s:Object><BkToCstmrStmt/></s:Object></s:Signature>`
	for body, good := range map[string]bool{
		head + message + signature + tail:                       true,
		head + signature + message + signature + tail:           true,
		head + signature + tail:                                 false,
		head + message + `<Signature/>` + tail:                  false,
		head + message + `<Signature xmlns="urn:x"/>` + tail:    false,
		head + message + signature + message + signature + tail: false,
	} {
		var got payments
		s, err := Read(strings.NewReader(body), &got, Options{})
		if (err == nil) != good || (good && s.Statements != 1) {
			t.Errorf("%s: %d statements, %v", body, s.Statements, err)
		}
	}
}
