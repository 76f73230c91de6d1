package hsm_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
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

// network is a token behind p11-kit's server: a process of its own that can be frozen and killed, as a network HSM can.
type network struct {
	soft   *softhsm.Token
	module string
	socket string
	server *exec.Cmd
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{module: "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so"}
	if _, err := os.Stat(n.module); err != nil {
		t.Skip("needs p11-kit and p11-kit-modules: there is no p11-kit-client.so")
	}
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	n.soft, n.socket = soft, networkSocket
	n.start(t)
	t.Cleanup(func() { n.stop(t) })
	t.Setenv("P11_KIT_SERVER_ADDRESS", "unix:path="+n.socket)
	return n
}

func (n *network) start(t *testing.T) {
	t.Helper()
	_ = os.Remove(n.socket)
	n.server = exec.CommandContext(context.WithoutCancel(t.Context()), "p11-kit", "server", "-f", "--provider", n.soft.Module, "-n", n.socket, "pkcs11:token="+n.soft.Label)
	n.server.Env = append(os.Environ(), n.soft.Env())
	n.server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, n.server.Start())
	await(t, "a p11-kit server that listens", func() bool { return listens(t, n.socket) })
}

// listens tells whether somebody accepts connections at a socket, whose file is there before anybody does. A connection to try it would be one
// that the server has a process for.
func listens(t *testing.T, socket string) bool {
	t.Helper()
	const flags, accepting = 3, "00010000" // the fourth field of a line; __SO_ACCEPTCON of the kernel
	sockets, err := os.ReadFile("/proc/net/unix")
	must(t, err)
	for line := range strings.Lines(string(sockets)) {
		if f := strings.Fields(line); len(f) > flags && f[len(f)-1] == socket && f[flags] == accepting {
			return true
		}
	}
	return false
}

// children are the server's processes, one for each connection.
func (n *network) children(t *testing.T) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	var found []int
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(raw), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(n.server.Process.Pid) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			must(t, err)
			found = append(found, pid)
		}
	}
	return found
}

func (n *network) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	children := n.children(t)
	if len(children) == 0 {
		t.Fatal("the server has no connection")
	}
	for _, pid := range children {
		must(t, syscall.Kill(pid, s))
	}
}

func (n *network) stop(t *testing.T) {
	t.Helper()
	_ = n.server.Process.Signal(syscall.SIGSTOP) // or it takes another connection while those that it has are cut
	for _, pid := range n.children(t) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = n.server.Process.Kill()
	_ = n.server.Wait()
	_ = os.Remove(n.socket)
}

func (n *network) open(t *testing.T, more ...func(*hsm.Config)) *hsm.Token {
	t.Helper()
	viaClient := *n.soft
	viaClient.Module = n.module
	return open(t, &viaClient, more...)
}

func TestFrozenTokenHoldsDeadlines(t *testing.T) {
	const timeout = 500 * time.Millisecond
	n := newNetwork(t)
	token := n.open(t, func(c *hsm.Config) { c.CallTimeout, c.SessionsMax, c.QueueMax = timeout, 3, 4 })
	keys := []*hsm.Key{generate(t, token, "a", hsm.ECDSAP256), generate(t, token, "b", hsm.RSA2048)}
	sign(t, keys)

	n.signal(t, syscall.SIGSTOP)
	start := time.Now()
	var calls sync.WaitGroup
	errs := make([]error, 2000)
	for i := range errs {
		calls.Go(func() {
			digest := make([]byte, 32)
			_, errs[i] = keys[i%2].Sign(nil, digest, crypto.SHA256)
		})
	}
	calls.Wait()
	if took := time.Since(start); took > timeout+5*time.Second {
		t.Errorf("2000 calls on a frozen token took %v with a deadline of %v", took, timeout)
	}
	if n := threads(t); n > 60 {
		t.Errorf("2000 calls on a frozen token left the process with %d threads", n)
	}
	kinds := map[string]int{}
	for _, err := range errs {
		switch {
		case errors.Is(err, hsm.ErrUnavailable):
			kinds["unavailable"]++
		case errors.Is(err, hsm.ErrBusy):
			kinds["busy"]++
		default:
			t.Errorf("frozen token: %v", err)
		}
	}
	if kinds["unavailable"] < 3 || kinds["busy"] == 0 { // who comes after half of the deadline finds every session hanging
		t.Errorf("3 calls in flight, 4 in the queue, the others refused at once; got %v", kinds)
	}

	if _, err := keys[0].Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, hsm.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with all sessions frozen a call is refused at once, not at its deadline: %v", err)
	}

	n.signal(t, syscall.SIGCONT)
	signEventually(t, keys)
}

