package signer_test

import (
	"crypto/rsa"
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
	"qaqpa/testenv/figures"
	"qaqpa/testenv/pki"
)

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
		figures.Line{
			Path:  fmt.Sprintf("CMS validation inside, %s, 10 kB, chain of 3, revocation cached", family),
			Value: validate, Unit: "µs", Against: "the digests of document and content, one verification", AgainstValue: floor,
			Ratio: ratio, Goal: 1.2, Pass: ratio <= 1.2,
		}.Write(t)
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
	figures.Line{
		Path:  "growth of the heap, 400 MB detached",
		Value: grown, Unit: "MiB", Against: "limit", AgainstValue: 64, Ratio: grown / 64, Goal: 1, Pass: grown <= 64,
	}.Write(t)
}
