package tsp_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsp"
)

func openssl(tb testing.TB, dir string, args ...string) []byte {
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
		tb.Fatalf("openssl %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

const tsaConfig = `
[tsa]
default_tsa = main
[main]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.398.3.3.2.6.4
other_policies = 1.2.398.3.3.2.6.2
digests = sha256, sha512
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ext]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[req]
distinguished_name = dn
[dn]
`

// Our requests are answered by OpenSSL's authority, its answers are checked by us, and its own reading of our request
// is the expectation.
func TestOpenSSLAuthority(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tsa.cnf", []byte(tsaConfig))
	openssl(t, dir, "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-keyout", "tsa.key", "-out", "tsa.pem", "-subj", "/C=KZ/CN=TSA",
		"-config", "tsa.cnf", "-extensions", "ext")
	pemBytes, err := os.ReadFile(filepath.Join(dir, "tsa.pem"))
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pkix.ParsePEMOrDER(pemBytes)
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]tsp.Request{
		"plain":        {Hash: algo.SHA256, Imprint: algo.SHA256.Sum(nil, stamped)},
		"all":          {Hash: algo.SHA512, Imprint: algo.SHA512.Sum(nil, stamped), Nonce: []byte{0xff, 1, 2, 3, 4, 5, 6, 7}, Policy: "1.2.398.3.3.2.6.2", Certificates: true},
		"nonce zero":   {Hash: algo.SHA256, Imprint: algo.SHA256.Sum(nil, stamped), Nonce: []byte{0}},
		"other policy": {Hash: algo.SHA256, Imprint: algo.SHA256.Sum(nil, stamped), Policy: "1.2.3.4"},
		"other hash":   {Hash: algo.Streebog512, Imprint: algo.Streebog512.Sum(nil, stamped)},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := q.Encode()
			if err != nil {
				t.Fatal(err)
			}
			write("request", b)
			if text := openssl(t, dir, "ts", "-query", "-in", "request", "-text"); !bytes.Contains(text, []byte("Version: 1")) {
				t.Errorf("OpenSSL reads:\n%s", text)
			}
			reply := openssl(t, dir, "ts", "-reply", "-queryfile", "request", "-config", "tsa.cnf")
			p, err := tsp.ParseResponse(reply)
			if strings.HasPrefix(name, "other") {
				var refused *tsp.RefusedError
				if !errors.As(err, &refused) || len(p.Failures) == 0 {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if checks := p.Token.VerifyResponse(q, certs[0]); checks.Worst().Status != cms.Passed {
				t.Error(checks)
			}
			if !p.Token.Info.HasAccuracy || !p.Token.Info.Ordering || p.Token.Info.RawTSA == nil {
				t.Errorf("%+v", p.Token.Info)
			}
			if (len(p.Token.CMS.Certificates) > 0) != q.Certificates {
				t.Errorf("%d certificates", len(p.Token.CMS.Certificates))
			}
			changed := bytes.Clone(reply)
			changed[len(changed)-1] ^= 1
			if p, err := tsp.ParseResponse(changed); err != nil || p.Token.VerifyResponse(q, certs[0]).Worst().Status != cms.Failed {
				t.Errorf("changed signature: %v", err)
			}
		})
	}
}

func corpora(tb testing.TB, parts ...string) string {
	tb.Helper()
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	path := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("corpora not here (set QAQPA_CORPORA): %v", err)
	}
	return path
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// pool is the certificates of several documents.
func pool(tb testing.TB, lists ...[][]byte) []*pkix.Certificate {
	tb.Helper()
	var out []*pkix.Certificate
	for _, list := range lists {
		for _, der := range list {
			c, err := pkix.ParseCertificate(der)
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, c)
		}
	}
	return out
}

// The national sample: a token of ГОСТ 34.310-2004 over a SHA-1 imprint, with ESS of version 1.
func TestNationalToken(t *testing.T) {
	dir := corpora(t, "kz", "ncanode", "tsp")
	p, err := tsp.ParseResponse(read(t, filepath.Join(dir, "tsp_response.bin")))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.RawToken, read(t, filepath.Join(dir, "tsp_token.bin"))) {
		t.Error("token of the response is another")
	}
	i := p.Token.Info
	if i.Policy != "1.2.398.3.3.2.6.1" || i.Hash != algo.SHA1 || len(i.Nonce) == 0 {
		t.Errorf("%+v", i)
	}
	found := p.Token.Signer().Candidates(pool(t, p.Token.CMS.Certificates))
	if len(found) == 0 {
		t.Fatal("no certificate of the authority inside")
	}
	want := tsp.Expectation{Hash: i.Hash, Imprint: i.Imprint, Nonce: i.Nonce, Policies: []string{i.Policy}}
	checks := p.Token.Verify(want, found[0])
	t.Logf("%s: %s", p.Token.Signer().SignatureAlgorithm.Name, checks)
	if checks.Worst().Status > cms.Noted {
		t.Error(checks)
	}
	want.Imprint = make([]byte, 20)
	if w := p.Token.Verify(want, found[0]).Worst(); w.Rule != tsp.RuleImprint || w.Status != cms.Failed {
		t.Errorf("%+v", w)
	}
}

// dssTokens are the time-stamps that do not hold, by document and kind, and why.
var dssTokens = map[string]string{
	"cades-t-copied-sigtst.p7m signature": "a copy of the content time-stamp",
	"Signature-C-DE_CRY-3.p7m signature":  "wrapped in an OCTET STRING; DSS finds none either",
	"Signature-C-DE_CRY-4.p7m signature":  "wrapped in an OCTET STRING; DSS finds none either",
}

// Every signature time-stamp inside the CAdES documents of DSS.
func TestTokensOfDSS(t *testing.T) {
	dir := corpora(t, "dss", "cades", "validation")
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(dir, "*", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, file := range append(files, more...) {
		sd, err := cms.ParseArmoured(read(t, file), cms.Limits{})
		if err != nil {
			continue // originals, certificates and images lie there too
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			for i := range sd.Signers {
				si := &sd.Signers[i]
				tokens, err := si.SignatureTimestamps()
				if err != nil {
					t.Fatal(err)
				}
				for _, raw := range tokens {
					total++
					checkDSSToken(t, filepath.Base(file)+" signature", raw, cms.ContentOf(si.Signature), sd)
				}
				if tokens, err = si.ContentTimestamps(); err != nil {
					t.Fatal(err)
				}
				for _, raw := range tokens {
					if sd.HasContent {
						total++
						checkDSSToken(t, filepath.Base(file)+" content", raw, sd.AttachedContent(), sd)
					}
				}
			}
		})
	}
	t.Logf("%d time-stamps", total)
}

func checkDSSToken(t *testing.T, name string, raw []byte, content cms.Content, sd *cms.SignedData) {
	t.Helper()
	why, bad := dssTokens[name]
	token, err := tsp.ParseToken(raw)
	if err != nil {
		if !bad {
			t.Error(err)
		}
		return
	}
	var cert *pkix.Certificate
	if found := token.Signer().Candidates(pool(t, token.CMS.Certificates, sd.Certificates)); len(found) > 0 {
		cert = found[0]
	}
	checks := token.Verify(tsp.Expectation{Content: content}, cert)
	t.Logf("%s: %s", token.Signer().SignatureAlgorithm.Name, checks)
	if bad != (checks.Worst().Status > cms.Noted) {
		t.Errorf("listed %q: %s", why, checks)
	}
}
