package pain

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"qaqpa/payment/bank"
	"qaqpa/payment/money"
)

const (
	first  = "2a019cb1a000007000a000000000000001"
	second = "2a019cb1a000007000a000000000000002"
	part1  = "2a019cb1a000007000a00000000000000a"
	part2  = "2a019cb1a000007000a00000000000000b"
)

func credit(endToEnd string, tiyn int64) Credit {
	return Credit{
		EndToEnd: endToEnd, Amount: money.FromTiyn(tiyn), Beneficiary: Party{Name: `УГД «Есіл» & <Ко>`, ID: "990140000017"}, Account: "KZ24070105KSN0000000",
		BIC: "KKMFKZ2A", KBK: "108125", KNP: "911", KBE: "11", Purpose: strings.Repeat("Мемлекеттік баж. ", 20),
	}
}

func sample() File {
	return File{
		MsgID: "7f019cb1a000007000a000000000000009", MadeAt: time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC), ExecuteOn: "2026-03-01",
		Initiator: Party{Name: "Қақпа", ID: "990140000047"}, Bank: "TSESKZKA",
		Payments: []Payment{
			{ID: first, Payer: "900101300017", Credits: []Credit{credit(first, 540600)}},
			{ID: second, Payer: "990140000037", Credits: []Credit{credit(part1, 100), credit(part2, 1)}},
		},
	}
}

// The schema judges what we write, and its facets catch what a shorter check would not.
func TestFileIsOfTheSchema(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed")
	}
	check := func(content []byte) error {
		name := filepath.Join(t.TempDir(), "file.xml")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.CommandContext(t.Context(), xmllint, "--noout", "--nonet", "--schema", "testdata/pain.001.001.09-part.xsd", name).Run()
	}
	plain, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	charged := sample()
	charged.Payments[1].Commission = 5406
	content, err := charged.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range [][]byte{plain, content} {
		if err := check(file); err != nil {
			t.Errorf("%v:\n%s", err, file)
		}
	}
	// Two credits, one charge: the sum stands once, and the other payment has none.
	if bytes.Count(content, []byte("<ChrgBr>DEBT</ChrgBr>")) != 1 || bytes.Count(content, []byte("<InstrForDbtrAgt>/COMMISSION/KZT54.06</InstrForDbtrAgt>")) != 1 ||
		bytes.Contains(plain, []byte("ChrgBr")) {
		t.Errorf("the commission stands otherwise:\n%s", content)
	}
	charged.Payments[1].Commission = -1
	if _, err := charged.Encode(); !errors.Is(err, ErrFile) {
		t.Errorf("a negative commission: %v", err)
	}
	for name, change := range map[string][2]string{
		"order":    {"<PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>", "<BtchBookg>true</BtchBookg><PmtMtd>TRF</PmtMtd>"},
		"long id":  {first, first + "00"},
		"currency": {`Ccy="KZT"`, `Ccy="kzt"`},
	} {
		if err := check(bytes.ReplaceAll(content, []byte(change[0]), []byte(change[1]))); err == nil {
			t.Errorf("the schema let %s pass", name)
		}
	}
	again, err := sample().Encode()
	if err != nil || !bytes.Equal(plain, again) {
		t.Errorf("the same file has other bytes: %v", err)
	}
	for _, part := range []string{"<NbOfTxs>3</NbOfTxs><CtrlSum>5407.01</CtrlSum>", "<CtrlSum>1.01</CtrlSum>", "<EndToEndId>" + part2, "/KBE/11", "&amp; &lt;Ко&gt;"} {
		if !bytes.Contains(content, []byte(part)) {
			t.Errorf("%q is missing", part)
		}
	}
}

