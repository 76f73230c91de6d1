package sealed

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func payers(tb testing.TB, secret byte) *Payers {
	tb.Helper()
	p, err := New(bytes.Repeat([]byte{secret}, SecretBytes))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// A form opens to its number, is the same each time, and differs from that of every other number and secret.
func TestForm(t *testing.T) {
	a, b := payers(t, 1), payers(t, 2)
	rapid.Check(t, func(t *rapid.T) {
		one, two := rapid.StringMatching(`[0-9]{12}`).Draw(t, "one"), rapid.StringMatching(`[0-9]{12}`).Draw(t, "two")
		form := a.Form(one)
		got, err := a.Number(form)
		switch {
		case err != nil || got != one:
			t.Fatalf("%s is read as %s: %v", one, got, err)
		case form != a.Form(one), (form == a.Form(two)) != (one == two), form == b.Form(one):
			t.Fatalf("%s and %s: %s", one, two, form)
		case strings.Contains(form, one) || !IsForm(form) || IsForm(one):
			t.Fatalf("%s shows %s", form, one)
		}
		if _, err := b.Number(form); !errors.Is(err, ErrForm) {
			t.Fatalf("another secret opens it: %v", err)
		}
	})
}

func TestFormRefuses(t *testing.T) {
	p := payers(t, 1)
	form := p.Form("900101300017")
	for name, bad := range map[string]string{
		"number": "900101300017", "empty": "", "prefix alone": p.Prefix(), "kind alone": "p1.", "cut": form[:len(form)-2], "longer": form + "AA",
		"other letters": p.Prefix() + "!" + form[len(p.Prefix())+1:], "changed": form[:len(form)-1] + string(rune(form[len(form)-1]^1)), "huge": p.Prefix() + strings.Repeat("A", 1<<16),
	} {
		if got, err := p.Number(bad); !errors.Is(err, ErrForm) {
			t.Errorf("%s is read as %q: %v", name, got, err)
		}
	}
	if _, err := New(make([]byte, 31)); !errors.Is(err, ErrSecret) {
		t.Errorf("a short secret: %v", err)
	}
}

func FuzzNumber(f *testing.F) {
	p := payers(f, 1)
	f.Add(p.Form("900101300017"))
	f.Add("p1.AAAA")
	f.Fuzz(func(t *testing.T, form string) {
		if number, err := p.Number(form); err == nil && p.Form(number) != form {
			t.Fatalf("%q is read as %q, whose form is another", form, number)
		}
	})
}

func BenchmarkForm(b *testing.B) {
	p := payers(b, 1)
	for b.Loop() {
		if _, err := p.Number(p.Form("900101300017")); err != nil {
			b.Fatal(err)
		}
	}
}
