package hsm_test

import (
	"crypto"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
)

// benchRun is how long one measurement takes; of several rounds the medians are compared.
const (
	benchRun    = 1500 * time.Millisecond
	benchRounds = 5
)

// benchCase is a key, and how the loop in C signs with it.
type benchCase struct {
	name      string
	algorithm hsm.Algorithm
	mechanism string
	data      int
	signature int
}

var benchCases = []benchCase{
	{"rsa-2048", hsm.RSA2048, "0x1", 51, 256},
	{"rsa-3072", hsm.RSA3072, "0x1", 51, 384},
	{"ecdsa-p256", hsm.ECDSAP256, "0x1041", 32, 64},
	{"ed25519", hsm.Ed25519, "0x1057", 32, 64},
}

// TestBenchHSM compares the fleet, every signature verified, with a PKCS#11 loop in C on the same token at its best number of
// sessions, in turns; and both again with a token that is a millisecond away.
//
//	make bench-hsm
func TestBenchHSM(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: make bench-hsm")
	}
	dir := t.TempDir()
	soft, loop := benchToken(t, dir)
	faulty, err := softhsm.NewFaulty(dir)
	must(t, err)
	defer faulty.Close()
	for _, c := range benchCases {
		t.Run(c.name, func(t *testing.T) { compare(t, c, loop, soft, "", []int{1, 2, 4, 8}, []int{1, 2, 4}) })
	}
	must(t, faulty.Delay(1000))
	far := *soft
	far.Module = faulty.Module
	t.Run("1 ms away", func(t *testing.T) { compare(t, benchCases[2], loop, &far, "-1ms", []int{16, 64, 128}, []int{32, 64}) })
}

// benchToken is a token with a key for each case, and the program that is the loop in C.
func benchToken(t *testing.T, dir string) (soft *softhsm.Token, loop string) {
	t.Helper()
	soft, err := softhsm.New(dir)
	must(t, err)
	loop, err = softhsm.CompileLoop(dir)
	must(t, err)
	algorithms := map[string]hsm.Algorithm{}
	for _, c := range benchCases {
		algorithms[c.name] = c.algorithm
	}
	made(t, soft, algorithms)
	return soft, loop
}

// compare measures one case and writes its lines: loop and fleet, of two processes, each with the number of sessions that is best for it.
func compare(t *testing.T, c benchCase, loop string, soft *softhsm.Token, suffix string, sessions, seats []int) {
	t.Helper()
	best, bestRate := 0, 0.0
	for _, n := range sessions {
		if r := loopRate(t, c, loop, soft, n); r > bestRate {
			best, bestRate = n, r
		}
	}
	ours, oursRate := 0, 0.0
	for _, n := range seats {
		if r := fleetRates(t, c, soft, n, 8*max(4, 2*n), func(rate func() float64) float64 { rate(); return rate() }); r > oursRate {
			ours, oursRate = n, r
		}
	}
	var bare, with []float64
	fleetRates(t, c, soft, ours, 8*max(4, 2*ours), func(rate func() float64) float64 {
		rate()
		for range benchRounds {
			bare = append(bare, loopRate(t, c, loop, soft, best))
			with = append(with, rate())
		}
		return 0
	})
	t.Logf("%s: 2 processes of %d sessions", c.name, ours)
	var fixed, found []float64 // the number that was best by trial, and the one that the fleet finds by itself
	const callers = 256        // as many as the widest can have, and as many again that wait
	fleetRates(t, c, soft, ours, callers, func(set func() float64) float64 {
		return fleetRates(t, c, soft, 0, callers, func(rate func() float64) float64 {
			for range benchRounds {
				rate()
			}
			for range benchRounds {
				fixed, found = append(fixed, set()), append(found, rate())
			}
			return 0
		})
	})
	report(t, "hsm/sessions/"+c.name+suffix, median(found), "the best number by trial", median(fixed), 0.9)
	report(t, "hsm/inside/"+c.name+suffix, median(with), fmt.Sprintf("PKCS#11 loop in C, %d sessions", best), median(bare), 0.9)
}

// fleetRates opens a fleet for as long as use measures with it.
func fleetRates(t *testing.T, c benchCase, soft *softhsm.Token, seats, callers int, use func(func() float64) float64) float64 {
	t.Helper()
	f, err := hsm.OpenFleet(t.Context(), hsm.FleetConfig{
		Tokens: []hsm.FleetToken{{Module: soft.Module, Label: soft.Label, PIN: soft.PIN, Processes: 2, Seats: seats}},
	})
	must(t, err)
	defer func() { must(t, f.Close()) }()
	k := fleetKey(t, f, c.name)
	return use(func() float64 { return signRate(t, k, callers) })
}

func loopRate(t *testing.T, c benchCase, loop string, soft *softhsm.Token, threads int) float64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), loop, soft.Module, soft.Label, soft.PIN, c.name, c.mechanism, strconv.Itoa(c.data),
		strconv.Itoa(c.signature), strconv.Itoa(threads), strconv.FormatInt(benchRun.Milliseconds(), 10))
	cmd.Env = append(os.Environ(), soft.Env())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	must(t, err)
	return r
}

// signRate has callers sign as fast as they can and returns signatures per second.
func signRate(t *testing.T, k *hsm.FleetKey, callers int) float64 {
	t.Helper()
	opts := crypto.SignerOpts(crypto.SHA256)
	if k.Algorithm() == hsm.Ed25519 {
		opts = crypto.Hash(0)
	}
	var (
		count atomic.Int64
		all   sync.WaitGroup
	)
	begin := time.Now()
	for range callers {
		all.Go(func() {
			for time.Since(begin) < benchRun {
				if _, err := k.Sign(nil, make([]byte, 32), opts); err != nil {
					t.Error(err)
					return
				}
				count.Add(1)
			}
		})
	}
	all.Wait()
	return float64(count.Load()) / time.Since(begin).Seconds()
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// report prints a line of the table and appends it to QAQPA_BENCH_JSONL.
func report(t *testing.T, path string, value float64, against string, limit, goal float64) {
	t.Helper()
	ratio := value / limit
	t.Logf("%-32s %9.0f/s   %-36s %9.0f/s   %.2f (goal %.2f)", path, value, against, limit, ratio, goal)
	to := os.Getenv("QAQPA_BENCH_JSONL")
	if to == "" {
		return
	}
	line, err := json.Marshal(map[string]any{
		"path": path, "value": value, "unit": "signatures/s", "against": against, "against_value": limit, "ratio": ratio,
		"goal": goal, "pass": ratio >= goal,
	})
	must(t, err)
	f, err := os.OpenFile(to, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	must(t, err)
	defer f.Close()
	_, err = f.Write(append(line, '\n'))
	must(t, err)
}
