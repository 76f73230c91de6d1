package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/testenv/postgres"
)

// payBench is a gateway over a database that waits for the disk.
type payBench struct {
	*whole
	server *postgres.Server
	// next is the number of the next payment, and bareFrom that of the next bare rows.
	next, bareFrom int
}

// The shape of the measurement: rounds of a path take turns with those of the others, so that a busy machine hurts all
// of them; of each path the median round counts.
const (
	benchRounds  = 3
	benchEach    = 4000
	benchCallers = 512
	benchBatch   = 128
	// heapFloorMiB is by how much the heap of `qaqpa serve` may grow before memory is collected, unless it is told otherwise.
	heapFloorMiB = 64
)

// TestBenchPay measures durable payments: a bank's signed confirmation, checked and recorded with all that belongs to it,
// over HTTP and inside of the process, against pgbench doing the same writes one payment per commit, and against one bare
// statement per batch. Gateway, database, load and peers share the machine. It runs when QAQPA_BENCH is set.
func TestBenchPay(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: set QAQPA_BENCH=1 to run it")
	}
	defer runtime.KeepAlive(make([]byte, heapFloorMiB<<20)) // as the program itself does
	w := startPayBench(t)
	rates := map[string][]float64{}
	spent, before := w.processorTime(), time.Duration(0)
	note := func(path string, n int, rate float64) {
		before, spent = spent, w.processorTime()
		rates[path] = append(rates[path], rate)
		t.Logf("%-20s %8.0f payments/s, %5d µs of processor time each", path, rate, (spent-before).Microseconds()/int64(n))
	}
	var latencies []time.Duration
	pgFrom := w.next
	w.forPgbench(w.take(benchRounds*2*len(pgbenchClients())*pgbenchEach, 1, false), pgFrom)
	pgNext := pgFrom
	for range benchRounds {
		http, hot, spread := w.take(benchEach, 1, true), w.take(benchEach, 1, true), w.take(benchEach, 10_000, true)
		bareList := w.take(benchEach, 1, false)
		w.checkpoint()
		spent = w.processorTime()
		rate, took := w.overHTTP(http)
		note("http", benchEach, rate)
		latencies = append(latencies, took...)
		w.checkpoint()
		spent = w.processorTime()
		note("inside", benchEach, w.inside(hot))
		w.checkpoint()
		spent = w.processorTime()
		note("inside spread", benchEach, w.inside(spread))
		w.checkpoint()
		spent = w.processorTime()
		note("bare", benchEach, w.bareRate(bareList))
		for _, clients := range pgbenchClients() {
			for path, account := range map[string]string{"pgbench hot": "0", "pgbench spread": ":n % 10000"} {
				w.checkpoint()
				spent = w.processorTime()
				note(path+" "+strconv.Itoa(clients), pgbenchEach, w.pgbench(account, clients, pgNext))
				pgNext += pgbenchEach
			}
		}
	}
	w.report(rates, latencies)
}

// pgbenchEach is the payments of one run of pgbench, shared by its clients.
const pgbenchEach = 1920

func pgbenchClients() []int { return []int{4, 16, 64} }

