package suites

import (
	"bufio"
	"bytes"
	_ "embed" // recorded.jsonl
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Line is what a suite came to: a line of conformance.jsonl and of recorded.jsonl.
type Line struct {
	Suite           string      `json:"suite"`
	Agreed          int         `json:"agreed"`
	Total           int         `json:"total"`
	OutOfScope      int         `json:"out_of_scope"`
	WronglyAccepted int         `json:"wrongly_accepted"`
	Deviations      []Deviation `json:"deviations"`
	// Outside are the reasons for which cases are out of scope, with how many each.
	Outside map[string]int `json:"outside,omitempty"`
	// Survivors are changes of a suite of mutations that did not make the document worse, by the unsigned place and the reason why
	// that does no harm.
	Survivors map[string]int `json:"survivors,omitempty"`
	// Cases are those of a suite that shows each one.
	Cases []Case `json:"cases,omitempty"`
}

// Case is a case that is shown with what it should come to and came to.
type Case struct {
	Case     string `json:"case"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

// Deviation is a case in which a run differs from the corpus, and why.
type Deviation struct {
	Case string `json:"case"`
	Why  string `json:"why"`
}

//go:embed recorded.jsonl
var recorded []byte

// Recorded are the recorded results by the names of their suites.
func Recorded() (map[string]Line, error) { return Read(recorded) }

// Read reads lines of results; of several for one suite the last counts.
func Read(text []byte) (map[string]Line, error) {
	out := map[string]Line{}
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		var l Line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("couldn't read a result: %w", err)
		}
		out[l.Suite] = l
	}
	return out, s.Err()
}

// Known is the reason recorded for a case's deviation; "" when there is none.
func (l Line) Known(name string) string {
	for _, d := range l.Deviations {
		if d.Case == name {
			return d.Why
		}
	}
	return ""
}

// Regressions are what is worse in a whole run than in the recorded one.
func (l Line) Regressions(now Line) (out []string) {
	if now.Agreed < l.Agreed {
		out = append(out, fmt.Sprintf("%s: %d agree, recorded were %d of %d", l.Suite, now.Agreed, l.Agreed, l.Total))
	}
	if now.Total < l.Total {
		out = append(out, fmt.Sprintf("%s: %d cases, recorded were %d", l.Suite, now.Total, l.Total))
	}
	if now.WronglyAccepted > l.WronglyAccepted {
		out = append(out, fmt.Sprintf("%s: %d wrongly accepted, recorded were %d", l.Suite, now.WronglyAccepted, l.WronglyAccepted))
	}
	return out
}

// Whole reports whether all of every suite is to be run: QAQPA_CONFORMANCE names the file for the lines then.
func Whole() bool { return os.Getenv("QAQPA_CONFORMANCE") != "" }

// Every is of how many cases one is run: all in a whole run, one in n otherwise.
func Every(n int) int {
	if Whole() {
		return 1
	}
	return n
}

// Corpora is the folder of outside data with the given parts, or the test is skipped.
func Corpora(tb testing.TB, parts ...string) string {
	tb.Helper()
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("outside test data are not here (QAQPA_CORPORA): %v", err)
	}
	return path
}

// Suite counts. Not safe for concurrent use.
type Suite struct {
	line  Line
	known Line
}

// Start begins a suite.
func Start(tb testing.TB, name string) *Suite {
	tb.Helper()
	all, err := Recorded()
	if err != nil {
		tb.Fatal(err)
	}
	return &Suite{line: Line{Suite: name, Deviations: []Deviation{}, Outside: map[string]int{}, Survivors: map[string]int{}}, known: all[name]}
}

// Agree counts a case that came out as it should.
func (s *Suite) Agree() { s.line.Total++; s.line.Agreed++ }

// Judge counts a case by what it came to and should have; accepted tells that something was accepted that must not be.
func (s *Suite) Judge(tb testing.TB, name, got, want string, accepted bool) {
	tb.Helper()
	if got == want {
		s.Agree()
		return
	}
	s.line.Total++
	if accepted {
		s.line.WronglyAccepted++
	}
	why := s.known.Known(name)
	if why == "" {
		why = "got " + got + ", want " + want
		tb.Errorf("%s: %s: %s, and no reason is recorded", s.line.Suite, name, why)
	}
	s.line.Deviations = append(s.line.Deviations, Deviation{name, why})
}

// LeaveOut counts a case that turns on something we do not claim.
func (s *Suite) LeaveOut(why string) { s.line.OutOfScope++; s.line.Outside[why]++ }

// Show is Judge for a suite each of whose cases is printed.
func (s *Suite) Show(tb testing.TB, c Case, accepted bool) {
	tb.Helper()
	s.line.Cases = append(s.line.Cases, c)
	s.Judge(tb, c.Case, c.Got, c.Expected, accepted)
}

// Total is how many cases were counted.
func (s *Suite) Total() int { return s.line.Total }

// LeaveOutOf is LeaveOut for many at once.
func (s *Suite) LeaveOutOf(n int, why string) {
	if s.line.OutOfScope += n; n > 0 {
		s.line.Outside[why] += n
	}
}

// Tally counts a change of a document: harmless tells that it was refused, or survived where it may, which is named.
func (s *Suite) Tally(harmless bool, survived string) {
	s.line.Total++
	if survived != "" {
		s.line.Survivors[survived]++
	}
	if harmless {
		s.line.Agreed++
	} else {
		s.line.WronglyAccepted++
	}
}

// Close prints the suite, adds it to the file of a whole run, and fails where that is worse than recorded.
func (s *Suite) Close(tb testing.TB) {
	tb.Helper()
	tb.Logf("%s %d/%d, %d out of scope, %d wrongly accepted", s.line.Suite, s.line.Agreed, s.line.Total, s.line.OutOfScope, s.line.WronglyAccepted)
	for _, why := range slices.Sorted(maps.Keys(s.line.Outside)) {
		tb.Logf("  %d out of scope: %s", s.line.Outside[why], why)
	}
	for _, place := range slices.Sorted(maps.Keys(s.line.Survivors)) {
		tb.Logf("  %d survive in %s", s.line.Survivors[place], place)
	}
	for _, d := range s.line.Deviations {
		tb.Logf("  %s: %s", d.Case, d.Why)
	}
	if !Whole() {
		return
	}
	for _, text := range s.known.Regressions(s.line) {
		tb.Error(text)
	}
	if err := s.line.append(os.Getenv("QAQPA_CONFORMANCE")); err != nil {
		tb.Error(err)
	}
}

// append adds the line to a file.
func (l Line) append(path string) (err error) {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("couldn't write a result: %w", err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("couldn't write a result: %w", err)
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	_, err = f.Write(append(text, '\n'))
	return err
}
