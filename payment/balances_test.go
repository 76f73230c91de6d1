package payment

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// posted makes postings between a few accounts in a few buckets, a checkpoint after each round, while time goes on; now and then the clock
// of the one who posts is a little behind.
func (b *bundle) posted(rounds int) []time.Time {
	b.t.Helper()
	draw := rand.New(rand.NewPCG(5, 5))
	due := ledger.BeneficiaryDue(b.agency.ID, "108125")
	moments := []time.Time{b.clock.now()}
	for round := range rounds {
		back := time.Duration(draw.IntN(2)) * 20 * time.Second
		b.clock.advance(-back)
		tx, err := b.db.BeginTxx(b.t.Context(), nil)
		b.must(err)
		_, err = b.postAll(b.t.Context(), tx, []postingRequest{
			{kind: ledger.Correction, bucket: 7, subject: fmt.Sprint("a", round), legs: []ledger.Transfer{
				{Debit: ledger.BankSuspense(testBIC), Credit: due, Amount: money.FromTiyn(1 + draw.Int64N(1000))},
			}},
			{kind: ledger.WriteOff, bucket: 7 + draw.IntN(3), subject: fmt.Sprint("b", round), legs: []ledger.Transfer{
				{Debit: due, Credit: ledger.OperatorWriteOffs, Amount: money.FromTiyn(1 + draw.Int64N(1000))},
				{Debit: ledger.BankSuspense(otherBIC), Credit: due, Amount: money.FromTiyn(1 + draw.Int64N(1000))},
			}},
		})
		b.must(err)
		b.must(tx.Commit())
		_, err = b.makeCheckpoint(b.t.Context())
		b.must(err)
		b.clock.advance(back + time.Duration(1+draw.IntN(90))*time.Second)
		moments = append(moments, b.clock.now())
	}
	return moments
}

// Whenever one asks, before pages are summed up, in the middle and after, a balance of the past is what the transfers say; and any two
// checkpoints prove that nothing of the earlier was lost.
func TestBalancesAndConsistency(t *testing.T) {
	b := setup(t)
	const rounds = snapshotEvery + 20
	moments := b.posted(rounds)
	for pass := range 3 {
		if pass == 1 {
			b.must(b.markPage(t.Context(), 7, 0))
		}
		if pass == 2 {
			n, err := b.workBalances(t.Context())
			b.must(err)
			again, err := b.workBalances(t.Context())
			if b.must(err); n == 0 || again != 0 {
				t.Errorf("%d pages, then %d", n, again)
			}
			b.must(b.markPage(t.Context(), 7, 0)) // another process does the same
		}
		b.balancesAgree(moments)
	}
	all, err := b.Balances(t.Context(), b.clock.now())
	b.must(err)
	var sum int64
	for _, one := range all {
		sum += one.Amount
	}
	if report := b.check(); sum != 0 || len(all) != len(report.Balances) {
		t.Errorf("%d accounts with a sum of %d; the walk found %d", len(all), sum, len(report.Balances))
	}
	_, err = b.BalanceAt(t.Context(), "bank:nobody", b.clock.now())
	wants(t, err, ErrAccountUnknown)
	_, err = b.BalanceAt(t.Context(), ledger.OperatorWriteOffs, b.clock.now().Add(time.Hour))
	wants(t, err, ErrInvalid)
	b.consistencies(rounds)
	for what, spoil := range map[string]string{
		"stored sum": `UPDATE ledger_marks SET debit = debit + 1 WHERE (bucket, account, seq) IN (SELECT bucket, account, max(seq) FROM ledger_marks GROUP BY 1, 2 LIMIT 1)`,
		"another":    `UPDATE checkpoint_snapshots SET heads = set_byte(heads, 20, (get_byte(heads, 20) + 1) % 256)`,
	} {
		b.must(func() error { _, err := b.db.ExecContext(t.Context(), spoil); return err }())
		report, err := b.VerifyLedger(t.Context())
		b.must(err)
		if len(report.Problems) == 0 || !strings.Contains(strings.Join(report.Problems, "\n"), what) {
			t.Errorf("%s: not seen: %v", what, report.Problems)
		}
	}
}

