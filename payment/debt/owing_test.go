package debt

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// fined is a service of fines: half off within seven days, parts of at least 1,000 tenge.
func fined() catalog.Service {
	v := service(catalog.Tariff{
		ValidFrom: "2026-01-01", Kind: catalog.Stated, Discounts: []catalog.Discount{{Percent: "50", Rounding: money.UpTenge, Days: 7}},
	})
	v.InstalmentMin = 1000_00
	return v
}

func fine(tiyn int64, arose catalog.Date) Debt {
	return Debt{
		ID: "dbt_1", State: Open, Amount: money.FromTiyn(tiyn), AroseOn: arose,
		Basis: catalog.Basis{Kind: catalog.Stated, On: "2026-03-01"},
	}
}

// The last second of the window is the last second of the day in Almaty, whatever zone the clock speaks.
func TestOweAroundMidnight(t *testing.T) {
	d := fine(10000_00, "2026-03-01")
	for at, want := range map[string]int64{
		"2026-03-01T00:00:00+05:00": 5000_00,
		"2026-03-08T23:59:59+05:00": 5000_00,
		"2026-03-08T18:59:59Z":      5000_00,
		"2026-03-08T19:00:00Z":      10000_00, // midnight in Almaty, still the 8th in Greenwich
		"2026-03-09T00:00:00+05:00": 10000_00,
		"2026-03-08T23:30:00+06:00": 5000_00, // a clock of the old zone
		"2026-03-09T00:30:00+06:00": 5000_00,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		owed, err := d.Owe(fined(), 0, catalog.DateOf(now))
		if err != nil || owed.Tiyn != want || (owed.Reduction != nil) != (want == 5000_00) {
			t.Errorf("%s: %+v %v, want %d", at, owed, err, want)
		}
	}
}

// For any instant within a second of any midnight near the window: the discount holds exactly to the end of the seventh day,
// what is due never falls as time goes by, and full amount, discount and sum agree.
func TestOweIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, full := fined(), rapid.Int64Range(1, 1e12).Draw(t, "full")
		if rapid.Bool().Draw(t, "two windows") {
			v.Tariffs[0].Discounts = append(v.Tariffs[0].Discounts, catalog.Discount{Percent: "20", Rounding: money.HalfUpTenge, Days: 14})
		}
		arose := time.Date(2026, 3, 1+rapid.IntRange(0, 40).Draw(t, "arose"), 0, 0, 0, 0, catalog.Almaty())
		d := fine(full, catalog.DateOf(arose))
		before := int64(0)
		for day := range 17 {
			midnight := arose.AddDate(0, 0, day)
			for _, nudge := range []time.Duration{-time.Second, -1, 0, 1, time.Second} {
				at := midnight.Add(nudge).UTC()
				if at.Before(arose) {
					continue
				}
				owed, err := d.Owe(v, 0, catalog.DateOf(at))
				if err != nil {
					t.Fatal(err)
				}
				inside := at.Before(arose.AddDate(0, 0, 8))
				switch r := owed.Reduction; {
				case owed.Tiyn < before:
					t.Fatalf("%s: %d is due after %d", at, owed.Tiyn, before)
				case owed.Tiyn <= 0 || owed.Tiyn > full || owed.Instalment:
					t.Fatalf("%s: %+v", at, owed)
				case r != nil && (owed.Full != full || owed.Tiyn+r.Tiyn != full || r.Over(catalog.DateOf(at))):
					t.Fatalf("%s: %+v with %+v", at, owed, r)
				case inside && full >= 200 && r == nil, r != nil && r.Percent == "50" && !inside:
					t.Fatalf("%s: window open %t, %+v", at, inside, owed)
				}
				before = owed.Tiyn
			}
		}
	})
}

// Along any walk of parts taken, freed and paid, nobody can pay more than is owed, and the rest can always be paid.
func TestOwePartsWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, d := fined(), fine(rapid.Int64Range(1, 20000_00).Draw(t, "full"), "2026-02-01")
		var held []int64
		for range 30 {
			if len(held) > 0 && rapid.Bool().Draw(t, "ends") {
				part := held[0]
				held, d.Held = held[1:], d.Held-part
				if rapid.Bool().Draw(t, "executed") {
					d.Paid += part
				}
				continue
			}
			asked := rapid.Int64Range(0, d.Tiyn+1).Draw(t, "part")
			left := d.Left()
			owed, err := d.Owe(v, asked, "2026-03-20")
			switch {
			case err != nil && asked == 0 && left > 0:
				t.Fatalf("the rest of %d is refused: %v", left, err)
			case err != nil:
				if (left == 0) != errors.Is(err, ErrHeld) {
					t.Fatalf("%d of %d left: %v", asked, left, err)
				}
				continue
			case owed.Tiyn > left || owed.Tiyn <= 0 || (asked > 0 && owed.Tiyn != asked):
				t.Fatalf("%d of %d left: %+v", asked, left, owed)
			case owed.Instalment != (owed.Tiyn < d.Tiyn):
				t.Fatalf("%+v of %d", owed, d.Tiyn)
			case owed.Tiyn < v.InstalmentMin && owed.Tiyn != left:
				t.Fatalf("a part of %d with %d left", owed.Tiyn, left)
			}
			if d.Held += owed.Tiyn; d.Held+d.Paid > d.Tiyn {
				t.Fatalf("%d held and %d paid of %d", d.Held, d.Paid, d.Tiyn)
			}
			held = append(held, owed.Tiyn)
		}
	})
}

