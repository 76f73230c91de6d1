package daily

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"qaqpa/payment/catalog"
	"qaqpa/payment/recon"
)

func sampleReport() *Report {
	r := &Report{
		Issuer: "«Ұлттық ақпараттық технологиялар» АҚ", Bank: "HSBKKZKX", BankName: "АО «Народный Банк Казахстана»", Day: "2026-11-20",
		MadeAt:   time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC),
		Accounts: []Account{{"KZ916011700111350335", 150000000, 14238099, 1200, 164236899, 1042}},
		Lines:    Sum{1042, 14238099}, Matched: Sum{1003, 13900000},
		Rules:     []Row{{"reference", Sum{940, 13000000}}, {"uip", Sum{50, 800000}}, {"batch", Sum{13, 100000}}},
		Confirmed: Sum{1020, 14000000}, Settled: Sum{1003, 13900000}, Owed: Sum{17, 100000},
	}
	for i, k := range recon.Kinds() {
		r.Kinds = append(r.Kinds, Row{string(k), Sum{int64(3 + i*i%17), int64(100000 * (i + 1))}})
		r.AddAge(i*4, Sum{int64(i), int64(i) * 5000})
	}
	for i := range 14 {
		day := time.Date(2026, 11, 7+i, 0, 0, 0, 0, time.UTC)
		r.Trend = append(r.Trend, Point{Day: catalog.Date(day.Format(time.DateOnly)), Share: 940 + i*4})
	}
	return r
}

func TestEveryKindHasNames(t *testing.T) {
	for _, k := range recon.Kinds() {
		if n := kindNames[k]; n.kk == "" || n.ru == "" || n.kk == n.ru {
			t.Errorf("%s: %+v", k, n)
		}
	}
}

func TestPDF(t *testing.T) {
	b, err := PDF(sampleReport())
	if err != nil {
		t.Fatal(err)
	}
	again, err := PDF(sampleReport())
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("the same report gives other bytes, %v", err)
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	if kept := os.Getenv("QAQPA_KEEP_PDF"); kept != "" {
		file = kept
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{"Төлемдерді салыстырып тексеру", "Сверка платежей с банком", "KZ916011700111350335", "96,2 %", "Шетел валютасы", "Вся задолженность", "20.11.2026"} {
		if !strings.Contains(string(text), wanted) {
			t.Errorf("%q is not on the page\n%s", wanted, text)
		}
	}
}

func TestAnEmptyDay(t *testing.T) {
	if _, err := PDF(&Report{Bank: "HSBKKZKX", Day: "2026-11-20"}); err != nil {
		t.Error(err)
	}
	if _, err := XLSX(&Report{Bank: "HSBKKZKX", Day: "2026-11-20"}); err != nil {
		t.Error(err)
	}
}

func TestXLSX(t *testing.T) {
	b, err := XLSX(sampleReport())
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if v, err := f.GetCellValue("report", "C4"); err != nil || v != "142,380.99" {
		t.Errorf("credit %q, %v", v, err)
	}
	if !bytes.Contains(b, []byte("xl/charts/chart2.xml")) {
		t.Error("the charts are missing")
	}
}

func TestAges(t *testing.T) {
	r := &Report{}
	for days, bucket := range map[int]int{0: 0, 1: 0, 2: 1, 3: 1, 4: 2, 7: 2, 8: 3, 30: 3, 31: 4, 400: 4} {
		before := r.Ages[bucket].Count
		r.AddAge(days, Sum{1, 1})
		if r.Ages[bucket].Count != before+1 {
			t.Errorf("%d days are not in bucket %d", days, bucket)
		}
	}
}
