//go:build !release

package main

import (
	"bytes"
	"crypto/rsa"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/testenv/figures"
	"qaqpa/testenv/pki"

	"golang.org/x/sys/unix"
)

// validateGoal is the share of the raw operations' rate that validations over HTTP are to reach.
const validateGoal = 0.7

// TestBenchValidateHTTP measures validations over HTTP by the program itself, with its log and its metrics, for chains of three with
// everything known, in processor time against the digests and the verification that cannot be left out: once what the gateway's
// process uses, and once with the client's process, which costs what somebody else's machine would. Then latencies at four callers, and the memory of an
// original of 400 MB that is streamed.
//
//	make bench-validate
func TestBenchValidateHTTP(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: make bench-validate")
	}
	t.Setenv("QAQPA_PUBLIC_PER_MINUTE", "1000000000")
	w := newTestWorld(t)
	for _, k := range []struct {
		family pki.Family
		bits   int
	}{{pki.RSA, 2048}, {pki.RSA, 4096}, {pki.ECDSA, 0}, {pki.GOST2015, 0}} {
		t.Run(strings.TrimSuffix(fmt.Sprint(k.family, "-", k.bits), "-0"), func(t *testing.T) { benchFamily(t, w, k.family, k.bits) })
	}
	t.Run("400MB", func(t *testing.T) { benchStream(t, w) })
}

func benchFamily(t *testing.T, w *world, family pki.Family, bits int) {
	t.Helper()
	id, err := w.pki.Issue(pki.Profile{Family: family, RSABits: bits, Kind: pki.Citizen, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(7)})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := id.SignCMS(make([]byte, 10_000), pki.CMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	floor := rawOperations(t, doc, id)
	address := strings.TrimPrefix(w.gatewayURL, "http://")
	request := fmt.Appendf(nil, "POST /v1/validations HTTP/1.1\r\nHost: %s\r\nContent-Type: application/pkcs7-mime\r\nContent-Length: %d\r\n\r\n", address, len(doc))
	file := filepath.Join(t.TempDir(), "request")
	if err := os.WriteFile(file, append(request, doc...), 0o600); err != nil {
		t.Fatal(err)
	}
	many := startLoad(t, loadTarget{Address: address, Request: file, Connections: 8})
	many.run(time.Second) // what is fetched once, and tables of keys

	const count, slice = 30, 100 * time.Millisecond
	var raw, alone, both []float64
	for range count {
		raw = append(raw, rawFor(floor, slice))
		before := processorTimeOf(t, w.process.cmd.Process.Pid)
		r := many.run(2 * slice)
		used := processorTimeOf(t, w.process.cmd.Process.Pid) - before
		alone = append(alone, float64(used)/1000/float64(r.Count))
		both = append(both, float64(int64(used)+r.UserNS)/1000/float64(r.Count))
	}
	name := strings.TrimSuffix(fmt.Sprint(family, " ", bits), " 0")
	limit := median(raw)
	for _, m := range []struct {
		who string
		us  float64
	}{{"the gateway's process", median(alone)}, {"gateway and client", median(both)}} {
		figures.Line{
			Path:  fmt.Sprintf("validation over HTTP, %s, 10 kB, chain of 3, revocation cached: %s", name, m.who),
			Value: 1e6 / m.us, Unit: "1/s of processor time", Against: "the digests and the verification alone", AgainstValue: 1e6 / limit,
			Ratio: limit / m.us, Goal: validateGoal, Pass: limit/m.us >= validateGoal,
		}.Write(t)
	}
	t.Logf("processor time of one, %s: floor %.1f µs, gateway %.1f µs, client %.1f µs", name, limit, median(alone), median(both)-median(alone))
	profile(t, w, many, strings.ReplaceAll(name, " ", "-"))
	few := startLoad(t, loadTarget{Address: address, Request: file, Connections: 4})
	r := few.run(2 * time.Second)
	us := func(ns int64) time.Duration { return time.Duration(ns).Round(10 * time.Microsecond) }
	t.Logf("latency over HTTP, %s, 4 callers: p50 %s, p95 %s, p99 %s", name, us(r.P50NS), us(r.P95NS), us(r.P99NS))
}

// profile keeps a profile of the gateway under load in the folder that QAQPA_BENCH_PROFILES names.
func profile(t *testing.T, w *world, l *load, name string) {
	t.Helper()
	dir := os.Getenv("QAQPA_BENCH_PROFILES")
	if dir == "" {
		return
	}
	const seconds = 5
	got := make(chan error, 1)
	go func() {
		got <- func() error {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.adminURL+"/debug/pprof/profile?seconds="+strconv.Itoa(seconds), nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, name+".pprof"), b, 0o600)
		}()
	}()
	l.run((seconds + 1) * time.Second)
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// rawOperations are the digests of document and content and one verification, as the libraries do them.
func rawOperations(t *testing.T, doc []byte, id *pki.Identity) func() error {
	t.Helper()
	sd, err := cms.Parse(doc, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pkix.ParseCertificate(id.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	si := &sd.Signers[0]
	signed, err := si.SignedOctets()
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		_ = algo.SHA256.Sum(nil, doc) // a verdict names its document by this digest
		_ = si.DigestAlgorithm.Sum(nil, sd.Content)
		if key, ok := cert.PublicKey.Key.(*rsa.PublicKey); ok { // as the library does it, with nothing kept of the key
			return rsa.VerifyPKCS1v15(key, si.SignatureAlgorithm.Hash.Crypto(), si.SignatureAlgorithm.Hash.Sum(nil, signed), si.Signature)
		}
		return si.SignatureAlgorithm.Verify(cert.PublicKey, signed, si.Signature)
	}
}

// rawFor is the processor time of the raw operations in microseconds, on all processors at once as the gateway has them.
func rawFor(call func() error, d time.Duration) float64 {
	used, end := processorTime(), time.Now().Add(d)
	counts := make([]int, runtime.GOMAXPROCS(0))
	var work sync.WaitGroup
	for i := range counts {
		work.Go(func() {
			for n := 0; ; n++ {
				if call() != nil || n%16 == 0 && time.Now().After(end) {
					counts[i] = n + 1
					return
				}
			}
		})
	}
	work.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64((processorTime() - used).Nanoseconds()) / 1000 / float64(total)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// processorTimeOf is what another process has used so far, of all its threads.
func processorTimeOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	const schedule = 2 // CPUCLOCK_SCHED: nanoseconds on a processor, as clock_getcpuclockid(3) has it
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedule), &at); err != nil {
		t.Fatal(err)
	}
	return time.Duration(at.Nano())
}

