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

// table is precision and recall of what rules matched, in all and for each defect, and below it what became of each. Lines that belong to no
// payment with all their money, such as a surplus, are right when rules leave them alone.
func (s monthScore) table() string {
	share := func(part, whole int) string {
		if whole == 0 {
			return "     –"
		}
		return fmt.Sprintf("%.4f", float64(part)/float64(whole))
	}
	var right, wrong, left int
	lines := []string{fmt.Sprintf("%-14s %9s %9s %6s %9s %6s", "defect", "rightly", "wrongly", "left", "precision", "recall")}
	for _, d := range append([]statements.Defect{statements.Clean}, statements.Defects()...) {
		r, w, l := s.right[d], s.wrong[d], s.left[d]
		right, wrong, left = right+r, wrong+w, left+l
		lines = append(lines, fmt.Sprintf("%-14s %9d %9d %6d %9s %6s", d, r, w, l, share(r, r+w), share(r, r+l)))
	}
	lines = append(lines, fmt.Sprintf("%-14s %9d %9d %6d %9s %6s", "all", right, wrong, left, share(right, right+wrong), share(right, right+left)), "")
	var what []string
	for o, n := range s.counts {
		what = append(what, fmt.Sprintf("%-14s %-40s %7d", o.defect, o.what, n))
	}
	slices.Sort(what)
	return strings.Join(append(lines, what...), "\n")
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
	t.Logf("%d lines were left to people because several choices of open payments add up to them", len(unclear))
	for _, u := range unclear {
		if u.Count < 2 {
			t.Errorf("a line of %d for %s was left although only %d choices fit", u.Amount, u.Batch, u.Count)
		}
	}
}
