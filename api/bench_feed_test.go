package api

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/testenv/pki"
)

// TestBenchPayFeed sends 100,000 debts in one feed, twice, and tells processor time, peak memory, and what bare statements
// over the same rows cost. It runs when QAQPA_BENCH is set.
func TestBenchPayFeed(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: set QAQPA_BENCH=1 to run it")
	}
	const lines = 100_000
	w := startPayBench(t)
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", licence("driving-licence")), 201)
	for _, round := range []struct{ name, path string }{{"fresh", "first sending"}, {"fresh", "repetition"}, {"other", "same debts, another feed"}} {
		w.checkpoint()
		before, peak := w.processorTime(), watchHeap()
		from := time.Now()
		n := w.bigFeed(round.name, service.ID, lines)
		spent := w.processorTime() - before
		t.Logf("%-26s %8.0f lines/s, %4d µs of processor time each, peak heap above the start %d MB, %d lines answered",
			round.path, lines/time.Since(from).Seconds(), spent.Microseconds()/lines, peak()>>20, n)
	}
	w.checkpoint()
	before := w.processorTime()
	for seq := 0; seq < lines; seq += 1000 {
		if _, err := w.db.ExecContext(t.Context(), `
			INSERT INTO debts (bucket, id, agency_id, reference, payer_id, payer_name, service_id, service_version, amount, currency,
				basis, purpose, due_on, state, version, loaded_at, recall_reason)
			SELECT bucket, 'bare' || n, agency_id, 'bare' || n, payer_id, payer_name, service_id, service_version, amount, currency,
				basis, purpose, due_on, state, version, loaded_at, recall_reason FROM (SELECT * FROM debts WHERE state = 'open' LIMIT 1) one, generate_series($1::int, $1::int + 999) n`, seq); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%-26s %4d µs of processor time each", "bare rows", (w.processorTime()-before).Microseconds()/lines)
}

// watchHeap samples the heap until the function that it returns is called, which tells by how much it grew at most.
func watchHeap() func() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	start, top, stop, done := m.HeapAlloc, m.HeapAlloc, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				runtime.ReadMemStats(&m)
				top = max(top, m.HeapAlloc)
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return top - start
	}
}

// bigFeed writes a feed line by line and counts the lines of its answer.
func (w *payBench) bigFeed(name, service string, lines int) int {
	w.t.Helper()
	reader, writer := io.Pipe()
	go func() {
		out := bufio.NewWriter(writer)
		for i := range lines {
			_, _ = fmt.Fprintf(out, `{"reference":"R-%d","payer":{"id":%q,"name":"ИМАНОВ ӘЛИ"},"service":%q,"purpose":"Жүргізуші куәлігі"}`+"\n", i, pki.IIN(i%5000+1), service)
		}
		_ = writer.CloseWithError(out.Flush())
	}()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/v1/debts/feeds", reader)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", typeLines)
	req.Header.Set("Idempotency-Key", name)
	req.Header.Set("Authorization", "Bearer "+w.agencyKey)
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	n, last := 0, ""
	scan := bufio.NewScanner(resp.Body)
	for scan.Scan() {
		n, last = n+1, scan.Text()
	}
	if scan.Err() != nil || !strings.Contains(last, `"complete":true`) {
		w.t.Fatalf("%d %v %s", resp.StatusCode, scan.Err(), last)
	}
	return n
}
