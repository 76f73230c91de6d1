package audit_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/testenv/postgres"

	"github.com/jmoiron/sqlx"
)

// BenchmarkAppend measures entries per second: one transaction each over spread and over one subject, a hundred in one
// transaction, and the shared commits of a Recorder. "bare" is the same number of rows inserted without a chain.
func BenchmarkAppend(b *testing.B) {
	db := postgres.ForTest(b, signer.Migrate)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	log, err := audit.New(audit.Config{Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := db.ExecContext(b.Context(), `CREATE TABLE bare AS SELECT * FROM audit_entries; ALTER TABLE bare ADD PRIMARY KEY (chain, seq)`); err != nil {
		b.Fatal(err)
	}
	recorder := audit.NewRecorder(log, db)
	detail := make([]byte, 200)
	entry := func(i int64) audit.Entry {
		return audit.Entry{Actor: "bench", Action: "done", Subject: fmt.Sprintf("ord_%02x%d", i%256, i), Detail: detail}
	}
	var n atomic.Int64
	for _, c := range []struct {
		name string
		per  int64
		work func(ctx context.Context, i int64) error
	}{
		{"spread", 1, func(ctx context.Context, i int64) error {
			return inTx(ctx, db, func(tx *sqlx.Tx) error { return log.AppendAll(ctx, tx, []audit.Entry{entry(i)}) })
		}},
		{"one-subject", 1, func(ctx context.Context, _ int64) error {
			return inTx(ctx, db, func(tx *sqlx.Tx) error { return log.AppendAll(ctx, tx, []audit.Entry{entry(0)}) })
		}},
		{"hundred-a-transaction", 100, func(ctx context.Context, i int64) error {
			entries := make([]audit.Entry, 100)
			for k := range entries {
				entries[k] = entry(i*100 + int64(k))
			}
			return inTx(ctx, db, func(tx *sqlx.Tx) error { return log.AppendAll(ctx, tx, entries) })
		}},
		{"recorder", 1, func(ctx context.Context, i int64) error { return recorder.Record(ctx, entry(i)) }},
		{"bare", 1, func(ctx context.Context, i int64) error {
			return inTx(ctx, db, func(tx *sqlx.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO bare VALUES ($1, $2, $3, $3, now(), 'bench', 'done', $4, $5)`,
					i%256, i, make([]byte, 32), entry(i).Subject, detail)
				return err
			})
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := c.work(b.Context(), n.Add(1)); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(int64(b.N)*c.per)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

func inTx(ctx context.Context, db *sqlx.DB, f func(*sqlx.Tx) error) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
