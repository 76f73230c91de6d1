package suites

import (
	"strings"
	"testing"
)

// What is worse is told, what is better is not; every recorded deviation has a reason.
func TestRegressions(t *testing.T) {
	was := Line{Suite: "s", Agreed: 9, Total: 10}
	for want, now := range map[string]Line{
		"8 agree":           {Agreed: 8, Total: 10},
		"9 cases":           {Agreed: 9, Total: 9},
		"1 wrongly accepte": {Agreed: 9, Total: 10, WronglyAccepted: 1},
		"":                  {Agreed: 10, Total: 11},
	} {
		if got := strings.Join(was.Regressions(now), ";"); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q", want, got)
		}
	}
	all, err := Recorded()
	if err != nil || len(all) < 20 {
		t.Fatalf("%d suites, %v", len(all), err)
	}
	for name, l := range all {
		for _, d := range l.Deviations {
			if d.Why == "" || strings.HasPrefix(d.Why, "got ") {
				t.Errorf("%s: %s has no reason", name, d.Case)
			}
		}
		if l.Agreed+len(l.Deviations) > l.Total {
			t.Errorf("%s: %d and %d deviations of %d", name, l.Agreed, len(l.Deviations), l.Total)
		}
	}
	if _, err := Read([]byte("{")); err == nil {
		t.Error("half a line was read")
	}
}
