package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/asn1"
	"math/big"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/hsm/pinned"
	"qaqpa/testenv/processor"
	"qaqpa/testenv/softhsm"
)

// TestBenchHSMCost prints the processor time of a signature in the gateway, in the workers and in the loop in C with one session a core, in
// turns on one token: wall-clock rates say little beside other work. What the verification of each signature takes is measured apart.
//
//	make bench-hsm
func TestBenchHSMCost(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: make bench-hsm")
	}
	soft, loop := benchToken(t, t.TempDir())
	f := fleetOf(t, func(cfg *hsm.FleetConfig) { cfg.Tokens[0].Processes, cfg.Tokens[0].Seats = 2, 1 }, soft)
	for i, n := range []int{1000, 400, 10_000, 4000} {
		t.Run(benchCases[i].name, func(t *testing.T) { costs(t, benchCases[i], f, loop, soft, n) })
	}
}

// costs measures one case with n signatures a round.
func costs(t *testing.T, c benchCase, f *hsm.Fleet, loop string, soft *softhsm.Token, n int) {
	t.Helper()
	k := fleetKey(t, f, c.name)
	signMany(t, k, max(n/5, 64))
	var gateway, workers, checks, bare []float64
	for range benchRounds {
		g, w := own(t), children(t)
		signMany(t, k, n)
		gateway, workers = append(gateway, micros(own(t)-g, n)), append(workers, micros(children(t)-w, n))
		checks = append(checks, verifyCost(t, k, n))
		bare = append(bare, loopCost(t, c, loop, soft))
	}
	g, w, v, b := median(gateway), median(workers), median(checks), median(bare)
	t.Logf("µs of processor time a signature: gateway %.0f (the verification alone %.0f), workers %.0f; loop in C with 2 sessions %.0f", g, v, w, b)
	report(t, "hsm/cost/"+c.name+", verified (1/s of processor time)", 1e6/(g+w), "the loop in C", 1e6/b, 0.9)
	report(t, "hsm/cost/"+c.name+", without the verification", 1e6/(g+w-v), "the loop in C", 1e6/b, 0.9)
	report(t, "hsm/cost/"+c.name+", workers alone", 1e6/w, "the loop in C", 1e6/b, 0.9)
}

// verifyCost is the processor time of one verification as the gateway does it: by tables for P-256, else by the standard library.
func verifyCost(t *testing.T, k *hsm.FleetKey, n int) float64 {
	t.Helper()
	digest := make([]byte, 32)
	opts := crypto.SignerOpts(crypto.SHA256)
	if k.Algorithm() == hsm.Ed25519 {
		opts = crypto.Hash(0)
	}
	signature, err := k.Sign(nil, digest, opts)
	must(t, err)
	check := func() bool { return true }
	switch pub := k.Public().(type) {
	case *rsa.PublicKey:
		check = func() bool { return rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest, signature) == nil }
	case ed25519.PublicKey:
		check = func() bool { return ed25519.Verify(pub, digest, signature) }
	case *ecdsa.PublicKey:
		table, err := pinned.NewP256().Key(pub)
		must(t, err)
		var parsed struct{ R, S *big.Int }
		_, err = asn1.Unmarshal(signature, &parsed)
		must(t, err)
		raw := append(parsed.R.FillBytes(make([]byte, 32)), parsed.S.FillBytes(make([]byte, 32))...)
		check = func() bool { return table.Verify(digest, raw) }
	}
	begin := own(t)
	for range n {
		if !check() {
			t.Fatal("the signature does not verify")
		}
	}
	return micros(own(t)-begin, n)
}

// signMany has 32 callers make n signatures in all.
func signMany(t *testing.T, k *hsm.FleetKey, n int) {
	t.Helper()
	const callers = 32
	opts := crypto.SignerOpts(crypto.SHA256)
	if k.Algorithm() == hsm.Ed25519 {
		opts = crypto.Hash(0)
	}
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range n / callers {
				if _, err := k.Sign(nil, make([]byte, 32), opts); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func micros(d time.Duration, n int) float64 { return float64(d.Microseconds()) / float64(n) }

func own(t *testing.T) time.Duration {
	t.Helper()
	d, err := processor.Own()
	must(t, err)
	return d
}

// children is the processor time of the workers.
func children(t *testing.T) time.Duration {
	t.Helper()
	d, err := processor.Children("hsm-worker")
	must(t, err)
	return d
}

// loopCost is the processor time of a signature in the loop in C.
func loopCost(t *testing.T, c benchCase, loop string, soft *softhsm.Token) float64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), loop, soft.Module, soft.Label, soft.PIN, c.name, c.mechanism, strconv.Itoa(c.data),
		strconv.Itoa(c.signature), "2", strconv.FormatInt(benchRun.Milliseconds(), 10))
	cmd.Env = append(os.Environ(), soft.Env())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	must(t, err)
	return float64((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds()) / (rate * benchRun.Seconds())
}
