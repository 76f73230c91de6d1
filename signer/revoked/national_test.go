package revoked_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/pkix"
	"qaqpa/signer/revoked"
	"qaqpa/signer/trust"
	"qaqpa/testenv/suites"
)

// corpora is the folder of real data, or the test is skipped.
func corpora(tb testing.TB, elem ...string) string {
	tb.Helper()
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("real data is absent: %v (set QAQPA_CORPORA)", err)
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// realAuthorities are all authorities of the corpus that may sign lists.
func realAuthorities(tb testing.TB) []*pkix.Certificate {
	tb.Helper()
	var out []*pkix.Certificate
	err := filepath.WalkDir(corpora(tb, "kz"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".cer", ".crt", ".pem"}, filepath.Ext(path)) {
			return err
		}
		certs, err := pkix.ParsePEMOrDER(readFile(tb, path))
		for _, c := range certs {
			if c.IsCA && !slices.ContainsFunc(out, c.Equal) {
				out = append(out, c)
			}
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// told is what OpenSSL reads in a list: its entries by serial number.
type told map[string]struct {
	at     time.Time
	reason string
}

var (
	serialLine = regexp.MustCompile(`Serial Number: ([0-9A-F]+)`)
	dateLine   = regexp.MustCompile(`Revocation Date: (.*)`)
)

// opensslReads lets OpenSSL read a list.
func opensslReads(tb testing.TB, der []byte) told {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "openssl", "crl", "-inform", "der", "-noout", "-text")
	cmd.Stdin = bytes.NewReader(der)
	text, err := cmd.Output()
	if err != nil {
		tb.Fatal(err)
	}
	out := told{}
	var serial string
	reason := false
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if m := serialLine.FindStringSubmatch(line); m != nil {
			serial = strings.ToLower(m[1])
			if len(serial)%2 == 1 {
				serial = "0" + serial
			}
		}
		if m := dateLine.FindStringSubmatch(line); m != nil {
			at, err := time.Parse("Jan _2 15:04:05 2006 MST", m[1])
			if err != nil {
				tb.Fatal(err)
			}
			e := out[serial]
			e.at = at
			out[serial] = e
		}
		if reason && serial != "" {
			e := out[serial]
			e.reason = strings.ToLower(strings.ReplaceAll(line, " ", ""))
			out[serial] = e
		}
		reason = strings.HasPrefix(line, "X509v3 CRL Reason Code")
	}
	return out
}

// TestConformanceKZLists: each real list is verified and taken where it belongs, says what OpenSSL reads in it, and is refused at
// the address of the other kind. The standard library refuses one of them.
func TestConformanceKZLists(t *testing.T) {
	authorities := realAuthorities(t)
	suite := suites.Start(t, "national lists of revoked certificates")
	var deltas, refusedByStdlib int
	for _, file := range []struct {
		path  string
		delta bool
		least int
	}{
		{"testkeys-2027/nca_gost2022_test.crl", false, 195},
		{"ncanode/crl/nca_gost2022_test.crl", false, 1},
		{"ncanode/crl/nca_gost_test.crl", false, 1},
		{"ncanode/crl/nca_rsa_test.crl", false, 1},
		{"sdk/CRL/nca_gost_test.crl", false, 1},
		{"sdk/CRL/nca_rsa_test.crl", false, 1},
		{"sdk/CRL/nca_gost_test_2022.crl", false, 1},
		{"sdk/CRL/nca_d_gost_test.crl", true, 0},
		{"sdk/CRL/nca_d_rsa_test.crl", true, 0},
		{"sdk/CRL/nca_d_gost_test_2022.crl", true, 0},
	} {
		t.Run(file.path, func(t *testing.T) {
			refused := true
			der := readFile(t, corpora(t, "kz", file.path))
			if _, err := x509.ParseRevocationList(der); err != nil {
				refusedByStdlib++
			}
			point := revoked.Point{Name: "real", URLs: []string{"http://real.test/l.crl"}, Delta: file.delta, Issuers: authorities}
			h := openHouse(t, nil, point)
			h.site.put(point.URLs[0], der)
			h.refresh(t)
			l := h.Status()[0].List
			want := opensslReads(t, der)
			if l.Len() != len(want) || l.Len() < file.least || l.Delta() != file.delta {
				t.Fatalf("%d entries, OpenSSL reads %d", l.Len(), len(want))
			}
			for serial, e := range want {
				checkTold(t, h, l, serial, e.at, e.reason)
			}
			if file.delta {
				deltas++
			}
			point.Delta = !point.Delta
			g := openHouse(t, nil, point)
			g.site.put(point.URLs[0], der)
			if err := g.Refresh(t.Context()); !errors.Is(err, revoked.ErrKind) {
				refused = false
				t.Errorf("at the address of the other kind: %v", err)
			}
			point.Delta = !point.Delta
			if n := takenChanged(t, point, der); n > 0 {
				refused = false
				t.Errorf("%d of its variants with one bit changed are taken", n)
			}
			suite.Judge(t, file.path, map[bool]string{true: "taken as it is, refused otherwise", false: "not as it should"}[!t.Failed()], "taken as it is, refused otherwise", !refused)
		})
	}
	t.Logf("%d are deltas; the standard library refuses %d", deltas, refusedByStdlib)
	if suite.Total() != 10 || deltas != 3 || refusedByStdlib != 1 {
		t.Error("these are not the lists that they were")
	}
	suite.Close(t)
}

// takenChanged counts the variants of a list, each with one bit changed, that a store takes.
func takenChanged(t *testing.T, point revoked.Point, der []byte) int {
	t.Helper()
	h := openHouse(t, nil, point)
	taken := 0
	for at := 0; at < len(der); at += 1 + len(der)/300 {
		b := bytes.Clone(der)
		b[at] ^= 1 << (at % 8)
		h.site.put(point.URLs[0], b)
		if h.Refresh(t.Context()) == nil {
			taken++
		}
	}
	return taken
}

// checkTold compares an entry with what OpenSSL reads, by the store where the list is complete, and by an extract.
func checkTold(t *testing.T, h *house, l *revoked.List, serial string, at time.Time, reason string) {
	t.Helper()
	octets, err := hex.DecodeString(serial)
	if err != nil {
		t.Fatal(err)
	}
	if octets[0] >= 0x80 {
		octets = append([]byte{0}, octets...) // OpenSSL prints the number, not its octets
	}
	x := l.Extract(l.CRL().Issuer, octets)
	if !x.Listed || !x.RevokedAt.Equal(at) || strings.ToLower(x.Reason) != reason {
		t.Errorf("%s: %+v, OpenSSL reads %s %s", serial, x, at, reason)
	}
	if l.Delta() {
		return
	}
	f, ok := h.Lookup(l.CRL().Issuer, octets)
	if !ok || !f.Listed || !f.RevokedAt.Equal(at) || f.HasReason && strings.ToLower(f.Reason.String()) != reason {
		t.Errorf("%s: %+v, OpenSSL reads %s %s", serial, f, at, reason)
	}
}

// TestNationalDelta: the delta of 2023 has number 5 and is for base number 10: it applies to that base, and to no later or
// earlier list of the same authority by accident.
func TestNationalDelta(t *testing.T) {
	authorities := realAuthorities(t)
	base := revoked.Point{Name: "base", URLs: []string{"http://real.test/b.crl"}, Issuers: authorities}
	delta := revoked.Point{Name: "delta", URLs: []string{"http://real.test/d.crl"}, Delta: true, Issuers: authorities}
	for _, c := range []struct {
		base    string
		applies bool
	}{
		{"sdk/CRL/nca_gost_test_2022.crl", true},       // number 10, made the same second
		{"ncanode/crl/nca_gost2022_test.crl", false},   // number 4, of 2022
		{"testkeys-2027/nca_gost2022_test.crl", false}, // number 166, of 2026: younger than the delta
	} {
		h := openHouse(t, nil, base, delta)
		h.site.put(base.URLs[0], readFile(t, corpora(t, "kz", c.base)))
		h.site.put(delta.URLs[0], readFile(t, corpora(t, "kz", "sdk/CRL/nca_d_gost_test_2022.crl")))
		h.refresh(t)
		f, ok := h.Lookup(h.Status()[0].List.CRL().Issuer, []byte{1})
		if !ok || (f.Delta != nil) != c.applies {
			t.Errorf("%s: %+v", c.base, f)
		}
	}
}

// TestNationalPoints: what is shipped names authorities that are shipped, and covers where real certificates say their lists are.
func TestNationalPoints(t *testing.T) {
	for mode, required := range map[trust.Mode]int{trust.Production: 2, trust.Test: 2} {
		store, err := trust.New(trust.Config{Mode: mode})
		if err != nil {
			t.Fatal(err)
		}
		points, err := revoked.National(store)
		if err != nil {
			t.Fatal(err)
		}
		where := map[string]revoked.Point{}
		for _, p := range points {
			if !p.Optional {
				required--
			}
			for _, u := range p.URLs {
				where[u] = p
			}
		}
		if required != 0 {
			t.Errorf("%s: %d too few points are required", mode, required)
		}
		// The lists about the authorities themselves.
		for _, a := range store.Authorities() {
			for i := range a.Certificate.CRLDistributionPoints {
				for _, u := range a.Certificate.CRLDistributionPoints[i].URIs() {
					u = strings.Fields(u)[0] // those of 2018 hold "http://… URL=http://…" in one
					p, ok := where[u]
					if !ok || !slices.ContainsFunc(p.Issuers, func(c *pkix.Certificate) bool { return c.Subject.Equal(a.Certificate.Issuer) }) {
						t.Errorf("%s: the list about %s at %s is not configured, or for another issuer", mode, a.Name, u)
					}
				}
			}
		}
		s, err := revoked.Open(t.Context(), revoked.Config{Dir: t.TempDir(), Source: newSite(), Authorities: store.Pool(), Points: points, Now: newClock().now})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	custom, err := trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{readFile(t, corpora(t, "kz", "testkeys-2027", "root_test_gost_2022.cer"))}})
	if err != nil {
		t.Fatal(err)
	}
	if points, err := revoked.National(custom); err != nil || points != nil {
		t.Errorf("%v, %v", points, err)
	}
}

