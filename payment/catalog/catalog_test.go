package catalog

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qaqpa/payment/money"
)

// table is the МРП of facts/payments.md §5.
func table() []MRP {
	return []MRP{
		{ValidFrom: "2024-01-01", ValidTo: "2024-12-31", Tiyn: 369200},
		{ValidFrom: "2025-01-01", ValidTo: "2025-12-31", Tiyn: 393200},
		{ValidFrom: "2026-01-01", ValidTo: "2026-12-31", Tiyn: 432500},
	}
}

func licence() Service {
	return Service{ID: "svc_1", Version: 1, ServiceSpec: ServiceSpec{
		Code:  "driving-licence",
		Names: Names{KK: "Жүргізуші куәлігі", RU: "Водительское удостоверение", EN: "Driving licence"},
		KBK:   "108125", KNP: "911", KBE: "11",
		Beneficiary: Beneficiary{
			Name: "УГД по Тестовому району", BIN: "990140000017",
			Account: "KZ24070105KSN0000000", BIC: "KKMFKZ2A",
		},
		Tariffs: []Tariff{
			{ValidFrom: "2024-01-01", ValidTo: "2025-06-30", Kind: Fixed, Fixed: 461500},
			{ValidFrom: "2025-07-01", Kind: MRPRate, Rate: "1.25", Rounding: money.HalfUpTenge},
		},
	}}
}

func TestQuote(t *testing.T) {
	for on, want := range map[Date]string{
		"2024-01-01": "4615.00", "2025-06-30": "4615.00", // fixed, first and last day
		"2025-07-01": "4915.00", // 3932 × 1.25
		"2026-01-01": "5406.00", // 4325 × 1.25 = 5406.25
	} {
		quote, err := licence().Quote(on, table())
		if err != nil || quote.Decimal() != want {
			t.Errorf("%s: got %s (%v), want %s", on, quote.Decimal(), err, want)
		}
	}
	quote, err := licence().Quote("2026-06-01", table())
	if err != nil {
		t.Fatal(err)
	}
	want := Basis{Kind: MRPRate, Rate: "1.25", MRP: 432500, Rounding: money.HalfUpTenge, On: "2026-06-01"}
	if quote.Basis != want {
		t.Errorf("basis %+v, want %+v", quote.Basis, want)
	}
}

func TestQuoteRefuses(t *testing.T) {
	if _, err := licence().Quote("2023-12-31", table()); !errors.Is(err, ErrNoTariff) {
		t.Errorf("before the first tariff: %v", err)
	}
	if _, err := licence().Quote("2027-01-01", table()); !errors.Is(err, ErrNoTariff) {
		t.Errorf("no МРП for the day: %v", err)
	}
	fine := licence()
	fine.Tariffs = []Tariff{{ValidFrom: "2024-01-01", Kind: Stated}}
	if _, err := fine.Quote("2026-01-01", table()); !errors.Is(err, ErrStated) {
		t.Errorf("stated tariff quoted: %v", err)
	}
	zero := licence()
	zero.Tariffs = []Tariff{{ValidFrom: "2024-01-01", Kind: MRPRate, Rate: "0.0001", Rounding: money.DownTenge}}
	if _, err := zero.Quote("2026-01-01", table()); !errors.Is(err, ErrInvalid) {
		t.Errorf("quote of nothing: %v", err)
	}
}

