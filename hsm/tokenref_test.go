package hsm_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
)

// Tokens are told apart by label, serial number and slot: two of one label can be used at once, each with a key of its own, in one fleet.
func TestTokensByLabelSerialAndSlot(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	other, err := soft.Another("third")
	must(t, err)
	must(t, soft.Twin())
	tokens := listed(t, soft)
	if len(tokens) != 3 {
		t.Fatalf("%d tokens", len(tokens))
	}
	var names []string
	third := *soft
	for slot, info := range tokens {
		if info.Label == "third" {
			third.Label = fmt.Sprintf("slot:%#x", slot)
			continue
		}
		names = append(names, "serial:"+info.SerialNumber)
	}
	if _, err := tryOpen(t, soft); !errors.Is(err, hsm.ErrTokenAmbiguous) {
		t.Errorf("a label of two tokens: %v", err)
	}
	first, second := *soft, *soft
	first.Label, second.Label = names[0], names[1]
	third.PIN = other.PIN
	for label, token := range map[string]*softhsm.Token{"a": &first, "b": &second, "c": &third} {
		made(t, token, map[string]hsm.Algorithm{label: hsm.ECDSAP256})
	}
	f := fleetOf(t, nil, &first, &second, &third)
	keys := []*hsm.FleetKey{fleetKey(t, f, "a"), fleetKey(t, f, "b"), fleetKey(t, f, "c")}
	for range 5 {
		sign(t, keys)
	}
	must(t, f.Health(t.Context()))
	for _, wrong := range []string{"serial:0123456789abcdef", "slot:999999", "slot:", "slot:-1", "serial:", "slot:x", "serial:0123456789abcdef0"} {
		lost := *soft
		lost.Label = wrong
		if _, err := tryOpen(t, &lost); err == nil {
			t.Errorf("token %q was opened", wrong)
		}
	}
	for _, wrong := range []string{"serial:1", "slot:1"} {
		if err := hsm.InitToken(soft.Module, wrong, "so-pin-1", "pin-1"); err == nil {
			t.Errorf("a token was set up as %q, which cannot be named by it", wrong)
		}
	}
}

// listed are the tokens that were set up, by slot, as the module tells a stranger.
func listed(t *testing.T, soft *softhsm.Token) map[uint]pkcs11.TokenInfo {
	t.Helper()
	ctx := pkcs11.New(soft.Module)
	must(t, ctx.Initialize())
	defer func() { must(t, ctx.Finalize()) }()
	slots, err := ctx.GetSlotList(true)
	must(t, err)
	found := map[uint]pkcs11.TokenInfo{}
	for _, slot := range slots {
		if info, err := ctx.GetTokenInfo(slot); err == nil && info.Flags&pkcs11.CKF_TOKEN_INITIALIZED != 0 {
			found[slot] = info
		}
	}
	return found
}

// The PIN reaches worker processes over a socket alone: what every user of the machine, or whoever reads a process's environment, can
// see of them does not hold it.
func TestWorkersShowNoPIN(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	made(t, soft, map[string]hsm.Algorithm{"k": hsm.ECDSAP256})
	f := fleetOf(t, func(c *hsm.FleetConfig) { c.Tokens[0].Processes = 2 }, soft)
	sign(t, []*hsm.FleetKey{fleetKey(t, f, "k")})
	children, err := filepath.Glob("/proc/self/task/*/children")
	must(t, err)
	seen := 0
	for _, list := range children {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for pid := range strings.FieldsSeq(string(pids)) {
			for _, what := range []string{"cmdline", "environ"} {
				text, err := os.ReadFile(filepath.Join("/proc", pid, what))
				if err != nil {
					continue
				}
				if strings.Contains(string(text), soft.PIN) {
					t.Errorf("the PIN stands in %s of a worker", what)
				}
				if strings.Contains(string(text), "hsm-worker") {
					seen++
				}
			}
		}
	}
	if seen < 2 {
		t.Errorf("%d workers were looked at, of 2", seen)
	}
}
