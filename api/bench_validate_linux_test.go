package api

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/audit"
	"qaqpa/signer/cms"
	"qaqpa/signer/fetch"
	"qaqpa/signer/pkix"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/postgres"

	"github.com/valyala/fasthttp"
)

// validateGoal is the share of the raw operations' rate that validations over HTTP are to reach.
const validateGoal = 0.7

// TestBenchValidateHTTP measures validations over HTTP, for chains of three with everything known, in processor time of gateway and
// client together, against the digests and the verification that cannot be left out; latencies at four callers; and the memory of an
// original of 400 MB that is streamed.
//
//	make bench-validate
func TestBenchValidateHTTP(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: make bench-validate")
	}
	for _, k := range []struct {
		family pki.Family
		bits   int
	}{{pki.RSA, 2048}, {pki.RSA, 4096}, {pki.ECDSA, 0}, {pki.GOST2015, 0}} {
		t.Run(fmt.Sprint(k.family, " ", k.bits), func(t *testing.T) { benchFamily(t, k.family, k.bits) })
	}
}

func benchFamily(t *testing.T, family pki.Family, bits int) {
	t.Helper()
	db := postgres.ForTest(t, signer.Migrate, auth.Migrate)
	p := must[*pki.PKI](t)(pki.New(pki.Options{Dir: t.TempDir(), Families: []pki.Family{family}}))
	g := serveFront(t, db, &payment.Service{}, benchSigner(t, p), func(c *Config) {
		c.Limits.PublicPerMinute, c.Log, c.Registerer, c.Gatherer = 1<<30, nil, nil, nil
	})
	id := must[*pki.Identity](t)(p.Issue(pki.Profile{Family: family, RSABits: bits, Kind: pki.Citizen, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(7)}))
	doc := must[[]byte](t)(id.SignCMS(make([]byte, 10_000), pki.CMSOptions{}))
	floor := rawOperations(t, doc, id)
	client := &fasthttp.Client{MaxConnsPerHost: 8}
	defer client.CloseIdleConnections()
	call := func() {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.SetRequestURI(g.url + "/v1/validations")
		req.Header.SetMethod(http.MethodPost)
		req.Header.SetContentType(typeCMS)
		req.SetBodyRaw(doc)
		if err := client.Do(req, resp); err != nil || !bytes.Contains(resp.Body()[:min(200, len(resp.Body()))], []byte("TOTAL-PASSED")) {
			t.Errorf("%v %d %.200s", err, resp.StatusCode(), resp.Body())
		}
	}
	call() // what is fetched once
	served, raw := perCallHTTP(call, floor)
	validateLine{
		fmt.Sprintf("validation over HTTP, %s %d, 10 kB, chain of 3, revocation cached", family, bits), 1e6 / served, "1/s of processor time",
		"the digests and the verification alone", 1e6 / raw, raw / served, validateGoal, raw/served >= validateGoal,
	}.write(t)
	latencies(t, fmt.Sprint(family, " ", bits), call)
	if family == pki.ECDSA {
		benchStream(t, g, id)
	}
}

func benchSigner(t *testing.T, p *pki.PKI) *signer.Service {
	t.Helper()
	srv := must[*pki.Server](t)(p.Serve(t.Context()))
	t.Cleanup(func() { _ = srv.Close() })
	store := must[*trust.Store](t)(trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{p.AnchorsPEM()}, Intermediates: [][]byte{p.IntermediatesPEM()}}))
	client := must[*fetch.Client](t)(fetch.New(fetch.Config{AllowPrivate: true, Now: time.Now}))
	t.Cleanup(client.Close)
	trail := must[*audit.Log](t)(audit.New(audit.Config{Now: time.Now}))
	return must[*signer.Service](t)(signer.New(signer.Config{Trust: store, Fetch: client, Audit: trail, Now: time.Now, OCSPReuse: time.Hour}))
}

