package recon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func day(text string) Day {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestLadder(t *testing.T) {
	if err := DefaultLadder().Check(); err != nil {
		t.Fatal(err)
	}
	good := Rule{Name: "good", Shape: OneToOne, On: []Field{ByReference}}
	long := make(Ladder, rulesMax+1)
	for i := range long {
		long[i] = Rule{Name: fmt.Sprintf("r%d", i), Shape: OneToOne, On: []Field{ByReference}}
	}
	for name, bad := range map[string]Ladder{
		"empty":                         {},
		"too long":                      long,
		"name twice":                    {good, good},
		"name empty":                    {{Shape: OneToOne, On: []Field{ByReference}}},
		"name that breaks a comment":    {{Name: "x*/y", Shape: OneToOne, On: []Field{ByReference}}},
		"unknown shape":                 {{Name: "x", Shape: "all", On: []Field{ByReference}}},
		"unknown field, as SQL":         {{Name: "x", Shape: OneToOne, On: []Field{"1=1 --"}}},
		"field twice":                   {{Name: "x", Shape: OneToOne, On: []Field{ByReference}, Agree: []Field{ByReference}}},
		"amount alone":                  {{Name: "x", Shape: OneToOne, Window: &Window{}}},
		"payer without window":          {{Name: "x", Shape: OneToOne, On: []Field{ByPayer}}},
		"window backwards":              {{Name: "x", Shape: OneToOne, On: []Field{ByPayer}, Window: &Window{From: 2, To: 1}}},
		"window without end":            {{Name: "x", Shape: OneToOne, On: []Field{ByPayer}, Window: &Window{To: 1000}}},
		"tolerance negative":            {{Name: "x", Shape: OneToOne, On: []Field{ByReference}, Tolerance: -1}},
		"tolerance without limit":       {{Name: "x", Shape: OneToOne, On: []Field{ByReference}, Tolerance: 1 << 40}},
		"tolerance between neighbours":  {{Name: "x", Shape: OneToOne, On: []Field{ByPayer}, Window: &Window{}, Tolerance: 1}},
		"tolerance of a group":          {{Name: "x", Shape: ManyToOne, On: []Field{ByReference}, Tolerance: 1}},
		"kept back of what is sent on":  {{Name: "x", Shape: OneToOne, Forward: true, On: []Field{ByReference}, KeptBack: true}},
		"kept back of instalments":      {{Name: "x", Shape: ManyToOne, On: []Field{ByReference}, KeptBack: true}},
		"kept back about":               {{Name: "x", Shape: OneToOne, On: []Field{ByReference}, KeptBack: true, Tolerance: 1}},
		"kept back of anybody":          {{Name: "x", Shape: OneToMany, On: []Field{ByPayer}, Window: &Window{}, KeptBack: true}},
		"kept back of a choice of four": {{Name: "x", Shape: OneToMany, On: []Field{ByBatch}, Window: &Window{}, Members: 4, KeptBack: true}},
		"instalments of anybody":        {{Name: "x", Shape: ManyToOne, On: []Field{ByPayer}, Window: &Window{}}},
		"strong behind weak":            {{Name: "weak", Shape: OneToOne, On: []Field{ByPayer}, Window: &Window{}}, good},
		"group by more than reference":  {{Name: "x", Shape: ManyToOne, On: []Field{ByReference, ByPayer}}},
		"subset of one-to-one":          {{Name: "x", Shape: OneToOne, On: []Field{ByReference}, Members: 2}},
		"subset without end":            {{Name: "x", Shape: OneToMany, On: []Field{ByBatch}, Window: &Window{}, Members: 20}},
		"batch for one payment":         {{Name: "x", Shape: OneToOne, On: []Field{ByBatch}, Window: &Window{}}},
		"several under one's reference": {{Name: "x", Shape: OneToMany, On: []Field{ByReference}}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := bad.Check(); !errors.Is(err, ErrRule) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A rule is the default ladder's own word only as it stands there, also after it was stored; under the same name another one is somebody's.
func TestRuleIsSomebodysOwn(t *testing.T) {
	raw, err := json.Marshal(DefaultLadder())
	if err != nil {
		t.Fatal(err)
	}
	var stored Ladder
	if err := json.Unmarshal(raw, &stored); err != nil {
		t.Fatal(err)
	}
	for _, r := range stored {
		if r.Own() {
			t.Errorf("%s is of the default ladder", r.Name)
		}
		renamed, wider := r, r
		renamed.Name, wider.Window = "ours", &Window{From: 0, To: 9}
		if !renamed.Own() || !wider.Own() {
			t.Errorf("%s was changed and passes for the default: renamed %t, with another window %t", r.Name, renamed.Own(), wider.Own())
		}
	}
}

// Nauryz of 2026: 21 to 23 March, of which Saturday and Sunday are moved to Tuesday and Wednesday.
func nauryz() Calendar {
	return Calendar{
		Closed: map[Day]bool{day("2026-03-23"): true, day("2026-03-24"): true, day("2026-03-25"): true},
		Open:   map[Day]bool{day("2026-03-28"): true},
	}
}

func TestCalendar(t *testing.T) {
	c := nauryz()
	for _, x := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-03-20", 0, "2026-03-20"},
		{"2026-03-20", 1, "2026-03-26"},
		{"2026-03-21", 0, "2026-03-26"},
		{"2026-03-27", 1, "2026-03-28"},
		{"2026-03-27", 2, "2026-03-30"},
		{"2026-03-26", -1, "2026-03-20"},
		{"2026-03-24", -1, "2026-03-20"},
		{"2026-03-30", -2, "2026-03-27"},
	} {
		if got := c.Add(day(x.from), x.n); !got.Equal(day(x.want)) {
			t.Errorf("%s %+d: %s, want %s", x.from, x.n, got.Format(time.DateOnly), x.want)
		}
	}
	terms := Terms{CutOffMinute: 17 * 60, Days: 3}
	for at, want := range map[string]string{
		"2026-03-19T16:59:59+05:00": "2026-03-19",
		"2026-03-19T17:00:00+05:00": "2026-03-20",
		"2026-03-20T17:00:00+05:00": "2026-03-26", // over the holidays
		"2026-03-19T20:00:00Z":      "2026-03-20", // already the 20th in Almaty
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.PaymentDay(moment, terms); !got.Equal(day(want)) {
			t.Errorf("%s belongs to %s, want %s", at, got.Format(time.DateOnly), want)
		}
	}
	if got := c.DueDay(day("2026-03-20"), terms); !got.Equal(day("2026-03-28")) {
		t.Errorf("due on %s", got.Format(time.DateOnly))
	}
	always := Calendar{Closed: map[Day]bool{}}
	for i := range 400 {
		always.Closed[day("2026-01-01").AddDate(0, 0, i)] = true
	}
	if got := always.Next(day("2026-02-01")); !got.Equal(day("2026-02-01")) {
		t.Errorf("a calendar without work gave %s", got)
	}
}

// A payment reaches the line of its day by the window that Reach gives, and by no other.
func TestReachIsTheInverseOfAdd(t *testing.T) {
	c := nauryz()
	rapid.Check(t, func(t *rapid.T) {
		paid := c.Next(day("2026-03-01").AddDate(0, 0, rapid.IntRange(0, 60).Draw(t, "paid")))
		booked := day("2026-03-01").AddDate(0, 0, rapid.IntRange(0, 90).Draw(t, "booked"))
		from := rapid.IntRange(0, 5).Draw(t, "from")
		w := Window{From: from, To: from + rapid.IntRange(0, 5).Draw(t, "width")}
		lo, hi := c.Reach(booked, w)
		inside := false
		for n := w.From; n <= w.To; n++ {
			inside = inside || c.Add(paid, n).Equal(c.Next(booked))
		}
		if got := !paid.Before(lo) && !paid.After(hi); got != inside {
			t.Fatalf("paid %s, booked %s, window %v: reach %s to %s says %v", paid, booked, w, lo, hi, got)
		}
	})
}

func TestReferences(t *testing.T) {
	id := strings.Repeat("0f", 17)
	for in, want := range map[string]string{
		id: id, strings.ToUpper(id): id, "att_" + id: id, " ATT_" + strings.ToUpper(id) + " ": id,
		"att_" + id[1:]: "att_" + id[1:], "rfd_" + id: id, "Rfd_" + id: id, "ord_" + id: "ord_" + id, "NOTPROVIDED": "", "nonref": "", "": "", "  ": "", "INV-7": "INV-7", "Inv-7": "Inv-7",
	} {
		if got := string(Reference([]byte(in))); got != want {
			t.Errorf("Reference(%q) = %q, want %q", in, got, want)
		}
	}
	other := strings.Repeat("1e", 17)
	for in, want := range map[string]string{
		"": "",
		"Госпошлина att_" + id + ", УИП":   id,
		"ATT_" + strings.ToUpper(id):       id,
		"att_" + id + " и att_" + id:       id,
		"att_" + id + " и att_" + other:    "", // two payments: a person decides
		"att_" + id + "0":                  "", // longer than an id
		"att_" + id[:33] + "g":             "",
		"att_att_" + id:                    id,
		"Возврат RFD_" + id + ".":          id,
		"rfd_" + id + " of att_" + other:   "", // which of them the line pays is for a person
		"xfd_" + id:                        "",
		"att_" + id[:20]:                   "",
		"УИП 268433119415":                 "",
		"att_" + id[:33] + " att_" + other: other,
	} {
		if got := string(PurposeID([]byte(in))); got != want {
			t.Errorf("PurposeID(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzPurposeID(f *testing.F) {
	f.Add("att_" + strings.Repeat("0f", 17))
	f.Fuzz(func(t *testing.T, purpose string) {
		if got := PurposeID([]byte(purpose)); got != nil && (!Ours(got) || !bytes.Equal(Reference(got), got)) {
			t.Errorf("PurposeID(%q) = %q", purpose, got)
		}
		if once := Reference([]byte(purpose)); !bytes.Equal(Reference(once), once) {
			t.Errorf("Reference(%q) is not stable", purpose)
		}
	})
}

func TestSeverityAndAge(t *testing.T) {
	for _, x := range []struct {
		kind Kind
		tiyn int64
		days int
		want Severity
	}{
		{Surplus, 5_406_00, 0, Medium},
		{Surplus, 50_00, 0, Low},
		{Surplus, 50_00, 5, Medium},
		{Missing, 5_406_00, 0, High},
		{Missing, 5_406_00, 4, Critical},
		{Missing, 5_000_000_00, 40, Critical},
		{Reversal, -5_000_000_00, 0, Critical},
		{Reversal, -1 << 63, 0, Critical},
		{Data, 0, 0, Low},
	} {
		if got := SeverityOf(x.kind, x.tiyn, x.days); got != x.want {
			t.Errorf("%s of %d after %d days: %s, want %s", x.kind, x.tiyn, x.days, got, x.want)
		}
	}
	var got []string
	for _, days := range []int{-1, 0, 1, 2, 3, 4, 7, 8, 30, 31, 9999} {
		got = append(got, AgeOf(days).String())
	}
	want := []string{"0-1", "0-1", "0-1", "2-3", "2-3", "4-7", "4-7", "8-30", "8-30", "30+", "30+"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTransitions(t *testing.T) {
	table, err := Transitions()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range States() {
		archived, err := table.Next(s, Archive)
		if (err != nil) != (s.Unsettled() || s == Archived) || (err == nil && archived != Archived) {
			t.Errorf("%s: unsettled %v, archived %v", s, s.Unsettled(), err)
		}
		resolved, err := table.Next(s, Resolve)
		if (err == nil) != (s == Proposed) || (err == nil && resolved != Resolved) {
			t.Errorf("%s: resolved without a second person", s)
		}
	}
	if known := table.States(); len(known) != len(States()) {
		t.Errorf("the table has %v", known)
	}
	if from, err := From(Archive); err != nil || !slices.Equal(from, []State{Resolved, Void}) {
		t.Errorf("archived from %v, %v", from, err)
	}
	for _, a := range Ages() {
		first, last := a.Bounds()
		if last < 0 {
			last = 10_000
		}
		if found, known := ParseAge(a.String()); !known || found != a || AgeOf(first) != a || AgeOf(last) != a || (a > Fresh && AgeOf(first-1) == a) || AgeOf(last+1) == a && a != Old {
			t.Errorf("bucket %s: %d to %d", a, first, last)
		}
	}
	if _, known := ParseAge("1-2"); known || AgeOf(LateDays) != Week || AgeOf(LateDays-1) == Week {
		t.Error("buckets")
	}
	if _, err := table.Next(Resolved, Assign); err == nil {
		t.Error("what is resolved was taken up again")
	}
	if _, err := table.Next(Proposed, Propose); err == nil {
		t.Error("a second proposal over the first")
	}
}

func TestSuggest(t *testing.T) {
	of := Facts{ID: "line", Reference: "A", Payer: "900101300017", KBK: "108125", Tiyn: 5_406_00, Day: day("2026-03-10")}
	same := of
	same.ID = "same"
	typo := of
	typo.ID, typo.Reference, typo.Day = "typo", "B", day("2026-03-09")
	typo2 := typo
	typo2.ID = "typo2"
	less := of
	less.ID, less.Tiyn, less.Reference = "less", 5_400_00, ""
	stranger := Facts{ID: "stranger", KBK: "108125", Tiyn: 1, Day: day("2026-03-10")}
	opposite := Facts{ID: "opposite", Tiyn: -5_406_00, Day: day("2026-03-10"), KBK: "108125"}
	got := Suggest(of, []Facts{stranger, typo2, less, opposite, same, typo}, 3)
	var ids []string
	for _, s := range got {
		ids = append(ids, fmt.Sprintf("%s %d", s.ID, s.Score))
	}
	if diff := cmp.Diff([]string{"same 100", "typo 69", "typo2 69"}, ids); diff != "" {
		t.Error(diff)
	}
	if near(-1<<63, -1<<63) != true || near(-1<<63, 1<<62) {
		t.Error("extreme amounts")
	}
}
