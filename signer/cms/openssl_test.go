package cms_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
)

// openssl runs the program in a folder; the other implementation of everything here.
func openssl(tb testing.TB, dir string, args ...string) ([]byte, error) {
	tb.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		tb.Skip("openssl is not installed")
	}
	cmd := exec.CommandContext(tb.Context(), path, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Logf("openssl %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return out, err
}

func mustOpenSSL(tb testing.TB, dir string, args ...string) []byte {
	tb.Helper()
	out, err := openssl(tb, dir, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func needGOSTEngine(tb testing.TB, dir string) {
	tb.Helper()
	if _, err := openssl(tb, dir, "engine", "gost"); err != nil {
		tb.Skip("OpenSSL's gost engine is not installed")
	}
}

func write(tb testing.TB, dir, name string, b []byte) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// We sign, OpenSSL verifies, signing-certificate-v2 included (-cades).
func TestOpenSSLVerifiesOurs(t *testing.T) {
	for _, id := range allIdentities(t) {
		if strings.HasPrefix(id.name, "GOST") && !strings.HasSuffix(id.name, "RFC") || id.name == "Ed25519" {
			continue // OpenSSL 3.0 knows neither the national OIDs nor Ed25519 in CMS
		}
		for _, detached := range []bool{false, true} {
			t.Run(id.name+map[bool]string{false: " attached", true: " detached"}[detached], func(t *testing.T) {
				dir := t.TempDir()
				args := []string{
					"cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", "doc.p7s", "-CAfile", "ca.pem",
					"-attime", "1788000000", "-purpose", "any",
				}
				if strings.HasSuffix(id.name, "RFC") {
					needGOSTEngine(t, dir)
					args = append(args, "-engine", "gost")
				}
				doc := id.sign(t, detached)
				write(t, dir, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.cert.Raw}))
				if detached {
					write(t, dir, "content", content)
					args = append(args, "-content", "content")
				}
				write(t, dir, "doc.p7s", doc)
				if out := mustOpenSSL(t, dir, args...); !bytes.Equal(out, content) {
					t.Errorf("content %q", out)
				}
				doc[len(doc)-1] ^= 1
				write(t, dir, "doc.p7s", doc)
				if _, err := openssl(t, dir, args...); err == nil {
					t.Error("OpenSSL takes a changed signature: the oracle is blind")
				}
			})
		}
	}
}

// OpenSSL signs in all its forms, we verify.
func TestWeVerifyOpenSSL(t *testing.T) {
	keys := map[string]struct {
		newkey []string
		digest string
		engine bool
	}{
		"RSA":           {[]string{"rsa:2048"}, "sha256", false},
		"P-256":         {[]string{"ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, "sha256", false},
		"P-521":         {[]string{"ec", "-pkeyopt", "ec_paramgen_curve:P-521"}, "sha512", false},
		"GOST-256":      {[]string{"gost2012_256", "-pkeyopt", "paramset:A"}, "md_gost12_256", true},
		"GOST-256 tc26": {[]string{"gost2012_256", "-pkeyopt", "paramset:TCA"}, "md_gost12_256", true},
		"GOST-512":      {[]string{"gost2012_512", "-pkeyopt", "paramset:A"}, "md_gost12_512", true},
		"GOST-512 C":    {[]string{"gost2012_512", "-pkeyopt", "paramset:C"}, "md_gost12_512", true},
		"GOST-2001":     {[]string{"gost2001", "-pkeyopt", "paramset:A"}, "md_gost94", true},
	}
	forms := map[string]struct {
		args     []string
		detached bool
		rsaOnly  bool
		plain    bool
	}{
		"attached":        {[]string{"-nodetach"}, false, false, false},
		"detached":        {nil, true, false, false},
		"BER stream":      {[]string{"-nodetach", "-stream"}, false, false, false},
		"subject key id":  {[]string{"-nodetach", "-keyid"}, false, false, false},
		"CAdES":           {[]string{"-nodetach", "-cades"}, false, false, false},
		"no attributes":   {[]string{"-nodetach", "-noattr"}, false, false, true},
		"PSS":             {[]string{"-nodetach", "-keyopt", "rsa_padding_mode:pss"}, false, true, false},
		"PSS, fixed salt": {[]string{"-nodetach", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:20"}, false, true, false},
		"other type":      {[]string{"-nodetach", "-econtent_type", "1.2.3.4"}, false, false, false},
	}
	for name, k := range keys {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var engine []string
			if k.engine {
				needGOSTEngine(t, dir)
				engine = []string{"-engine", "gost"}
			}
			args := append([]string{
				"req", "-x509", "-nodes", "-subj", "/CN=" + name, "-keyout", "key.pem", "-out", "cert.pem", "-" + k.digest,
				"-newkey",
			}, k.newkey...)
			mustOpenSSL(t, dir, append(args, engine...)...)
			pool, err := pkix.ParsePEMOrDER(readFile(t, filepath.Join(dir, "cert.pem")))
			if err != nil {
				t.Fatal(err)
			}
			if err := pool[0].CheckSignatureFrom(pool[0]); err != nil {
				t.Errorf("certificate: %v", err)
			}
			write(t, dir, "content", content)
			for form, f := range forms {
				if f.rsaOnly && name != "RSA" {
					continue
				}
				t.Run(form, func(t *testing.T) {
					args := append([]string{
						"cms", "-sign", "-binary", "-in", "content", "-signer", "cert.pem", "-inkey", "key.pem",
						"-md", k.digest, "-outform", "DER",
					}, f.args...)
					doc := mustOpenSSL(t, dir, append(args, engine...)...)
					sd := parse(t, doc)
					si := &sd.Signers[0]
					given := cms.Content{}
					if f.detached {
						given = cms.ContentOf(content)
					} else if !bytes.Equal(sd.Content, content) {
						t.Errorf("content %q", sd.Content)
					}
					if f.plain == si.HasSignedAttributes {
						t.Errorf("signed attributes: %v", si.HasSignedAttributes)
					}
					checks := si.Verify(given, pool[0])
					if checks.Worst().Status > cms.Noted {
						t.Errorf("%s: %s", si.SignatureAlgorithm.Name, checks)
					}
					if bound, _ := checks.Find(cms.RuleSigningCertificate); (bound.Status == cms.Passed) != (form == "CAdES") {
						t.Errorf("binding: %+v", bound)
					}
					if w := si.Verify(cms.ContentOf([]byte("other")), pool[0]).Worst(); w.Status != cms.Failed {
						t.Errorf("other content: %+v", w)
					}
				})
			}
		})
	}
}

// Two signers of different kinds in one document, as OpenSSL's -resign writes it.
func TestSeveralSigners(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "content", content)
	for name, newkey := range map[string][]string{
		"rsa": {"rsa:2048"}, "ec": {"ec", "-pkeyopt", "ec_paramgen_curve:P-384"},
	} {
		mustOpenSSL(t, dir, append([]string{
			"req", "-x509", "-nodes", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem",
			"-newkey",
		}, newkey...)...)
	}
	mustOpenSSL(t, dir, "cms", "-sign", "-binary", "-nodetach", "-in", "content", "-signer", "rsa.pem", "-inkey", "rsa.key", "-outform", "DER", "-out", "one")
	doc := mustOpenSSL(t, dir, "cms", "-resign", "-inform", "DER", "-in", "one", "-signer", "ec.pem", "-inkey", "ec.key", "-outform", "DER")
	sd := parse(t, doc)
	pool := certificates(t, sd)
	if len(sd.Signers) != 2 || len(sd.Hashes()) != 1 {
		t.Fatalf("%d signers, %d hashes", len(sd.Signers), len(sd.Hashes()))
	}
	for i := range sd.Signers {
		if w := verifyWith(t, &sd.Signers[i], cms.Content{}, pool); w.Status > cms.Noted {
			t.Errorf("signer %d: %+v", i, w)
		}
	}
	// A broken second signature leaves the first alone.
	broken := bytes.Clone(doc)
	broken[bytes.LastIndex(broken, sd.Signers[1].Signature)+len(sd.Signers[1].Signature)-1] ^= 1
	sd = parse(t, broken)
	first, second := verifyWith(t, &sd.Signers[0], cms.Content{}, pool), verifyWith(t, &sd.Signers[1], cms.Content{}, pool)
	if first.Status > cms.Noted || second.Status != cms.Failed {
		t.Errorf("first %+v, second %+v", first, second)
	}
}
