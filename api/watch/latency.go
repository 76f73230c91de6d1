package watch

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// The scale of times: from a half millisecond on, four buckets for each doubling, up to about a minute.
const (
	firstBound  = 500 * time.Microsecond
	perDoubling = 4
	// Buckets is how many there are; the last one has no upper bound.
	Buckets = 17*perDoubling + 2
)

// Bounds are the upper bounds of all buckets but the last.
func Bounds() []time.Duration {
	out := make([]time.Duration, Buckets-1)
	for i := range out {
		out[i] = time.Duration(float64(firstBound) * math.Exp2(float64(i)/perDoubling))
	}
	return out
}

// bucketOf is the place of a time on the scale.
func bucketOf(d time.Duration) int {
	if d <= firstBound {
		return 0
	}
	return min(int(math.Ceil(math.Log2(float64(d)/float64(firstBound))*perDoubling-1e-9)), Buckets-1)
}

// Counts are how many requests fell into each bucket.
type Counts [Buckets]int64

// Add adds further counts; what is longer than the scale is left out, so that counts of another version do no harm.
func (c *Counts) Add(more []int64) {
	for i := range min(len(more), Buckets) {
		c[i] += more[i]
	}
}

// Total is the number of requests.
func (c *Counts) Total() (n int64) {
	for _, k := range c {
		n += k
	}
	return n
}

// Quantile is the time within which a share q of the requests was answered: read from the scale, in the middle (by logarithm) of the
// bucket in which it lies. It is 0 without requests, and the last bound for what lies beyond the scale.
func (c *Counts) Quantile(q float64) time.Duration {
	total := c.Total()
	if total <= 0 {
		return 0
	}
	want := max(int64(math.Ceil(q*float64(total))), 1)
	bounds := Bounds()
	for i, n := range c {
		if want -= n; want > 0 {
			continue
		}
		switch i {
		case 0:
			return bounds[0]
		case Buckets - 1:
			return bounds[Buckets-2]
		}
		return time.Duration(math.Sqrt(float64(bounds[i-1]) * float64(bounds[i])))
	}
	return bounds[Buckets-2]
}

// Recorder counts times of the classes that it was made for. Safe for concurrent use.
type Recorder struct {
	classes map[string]*[Buckets]atomic.Int64
}

// NewRecorder makes one.
func NewRecorder(classes ...string) *Recorder {
	r := &Recorder{classes: make(map[string]*[Buckets]atomic.Int64, len(classes))}
	for _, c := range classes {
		r.classes[c] = new([Buckets]atomic.Int64)
	}
	return r
}

// Observe counts one request. A class that is not known is nobody's, and is not counted.
func (r *Recorder) Observe(class string, took time.Duration) {
	if counts, ok := r.classes[class]; ok {
		counts[bucketOf(took)].Add(1)
	}
}

// Take returns what was counted since it was last called; classes without requests are left out.
func (r *Recorder) Take() map[string][]int64 {
	out := make(map[string][]int64)
	for name, counts := range r.classes {
		taken := make([]int64, Buckets)
		for i := range counts {
			taken[i] = counts[i].Swap(0)
		}
		if slices.ContainsFunc(taken, func(n int64) bool { return n != 0 }) {
			out[name] = taken
		}
	}
	return out
}

// GiveBack counts again what was taken and could not be stored.
func (r *Recorder) GiveBack(taken map[string][]int64) {
	for name, counts := range taken {
		if into, ok := r.classes[name]; ok {
			for i := range min(len(counts), Buckets) {
				into[i].Add(counts[i])
			}
		}
	}
}