// The duties published for 2026 come out as published.
func TestQuotePublishedDuties(t *testing.T) {
	folder := os.Getenv("QAQPA_CORPORA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	f, err := os.Open(filepath.Join(folder, "statements", "kz", "duties_2026.csv"))
	if err != nil {
		t.Skipf("no corpora: %v", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, row := range rows[1:] {
		rate, isMRP := strings.CutSuffix(row[1], " МРП")
		if !isMRP || row[2] == "" {
			continue
		}
		service := licence()
		service.Tariffs = []Tariff{{ValidFrom: "2026-01-01", Kind: MRPRate, Rate: RateText(rate), Rounding: money.HalfUpTenge}}
		quote, err := service.Quote("2026-03-01", table())
		want, _ := strconv.ParseInt(row[2], 10, 64)
		if err != nil || quote.Tiyn != want*100 {
			t.Errorf("%s: got %s (%v), want %d", row[0], quote.Decimal(), err, want)
		}
		checked++
	}
	if checked < 8 {
		t.Errorf("only %d duties checked", checked)
	}
}

func TestServiceCheckRefuses(t *testing.T) {
	if err := licence().Check(); err != nil {
		t.Fatalf("a good service is refused: %v", err)
	}
	for name, spoil := range map[string]func(*ServiceSpec){
		"code":                 func(s *ServiceSpec) { s.Code = "Driving Licence" },
		"code empty":           func(s *ServiceSpec) { s.Code = "" },
		"kbk":                  func(s *ServiceSpec) { s.KBK = "10812" },
		"kbk letters":          func(s *ServiceSpec) { s.KBK = "10812A" },
		"knp":                  func(s *ServiceSpec) { s.KNP = "9110" },
		"kbe":                  func(s *ServiceSpec) { s.KBE = "31" },
		"kbe sector":           func(s *ServiceSpec) { s.KBE = "10" },
		"kind":                 func(s *ServiceSpec) { s.Kind = "magic" },
		"automation":           func(s *ServiceSpec) { s.Automation = "some" },
		"names.kk":             func(s *ServiceSpec) { s.Names.KK = "" },
		"names.ru control":     func(s *ServiceSpec) { s.Names.RU = "a\nb" },
		"names.en reordered":   func(s *ServiceSpec) { s.Names.EN = "a\u202eb" },
		"names.en no XML":      func(s *ServiceSpec) { s.Names.EN = "a\uffffb" },
		"names.en not UTF-8":   func(s *ServiceSpec) { s.Names.EN = "a\xff" },
		"names.en spaces":      func(s *ServiceSpec) { s.Names.EN = " a" },
		"names.en long":        func(s *ServiceSpec) { s.Names.EN = strings.Repeat("a", nameMax+1) },
		"beneficiary.name":     func(s *ServiceSpec) { s.Beneficiary.Name = "" },
		"beneficiary.bin":      func(s *ServiceSpec) { s.Beneficiary.BIN = "990140000018" },
		"beneficiary.account":  func(s *ServiceSpec) { s.Beneficiary.Account = "KZ25070105KSN0000000" },
		"beneficiary.bic":      func(s *ServiceSpec) { s.Beneficiary.BIC = "kkmfkz2a" },
		"no tariffs":           func(s *ServiceSpec) { s.Tariffs = nil },
		"tariff date":          func(s *ServiceSpec) { s.Tariffs[0].ValidFrom = "2026-02-30" },
		"tariff period":        func(s *ServiceSpec) { s.Tariffs[0].ValidTo = "2020-01-01" },
		"tariff overlap":       func(s *ServiceSpec) { s.Tariffs[0].ValidTo = "2025-07-01" },
		"tariff open overlap":  func(s *ServiceSpec) { s.Tariffs[0].ValidTo = "" },
		"tariff kind":          func(s *ServiceSpec) { s.Tariffs[0].Kind = "free" },
		"fixed zero":           func(s *ServiceSpec) { s.Tariffs[0].Fixed = 0 },
		"fixed negative":       func(s *ServiceSpec) { s.Tariffs[0].Fixed = -1 },
		"fixed huge":           func(s *ServiceSpec) { s.Tariffs[0].Fixed = TiynMax + 1 },
		"fixed with rate":      func(s *ServiceSpec) { s.Tariffs[0].Rate = "1" },
		"mrp without rate":     func(s *ServiceSpec) { s.Tariffs[1].Rate = "" },
		"mrp zero rate":        func(s *ServiceSpec) { s.Tariffs[1].Rate = "0" },
		"mrp without rounding": func(s *ServiceSpec) { s.Tariffs[1].Rounding = "" },
		"mrp with amount":      func(s *ServiceSpec) { s.Tariffs[1].Fixed = 5 },
		"stated with amount":   func(s *ServiceSpec) { s.Tariffs[0].Kind = Stated },
	} {
		t.Run(name, func(t *testing.T) {
			spec := licence().ServiceSpec
			spoil(&spec)
			if err := spec.Check(); !errors.Is(err, ErrInvalid) {
				t.Errorf("accepted, or wrong error: %v", err)
			}
		})
	}
}

func TestAgencyAndBankCheckRefuse(t *testing.T) {
	names := Names{KK: "а", RU: "б", EN: "c"}
	good := AgencySpec{BIN: "990140000017", Names: names, WebhookURL: "https://agency.example/hook"}
	if err := good.Check(false); err != nil {
		t.Fatalf("a good agency is refused: %v", err)
	}
	for _, u := range []string{
		"http://agency.example/", "ftp://agency.example/", "agency.example", "https://", "https://:443/",
		"https://u:p@agency.example/", "https://agency.example/#x", "https://agency.example/\x00",
	} {
		bad := good
		bad.WebhookURL = u
		if err := bad.Check(false); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: accepted, or wrong error: %v", u, err)
		}
	}
	bank := BankSpec{BIC: "TSESKZKA", BIN: "990140000017", Name: "Банк", URL: "http://127.0.0.1:1/x"}
	if err := bank.Check(true); err != nil {
		t.Errorf("a good bank is refused: %v", err)
	}
	for _, spoil := range []func(*BankSpec){
		func(b *BankSpec) { b.BIC = "TSES" },
		func(b *BankSpec) { b.BIC = "1SESKZKA" },
		func(b *BankSpec) { b.BIN = "1" },
		func(b *BankSpec) { b.Name = "" },
		func(b *BankSpec) { b.URL += "/" },
		func(b *BankSpec) { b.URL = "" },
	} {
		bad := bank
		spoil(&bad)
		if err := bad.Check(true); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: accepted, or wrong error: %v", bad, err)
		}
	}
}

// Every 11 digits have at most one control digit, and changing any one digit breaks the number.
func TestPayerIDControlDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.StringMatching(`[1-9][0-9]{10}`).Draw(t, "head")
		valid := ""
		for c := '0'; c <= '9'; c++ {
			if ValidPayerID(head + string(c)) {
				if valid != "" {
					t.Fatalf("%s has two control digits", head)
				}
				valid = head + string(c)
			}
		}
		if valid == "" {
			return // weights of both rounds gave 10
		}
		other := []byte(valid)
		other[11] = '0' + (other[11]-'0'+1)%10
		if ValidPayerID(string(other)) {
			t.Fatalf("%s passes beside %s", other, valid)
		}
	})
	for _, bad := range []string{"", "123456789011", "123456789012", "00000000000", "000000000000", "99014000001", "9901400000170", "99014000001a"} {
		if ValidPayerID(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestIBAN(t *testing.T) {
	if !ValidIBAN("KZ24070105KSN0000000") { // the real account of the treasury
		t.Error("the treasury's account is refused")
	}
	for _, bad := range []string{"", "KZ24070105KSN000000", "KZ24070105KSN0000001", "kz24070105KSN0000000", "DE24070105KSN0000000", "KZ240701O5KSN0000000", "KZ24070105ksn0000000"} {
		if ValidIBAN(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestDateOfUsesAlmaty(t *testing.T) {
	if got := DateOf(time.Date(2025, 12, 31, 19, 0, 0, 0, time.UTC)); got != "2026-01-01" {
		t.Errorf("midnight in Almaty is %s", got)
	}
	if got := DateOf(time.Date(2025, 12, 31, 18, 59, 59, 0, time.UTC)); got != "2025-12-31" {
		t.Errorf("a second before is %s", got)
	}
	for _, bad := range []Date{"", "2026-1-1", "2026-02-29", "2026-13-01", "2026-01-01T00:00:00Z", "20260101"} {
		if bad.Valid() {
			t.Errorf("%q passes", bad)
		}
	}
}

func FuzzRateText(f *testing.F) {
	for _, seed := range []string{"1.25", "0.5", "8", "1.250", "01", ".5", "1e3", "999999.9999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rate, err := RateText(text).Rate()
		if err != nil {
			return
		}
		if rate.Decimal() != text {
			t.Fatalf("%q reads as %s", text, rate.Decimal())
		}
	})
}
