package statement

import (
	"bytes"
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

// FuzzRead: no file makes a reader panic, hand out what cannot be, or tell another story when it is cut into bytes.
func FuzzRead(f *testing.F) {
	for _, document := range []string{
		camt("08", balances("1", "2"), entry("1", "<NtryDtls><TxDtls><Refs><EndToEndId>E</EndToEndId></Refs></TxDtls></NtryDtls>")),
		mt940(":61:2611201120C5406,00NTRFREF//BANK\n:86:/KNP/911/x"),
		":20:R\n:25:A\n:34F:KZT0,\n:13D:2611201030+0500\n:61:261120C1,00NTRF\n:90C:1KZT1,00\n-\n",
		"{1:F01}\n{2:I100SGROSS}\n{4:\n:20:R\n:32A:261120KZT5,00\n:50:/D/KZ1\n:59:KZ2\n:70:/KNP/911\n-}\n",
		"{1:F01}\n{2:I102SCLEAR}\n{4:\n:20:P\n:50:/D/KZ1\n:59:KZ2\n:21:A\n:32B:KZT5,00\n:32A:261120KZT5,00\n-}\n",
		"1CClientBankExchange\nРасчСчет=KZ1\nСекцияДокумент=Выписка\nСуммаПриход=5.00\nКонецДокумента\nКонецФайла\n",
		"a;b\n1;2\n",
	} {
		f.Add([]byte(document))
	}
	top := os.Getenv("QAQPA_CORPORA")
	if top != "" {
		files, _ := filepath.Glob(filepath.Join(top, "statements", "*", "*"))
		for _, name := range files {
			if document, err := os.ReadFile(name); err == nil {
				f.Add(document)
			}
		}
	}
	o := Options{DetailsMax: 16, Mapping: &Mapping{Separator: ";", Columns: map[Column]string{ColumnAmount: "a", ColumnEndToEnd: "b"}, Currency: "KZT"}}
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
