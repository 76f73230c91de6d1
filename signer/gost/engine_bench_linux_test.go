package gost

import (
	"bufio"
	"fmt"
	"hash"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"qaqpa/testenv/figures"

	"golang.org/x/sys/unix"
)

// benchRow is one comparison: the same work here and in the engine.
type benchRow struct {
	name, unit string
	command    string // for enginebench.c
	scale      float64
	goal       float64
	batch      func() int // does some of the work and says how much
}

const (
	benchRounds  = 5
	benchMillis  = 60
	benchAgainst = "gost-engine (OpenSSL)"
)

// TestBenchGOST measures this package and OpenSSL's engine side by side: in turns, each in one thread on one and the
// same core, in processor time, the median of several rounds. It runs when QAQPA_BENCH is set and appends its lines
// to the file QAQPA_BENCH_JSONL.
func TestBenchGOST(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: set QAQPA_BENCH=1 to run it")
	}
	newEngine(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.LockOSThread() // the thread and its affinity end with the test
	var cores unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cores); err != nil {
		t.Fatal(err)
	}
	for i := range 1024 {
		if cores.IsSet(i) {
			cores.Zero()
			cores.Set(i)
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &cores); err != nil {
		t.Fatal(err)
	}
	ask := startEngineBench(t)
	var lines []figures.Line
	t.Logf("%-28s %12s %12s %7s", "", "ours", "engine", "ratio")
	for _, r := range benchRows(t) {
		var ours, theirs []float64
		for range benchRounds {
			theirs = append(theirs, ask(r.command)*r.scale)
			ours = append(ours, measure(t, r.batch)*r.scale)
		}
		l := figures.Line{
			Path: "signer/gost: " + r.name, Value: median(ours), Unit: r.unit,
			Against: benchAgainst, AgainstValue: median(theirs), Goal: r.goal,
		}
		l.Ratio = l.Value / l.AgainstValue
		l.Pass = l.Ratio >= l.Goal
		lines = append(lines, l)
		t.Logf("%-28s %12.0f %12.0f %6.2fx  %s", r.name, l.Value, l.AgainstValue, l.Ratio, r.unit)
		if !l.Pass {
			t.Errorf("%s is %.2f times the engine, goal %.1f", r.name, l.Ratio, l.Goal)
		}
	}
	for _, l := range lines {
		l.Add(t)
	}
}

func benchRows(t *testing.T) []benchRow {
	t.Helper()
	var rows []benchRow
	for _, v := range []struct {
		name, engine string
		c            *Curve
	}{
		{"256 CryptoPro-A", "256A", CryptoProA()},
		{"256 tc26-A", "256TCA", TC26_256A()},
		{"512 tc26-A", "512A", TC26_512A()},
		{"512 tc26-C", "512C", TC26_512C()},
		{"256 CryptoPro-B", "256B", CryptoProB()},
		{"256 CryptoPro-C", "256C", CryptoProC()},
		{"512 tc26-B", "512B", TC26_512B()},
	} {
		c := testCurve{Curve: v.c, ref: refOf(v.c)}
		key := c.key(t, c.scalar("bench"))
		pub := publicOf(t, key)
		digest := pattern("bench", v.c.Bits()/8)
		sig, err := key.Sign(nil, digest, nil)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, benchRow{v.name + " verify", "1/s", "verify " + v.engine, 1, 1, func() int {
			for range 16 {
				if !pub.Verify(digest, sig) {
					t.Fatal("refused")
				}
			}
			return 16
		}}, benchRow{v.name + " sign", "1/s", "sign " + v.engine, 1, 1, func() int {
			for range 16 {
				if _, err := key.Sign(nil, digest, nil); err != nil {
					t.Fatal(err)
				}
			}
			return 16
		}})
	}
	buf := make([]byte, 65536)
	for _, v := range []struct {
		name, engine string
		goal         float64
		h            hash.Hash
	}{
		{"Streebog-256", "md_gost12_256", 1, NewStreebog256()},
		{"Streebog-512", "md_gost12_512", 1, NewStreebog512()},
		// The engine's own hash is C with SSE instructions: level with it, give or take the noise, is as it should be.
		{"Streebog-512 without vectors", "md_gost12_512", 0.9, portableStreebog(64)},
		{"34.11-94", "md_gost94", 1, New34311(SBoxCryptoPro())},
	} {
		rows = append(rows, benchRow{v.name, "MB/s", "digest " + v.engine, 1e-6, v.goal, func() int {
			v.h.Reset()
			_, _ = v.h.Write(buf)
			_ = v.h.Sum(nil)
			return len(buf)
		}})
	}
	return rows
}

// startEngineBench compiles and starts testdata/enginebench.c and gives a function that has it do one command and
// returns the work per second.
func startEngineBench(t *testing.T) func(command string) float64 {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "enginebench")
	if out, err := exec.CommandContext(t.Context(), "gcc", "-O2", "-Wno-deprecated-declarations", "-o", bin, "testdata/enginebench.c", "-lcrypto").CombinedOutput(); err != nil {
		t.Skipf("NOT MEASURED: couldn't compile the engine's side (Debian: gcc, libssl-dev): %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), bin)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(out)
	return func(command string) float64 {
		if _, err := fmt.Fprintf(in, "%s %d\n", command, benchMillis); err != nil {
			t.Fatal(err)
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		var n, ns float64
		if _, err := fmt.Sscan(line, &n, &ns); err != nil {
			t.Fatal(err)
		}
		return n / ns * 1e9
	}
}

// measure repeats batch for some time and returns the work per second.
func measure(t *testing.T, batch func() int) float64 {
	t.Helper()
	now := func() int64 {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
			t.Fatal(err)
		}
		return ts.Nano()
	}
	batch() // tables
	n, start := 0, now()
	for {
		n += batch()
		if took := now() - start; took >= benchMillis*1e6 {
			return float64(n) / float64(took) * 1e9
		}
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
