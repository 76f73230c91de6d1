package catalog

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qaqpa/payment/money"
)

// court is the duty on a property claim of a company (facts/payments.md §5), with a floor of a thousand tenge.
func court() Tariff {
	return Tariff{
		ValidFrom: "2026-01-01", Kind: Percent, Rate: "3", Rounding: money.HalfUpTenge,
		Floor: &Bound{Tiyn: 100_000}, Cap: &Bound{MRP: "20000"},
	}
}

func of(t Tariff) Service {
	s := licence()
	s.Tariffs = []Tariff{t}
	return s
}

func TestPriceOfClaim(t *testing.T) {
	for claim, want := range map[int64]string{
		1:               "1000.00",     // the floor
		3_333_333:       "1000.00",     // 3 % is 999.99…, which rounds to the floor
		10_001_700:      "3001.00",     // 3000.51 rounds up
		10_001_600:      "3000.00",     // 3000.48 rounds down
		288_333_333_300: "86500000.00", // the cap, 20000 × 4325
		ClaimMax:        "86500000.00",
	} {
		quote, err := of(court()).Price(Ask{On: "2026-03-01", Claim: claim}, table())
		if err != nil || quote.Decimal() != want || quote.Payable != quote.Tiyn {
			t.Errorf("%d: got %s (%v), want %s", claim, quote.Decimal(), err, want)
		}
	}
	quote, err := of(court()).Price(Ask{On: "2026-03-01", Claim: 5_000_000_00}, table())
	want := Basis{
		Kind: Percent, Rate: "3", Rounding: money.HalfUpTenge, MRP: 432500,
		Claim: 5_000_000_00, Floor: 100_000, Cap: 86_500_000_00, On: "2026-03-01",
	}
	if err != nil || quote.Basis != want {
		t.Errorf("basis %+v (%v), want %+v", quote.Basis, err, want)
	}
	crossed := court()
	crossed.Floor = &Bound{Tiyn: TiynMax} // 20000 МРП are less: the cap holds
	if quote, err := of(crossed).Price(Ask{On: "2026-03-01", Claim: 1}, table()); err != nil || quote.Tiyn != 86_500_000_00 {
		t.Errorf("floor above cap: %s, %v", quote.Decimal(), err)
	}
}