func startPayBench(t *testing.T) *payBench {
	t.Helper()
	dir, err := os.MkdirTemp("", "qaqpa-bench-") //nolint:usetesting // PostgreSQL's user may not pass through the folders of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	server, err := postgres.Start(t.Context(), postgres.Config{Dir: dir, Durable: true, Settings: map[string]string{
		"shared_buffers": "'512MB'", "random_page_cost": "1.1", "default_toast_compression": "'lz4'", "max_wal_size": "'8GB'", "checkpoint_timeout": "'30min'",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	if err := server.EnsureDatabase(t.Context(), "bench"); err != nil {
		t.Fatal(err)
	}
	db, err := payment.Connect(t.Context(), server.DSN("bench"), payment.ConnectConfig{ReadTimeout: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, migrate := range []func(context.Context, *sqlx.DB) error{signer.Migrate, payment.Migrate, auth.Migrate} {
		if err := migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	w := &payBench{whole: startOn(t, db, false), server: server, next: 1}
	w.inside(w.take(200, 1, true)) // warm: plans, connections, evidence
	w.overHTTP(w.take(200, 1, true))
	return w
}

// take stocks the next n payments, with the bank's word for each where it is asked for.
func (w *payBench) take(n, accounts int, signed bool) []benchPayment {
	w.t.Helper()
	list := w.stock(w.next, n, accounts)
	w.next += n
	if signed {
		w.sign(list)
	}
	return list
}

// checkpoint writes out what the path before has left dirty, so that the next does not pay for it.
func (w *payBench) checkpoint() {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.t.Context(), `CHECKPOINT`); err != nil {
		w.t.Fatal(err)
	}
}

// processorTime is what this process, its children that ended, and the database have used so far: unlike rates, it does not
// depend on who else uses the machine.
func (w *payBench) processorTime() time.Duration {
	w.t.Helper()
	var total time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var r unix.Rusage
		if err := unix.Getrusage(who, &r); err != nil {
			w.t.Fatal(err)
		}
		total += time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	root := strconv.Itoa(w.server.Pid())
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		_, rest, _ := strings.Cut(string(raw), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 15 || (fields[1] != root && !strings.HasPrefix(path, "/proc/"+root+"/")) {
			continue
		}
		for _, n := range []int{11, 12, 13, 14} { // own time and that of children that were waited for, in hundredths of a second
			ticks, err := strconv.ParseInt(fields[n], 10, 64)
			if err != nil {
				w.t.Fatal(err)
			}
			if n < 13 || strings.HasPrefix(path, "/proc/"+root+"/") {
				total += time.Duration(ticks) * 10 * time.Millisecond
			}
		}
	}
	return total
}

// crowd lets many callers do the work and returns the rate and how long each piece took.
func (w *payBench) crowd(callers int, list []benchPayment, do func(p *benchPayment) error) (float64, []time.Duration) {
	w.t.Helper()
	took := make([]time.Duration, len(list))
	var next, failed atomic.Int64
	var wait sync.WaitGroup
	start := time.Now()
	for range callers {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				from := time.Now()
				if err := do(&list[i]); err != nil && failed.Add(1) < 5 {
					w.t.Errorf("payment %d: %v", i, err)
				}
				took[i] = time.Since(from)
			}
		})
	}
	wait.Wait()
	return float64(len(list)) / time.Since(start).Seconds(), took
}

func (w *payBench) inside(list []benchPayment) float64 {
	w.t.Helper()
	rate, _ := w.crowd(benchCallers, list, func(p *benchPayment) error {
		_, err := w.cfg.Payments.Confirm(w.t.Context(), "", p.message)
		return err
	})
	return rate
}

func (w *payBench) overHTTP(list []benchPayment) (float64, []time.Duration) {
	w.t.Helper()
	client := &fasthttp.HostClient{Addr: w.url[len("http://"):], MaxConns: benchCallers}
	defer client.CloseIdleConnections()
	return w.crowd(benchCallers, list, func(p *benchPayment) error {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.Header.SetMethod(http.MethodPost)
		req.SetRequestURI(w.url + "/v1/bank-confirmations")
		req.Header.SetContentType(typeCMS)
		req.SetBodyRaw(p.message)
		if err := client.Do(req, resp); err != nil {
			return err
		}
		if resp.StatusCode() != http.StatusOK {
			return fmt.Errorf("status %d: %s", resp.StatusCode(), resp.Body())
		}
		return nil
	})
}

