package commission

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

const (
	halyk = "HSBKKZKX"
	day   = catalog.Date("2026-03-01")
)

func percent() Spec {
	return Spec{
		Bank: halyk, Bearer: Payer, Rate: 100, Rounding: money.HalfUpTiyn, Min: 5000, Max: 50_000, GivenBack: OnFault, ValidFrom: "2026-01-01", Source: "договор 1",
	}
}

func ban() Spec {
	return Spec{Bearer: Nobody, KBK: "1", ValidFrom: "2026-01-01", Source: "act"}
}

// The figures are those of a calculator: 1 %, at least 50 and at most 500 tenge.
func TestFee(t *testing.T) {
	up, down, fixed := percent(), percent(), Spec{Bank: halyk, Bearer: Payer, Fixed: 7}
	up.Rounding, up.Min, up.Max = money.UpTenge, 0, 0
	down.Rounding, down.Min, down.Max = money.DownTenge, 0, 0
	for _, c := range []struct {
		terms      Spec
		base, want int64
	}{
		{percent(), 1, 5000},
		{percent(), 540_600, 5406},
		{percent(), 540_650, 5407},
		{percent(), 540_649, 5406},
		{percent(), 9_000_000_00, 50_000},
		{up, 540_600, 5500},
		{down, 540_600, 5400},
		{fixed, 540_600, 7},
		{ban(), 540_600, 0},
	} {
		if got, err := c.terms.Fee(c.base); err != nil || got != c.want {
			t.Errorf("%+v of %d: got %d (%v), want %d", c.terms, c.base, got, err, c.want)
		}
	}
	whole := percent()
	whole.Rate, whole.Max, whole.Fixed = RateMax, 0, FixedMax
	if fee, err := whole.Fee(math.MaxInt64); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("overflow gave %d, %v", fee, err)
	}
}

