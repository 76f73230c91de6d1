package main

import (
	"strings"
	"testing"
)

func TestTallyCountsAndShowsWhyTestsWereSkipped(t *testing.T) {
	in := `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: no corpus here\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Test":"TestC"}
{"Action":"fail","Package":"p","Elapsed":0.5}
`
	var out strings.Builder
	tally := newTally(&out)
	tally.read(strings.NewReader(in))
	tally.close()
	for _, want := range []string{"got 1, want 2", "FAIL\tp\t0.5s", "skipped: p TestA: a_test.go:3: no corpus here", "failed: p TestB", "1 passed, 1 failed, 1 skipped\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
}

// A test that had not ended when time ran out, or when the process died, is named and counted.
func TestTallyCountsTestsThatDidNotEnd(t *testing.T) {
	in := `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\\n"}
{"Action":"run","Package":"q","Test":"TestQ"}
{"Action":"output","Package":"q","Test":"TestQ","Output":"=== RUN   TestQ\\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out after 25m0s\\n"}
{"Action":"fail","Package":"p","Elapsed":1500}
{"Action":"pass","Package":"q","Test":"TestQ"}
{"Action":"pass","Package":"q"}
`
	var out strings.Builder
	tally := newTally(&out)
	tally.read(strings.NewReader(in))
	tally.close()
	for _, want := range []string{"panic: test timed out", "failed: p TestA (did not end)\n", "1 passed, 1 failed, 0 skipped\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
}