func TestKilledTokenComesBack(t *testing.T) {
	n := newNetwork(t)
	// One session, since the client of p11-kit 0.24 does not wake all of several threads when their connection breaks:
	// calls that never return are TestFrozenTokenHoldsDeadlines' matter.
	token := n.open(t, func(c *hsm.Config) { c.CallTimeout, c.SessionsMax = 2*time.Second, 1 })
	keys := []*hsm.Key{generate(t, token, "a", hsm.ECDSAP256), generate(t, token, "b", hsm.RSA2048)}

	l := startLoad(t, keys, 4)
	for range 3 {
		l.progress(t, 50)
		n.signal(t, syscall.SIGKILL) // a connection breaks
	}
	l.progress(t, 50)
	n.stop(t) // the appliance restarts
	refused := l.refused.Load()
	await(t, "calls that are refused", func() bool { return l.refused.Load() > refused })
	n.start(t)
	l.progress(t, 50)
	n.signal(t, syscall.SIGSTOP) // it hangs, and somebody pulls the plug
	good := l.good.Load()
	await(t, "calls that hang", func() bool { before := good; good = l.good.Load(); return good == before })
	n.signal(t, syscall.SIGKILL)
	l.progress(t, 50)
	l.end(t)
}

func TestCloseDoesNotWaitForAFrozenToken(t *testing.T) {
	n := newNetwork(t)
	viaClient := *n.soft
	viaClient.Module = n.module
	token, err := hsm.Open(t.Context(), hsm.Config{Module: n.module, Token: n.soft.Label, PIN: n.soft.PIN, CallTimeout: time.Second})
	must(t, err)
	k := generate(t, token, "a", hsm.ECDSAP256)
	n.signal(t, syscall.SIGSTOP)
	if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, hsm.ErrUnavailable) {
		t.Error(err)
	}
	start := time.Now()
	if err := token.Close(); !errors.Is(err, hsm.ErrUnavailable) {
		t.Errorf("close of a frozen token: %v", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("close took %v", took)
	}
	if _, err := hsm.Open(t.Context(), hsm.Config{Module: n.module, Token: n.soft.Label, PIN: n.soft.PIN, CallTimeout: time.Second}); !errors.Is(err, hsm.ErrUnavailable) {
		t.Errorf("open of a frozen token: %v", err)
	}
	n.signal(t, syscall.SIGKILL) // the blocked calls return, and the library is free again
	var again *hsm.Token
	await(t, "a library that is free again", func() bool {
		again, err = hsm.Open(t.Context(), hsm.Config{Module: n.module, Token: n.soft.Label, PIN: n.soft.PIN})
		return err == nil
	})
	must(t, again.Close())
}

// The appliance accepts connections and never answers: the library hangs while it is initialised anew.
func TestTokenThatFreezesWhileConnecting(t *testing.T) {
	const timeout = time.Second
	n := newNetwork(t)
	token := n.open(t, func(c *hsm.Config) { c.CallTimeout, c.SessionsMax = timeout, 1 })
	keys := []*hsm.Key{generate(t, token, "a", hsm.ECDSAP256)}
	sign(t, keys)
	must(t, n.server.Process.Signal(syscall.SIGSTOP))
	n.signal(t, syscall.SIGKILL)
	for deadline := time.Now().Add(3 * timeout); time.Now().Before(deadline); {
		start := time.Now()
		if _, err := keys[0].Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, hsm.ErrUnavailable) && !errors.Is(err, hsm.ErrBusy) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > timeout+5*time.Second {
			t.Errorf("a call took %v", took)
		}
	}
	if err := token.Health(t.Context()); !errors.Is(err, hsm.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a token that was given up is not waited for until the deadline: %v", err)
	}
	must(t, n.server.Process.Signal(syscall.SIGCONT))
	signEventually(t, keys)
}

// threads counts the threads of this process.
func threads(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	must(t, err)
	return len(tasks)
}

// signEventually waits until all keys sign again.
func signEventually[K key](t *testing.T, keys []K) {
	t.Helper()
	for _, k := range keys {
		var err error
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			if _, err = k.Sign(nil, make([]byte, 32), optsOf(k)); err == nil {
				break
			}
		}
		if err != nil {
			t.Fatal(fmt.Errorf("key %s does not come back: %w", k.Label(), err))
		}
	}
}
