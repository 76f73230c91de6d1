package watch

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Percentiles from buckets are those of the sorted times, within the width of a bucket.
func TestQuantilesAreThoseOfTheTimes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		micros := rapid.SliceOfN(rapid.Int64Range(1, 60_000_000), 1, 300).Draw(rt, "micros")
		q := rapid.SampledFrom([]float64{.5, .95, .99, 1}).Draw(rt, "q")
		r := NewRecorder("a")
		for _, m := range micros {
			r.Observe("a", time.Duration(m)*time.Microsecond)
		}
		var c Counts
		c.Add(r.Take()["a"])
		slices.Sort(micros)
		want := time.Duration(micros[max(int(math.Ceil(q*float64(len(micros)))), 1)-1]) * time.Microsecond
		got := c.Quantile(q)
		if off := float64(got) / float64(max(want, firstBound)); c.Total() != int64(len(micros)) || off < .9 || off > 1.1 {
			rt.Fatalf("of %d times, %v is %v, and the scale says %v", len(micros), q, want, got)
		}
	})
}

func TestScale(t *testing.T) {
	bounds := Bounds()
	if len(bounds) != Buckets-1 || !slices.IsSorted(bounds) || bounds[0] != firstBound || bounds[len(bounds)-1] < time.Minute {
		t.Errorf("odd scale %v", bounds)
	}
	for i, b := range bounds {
		if bucketOf(b) != i || bucketOf(b+time.Microsecond) != i+1 {
			t.Errorf("%v is in bucket %d, not %d", b, bucketOf(b), i)
		}
	}
	for _, odd := range []time.Duration{-time.Hour, 0, math.MaxInt64} {
		if b := bucketOf(odd); b < 0 || b >= Buckets {
			t.Errorf("%v is in bucket %d", odd, b)
		}
	}
	var none Counts
	if none.Quantile(.5) != 0 {
		t.Error("nothing took some time")
	}
	none.Add(make([]int64, 3*Buckets)) // of a version with another scale
	r := NewRecorder("a")
	r.Observe("unknown", time.Second)
	r.Observe("a", time.Second)
	taken := r.Take()
	if len(taken) != 1 || len(r.Take()) != 0 {
		t.Error("times are taken once, and of known classes")
	}
	r.GiveBack(taken)
	if len(r.Take()) != 1 {
		t.Error("what was given back is gone")
	}
}