// bareRate is the best of one, two and four writers, each with buckets of its own so that none waits for another.
func (w *payBench) bareRate(list []benchPayment) float64 {
	w.t.Helper()
	sizes := w.sizes()
	best := 0.0
	third := len(list) / 3
	w.bareFrom += 16 * len(list) // numbers of rows of its own
	for i, writers := range []int{1, 2, 4} {
		lanes := make([][]benchPayment, writers)
		for _, p := range list[i*third : (i+1)*third] {
			lanes[p.bucket%writers] = append(lanes[p.bucket%writers], p)
		}
		var wait sync.WaitGroup
		start := time.Now()
		for lane, mine := range lanes {
			wait.Go(func() {
				for len(mine) > 0 {
					page := mine[:min(len(mine), benchBatch)]
					mine = mine[len(page):]
					if err := w.bare(w.t.Context(), w.db, page, w.bareFrom+(i*writers+lane)*len(list)+len(mine), sizes); err != nil {
						w.t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		best = max(best, float64(third)/time.Since(start).Seconds())
	}
	return best
}

var pgbenchTPS = regexp.MustCompile(`tps = ([0-9.]+)`)

// pgbench runs the peer once.
func (w *payBench) pgbench(account string, clients, from int) float64 {
	w.t.Helper()
	script := filepath.Join(w.t.TempDir(), "pay.sql")
	if err := os.WriteFile(script, []byte(w.pgbenchScript(account)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	each := pgbenchEach / clients
	cmd := exec.CommandContext(w.t.Context(), "pgbench", "-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", "2", "-t", strconv.Itoa(each),
		"-D", "i=-1", "-D", "base="+strconv.Itoa(from), "-D", "each="+strconv.Itoa(each), "-f", script,
		"-h", w.server.SocketDir(), "-p", "5432", "-U", "qaqpa", "bench")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("pgbench: %v\n%s", err, out)
	}
	found := pgbenchTPS.FindSubmatch(out)
	if found == nil {
		w.t.Fatalf("pgbench printed no rate:\n%s", out)
	}
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		w.t.Fatal(err)
	}
	return rate
}

// benchLine is a line of bench.jsonl.
type benchLine struct {
	Path         string  `json:"path"`
	Value        float64 `json:"value"`
	Unit         string  `json:"unit"`
	Against      string  `json:"against"`
	AgainstValue float64 `json:"against_value"`
	Ratio        float64 `json:"ratio"`
	Goal         float64 `json:"goal"`
	Pass         bool    `json:"pass"`
}

func medianOf(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// bestClients is the rate of pgbench at its best number of clients.
func bestClients(rates map[string][]float64, path string) (float64, string) {
	best, at := 0.0, ""
	for _, clients := range pgbenchClients() {
		if m := medianOf(rates[path+" "+strconv.Itoa(clients)]); m > best {
			best, at = m, strconv.Itoa(clients)
		}
	}
	return best, at
}

func (w *payBench) report(rates map[string][]float64, latencies []time.Duration) {
	w.t.Helper()
	slices.Sort(latencies)
	at := func(q float64) time.Duration {
		return latencies[int(q*float64(len(latencies)-1))].Round(100 * time.Microsecond)
	}
	w.t.Logf("over HTTP, %d callers: p50 %s, p95 %s, p99 %s", benchCallers, at(0.50), at(0.95), at(0.99))
	spread, spreadClients := bestClients(rates, "pgbench spread")
	hot, hotClients := bestClients(rates, "pgbench hot")
	m := func(path string) float64 { return medianOf(rates[path]) }
	lines := []benchLine{
		{Path: "payment: confirmations over HTTP", Value: m("http"), Against: "pgbench, one payment per commit, 10,000 accounts, " + spreadClients + " clients", AgainstValue: spread, Goal: 5},
		{Path: "payment: confirmations over HTTP, one treasury account", Value: m("http"), Against: "pgbench, one payment per commit, one hot account, " + hotClients + " clients", AgainstValue: hot, Goal: 10},
		{Path: "payment: one hot account", Value: m("inside"), Against: "10,000 accounts", AgainstValue: m("inside spread"), Goal: 0.95},
		{Path: "payment: inside of the process, signature checked", Value: m("inside"), Against: "the same rows by one bare statement per batch", AgainstValue: m("bare"), Goal: 0.75},
		{Path: "payment: over HTTP, signature checked", Value: m("http"), Against: "the same rows by one bare statement per batch", AgainstValue: m("bare"), Goal: 0.4},
	}
	w.tell(lines)
}

// tell logs the lines and appends them to the file that is named for them.
func (w *payBench) tell(lines []benchLine) {
	w.t.Helper()
	for i := range lines {
		l := &lines[i]
		l.Unit, l.Ratio = "payments/s", l.Value/l.AgainstValue
		l.Pass = l.Ratio >= l.Goal
		w.t.Logf("%-55s %8.0f against %8.0f: %5.2f, goal %.2f (%s)", l.Path, l.Value, l.AgainstValue, l.Ratio, l.Goal, l.Against)
	}
	path := os.Getenv("QAQPA_BENCH_JSONL")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	for _, l := range lines {
		if err := json.NewEncoder(f).Encode(l); err != nil {
			w.t.Fatal(err)
		}
	}
}
