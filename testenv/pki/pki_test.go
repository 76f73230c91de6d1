package pki_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/gostref"
	"qaqpa/testenv/pki"
)

func faultOf(kind string) fault.Fault     { return fault.Fault{Kind: kind} }
func faultOn(kind, on string) fault.Fault { return fault.Fault{Kind: kind, On: on} }

// request makes a request of the test; body nil: GET.
func request(t *testing.T, url, contentType string, b []byte) (*http.Response, error) {
	t.Helper()
	method := http.MethodGet
	if b != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	return http.DefaultClient.Do(r)
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	r, err := request(t, url, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return body(t, r)
}

func post(t *testing.T, url, contentType string, b []byte) []byte {
	t.Helper()
	r, err := request(t, url, contentType, b)
	if err != nil {
		t.Fatal(err)
	}
	return body(t, r)
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v\n%s", r.Status, err, b)
	}
	return b
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReopenedPKIIsTheSame(t *testing.T) {
	dir := t.TempDir()
	first, err := pki.New(pki.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[pki.Family]*pki.Identity{}
	for _, f := range pki.Families() {
		if ids[f], err = first.Issue(citizen(f, "citizen-"+string(f))); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Revoke(ids[pki.GOST2015], pki.Superseded, ids[pki.GOST2015].NotBefore); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Issue(citizen(pki.RSA, "citizen-rsa")); !errors.Is(err, pki.ErrExists) {
		t.Errorf("a second identity of the same name: %v", err)
	}
	if err := first.Release(); err != nil {
		t.Error(err)
	}

	second, err := pki.New(pki.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if first.BaseURL() != second.BaseURL() || !bytes.Equal(first.AnchorsPEM(), second.AnchorsPEM()) {
		t.Error("address or anchors changed")
	}
	for f, old := range ids {
		now, err := second.Identity(old.Name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(now.Certificate, old.Certificate) || len(now.Chain) != 2 || now.IIN() != old.IIN() {
			t.Errorf("%s: the identity changed", f)
		}
		if _, err := now.SignCMS([]byte("x"), pki.CMSOptions{}); err != nil {
			t.Errorf("%s: couldn't sign after reopening: %v", f, err)
		}
	}
	list, err := second.CRL(second.NCA(pki.GOST2015))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(list, ids[pki.GOST2015].Serial()) {
		t.Error("the revocation is lost")
	}
	if _, err := second.Identity("nobody"); !errors.Is(err, pki.ErrUnknown) {
		t.Errorf("an identity that isn't there: %v", err)
	}
}

func TestRequestsAndForeignKeys(t *testing.T) {
	p := pki.ForTest(t)
	for _, f := range pki.Families() {
		holder, err := p.Issue(citizen(f, "holder-"+string(f)))
		if err != nil {
			t.Fatal(err)
		}
		csr, err := pki.Request(holder.Key, "qaqpa seal", rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		prof := pki.Profile{Name: "seal-" + string(f), Kind: pki.InformationSystem, SystemName: "ҚАҚПА", Organisation: "АО ШЛЮЗ", BIN: pki.BIN(3)}
		id, err := p.IssueCSR(prof, csr)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if id.Key != nil || id.Profile.Family != f || bytes.Equal(id.Serial(), holder.Serial()) {
			t.Errorf("%s: wrong identity for a foreign key", f)
		}
		if _, err := id.SignCMS(nil, pki.CMSOptions{}); !errors.Is(err, pki.ErrNoKey) {
			t.Errorf("%s: signing without the key: %v", f, err)
		}
		bad := slices.Clone(csr)
		bad[len(bad)-3] ^= 1
		prof.Name = "bad-" + string(f)
		if _, err := p.IssueCSR(prof, bad); err == nil {
			t.Errorf("%s: a request with a wrong signature was accepted", f)
		}
	}
}

func TestNumbersHaveCheckDigits(t *testing.T) {
	valid := func(s string) bool {
		for _, weights := range [][]int{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2}} {
			c := 0
			for i, w := range weights {
				c += w * int(s[i]-'0')
			}
			if c %= 11; c < 10 {
				return int(s[11]-'0') == c
			}
		}
		return false
	}
	// The control digit of a published number holds, those of the authority's test numbers don't.
	if !valid("000740000728") || valid("123456789011") || valid("123456789012") || valid("123456789021") {
		t.Fatal("the rule of this test is wrong")
	}
	seen := map[string]bool{}
	for n := range 500 {
		for _, s := range []string{pki.IIN(n), pki.BIN(n)} {
			if len(s) != 12 || !valid(s) {
				t.Errorf("%d: %s is not valid", n, s)
			}
			if seen[s] {
				t.Errorf("%d: %s came before", n, s)
			}
			seen[s] = true
		}
	}
}

// engineKey rewrites a national public key with the OIDs of RFC 9215 or 4491, which OpenSSL's engine knows.
func engineKey(t *testing.T, cert []byte) (public []byte, tbs []byte, sig []byte, size int) {
	t.Helper()
	c, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	var spki struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &spki); err != nil {
		t.Fatal(err)
	}
	type parameters struct{ Curve, Digest asn1.ObjectIdentifier }
	type algorithm struct {
		ID         asn1.ObjectIdentifier
		Parameters parameters
	}
	alg := algorithm{asn1.ObjectIdentifier{1, 2, 643, 2, 2, 19}, parameters{asn1.ObjectIdentifier{1, 2, 643, 2, 2, 35, 1}, asn1.ObjectIdentifier{1, 2, 643, 2, 2, 30, 1}}}
	size = 32
	if len(spki.Key.Bytes) > 100 {
		alg = algorithm{asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 1, 2}, parameters{asn1.ObjectIdentifier{1, 2, 643, 7, 1, 2, 1, 2, 1}, asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 2, 3}}}
		size = 64
	}
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Key       asn1.BitString
	}{alg, spki.Key})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), c.RawTBSCertificate, c.Signature, size
}