func TestPriceRefuses(t *testing.T) {
	tiny := court()
	tiny.Floor, tiny.Rounding = nil, money.DownTenge
	open := court()
	open.Cap = nil
	dust := court()
	dust.Cap = &Bound{MRP: "0.0001"}
	stated := Tariff{ValidFrom: "2026-01-01", Kind: Stated}
	fixed := Tariff{ValidFrom: "2026-01-01", Kind: Fixed, Fixed: 100}
	for name, c := range map[string]struct {
		tariff Tariff
		ask    Ask
		want   error
	}{
		"no claim":           {court(), Ask{}, ErrClaim},
		"negative claim":     {court(), Ask{Claim: -1}, ErrInvalid},
		"huge claim":         {court(), Ask{Claim: ClaimMax + 1}, ErrInvalid},
		"fee of nothing":     {tiny, Ask{Claim: 1}, ErrInvalid},
		"fee beyond all":     {open, Ask{Claim: ClaimMax}, ErrInvalid},
		"cap of nothing":     {dust, Ask{Claim: 1}, ErrInvalid}, // 0.4325 tenge, half up
		"claim for fixed":    {fixed, Ask{Claim: 1}, ErrInvalid},
		"claim for stated":   {stated, Ask{Claim: 1}, ErrInvalid},
		"amount for percent": {court(), Ask{Claim: 1, Stated: 1}, ErrInvalid},
		"amount for fixed":   {fixed, Ask{Stated: 1}, ErrInvalid},
		"stated, no amount":  {stated, Ask{}, ErrStated},
		"amount negative":    {stated, Ask{Stated: -1}, ErrInvalid},
		"amount huge":        {stated, Ask{Stated: TiynMax + 1}, ErrInvalid},
		"paid before":        {fixed, Ask{PaidOn: "2026-02-28"}, ErrInvalid},
		"no such day":        {fixed, Ask{PaidOn: "2026-03-32"}, ErrInvalid},
	} {
		c.ask.On = "2026-03-01"
		if _, err := of(c.tariff).Price(c.ask, table()); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := of(court()).Price(Ask{On: "2027-03-01", Claim: 1}, table()); !errors.Is(err, ErrNoTariff) {
		t.Errorf("bound in an unknown МРП: %v", err)
	}
}

func TestDiscountWindows(t *testing.T) {
	fine := of(Tariff{ValidFrom: "2026-01-01", Kind: Stated, Discounts: []Discount{
		{Percent: "50", Rounding: money.HalfUpTenge, Days: 7},
		{Percent: "10", Rounding: money.HalfUpTiyn, Until: "2026-03-31"},
	}})
	for _, c := range []struct {
		on, paid Date
		stated   int64
		payable  int64
		until    Date
	}{
		{"2026-02-25", "", 21_625_00, 10_813_00, "2026-03-04"}, // 10812.50
		{"2026-02-25", "2026-03-04", 21_625_00, 10_813_00, "2026-03-04"},
		{"2026-02-25", "2026-03-05", 21_625_00, 19_462_50, "2026-03-31"},
		{"2026-02-25", "2026-03-31", 21_625_00, 19_462_50, "2026-03-31"},
		{"2026-02-25", "2026-04-01", 21_625_00, 21_625_00, ""},
		{"2026-03-30", "2026-04-06", 21_625_00, 10_813_00, "2026-04-06"},
		{"2026-04-30", "2026-05-08", 21_625_00, 21_625_00, ""},
		{"2026-02-25", "", 1, 1, ""}, // neither nothing nor more than the whole
	} {
		quote, err := fine.Price(Ask{On: c.on, PaidOn: c.paid, Stated: c.stated}, nil)
		var until Date
		if quote.Discount != nil {
			until = quote.Discount.Until
		}
		if err != nil || quote.Tiyn != c.stated || quote.Payable != c.payable || until != c.until {
			t.Errorf("%+v: got %d until %q (%v)", c, quote.Payable, until, err)
		}
	}
}

// The fee is the exact product, rounded and held by its bounds, never negative, and never falls when the claim grows; what
// is payable is never more than the fee, never nothing, and falls neither with the fee nor with waiting.
func TestPriceProperties(t *testing.T) {
	roundings := []money.Rounding{money.HalfUpTenge, money.DownTenge, money.UpTenge, money.HalfUpTiyn}
	rapid.Check(t, func(t *rapid.T) {
		floor, spread := rapid.Int64Range(1, TiynMax/2).Draw(t, "floor"), rapid.Int64Range(0, TiynMax/2).Draw(t, "spread")
		hundredths := rapid.Int64Range(1, 10_000).Draw(t, "percent")
		tariff := Tariff{
			ValidFrom: "2026-01-01", Kind: Percent, Rounding: rapid.SampledFrom(roundings).Draw(t, "rounding"),
			Rate:  RateText(money.Rate(hundredths * 100).Decimal()),
			Floor: &Bound{Tiyn: floor}, Cap: &Bound{Tiyn: floor + spread}, Discounts: []Discount{{
				Percent:  RateText(money.Rate(rapid.Int64Range(1, 9999).Draw(t, "off") * 100).Decimal()),
				Rounding: rapid.SampledFrom(roundings).Draw(t, "discount rounding"), Days: 7,
			}},
		}
		service := of(tariff)
		if err := service.Check(); err != nil {
			t.Fatal(err)
		}
		less := rapid.Int64Range(1, ClaimMax).Draw(t, "claim")
		more := rapid.Int64Range(less, ClaimMax).Draw(t, "larger claim")
		at := func(claim int64, paid Date) Quote {
			q, err := service.Price(Ask{On: "2026-03-01", PaidOn: paid, Claim: claim}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return q
		}
		a, b, late := at(less, "2026-03-08"), at(more, "2026-03-08"), at(less, "2026-03-09")
		if a.Tiyn < floor || a.Tiyn > floor+spread || a.Tiyn > b.Tiyn || a.Payable > b.Payable {
			t.Fatalf("%+v, %+v", a, b)
		}
		if a.Payable <= 0 || a.Payable > a.Tiyn || late.Payable != late.Tiyn || a.Payable > late.Payable || (a.Discount == nil) != (a.Payable == a.Tiyn) {
			t.Fatalf("%+v, late %+v", a, late)
		}
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(less), big.NewInt(hundredths)), big.NewInt(10_000))
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(a.Tiyn), exact)
		if inside := a.Tiyn > floor && a.Tiyn < floor+spread; inside && off.Abs(off).Cmp(big.NewRat(100, 1)) >= 0 {
			t.Fatalf("%d is a tenge or more from %s", a.Tiyn, exact.FloatString(4))
		}
	})
}

