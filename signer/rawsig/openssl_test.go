package rawsig_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/rawsig"
)

// openssl runs the program in a folder.
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

func write(tb testing.TB, dir, name string, b []byte) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// withEngine appends what OpenSSL needs for GOST keys, or skips where its engine is missing.
func withEngine(tb testing.TB, dir string, args ...string) []string {
	tb.Helper()
	if _, err := openssl(tb, dir, "engine", "gost"); err != nil {
		tb.Skip("OpenSSL's gost engine is not installed")
	}
	return append(args, "-engine", "gost")
}

// We sign, OpenSSL verifies.
func TestOpenSSLVerifiesOurs(t *testing.T) {
	for name, digest := range map[string]string{
		"RSA": "-sha256", "P-256": "-sha256", "P-384": "-sha384", "P-521": "-sha512",
		"RFC 2001": "-md_gost94", "RFC 2012-256": "-md_gost12_256", "RFC 2012-512": "-md_gost12_512",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			id := identityNamed(t, name)
			sig, _ := sign(t, rawsig.SignInput{Signer: id.key, Public: id.pub, Data: message})
			args := []string{"dgst", digest, "-verify", "pub.pem", "-signature", "sig", "message"}
			if strings.HasPrefix(name, "RFC") {
				args = withEngine(t, dir, "dgst", digest, "-verify", "pub.pem", "-signature", "sig")
				args = append(args, "message")
			}
			write(t, dir, "pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: id.pub.SPKI}))
			write(t, dir, "message", message)
			write(t, dir, "sig", sig)
			mustOpenSSL(t, dir, args...)
			sig[len(sig)-1] ^= 1
			write(t, dir, "sig", sig)
			if _, err := openssl(t, dir, args...); err == nil {
				t.Error("OpenSSL takes a changed signature: the oracle is blind")
			}
		})
	}
}

var pssOptions = []string{"-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"}

// OpenSSL signs, we verify and say what it was.
func TestWeVerifyOpenSSL(t *testing.T) {
	for _, c := range []struct {
		name   string
		genpky []string
		dgst   []string
		want   string
		engine bool
	}{
		{"RSA", []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, []string{"-sha384"}, "RSA with SHA-384", false},
		{"PSS", []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, pssOptions, "RSA-PSS with SHA-256", false},
		{"P-256", []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, []string{"-sha512"}, "ECDSA with SHA-512", false},
		{"P-521", []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"}, []string{"-sha512"}, "ECDSA with SHA-512", false},
		{"GOST 2001", []string{"-algorithm", "gost2001", "-pkeyopt", "paramset:A"}, []string{"-md_gost94"}, "GOST 34.310-2004 with GOST R 34.11-94", true},
		{"GOST 2012-256", []string{"-algorithm", "gost2012_256", "-pkeyopt", "paramset:TCA"}, []string{"-md_gost12_256"}, "GOST R 34.10-2012-256 with Streebog-256", true},
		{"GOST 2012-512", []string{"-algorithm", "gost2012_512", "-pkeyopt", "paramset:A"}, []string{"-md_gost12_512"}, "GOST R 34.10-2012-512 with Streebog-512", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			extra := func(args ...string) []string {
				if c.engine {
					return withEngine(t, dir, args...)
				}
				return args
			}
			mustOpenSSL(t, dir, append(extra("genpkey"), append(c.genpky, "-out", "key.pem")...)...)
			der := mustOpenSSL(t, dir, append(extra("pkey"), "-in", "key.pem", "-pubout", "-outform", "DER")...)
			write(t, dir, "message", message)
			mustOpenSSL(t, dir, append(append(extra("dgst"), c.dgst...), "-sign", "key.pem", "-out", "sig", "message")...)
			sig, err := os.ReadFile(filepath.Join(dir, "sig"))
			if err != nil {
				t.Fatal(err)
			}
			pub, err := algo.ParsePublicKey(der)
			if err != nil {
				t.Fatal(err)
			}
			got, err := rawsig.Verify(pub, message, sig, rawsig.Options{})
			if err != nil || got.Algorithm.Name != c.want {
				t.Errorf("found %q in %s, want %q: %v", got.Algorithm.Name, got.Form, c.want, err)
			}
		})
	}
}