func TestOweRefuses(t *testing.T) {
	whole := fined()
	whole.InstalmentMin = 0
	partly := fine(10000_00, "2026-03-01")
	partly.Paid, partly.Held = 3000_00, 2000_00
	all := partly
	all.Held = 7000_00
	for name, c := range map[string]struct {
		debt    Debt
		service catalog.Service
		part    int64
		on      catalog.Date
		want    error
		tiyn    int64
	}{
		"part":                          {fine(10000_00, "2026-03-01"), fined(), 2000_00, "2026-03-02", nil, 2000_00},
		"all that the discount leaves":  {fine(10000_00, "2026-03-01"), fined(), 5000_00, "2026-03-02", nil, 5000_00},
		"more than the discount leaves": {fine(10000_00, "2026-03-01"), fined(), 5000_01, "2026-03-02", ErrBounds, 0},
		"more than all":                 {fine(10000_00, "2026-03-01"), fined(), 10000_01, "2026-04-02", ErrBounds, 0},
		"negative":                      {fine(10000_00, "2026-03-01"), fined(), -1, "2026-03-02", ErrBounds, 0},
		"too small":                     {fine(10000_00, "2026-03-01"), fined(), 999_99, "2026-03-02", ErrBounds, 0},
		"no instalments":                {fine(10000_00, "2026-03-01"), whole, 2000_00, "2026-03-02", ErrWhole, 0},
		"no instalments, rest":          {partly, whole, 0, "2026-03-02", nil, 5000_00},
		"rest, no discount":             {partly, fined(), 0, "2026-03-02", nil, 5000_00},
		"more than the rest":            {partly, fined(), 5000_01, "2026-03-02", ErrBounds, 0},
		"all held":                      {all, fined(), 0, "2026-03-02", ErrHeld, 0},
		"tariff gone":                   {fine(10000_00, "2026-03-01"), service(catalog.Tariff{ValidFrom: "2027-01-01", Kind: catalog.Stated}), 0, "2026-03-02", nil, 10000_00},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.debt.Owe(c.service, c.part, c.on)
			if !errors.Is(err, c.want) || (err == nil && got.Tiyn != c.tiyn) {
				t.Errorf("got %+v %v, want %d %v", got, err, c.tiyn, c.want)
			}
		})
	}
}

// A feed that is repeated does not open a window anew, and a debt of which a part is paid keeps its amount.
func TestDecideKeepsWhatWindowsAndPartsRestOn(t *testing.T) {
	stored := fine(10000_00, "2026-03-01")
	stored.Reference, stored.Version, stored.Service = "r", 2, "svc_1"
	again := stored
	again.AroseOn, again.LoadedAt = "", time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	if next, outcome, err := Decide(again, &stored); err != nil || outcome != Unchanged || next.AroseOn != "2026-03-01" {
		t.Errorf("%s %v, arose on %s", outcome, err, next.AroseOn)
	}
	again.Purpose = "other words"
	if next, outcome, err := Decide(again, &stored); err != nil || outcome != Amended || next.AroseOn != "2026-03-01" {
		t.Errorf("%s %v, arose on %s", outcome, err, next.AroseOn)
	}
	stored.Paid = 1000_00
	var r *RefusalError
	dearer := again
	dearer.Amount = money.FromTiyn(20000_00)
	if _, _, err := Decide(dearer, &stored); !errors.As(err, &r) || r.Code != CodePartlyPaid {
		t.Errorf("another amount: %v", err)
	}
	if next, outcome, err := Decide(again, &stored); err != nil || outcome != Amended || next.Paid != 1000_00 {
		t.Errorf("other words: %s %v", outcome, err)
	}
	if _, outcome, err := DecideRecall(&stored, "reference", "waived"); err != nil || outcome != Withdrawn {
		t.Errorf("recall of what is left: %s %v", outcome, err)
	}
	stored.Held = 1
	if _, _, err := Decide(again, &stored); !errors.As(err, &r) || r.Code != CodeBeingPaid {
		t.Errorf("while a part is paid: %v", err)
	}
	if _, _, err := DecideRecall(&stored, "reference", "waived"); !errors.As(err, &r) || r.Code != CodeBeingPaid {
		t.Errorf("recall while a part is paid: %v", err)
	}
}
