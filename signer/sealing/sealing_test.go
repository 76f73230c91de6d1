package sealing

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAdmit(t *testing.T) {
	p := Policy{Keys: []string{"seal", "fines"}, Formats: []Format{CAdES, PAdES}, Levels: []Level{B, LT}, PerMinute: 10}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	all := p
	all.Digests, all.Raise = true, true
	for name, c := range map[string]struct {
		policy Policy
		ask    Ask
		key    string
		member string
	}{
		"the first key":      {p, Ask{Format: CAdES, Level: B}, "seal", "-"},
		"a named key":        {p, Ask{Key: "fines", Format: PAdES, Level: LT}, "fines", "-"},
		"another key":        {p, Ask{Key: "checkpoint", Format: PAdES, Level: LT}, "", "key"},
		"another format":     {p, Ask{Format: JWS, Level: B}, "", "format"},
		"no format":          {p, Ask{Level: B}, "", "format"},
		"another level":      {p, Ask{Format: CAdES, Level: LTA}, "", "level"},
		"no level":           {p, Ask{Format: CAdES}, "", "level"},
		"a digest":           {p, Ask{Format: CAdES, Level: B, Digest: true}, "", "digest"},
		"an allowed digest":  {all, Ask{Format: CAdES, Level: B, Digest: true}, "seal", "-"},
		"raising":            {p, Ask{Level: LT, Raise: true}, "", ""},
		"allowed raising":    {all, Ask{Level: LT, Raise: true}, "", "-"},
		"raising too far":    {all, Ask{Level: LTA, Raise: true}, "", "level"},
		"an empty policy":    {Policy{}, Ask{Format: CAdES, Level: B}, "", "level"},
		"keys of nobody":     {Policy{Formats: Formats(), Levels: Levels()}, Ask{Format: CAdES, Level: B}, "", "key"},
		"in capital letters": {p, Ask{Format: "CADES", Level: B}, "", "format"},
	} {
		key, err := c.policy.Admit(c.ask)
		var refused *RefusalError
		if c.member == "-" && (err != nil || key != c.key) || c.member != "-" && (!errors.As(err, &refused) || refused.Member != c.member || key != "") {
			t.Errorf("%s: %q, %v", name, key, err)
		}
	}
}

func TestCheck(t *testing.T) {
	good := func() Policy {
		return Policy{Keys: []string{"seal"}, Formats: []Format{CAdES}, Levels: []Level{B}, PerMinute: 1}
	}
	for name, change := range map[string]func(*Policy){
		"no key": func(p *Policy) { p.Keys = nil }, "a key twice": func(p *Policy) { p.Keys = []string{"a", "a"} },
		"an empty key": func(p *Policy) { p.Keys = []string{""} }, "too many keys": func(p *Policy) { p.Keys = make([]string, 17) },
		"no format": func(p *Policy) { p.Formats = nil }, "no such format": func(p *Policy) { p.Formats = []Format{"PDF"} },
		"no level": func(p *Policy) { p.Levels = nil }, "no such level": func(p *Policy) { p.Levels = []Level{"XL"} },
		"no seals": func(p *Policy) { p.PerMinute = 0 }, "too many seals": func(p *Policy) { p.PerMinute = 100_001 },
	} {
		p := good()
		if change(&p); !errors.Is(p.Check(), ErrPolicy) {
			t.Errorf("%s is taken", name)
		}
	}
	for _, f := range Formats() {
		if len(f.Packagings()) == 0 || !f.Reaches(B) || f.Reaches("X") {
			t.Errorf("%s", f)
		}
	}
}

// TestWindow: whatever comes when, no 60 seconds hold more than the limit; what is refused finds room when it was told to.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type taken struct {
			at time.Time
			n  int
		}
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		at := time.Unix(1_790_000_000, 0)
		var w Window
		var all []taken
		for range 60 {
			at = at.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "pause")) * time.Millisecond)
			n := rapid.IntRange(0, limit+1).Draw(t, "n")
			next, wait, ok := w.Take(at, n, limit)
			switch {
			case ok:
				w = next
				all = append(all, taken{at, n})
			case n > limit:
				if wait != 0 {
					t.Fatalf("%d of %d may come after %s", n, limit, wait)
				}
			default:
				if _, _, ok := w.Take(at.Add(wait), n, limit); !ok || wait <= 0 || wait > 62*time.Second {
					t.Fatalf("no room after %s", wait)
				}
			}
			text, err := json.Marshal(w)
			if err != nil {
				t.Fatal(err)
			}
			w = Window{}
			if err := json.Unmarshal(text, &w); err != nil {
				t.Fatal(err)
			}
		}
		for i, first := range all {
			sum := 0
			for _, later := range all[i:] {
				if later.at.Sub(first.at) < time.Minute {
					sum += later.n
				}
			}
			if sum > limit {
				t.Fatalf("%d in a minute, %d are allowed", sum, limit)
			}
		}
	})
}

// TestWindowOfTwoClocks: an instance whose clock is behind gains nothing.
func TestWindowOfTwoClocks(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	w, _, ok := Window{}.Take(at, 3, 3)
	if !ok {
		t.Fatal("refused")
	}
	for _, behind := range []time.Duration{time.Second, time.Hour} {
		if _, _, ok := w.Take(at.Add(-behind), 1, 3); ok {
			t.Errorf("a clock %s behind has room", behind)
		}
	}
	if next, _, ok := w.Take(at.Add(61*time.Second), 3, 3); !ok || !slices.Contains(next.Counts, 3) {
		t.Error("no room after a minute")
	}
}
