package otp

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCode(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		code, err := NewCode(rand.Reader)
		if err != nil || len(code) != digits || strings.Trim(code, "0123456789") != "" {
			t.Fatalf("code %q, %v", code, err)
		}
		seen[code] = true
	}
	if len(seen) < 95 {
		t.Errorf("%d different codes of 100", len(seen))
	}
	if code, err := NewCode(bytes.NewReader(make([]byte, 8))); err != nil || code != "000000" {
		t.Errorf("zeros give %q, %v", code, err)
	}
	if _, err := NewCode(iotest.ErrReader(errors.New("no entropy"))); err == nil {
		t.Error("a code without entropy")
	}
}

func TestMatches(t *testing.T) {
	salt := []byte("0123456789abcdef")
	digest, err := Digest(salt, "ord_1", "012345")
	if err != nil || bytes.Contains(digest, []byte("012345")) {
		t.Fatal(err)
	}
	for _, c := range []struct {
		subject, code string
		want          bool
	}{
		{"ord_1", "012345", true},
		{"ord_1", " 012 345 ", true},
		{"ord_1", "012346", false},
		{"ord_2", "012345", false},
		{"ord_1", "12345", false},
		{"ord_1", "0012345", false},
		{"ord_1", "", false},
		{"ord_1", strings.Repeat("0", 1<<20), false},
	} {
		if got, err := Matches(digest, salt, c.subject, c.code); err != nil || got != c.want {
			t.Errorf("%q of %s: %v, %v", c.code[:min(len(c.code), 10)], c.subject, got, err)
		}
	}
	if got, _ := Matches(digest, []byte("another salt 456"), "ord_1", "012345"); got {
		t.Error("another salt matches")
	}
}

func TestPhone(t *testing.T) {
	for text, want := range map[string]string{
		"+7 701 123-45-67": "+77011234567", "8 (701) 1234567": "+77011234567", "77011234567": "+77011234567",
		"+74951234567": "", "+7701123456": "", "+770112345678": "", "7011234567": "", "": "", "+7701123456a": "", "7+7011234567": "",
		"٧7011234567": "", strings.Repeat(" ", 40): "",
	} {
		if got, err := ParsePhone(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if got := Mask("+77011234567"); got != "+7••••••••67" {
		t.Errorf("masked %s", got)
	}
}

func TestPolicy(t *testing.T) {
	p := Policy{AmountMax: 100, DayMax: 150}
	for _, c := range []struct {
		tiyn, spent int64
		want        bool
	}{
		{100, 0, true},
		{101, 0, false},
		{100, 50, true},
		{100, 51, false},
		{0, 0, false},
		{-1, 0, false},
		{1, 150, false},
		{1, math.MaxInt64, false},
		{math.MaxInt64, 0, false},
		{1, -1, false},
	} {
		if got := p.Allows(c.tiyn, c.spent); got != c.want {
			t.Errorf("%d after %d: %v", c.tiyn, c.spent, got)
		}
	}
	if (Policy{}).Allows(1, 0) {
		t.Error("no policy allows a payment")
	}
}

func FuzzParsePhone(f *testing.F) {
	f.Add("+7 701 123-45-67")
	f.Fuzz(func(t *testing.T, text string) {
		phone, err := ParsePhone(text)
		if err != nil {
			return
		}
		if again, err := ParsePhone(phone); err != nil || again != phone || len(phone) != 12 {
			t.Fatalf("%q gives %q, then %q (%v)", text, phone, again, err)
		}
	})
}

// A message for a payment over several beneficiaries says that there are others, in each language.
func TestTextNamesAllThereAre(t *testing.T) {
	for lang, want := range map[string]string{"kk": "Соттың шоты және тағы 2 алушы.", "ru": "Соттың шоты и ещё 2.", "en": "Соттың шоты and 2 more."} {
		if got := Text(lang, "123456", "10.00", "Соттың шоты", 2); !strings.Contains(got, want) || !strings.Contains(got, "123456") {
			t.Errorf("%s: %q", lang, got)
		}
		if got := Text(lang, "123456", "10.00", "Соттың шоты", 0); strings.Contains(got, want) || !strings.Contains(got, "Соттың шоты.") {
			t.Errorf("%s, one: %q", lang, got)
		}
	}
}
