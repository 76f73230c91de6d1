package payment

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/testenv/postgres"
	"qaqpa/testenv/statements"
)

// reconBenchLine is what the project's table of measurements is made of.
type reconBenchLine struct {
	Path         string  `json:"path"`
	Value        float64 `json:"value"`
	Unit         string  `json:"unit"`
	Against      string  `json:"against"`
	AgainstValue float64 `json:"against_value"`
	Ratio        float64 `json:"ratio"`
	Goal         float64 `json:"goal"`
	Pass         bool    `json:"pass"`
}

// TestBenchRecon takes in a camt.053 of a million entries with two of a hundred of every defect, against as many payments, and
// compares with what PostgreSQL needs to COPY, ANALYZE and hash-join the same rows, plus a pass over the bytes of the file.
// It runs when QAQPA_BENCH is set and appends its lines to the file QAQPA_BENCH_JSONL.
func TestBenchRecon(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: set QAQPA_BENCH=1 to run it")
	}
	if n, err := strconv.Atoi(os.Getenv("QAQPA_BENCH_PROFILE")); err == nil {
		profileRecon(t, n)
		return
	}
	small := measureRecon(t, 100_000)
	large := measureRecon(t, 1_000_000)
	lines := []reconBenchLine{
		reconLine("reconcile 1,000,000 entries", large.took.Seconds(), "s", "COPY + ANALYZE + hash join + byte tokeniser", large.peer().Seconds(), 1.5),
		reconLine("memory of the gateway", float64(large.memory)/(1<<20), "MiB", "limit", 256, 1),
		reconLine("ten times the entries", large.took.Seconds(), "s", "a tenth of the entries", small.took.Seconds(), 11),
	}
	for _, l := range lines {
		t.Logf("%-32s %8.2f %-4s against %-44s %8.2f  ratio %5.2f  goal %5.2f  %v", l.Path, l.Value, l.Unit, l.Against, l.AgainstValue, l.Ratio, l.Goal, l.Pass)
	}
	t.Logf("1,000,000: file %d MB, %.1f MB/s; copy %v, analyze %v, join %v, tokeniser %v", large.size>>20, float64(large.size)/(1<<20)/large.took.Seconds(),
		large.copied, large.analyzed, large.joined, large.scanned)
	writeBench(t, os.Getenv("QAQPA_BENCH_JSONL"), lines)
}

// profileRecon takes in one statement of n entries while PostgreSQL writes the plan of every statement to its log, which is kept as
// the file QAQPA_BENCH_LOG.
func profileRecon(t *testing.T, n int) {
	t.Helper()
	m := measureRecon(t, n)
	t.Logf("%d entries: %v against %v (copy %v, analyze %v, join %v, tokeniser %v): %.2f; memory %d MiB", n, m.took, m.peer(), m.copied, m.analyzed, m.joined, m.scanned,
		m.took.Seconds()/m.peer().Seconds(), m.memory>>20)
	t.Logf("processor time: gateway %v + PostgreSQL %v = %v, peer %v + %v; ratio %.2f", m.gateway, m.database, m.gateway+m.database, m.peerTokenise, m.peerDatabase,
		(m.gateway+m.database).Seconds()/(m.peerTokenise+m.peerDatabase).Seconds())
}

func reconLine(path string, value float64, unit, against string, other, goal float64) reconBenchLine {
	return reconBenchLine{Path: "payment/recon: " + path, Value: value, Unit: unit, Against: against, AgainstValue: other, Ratio: value / other, Goal: goal, Pass: value/other <= goal}
}

func writeBench(t *testing.T, name string, lines []reconBenchLine) {
	t.Helper()
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, l := range lines {
		if err := json.NewEncoder(f).Encode(l); err != nil {
			t.Fatal(err)
		}
	}
}

// reconMeasure is one measurement.
type reconMeasure struct {
	size                              int64
	took                              time.Duration
	memory                            uint64
	copied, analyzed, joined, scanned time.Duration
	// Processor time of this process and of all processes of PostgreSQL, for the reconciliation and for its peer.
	gateway, database, peerTokenise, peerDatabase time.Duration
}

