package api

import (
	"context"
	"crypto/x509"
	cryptopkix "crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/hsm"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsa"
	"qaqpa/testenv/postgres"
	"qaqpa/testenv/softhsm"
)

// TestMain lets the test binary be the worker process of its token, and the client whose processor time is not the gateway's.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == benchStampsArg {
		if err := benchStampsClient(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == "hsm-worker" {
		if err := hsm.RunWorker(slog.New(slog.DiscardHandler)); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type sureClock struct{}

func (sureClock) Check(context.Context) (time.Duration, error) { return 0, nil }

const (
	benchHSMRun    = 2 * time.Second
	benchHSMRounds = 5
	benchHSMCalls  = 48
	benchStampsArg = "bench-stamps"
)

// benchHSMCases are the keys, each with the mechanism, octets of data and octets of signature of the loop in C.
var benchHSMCases = []struct {
	algorithm hsm.Algorithm
	loop      []string
}{
	{hsm.RSA2048, []string{"0x1", "51", "256"}},
	{hsm.RSA3072, []string{"0x1", "51", "384"}},
	{hsm.ECDSAP256, []string{"0x1041", "32", "64"}},
	{hsm.Ed25519, []string{"0x1057", "32", "64"}},
}

// TestBenchHSM compares time stamps over HTTP (parsed, signed in the token, verified, on record in PostgreSQL) with a PKCS#11
// loop in C on the same token at its best number of sessions, in turns: by the clock, and by the processor time of a signature in
// gateway and workers. The client is a process of its own; its time and the database's are printed apart.
//
//	make bench-hsm
func TestBenchHSM(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: make bench-hsm")
	}
	floor := make([]byte, 64<<20) // what serve holds, too, lest the collector runs for a heap of nothing; see cmd/qaqpa/heap.go
	defer runtime.KeepAlive(floor)
	dir := t.TempDir()
	soft, err := softhsm.New(dir)
	check(t, err)
	loop, err := softhsm.CompileLoop(dir)
	check(t, err)
	token, err := hsm.Open(t.Context(), hsm.Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN})
	check(t, err)
	for _, c := range benchHSMCases {
		_, err := token.Generate(t.Context(), string(c.algorithm), c.algorithm)
		check(t, err)
	}
	check(t, token.Close())
	fleet, err := hsm.OpenFleet(t.Context(), hsm.FleetConfig{
		Tokens: []hsm.FleetToken{{Module: soft.Module, Label: soft.Label, PIN: soft.PIN, Processes: 2, Seats: 1}},
	})
	check(t, err)
	defer func() { _ = fleet.Close() }()
	for _, c := range benchHSMCases {
		t.Run(string(c.algorithm), func(t *testing.T) {
			bare := func(sessions int) stampCost { return loopInC(t, loop, soft, string(c.algorithm), c.loop, sessions) }
			benchStamps(t, fleet, c.algorithm, bare)
		})
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func benchStamps(t *testing.T, fleet *hsm.Fleet, a hsm.Algorithm, bare func(sessions int) stampCost) {
	t.Helper()
	db := postgres.ForTest(t, signer.Migrate, auth.Migrate)
	log, err := audit.New(audit.Config{Now: time.Now})
	check(t, err)
	key, err := fleet.Key(t.Context(), hsm.Ref{Label: string(a)})
	check(t, err)
	authority, err := tsa.New(t.Context(), tsa.Config{
		DB: db, Audit: log, Key: key, Chain: []*pkix.Certificate{stampCertificate(t, key)}, Policy: "1.2.398.3.3.2.6.4", Clock: sureClock{}, Now: time.Now,
	})
	check(t, err)
	g := serveFront(t, db, &payment.Service{}, &signer.Service{}, func(c *Config) { c.TimeStamps = authority })
	apiKey := g.key(auth.Portal, "portal")
	best, bestRate := 1, 0.0
	for _, n := range []int{1, 2, 4, 8} {
		if r := bare(n).rate; r > bestRate {
			best, bestRate = n, r
		}
	}
	stampsOverHTTP(t, g.url, apiKey)
	var ours, loop []stampCost
	for range benchHSMRounds {
		loop = append(loop, bare(best))
		ours = append(ours, stampsOverHTTP(t, g.url, apiKey))
	}
	o, l := middleOf(ours), middleOf(loop)
	against := fmt.Sprintf("PKCS#11 loop in C, %d sessions", best)
	writeLine(t, "hsm/http/"+string(a), o.rate, against, l.rate)
	t.Logf("µs of processor time a time stamp: gateway %.0f, workers %.0f; apart: client %.0f, PostgreSQL %.0f; a signature in the loop in C %.0f",
		o.gateway, o.workers, o.client, o.database, l.workers)
	writeLine(t, "hsm/http/cost/"+string(a)+" (1/s of processor time)", 1e6/(o.gateway+o.workers), against, 1e6/l.workers)
}

func stampCertificate(t *testing.T, key *hsm.FleetKey) *pkix.Certificate {
	t.Helper()
	value, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: cryptopkix.Name{CommonName: "TSA"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(1, 0, 0),
		ExtraExtensions: []cryptopkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: value}},
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	check(t, err)
	c, err := pkix.ParseCertificate(der)
	check(t, err)
	return c
}

func loopInC(t *testing.T, loop string, soft *softhsm.Token, key string, mechanism []string, threads int) stampCost {
	t.Helper()
	args := append([]string{soft.Module, soft.Label, soft.PIN, key}, mechanism...)
	cmd := exec.CommandContext(t.Context(), loop, append(args, strconv.Itoa(threads), strconv.FormatInt(benchHSMRun.Milliseconds(), 10))...)
	cmd.Env = append(os.Environ(), soft.Env())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	check(t, err)
	return stampCost{rate: r, workers: microsOf(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), r*benchHSMRun.Seconds())}
}

func writeLine(t *testing.T, path string, value float64, against string, limit float64) {
	t.Helper()
	const goal = 0.8
	t.Logf("%-32s %9.0f/s   %-36s %9.0f/s   %.2f (goal %.2f)", path, value, against, limit, value/limit, goal)
	to := os.Getenv("QAQPA_BENCH_JSONL")
	if to == "" {
		return
	}
	line, err := json.Marshal(map[string]any{
		"path": path, "value": value, "unit": "signatures/s", "against": against, "against_value": limit, "ratio": value / limit,
		"goal": goal, "pass": value/limit >= goal,
	})
	check(t, err)
	f, err := os.OpenFile(to, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(t, err)
	defer f.Close()
	_, err = f.Write(append(line, '\n'))
	check(t, err)
}
