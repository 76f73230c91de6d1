package revoked_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/pkix"
	"qaqpa/signer/revoked"
	"qaqpa/testenv/pki"
)

// TestSyntheticListsAreLists: OpenSSL reads and verifies what the tests make, so that a refusal below is ours and has its reason.
func TestSyntheticListsAreLists(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.RSA), pki.RSA, "rsa")
	dir := t.TempDir()
	ca, list := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "list.crl")
	for file, content := range map[string][]byte{ca: a.PEM(), list: sheet{by: a, number: 3, entries: entriesOf(0, 500)}.der(t)} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "openssl", "crl", "-inform", "der", "-in", list, "-CAfile", ca, "-text", "-noout").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("verify OK")) || bytes.Count(out, []byte("Serial Number:")) != 500 {
		t.Errorf("%v: %s", err, out[:min(len(out), 600)])
	}
}

// TestListsAreTakenAndLookedUp: of each family of keys, each entry with its reason and time.
func TestListsAreTakenAndLookedUp(t *testing.T) {
	p := pki.ForTest(t)
	for _, f := range []pki.Family{pki.RSA, pki.ECDSA, pki.GOST2015} {
		t.Run(string(f), func(t *testing.T) {
			a := newAuthority(t, p, f, "ca_"+string(f))
			h := openHouse(t, nil, a.point())
			if err := h.Ready(); !errors.Is(err, revoked.ErrNotReady) || !strings.Contains(err.Error(), a.Name) {
				t.Errorf("ready without a list: %v", err)
			}
			if _, ok := h.Lookup(a.cert.Subject, serialOf(1)); ok || h.CRLs(leafOf(a)) != nil {
				t.Error("something is known without a list")
			}
			entries := entriesOf(0, 3000)
			h.site.put(a.url(), sheet{by: a, number: 1, entries: entries}.der(t))
			h.refresh(t)
			if err := h.Ready(); err != nil {
				t.Error(err)
			}
			for _, e := range entries {
				f := h.listed(t, a, e.serial)
				if !f.Listed || !f.RevokedAt.Equal(e.at) || f.HasReason != (e.reason >= 0) || f.HasReason && int(f.Reason) != e.reason {
					t.Fatalf("%x: %+v, want %+v", e.serial, f, e)
				}
			}
			for _, absent := range [][]byte{serialOf(3000), {1}, {}, nil, serialOf(0)[:19], append(serialOf(0), 0)} {
				if f := h.listed(t, a, absent); f.Listed || !f.RevokedAt.IsZero() || f.Base == nil || !f.ThisUpdate.Equal(start.Add(-time.Hour)) {
					t.Errorf("%x: %+v", absent, f)
				}
			}
			crls := h.CRLs(leafOf(a))
			if len(crls) != 1 || crls[0].Len() != len(entries) || h.result(t, a.Name, "swapped") != 1 {
				t.Errorf("%d lists, metric %v", len(crls), h.result(t, a.Name, "swapped"))
			}
			st := h.Status()
			if len(st) != 1 || st[0].List.Signer != a.cert || st[0].OutOfDate || !st[0].CheckedAt.Equal(start) || st[0].Failure != "" {
				t.Errorf("%+v", st)
			}
		})
	}
}

// leafOf is as much of a certificate of an authority as finding its lists takes.
func leafOf(a authority) *pkix.Certificate { return &pkix.Certificate{Issuer: a.cert.Subject} }

