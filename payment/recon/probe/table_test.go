package probe_test

import (
	"fmt"
	"hash/maphash"
	"testing"

	"pgregory.net/rapid"

	"qaqpa/payment/recon/probe"
)

type expected struct {
	no, tiyn   int64
	key, agree string
}

func (x expected) fits(tiyn int64, key, agree string) bool {
	return key != "" && x.key == key && x.tiyn == tiyn && (x.agree == agree || x.agree == "" || agree == "")
}

// Whatever is in the table and whatever is asked, the answer is that of the rule read out word by word.
func TestTake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := probe.New(probe.Config{First: maphash.MakeSeed(), Second: maphash.MakeSeed()})
		keys := rapid.SampledFrom([]string{"", "A", "B", "A\x00", "pay_1", "pay_2"})
		amounts := rapid.SampledFrom([]int64{1, 2, -1})
		values := rapid.SampledFrom([]string{"", "108125", "108126"})
		var all []expected
		for i := range rapid.IntRange(0, 12).Draw(t, "expected") {
			x := expected{int64(i) - 3, amounts.Draw(t, "amount"), keys.Draw(t, "key"), values.Draw(t, "agree")}
			all = append(all, x)
			table.Add(x.no, x.tiyn, []byte(x.key), []byte(x.agree))
		}
		taken := map[int64]bool{}
		for range rapid.IntRange(0, 30).Draw(t, "lines") {
			tiyn, key, agree := amounts.Draw(t, "amount"), keys.Draw(t, "key"), values.Draw(t, "agree")
			var fit []int64
			for _, x := range all {
				if x.fits(tiyn, key, agree) {
					fit = append(fit, x.no)
				}
			}
			no, found := table.Take(tiyn, []byte(key), []byte(agree))
			want := len(fit) == 1 && !taken[fit[0]]
			if found != want || (found && no != fit[0]) {
				t.Fatalf("%q %d %q: %d %v of %v, taken %v", key, tiyn, agree, no, found, fit, taken)
			}
			if found {
				taken[no] = true
			}
		}
	})
}

// A table finds each of many, once.
func TestMany(t *testing.T) {
	table := probe.New(probe.Config{First: maphash.MakeSeed(), Second: maphash.MakeSeed()})
	const n = 50_000
	for i := range int64(n) {
		table.Add(i, i%7+1, fmt.Append(nil, "pay_", i), nil)
	}
	for round, want := range []bool{true, false} {
		for i := range int64(n) {
			if no, found := table.Take(i%7+1, fmt.Append(nil, "pay_", i), nil); found != want || (found && no != i) {
				t.Fatal(round, i, no, found)
			}
		}
	}
	if table.Len() != n {
		t.Error(table.Len())
	}
}
