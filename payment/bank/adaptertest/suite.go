package adaptertest

import (
	"testing"
	"time"
)

// Conduct is what the bank does with the payments that are brought to it next.
type Conduct string

// Conducts.
const (
	// Executes and tells, when it is asked or at once.
	Executes Conduct = "executes"
	// Refuses, and tells.
	Refuses Conduct = "refuses"
	// DoneNotTold executes, and its answer is lost.
	DoneNotTold Conduct = "done, not told"
	// NotDone does nothing, and no answer comes.
	NotDone Conduct = "not done"
	// Pending takes the payment and ends it later.
	Pending Conduct = "pending"
)

// Lie is how a message differs from the truth.
type Lie string

// Lies.
const (
	Truth         Lie = ""
	WrongAmount   Lie = "another amount"
	WrongCurrency Lie = "another currency"
	ForeignOrder  Lie = "another order"
	OtherBank     Lie = "signed by another bank"
	BadSignature  Lie = "signature broken"
	Contradiction Lie = "refused after it was executed"
	UnknownCode   Lie = "an outcome that does not exist"
)

// Way is one way to a bank, in a world of its own. Its methods fail the test themselves when something breaks.
type Way interface { //nolint:interfacebloat // the vocabulary of a test, not of the product
	// Begin makes one payment, authorised, on its way to the bank, and names it.
	Begin() string
	// Bring lets what waits come to the bank, which behaves so.
	Bring(Conduct)
	// Ask lets the gateway ask about what it does not know, until it has no more to ask.
	Ask()
	// Say lets the bank speak unasked of a payment that it knows. It returns the code with which the gateway refused, empty when it took
	// it.
	Say(payment string, lie Lie) string
	// Replay repeats the bytes of what was said last.
	Replay() string
	// End lets the bank execute what is pending.
	End(payment string)
	// Pass lets time pass.
	Pass(time.Duration)
	// State is the order's, Moved how often the bank has moved its money.
	State(payment string) string
	Moved(payment string) int
	// Check verifies ledger and bank against each other.
	Check()
}

// Run runs the suite; each case gets a world of its own.
func Run(t *testing.T, start func(t *testing.T) Way) {
	t.Helper()
	for name, body := range map[string]func(*testing.T, Way){
		"executed": executed, "refused": refused, "done, not told": notTold, "not done": notDone, "late by days": late,
		"replays": replays, "lies": lies, "contradiction": contradiction, "several": several,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			body(t, w)
			w.Check()
		})
	}
}

// want checks how a payment stands.
func want(t *testing.T, w Way, payment, state string, moved int) {
	t.Helper()
	if got := w.State(payment); got != state {
		t.Errorf("the order is %s, want %s", got, state)
	}
	if got := w.Moved(payment); got != moved {
		t.Errorf("the bank moved the money %d times, want %d", got, moved)
	}
}

func executed(t *testing.T, w Way) {
	t.Helper()
	p := w.Begin()
	w.Bring(Executes)
	w.Ask()
	want(t, w, p, "executed", 1)
}

func refused(t *testing.T, w Way) {
	t.Helper()
	p := w.Begin()
	w.Bring(Refuses)
	w.Ask()
	want(t, w, p, "refused", 0)
}

// A lost answer: the gateway must not guess, and finds out by asking.
func notTold(t *testing.T, w Way) {
	t.Helper()
	p := w.Begin()
	w.Bring(DoneNotTold)
	if state := w.State(p); state != "executing" && state != "unknown" {
		t.Errorf("guessed %s", state)
	}
	w.Ask()
	want(t, w, p, "executed", 1)
}

// Whether it is tried again or given up is the way's own; that it ends, and that money moves as it ended, is not.
func notDone(t *testing.T, w Way) {
	t.Helper()
	p := w.Begin()
	w.Bring(NotDone)
	if state := w.State(p); state != "executing" && state != "unknown" {
		t.Errorf("guessed %s", state)
	}
	want(t, w, p, w.State(p), 0)
	w.Ask()
	if state := w.State(p); state == "refused" {
		want(t, w, p, "refused", 0)
	} else {
		want(t, w, p, "executed", 1)
	}
}

func late(t *testing.T, w Way) {
	t.Helper()
	p := w.Begin()
	w.Bring(Pending)
	for range 5 {
		w.Pass(24 * time.Hour)
		w.Ask()
		want(t, w, p, w.State(p), 0)
		if state := w.State(p); state != "executing" && state != "unknown" {
			t.Fatalf("a payment that the bank has in hand became %s", state)
		}
	}
	w.End(p)
	if code := w.Say(p, Truth); code != "" {
		t.Errorf("the late word was refused: %s", code)
	}
	want(t, w, p, "executed", 1)
}

func replays(t *testing.T, w Way) {
	t.Helper()
	p := w.Begin()
	w.Bring(DoneNotTold)
	for range 2 {
		if code := w.Say(p, Truth); code != "" {
			t.Errorf("refused: %s", code)
		}
		for range 2 {
			if code := w.Replay(); code != "" {
				t.Errorf("a repetition was refused: %s", code)
			}
		}
		w.Pass(3 * 24 * time.Hour)
	}
	w.Ask()
	want(t, w, p, "executed", 1)
}

// No lie is taken, and none keeps the truth from being taken afterwards.
func lies(t *testing.T, w Way) {
	t.Helper()
	p := w.Begin()
	w.Bring(DoneNotTold)
	for _, lie := range []Lie{WrongAmount, WrongCurrency, ForeignOrder, OtherBank, BadSignature, UnknownCode} {
		if code := w.Say(p, lie); code == "" {
			t.Errorf("%s: taken", lie)
		}
		if state := w.State(p); state != "executing" && state != "unknown" {
			t.Fatalf("%s: the order is %s", lie, state)
		}
	}
	if code := w.Say(p, Truth); code != "" {
		t.Errorf("the truth was refused: %s", code)
	}
	want(t, w, p, "executed", 1)
}

func contradiction(t *testing.T, w Way) {
	t.Helper()
	p := w.Begin()
	w.Bring(DoneNotTold)
	if code := w.Say(p, Truth); code != "" {
		t.Fatal(code)
	}
	if code := w.Say(p, Contradiction); code == "" {
		t.Error("a refusal after the execution was taken")
	}
	want(t, w, p, "executed", 1)
}

// Payments with different ends do not touch each other.
func several(t *testing.T, w Way) {
	t.Helper()
	var done, open []string
	for _, conduct := range []Conduct{Executes, DoneNotTold, Pending} {
		p := w.Begin()
		w.Bring(conduct)
		if conduct == Pending {
			open = append(open, p)
		} else {
			done = append(done, p)
		}
	}
	w.Ask()
	for _, p := range done {
		want(t, w, p, "executed", 1)
	}
	for _, p := range open {
		if w.Moved(p) != 0 || w.State(p) == "executed" {
			t.Errorf("a pending payment is %s", w.State(p))
		}
		w.End(p)
	}
	w.Ask()
	for _, p := range open {
		want(t, w, p, "executed", 1)
	}
}
