package hsm_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
)

// spied is a token behind OpenSC's pkcs11-spy, which writes every call of the module to a file.
func spied(t *testing.T) (soft *softhsm.Token, calls func(name string) int) {
	t.Helper()
	const spy = "/usr/lib/x86_64-linux-gnu/pkcs11/pkcs11-spy.so"
	if _, err := os.Stat(spy); err != nil {
		t.Skip("needs opensc-pkcs11: there is no pkcs11-spy.so")
	}
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	t.Setenv("PKCS11SPY", soft.Module)
	t.Setenv("PKCS11SPY_OUTPUT", spyLog)
	soft.Module = spy
	return soft, func(name string) int {
		raw, err := os.ReadFile(spyLog)
		if !errors.Is(err, os.ErrNotExist) {
			must(t, err)
		}
		return strings.Count(string(raw), ": "+name+"\n")
	}
}

func TestWrongPINIsTriedOnce(t *testing.T) {
	soft, calls := spied(t)
	right := soft.PIN
	soft.PIN = "9999"
	before := calls("C_Login")
	for range 3 {
		if _, err := tryOpen(t, soft); !errors.Is(err, hsm.ErrWrongPIN) {
			t.Errorf("got %v", err)
		}
	}
	if n := calls("C_Login") - before; n != 1 {
		t.Errorf("the wrong PIN was tried %d times", n)
	}

	soft.PIN = right
	token := open(t, soft)
	k := generate(t, token, "a", hsm.ECDSAP256)
	soft.PIN = "9999"
	if _, err := tryOpen(t, soft); !errors.Is(err, hsm.ErrWrongPIN) {
		t.Errorf("wrong PIN on a token that is logged in to: %v", err)
	}
	soft.PIN = "8888"
	before = calls("C_Login")
	if _, err := tryOpen(t, soft); !errors.Is(err, hsm.ErrWrongPIN) {
		t.Errorf("another wrong PIN on a token that is logged in to: %v", err)
	}
	if n := calls("C_Login") - before; n > 1 {
		t.Errorf("the other wrong PIN was tried %d times", n)
	}
	sign(t, []*hsm.Key{k})
}

// A token may come back with another PIN; it is asked once, and the right one works at once when it is back itself.
func TestPINChangedWhileTheTokenWasAway(t *testing.T) {
	soft, calls := spied(t)
	token := open(t, soft)
	k := generate(t, token, "a", hsm.ECDSAP256)
	sign(t, []*hsm.Key{k})

	changePIN := func(from, to string) {
		foreign(t, soft, func(ctx *pkcs11.Ctx, slot uint) { // the token is being connected again and again, with C_Finalize each time
			session, err := ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
			must(t, err)
			must(t, ctx.SetPIN(session, from, to))
			must(t, ctx.CloseAllSessions(slot))
		})
	}
	changePIN(soft.PIN, "changed")
	before := calls("C_Login")
	for range 5 {
		if _, err := k.Sign(nil, make([]byte, 32), optsOf(k)); !errors.Is(err, hsm.ErrUnavailable) || !errors.Is(err, hsm.ErrWrongPIN) {
			t.Errorf("got %v", err)
		}
	}
	if n := calls("C_Login") - before; n != 1 {
		t.Errorf("the old PIN was tried %d times", n)
	}
	changePIN("changed", soft.PIN)
	signEventually(t, []*hsm.Key{k})
}

func TestSignatureTakesTwoCalls(t *testing.T) {
	soft, calls := spied(t)
	token := open(t, soft, func(c *hsm.Config) { c.SessionsMax = 1 })
	keys := []*hsm.Key{generate(t, token, "a", hsm.RSA2048), generate(t, token, "b", hsm.Ed25519)}
	sign(t, keys)
	names := []string{"C_SignInit", "C_Sign", "C_FindObjectsInit", "C_OpenSession", "C_GetAttributeValue", "C_Login", "C_Verify"}
	before := map[string]int{}
	for _, name := range names {
		before[name] = calls(name)
	}
	for range 10 {
		sign(t, keys)
	}
	for _, name := range names {
		want := 0
		if name == "C_SignInit" || name == "C_Sign" {
			want = 20
		}
		if n := calls(name) - before[name]; n != want {
			t.Errorf("20 signatures made %d calls of %s instead of %d", n, name, want)
		}
	}
}