func TestFileRefuses(t *testing.T) {
	for name, change := range map[string]func(*File){
		"no name":         func(f *File) { f.MsgID = "" },
		"long name":       func(f *File) { f.MsgID = strings.Repeat("a", 36) },
		"name with space": func(f *File) { f.MsgID = "a b" },
		"no payments":     func(f *File) { f.Payments = nil },
		"too many":        func(f *File) { f.Payments = make([]Payment, PaymentsMax+1) },
		"no credits":      func(f *File) { f.Payments[0].Credits = nil },
		"zero":            func(f *File) { f.Payments[0].Credits[0].Tiyn = 0 },
		"negative":        func(f *File) { f.Payments[0].Credits[0].Tiyn = -1 },
		"currency":        func(f *File) { f.Payments[0].Credits[0].Currency = "USD" },
		"overflow":        func(f *File) { f.Payments[1].Credits[0].Tiyn = 1<<63 - 1 },
		"sum overflows":   func(f *File) { f.Payments[0].Credits[0].Tiyn, f.Payments[1].Credits[0].Tiyn = 1<<62, 1<<62 },
		"day":             func(f *File) { f.ExecuteOn = "today" },
		"no account":      func(f *File) { f.Payments[0].Credits[0].Account = "" },
	} {
		f := sample()
		change(&f)
		if _, err := f.Encode(); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const head = `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-03-01T12:00:00+05:00</CreDtTm></GrpHdr>`

func report(group, payments string) string {
	return head + `<OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>` + group + `</OrgnlGrpInfAndSts>` + payments + `</CstmrPmtStsRpt></Document>`
}

func tx(endToEnd, status, more string) string {
	return `<TxInfAndSts><OrgnlInstrId>` + second + `</OrgnlInstrId><OrgnlEndToEndId>` + endToEnd + `</OrgnlEndToEndId><TxSts>` + status + `</TxSts>` + more + `</TxInfAndSts>`
}

func pmt(id, more string) string {
	return `<OrgnlPmtInfAndSts><OrgnlPmtInfId>` + id + `</OrgnlPmtInfId>` + more + `</OrgnlPmtInfAndSts>`
}

// Each row says what a report means for the second payment, which has two credits.
func TestWord(t *testing.T) {
	const because = `<StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>`
	amount := func(text, currency string) string {
		return `<OrgnlTxRef><Amt><InstdAmt Ccy="` + currency + `">` + text + `</InstdAmt></Amt></OrgnlTxRef>`
	}
	for name, c := range map[string]struct {
		text  string
		want  bank.Outcome
		doubt bool
	}{
		"whole file executed":           {report(`<GrpSts>ACSC</GrpSts>`, ""), bank.Executed, false},
		"credited":                      {report(`<GrpSts>ACCC</GrpSts>`, ""), bank.Executed, false},
		"accepted is not executed":      {report(`<GrpSts>ACCP</GrpSts>`, ""), bank.Pending, false},
		"in settlement is not executed": {report(`<GrpSts>ACSP</GrpSts>`, ""), bank.Pending, false},
		"received":                      {report(`<GrpSts>RCVD</GrpSts>`, ""), bank.Pending, false},
		"pending":                       {report(`<GrpSts>PDNG</GrpSts>`, ""), bank.Pending, false},
		"file refused":                  {report(`<GrpSts>RJCT</GrpSts>`+because, ""), bank.Refused, false},
		"file is a duplicate":           {report(`<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>DU01</Cd></Rsn></StsRsnInf>`, ""), bank.Pending, true},
		"bank does not have it":         {report(`<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>NOOR</Cd></Rsn></StsRsnInf>`, ""), "", false},
		"partly, and not this one":      {report(`<GrpSts>PART</GrpSts>`, pmt(first, `<PmtInfSts>ACSC</PmtInfSts>`)), "", false},
		"others are told":               {report(`<GrpSts>ACSC</GrpSts>`, pmt(first, `<PmtInfSts>ACSC</PmtInfSts>`)), "", false},
		"the payment executed":          {report(`<GrpSts>PART</GrpSts>`, pmt(second, `<PmtInfSts>ACSC</PmtInfSts>`)), bank.Executed, false},
		"both credits executed":         {report("", pmt(second, tx(part1, "ACSC", "")+tx(part2, "ACSC", ""))), bank.Executed, false},
		"one credit told":               {report("", pmt(second, tx(part1, "ACSC", ""))), bank.Pending, false},
		"split":                         {report("", pmt(second, tx(part1, "ACSC", "")+tx(part2, "RJCT", because))), bank.Pending, true},
		"both refused":                  {report("", pmt(second, tx(part1, "RJCT", because)+tx(part2, "RJCT", because))), bank.Refused, false},
		"one duplicate":                 {report("", pmt(second, tx(part1, "RJCT", because)+tx(part2, "RJCT", `<StsRsnInf><Rsn><Cd>AM05</Cd></Rsn></StsRsnInf>`))), bank.Pending, true},
		"foreign credit":                {report("", pmt(second, tx(first, "ACSC", "")+tx(part2, "ACSC", ""))), bank.Pending, true},
		"credit twice":                  {report("", pmt(second, tx(part1, "ACSC", "")+tx(part1, "RJCT", because))), bank.Pending, true},
		"payment twice":                 {report("", pmt(second, `<PmtInfSts>ACSC</PmtInfSts>`)+pmt(second, `<PmtInfSts>RJCT</PmtInfSts>`)), bank.Pending, true},
		"another instruction":           {report("", pmt(second, strings.ReplaceAll(tx(part1, "ACSC", "")+tx(part2, "ACSC", ""), second, first))), bank.Pending, true},
		"unknown code":                  {report(`<GrpSts>DONE</GrpSts>`, ""), bank.Pending, true},
		"another currency":              {report("", pmt(second, tx(part1, "ACSC", amount("1.00", "USD"))+tx(part2, "ACSC", ""))), bank.Pending, true},
		"no amount":                     {report("", pmt(second, tx(part1, "ACSC", amount("0.00", "KZT"))+tx(part2, "ACSC", ""))), bank.Pending, true},
		"amounts exchanged":             {report("", pmt(second, tx(part1, "ACSC", amount("0.01", "KZT"))+tx(part2, "ACSC", amount("1.00", "KZT")))), bank.Pending, true},
		"file refused, one executed":    {report(`<GrpSts>RJCT</GrpSts>`+because, pmt(first, `<PmtInfSts>ACSC</PmtInfSts>`)), bank.Pending, true},
		"file refused, one on its way":  {report(`<GrpSts>RJCT</GrpSts>`+because, pmt(first, strings.ReplaceAll(tx(first, "PDNG", ""), second, first))), bank.Pending, true},
		"file refused, and one named":   {report(`<GrpSts>RJCT</GrpSts>`+because, pmt(first, `<PmtInfSts>RJCT</PmtInfSts>`)), bank.Refused, false},
		"cancelled":                     {report(`<GrpSts>CANC</GrpSts>`, ""), bank.Refused, false},
		"nothing said":                  {report("", pmt(second, "")), "", false},
	} {
		r, err := ParseReport([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w := r.Word(sample().Payments[1])
		if w.Outcome != c.want || (w.Doubt != "") != c.doubt {
			t.Errorf("%s: %+v", name, w)
		}
		if w.Outcome == bank.Executed && (w.Amount != money.FromTiyn(101) || w.Reference == "" || w.At.IsZero()) {
			t.Errorf("%s: %+v", name, w)
		}
	}
	r, err := ParseReport([]byte(report("", pmt(second, tx(part1, "ACSC", `<AccptncDtTm>2026-03-01T10:00:00</AccptncDtTm><AcctSvcrRef>FT1</AcctSvcrRef>`+amount("1.00000", "KZT"))+tx(part2, "ACSC", amount("0.02", "KZT"))))))
	if err != nil {
		t.Fatal(err)
	}
	if w := r.Word(sample().Payments[1]); w.Tiyn != 102 || w.Reference != "FT1" || !w.At.Equal(time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", w) // the gateway compares the amount
	}
}

func TestParseReportRefuses(t *testing.T) {
	good := report(`<GrpSts>ACSC</GrpSts>`, pmt(second, tx(part1, "ACSC", "")))
	for name, text := range map[string]string{
		"empty":              "",
		"not XML":            "executed",
		"another message":    strings.ReplaceAll(good, "pain.002", "pain.001"),
		"no namespace":       strings.Replace(good, ` xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"`, "", 1),
		"document type":      `<!DOCTYPE x [<!ENTITY a "b">]>` + good,
		"trailing":           good + good,
		"cut":                good[:len(good)-20],
		"no original":        strings.Replace(good, `<OrgnlMsgId>M1</OrgnlMsgId>`, "", 1),
		"original with path": strings.Replace(good, `M1`, "../../etc", 1),
		"two originals":      strings.Replace(good, `<OrgnlMsgId>M1</OrgnlMsgId>`, `<OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgId>M2</OrgnlMsgId>`, 1),
		"two statuses":       strings.Replace(good, `<GrpSts>ACSC</GrpSts>`, `<GrpSts>ACSC</GrpSts><GrpSts>RJCT</GrpSts>`, 1),
		"two of a credit":    strings.Replace(good, `<TxSts>ACSC</TxSts>`, `<TxSts>RJCT</TxSts><TxSts>ACSC</TxSts>`, 1),
		"no time":            strings.Replace(good, `<CreDtTm>2026-03-01T12:00:00+05:00</CreDtTm>`, "", 1),
		"time":               strings.Replace(good, `2026-03-01T12`, "yesterday", 1),
		"time of a dream":    strings.Replace(good, `2026-03-01T12`, "0001-03-01T12", 1),
		"element in text":    strings.Replace(good, `<GrpSts>ACSC`, `<GrpSts><b/>ACSC`, 1),
		"text among":         strings.Replace(good, `<GrpSts>ACSC</GrpSts>`, `ACSC`, 1),
		"long text":          strings.Replace(good, `R1`, strings.Repeat("R", textMax+1), 1),
		"fraction of a tiyn": report("", pmt(second, tx(part1, "ACSC", `<OrgnlTxRef><Amt><InstdAmt Ccy="KZT">1.001</InstdAmt></Amt></OrgnlTxRef>`))),
		"amount overflows":   report("", pmt(second, tx(part1, "ACSC", `<OrgnlTxRef><Amt><InstdAmt Ccy="KZT">92233720368547758.08</InstdAmt></Amt></OrgnlTxRef>`))),
		"too many":           report("", strings.Repeat(pmt(second, ""), entriesMax+1)),
		"too many reasons":   report(strings.Repeat(`<StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>`, reasonsMax+1), ""),
		"too deep":           report("", strings.Repeat("<a>", 40)),
		"too large":          good + strings.Repeat(" ", ReportMax),
	} {
		if _, err := ParseReport([]byte(text)); !errors.Is(err, ErrReport) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Elements of another namespace mean nothing here, and what the bank adds is passed over.
	odd := strings.Replace(good, `<GrpSts>`, `<GrpSts xmlns="urn:other">RJCT</GrpSts><Extra><GrpSts>RJCT</GrpSts></Extra><GrpSts>`, 1)
	if r, err := ParseReport([]byte(odd)); err != nil || r.Status != "ACSC" {
		t.Errorf("%+v, %v", r, err)
	}
}

// The samples of banks: a sender's file that is not ours is named, one that answers ours is read.
func TestSamples(t *testing.T) {
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = "../../../../shared/corpora"
	}
	raw, err := os.ReadFile(filepath.Join(dir, "statements/pain/synthetic-kzt-pain.002.001.10.xml"))
	if err != nil {
		t.Skip("the corpora are not here: ", err)
	}
	r, err := ParseReport(raw)
	if err != nil || r.Original != "I1" || len(r.Payments) != 1 || len(r.Payments[0].Credits) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	if c := r.Payments[0].Credits[1]; c.Status != "RJCT" || Words(c.Reasons) == "" || !strings.Contains(Words(c.Reasons), "номер счёта неверен / the account number is wrong (ИИК не найден)") {
		t.Errorf("%+v: %s", c, Words(c.Reasons))
	}
}

func TestWordsAreBounded(t *testing.T) {
	for code, words := range plain() {
		if strings.Count(words, " / ") != 2 || len(code) != 4 {
			t.Errorf("%s is not told in three languages: %s", code, words)
		}
	}
	long := Words([]Reason{{"AM04", strings.Repeat("ә", 400)}, {"AC01", "x"}})
	if len(long) > 450 || !utf8.ValidString(long) {
		t.Errorf("%d bytes", len(long))
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(report(`<GrpSts>ACSC</GrpSts>`, pmt(second, tx(part1, "ACSC", "")+tx(part2, "ACSC", "")))))
	f.Add([]byte(report(`<GrpSts>RJCT</GrpSts>`, "")))
	payment := sample().Payments[1]
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseReport(raw)
		if err != nil {
			return
		}
		w := r.Word(payment)
		if w.Outcome == bank.Executed && (!w.Positive() || w.Reference == "" || w.At.IsZero() || w.Doubt != "") {
			t.Fatalf("executed without amount, reference or time: %+v", w)
		}
		if len(w.Reason) > 450 || !utf8.ValidString(w.Reason) {
			t.Fatalf("reason %q", w.Reason)
		}
	})
}
