package statement

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// holding checks what every handler may rely on, whatever the file says.
type holding struct {
	t             *testing.T
	size          int64
	open          bool
	inEntry       bool
	credit, debit int64
	currencies    map[string]bool
	dump
}

func (h *holding) Statement(s *Header) error {
	if h.open {
		h.t.Fatal("a statement within a statement")
	}
	h.open, h.credit, h.debit = true, 0, 0
	h.currencies = map[string]bool{}
	return h.dump.Statement(s)
}

func (h *holding) Entry(e *Entry) error {
	if !h.open || e.Amount.Tiyn < 0 || (e.Direction != Credit && e.Direction != Debit) || len(e.Details) > 16 {
		h.t.Fatalf("an entry that cannot be: %+v", e)
	}
	if (e.Part > 0) != h.inEntry {
		h.t.Fatalf("part %d of an entry", e.Part)
	}
	h.inEntry = !e.Last
	if e.Last && e.Status == StatusBooked {
		h.currencies[string(e.Amount.Currency)] = true
		if e.Direction == Credit {
			h.credit += e.Amount.Tiyn
		} else {
			h.debit += e.Amount.Tiyn
		}
	}
	total := 0
	for i := range e.Details {
		d := &e.Details[i]
		e.EachReference(d, func(_ string, v []byte) { total += len(v) })
		total += len(d.Remittance) + len(d.Debtor.Name)
	}
	if int64(total) > 16*h.size+1<<10 {
		h.t.Fatalf("%d bytes out of a file of %d", total, h.size)
	}
	return h.dump.Entry(e)
}

func (h *holding) End(t *Trailer) error {
	if !h.open || h.inEntry {
		h.t.Fatal("an end of nothing")
	}
	h.open = false
	if len(h.currencies) == 1 && t.Checks[2].Result == Passed && (t.Credit.Sum != h.credit || t.Debit.Sum != h.debit) {
		h.t.Fatalf("sums %d and %d, entries %d and %d", t.Credit.Sum, t.Debit.Sum, h.credit, h.debit)
	}
	return h.dump.End(t)
}

// fuzzRead: no file makes a reader panic, hand out what cannot be, or tell another story when it is cut into bytes. Seeds are the given
// documents and the files of a folder of the corpus, where it is there.
func fuzzRead(f *testing.F, folder string, o Options, documents ...string) {
	f.Helper()
	for _, document := range documents {
		f.Add([]byte(document))
	}
	top := cmp.Or(os.Getenv("QAQPA_CORPORA"), "../../../shared/corpora")
	files, _ := filepath.Glob(filepath.Join(top, "statements", folder, "*"))
	const seedMax = 64 << 10 // what is longer says nothing new and slows everything down
	for _, name := range files {
		if document, err := os.ReadFile(name); err == nil && len(document) <= seedMax {
			f.Add(document)
		}
	}
	o.DetailsMax = 16
	f.Fuzz(func(t *testing.T, document []byte) {
		whole, cut := &holding{t: t, size: int64(len(document))}, &holding{t: t, size: int64(len(document))}
		s, err := Read(bytes.NewReader(document), whole, o)
		sCut, errCut := Read(iotest.OneByteReader(bytes.NewReader(document)), cut, o)
		// Before a fault less may be told of what is read at once: bytes are checked ahead.
		if !strings.HasPrefix(cut.String(), whole.String()) || (err == nil && s != sCut) || (err == nil) != (errCut == nil) {
			t.Fatalf("%v, %+v\n%s\ncut to bytes: %v, %+v\n%s", err, s, whole, errCut, sCut, cut)
		}
		if err == nil && whole.open {
			t.Fatal("a statement is left open")
		}
		var fault *Error
		if err != nil && !errors.As(err, &fault) && !errors.Is(err, ErrUnknown) {
			t.Fatalf("an error without a place: %v", err)
		}
	})
}

// FuzzCamt reads statements, reports and notices of ISO 20022.
func FuzzCamt(f *testing.F) {
	detail := "<NtryDtls><TxDtls><Refs><EndToEndId>E</EndToEndId><UETR>u</UETR></Refs><AmtDtls><TxAmt><Amt Ccy=\"KZT\">1</Amt></TxAmt></AmtDtls></TxDtls></NtryDtls>"
	batch := "<NtryDtls><Btch><PmtInfId>P</PmtInfId><NbOfTxs>2</NbOfTxs><TtlAmt Ccy=\"KZT\">1</TtlAmt><CdtDbtInd>CRDT</CdtDbtInd></Btch></NtryDtls>"
	booked := camt("02", balances("1", "2"), entry("1", detail))
	f.Add([]byte(strings.NewReplacer("camt.053", "camt.052", "BkToCstmrStmt", "BkToCstmrAcctRpt", "Stmt>", "Rpt>").Replace(booked)))
	f.Add([]byte(strings.NewReplacer("camt.053", "camt.054", "BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn", "Stmt>", "Ntfctn>").Replace(booked)))
	fuzzRead(f, "camt", Options{}, booked, camt("08", balances("1", "2"), entry("1", detail)), camt("08", balances("1", "2"), entry("1", batch)),
		camt("13", balances("1", "2"), entry("1", "<RvslInd>true</RvslInd><NtryRef>R</NtryRef>")))
}

