package trust_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/trust"
)

// TestList: what a trust list may say, and each rule that it may break.
func TestList(t *testing.T) {
	root := store(t, trust.Config{Mode: trust.Test}).Anchors()[0].Certificate
	national := store(t, trust.Config{Mode: trust.Production}).Anchors()[0].Certificate
	list := func(change func(map[string]any)) []byte {
		entry := map[string]any{
			"name": "A", "profile": "trusted-third-party", "territory": "KG", "certificate": root.Raw,
			"trusted_from": root.NotBefore, "trusted_until": root.NotAfter,
		}
		change(entry)
		b, err := json.Marshal(map[string]any{"version": 1, "authorities": []any{entry}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := store(t, trust.Config{Mode: trust.Custom, Lists: [][]byte{list(func(map[string]any) {})}})
	if a := good.Anchors()[0]; a.Profile != trust.ThirdParty || a.Territory != "KG" || !a.TrustedFrom.Equal(root.NotBefore) {
		t.Errorf("the list gives %+v", a)
	}
	whole := string(list(func(map[string]any) {}))
	for name, file := range map[string][]byte{
		"no list":               []byte("{}"),
		"something behind":      []byte(whole + "{}"),
		"another version":       []byte(strings.Replace(whole, `"version":1`, `"version":2`, 1)),
		"no name":               list(func(e map[string]any) { e["name"] = "" }),
		"an unknown member":     list(func(e map[string]any) { e["purpose"] = []string{"1.2"} }),
		"an unknown profile":    list(func(e map[string]any) { e["profile"] = "friends" }),
		"no state":              list(func(e map[string]any) { e["territory"] = "" }),
		"our own state":         list(func(e map[string]any) { e["territory"] = "KZ" }),
		"a state for our own":   list(func(e map[string]any) { e["profile"] = "national" }),
		"no times":              list(func(e map[string]any) { delete(e, "trusted_until") }),
		"longer than it lives":  list(func(e map[string]any) { e["trusted_until"] = root.NotAfter.Add(time.Second) }),
		"no certificate":        list(func(e map[string]any) { e["certificate"] = []byte("x") }),
		"more than is bearable": list(func(e map[string]any) { e["name"] = strings.Repeat("a", 2<<20) }),
	} {
		if _, err := trust.New(trust.Config{Mode: trust.Custom, Lists: [][]byte{file}}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := trust.New(trust.Config{Mode: trust.Production, Lists: [][]byte{list(func(map[string]any) {})}}); !errors.Is(err, trust.ErrTestAuthority) {
		t.Errorf("a test authority in production: %v", err)
	}
	both := list(func(e map[string]any) {
		e["certificate"], e["trusted_from"], e["trusted_until"] = national.Raw, national.NotBefore, national.NotAfter
	})
	if _, err := trust.New(trust.Config{Mode: trust.Production, Lists: [][]byte{both}}); !errors.Is(err, trust.ErrTwice) {
		t.Errorf("a national authority as a foreign one: %v", err)
	}
}