func TestTermsCheckRefuses(t *testing.T) {
	good := func() Tariff {
		tariff := court()
		tariff.Discounts = []Discount{
			{Percent: "50", Rounding: money.HalfUpTenge, Days: 7}, {Percent: "10", Rounding: money.DownTenge, Until: "2026-12-31"},
		}
		return tariff
	}
	if err := of(good()).Check(); err != nil {
		t.Fatalf("good terms are refused: %v", err)
	}
	for name, spoil := range map[string]func(*Tariff){
		"no rate":              func(s *Tariff) { s.Rate = "" },
		"rate zero":            func(s *Tariff) { s.Rate = "0" },
		"rate above 100":       func(s *Tariff) { s.Rate = "100.01" },
		"rate of 3 decimals":   func(s *Tariff) { s.Rate = "0.125" },
		"rate negative":        func(s *Tariff) { s.Rate = "-1" },
		"no rounding":          func(s *Tariff) { s.Rounding = "" },
		"fixed amount":         func(s *Tariff) { s.Fixed = 1 },
		"floor of nothing":     func(s *Tariff) { s.Floor = &Bound{} },
		"floor negative":       func(s *Tariff) { s.Floor = &Bound{Tiyn: -1} },
		"floor huge":           func(s *Tariff) { s.Floor = &Bound{Tiyn: TiynMax + 1} },
		"cap in both":          func(s *Tariff) { s.Cap = &Bound{Tiyn: 1, MRP: "1"} },
		"cap of zero МРП":      func(s *Tariff) { s.Cap = &Bound{MRP: "0"} },
		"cap not a number":     func(s *Tariff) { s.Cap = &Bound{MRP: "1e3"} },
		"cap below floor":      func(s *Tariff) { s.Cap = &Bound{Tiyn: 99_999} },
		"cap below floor, МРП": func(s *Tariff) { s.Floor = &Bound{MRP: "20000.5"} },
		"floor on mrp":         func(s *Tariff) { s.Kind, s.Cap = MRPRate, nil },
		"cap on stated":        func(s *Tariff) { s.Kind, s.Rate, s.Rounding, s.Floor = Stated, "", "", nil },
		"discount of nothing":  func(s *Tariff) { s.Discounts[0].Percent = "0" },
		"discount of all":      func(s *Tariff) { s.Discounts[0].Percent = "100" },
		"discount of 3":        func(s *Tariff) { s.Discounts[0].Percent = "33.333" },
		"discount unrounded":   func(s *Tariff) { s.Discounts[0].Rounding = "" },
		"discount rounding":    func(s *Tariff) { s.Discounts[0].Rounding = "nearest" },
		"window without end":   func(s *Tariff) { s.Discounts[0].Days = 0 },
		"window of two ends":   func(s *Tariff) { s.Discounts[0].Until = "2026-12-31" },
		"window backwards":     func(s *Tariff) { s.Discounts[0].Days = -1 },
		"window too long":      func(s *Tariff) { s.Discounts[0].Days = daysMax + 1 },
		"window closed before": func(s *Tariff) { s.Discounts[1].Until = "2025-12-31" },
		"window of no day":     func(s *Tariff) { s.Discounts[1].Until = "2026-02-30" },
		"too many": func(s *Tariff) {
			for range discountsMax {
				s.Discounts = append(s.Discounts, s.Discounts[0])
			}
		},
	} {
		tariff := good()
		spoil(&tariff)
		if err := of(tariff).Check(); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "tariffs[0]") {
			t.Errorf("%s: accepted, or wrong error: %v", name, err)
		}
	}
}
