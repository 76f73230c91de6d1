package watch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/testenv/postgres"

	"github.com/jmoiron/sqlx"
)

// bench is a store over a real database whose clock the test sets.
type bench struct {
	*Store
	t  *testing.T
	db *sqlx.DB
	at time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, db: postgres.ForTest(t, signer.Migrate, Migrate), at: time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return b.at }
	trail, err := audit.New(audit.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if b.Store, err = New(Config{DB: b.db, Audit: trail, Now: now}); err != nil {
		t.Fatal(err)
	}
	return b
}

// watcher looks at what found holds.
func (b *bench) watcher(found *[]Condition) *Watcher {
	b.t.Helper()
	w, err := NewWatcher(WatcherConfig{Store: b.Store, Look: func(context.Context) []Condition { return *found }, Times: NewRecorder("pay"), Process: "one"})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bench) look(w *Watcher) {
	b.t.Helper()
	if err := w.Once(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) list() []Incident {
	b.t.Helper()
	list, more, err := b.Incidents(b.t.Context(), "")
	if err != nil || more {
		b.t.Fatalf("%v %v", more, err)
	}
	return list
}

// An incident begins with what is seen, ends when nobody sees it any more, and is the same one when it comes back at once.
func TestIncidentsBeginAndEnd(t *testing.T) {
	b := newBench(t)
	start := b.at
	silent := Condition{Kind: "silent", Subject: "HSBKKZKX", Detail: "20", Since: b.at.Add(-time.Minute)}
	here, there := []Condition{silent}, []Condition{silent}
	one, two := b.watcher(&here), b.watcher(&there)
	b.look(one)
	b.look(two)
	if got := b.list(); len(got) != 1 || got[0].ClosedAt != nil || !got[0].OpenedAt.Equal(silent.Since) {
		t.Fatalf("two who see the same make %+v", got)
	}
	// One of them does not see it, or is gone: it lasts.
	here = nil
	for range 10 {
		b.at = b.at.Add(10 * time.Second)
		b.look(one)
		b.look(two)
	}
	if got := b.list(); got[0].ClosedAt != nil {
		t.Fatalf("it ended while somebody saw it: %+v", got)
	}
	last := b.at
	there = nil
	for range 6 {
		b.at = b.at.Add(10 * time.Second)
		b.look(two)
	}
	got := b.list()
	if len(got) != 1 || got[0].ClosedAt == nil || !got[0].ClosedAt.Equal(last) {
		t.Fatalf("it ended at %v, not at %v", got[0].ClosedAt, last)
	}
	there = []Condition{{Kind: "silent", Subject: "HSBKKZKX", Detail: "again", Grave: true}}
	b.look(two)
	if got = b.list(); len(got) != 1 || got[0].ClosedAt != nil || got[0].Detail != "again" || !got[0].Grave || !got[0].OpenedAt.Equal(start.Add(-time.Minute)) {
		t.Fatalf("what comes back at once is %+v", got)
	}
	there, b.at = nil, b.at.Add(time.Hour)
	b.look(two)
	there = []Condition{silent}
	b.look(two)
	if got = b.list(); len(got) != 2 || got[0].ClosedAt != nil || got[1].ClosedAt == nil {
		t.Fatalf("an hour later it is %+v", got)
	}
}

// While the database is away what is seen is kept, and stored with the time at which it began.
func TestIncidentsOfTheDatabaseItself(t *testing.T) {
	b := newBench(t)
	found := []Condition{{Kind: "health", Subject: "database", Grave: true}}
	w := b.watcher(&found)
	began := b.at
	away, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Once(away); err == nil {
		t.Fatal("nothing is wrong with a database that cannot be asked")
	}
	b.at = b.at.Add(5 * time.Minute)
	if err := w.Once(away); err == nil {
		t.Fatal("nothing is wrong with a database that cannot be asked")
	}
	found, b.at = nil, b.at.Add(10*time.Second)
	b.look(w)
	if got := b.list(); len(got) != 1 || !got[0].OpenedAt.Equal(began) || got[0].SeenAt.Sub(began) != 5*time.Minute {
		t.Fatalf("got %+v", got)
	}
	b.at = b.at.Add(time.Minute)
	b.look(w)
	if got := b.list(); got[0].ClosedAt == nil || got[0].ClosedAt.Sub(began) != 5*time.Minute {
		t.Fatalf("got %+v", got)
	}
}

// Another timeline of the database is an event, told once.
func TestFailoverIsTold(t *testing.T) {
	b := newBench(t)
	var none []Condition
	one, two := b.watcher(&none), b.watcher(&none)
	b.look(one)
	if len(b.list()) != 0 {
		t.Fatal("the first look is a failover")
	}
	line, err := b.Timeline(t.Context())
	if err != nil || len(line) != 8 {
		t.Fatalf("timeline %q, %v", line, err)
	}
	if _, err := b.db.ExecContext(t.Context(), `UPDATE watch_marks SET value = '00000000'`); err != nil {
		t.Fatal(err)
	}
	b.look(one)
	b.look(two)
	if got := b.list(); len(got) != 1 || got[0].Kind != KindFailover || got[0].ClosedAt == nil || got[0].Detail != "00000000 → "+line {
		t.Fatalf("got %+v", got)
	}
}

// Notes are numbered, recorded in the audit log, and never written twice by one form.
func TestNotes(t *testing.T) {
	b := newBench(t)
	if err := b.Happened(t.Context(), Condition{Kind: "x", Subject: strings.Repeat("ұ", 300)}); err != nil {
		t.Fatal(err)
	}
	id := b.list()[0].ID
	good := Note{No: 1, Kind: Measure, Text: " rang the bank\r\nit answers ", Actor: "operator:ops/mbr_1"}
	for name, n := range map[string]Note{
		"empty": {No: 1, Kind: Comment, Text: " ", Actor: "a"}, "long": {No: 1, Kind: Comment, Text: strings.Repeat("x", NoteMax+1), Actor: "a"},
		"kind": {No: 1, Kind: "order", Text: "x", Actor: "a"}, "nobody": {No: 1, Kind: Comment, Text: "x"}, "number": {Kind: Comment, Text: "x", Actor: "a"},
		"far": {No: notesMax + 1, Kind: Comment, Text: "x", Actor: "a"},
	} {
		if err := b.AddNote(t.Context(), id, n); !errors.Is(err, ErrNote) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.AddNote(t.Context(), "inc_none", good); !errors.Is(err, ErrNoIncident) {
		t.Errorf("no incident: %v", err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := b.AddNote(t.Context(), id, good); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	other := good
	if other.Actor = "operator:other"; !errors.Is(b.AddNote(t.Context(), id, other), ErrNoteStale) {
		t.Error("another person's note with the same number was taken")
	}
	found, notes, err := b.Incident(t.Context(), id)
	if err != nil || len(notes) != 1 || found.Notes != 1 || notes[0].Text != "rang the bank\r\nit answers" || notes[0].Actor != good.Actor {
		t.Errorf("%+v %+v %v", found, notes, err)
	}
	var entries int
	if err := b.db.GetContext(t.Context(), &entries, `SELECT count(*) FROM audit_entries WHERE action = 'incident.noted' AND subject = $1`, id); err != nil || entries != 1 {
		t.Errorf("%d audit entries, %v", entries, err)
	}
	if _, _, err := b.Incident(t.Context(), "inc_none"); !errors.Is(err, ErrNoIncident) {
		t.Errorf("no incident: %v", err)
	}
}

// Pages of incidents follow each other without a gap.
func TestPagesOfIncidents(t *testing.T) {
	b := newBench(t)
	for range listMax + 3 {
		b.at = b.at.Add(time.Second)
		if err := b.Happened(t.Context(), Condition{Kind: "x", Subject: "y"}); err != nil {
			t.Fatal(err)
		}
	}
	first, more, err := b.Incidents(t.Context(), "")
	if err != nil || !more || len(first) != listMax {
		t.Fatalf("%d %v %v", len(first), more, err)
	}
	second, more, err := b.Incidents(t.Context(), first[len(first)-1].ID)
	if err != nil || more || len(second) != 3 || slices.ContainsFunc(first, func(i Incident) bool { return i.ID == second[0].ID }) {
		t.Fatalf("%d %v %v", len(second), more, err)
	}
}

// Times of processes and minutes add up, and old minutes go.
func TestLatencyAddsUp(t *testing.T) {
	b := newBench(t)
	put := func(process string, n int, took time.Duration) {
		t.Helper()
		r := NewRecorder("pay", "judge")
		for range n {
			r.Observe("pay", took)
		}
		if err := b.PutLatency(t.Context(), process, r.Take()); err != nil {
			t.Fatal(err)
		}
	}
	put("one", 90, 10*time.Millisecond)
	put("one", 5, 10*time.Millisecond) // again in this minute
	put("two", 5, time.Second)
	b.at = b.at.Add(time.Minute)
	put("one", 1, time.Minute)
	slots, err := b.Latency(t.Context(), b.at.Add(-time.Hour), 5*time.Minute)
	if err != nil || len(slots) != 1 || slots[0].Class != "pay" || slots[0].Counts.Total() != 101 {
		t.Fatalf("%+v %v", slots, err)
	}
	if p50, p99 := slots[0].Counts.Quantile(.5), slots[0].Counts.Quantile(.99); p50 > 11*time.Millisecond || p99 < 900*time.Millisecond || p99 > 1100*time.Millisecond {
		t.Errorf("p50 %v, p99 %v", p50, p99)
	}
	b.at = b.at.Add(latencyKept + 2*time.Minute)
	put("one", 1, time.Millisecond)
	if slots, err = b.Latency(t.Context(), time.Time{}, time.Minute); err != nil || len(slots) != 1 {
		t.Errorf("%d minutes are kept, %v", len(slots), err)
	}
}

// The attack on whoever has to look: one condition that cannot be stored hides all others. A process that saw a condition before the database went away
// finds that another has begun a new incident of it meanwhile; an authority without a name has an incident all the same.
func TestOneIncidentHidesNoOther(t *testing.T) {
	b := newBench(t)
	at := func(minute int) time.Time { return b.at.Add(time.Duration(minute) * time.Minute) }
	silent := Condition{Kind: "silent", Subject: "HSBKKZKX"}
	over := at(1)
	for _, err := range []error{
		b.insert(t.Context(), silent, at(0), at(1), &over), b.insert(t.Context(), silent, at(-2), at(10), nil),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b.at = at(10)
	if err := b.Tell(t.Context(), []Sighting{
		{silent, at(-9), at(0)}, {Condition{Kind: "anchor"}, at(0), at(0)}, {Condition{Subject: "no kind"}, at(0), at(0)}, {Condition{Kind: "health", Subject: "token"}, at(0), at(0)},
	}); err == nil {
		t.Error("what is of no kind was stored")
	}
	list := b.list()
	kinds := map[string]int{}
	for _, i := range list {
		if i.ClosedAt == nil {
			kinds[i.Kind+i.Subject]++
		}
	}
	if len(list) != 4 || kinds["silentHSBKKZKX"] != 1 || kinds["anchor"+nameless] != 1 || kinds["healthtoken"] != 1 {
		t.Errorf("%+v", list)
	}
}
