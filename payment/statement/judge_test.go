package statement

import (
	"slices"
	"testing"
)

func TestJudge(t *testing.T) {
	first := Known{Digest: "a", Number: 324, Page: 1, Year: 2026, From: 20261120, To: 20261120, Closing: 100, HasClosing: true}
	next := Known{Digest: "b", Number: 325, Page: 1, Year: 2026, From: 20261121, To: 20261121, Closing: 150, HasClosing: true}
	with := func(k Known, change func(*Known)) Known { change(&k); return k }
	for name, c := range map[string]struct {
		fresh     Known
		known     []Known
		opening   int64
		failed    []CheckName
		duplicate bool
		replaces  int
	}{
		"the first":              {first, nil, 0, nil, false, -1},
		"the next":               {next, []Known{first}, 100, nil, false, -1},
		"a gap":                  {with(next, func(k *Known) { k.Number = 326 }), []Known{first}, 100, []CheckName{CheckNumbering}, false, -1},
		"going back":             {with(next, func(k *Known) { k.Number = 323 }), []Known{first}, 100, []CheckName{CheckNumbering}, false, -1},
		"a new year":             {with(next, func(k *Known) { k.Number, k.Year = 1, 2027 }), []Known{first}, 100, nil, false, -1},
		"a one within a year":    {with(next, func(k *Known) { k.Number = 1 }), []Known{first}, 100, []CheckName{CheckNumbering}, false, -1},
		"a page":                 {with(next, func(k *Known) { k.Number, k.Page = 324, 2 }), []Known{first}, 100, nil, false, -1},
		"a page left out":        {with(next, func(k *Known) { k.Number, k.Page = 324, 3 }), []Known{first}, 100, []CheckName{CheckNumbering}, false, -1},
		"another opening":        {next, []Known{first}, 99, []CheckName{CheckContinuity}, false, -1},
		"the same file":          {first, []Known{first}, 0, []CheckName{CheckDuplicate}, true, -1},
		"the same in a new file": {with(first, func(k *Known) { k.Digest = "c" }), []Known{first}, 0, []CheckName{CheckDuplicate}, true, -1},
		"a corrected one":        {with(first, func(k *Known) { k.Digest, k.Closing = "c", 120 }), []Known{first}, 0, []CheckName{CheckReplaced}, false, 0},
		"without numbers": {
			with(next, func(k *Known) { k.Number, k.ID = 0, "T" }), []Known{with(first, func(k *Known) { k.Number, k.ID = 0, "S" })}, 100, nil, false, -1,
		},
	} {
		opening := Balance{}
		opening.Amount.Tiyn = c.opening
		v := Judge(c.fresh, &opening, c.known)
		var failed []CheckName
		for _, k := range v.Checks {
			if k.Result == Failed {
				failed = append(failed, k.Name)
			}
		}
		if !slices.Equal(failed, c.failed) || v.Duplicate != c.duplicate || v.Replaces != c.replaces {
			t.Errorf("%s: failed %v, duplicate %v, replaces %d", name, failed, v.Duplicate, v.Replaces)
		}
	}
}
