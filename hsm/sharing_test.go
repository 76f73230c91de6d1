package hsm_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/prometheus/client_golang/prometheus"
)

// Several Tokens of one library: the same token twice and another one. One may come, go and fail without the others
// noticing more than a pause.
func TestTokensShareALibrary(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	second, err := soft.Another("second")
	must(t, err)
	registry := prometheus.NewRegistry()
	shared := func(c *hsm.Config) { c.Registerer = registry }
	a, b, c := open(t, soft, shared), open(t, soft, shared), open(t, second, shared)
	ka, kc := generate(t, a, "a", hsm.ECDSAP256), generate(t, c, "c", hsm.ECDSAP256)
	kb, err := b.Key(t.Context(), "a")
	must(t, err)
	if _, err := c.Key(t.Context(), "a"); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("a key of another token: %v", err)
	}
	l := startLoad(t, []*hsm.Key{ka, kc}, 4)
	l.progress(t, 100)
	generate(t, b, "made under load", hsm.RSA2048)
	sign(t, []*hsm.Key{kb})
	must(t, b.Close())
	l.progress(t, 100)
	for i := range 3 {
		must(t, hsm.InitToken(soft.Module, fmt.Sprintf("fresh %d", i), "so-pin-1", "pin-1"))
	}
	l.progress(t, 100)
	refused := l.refused.Load()
	if refused > 0 {
		t.Errorf("%d calls were refused although nothing was lost", refused)
	}
	if good := l.good.Load(); metric(t, registry, "qaqpa_hsm_signatures_total") < float64(good) || metric(t, registry, "qaqpa_hsm_up") != 2 {
		t.Error("the metrics do not count what was done")
	}

	must(t, second.Remove()) // the other token goes on, with pauses
	before := metric(t, registry, "qaqpa_hsm_signatures_total")
	deadline := time.Now().Add(20 * time.Second)
	for n := range 200 {
		if time.Now().After(deadline) {
			t.Fatalf("only %d signatures while the other token was lost", n)
		}
		sign(t, []*hsm.Key{ka})
	}
	if metric(t, registry, "qaqpa_hsm_signatures_total") < before+200 {
		t.Error("the metrics do not count what was done")
	}
	must(t, second.Restore())
	signEventually(t, []*hsm.Key{kc})
	l.end(t)
}

func TestInitToken(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	must(t, hsm.InitToken(soft.Module, "мөр", "so-pin-1", "pin-1"))
	for _, label := range []string{"мөр", soft.Label} {
		if err := hsm.InitToken(soft.Module, label, "so-pin-1", "pin-1"); !errors.Is(err, hsm.ErrTokenExists) {
			t.Errorf("label %q in use: %v", label, err)
		}
	}
	for name, c := range map[string][4]string{
		"no label":      {soft.Module, "", "so-pin-1", "pin-1"},
		"long label":    {soft.Module, strings.Repeat("x", 33), "so-pin-1", "pin-1"},
		"no PIN":        {soft.Module, "x", "so-pin-1", ""},
		"no SO PIN":     {soft.Module, "x", "", "pin-1"},
		"no module":     {filepath.Join(t.TempDir(), "nothing.so"), "x", "so-pin-1", "pin-1"},
		"relative path": {"libsofthsm2.so", "x", "so-pin-1", "pin-1"},
		"not a module":  {"/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "x", "so-pin-1", "pin-1"},
	} {
		if err := hsm.InitToken(c[0], c[1], c[2], c[3]); err == nil {
			t.Errorf("%s was accepted", name)
		} else if strings.Contains(name, "module") && !errors.Is(err, hsm.ErrModule) {
			t.Errorf("%s: %v", name, err)
		}
	}
	made := *soft
	made.Label, made.PIN = "мөр", "pin-1"
	sign(t, []*hsm.Key{generate(t, open(t, &made), "k", hsm.ECDSAP256)})
}

func TestOpenErrors(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	try := func(change func(*hsm.Config)) error {
		_, err := tryOpen(t, soft, change)
		return err
	}
	if err := try(func(c *hsm.Config) { c.Token = "nobody" }); !errors.Is(err, hsm.ErrTokenNotFound) {
		t.Errorf("unknown label: %v", err)
	}
	if err := try(func(c *hsm.Config) { c.Module = "/nothing.so" }); !errors.Is(err, hsm.ErrModule) {
		t.Errorf("missing module: %v", err)
	}
	for name, change := range map[string]func(*hsm.Config){
		"relative module":  func(c *hsm.Config) { c.Module = "libsofthsm2.so" },
		"no label":         func(c *hsm.Config) { c.Token = "" },
		"no PIN":           func(c *hsm.Config) { c.PIN = "" },
		"sessions":         func(c *hsm.Config) { c.SessionsMax = 257 },
		"queue":            func(c *hsm.Config) { c.QueueMax = -1 },
		"negative timeout": func(c *hsm.Config) { c.CallTimeout = -time.Second },
	} {
		if err := try(change); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	twin := *soft
	must(t, twin.Twin())
	if err := try(func(*hsm.Config) {}); !errors.Is(err, hsm.ErrTokenAmbiguous) {
		t.Errorf("two tokens with one label: %v", err)
	}
	cfg := hsm.Config{Token: "t", PIN: "secret-pin"}
	if s := fmt.Sprint(cfg, cfg.LogValue()); strings.Contains(s, "secret-pin") {
		t.Errorf("the PIN shows in %s", s)
	}
}

func TestCancelledAndLateCalls(t *testing.T) {
	soft := softhsm.ForTest(t)
	made(t, soft, map[string]hsm.Algorithm{"k": hsm.ECDSAP256})
	faulty, err := softhsm.NewFaulty(t.TempDir())
	must(t, err)
	t.Cleanup(func() { _ = faulty.Close() })
	soft.Module = faulty.Module
	token := open(t, soft, func(c *hsm.Config) { c.SessionsMax, c.QueueMax, c.CallTimeout = 1, 2, time.Minute })
	k, err := token.Key(t.Context(), "k")
	must(t, err)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.SignContext(cancelled, make([]byte, 32), optsOf(k)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	late, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := k.SignContext(late, make([]byte, 32), optsOf(k)); !errors.Is(err, hsm.ErrBusy) && !errors.Is(err, hsm.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline passed: %v", err)
	}

	// Overload: one session, two waiting, all others refused at once, and those that are not refused are served.
	must(t, faulty.Freeze(true))
	inC := func() uint64 {
		n, err := faulty.Calls(softhsm.CallSignInit)
		must(t, err)
		return n
	}
	before := inC()
	var (
		calls              sync.WaitGroup
		good, busy, others atomic.Int64
	)
	one := func() {
		switch _, err := k.Sign(nil, make([]byte, 32), optsOf(k)); {
		case err == nil:
			good.Add(1)
		case errors.Is(err, hsm.ErrBusy):
			busy.Add(1)
		default:
			others.Add(1)
		}
	}
	calls.Go(one)
	await(t, "the first call in the token", func() bool { return inC() > before })
	for range 49 {
		calls.Go(one)
	}
	await(t, "the refusals", func() bool { return busy.Load()+others.Load() >= 47 })
	must(t, faulty.Freeze(false))
	calls.Wait()
	if good.Load() != 3 || busy.Load() != 47 {
		t.Errorf("of 50 calls with one session and two places to wait %d were served, %d refused, %d failed", good.Load(), busy.Load(), others.Load())
	}
	sign(t, []*hsm.Key{k})
}
