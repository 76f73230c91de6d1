package flow

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrForbidden says that the table has no such edge.
var ErrForbidden = errors.New("transition is not in the table")

// Event names an edge.
type Event string

// Edge is one allowed transition.
type Edge[S ~string] struct {
	From  S
	Event Event
	To    S
}

// Table is an immutable set of edges; of one state and one event at most one edge leaves. Make it with [New].
type Table[S ~string] struct {
	name  string
	start S
	edges []Edge[S]
}

// New returns a table, or an error when two edges share state and event, or when a state cannot be reached from the
// start.
func New[S ~string](name string, start S, edges []Edge[S]) (Table[S], error) {
	t := Table[S]{name: name, start: start, edges: append([]Edge[S](nil), edges...)}
	for i, e := range t.edges {
		for _, other := range t.edges[:i] {
			if e.From == other.From && e.Event == other.Event {
				return Table[S]{}, fmt.Errorf("%s: two edges %s from %s", name, e.Event, e.From)
			}
		}
	}
	reached := map[S]bool{start: true}
	for range t.edges {
		for _, e := range t.edges {
			if reached[e.From] {
				reached[e.To] = true
			}
		}
	}
	for _, state := range t.States() {
		if !reached[state] {
			return Table[S]{}, fmt.Errorf("%s: %s cannot be reached", name, state)
		}
	}
	return t, nil
}

// Next returns where the event leads. The error wraps [ErrForbidden].
func (t Table[S]) Next(from S, event Event) (S, error) {
	for _, e := range t.edges {
		if e.From == from && e.Event == event {
			return e.To, nil
		}
	}
	return "", fmt.Errorf("%s: %s in %s: %w", t.name, event, from, ErrForbidden)
}

// Final reports whether no edge leaves the state.
func (t Table[S]) Final(state S) bool {
	for _, e := range t.edges {
		if e.From == state {
			return false
		}
	}
	return true
}

// Start is the first state.
func (t Table[S]) Start() S { return t.start }

// States lists all states, sorted.
func (t Table[S]) States() []S {
	seen := map[S]bool{t.start: true}
	for _, e := range t.edges {
		seen[e.From], seen[e.To] = true, true
	}
	states := make([]S, 0, len(seen))
	for s := range seen {
		states = append(states, s)
	}
	slices.Sort(states)
	return states
}

// Edges lists the edges in the order of the table.
func (t Table[S]) Edges() []Edge[S] { return append([]Edge[S](nil), t.edges...) }

// Draw renders the table as a Mermaid state diagram, for README and for the test that compares them.
func (t Table[S]) Draw() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s\n", t.start)
	for _, e := range t.edges {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.From, e.To, e.Event)
	}
	for _, s := range t.States() {
		if t.Final(s) {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	return b.String()
}
