package hsm_test

import (
	"crypto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
)

// TestBenchHSMCost prints the processor time of a P-256 signature in the gateway, in the workers and in the loop in C, in turns on one
// token: wall-clock rates say little beside other work.
//
//	make bench-hsm
func TestBenchHSMCost(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: make bench-hsm")
	}
	dir := t.TempDir()
	soft, err := softhsm.New(dir)
	must(t, err)
	loop, err := softhsm.CompileLoop(dir)
	must(t, err)
	c := benchCases[2]
	made(t, soft, map[string]hsm.Algorithm{c.name: c.algorithm})
	f := fleetOf(t, func(cfg *hsm.FleetConfig) { cfg.Tokens[0].Processes, cfg.Tokens[0].Seats = 2, 4 }, soft)
	k := fleetKey(t, f, c.name)
	signMany(t, k, 2000)
	const n = 10_000
	var gateway, workers, bare []float64
	for range benchRounds {
		g, w := own(t), children(t)
		signMany(t, k, n)
		gateway, workers = append(gateway, micros(own(t)-g, n)), append(workers, micros(children(t)-w, n))
		bare = append(bare, loopCost(t, c, loop, soft))
	}
	g, w, b := median(gateway), median(workers), median(bare)
	t.Logf("µs of processor time for a P-256 signature: gateway %.0f, workers %.0f; loop in C with 2 sessions %.0f", g, w, b)
	report(t, "hsm/cost/"+c.name+" (signatures a second of processor time, workers)", 1e6/w, "the loop in C", 1e6/b, 0.9)
	report(t, "hsm/cost/"+c.name+" (the same, gateway and workers)", 1e6/(g+w), "the loop in C", 1e6/b, 0.9)
}

// signMany has 32 callers make n signatures in all.
func signMany(t *testing.T, k *hsm.FleetKey, n int) {
	t.Helper()
	const callers = 32
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range n / callers {
				if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func micros(d time.Duration, n int) float64 { return float64(d.Microseconds()) / float64(n) }

// own is the processor time of this process.
func own(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// children is that of the worker processes, by the scheduler's count, which is finer than clock ticks.
func children(t *testing.T) (sum time.Duration) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(raw), ") ")
		if fields := strings.Fields(rest); len(fields) < 2 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		tasks, err := filepath.Glob(filepath.Join(filepath.Dir(path), "task", "*", "schedstat"))
		must(t, err)
		for _, task := range tasks {
			text, err := os.ReadFile(task)
			if err != nil {
				continue
			}
			ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
			must(t, err)
			sum += time.Duration(ns)
		}
	}
	return sum
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