// TestEntriesOfEveryForm: serial numbers with the same first octets, short ones, doubled ones, long reasons.
func TestEntriesOfEveryForm(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "forms")
	h := openHouse(t, nil, a.point())
	invalidity := extension("\x55\x1d\x18", false, append([]byte{0x18, 15}, "20260102030405Z"...))
	reason := extension("\x55\x1d\x15", false, []byte{10, 1, 1})
	entries := []entry{
		{[]byte{1}, start, 1, nil},
		{[]byte{1, 0}, start, 2, nil},
		{[]byte{1, 0, 0}, start, 3, nil},
		{[]byte{1, 0, 0, 0, 0, 0}, start, 4, nil},
		{[]byte{1, 2, 3, 4, 9}, start, 5, nil},
		{[]byte{1, 2, 3, 4, 5}, start, 6, nil},
		{[]byte{1, 2, 3, 4, 7}, start, 1, nil},
		{[]byte{7}, start, 0, slices.Concat(reason, invalidity)},
		{[]byte{8}, start, 6, nil},
		{[]byte{8}, start.Add(-time.Hour), 1, nil}, // the earlier one counts
		{[]byte{9}, start, 8, nil},                 // removeFromCRL in a complete list says nothing
	}
	h.site.put(a.url(), sheet{by: a, number: 1, entries: entries}.der(t))
	h.refresh(t)
	for i, e := range entries {
		f := h.listed(t, a, e.serial)
		want, at := pkix.Reason(e.reason), e.at
		switch i {
		case 7:
			want = pkix.KeyCompromise
		case 8:
			want, at = pkix.KeyCompromise, start.Add(-time.Hour)
		case 10:
			if f.Listed {
				t.Errorf("removed: %+v", f)
			}
			continue
		}
		if !f.Listed || f.Reason != want || !f.RevokedAt.Equal(at) {
			t.Errorf("%x: %+v, want reason %v", e.serial, f, want)
		}
	}
	for _, absent := range [][]byte{{1, 2, 3, 4}, {1, 2, 3, 4, 6}, {1, 2, 3, 4, 5, 0}, {1, 0, 0, 0}, {0}, {2}, {0xff, 0xff}} {
		if h.listed(t, a, absent).Listed {
			t.Errorf("%x is listed", absent)
		}
	}
}

// TestDeltas: what a delta says counts before the base; it applies by time and base number, never by its own counter.
func TestDeltas(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "deltas")
	h := openHouse(t, nil, a.point(), a.deltaPoint())
	entries := entriesOf(0, 10)
	entries[1].reason = 6
	h.site.put(a.url(), sheet{by: a, number: 1346, entries: entries}.der(t))
	put := func(d sheet) {
		t.Helper()
		d.by, d.delta = a, true
		h.site.put(a.deltaURL(), d.der(t))
		h.refresh(t)
	}
	// The delta's number is far above the base's, as the real ones are.
	put(sheet{number: 57725, base: 1346, this: start.Add(-30 * time.Minute), entries: []entry{{serialOf(50), start, 1, nil}, {serialOf(1), start, 8, nil}}})
	if f := h.listed(t, a, serialOf(50)); !f.Listed || f.Delta == nil || !f.ThisUpdate.Equal(start.Add(-30*time.Minute)) {
		t.Errorf("the delta's entry: %+v", f)
	}
	if f := h.listed(t, a, serialOf(1)); f.Listed {
		t.Errorf("taken off by the delta: %+v", f)
	}
	if f := h.listed(t, a, serialOf(2)); !f.Listed {
		t.Error("the base's entry is gone")
	}
	if got := h.CRLs(leafOf(a)); len(got) != 2 {
		t.Errorf("%d lists", len(got))
	}
	if h.result(t, a.Name, "swapped") != 1 || h.result(t, a.Name+"-delta", "swapped") != 1 {
		t.Error("not taken once each")
	}

	// A lower number than the base's: counters are apart.
	put(sheet{number: 57726, base: 10, this: start.Add(-20 * time.Minute)})
	if f := h.listed(t, a, serialOf(50)); f.Listed || f.Delta == nil {
		t.Errorf("the newer delta does not list it: %+v", f)
	}
	// For a base that is not there yet: it does not apply, and the base stays.
	put(sheet{number: 57727, base: 1347, this: start.Add(-10 * time.Minute), entries: []entry{{serialOf(60), start, 1, nil}}})
	if f := h.listed(t, a, serialOf(60)); f.Listed || f.Delta != nil {
		t.Errorf("a delta for a later base was applied: %+v", f)
	}
	h.site.put(a.url(), sheet{by: a, number: 1347, this: start.Add(-15 * time.Minute), entries: entries}.der(t))
	h.refresh(t)
	if f := h.listed(t, a, serialOf(60)); !f.Listed || f.Delta == nil {
		t.Errorf("the base has come and the delta does not apply: %+v", f)
	}
	// A base that is younger than the delta needs none.
	h.site.put(a.url(), sheet{by: a, number: 1348, this: start.Add(-5 * time.Minute), entries: entries}.der(t))
	h.refresh(t)
	if f := h.listed(t, a, serialOf(60)); f.Listed || f.Delta != nil {
		t.Errorf("an older delta was applied: %+v", f)
	}
}

