package hsm_test

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
)

// key is a key of a token or of a fleet.
type key interface {
	crypto.Signer
	Algorithm() hsm.Algorithm
	Label() string
}

// load signs with several keys from several goroutines until it is stopped, and judges every outcome.
type load struct {
	good, refused, wrong atomic.Int64
	slowest              atomic.Int64   // longest call, in nanoseconds
	others               sync.Map       // unexpected errors
	why                  sync.Map       // reasons of refusals
	clients              []atomic.Int64 // refusals of each
	stop                 chan struct{}
	done                 sync.WaitGroup
}

func startLoad[K key](t *testing.T, keys []K, goroutines int) *load {
	t.Helper()
	l := &load{stop: make(chan struct{}), clients: make([]atomic.Int64, goroutines)}
	for g := range goroutines {
		l.done.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-l.stop:
					return
				default:
				}
				if !l.one(keys[(g+i)%len(keys)]) {
					l.clients[g].Add(1)
				}
			}
		})
	}
	return l
}

// one signs once; false when it was refused.
func (l *load) one(k key) bool {
	message := []byte(rand.Text())
	opts := crypto.SignerOpts(crypto.SHA256)
	input := message
	if k.Algorithm() == hsm.Ed25519 {
		opts = crypto.Hash(0)
	} else {
		h := crypto.SHA256.New()
		h.Write(message)
		input = h.Sum(nil)
	}
	start := time.Now()
	signature, err := k.Sign(nil, input, opts)
	if took := int64(time.Since(start)); took > l.slowest.Load() {
		l.slowest.Store(took)
	}
	switch {
	case err == nil && verify(k.Public(), message, signature, opts):
		l.good.Add(1)
	case err == nil:
		l.wrong.Add(1)
	case errors.Is(err, hsm.ErrUnavailable), errors.Is(err, hsm.ErrBusy):
		l.refused.Add(1)
		l.why.Store(err.Error(), true)
		time.Sleep(time.Millisecond) // a client that is refused does not come back at once
		return false
	default:
		l.others.Store(err.Error(), true)
	}
	return true
}

// allRefused waits until every client was refused once more: what it had under way before has ended by then.
func (l *load) allRefused(t *testing.T) {
	t.Helper()
	for i := range l.clients {
		n := l.clients[i].Load()
		await(t, "a client that is refused", func() bool { return l.clients[i].Load() > n })
	}
}

// progress waits until n more signatures were made.
func (l *load) progress(t *testing.T, n int64) {
	t.Helper()
	want := l.good.Load() + n
	for deadline := time.Now().Add(20 * time.Second); l.good.Load() < want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no progress: %d good, %d refused", l.good.Load(), l.refused.Load())
		}
	}
}

// end stops the load and checks what must hold whatever happened.
func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.done.Wait()
	if l.good.Load() > 10 {
		t.Logf("%d signed, %d refused, slowest %v", l.good.Load(), l.refused.Load(), time.Duration(l.slowest.Load()))
	}
	if n := l.wrong.Load(); n > 0 {
		t.Errorf("%d wrong signatures left the package", n)
	}
	l.others.Range(func(err, _ any) bool {
		t.Errorf("unexpected error: %s", err)
		return true
	})
}

// fixture is a token of a test's own with a few keys in it.
func fixture(t *testing.T) (*softhsm.Token, *hsm.Token, []*hsm.Key) {
	t.Helper()
	soft, err := softhsm.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token := open(t, soft)
	var keys []*hsm.Key
	for i := range 4 {
		keys = append(keys, generate(t, token, fmt.Sprintf("key %d", i), hsm.ECDSAP256))
	}
	keys = append(keys, generate(t, token, "key ed", hsm.Ed25519))
	return soft, token, keys
}