func (b *bundle) balancesAgree(moments []time.Time) {
	b.t.Helper()
	draw := rand.New(rand.NewPCG(6, 6))
	accounts := []ledger.Account{
		ledger.BankSuspense(testBIC), ledger.BankSuspense(otherBIC), ledger.OperatorWriteOffs, ledger.BeneficiaryDue(b.agency.ID, "108125"), ledger.BankDue(testBIC),
	}
	for range 40 {
		account, at := accounts[draw.IntN(len(accounts))], moments[draw.IntN(len(moments))].Add(-time.Duration(draw.IntN(40))*time.Second)
		got, err := b.BalanceAt(b.t.Context(), account, at)
		b.must(err)
		var want int64
		b.must(b.db.Get(&want, `SELECT coalesce(sum(CASE WHEN debit_account = $1 THEN amount ELSE -amount END), 0)::bigint FROM transfers
			WHERE (debit_account = $1 OR credit_account = $1) AND created_at <= $2`, string(account), at))
		if got.Amount != want || got.Debit-got.Credit != want {
			b.t.Fatalf("%s at %v: %+v, the transfers say %d", account, at, got, want)
		}
	}
}

func (b *bundle) consistencies(rounds int64) {
	b.t.Helper()
	draw := rand.New(rand.NewPCG(7, 7))
	ctx := b.t.Context()
	for range 12 {
		to := 1 + draw.Int64N(rounds)
		from := 1 + draw.Int64N(to)
		p, err := b.Consistency(ctx, from, to)
		b.must(err)
		before, after, err := p.Verify(b.noteKeys)
		if err != nil || before.Number != from || after.Number != to {
			b.t.Fatalf("from %d to %d: %v", from, to, err)
		}
		named, err := b.CheckpointAt(ctx, to)
		if b.must(err); named.Note != p.New {
			b.t.Errorf("checkpoint %d has another note", to)
		}
		if from == to {
			continue
		}
		for name, spoil := range map[string]func(*ledger.Consistency){
			"swapped":      func(c *ledger.Consistency) { c.Old, c.New = c.New, c.Old },
			"bucket gone":  func(c *ledger.Consistency) { c.Buckets = c.Buckets[1:] },
			"bucket twice": func(c *ledger.Consistency) { c.Buckets = append(c.Buckets, c.Buckets[0]) },
			"size":         func(c *ledger.Consistency) { c.Buckets[0].OldSize++ },
			"negative":     func(c *ledger.Consistency) { c.Buckets[0].OldSize = -1 },
			"root":         func(c *ledger.Consistency) { c.Buckets[0].OldRoot = "AAAA" },
			"path":         func(c *ledger.Consistency) { c.Buckets[0].Path = append(c.Buckets[0].Path, c.Buckets[0].NewRoot) },
			"no bucket":    func(c *ledger.Consistency) { c.Buckets[0].Bucket = 256 },
			"note":         func(c *ledger.Consistency) { c.New += " " },
		} {
			bad := p
			bad.Buckets = append([]ledger.BucketConsistency(nil), p.Buckets...)
			bad.Buckets[0].Path = append([]string(nil), p.Buckets[0].Path...)
			spoil(&bad)
			if _, _, err := bad.Verify(b.noteKeys); err == nil {
				b.t.Errorf("%s: a spoilt proof from %d to %d holds", name, from, to)
			}
		}
	}
	_, err := b.Consistency(ctx, 2, 1)
	wants(b.t, err, ErrInvalid)
	_, err = b.Consistency(ctx, 1, rounds+5)
	wants(b.t, err, ErrCheckpointUnknown)
	_, err = b.CheckpointAt(ctx, rounds+5)
	wants(b.t, err, ErrCheckpointUnknown)
}

