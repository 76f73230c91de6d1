package hsm_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"testing"

	"github.com/miekg/pkcs11"

	"qaqpa/hsm"
)

// A key that is rotated while it is in use goes on under the public key that it was opened with, also in a worker process that was started
// since; whoever opens the label then gets the next key. No call is refused, and no signature is that of the other key.
func TestRotationUnderLoad(t *testing.T) {
	p := newTwins(t)
	soft := *p.tokens[0]
	made(t, &soft, map[string]hsm.Algorithm{"a.next": hsm.ECDSAP256})
	f := fleetOf(t, quick, p.tokens[0])
	old := fleetKey(t, f, "a")
	next := fleetKey(t, f, "a.next")
	l := startLoad(t, []*hsm.FleetKey{old}, 4) // each signature is verified with the public key of before
	l.progress(t, 50)

	token := open(t, &soft)
	must(t, token.Relabel(t.Context(), "a", old.ID(), "a.retired"))
	l.progress(t, 50)
	must(t, token.Relabel(t.Context(), "a.next", next.ID(), "a"))
	l.progress(t, 50)
	for range 2 {
		must(t, p.faults[0].Crash(true))
		await(t, "a worker that starts anew", func() bool { return p.initialised(t) })
		must(t, p.faults[0].Crash(false))
		l.progress(t, 50)
	}
	l.end(t)
	if n := l.refused.Load(); n > 0 {
		t.Errorf("%d calls failed while the key was rotated", n)
		l.why.Range(func(why, _ any) bool { t.Error(why); return true })
	}
	after := fleetKey(t, fleetOf(t, quick, p.tokens[0]), "a")
	if got, want := spki(t, after.Public()), spki(t, next.Public()); got != want {
		t.Error("the label does not stand for the next key")
	}
	sign(t, []*hsm.FleetKey{after, old})
}

func spki(t *testing.T, pub any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(pub)
	must(t, err)
	return string(der)
}

// A connection that is lost while a label stands for nobody, or for the next key, does not take the old key away: it is found by its id.
func TestRelabelledKeyIsFoundByItsID(t *testing.T) {
	soft, token, keys := fixture(t)
	lose := func() {
		strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) { must(t, ctx.Logout(session)) })
	}
	for _, k := range keys {
		must(t, token.Relabel(t.Context(), k.Label(), k.ID(), k.Label()+" retired"))
	}
	lose()
	sign(t, keys)
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) {
		for _, k := range keys {
			pair(t, ctx, session, k.Label(), nil)
		}
	})
	lose()
	sign(t, keys)
	must(t, token.Health(t.Context()))

	must(t, token.Destroy(t.Context(), keys[0].Label()+" retired", keys[0].ID()))
	lose()
	if _, err := keys[0].Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, hsm.ErrKeyChanged) {
		t.Errorf("a key that is gone, and whose label is another's: %v", err)
	}
	sign(t, keys[1:])
}
