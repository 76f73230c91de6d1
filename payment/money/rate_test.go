package money

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// The products are those of published duties of 2026 (МРП 4325): driving licence, apostille, identity card.
func TestTimesNamedRoundings(t *testing.T) {
	mrp := FromTiyn(432500)
	for _, c := range []struct {
		rate     Rate
		rounding Rounding
		want     string
	}{
		{12500, HalfUpTenge, "5406.00"},
		{12500, DownTenge, "5406.00"},
		{12500, UpTenge, "5407.00"},
		{12500, HalfUpTiyn, "5406.25"},
		{5000, HalfUpTenge, "2163.00"},
		{5000, DownTenge, "2162.00"},
		{2000, HalfUpTenge, "865.00"},
		{2000, UpTenge, "865.00"},
		{80000, HalfUpTenge, "34600.00"},
		{0, UpTenge, "0.00"},
		{1, HalfUpTiyn, "0.43"},
	} {
		got, err := Times(mrp, c.rate, c.rounding)
		if err != nil || got.Decimal() != c.want {
			t.Errorf("4325 × %s, %s: got %s (%v), want %s", c.rate.Decimal(), c.rounding, got.Decimal(), err, c.want)
		}
	}
}

func TestTimesRefuses(t *testing.T) {
	if _, err := Times(FromTiyn(-1), 1, HalfUpTenge); !errors.Is(err, ErrSyntax) {
		t.Errorf("negative base: %v", err)
	}
	if _, err := Times(FromTiyn(1), -1, HalfUpTenge); !errors.Is(err, ErrSyntax) {
		t.Errorf("negative rate: %v", err)
	}
	if _, err := Times(FromTiyn(1), 1, "nearest"); !errors.Is(err, ErrSyntax) {
		t.Errorf("unknown rounding: %v", err)
	}
	if _, err := Times(FromTiyn(math.MaxInt64), 20000, HalfUpTenge); !errors.Is(err, ErrOverflow) {
		t.Errorf("overflow: %v", err)
	}
}

// Every rounding stays within one unit of the exact product, on its own side.
func TestTimesBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := FromTiyn(rapid.Int64Range(0, 1<<40).Draw(t, "base"))
		rate := Rate(rapid.Int64Range(0, 1<<20).Draw(t, "rate"))
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(base.Tiyn), big.NewInt(int64(rate))), big.NewInt(RateScale))
		for _, c := range []struct {
			rounding  Rounding
			low, high *big.Rat // of (rounded − exact), in tiyn
		}{
			{DownTenge, big.NewRat(-100, 1), big.NewRat(0, 1)},
			{UpTenge, big.NewRat(0, 1), big.NewRat(100, 1)},
			{HalfUpTenge, big.NewRat(-50, 1), big.NewRat(50, 1)},
			{HalfUpTiyn, big.NewRat(-1, 2), big.NewRat(1, 2)},
		} {
			got, err := Times(base, rate, c.rounding)
			if err != nil {
				t.Fatal(err)
			}
			difference := new(big.Rat).Sub(new(big.Rat).SetInt64(got.Tiyn), exact)
			if difference.Cmp(c.low) < 0 || difference.Cmp(c.high) > 0 {
				t.Fatalf("%s of %s tiyn gave %d", c.rounding, exact.FloatString(4), got.Tiyn)
			}
		}
	})
}

func TestRateDecimal(t *testing.T) {
	for rate, want := range map[Rate]string{12500: "1.25", 80000: "8", 5000: "0.5", 1: "0.0001", 0: "0"} {
		if got := rate.Decimal(); got != want {
			t.Errorf("%d: got %s, want %s", rate, got, want)
		}
	}
}
