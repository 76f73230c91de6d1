package register

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/statement"
)

// gathered makes payments of all that a sample tells.
type gathered struct{ list []Payment }

func (g *gathered) Statement(*statement.Header) error { return nil }

func (g *gathered) Entry(e *statement.Entry) error {
	for i := range e.Details {
		one := *e
		one.Details = e.Details[i : i+1]
		var b back
		if err := b.Entry(&one); err != nil {
			return err
		}
		p := b.list[0]
		e.EachReference(&e.Details[i], func(_ string, v []byte) {
			if strings.HasPrefix(string(v), "PSHEP") {
				p.ID = string(v)
			}
		})
		g.list = append(g.list, p)
	}
	return nil
}

func (g *gathered) End(*statement.Trailer) error { return nil }

// What the samples in tenge tell is written in every format and read again, and is the same. The others are in currencies that no register has.
func TestSamplesAreWrittenAndReadAgain(t *testing.T) {
	top := os.Getenv("QAQPA_CORPORA")
	if top == "" {
		top = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	top = filepath.Join(top, "statements")
	if _, err := os.Stat(top); err != nil {
		t.Skipf("the samples are not here (QAQPA_CORPORA): %v", err)
	}
	for name, n := range map[string]int{
		"camt/synthetic-kzt-camt.053.001.08.xml": 12, "camt/synthetic-kzt-camt.053-batch.xml": 12, "camt/synthetic-kzt-camt.054.001.08.xml": 3,
		"pacs/synthetic-kzt-pacs.008.001.08.xml": 12, "pain/synthetic-kzt-pain.001.001.09.xml": 1, "mt940/synthetic-kzt.sta": 12,
		"mt100/synthetic-mt100.txt": 3, "mt100/synthetic-mt102.txt": 12, "1c/synthetic-kz-statement-cp1251.txt": 12,
		"1c/synthetic-kz-statement-cp866.txt": 12, "1c/synthetic-kz-statement-utf8bom.txt": 12,
	} {
		document, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		var told gathered
		if _, err := statement.Read(bytes.NewReader(document), &told, statement.Options{}); err != nil || len(told.list) != n {
			t.Fatalf("%s: %d payments, %v", name, len(told.list), err)
		}
		for i := range told.list {
			p := &told.list[i]
			p.Day = "2026-11-20"
			if p.Beneficiary.Account == "" { // the owner of a statement's account is not told with each line
				p.Beneficiary.Account = treasury.Account
			}
			if p.Payer.Account == "" {
				p.Payer.Account = "KZ218565468487452685"
			}
		}
		writtenAgain(t, name, told.list)
	}
}

func writtenAgain(t *testing.T, name string, list []Payment) {
	t.Helper()
	r := &Register{ID: "REG-20261120-1", Number: 1, Day: "2026-11-20", Bank: "KCJBKZKX", Sender: "qaqpa", CreatedAt: time.Date(2026, 11, 20, 13, 11, 22, 0, time.UTC), Payments: list}
	for _, f := range []Format{Pain001, Pacs008, MT102, OneC, CSV} {
		var file bytes.Buffer
		if err := Write(&file, f, r, Options{}); err != nil {
			t.Errorf("%s as %s: %v", name, f, err)
			continue
		}
		got := &back{}
		if _, err := statement.Read(&file, got, statement.Options{Mapping: Mapping(treasury.Account)}); err != nil || len(got.failed) > 0 {
			t.Errorf("%s as %s: %v, failed checks %v", name, f, err, got.failed)
		}
		var want []Payment
		for _, p := range list {
			want = append(want, reduced(p, f == MT102))
		}
		if diff := cmp.Diff(want, got.list); diff != "" {
			t.Errorf("%s as %s: %s", name, f, diff)
		}
	}
}
