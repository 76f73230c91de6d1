package signer_test

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

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

func (l validateLine) write(tb testing.TB) {
	tb.Helper()
	tb.Logf("%s: %.4g %s, %s %.4g: ratio %.2f, goal %.2f, pass %v", l.Path, l.Value, l.Unit, l.Against, l.AgainstValue, l.Ratio, l.Goal, l.Pass)
	file := os.Getenv("QAQPA_BENCH_JSONL")
	if file == "" {
		return
	}
	text, err := json.Marshal(l)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(text, '\n')); err != nil {
		tb.Fatal(err)
	}
}

// perCall is the median processor time of a call, the collector's included, over short slices that alternate with those of
// another function, so that what else the machine does falls on both alike.
func perCall(a, b func()) (ofA, ofB float64) {
	const count, slice = 60, 50 * time.Millisecond
	var as, bs []float64
	for range count {
		for _, f := range []struct {
			call func()
			to   *[]float64
		}{{a, &as}, {b, &bs}} {
			n, start, used := 0, time.Now(), processorTime()
			for time.Since(start) < slice {
				for range 16 {
					f.call()
				}
				n += 16
			}
			*f.to = append(*f.to, float64((processorTime()-used).Nanoseconds())/1000/float64(n))
		}
	}
	median := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	return median(as), median(bs)
}

// processorTime is what the process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails for the process itself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestBenchValidate measures one judgement inside the process, for chains of three with everything known, against the one
// signature and the digests that cannot be left out; and the memory of a detached original of 400 MB. It runs under make
// bench-validate.
func TestBenchValidate(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: make bench-validate")
	}
	for _, family := range []pki.Family{pki.RSA, pki.ECDSA, pki.GOST2015} {
		h := setup(t, []pki.Family{family}, func(_ *bench, cfg *signer.Config) { cfg.OCSPReuse = time.Hour })
		id := h.issue(pki.Profile{})
		doc := h.sign(id, make([]byte, 10_000), pki.CMSOptions{})
		sd, err := cms.Parse(doc, cms.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		si, cert := &sd.Signers[0], parse(t, id.Certificate)[0]
		signed, err := si.SignedOctets()
		if err != nil {
			t.Fatal(err)
		}
		validate, floor := perCall(func() {
			if v, err := h.svc.Validate(t.Context(), signer.ValidateRequest{Document: doc}); err != nil || v.Indication != report.TotalPassed {
				t.Fatalf("%s %v", v.Sub, err)
			}
		}, func() {
			_ = algo.SHA256.Sum(nil, doc) // a verdict names its document by this digest
			_ = si.DigestAlgorithm.Sum(nil, sd.Content)
			if key, ok := cert.PublicKey.Key.(*rsa.PublicKey); ok { // as the library does it, with nothing kept of the key
				if err := rsa.VerifyPKCS1v15(key, si.SignatureAlgorithm.Hash.Crypto(), si.SignatureAlgorithm.Hash.Sum(nil, signed), si.Signature); err != nil {
					t.Fatal(err)
				}
			} else if err := si.SignatureAlgorithm.Verify(cert.PublicKey, signed, si.Signature); err != nil {
				t.Fatal(err)
			}
		})
		ratio := validate / floor
		validateLine{
			fmt.Sprintf("CMS validation inside, %s, 10 kB, chain of 3, revocation cached", family), validate, "µs",
			"the digests of document and content, one verification", floor, ratio, 1.2, ratio <= 1.2,
		}.write(t)
	}
	benchLargeOriginal(t)
}

func benchLargeOriginal(t *testing.T) {
	t.Helper()
	const size = 400 << 20
	h := setup(t, []pki.Family{pki.ECDSA}, func(_ *bench, cfg *signer.Config) { cfg.DocumentBytesMax = 1 << 20 })
	doc := h.sign(h.issue(pki.Profile{}), make([]byte, size), pki.CMSOptions{Detached: true})
	runtime.GC()
	stream := &zeros{left: size}
	v, err := h.svc.Validate(t.Context(), signer.ValidateRequest{Document: doc, DetachedStream: stream})
	if err != nil || v.Indication != report.TotalPassed {
		t.Fatalf("%s %v", v.Sub, err)
	}
	grown := float64(stream.grown) / (1 << 20)
	validateLine{"growth of the heap, 400 MB detached", grown, "MiB", "limit", 64, grown / 64, 1, grown <= 64}.write(t)
}
