package recon

import (
	"math"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Choose agrees with trying every subset.
func TestChoose(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Int64Range(1, 12), 1, 12).Draw(r, "amounts")
		members, sum := rapid.IntRange(1, MembersMax).Draw(r, "members"), rapid.Int64Range(1, 60).Draw(r, "sum")
		var want [][]int
		for set := uint(0); set < 1<<len(amounts); set++ {
			var places []int
			total := int64(0)
			for i, a := range amounts {
				if set>>i&1 == 1 {
					places, total = append(places, i), total+a
				}
			}
			if bits.OnesCount(set) == members && total == sum {
				want = append(want, places)
			}
		}
		choice, several := Choose(amounts, members, sum)
		if several != (len(want) > 1) || (len(want) == 1) != (choice != nil) || (choice != nil && !slices.Equal(choice, want[0])) {
			r.Fatalf("%v, %d of %v for %d: chose %v, several %v", want, members, amounts, sum, choice, several)
		}
	})
}

// The worst group ends within its bound, and amounts at the end of int64 do no harm.
func TestChooseIsBounded(t *testing.T) {
	var worst []int64
	for i := range ChooseFromMax {
		worst = append(worst, 1_000_000+int64(i)*2)
	}
	c := chooser{members: MembersMax}
	for i, a := range worst {
		c.parts = append(c.parts, part{a, i})
	}
	slices.Reverse(c.parts)
	c.search(0, 6_000_001+6*ChooseFromMax) // odd, so nothing fits
	if c.found != 0 || c.steps > ChooseStepsMax {
		t.Errorf("found %d in %d steps", c.found, c.steps)
	}
	if choice, several := Choose([]int64{math.MaxInt64, 1, 2, math.MaxInt64}, 2, 3); several || !slices.Equal(choice, []int{1, 2}) {
		t.Errorf("chose %v %v", choice, several)
	}
	if choice, _ := Choose([]int64{math.MaxInt64, math.MaxInt64}, 2, math.MaxInt64); choice != nil {
		t.Errorf("chose %v", choice)
	}
	if choice, several := Choose(make([]int64, ChooseFromMax+1), 2, 0); choice != nil || several {
		t.Error("a group that is too large was searched")
	}
}