// OpenSSL's gost engine verifies the national certificates: digest by the reference hash (which has
// its own vectors), signature in reversed order, key with Russian OIDs.
func TestGOSTEngineVerifiesCertificates(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "openssl", "engine", "gost").Run(); err != nil {
		t.Skip("OpenSSL has no gost engine here (Debian: libengine-gost-openssl)")
	}
	p := pki.ForTest(t, pki.GOST2015, pki.GOST2004)
	for _, f := range []pki.Family{pki.GOST2015, pki.GOST2004} {
		id, err := p.Issue(citizen(f, "citizen-"+string(f)))
		if err != nil {
			t.Fatal(err)
		}
		_, tbs, sig, size := engineKey(t, id.Certificate)
		issuer, _, _, _ := engineKey(t, id.Chain[0])
		h := gostref.New94Test()
		if size == 64 {
			h = gostref.NewStreebog512()
		}
		h.Write(tbs)
		verify := func(sig []byte) (string, bool) {
			dir := t.TempDir()
			at := func(name string, b []byte) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			return openssl(t, "pkeyutl", "-engine", "gost", "-verify", "-pubin", "-inkey", at("pub.pem", issuer), "-in", at("digest", h.Sum(nil)), "-sigfile", at("sig", sig))
		}
		if out, ok := verify(sig); ok {
			t.Errorf("%s: the national order must not hold in the engine's:\n%s", f, out)
		}
		slices.Reverse(sig)
		if out, ok := verify(sig); !ok {
			t.Errorf("%s: refused:\n%s", f, out)
		}
	}
}

// The real authority's test certificates hold under the reference GOST, so that the forms written
// here are the national ones and not ours.
func TestRealCertificatesHold(t *testing.T) {
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = "../../../shared/corpora"
	}
	dir := filepath.Join(root, "kz")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no corpus of real samples at %s (QAQPA_CORPORA)", dir)
	}
	for _, v := range []struct {
		ca, leaf string
		size     int
	}{
		{"testkeys-2027/root_test_gost_2022.cer", "testkeys-2027/nca_gost2022_test.cer", 128},
		{"sdk/CA_Test/ROOT/kuc_gost_test.cer", "sdk/CA_Test/NCA/nca_gost_test.cer", 64},
	} {
		ca, leaf := readCertificate(t, filepath.Join(dir, v.ca)), readCertificate(t, filepath.Join(dir, v.leaf))
		var spki struct {
			Algorithm asn1.RawValue
			Key       asn1.BitString
		}
		if _, err := asn1.Unmarshal(ca.RawSubjectPublicKeyInfo, &spki); err != nil {
			t.Fatal(err)
		}
		xy := spki.Key.Bytes[len(spki.Key.Bytes)-v.size:]
		curve, h := gostref.TC26Curve512A(), gostref.NewStreebog512()
		if v.size == 64 {
			curve, h = gostref.CryptoProA(), gostref.New94Test()
		}
		pub, err := gostref.NewPublicKey(curve, xy)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(leaf.RawTBSCertificate)
		if !pub.Verify(h.Sum(nil), leaf.Signature) {
			t.Errorf("%s is refused", v.leaf)
		}
	}
}