func TestCheckRefuses(t *testing.T) {
	if err := percent().Check(); err != nil {
		t.Fatal(err)
	}
	if err := ban().Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Spec){
		"rate negative":     func(s *Spec) { s.Rate = -1 },
		"rate over 100 %":   func(s *Spec) { s.Rate = RateMax + 1 },
		"no rounding":       func(s *Spec) { s.Rounding = "" },
		"unknown rounding":  func(s *Spec) { s.Rounding = "bankers" },
		"rounding, no rate": func(s *Spec) { s.Rate = 0 },
		"fixed negative":    func(s *Spec) { s.Fixed = -1 },
		"fixed huge":        func(s *Spec) { s.Fixed = FixedMax + 1 },
		"min negative":      func(s *Spec) { s.Min = -1 },
		"max negative":      func(s *Spec) { s.Max = -1 },
		"max huge":          func(s *Spec) { s.Max = math.MaxInt64 },
		"max below min":     func(s *Spec) { s.Max = s.Min - 1 },
		"max below fixed":   func(s *Spec) { s.Fixed = s.Max + 1 },
		"no bank":           func(s *Spec) { s.Bank = "" },
		"no BIC":            func(s *Spec) { s.Bank = "bank" },
		"unknown bearer":    func(s *Spec) { s.Bearer = "state" },
		"two scopes":        func(s *Spec) { s.Agency, s.Service = "agc_1", "svc_1" },
		"kbk of letters":    func(s *Spec) { s.KBK = "1x" },
		"kbk too long":      func(s *Spec) { s.KBK = "1081251" },
		"no first day":      func(s *Spec) { s.ValidFrom = "" },
		"no such day":       func(s *Spec) { s.ValidTo = "2026-02-30" },
		"ends before":       func(s *Spec) { s.ValidTo = "2025-12-31" },
		"no source":         func(s *Spec) { s.Source = "" },
		"given back maybe":  func(s *Spec) { s.GivenBack = "maybe" },
		"ban with a bank":   func(s *Spec) { *s = ban(); s.Bank = halyk },
		"ban with a rate":   func(s *Spec) { *s = ban(); s.Rate, s.Rounding = 1, money.UpTenge },
	} {
		s := percent()
		change(&s)
		if err := s.Check(); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAdmit(t *testing.T) {
	closed, service, wide := percent(), percent(), percent()
	closed.ValidTo = "2026-06-30"
	service.Service = "svc_1"
	wide.ValidFrom = "2027-01-01"
	later, before := percent(), percent()
	later.ValidFrom = "2026-06-30"
	before.ValidFrom, before.ValidTo = "2025-01-01", "2025-12-31"
	budget := ban()
	of := Of{Agency: "agc_1", KBK: "108126"}
	for name, c := range map[string]struct {
		inForce, add Spec
		want         error
	}{
		"the same again":           {percent(), percent(), ErrOverlap},
		"within closed ones":       {closed, later, ErrOverlap},
		"open ones are succeeded":  {percent(), later, nil},
		"before open ones":         {percent(), before, nil},
		"open ones before others":  {later, percent(), ErrOverlap},
		"another scope":            {percent(), service, nil},
		"a service under a ban":    {budget, service, ErrForbidden},
		"a ban narrower than that": {budget, percent(), nil},
		"a ban over terms":         {service, budget, nil},
		"a ban of all":             {Spec{Bearer: Nobody, ValidFrom: "2026-01-01"}, wide, ErrForbidden},
		"a ban that is over":       {Spec{Bearer: Nobody, ValidFrom: "2020-01-01", ValidTo: "2020-12-31"}, percent(), nil},
	} {
		if err := Admit([]Terms{{"t", c.inForce}}, c.add, of); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	agency := ban()
	agency.KBK, agency.Agency = "", "agc_1"
	if err := Admit([]Terms{{"t", agency}}, service, of); !errors.Is(err, ErrForbidden) {
		t.Errorf("a service of a forbidden agency: %v", err)
	}
	narrow := percent()
	narrow.KBK = "2"
	if err := Admit([]Terms{{"t", budget}}, narrow, Of{}); err != nil {
		t.Errorf("another budget code: %v", err)
	}
}

// A ban wins, then the narrowest scope, then what began last; terms of other banks and days are passed over.
func TestChoice(t *testing.T) {
	of := func(rate int64, change func(*Spec)) Terms {
		s := percent()
		s.Rate, s.Min, s.Max = rate, 0, 0
		change(&s)
		return Terms{"t", s}
	}
	terms := []Terms{
		of(100, func(*Spec) {}),
		of(200, func(s *Spec) { s.KBK = "2" }),
		of(300, func(s *Spec) { s.Agency = "agc_1" }),
		of(400, func(s *Spec) { s.Service = "svc_1" }),
		of(500, func(s *Spec) { s.Bank = "KCJBKZKX" }),
		of(600, func(s *Spec) { s.ValidFrom = "2027-01-01" }),
		of(700, func(s *Spec) { s.KBK = "204" }),
		of(0, func(s *Spec) { *s = ban() }),
	}
	for _, c := range []struct {
		on   catalog.Date
		item Item
		want int64
	}{
		{day, Item{"svc_1", "agc_1", "204165", 10_000}, 400},
		{day, Item{"svc_2", "agc_1", "204165", 10_000}, 300},
		{day, Item{"svc_2", "agc_2", "204165", 10_000}, 700},
		{day, Item{"svc_2", "agc_2", "206108", 10_000}, 200},
		{day, Item{"svc_2", "agc_2", "300000", 10_000}, 100},
		{"2027-01-01", Item{"svc_2", "agc_2", "300000", 10_000}, 600},
		{day, Item{"svc_1", "agc_1", "108126", 10_000}, 0},
		{"2025-12-31", Item{"svc_1", "agc_1", "204165", 10_000}, 0},
	} {
		d, err := Decide(terms, halyk, c.on, []Item{c.item})
		if err != nil || d.Total() != c.want {
			t.Errorf("%+v on %s: got %d (%v), want %d", c.item, c.on, d.Total(), err, c.want)
		}
	}
}

// The least amount holds once for a payment, however many debts there are, and who bears it is kept apart.
func TestDecideTogether(t *testing.T) {
	borne := percent()
	borne.Bearer, borne.Service, borne.Min, borne.Max = Agency, "svc_2", 0, 0
	d, err := Decide([]Terms{{"a", percent()}, {"b", borne}}, halyk, day, []Item{
		{"svc_1", "x", "204165", 100}, {"svc_2", "y", "204165", 10_000}, {"svc_3", "z", "204165", 200},
	})
	if err != nil || len(d.Charges) != 2 || d.Total() != 5000 || d.Charges[0].Base != 300 || d.Agency[1] != 100 || d.Payer[1] != 0 {
		t.Errorf("got %+v, %v", d, err)
	}
	for _, bad := range [][]Item{{{Tiyn: 0}}, {{Tiyn: -1}}, {{Tiyn: catalog.TiynMax}, {Tiyn: 1}}, {{Tiyn: math.MaxInt64}, {Tiyn: math.MaxInt64}}} {
		if d, err := Decide([]Terms{{"a", percent()}}, halyk, day, bad); !errors.Is(err, money.ErrOverflow) {
			t.Errorf("%v gave %+v, %v", bad, d, err)
		}
	}
}

// Whatever the terms and debts: nothing is negative, least and most hold, the shares make the charges, each charge checks.
func TestDecideKeepsMoney(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Spec{
			Bank: halyk, Bearer: rapid.SampledFrom([]Bearer{Payer, Agency}).Draw(t, "bearer"), Rate: rapid.Int64Range(0, RateMax).Draw(t, "rate"),
			Fixed: rapid.Int64Range(0, 10_000).Draw(t, "fixed"), Min: rapid.Int64Range(0, 10_000).Draw(t, "min"), ValidFrom: "2026-01-01", Source: "x", GivenBack: Never,
		}
		if s.Rate > 0 {
			s.Rounding = rapid.SampledFrom([]money.Rounding{money.HalfUpTenge, money.DownTenge, money.UpTenge, money.HalfUpTiyn}).Draw(t, "rounding")
		}
		if rapid.Bool().Draw(t, "capped") {
			s.Max = max(s.Fixed, s.Min, 1) + rapid.Int64Range(0, 10_000).Draw(t, "spread")
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		items, total := make([]Item, rapid.IntRange(1, 50).Draw(t, "items")), int64(0)
		for i := range items {
			items[i].Tiyn = rapid.Int64Range(1, catalog.TiynMax/100).Draw(t, "tiyn")
			total += items[i].Tiyn
		}
		d, err := Decide([]Terms{{"t", s}}, halyk, day, items)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Fee(total)
		if err != nil || want < s.Min || (s.Max != 0 && want > s.Max) {
			t.Fatalf("fee %d outside %d to %d: %v", want, s.Min, s.Max, err)
		}
		sum := int64(0)
		for i := range items {
			if d.Payer[i] < 0 || d.Agency[i] < 0 || (d.Payer[i] != 0 && s.Bearer == Agency) {
				t.Fatalf("shares %d and %d", d.Payer[i], d.Agency[i])
			}
			sum += d.Payer[i] + d.Agency[i]
		}
		if sum != want || (want == 0) != (len(d.Charges) == 0) {
			t.Fatalf("shares make %d of %d", sum, want)
		}
		for _, c := range d.Charges {
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
			if c.Tiyn++; c.Check() == nil {
				t.Fatal("a tiyn more passes")
			}
		}
	})
}

// Shares lie within one tiyn of their exact proportion, however large the numbers.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tiyn := rapid.Int64Range(0, math.MaxInt64).Draw(t, "tiyn")
		weights := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64/64), 1, 50).Draw(t, "weights")
		weights[0]++
		total := new(big.Int)
		for _, w := range weights {
			total.Add(total, big.NewInt(w))
		}
		sum := int64(0)
		for i, share := range Split(tiyn, weights) {
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(tiyn), big.NewInt(weights[i])), total)
			off := new(big.Rat).Sub(new(big.Rat).SetInt64(share), exact)
			if share < 0 || off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("share %d is %s off", share, off.FloatString(3))
			}
			sum += share
		}
		if sum != tiyn {
			t.Fatalf("%d of %d", sum, tiyn)
		}
	})
	if got := Split(7, []int64{0, 0}); got[0] != 0 || got[1] != 0 {
		t.Errorf("nothing to divide by: %v", got)
	}
}
