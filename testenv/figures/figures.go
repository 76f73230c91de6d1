// Package figures writes down what the measurements of `make bench-…` found.
package figures

import (
	"encoding/json"
	"os"
	"testing"
)

// Line is a line of bench.jsonl: a value, what it stands against in the same run, and the goal for their ratio.
type Line struct {
	Path         string  `json:"path"`
	Value        float64 `json:"value"`
	Unit         string  `json:"unit"`
	Against      string  `json:"against"`
	AgainstValue float64 `json:"against_value"`
	Ratio        float64 `json:"ratio"`
	Goal         float64 `json:"goal"`
	Pass         bool    `json:"pass"`
}

// Write prints the line and adds it.
func (l Line) Write(tb testing.TB) {
	tb.Helper()
	tb.Logf("%s: %.4g %s, %s %.4g: ratio %.2f, goal %.2f, pass %v", l.Path, l.Value, l.Unit, l.Against, l.AgainstValue, l.Ratio, l.Goal, l.Pass)
	l.Add(tb)
}

// Add adds the line to the file that QAQPA_BENCH_JSONL names, if any.
func (l Line) Add(tb testing.TB) {
	tb.Helper()
	file := os.Getenv("QAQPA_BENCH_JSONL")
	if file == "" {
		return
	}
	text, err := json.Marshal(l)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(text, '\n')); err != nil {
		tb.Fatal(err)
	}
}