// TestNationalHolders: the addresses in the certificates of real holders are those that are shipped, as base and as delta.
func TestNationalHolders(t *testing.T) {
	store, err := trust.New(trust.Config{Mode: trust.Test})
	if err != nil {
		t.Fatal(err)
	}
	points, err := revoked.National(store)
	if err != nil {
		t.Fatal(err)
	}
	kind := map[string]bool{}
	for _, p := range points {
		for _, u := range p.URLs {
			kind[u] = p.Delta
		}
	}
	files, err := filepath.Glob(corpora(t, "kz", "testkeys-2027", "*", "*", "*.p12"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d files", err, len(files))
	}
	for _, f := range files {
		out, err := exec.CommandContext(t.Context(), "openssl", "pkcs12", "-legacy", "-in", f, "-passin", "pass:Qwerty12", "-nokeys").Output()
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		block, _ := pem.Decode(out)
		if block == nil {
			t.Fatal(f)
		}
		c := parse(t, block.Bytes)
		for i, list := range [][]pkix.DistributionPoint{c.CRLDistributionPoints, c.FreshestCRL} {
			for j := range list {
				for _, u := range list[j].URIs() {
					if delta, ok := kind[u]; !ok || delta != (i == 1) {
						t.Errorf("%s: %s is not shipped as it stands there", filepath.Base(f), u)
					}
				}
			}
		}
	}
}
