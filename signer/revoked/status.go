package revoked

import (
	"fmt"
	"slices"
	"time"
)

// Status is what is known about one point.
type Status struct {
	Name     string
	URLs     []string
	Delta    bool
	Learnt   bool
	Optional bool
	List     *List // nil until one was taken
	// OutOfDate: the list is past its nextUpdate.
	OutOfDate bool
	CheckedAt time.Time // when an answer last brought or confirmed the list; zero: never
	DueAt     time.Time // when the next request is due
	Failures  int       // since the last success
	Failure   string    // result of the last attempt, as in metrics; empty when it succeeded
}

// Status lists all points, configured ones first, in their order.
func (s *Store) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Status, 0, len(s.points))
	for _, p := range s.points {
		out = append(out, Status{
			Name: p.Name, URLs: slices.Clone(p.URLs), Delta: p.Delta, Learnt: p.learnt, Optional: p.Optional || p.learnt, List: p.list,
			OutOfDate: s.outOfDate(p.list), CheckedAt: p.checked, DueAt: p.due, Failures: p.failures, Failure: p.failure,
		})
	}
	return out
}

// Ready returns nil when each configured list that is not optional is at hand, in or out of date; else ErrNotReady with the names of
// those that are missing.
func (s *Store) Ready() error {
	var missing []string
	for _, p := range s.Status() {
		if !p.Optional && p.List == nil {
			missing = append(missing, p.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %v", ErrNotReady, missing)
	}
	return nil
}