// processors is processor time spent so far: on a machine that others use too it says more than the clock.
type processors struct{ own, database time.Duration }

func processorTime(tb testing.TB, dir string) processors {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	p := processors{own: time.Duration(u.Utime.Nano() + u.Stime.Nano())}
	pidFile, err := os.ReadFile(filepath.Join(dir, "pg", "data", "postmaster.pid"))
	if err != nil {
		tb.Skipf("no processor time of PostgreSQL: %v", err)
	}
	server, _, _ := strings.Cut(string(pidFile), "\n")
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		const parent, own, waited = 1, 11, 13
		pid := filepath.Base(filepath.Dir(name))
		if len(fields) < waited+2 || (fields[parent] != server && pid != server) {
			continue
		}
		ticks := fields[own : own+2]
		if pid == server {
			ticks = fields[own : waited+2] // and its children that have ended
		}
		for _, f := range ticks {
			n, _ := strconv.ParseInt(f, 10, 64)
			p.database += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return p
}

func (p processors) since(tb testing.TB, dir string) (own, database time.Duration) {
	tb.Helper()
	now := processorTime(tb, dir)
	return now.own - p.own, now.database - p.database
}

func (m reconMeasure) peer() time.Duration { return m.copied + m.analyzed + m.joined + m.scanned }

func measureRecon(t *testing.T, entries int) reconMeasure {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	settings := map[string]string{"shared_buffers": "'1GB'", "max_wal_size": "'8GB'", "checkpoint_timeout": "'30min'"}
	if os.Getenv("QAQPA_BENCH_PROFILE") != "" {
		maps.Copy(settings, map[string]string{
			"shared_preload_libraries": "'auto_explain'", "auto_explain.log_min_duration": "'" + cmp.Or(os.Getenv("QAQPA_BENCH_EXPLAIN"), "-1") + "'", "auto_explain.log_analyze": "on",
			"auto_explain.log_buffers": "on", "auto_explain.log_wal": "on", "auto_explain.log_timing": "off", "log_min_duration_statement": "'5ms'",
			"log_lock_waits": "on", "log_checkpoints": "on", "log_min_messages": "log",
		})
	}
	server, err := postgres.Start(t.Context(), postgres.Config{Dir: filepath.Join(dir, "pg"), Durable: true, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	admin, err := server.Open(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if _, err := admin.ExecContext(t.Context(), `CREATE DATABASE bench`); err != nil {
		t.Fatal(err)
	}
	db, err := ConnectBulk(t.Context(), server.DSN("bench"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if err := migrateDiary(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	b := setupOn(t, db)
	b.account()
	plan, err := statements.New(statements.Config{Seed: 1, Payments: entries, Days: 1, Account: monthAccount})
	b.must(err)
	b.clock.at = plan.Day(0).Add(20 * time.Hour)
	b.expectAll(plan)
	b.analyze("expectations")
	name := filepath.Join(dir, "statement.xml")
	m := reconMeasure{size: b.writeStatement(plan, name)}
	if os.Getenv("QAQPA_BENCH_JOIN") != "" {
		b.probeMax = 0 // the database matches all
	}
	before := processorTime(t, dir)
	m.took, m.memory = b.timeReconcile(name)
	m.gateway, m.database = before.since(t, dir)
	b.peers(&m, dir, name)
	if log := os.Getenv("QAQPA_BENCH_LOG"); log != "" {
		text, err := os.ReadFile(filepath.Join(dir, "pg", "postgres.log"))
		b.must(err)
		b.must(os.WriteFile(log, text, 0o600))
	}
	return m
}

func (b *bundle) analyze(table string) {
	b.t.Helper()
	_, err := b.db.ExecContext(b.t.Context(), `VACUUM ANALYZE `+table)
	b.must(err)
	_, err = b.db.ExecContext(b.t.Context(), `CHECKPOINT`)
	b.must(err)
}

func (b *bundle) writeStatement(plan *statements.Plan, name string) int64 {
	b.t.Helper()
	f, err := os.Create(name)
	b.must(err)
	b.must(plan.WriteCamt053(f))
	info, err := f.Stat()
	b.must(err)
	b.must(f.Close())
	return info.Size()
}

// timeReconcile takes the file in and watches the memory of this process.
func (b *bundle) timeReconcile(name string) (time.Duration, uint64) {
	b.t.Helper()
	f, err := os.Open(name)
	b.must(err)
	defer func() { _ = f.Close() }()
	runtime.GC()
	var peak atomic.Uint64
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				var s runtime.MemStats
				runtime.ReadMemStats(&s)
				if held := s.Sys - s.HeapReleased; held > peak.Load() {
					peak.Store(held)
				}
			}
		}
	}()
	begin := time.Now()
	report, _, err := b.Reconcile(b.t.Context(), StatementFile{Body: f, Name: "bench", Source: SourceCLI, Actor: "operator:bench"})
	took := time.Since(begin)
	close(stop)
	<-done
	b.must(err)
	for _, s := range report.Statements {
		b.t.Logf("%s: %d lines, %d matched, %+v, %+v", s.ID, s.Lines, s.Matched, s.Rules, s.Exceptions)
	}
	return took, peak.Load()
}

// peers measures what PostgreSQL does with the same rows, and a pass over the bytes.
func (b *bundle) peers(m *reconMeasure, dir, name string) {
	b.t.Helper()
	ctx := b.t.Context()
	rows := filepath.Join(dir, "pg", "rows.txt")
	do := func(query string) time.Duration {
		begin := time.Now()
		_, err := b.db.ExecContext(ctx, query)
		b.must(err)
		return time.Since(begin)
	}
	do(`COPY statement_lines TO '` + rows + `'`)
	do(`CREATE TABLE peer_lines (LIKE statement_lines)`)
	do(`CHECKPOINT`)
	before := processorTime(b.t, dir)
	m.copied = do(`COPY peer_lines FROM '` + rows + `'`)
	m.analyzed = do(`ANALYZE peer_lines`)
	tx, err := b.db.BeginTxx(ctx, nil)
	b.must(err)
	defer func() { _ = tx.Rollback() }()
	begin := time.Now()
	joinPeer(ctx, b, tx)
	m.joined = time.Since(begin)
	m.scanned = b.tokenise(name)
	m.peerTokenise, m.peerDatabase = before.since(b.t, dir)
}

func joinPeer(ctx context.Context, b *bundle, tx *sqlx.Tx) {
	b.t.Helper()
	_, err := tx.ExecContext(ctx, `SET LOCAL work_mem = '192MB'`)
	b.must(err)
	var n int64
	b.must(tx.GetContext(ctx, &n, `SELECT count(*) FROM peer_lines l JOIN expectations x ON x.reference = l.reference AND x.amount = l.amount`))
	if n == 0 {
		b.t.Fatal("the join found nothing")
	}
}

// tokenise passes over every byte of a file and counts tags and texts.
func (b *bundle) tokenise(name string) time.Duration {
	b.t.Helper()
	begin := time.Now()
	f, err := os.Open(name)
	b.must(err)
	defer func() { _ = f.Close() }()
	r := bufio.NewReaderSize(f, 1<<20)
	buf := make([]byte, 1<<20)
	tags, texts, inTag, inText := 0, 0, false, false
	for {
		n, err := r.Read(buf)
		for _, c := range buf[:n] {
			switch {
			case c == '<':
				tags, inTag, inText = tags+1, true, false
			case c == '>':
				inTag = false
			case !inTag && !inText && c > ' ':
				texts, inText = texts+1, true
			}
		}
		if err == io.EOF {
			break
		}
		b.must(err)
	}
	if tags == 0 || texts == 0 {
		b.t.Fatal(fmt.Sprint("tokens: ", tags, texts))
	}
	return time.Since(begin)
}
