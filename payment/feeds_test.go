package payment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

// lines hands items out as a feed, and then err.
func lines(items []debt.Item, err error) func() (FeedLine, error) {
	i := -1
	return func() (FeedLine, error) {
		if i++; i >= len(items) {
			return FeedLine{}, err
		}
		raw, jsonErr := json.Marshal(items[i])
		return FeedLine{Raw: raw, Item: items[i]}, jsonErr
	}
}

func (b *bundle) feedResults(name string) []FeedResult {
	b.t.Helper()
	var out []FeedResult
	b.must(b.FeedResults(b.t.Context(), b.agency.ID, name, func(text []byte) error {
		dec := json.NewDecoder(bytes.NewReader(text))
		for {
			var r FeedResult
			if err := dec.Decode(&r); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			out = append(out, r)
		}
	}))
	return out
}

func outcomes(results []FeedResult) []string {
	out := make([]string, len(results))
	for i, r := range results {
		out[i] = string(r.Outcome)
		if r.Code != "" {
			out[i] = r.Code + " " + r.Field
		}
	}
	return out
}

// Lines take effect in their order, each with its own result; bad ones stop nobody.
func TestFeedActions(t *testing.T) {
	b := setup(t)
	payer := debt.Payer{ID: citizenIIN}
	fine := func(reference string, tiyn int64) debt.Item {
		return debt.Item{Reference: reference, Payer: payer, Service: b.fine.ID, Tiyn: &tiyn}
	}
	recall := func(reference, reason string) debt.Item {
		return debt.Item{Reference: reference, Payer: payer, Action: debt.RecallIt, Reason: reason}
	}
	over := fine("B", 700)
	over.Supersedes = "A"
	self := fine("Z", 1)
	self.Supersedes = "Z"
	lost := fine("Y", 1)
	lost.Supersedes = "X"
	odd := recall("B", "r")
	odd.Service = b.fine.ID
	reasoned := fine("Q", 1)
	reasoned.Reason = "why"
	items := []debt.Item{
		fine("A", 500), fine("A", 600), over, recall("A", "again"), recall("B", "error"), fine("B", 800), recall("C", "x"),
		recall("B", ""), self, lost, odd, reasoned,
		{Reference: "D", Payer: payer, Action: "delete"},
	}
	feed := Feed{Caller: "agency:x", Agency: b.agency.ID, Name: "f1"}
	report, replayed, err := b.FeedDebts(t.Context(), feed, lines(items, io.EOF))
	if err != nil || replayed || !report.Complete || report.Lines != len(items) || report.Accepted != 6 {
		t.Fatalf("%+v %v %v", report, replayed, err)
	}
	got := b.feedResults("f1")
	want := []string{
		"created", "amended", "created", "unchanged", "recalled", "reopened", "debt_unknown reference",
		"invalid_request reason", "invalid_request supersedes", "debt_unknown supersedes", "invalid_request action", "invalid_request reason", "invalid_request action",
	}
	if diff := cmp.Diff(want, outcomes(got)); diff != "" {
		t.Fatal(diff)
	}
	if got[2].Superseded != got[0].Debt || got[12].Line != 13 {
		t.Errorf("%+v %+v", got[2], got[12])
	}
	a, err := b.Debt(t.Context(), got[0].Debt)
	if err != nil || a.State != debt.Recalled || a.RecallReason != "→ B" || a.Tiyn != 600 {
		t.Errorf("superseded: %+v %v", a, err)
	}
	c, err := b.Debt(t.Context(), got[2].Debt)
	if err != nil || c.State != debt.Open || c.Tiyn != 800 || c.Version != 3 {
		t.Errorf("reopened: %+v %v", c, err)
	}
	if found, err := b.Debts(t.Context(), DebtQuery{Payer: citizenIIN, Agency: "agc_other"}); err != nil || len(found.Items) != 0 {
		t.Errorf("another agency sees %+v %v", found, err)
	}
	if found, err := b.Debts(t.Context(), DebtQuery{Payer: citizenIIN, Agency: b.agency.ID}); err != nil || len(found.Items) != 1 {
		t.Errorf("the agency sees %+v %v", found, err)
	}
	b.check()
}

