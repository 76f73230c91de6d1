package payment

import (
	"slices"
	"testing"

	"qaqpa/payment/recon"
)

// Decisions are turned over page by page, each once, the last first, also those of one instant; a cursor that nobody was given is refused.
func TestDecisionsByPages(t *testing.T) {
	b := setup(t)
	b.account()
	var lines []line
	for range 5 {
		lines = append(lines, line{tiyn: 100, ref: "X"})
	}
	b.reconcile(sheet{number: 1, day: b.today(), lines: lines}.camt())
	open := b.listed(ExceptionQuery{Kind: recon.Surplus})
	for i, e := range open {
		if i == 3 {
			b.clock.advance(1)
		}
		b.resolved(e, ExceptionAction{Way: recon.Park, Comment: "who knows"})
	}
	all, err := b.DecidedExceptions(t.Context(), "", 200)
	if err != nil || len(all.Items) != 5 || all.Next != "" {
		t.Fatalf("%+v %v", all, err)
	}
	var whole, paged []string
	for _, e := range all.Items {
		whole = append(whole, e.ID)
	}
	for after := ""; ; {
		page, err := b.DecidedExceptions(t.Context(), after, 2)
		b.must(err)
		for _, e := range page.Items {
			paged = append(paged, e.ID)
		}
		if after = page.Next; after == "" || len(paged) > 10 {
			break
		}
	}
	if !slices.Equal(whole, paged) {
		t.Errorf("by pages %v, at once %v", paged, whole)
	}
	for _, after := range []string{"x", "1", "1-1", "1-1-exc_", "-1-1-" + whole[0], "1-1-" + whole[0] + "0", "1-99999999999-" + whole[0]} {
		_, err := b.DecidedExceptions(t.Context(), after, 2)
		wants(t, err, ErrInvalid)
	}
}
