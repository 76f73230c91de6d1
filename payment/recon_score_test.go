package payment

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"qaqpa/payment/recon"
	"qaqpa/testenv/statements"
)

// outcome is what became of one payment's lines, or of one line.
type outcome struct{ defect, what string }

// monthScore compares what was matched with the truth.
type monthScore struct {
	counts map[outcome]int
	// right, wrong and left are matched pairs of payment and line: rightly, wrongly, and not although they belong together.
	right, wrong, left map[statements.Defect]int
}

// judgeMonth holds matches and exceptions against the generator's truth.
func (b *bundle) judgeMonth(plan *statements.Plan) monthScore {
	b.t.Helper()
	s := monthScore{counts: map[outcome]int{}, right: map[statements.Defect]int{}, wrong: map[statements.Defect]int{}, left: map[statements.Defect]int{}}
	ctx := b.t.Context()
	var pairs []struct {
		Reference string `db:"bank_reference"`
		Batch     string `db:"batch"`
		No        int64  `db:"expectation"`
		Amount    int64  `db:"amount"`
	}
	b.must(all(ctx, b.db, &pairs, `
		SELECT l.bank_reference, l.batch, m.expectation, l.amount FROM recon_matches m
		JOIN statement_lines l ON l.bucket = m.bucket AND l.statement = m.statement AND l.no = m.no AND l.part = m.part WHERE m.undone_at IS NULL`))
	matched := map[int64][]string{}
	for _, p := range pairs {
		matched[p.No] = append(matched[p.No], p.Reference)
	}
	var listed []struct {
		Reference *string    `db:"bank_reference"`
		Missing   int64      `db:"missing"`
		Kind      recon.Kind `db:"kind"`
	}
	b.must(all(ctx, b.db, &listed, `
		SELECT l.bank_reference, e.missing, e.kind FROM recon_exceptions e
		LEFT JOIN statement_lines l ON l.bucket = e.bucket AND l.statement = e.statement AND l.no = e.no AND l.part = e.part AND e.no > 0
		WHERE e.state NOT IN ('resolved', 'void')`))
	kinds, missing := map[string]recon.Kind{}, map[int64]bool{}
	for _, l := range listed {
		if l.Reference != nil {
			kinds[*l.Reference] = l.Kind
		} else {
			missing[l.Missing] = true
		}
	}
	b.must(plan.Truth(func(f *statements.Fact) error {
		no := int64(f.Index+1) * 256
		got := matched[no]
		for _, e := range got {
			if slices.Contains(f.Entries, e) {
				s.right[f.Defect]++
			} else {
				s.wrong[f.Defect]++
			}
		}
		var what []string
		for _, e := range f.Entries {
			switch {
			case slices.Contains(got, e):
				what = append(what, "matched")
			case kinds[e] != "":
				what = append(what, string(kinds[e]))
			default:
				what = append(what, "nothing")
			}
		}
		if missing[no] && f.Index >= 0 {
			what = append(what, "listed as missing")
		}
		if len(what) == 0 {
			what = append(what, "nothing")
		}
		s.counts[outcome{string(f.Defect), strings.Join(what, " + ")}]++
		if belongs(f.Defect) && len(got) < len(f.Entries) {
			s.left[f.Defect]++
		}
		return nil
	}))
	return s
}

// belongs says whether entries of a defect belong to the payment with all their money.
func belongs(d statements.Defect) bool {
	return slices.Contains([]statements.Defect{statements.Clean, statements.Split, statements.Merged, statements.Late}, d)
}

// table is precision and recall of what rules matched, and below it what became of each defect.
func (s monthScore) table() string {
	right, wrong, left := 0, 0, 0
	for _, d := range append([]statements.Defect{statements.Clean}, statements.Defects()...) {
		right, wrong, left = right+s.right[d], wrong+s.wrong[d], left+s.left[d]
	}
	lines := []string{fmt.Sprintf(" matched rightly %d, wrongly %d, left to people %d: precision %.4f, recall %.4f",
		right, wrong, left, float64(right)/float64(right+wrong), float64(right)/float64(right+left))}
	for o, n := range s.counts {
		lines = append(lines, fmt.Sprintf("%-14s %-40s %7d", o.defect, o.what, n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// check holds the month to what is expected of each defect: nothing is matched wrongly, and every defect ends as the exception
// that names it. Merged payments may stay ambiguous, and only when another choice of open payments adds up to the same sum.
func (s monthScore) check(t *testing.T, b *bundle) {
	t.Helper()
	want := map[statements.Defect][]string{
		statements.Clean: {"matched"}, statements.Missing: {"listed as missing"}, statements.Surplus: {"surplus"}, statements.Doubled: {"matched + doubled"},
		statements.Split: {"matched + matched"}, statements.Merged: {"matched", "ambiguous + listed as missing"}, statements.WrongAmount: {"over", "under"},
		statements.WrongKBK: {"data"}, statements.Late: {"matched"}, statements.Reversed: {"matched + reversal"}, statements.Foreign: {"foreign-currency"},
	}
	for o, n := range s.counts {
		if !slices.Contains(want[statements.Defect(o.defect)], o.what) {
			t.Errorf("%d × %s: %s", n, o.defect, o.what)
		}
	}
	for d, n := range s.wrong {
		t.Errorf("%d lines of %s are matched with payments that they do not belong to", n, d)
	}
	var unclear []struct {
		Batch  string `db:"batch"`
		Amount int64  `db:"amount"`
		Count  int    `db:"choices"`
	}
	b.must(all(t.Context(), b.db, &unclear, `
		SELECT l.batch, l.amount, (SELECT count(*) FROM expectations x JOIN expectations y ON y.batch = x.batch AND y.no > x.no AND x.amount + y.amount = l.amount
			WHERE x.batch = l.batch AND NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.expectation IN (x.no, y.no))) AS choices
		FROM recon_exceptions e JOIN statement_lines l ON l.bucket = e.bucket AND l.statement = e.statement AND l.no = e.no AND l.part = e.part
		WHERE e.kind = 'ambiguous' AND e.state = 'open'`))
	for _, u := range unclear {
		if u.Count < 2 {
			t.Errorf("a line of %d for %s was left although only %d choices fit", u.Amount, u.Batch, u.Count)
		}
	}
}
