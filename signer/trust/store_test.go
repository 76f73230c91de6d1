package trust_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"qaqpa/signer/pkix"
	"qaqpa/signer/trust"
)

func store(t *testing.T, cfg trust.Config) *trust.Store {
	t.Helper()
	s, err := trust.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestShipped: each list is whole, each trust lies within its certificate, each anchor signs itself, and each
// intermediate is signed by one that is there.
func TestShipped(t *testing.T) {
	for mode, want := range map[trust.Mode][2]int{trust.Production: {5, 11}, trust.Test: {5, 10}} {
		s := store(t, trust.Config{Mode: mode})
		if len(s.Anchors()) != want[0] || len(s.Pool()) != want[1] || s.Mode() != mode {
			t.Errorf("%s: %d anchors, %d certificates", mode, len(s.Anchors()), len(s.Pool()))
		}
		for _, a := range s.Authorities() {
			c := a.Certificate
			if a.TrustedFrom.Before(c.NotBefore) || a.TrustedUntil.After(c.NotAfter) || !a.TrustedFrom.Before(a.TrustedUntil) {
				t.Errorf("%s is trusted from %s until %s", a.Name, a.TrustedFrom, a.TrustedUntil)
			}
			signed := false
			for _, up := range s.Anchors() {
				signed = signed || c.CheckSignatureFrom(up.Certificate) == nil
			}
			if !signed || !c.IsCA || a.Role == trust.RoleAnchor && !c.SelfIssued() {
				t.Errorf("%s: signed by an anchor %v, CA %v", a.Name, signed, c.IsCA)
			}
		}
	}
}

// TestModesShareNothing: no key of one mode is in the other.
func TestModesShareNothing(t *testing.T) {
	keys := map[string]bool{}
	for _, c := range store(t, trust.Config{Mode: trust.Production}).Pool() {
		keys[string(c.RawSPKI)] = true
	}
	for _, c := range store(t, trust.Config{Mode: trust.Test}).Pool() {
		if keys[string(c.RawSPKI)] {
			t.Errorf("%s is in production too", c.Subject)
		}
	}
}

func TestTestAuthorityIsRefusedInProduction(t *testing.T) {
	for _, a := range store(t, trust.Config{Mode: trust.Test}).Authorities() {
		file := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate.Raw})
		for _, cfg := range []trust.Config{
			{Mode: trust.Production, Anchors: [][]byte{file}},
			{Mode: trust.Production, Anchors: [][]byte{a.Certificate.Raw}},
			{Mode: trust.Production, Intermediates: [][]byte{file}},
		} {
			if _, err := trust.New(cfg); !errors.Is(err, trust.ErrTestAuthority) {
				t.Errorf("%s: %v", a.Name, err)
			}
		}
		if s := store(t, trust.Config{Mode: trust.Custom, Anchors: [][]byte{file}}); len(s.Anchors()) != 1 {
			t.Errorf("%s: not taken on request", a.Name)
		}
	}
}

func TestUnusableConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  trust.Config
		want error
	}{
		{trust.Config{}, trust.ErrMode},
		{trust.Config{Mode: "prod"}, trust.ErrMode},
		{trust.Config{Mode: trust.Custom}, trust.ErrNoAnchor},
		{trust.Config{Mode: trust.Production, Anchors: [][]byte{[]byte("hello")}}, pkix.ErrNoCertificate},
	} {
		if _, err := trust.New(c.cfg); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.cfg.Mode, err)
		}
	}
}

func TestDigestNamesTheSnapshot(t *testing.T) {
	seen := map[string]bool{}
	root := store(t, trust.Config{Mode: trust.Test}).Authorities()[0].Certificate.Raw
	for _, cfg := range []trust.Config{
		{Mode: trust.Production},
		{Mode: trust.Test},
		{Mode: trust.Custom, Anchors: [][]byte{root}},
		{Mode: trust.Custom, Anchors: [][]byte{root}, Intermediates: [][]byte{root}},
	} {
		d := store(t, cfg).Digest()
		if seen[d] || d != store(t, cfg).Digest() || len(d) != 64 {
			t.Errorf("digest %s", d)
		}
		seen[d] = true
	}
}

// TestAgainstRegister: what is shipped for production is what the register calls active.
func TestAgainstRegister(t *testing.T) {
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "kz", "ca-production", "MANIFEST.json"))
	if err != nil {
		t.Skipf("the corpora are not at %s; set QAQPA_CORPORA to run this test", dir)
	}
	var manifest struct {
		Certs []struct{ SHA256, Class, Env string }
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	shipped := map[string]bool{}
	for _, c := range store(t, trust.Config{Mode: trust.Production}).Pool() {
		sum := sha256.Sum256(c.Raw)
		shipped[hex.EncodeToString(sum[:])] = true
	}
	active := 0
	for _, c := range manifest.Certs {
		if c.Class == "active" && c.Env == "prod" {
			active++
			if !shipped[c.SHA256] {
				t.Errorf("%s is active and not shipped", c.SHA256)
			}
		}
	}
	if active != len(shipped) {
		t.Errorf("%d active, %d shipped", active, len(shipped))
	}
}
