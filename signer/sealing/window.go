package sealing

import (
	"slices"
	"time"
)

// windowSeconds is how far back a Window counts: any 60 seconds lie within 61 of the clock's.
const windowSeconds = 61

// Window counts what happened in the last minute, second by second. The zero Window is empty. Its JSON is how it is kept.
type Window struct {
	// Second is that of the newest count, since 1970; Counts go back from it.
	Second int64 `json:"second"`
	Counts []int `json:"counts"`
}

// Take counts n more at a time, where not more than limit are then in any 60 seconds. ok is false when they would be; then nothing is
// counted, and wait is when there may be room, zero for n beyond the limit itself. A clock that is behind the newest count, such as that
// of another instance, counts there.
func (w Window) Take(at time.Time, n, limit int) (next Window, wait time.Duration, ok bool) {
	if n < 0 || n > limit {
		return w, 0, false
	}
	next = w.moved(max(at.Unix(), w.Second))
	sum := n
	for _, c := range next.Counts {
		sum += c
	}
	if sum <= limit {
		next.Counts[0] += n
		return next, 0, true
	}
	for i, n := range slices.Backward(next.Counts) { // the oldest leave first
		if sum -= n; sum <= limit {
			free := time.Unix(next.Second+int64(windowSeconds-i), 0)
			return w, max(free.Sub(at), time.Second), false
		}
	}
	return w, windowSeconds * time.Second, false
}

// moved is the window with another newest second, not before the present one.
func (w Window) moved(second int64) Window {
	counts := make([]int, windowSeconds)
	if shift := second - w.Second; shift < windowSeconds {
		copy(counts[shift:], w.Counts)
	}
	return Window{Second: second, Counts: counts}
}
