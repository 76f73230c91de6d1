package money

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestDecimal(t *testing.T) {
	for tiyn, want := range map[int64]string{
		0: "0.00", 1: "0.01", 99: "0.99", 100: "1.00", 540600: "5406.00", -5: "-0.05", -12345: "-123.45",
		math.MaxInt64: "92233720368547758.07", math.MinInt64: "-92233720368547758.08",
	} {
		if got := FromTiyn(tiyn).Decimal(); got != want {
			t.Errorf("%d: got %s, want %s", tiyn, got, want)
		}
	}
}

func TestParseDecimalRefuses(t *testing.T) {
	for _, text := range []string{
		"", "-", ".", "1.", ".5", "1.005", "01", "00", "+1", " 1", "1 ", "1,00", "1 000", "1e3", "١", "0x1", "--1",
		"1.2.3", "1.-2", "NaN", "Inf", "123456789012345678901",
	} {
		if _, err := ParseDecimal(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: got %v, want ErrSyntax", text, err)
		}
	}
	for _, text := range []string{"92233720368547758.08", "-92233720368547758.09", "99999999999999999999"} {
		if _, err := ParseDecimal(text); !errors.Is(err, ErrOverflow) {
			t.Errorf("%q: got %v, want ErrOverflow", text, err)
		}
	}
}

func TestParseDecimalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := FromTiyn(rapid.Int64().Draw(t, "tiyn"))
		got, err := ParseDecimal(a.Decimal())
		if err != nil || got != a {
			t.Fatalf("%s read back as %+v (%v)", a.Decimal(), got, err)
		}
	})
}

func FuzzParseDecimal(f *testing.F) {
	for _, seed := range []string{"0", "5406.25", "-1.5", "92233720368547758.07", "1.", "00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseDecimal(text)
		if err != nil {
			return
		}
		b, err := ParseDecimal(a.Decimal())
		if err != nil || a != b {
			t.Fatalf("%q gave %s, which reads back as %s (%v)", text, a.Decimal(), b.Decimal(), err)
		}
	})
}

func TestPlus(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Int64().Draw(t, "x"), rapid.Int64().Draw(t, "y")
		got, err := FromTiyn(x).Plus(FromTiyn(y))
		want := new(big.Int).Add(big.NewInt(x), big.NewInt(y))
		switch {
		case !want.IsInt64():
			if !errors.Is(err, ErrOverflow) {
				t.Fatalf("%d + %d = %d (%v), want ErrOverflow", x, y, got.Tiyn, err)
			}
		case err != nil || got.Tiyn != want.Int64():
			t.Fatalf("%d + %d = %d (%v)", x, y, got.Tiyn, err)
		}
	})
	if _, err := FromTiyn(1).Plus(Amount{Tiyn: 1, Currency: "USD"}); !errors.Is(err, ErrCurrency) {
		t.Errorf("currencies mixed: %v", err)
	}
}

func TestFromTenge(t *testing.T) {
	if a, err := FromTenge(4325); err != nil || a.Tiyn != 432500 {
		t.Errorf("got %d, %v", a.Tiyn, err)
	}
	for _, tenge := range []int64{math.MaxInt64, math.MinInt64, math.MaxInt64/100 + 1} {
		if _, err := FromTenge(tenge); !errors.Is(err, ErrOverflow) {
			t.Errorf("%d went through: %v", tenge, err)
		}
	}
}

func TestPositive(t *testing.T) {
	for _, a := range []Amount{FromTiyn(0), FromTiyn(-1), {Tiyn: 1, Currency: "USD"}, {Tiyn: 1}} {
		if a.Positive() {
			t.Errorf("%+v counts as payable", a)
		}
	}
	if !FromTiyn(1).Positive() {
		t.Error("one tiyn is payable")
	}
}