// What the law has not said yet is refused, and said by an operator once: never changed.
func TestMRPOfAYearToCome(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	next := time.Date(2027, 1, 1, 0, 0, 0, 0, catalog.Almaty())
	if _, err := b.Quote(ctx, b.licence.ID, catalog.Ask{On: catalog.DateOf(next.Add(-time.Second))}); err != nil {
		t.Errorf("on the last day of 2026: %v", err)
	}
	_, err := b.Quote(ctx, b.licence.ID, catalog.Ask{On: catalog.DateOf(next)})
	wants(t, err, ErrNoTariff)
	good := catalog.MRP{ValidFrom: "2027-01-01", ValidTo: "2027-12-31", Tiyn: 465000, Source: "law on the budget"}
	for name, c := range map[string]struct {
		change func(*catalog.MRP)
		want   *Error
	}{
		"known":     {func(m *catalog.MRP) { m.ValidFrom, m.ValidTo = "2026-06-01", "2026-12-31" }, ErrMRPKnown},
		"overlap":   {func(m *catalog.MRP) { m.ValidFrom = "2026-12-31" }, ErrMRPKnown},
		"backwards": {func(m *catalog.MRP) { m.ValidTo = "2026-01-01" }, ErrInvalid},
		"no day":    {func(m *catalog.MRP) { m.ValidFrom = "2027-02-30" }, ErrInvalid},
		"open":      {func(m *catalog.MRP) { m.ValidTo = "" }, ErrInvalid},
		"nothing":   {func(m *catalog.MRP) { m.Tiyn = 0 }, ErrAmountInvalid},
		"negative":  {func(m *catalog.MRP) { m.Tiyn = -1 }, ErrAmountInvalid},
		"no source": {func(m *catalog.MRP) { m.Source = "" }, ErrInvalid},
	} {
		bad := good
		c.change(&bad)
		_, _, err := b.AddMRP(ctx, b.idem(name), bad)
		t.Run(name, func(t *testing.T) { wants(t, err, c.want) })
	}
	_, _, err = b.AddMRP(ctx, b.idem("good"), good)
	b.must(err)
	_, _, err = b.AddMRP(ctx, b.idem("again"), good)
	wants(t, err, ErrMRPKnown)
	quote, err := b.Quote(ctx, b.licence.ID, catalog.Ask{On: catalog.DateOf(next)})
	if err != nil || quote.Tiyn != 581300 || quote.Basis.MRP != 465000 { // 1.25 × 4650 = 5812.50, half up
		t.Errorf("quote %+v, %v", quote, err)
	}
	var noted int
	b.must(b.db.Get(&noted, `SELECT count(*) FROM diary WHERE action = 'mrp.added'`))
	if noted != 1 {
		t.Errorf("%d audit entries", noted)
	}
}

// Leaves of both kinds are added up as the ledger adds their transfers.
func TestSumsAreThoseOfTransfers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := ledger.Posting{
			Type: ledger.PostingType, Version: ledger.PostingVersion, ID: "pst_1", Kind: ledger.Refund, Subject: "s", RecordedAt: "2026-03-01T00:00:00Z",
		}
		want := ledger.Balances{}
		for i := range rapid.IntRange(1, 9).Draw(t, "legs") {
			leg := ledger.Transfer{
				ID: fmt.Sprint("trf_", i), Debit: ledger.BankHeld(testBIC), Credit: rapid.SampledFrom([]ledger.Account{ledger.BankRefunds(testBIC), ledger.OperatorCorrections}).Draw(t, "to"),
				Amount: money.FromTiyn(rapid.Int64Range(1, 1e9).Draw(t, "tiyn")),
			}
			p.Transfers = append(p.Transfers, leg)
			if err := want.Add(leg); err != nil {
				t.Fatal(err)
			}
		}
		leaf, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got := ledger.Balances{}
		if err := ledger.Sums(leaf, func(debit, credit ledger.Account, tiyn int64) { got[debit] += tiyn; got[credit] -= tiyn }); err != nil {
			t.Fatal(err)
		}
		for account := range want {
			if got[account] != want[account] {
				t.Fatalf("%s: %d, want %d", account, got[account], want[account])
			}
		}
	})
}
