package statements

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func newPlan(t *testing.T, c Config) *Plan {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSharesAreExact(t *testing.T) {
	p := newPlan(t, Config{Seed: 1, Payments: 6000, Days: 30})
	counts := map[Defect]int{}
	refs, entries := map[string]bool{}, map[string]int{}
	err := p.Truth(func(f *Fact) error {
		counts[f.Defect]++
		if f.Payment != "" {
			refs[f.Payment] = true
		}
		for _, e := range f.Entries {
			entries[e]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range Defects() {
		if counts[d] != 120 {
			t.Errorf("%s: %d of 6000", d, counts[d])
		}
	}
	if len(refs) != 6000 {
		t.Errorf("%d payments", len(refs))
	}
	written := 0
	for day := range p.Days() {
		_ = p.Entries(day, func(e *Entry) error {
			written++
			if entries[e.BankRef] == 0 {
				t.Errorf("entry %s is in no fact", e.BankRef)
			}
			if !e.Booked.Equal(p.Day(day)) {
				t.Errorf("entry %s of %s in the statement of %s", e.BankRef, e.Booked, p.Day(day))
			}
			return nil
		})
	}
	if written != len(entries) {
		t.Errorf("%d entries written, %d in the truth", written, len(entries))
	}
}

func TestTheSameSeedMakesTheSame(t *testing.T) {
	write := func(seed uint64) string {
		var b bytes.Buffer
		p := newPlan(t, Config{Seed: seed, Payments: 1500, Days: 5})
		if err := p.WriteCamt053(&b); err != nil {
			t.Fatal(err)
		}
		if err := p.WriteTruth(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first, again, other := write(7), write(7), write(8)
	if first != again || first == other {
		t.Error("the seed does not decide")
	}
}

func TestXMLIsWellFormedAndTruthIsJSON(t *testing.T) {
	p := newPlan(t, Config{Seed: 3, Payments: 250, Days: 2})
	var b bytes.Buffer
	if err := p.WriteCamt053Day(&b, 0); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "day.xml")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "xmllint", "--noout", file).CombinedOutput(); err != nil {
		t.Errorf("xmllint: %v\n%s", err, out)
	}
	b.Reset()
	if err := p.WriteTruth(&b); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b.Bytes()) {
		var fact struct {
			Payment, Defect, Day string
			Entries              []string
		}
		if err := json.Unmarshal(line, &fact); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

// listed is a source of the caller's own payments.
type listed []Payment

func (l listed) Len() int              { return len(l) }
func (l listed) Payment(i int) Payment { return l[i] }

func TestOwnPayments(t *testing.T) {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	own := listed{{Ref: "A", Tiyn: 100, Day: day}, {Ref: "B", Tiyn: 200, Day: day.AddDate(0, 0, 1)}, {Ref: "C", Tiyn: 300, Day: day.AddDate(0, 0, 40)}}
	p := newPlan(t, Config{Source: own, Share: map[Defect]int{}, Opening: 50})
	var refs []string
	for d := range p.Days() {
		_ = p.Entries(d, func(e *Entry) error { refs = append(refs, e.Ref); return nil })
	}
	if len(refs) != 3 || p.Opening(p.Days()) != 650 {
		t.Errorf("entries %v, balance %d", refs, p.Opening(p.Days()))
	}
}

func TestRefusesShares(t *testing.T) {
	for _, share := range []map[Defect]int{{Merged: 3}, {Missing: 60, Late: 60}, {Missing: -1}} {
		if _, err := New(Config{Payments: 1, Share: share}); err == nil {
			t.Errorf("%v went through", share)
		}
	}
}

// discard counts bytes.
type discard int64

func (d *discard) Write(b []byte) (int, error) {
	*d += discard(len(b))
	return len(b), nil
}

func BenchmarkWriteCamt053(b *testing.B) {
	for b.Loop() {
		p, err := New(Config{Payments: 20_000})
		if err != nil {
			b.Fatal(err)
		}
		var n discard
		if err := p.WriteCamt053(&n); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(n))
	}
}