// FuzzPain reads reports on the status of payments.
func FuzzPain(f *testing.F) {
	fuzzRead(f, "pain", Options{}, `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>M</MsgId></GrpHdr>`+
		`<OrgnlGrpInfAndSts><OrgnlMsgId>O</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>P</OrgnlPmtInfId>`+
		`<TxInfAndSts><OrgnlEndToEndId>E</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`)
}

// FuzzMT reads MT940 and MT942.
func FuzzMT(f *testing.F) {
	fuzzRead(f, "mt940", Options{}, mt940(":61:2611201120C5406,00NTRFREF//BANK\n:86:/KNP/911/x"), mt940(":61:261120RD1,NMSCNONREF\nsupplement\n:86:?20A?21B?30070?31KZ1?32NAME?33X"),
		":20:R\n:25:A\n:34F:KZT0,\n:13D:2611201030+0500\n:61:261120C1,00NTRF\n:90C:1KZT1,00\n-\n", "{1:F01}{2:O940}{4:\n"+mt940("")+"-}\n")
}

// FuzzKISC reads MT100 and MT102.
func FuzzKISC(f *testing.F) {
	fuzzRead(f, "mt100", Options{}, "{1:F01}\n{2:I100SGROSS}\n{4:\n:20:R\n:32A:261120KZT5,00\n:50:/D/KZ1\n/NAME/A\n/IDN/1\n:59:KZ2\n:70:/KNP/911\n/BCLASS/108125\n/ASSIGN/a\nb\n-}\n",
		"{1:F01}\n{2:I102SCLEAR}\n{4:\n:20:P\n:50:/D/KZ1\n:59:KZ2\n:70:/VO/08\n/BCLASS/1\n:21:A\n:32B:KZT5,00\n:70:/FM/A\n/NM/B\n:32A:261120KZT5,00\n-}\n")
}

// FuzzOneC reads 1CClientBankExchange.
func FuzzOneC(f *testing.F) {
	fuzzRead(f, "1c", Options{}, "1CClientBankExchange\nРасчСчет=KZ1\nСекцияДокумент=Выписка\nСуммаПриход=5.00\nКонецДокумента\nКонецФайла\n",
		"\ufeff1CClientBankExchange\r\nКодировка=UTF-8\r\nСекцияРасчСчет\r\nНачальныйОстаток=1.00\r\nВсегоПоступило=5\r\nКонечныйОстаток=6.00\r\nКонецРасчСчет\r\nСекцияДокумент=выписка\r\nСуммаРасход=1.00\r\nКонецДокумента\r\nКонецФайла\r\n",
		"1CClientBankExchange\nКодировка=Windows\n\xd0\xe0\xf1\xf7\xd1\xf7\xe5\xf2=KZ1\n")
}

// FuzzTable reads tables by a mapping.
func FuzzTable(f *testing.F) {
	mapping := &Mapping{Separator: ";", Columns: map[Column]string{ColumnAmount: "a", ColumnEndToEnd: "b"}, Currency: "KZT"}
	fuzzRead(f, "pain", Options{Mapping: mapping}, "a;b\n1;2\n", "\ufeffa;b;c\r\n\"1,5\";\"x;\"\"y\"\r\n-2;;\r\n", "b;a\n\"broken")
}

// FuzzDetect: what Detect says of a whole file is what Read reads it as.
func FuzzDetect(f *testing.F) {
	f.Add([]byte(":20:"))
	f.Add([]byte("{2:O940"))
	f.Fuzz(func(t *testing.T, document []byte) {
		format, err := Detect(document[:min(len(document), headBytes)])
		s, readErr := Read(bytes.NewReader(document), &dump{}, Options{})
		if errors.Is(err, ErrUnknown) && readErr == nil {
			t.Fatalf("read as %s, not recognised", s.Format)
		}
		if readErr == nil && s.Format != format {
			t.Fatalf("read as %s, recognised as %s", s.Format, format)
		}
	})
}
