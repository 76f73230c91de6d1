package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/testenv/postgres"

	"github.com/jmoiron/sqlx"
)

// bench is one log over a database of its own.
type bench struct {
	*testing.T
	db  *sqlx.DB
	log *audit.Log
}

func setup(t *testing.T) *bench {
	t.Helper()
	log, err := audit.New(audit.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{T: t, db: postgres.ForTest(t, signer.Migrate), log: log}
}

// in runs f in a transaction and commits unless f fails.
func (b *bench) in(f func(tx *sqlx.Tx) error) error {
	tx, err := b.db.BeginTxx(b.Context(), nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (b *bench) append(subject string) {
	b.Helper()
	err := b.in(func(tx *sqlx.Tx) error {
		return b.log.Append(b.Context(), tx, "tester", "thing.done", subject, []byte(`{"n":1}`))
	})
	if err != nil {
		b.Fatal(err)
	}
}

// check verifies the log and wants exactly these faults, each named by a part of its text.
func (b *bench) check(entries int64, faults ...string) {
	b.Helper()
	rep, err := audit.Verify(b.Context(), b.db, nil)
	if err != nil {
		b.Fatal(err)
	}
	if rep.Entries != entries || rep.Whole() != (len(faults) == 0) {
		b.Errorf("%d entries, faults %v; want %d entries", rep.Entries, rep.Faults, entries)
	}
	for _, want := range faults {
		found := false
		for _, f := range rep.Faults {
			found = found || strings.Contains(f.What, want)
		}
		if !found {
			b.Errorf("no fault says %q: %v", want, rep.Faults)
		}
	}
}

func (b *bench) exec(statement string) {
	b.Helper()
	if _, err := b.db.ExecContext(b.Context(), statement); err != nil {
		b.Fatal(err)
	}
}

func TestAppendAndVerify(t *testing.T) {
	b := setup(t)
	b.check(0)
	for i := range 10 {
		b.append(fmt.Sprintf("ord_%02x0000", i%3))
	}
	b.check(10)
	// A transaction that does not commit leaves nothing.
	wrong := errors.New("the effect failed")
	err := b.in(func(tx *sqlx.Tx) error {
		return errors.Join(b.log.Append(b.Context(), tx, "tester", "thing.done", "ord_000000", nil), wrong)
	})
	if !errors.Is(err, wrong) {
		t.Fatal(err)
	}
	b.check(10)
	b.append("ord_000000")
	b.check(11)
}

func TestAppendAllKeepsOrderInChain(t *testing.T) {
	b := setup(t)
	var entries []audit.Entry
	for i := range 1000 {
		entries = append(entries, audit.Entry{
			Actor: "tester", Action: fmt.Sprintf("step.%d", i), Subject: fmt.Sprintf("ord_%02x77", i%7), Detail: bytes.Repeat([]byte{0, 255}, i%5),
		})
	}
	if err := b.in(func(tx *sqlx.Tx) error { return b.log.AppendAll(b.Context(), tx, entries) }); err != nil {
		t.Fatal(err)
	}
	b.append("ord_0377")
	b.check(1001)
	var actions []string
	if err := b.db.Select(&actions, `SELECT action FROM audit_entries WHERE chain = 3 ORDER BY seq`); err != nil {
		t.Fatal(err)
	}
	for i, a := range actions[:len(actions)-1] {
		if want := fmt.Sprintf("step.%d", 3+7*i); a != want {
			t.Fatalf("entry %d of the chain is %s, want %s", i, a, want)
		}
	}
}

func TestVerifyFindsTampering(t *testing.T) {
	for _, c := range []struct {
		name      string
		statement string
		entries   int64
		fault     string
	}{
		{"changed detail", `UPDATE audit_entries SET detail = 'x' WHERE chain = 7 AND seq = 2`, 4, "was changed"},
		{"changed actor", `UPDATE audit_entries SET actor = 'nobody' WHERE chain = 7 AND seq = 4`, 4, "was changed"},
		{"changed time", `UPDATE audit_entries SET at = at + interval '1 microsecond' WHERE chain = 7 AND seq = 1`, 4, "was changed"},
		{"removed in the middle", `DELETE FROM audit_entries WHERE chain = 7 AND seq = 2`, 3, "entries are missing"},
		{"removed at the end", `DELETE FROM audit_entries WHERE chain = 7 AND seq = 4`, 3, "the head says"},
		{"removed head", `DELETE FROM audit_chains WHERE chain = 9`, 4, "chains have a head"},
		{"moved head", `UPDATE audit_chains SET seq = 1 WHERE chain = 9`, 4, "the head says"},
		{
			"entry of another chain", `INSERT INTO audit_entries SELECT 8, seq, prev_hash, hash, at, actor, action, subject, detail
			FROM audit_entries WHERE chain = 7 AND seq = 1`, 5, "does not belong",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := setup(t)
			for range 4 {
				b.append("ord_070000")
			}
			b.check(4)
			b.exec(c.statement)
			b.check(c.entries, c.fault)
		})
	}
}

// TestSealsShowWhatChainsCannot cuts a chain off together with its head: only the seal tells.
func TestSealsShowWhatChainsCannot(t *testing.T) {
	b := setup(t)
	for range 3 {
		b.append("ord_070000")
	}
	wrapped := func(_ context.Context, doc []byte) ([]byte, error) { return append([]byte("sealed:"), doc...), nil }
	if _, err := b.log.SealHeads(t.Context(), b.db, wrapped); err != nil {
		t.Fatal(err)
	}
	b.append("ord_070000")
	b.check(4)
	open := func(sealed []byte) ([]byte, error) {
		doc, ok := bytes.CutPrefix(sealed, []byte("sealed:"))
		if !ok {
			return nil, errors.New("not sealed by us")
		}
		return doc, nil
	}
	rep, err := audit.Verify(t.Context(), b.db, open)
	if err != nil || !rep.Whole() || rep.Seals != 1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	b.exec(`DELETE FROM audit_entries WHERE chain = 7 AND seq >= 3`)
	b.exec(`UPDATE audit_chains SET seq = e.seq, hash = e.hash FROM audit_entries e WHERE e.chain = 7 AND e.seq = 2 AND audit_chains.chain = 7`)
	b.check(2, "sealed, but no longer there")
	b.exec(`UPDATE audit_seals SET sealed = 'x'`)
	rep, err = audit.Verify(t.Context(), b.db, open)
	if err != nil || len(rep.Faults) == 0 || !strings.Contains(rep.Faults[0].What, "not sealed by us") {
		t.Fatalf("%+v, %v", rep, err)
	}
}

// TestConcurrentWriters: writers of few and of many chains, some of which give up, leave whole chains.
func TestConcurrentWriters(t *testing.T) {
	b := setup(t)
	b.db.SetMaxOpenConns(16)
	const writers, each = 12, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				err := b.in(func(tx *sqlx.Tx) error {
					entries := []audit.Entry{
						{Actor: "w", Action: "a", Subject: fmt.Sprintf("ord_%02xaa", (w+i)%4)},
						{Actor: "w", Action: "b", Subject: fmt.Sprintf("ord_%02xbb", (w*i)%256)},
					}
					if err := b.log.AppendAll(b.Context(), tx, entries); err != nil {
						return err
					}
					if i%5 == 0 {
						return errGivenUp
					}
					return nil
				})
				if err != nil && !errors.Is(err, errGivenUp) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.check(writers * each * 2 * 4 / 5)
}

var errGivenUp = errors.New("given up")

func TestUnusableEntries(t *testing.T) {
	b := setup(t)
	for _, e := range []audit.Entry{
		{Action: "a", Subject: "s"},
		{Actor: "a", Subject: "s"},
		{Actor: "a", Action: "a"},
		{Actor: strings.Repeat("a", 257), Action: "a", Subject: "s"},
		{Actor: "a\x00", Action: "a", Subject: "s"},
		{Actor: "a", Action: "\xff", Subject: "s"},
		{Actor: "a", Action: "a", Subject: "s", Detail: make([]byte, 64<<10+1)},
	} {
		err := b.in(func(tx *sqlx.Tx) error { return b.log.AppendAll(b.Context(), tx, []audit.Entry{e}) })
		if !errors.Is(err, audit.ErrEntry) {
			t.Errorf("%.40v: %v", e, err)
		}
	}
	b.check(0)
}

func TestBucket(t *testing.T) {
	for subject, want := range map[string]int{"ord_7f0190": 0x7f, "vrd_00aa": 0, "ord_zz00": -1, "ord_7f": -1, "plain": -1} {
		got := audit.Bucket(subject)
		if want >= 0 && got != want || got < 0 || got >= audit.Chains {
			t.Errorf("%s: %d", subject, got)
		}
	}
}

func TestHeadsAreJSON(t *testing.T) {
	b := setup(t)
	b.append("ord_070000")
	b.append("ord_050000")
	var doc audit.Heads
	_, err := b.log.SealHeads(t.Context(), b.db, func(_ context.Context, d []byte) ([]byte, error) { return d, json.Unmarshal(d, &doc) })
	if err != nil || doc.Type != "audit-heads" || len(doc.Heads) != 2 || doc.Heads[0].Chain != 5 {
		t.Fatalf("%+v, %v", doc, err)
	}
}