// benchStream sends an original of 400 MB in a form and looks at the memory that the gateway's process had at its highest.
func benchStream(t *testing.T, w *world) {
	t.Helper()
	const size = 400 << 20
	pid := w.process.cmd.Process.Pid
	id, err := w.pki.Issue(pki.Profile{Family: pki.ECDSA, Kind: pki.Citizen, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(7)})
	if err != nil {
		t.Fatal(err)
	}
	document, err := id.SignCMS(make([]byte, size), pki.CMSOptions{Detached: true})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if err := os.WriteFile(filepath.Join("/proc", strconv.Itoa(pid), "clear_refs"), []byte("5"), 0o200); err != nil { // its peak begins anew
		t.Fatal(err)
	}
	before, used := peakMemory(t, w), processorTimeOf(t, pid)
	if got := upload(t, w, document, io.LimitReader(zeros{}, size)); !bytes.Contains(got, []byte(`"indication":"TOTAL-PASSED"`)) {
		t.Fatalf("%s", got)
	}
	after, used := peakMemory(t, w), processorTimeOf(t, pid)-used
	digest := processorTime()
	piece := make([]byte, 1<<20)
	for h, left := algo.SHA256.New(), size; left > 0; left -= len(piece) {
		h.Write(piece)
	}
	digest = processorTime() - digest
	t.Logf("400 MB detached over HTTP: the gateway used %s of processor time, the digest alone takes %s", used.Round(time.Millisecond), digest.Round(time.Millisecond))
	const limit = 64
	grown := (after - before) / (1 << 20)
	figures.Line{
		Path:  "peak resident memory of the gateway beyond that before, 400 MB detached over HTTP",
		Value: grown, Unit: "MiB", Against: "limit", AgainstValue: limit, Ratio: grown / limit, Goal: 1, Pass: grown <= limit,
	}.Write(t)
	t.Logf("peak resident memory of the gateway: %.1f MiB, before %.1f MiB", after/(1<<20), before/(1<<20))
}

// upload posts a form with a document and its original, whose length is not told before.
func upload(t *testing.T, w *world, document []byte, original io.Reader) []byte {
	t.Helper()
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	part, err := form.CreateFormField("document")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(document); err != nil {
		t.Fatal(err)
	}
	if _, err := form.CreateFormFile("detached", "file"); err != nil {
		t.Fatal(err)
	}
	body := io.MultiReader(&head, original, strings.NewReader("\r\n--"+form.Boundary()+"--\r\n"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.gatewayURL+"/v1/validations", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %d %s", err, resp.StatusCode, got)
	}
	return got
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
