package kz_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"qaqpa/signer/kz"
)

func TestValidIIN(t *testing.T) {
	for _, c := range []struct {
		number string
		valid  bool
		why    string
	}{
		{"800101300019", false, "wrong control digit"},
		{"123456789011", false, "test number of the national CA: no such month, wrong control digit"},
		{"123456789012", false, "test number of the national CA"},
		{"", false, "empty"},
		{"80010130001", false, "11 digits"},
		{"8001013000130", false, "13 digits"},
		{"80010130001x", false, "a letter"},
		{"٨٠٠١٠١٣٠٠٠١٣", false, "digits that are not ASCII"},
	} {
		if got := kz.ValidIIN(c.number); got != c.valid {
			t.Errorf("ValidIIN(%q) = %v: %s", c.number, got, c.why)
		}
	}
}

// TestNumbersDatesAndDigits makes numbers with a right control digit around each rule, computed here by the definition.
func TestNumbersDatesAndDigits(t *testing.T) {
	for _, c := range []struct {
		eleven   string
		iin, bin bool
	}{
		{"80010130001", true, false}, // 1 January 1980; as BIN: kind of subject 0
		{"80023030001", false, false},
		{"84022930001", true, false},  // leap day of 1984
		{"83022930001", false, false}, // 1983 had none
		{"00022930001", false, false}, // 1900 had none
		{"00022950001", true, false},  // 2000 had
		{"80130130001", false, false}, // month 13
		{"80010170001", false, false}, // century 7
		{"80010030001", false, false}, // day 0
		{"16114001674", false, true},  // as IIN: 40 November
		{"16134001674", false, false},
		{"16117001674", false, false}, // kind of subject 7
	} {
		control := controlDigit(c.eleven)
		if control < 0 {
			t.Fatalf("%s has no control digit: choose another", c.eleven)
		}
		number := c.eleven + string(rune('0'+control))
		if kz.ValidIIN(number) != c.iin || kz.ValidBIN(number) != c.bin {
			t.Errorf("%s: IIN %v, BIN %v; want %v, %v", number, kz.ValidIIN(number), kz.ValidBIN(number), c.iin, c.bin)
		}
		for wrong := range 10 {
			if wrong == control {
				continue
			}
			if n := c.eleven + string(rune('0'+wrong)); kz.ValidNumber(n) {
				t.Errorf("%s: control digit %d is taken, %d is right", n, wrong, control)
			}
		}
	}
}

// controlDigit follows the rule by its words, apart from the product's loop.
func controlDigit(eleven string) int {
	weights := [][]int{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2}}
	for _, w := range weights {
		sum := 0
		for i, d := range eleven {
			sum += w[i] * int(d-'0')
		}
		if sum%11 != 10 {
			return sum % 11
		}
	}
	return -1
}

// TestRegisteredBINs holds the rule against the numbers in the register of the root authority: one of them is a slip there.
func TestRegisteredBINs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(corpora(t), "kz", "oids-nuc.json"))
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]bool{}
	for _, m := range regexp.MustCompile(`BIN\s*\(?(\d{12})\b`).FindAllStringSubmatch(string(text), -1) {
		numbers[m[1]] = true
	}
	var bad []string
	for n := range numbers {
		if !kz.ValidBIN(n) {
			bad = append(bad, n)
		}
	}
	if len(numbers) < 100 || len(bad) != 1 || bad[0] != "191140008797" {
		t.Errorf("of %d registered numbers these do not hold: %v", len(numbers), bad)
	}
}

// corpora is the folder of real data; without it a test that needs it is skipped.
func corpora(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("the corpora are not at %s; set QAQPA_CORPORA to run this test", dir)
	}
	return dir
}
