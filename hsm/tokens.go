package hsm

import (
	"cmp"
	"errors"
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
	// Problem is why, when that is known, in English; Trouble is the kind of it, for texts in other languages. Empty while all can be used.
	Problem string
	Trouble Trouble
}

// Trouble is what keeps a token from being used, as far as people act on it differently. The values are stable.
type Trouble string

// The kinds of trouble.
const (
	TroubleStarting    Trouble = "starting"    // its worker process is being connected
	TroubleWorker      Trouble = "worker"      // its worker process ended and is started anew
	TroubleModule      Trouble = "module"      // the library cannot be loaded or initialised
	TroubleAbsent      Trouble = "absent"      // no token has the name
	TroubleAmbiguous   Trouble = "ambiguous"   // several have it
	TroublePIN         Trouble = "pin"         // the PIN was refused
	TroublePINLocked   Trouble = "pin_locked"  // the PIN is locked, or was not tried because it would be
	TroubleKey         Trouble = "key"         // a key is missing, is another one or has wrong attributes
	TroubleWrong       Trouble = "wrong"       // it made a wrong signature
	TroubleBusy        Trouble = "busy"        // it has no session left
	TroubleFull        Trouble = "full"        // it has no memory left
	TroubleUnavailable Trouble = "unavailable" // it does not answer, or fails in another way
)

// Troubles lists them all.
func Troubles() []Trouble {
	return []Trouble{
		TroubleStarting, TroubleWorker, TroubleModule, TroubleAbsent, TroubleAmbiguous, TroublePIN, TroublePINLocked, TroubleKey,
		TroubleWrong, TroubleBusy, TroubleFull, TroubleUnavailable,
	}
}

// troubleOf sorts why a token cannot be used; nil says that it is being connected.
func troubleOf(why error) Trouble {
	switch {
	case why == nil:
		return TroubleStarting
	case keyFault(why):
		return TroubleKey
	}
	for _, kind := range []struct {
		is      error
		trouble Trouble
	}{
		{ErrPINLocked, TroublePINLocked},
		{ErrWrongPIN, TroublePIN},
		{ErrTokenNotFound, TroubleAbsent},
		{ErrTokenAmbiguous, TroubleAmbiguous},
		{ErrWrongSignature, TroubleWrong},
		{ErrModule, TroubleModule},
		{ErrTokenFull, TroubleFull},
		{ErrBusy, TroubleBusy},
		{errWorkerLost, TroubleWorker},
	} {
		if errors.Is(why, kind.is) {
			return kind.trouble
		}
	}
	return TroubleUnavailable
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
		if why != nil || t.Trouble == "" {
			t.Trouble = troubleOf(why)
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