func readCertificate(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	raw := readFile(t, name)
	if block, _ := pem.Decode(raw); block != nil {
		raw = block.Bytes
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProfilesOfTheNationalShape(t *testing.T) {
	p := pki.ForTest(t, pki.GOST2015, pki.RSA)
	company := pki.Profile{
		Family: pki.GOST2015, Kind: pki.Employee, Surname: "ӘБДІРАХМАНОВ", Given: "НҰРЛАН", Patronymic: "ҚАЙРАТҰЛЫ",
		IIN: pki.IIN(1), Organisation: `АО "ҮЛГІ"`, BIN: pki.BIN(1),
	}
	with := func(change func(*pki.Profile)) pki.Profile { c := company; change(&c); return c }
	auth := citizen(pki.RSA, "auth")
	auth.Use = pki.Auth
	for _, v := range []struct {
		name    string
		profile pki.Profile
		want    []string
	}{
		{"citizen", citizen(pki.GOST2015, "c"), []string{
			"SN=САҒАТОВА", "serialNumber=IIN" + pki.IIN(7), "GN=ЕРЛАНҚЫЗЫ", "1.2.398.3.3.4.1.1", "E-mail Protection",
			"X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation, Key Agreement", "Policy: 1.2.398.3.3.2",
			"/crl/nca_gost2015.crl", "/crl/nca_d_gost2015.crl", "/ocsp/", "/cert/nca_gost2015.cer",
		}},
		{"auth", auth, []string{"Digital Signature, Key Encipherment", "TLS Web Client Authentication, 1.2.398.3.3.4.1.1", "Policy: 1.2.398.3.3.2.4"}},
		{"head", with(func(p *pki.Profile) { p.Role = pki.Head }), []string{"OU=BIN" + pki.BIN(1), "1.2.398.3.3.4.1.2, 1.2.398.3.3.4.1.2.1"}},
		{"hr", with(func(p *pki.Profile) { p.Role = pki.HR }), []string{"1.2.398.3.3.4.1.2.4"}},
		{"system", pki.Profile{Family: pki.GOST2015, Kind: pki.InformationSystem, SystemName: "ИС Банк", Organisation: "АО Банк", BIN: pki.BIN(2)}, []string{"UID=1.2.398.6.10.1.1", "OU=BIN" + pki.BIN(2), "1.2.398.3.3.4.1.2.6"}},
		{"no usage", pki.Profile{Family: pki.RSA, Kind: pki.InformationSystem, SystemName: "ИС", Organisation: "АО", BIN: pki.BIN(2), KeyUsage: x509.KeyUsageKeyEncipherment}, []string{"X509v3 Key Usage: critical\n                Key Encipherment\n"}},
	} {
		t.Run(v.name, func(t *testing.T) {
			id, err := p.Issue(v.profile)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "c.pem")
			if err := os.WriteFile(path, id.PEM(), 0o600); err != nil {
				t.Fatal(err)
			}
			out, _ := openssl(t, "x509", "-in", path, "-noout", "-text", "-nameopt", "utf8,sep_comma_plus")
			for _, w := range v.want {
				if !strings.Contains(out, w) {
					t.Errorf("no %q in\n%s", w, out)
				}
			}
			if v.name != "system" && v.name != "no usage" {
				return
			}
			if strings.Contains(out, "E-mail Protection") || strings.Contains(out, "Client Authentication") {
				t.Error("a system's certificate is neither for e-mail nor for clients")
			}
		})
	}
	for _, bad := range []pki.Profile{
		{Name: "../x", Family: pki.RSA, Kind: pki.OCSPResponder},
		{Family: pki.RSA, Kind: pki.Citizen},
		{Family: pki.ECDSA, Kind: pki.OCSPResponder},
		{Family: pki.RSA, Kind: "king"},
		{Kind: pki.OCSPResponder},
	} {
		if _, err := p.Issue(bad); err == nil {
			t.Errorf("profile %+v was accepted", bad)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	b := newBench(t, pki.ECDSA)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			prof := citizen(pki.ECDSA, "worker-"+string(rune('a'+i)))
			id, err := b.Issue(prof)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := id.SignCMS([]byte("x"), pki.CMSOptions{TimeStamp: true}); err != nil {
				t.Error(err)
			}
			if err := b.Revoke(id, pki.Superseded, id.NotBefore); err != nil {
				t.Error(err)
			}
			r, err := request(t, b.server.URL+"/crl/nca_ecdsa.crl", "", nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Body.Close()
		})
	}
	wg.Wait()
}
