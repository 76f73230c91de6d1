package password

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func TestOnlyThePasswordOpens(t *testing.T) {
	kept, err := Keep(rand.Reader, "құпия сөйлем 7", []byte("seed"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(kept, "seed") || strings.Contains(kept, "құпия") {
		t.Errorf("%q tells the secret", kept)
	}
	if got, ok := Open(kept, "құпия сөйлем 7"); !ok || string(got) != "seed" {
		t.Errorf("got %q %v", got, ok)
	}
	again, err := Keep(rand.Reader, "құпия сөйлем 7", []byte("seed"))
	if err != nil || again == kept {
		t.Errorf("two keepings are alike: %v", err)
	}
	for name, row := range map[string][2]string{
		"another password": {kept, "құпия сөйлем 8"},
		"none":             {kept, ""},
		"huge":             {kept, strings.Repeat("x", 1<<20)},
		"nothing kept":     {"", "құпия сөйлем 7"},
		"other scheme":     {strings.Replace(kept, "argon2id$19456", "argon2id$8", 1), "құпия сөйлем 7"},
		"cut":              {kept[:len(kept)-2], "құпия сөйлем 7"},
		"two fields":       {kept[:strings.LastIndex(kept, "$")], "құпия сөйлем 7"},
		"flipped":          {kept[:len(kept)-4] + "AAAA", "құпия сөйлем 7"},
		"no base64":        {kept[:len(kept)-1] + "*", "құпия сөйлем 7"},
	} {
		if got, ok := Open(row[0], row[1]); ok {
			t.Errorf("%s: opened to %q", name, got)
		}
	}
}

// Composed and decomposed letters are one password: й is typed in two ways.
func TestKeyboardsDiffer(t *testing.T) {
	kept, err := Keep(rand.Reader, "сөйлем-сөйлем", []byte("s"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := Open(kept, strings.ReplaceAll("сөйлем-сөйлем", "й", "и\u0306")); !ok {
		t.Error("the decomposed form is refused")
	}
}

func TestCheck(t *testing.T) {
	for p, want := range map[string]error{
		"correct horse battery": nil, "он екі таңбадан ұзын": nil, "short-one-1": ErrLength, strings.Repeat("abcdef", 30): ErrLength, "\xff123456789012": ErrLength,
		"aaaaaaaaaaaaaaaa": ErrPlain, "abababababab": ErrPlain, "Aigul-2026-password": ErrPlain,
	} {
		if err := Check(p, "aigul"); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", p, err, want)
		}
	}
	Waste("anything")
}

// The same password composed and decomposed is one, also where only the first fits the bound in octets.
func TestLongDecomposedPassword(t *testing.T) {
	composed := strings.Repeat("각난닫랄맘밥삿앙잦찿", 9)
	kept, err := Keep(rand.Reader, norm.NFD.String(composed), []byte("seed"))
	if err != nil || Check(norm.NFD.String(composed), "aigul") != nil {
		t.Fatal(err)
	}
	if _, ok := Open(kept, composed); !ok {
		t.Error("the composed form does not open what the decomposed one closed")
	}
	if _, ok := Open(kept, composed[:len(composed)-3]+"가"); ok {
		t.Error("the last letter does not count")
	}
	if Check("ａｉｇｕｌ-2026-xyz", "aigul") == nil {
		t.Error("a name in wide letters is taken")
	}
}