// A feed that is cut leaves whole transactions; its repetition goes on behind them and changes nothing before.
func TestFeedCutAndRepeated(t *testing.T) {
	b := setup(t)
	items := make([]debt.Item, 2*feedChunk+500)
	for i := range items {
		items[i] = debt.Item{Reference: fmt.Sprint(i), Payer: debt.Payer{ID: []string{citizenIIN, neighborIIN, companyBIN}[i%3]}, Service: b.fine.ID, Tiyn: new(int64(i) + 1)}
	}
	feed := Feed{Caller: "agency:x", Agency: b.agency.ID, Name: "f1"}
	cut := errors.New("connection reset")
	report, _, err := b.FeedDebts(t.Context(), feed, lines(items[:feedChunk+300], cut))
	if !errors.Is(err, cut) || report.Lines != feedChunk || report.Complete {
		t.Fatalf("%+v %v", report, err)
	}
	var n int
	b.must(b.db.Get(&n, `SELECT count(*) FROM debts`))
	if progress, err := b.FeedProgress(t.Context(), b.agency.ID, "f1"); err != nil || n != feedChunk || !cmp.Equal(progress, report) {
		t.Fatalf("%d debts, %+v %v", n, progress, err)
	}
	// What another feed has said since is not undone by the repetition.
	_, _, err = b.SubmitDebts(t.Context(), b.idem("x"), b.agency.ID, []debt.Item{{Reference: "5", Payer: items[5].Payer, Service: b.fine.ID, Tiyn: new(int64(9))}})
	b.must(err)
	b.clock.advance(time.Hour)
	report, replayed, err := b.FeedDebts(t.Context(), feed, lines(items, io.EOF))
	if err != nil || replayed || report.Lines != len(items) || !report.Complete || report.Refused != 0 {
		t.Fatalf("%+v %v %v", report, replayed, err)
	}
	first := b.feedResults("f1")
	if d, err := b.Debt(t.Context(), first[5].Debt); err != nil || d.Tiyn != 9 {
		t.Errorf("the repetition changed %+v %v", d, err)
	}
	again, replayed, err := b.FeedDebts(t.Context(), feed, lines(items, io.EOF))
	if err != nil || !replayed || !cmp.Equal(again, report) || !cmp.Equal(b.feedResults("f1"), first) {
		t.Errorf("%+v %v %v", again, replayed, err)
	}
	for name, other := range map[string][]debt.Item{
		"shorter": items[:2*feedChunk+100], "shorter by a chunk": items[:2*feedChunk], "longer": append(slices.Clip(items), items[0]),
		"another line": append([]debt.Item{{Reference: "0", Payer: items[0].Payer, Service: b.fine.ID, Tiyn: new(int64(77))}}, items[1:]...),
	} {
		if _, _, err := b.FeedDebts(t.Context(), feed, lines(other, io.EOF)); !errors.Is(err, ErrIdempotencyReuse) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.check()
}

func TestFeedRefuses(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	_, _, err := b.FeedDebts(ctx, Feed{Caller: "x", Agency: b.agency.ID}, lines(nil, io.EOF))
	wants(t, err, ErrIdempotencyMissing)
	_, _, err = b.FeedDebts(ctx, Feed{Caller: "x", Agency: "agc_other", Name: "f"}, lines(nil, io.EOF))
	wants(t, err, ErrAgencyUnknown)
	_, err = b.FeedProgress(ctx, b.agency.ID, "f")
	wants(t, err, ErrFeedUnknown)
	wants(t, b.FeedResults(ctx, b.agency.ID, "f", nil), ErrFeedUnknown)
	report, _, err := b.FeedDebts(ctx, Feed{Caller: "x", Agency: b.agency.ID, Name: "empty"}, lines(nil, io.EOF))
	if err != nil || !report.Complete || report.Lines != 0 {
		t.Errorf("%+v %v", report, err)
	}
}

// Six processes send the same feed at once: its lines take effect once.
func TestFeedAtOnce(t *testing.T) {
	b := setup(t)
	items := make([]debt.Item, 50)
	for i := range items {
		items[i] = debt.Item{Reference: fmt.Sprint(i), Payer: debt.Payer{ID: citizenIIN}, Service: b.licence.ID}
	}
	var wait sync.WaitGroup
	for i := range 6 {
		feed := Feed{Caller: fmt.Sprint("process ", i), Agency: b.agency.ID, Name: "f"} // another caller: not stopped in memory
		wait.Go(func() {
			if _, _, err := b.FeedDebts(t.Context(), feed, lines(items, io.EOF)); err != nil && !errors.Is(err, ErrIdempotencyBusy) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := b.feedResults("f"); len(got) != len(items) || got[0].Outcome != debt.Created {
		t.Errorf("%d results, %+v", len(got), got[0])
	}
}

// A debt that somebody is paying or has paid is not recalled under his hands, nor superseded.
func TestFeedLeavesReservedDebts(t *testing.T) {
	b := setup(t)
	o := b.authorised(citizenIIN)
	if o.State != order.Authorised {
		t.Fatalf("order %+v", o)
	}
	page, err := b.Debts(t.Context(), DebtQuery{Payer: citizenIIN})
	b.must(err)
	d := page.Items[0]
	items := []debt.Item{
		{Reference: d.Reference, Payer: debt.Payer{ID: citizenIIN}, Action: debt.RecallIt, Reason: "x"},
		{Reference: "N", Payer: debt.Payer{ID: citizenIIN}, Service: b.licence.ID, Supersedes: d.Reference},
	}
	_, _, err = b.FeedDebts(t.Context(), Feed{Caller: "x", Agency: b.agency.ID, Name: "f"}, lines(items, io.EOF))
	b.must(err)
	if diff := cmp.Diff([]string{"debt_being_paid reference", "debt_being_paid supersedes"}, outcomes(b.feedResults("f"))); diff != "" {
		t.Error(diff)
	}
	var n int
	b.must(b.db.Get(&n, `SELECT count(*) FROM debts`))
	if n != 1 {
		t.Errorf("%d debts", n)
	}
}