func TestRemovedTokenComesBackUnderLoad(t *testing.T) {
	soft, token, keys := fixture(t)
	l := startLoad(t, keys, 8)
	l.progress(t, 100)
	for range 3 {
		if err := soft.Remove(); err != nil {
			t.Fatal(err)
		}
		await(t, "a token that is known to be gone", func() bool {
			return errors.Is(token.Health(t.Context()), hsm.ErrUnavailable)
		})
		l.allRefused(t)
		before := l.good.Load()
		l.allRefused(t)
		if n := l.good.Load() - before; n > 0 {
			t.Errorf("%d signatures without the token", n)
		}
		if err := soft.Restore(); err != nil {
			t.Fatal(err)
		}
		l.progress(t, 100)
		if err := token.Health(t.Context()); err != nil {
			t.Errorf("health with the token back: %v", err)
		}
	}
	l.end(t)
}

// foreign is another user of the module in this process, which plays by no rules, but for one: what it does must not end the process, so
// nobody else is in the library meanwhile. A call beside C_Finalize, or in a session that is closed meanwhile, is not survived by SoftHSM.
func foreign(t *testing.T, soft *softhsm.Token, do func(ctx *pkcs11.Ctx, slot uint)) {
	t.Helper()
	hsm.Alone(t, soft.Module, func() {
		ctx := pkcs11.New(soft.Module)
		do(ctx, slotOf(t, ctx, soft))
	})
}

// slotOf is where the token is in the library as it is initialised now.
func slotOf(t *testing.T, ctx *pkcs11.Ctx, soft *softhsm.Token) uint {
	t.Helper()
	slots, err := ctx.GetSlotList(true)
	must(t, err)
	for _, slot := range slots {
		if info, err := ctx.GetTokenInfo(slot); err == nil && info.Label == soft.Label {
			return slot
		}
	}
	t.Fatal("the foreign user does not find the token")
	return 0
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOtherUserOfTheModule(t *testing.T) {
	faults := map[string]func(t *testing.T, soft *softhsm.Token, ctx *pkcs11.Ctx, slot uint){
		"closes all sessions": func(t *testing.T, _ *softhsm.Token, ctx *pkcs11.Ctx, slot uint) {
			t.Helper()
			must(t, ctx.CloseAllSessions(slot))
		},
		"logs out": func(t *testing.T, _ *softhsm.Token, ctx *pkcs11.Ctx, slot uint) {
			t.Helper()
			session, err := ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
			must(t, err)
			must(t, ctx.Logout(session))
		},
		"finalises": func(t *testing.T, _ *softhsm.Token, ctx *pkcs11.Ctx, _ uint) {
			t.Helper()
			must(t, ctx.Finalize())
		},
		"finalises and initialises": func(t *testing.T, _ *softhsm.Token, ctx *pkcs11.Ctx, _ uint) {
			t.Helper()
			must(t, ctx.Finalize())
			must(t, ctx.Initialize())
		},
		"finalises, initialises and logs in": func(t *testing.T, soft *softhsm.Token, ctx *pkcs11.Ctx, _ uint) {
			t.Helper()
			must(t, ctx.Finalize())
			must(t, ctx.Initialize())
			session, err := ctx.OpenSession(slotOf(t, ctx, soft), pkcs11.CKF_SERIAL_SESSION)
			must(t, err)
			must(t, ctx.Login(session, pkcs11.CKU_USER, soft.PIN))
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			soft, _, keys := fixture(t)
			for range 3 {
				sign(t, keys)
				foreign(t, soft, func(ctx *pkcs11.Ctx, slot uint) { fault(t, soft, ctx, slot) })
				sign(t, keys)
			}
		})
	}
}

// sign has every key sign once, at the same time; none may fail.
func sign[K key](t *testing.T, keys []K) {
	t.Helper()
	l := &load{stop: make(chan struct{})}
	for _, k := range keys {
		l.done.Go(func() { l.one(k) })
	}
	l.end(t)
	if n := l.good.Load(); n != int64(len(keys)) {
		t.Fatalf("%d of %d keys signed", n, len(keys))
	}
}
