package hsm

import (
	"crypto"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
)

// BenchmarkSign compares, on one token in one run, with the same number of goroutines:
//
//   - bare: C_SignInit + C_Sign in a loop, one session each: what the module can do
//   - miekg: the same through github.com/miekg/pkcs11
//   - hsm: Key.Sign, with queue, deadline and verification of every signature in Go
//
// go test -run XXX -bench Sign ./hsm
func BenchmarkSign(b *testing.B) {
	soft, err := softhsm.New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	token, err := Open(b.Context(), Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = token.Close() }()
	for _, a := range []Algorithm{ECDSAP256, Ed25519, RSA2048, RSA3072} {
		k, err := token.Generate(b.Context(), string(a), a)
		if err != nil {
			b.Fatal(err)
		}
		for _, goroutines := range []int{1, 2, 8} {
			at := func(way string) string { return fmt.Sprintf("%s/%d/%s", a, goroutines, way) }
			b.Run(at("bare"), func(b *testing.B) { benchmarkModule(b, k, goroutines, token.lib.sign) })
			b.Run(at("miekg"), func(b *testing.B) { benchmarkModule(b, k, goroutines, (&library{ctx: token.lib.ctx}).sign) })
			b.Run(at("hsm"), func(b *testing.B) { benchmarkKey(b, k, goroutines) })
		}
	}
}

// spread runs do b.N times over the goroutines, each with a value of its own.
func spread[T any](b *testing.B, own []T, do func(T) error) {
	b.Helper()
	var (
		left atomic.Int64
		all  sync.WaitGroup
	)
	left.Store(int64(b.N))
	b.ResetTimer()
	for _, mine := range own {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(mine); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "signatures/s")
}

type moduleSign func(pkcs11.SessionHandle, pkcs11.ObjectHandle, mechanism, []byte, int) ([]byte, error)

func benchmarkModule(b *testing.B, k *Key, goroutines int, sign moduleSign) {
	b.Helper()
	r, err := newRequest(k.pub, make([]byte, 32), hashFor(k))
	if err != nil {
		b.Fatal(err)
	}
	c := k.token.state.Load().conn
	handle, err := k.handle(session{conn: c, handle: c.anchor})
	if err != nil {
		b.Fatal(err)
	}
	sessions := make([]pkcs11.SessionHandle, goroutines)
	for i := range sessions {
		if sessions[i], err = c.lib.ctx.OpenSession(c.slot, pkcs11.CKF_SERIAL_SESSION); err != nil {
			b.Fatal(err)
		}
		defer func() { _ = c.lib.ctx.CloseSession(sessions[i]) }()
	}
	spread(b, sessions, func(s pkcs11.SessionHandle) error {
		_, err := sign(s, handle, r.mechanism, r.data, r.size)
		return err
	})
}

func benchmarkKey(b *testing.B, k *Key, goroutines int) {
	b.Helper()
	spread(b, make([]struct{}, goroutines), func(struct{}) error {
		_, err := k.Sign(nil, make([]byte, 32), hashFor(k))
		return err
	})
}

func hashFor(k *Key) crypto.SignerOpts {
	if k.Algorithm() == Ed25519 {
		return crypto.Hash(0)
	}
	return crypto.SHA256
}