// rawOperations are the digests of document and content and one verification, as the libraries do them.
func rawOperations(t *testing.T, doc []byte, id *pki.Identity) func() {
	t.Helper()
	sd := must[*cms.SignedData](t)(cms.Parse(doc, cms.Limits{}))
	si, cert := &sd.Signers[0], must[*pkix.Certificate](t)(pkix.ParseCertificate(id.Certificate))
	signed := must[[]byte](t)(si.SignedOctets())
	return func() {
		_ = algo.SHA256.Sum(nil, doc)
		_ = si.DigestAlgorithm.Sum(nil, sd.Content)
		if key, ok := cert.PublicKey.Key.(*rsa.PublicKey); ok { // as the library does it, with nothing kept of the key
			if err := rsa.VerifyPKCS1v15(key, si.SignatureAlgorithm.Hash.Crypto(), si.SignatureAlgorithm.Hash.Sum(nil, signed), si.Signature); err != nil {
				t.Error(err)
			}
		} else if err := si.SignatureAlgorithm.Verify(cert.PublicKey, signed, si.Signature); err != nil {
			t.Error(err)
		}
	}
}

// perCallHTTP is the median processor time of a call in microseconds, over short slices of both that alternate.
func perCallHTTP(a, b func()) (ofA, ofB float64) {
	const count, slice = 40, 50 * time.Millisecond
	var times [2][]float64
	for range count {
		for i, call := range []func(){a, b} {
			n, start, used := 0, time.Now(), processorTime()
			for ; time.Since(start) < slice; n++ {
				call()
			}
			times[i] = append(times[i], float64((processorTime()-used).Nanoseconds())/1000/float64(n))
		}
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	return times[0][count/2], times[1][count/2]
}

// processorTime is what the process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails for the process itself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// latencies prints the time from request to answer at four callers.
func latencies(t *testing.T, name string, call func()) {
	t.Helper()
	var all []time.Duration
	var mu sync.Mutex
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 500 {
				start := time.Now()
				call()
				mu.Lock()
				all = append(all, time.Since(start))
				mu.Unlock()
			}
		})
	}
	work.Wait()
	slices.Sort(all)
	at := func(share float64) time.Duration {
		return all[int(share*float64(len(all)-1))].Round(10 * time.Microsecond)
	}
	t.Logf("latency over HTTP, %s, 4 callers: p50 %s, p95 %s, p99 %s", name, at(.5), at(.95), at(.99))
}

// benchStream sends an original of 400 MB in a form.
func benchStream(t *testing.T, g *gateway, id *pki.Identity) {
	t.Helper()
	const size = 400 << 20
	g.client.Timeout = 5 * time.Minute
	document := string(must[[]byte](t)(id.SignCMS(make([]byte, size), pki.CMSOptions{Detached: true})))
	runtime.GC()
	original := &lines{left: size}
	contentType, body := streamedForm(t, [][2]string{{"document", document}}, "detached", original)
	used := processorTime()
	v := in[signer.Verdict](t, g.upload("", contentType, body), http.StatusOK)
	if v.Indication != "TOTAL-PASSED" {
		t.Fatalf("%s %s", v.Indication, v.Sub)
	}
	grown := float64(original.grown) / (1 << 20)
	t.Logf("400 MB over HTTP: %s of processor time, client included", (processorTime() - used).Round(time.Millisecond))
	validateLine{"growth of the heap, 400 MB detached over HTTP", grown, "MiB", "limit", 64, grown / 64, 1, grown <= 64}.write(t)
}

// validateLine is a line of bench.jsonl.
type validateLine struct {
	Path         string  `json:"path"`
	Value        float64 `json:"value"`
	Unit         string  `json:"unit"`
	Against      string  `json:"against"`
	AgainstValue float64 `json:"against_value"`
	Ratio        float64 `json:"ratio"`
	Goal         float64 `json:"goal"`
	Pass         bool    `json:"pass"`
}

func (l validateLine) write(t *testing.T) {
	t.Helper()
	t.Logf("%s: %.4g %s, %s %.4g: ratio %.2f, goal %.2f, pass %v", l.Path, l.Value, l.Unit, l.Against, l.AgainstValue, l.Ratio, l.Goal, l.Pass)
	file := os.Getenv("QAQPA_BENCH_JSONL")
	if file == "" {
		return
	}
	text := must[[]byte](t)(json.Marshal(l))
	f := must[*os.File](t)(os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600))
	defer f.Close()
	if _, err := f.Write(append(text, '\n')); err != nil {
		t.Fatal(err)
	}
}
