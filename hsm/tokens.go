package hsm

import (
	"cmp"
	"slices"
	"time"
)

// TokenState is what the fleet knows of one token.
type TokenState struct {
	// Label names it.
	Label string
	// Processes that serve it, and how many of them can be used now.
	Processes, Usable int
	// Since is when the first of the others stopped being usable; zero while all can be used.
	Since time.Time
	// Problem is why, when that is known.
	Problem string
}

// keptFor is how long after calls were kept from a token it still counts as kept out: fences are short, and come one after the other while
// the trouble lasts.
const keptFor = 15 * time.Second

// Tokens tells the state of each token, by label. It asks nobody and does not wait.
func (f *Fleet) Tokens() []TokenState {
	at := now()
	f.mu.Lock()
	defer f.mu.Unlock()
	index := map[string]int{}
	var out []TokenState
	for _, m := range f.members {
		i, known := index[m.cfg.Label]
		if !known {
			i = len(out)
			index[m.cfg.Label] = i
			out = append(out, TokenState{Label: m.cfg.Label})
		}
		t := &out[i]
		t.Processes++
		since, why := m.since, m.err
		switch {
		case m.state == up && at.Sub(m.kept) > keptFor:
			t.Usable++
			continue
		case m.state == up: // connected, and its calls fail
			since, why = m.keptSince, m.keptErr
		}
		if t.Since.IsZero() || since.Before(t.Since) {
			t.Since = since
		}
		if why != nil {
			t.Problem = why.Error()
		}
	}
	slices.SortFunc(out, func(a, b TokenState) int { return cmp.Compare(a.Label, b.Label) })
	return out
}

// keepOut notes that a call was kept from the token because calls before it failed. The caller holds fleet.mu.
func (m *member) keepOut(at time.Time, err error) {
	if at.Sub(m.kept) > keptFor {
		m.keptSince = at
	}
	m.kept, m.keptErr = at, err
}