// TestGenerationsShareAnAddress: the list of any of them is taken, and verified with its own key.
func TestGenerationsShareAnAddress(t *testing.T) {
	p := pki.ForTest(t, pki.ECDSA)
	a, b := newAuthority(t, p, pki.ECDSA, "old"), newAuthority(t, p, pki.ECDSA, "new")
	point := revoked.Point{Name: "shared", URLs: []string{"http://lists.test/shared.crl"}, Issuers: []*pkix.Certificate{b.cert, a.cert}}
	h := openHouse(t, nil, point)
	h.site.put(point.URLs[0], sheet{by: a, number: 900, entries: entriesOf(0, 600)}.der(t))
	h.refresh(t)
	h.site.put(point.URLs[0], sheet{by: b, number: 1, this: start.Add(-time.Minute), entries: entriesOf(0, 3)}.der(t))
	h.refresh(t)
	if st := h.Status(); st[0].List.Signer != b.cert || st[0].List.Len() != 3 {
		t.Errorf("%+v", st[0])
	}
}

func TestEd25519(t *testing.T) {
	der, list := ed25519List(t, 4)
	cert := parse(t, der)
	point := revoked.Point{Name: "ed25519", URLs: []string{"http://lists.test/ed.crl"}, Issuers: []*pkix.Certificate{cert}}
	h := openHouse(t, nil, point)
	h.site.put(point.URLs[0], list)
	h.refresh(t)
	if f, ok := h.Lookup(cert.Subject, []byte{5}); !ok || !f.Listed {
		t.Errorf("%+v", f)
	}
	bad := bytes.Clone(list)
	bad[len(bad)-3] ^= 1
	g := openHouse(t, nil, point)
	g.site.put(point.URLs[0], bad)
	if err := g.Refresh(t.Context()); !errors.Is(err, revoked.ErrSignature) {
		t.Error(err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "config")
	for name, change := range map[string]func(*revoked.Config){
		"no clock":     func(c *revoked.Config) { c.Now = nil },
		"no folder":    func(c *revoked.Config) { c.Dir = "" },
		"no source":    func(c *revoked.Config) { c.Source = nil },
		"no authority": func(c *revoked.Config) { c.Authorities = nil },
		"too large":    func(c *revoked.Config) { c.BytesMax = pkix.MaxCRLBytes + 1 },
		"share":        func(c *revoked.Config) { c.ShrinkMax = 2 },
		"name":         func(c *revoked.Config) { c.Points[0].Name = "" },
		"learnt name":  func(c *revoked.Config) { c.Points[0].Name = "learnt" },
		"twice":        func(c *revoked.Config) { c.Points = append(c.Points, c.Points[0]) },
		"same address": func(c *revoked.Config) { q := c.Points[0]; q.Name = "other"; c.Points = append(c.Points, q) },
		"no issuer":    func(c *revoked.Config) { c.Points[0].Issuers = nil },
		"no address":   func(c *revoked.Config) { c.Points[0].URLs = nil },
	} {
		cfg := revoked.Config{Dir: t.TempDir(), Source: newSite(), Authorities: []*pkix.Certificate{a.cert}, Points: []revoked.Point{a.point()}, Now: newClock().now}
		change(&cfg)
		if s, err := revoked.Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: taken", name)
			s.Close()
		}
	}
}
