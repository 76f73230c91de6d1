package p12_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/p12"
)

const password = "Құпия сөз 12"

// openssl runs the program in a folder.
func openssl(tb testing.TB, dir string, args ...string) ([]byte, error) {
	tb.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		tb.Skip("openssl is not installed")
	}
	cmd := exec.CommandContext(tb.Context(), path, args...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	if strings.Contains(strings.Join(args, " "), "legacy-gost") {
		cmd.Env = append(cmd.Env, "LEGACY_GOST_PKCS12=1")
	}
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

func needGOSTEngine(tb testing.TB, dir string) {
	tb.Helper()
	if _, err := openssl(tb, dir, "engine", "gost"); err != nil {
		tb.Skip("OpenSSL's gost engine is not installed")
	}
}

// newKey makes key.pem and a self-signed cert.pem in dir.
func newKey(tb testing.TB, dir string, kind ...string) {
	tb.Helper()
	args := []string{"req", "-x509", "-nodes", "-subj", "/CN=TEST", "-days", "30", "-keyout", "key.pem", "-out", "cert.pem"}
	mustOpenSSL(tb, dir, append(append(args, "-newkey"), kind...)...)
}

var keyKinds = map[string][]string{
	"RSA":     {"rsa:2048"},
	"P-256":   {"ec", "-pkeyopt", "ec_paramgen_curve:P-256"},
	"P-384":   {"ec", "-pkeyopt", "ec_paramgen_curve:P-384"},
	"Ed25519": {"ed25519"},
}

// OpenSSL writes in all its ways, we open.
func TestWeOpenOpenSSL(t *testing.T) {
	forms := map[string][]string{
		"default":            nil,
		"legacy RC2-40":      {"-legacy"},
		"3DES":               {"-legacy", "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"},
		"two-key 3DES":       {"-legacy", "-keypbe", "PBE-SHA1-2DES", "-certpbe", "PBE-SHA1-2DES"},
		"RC2-128":            {"-legacy", "-keypbe", "PBE-SHA1-RC2-128", "-certpbe", "PBE-SHA1-RC2-128"},
		"AES-128, SHA-512":   {"-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC", "-macalg", "sha512"},
		"PBES2 3DES, SHA-1":  {"-keypbe", "DES-EDE3-CBC", "-certpbe", "DES-EDE3-CBC", "-macalg", "sha1"},
		"certificate bare":   {"-certpbe", "NONE"},
		"key bare":           {"-keypbe", "NONE"},
		"without MAC":        {"-nomac"},
		"one iteration":      {"-noiter", "-nomaciter"},
		"many iterations":    {"-iter", "50000"},
		"MAC SHA3-256":       {"-macalg", "sha3-256"},
		"named":              {"-name", "Қол қою кілті"},
		"provider attribute": {"-CSP", "Microsoft Enhanced Cryptographic Provider v1.0", "-LMK"},
	}
	for kind, newkey := range keyKinds {
		dir := t.TempDir()
		newKey(t, dir, newkey...)
		for name, args := range forms {
			t.Run(kind+" "+name, func(t *testing.T) {
				args := append([]string{"pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-passout", "pass:" + password, "-out", "file.p12"}, args...)
				mustOpenSSL(t, dir, args...)
				file := read(t, filepath.Join(dir, "file.p12"))
				store := mustOpen(t, file, password)
				if len(store.Entries) != 1 || store.Authenticated == (name == "without MAC") {
					t.Fatalf("%d keys, authenticated %t", len(store.Entries), store.Authenticated)
				}
				checkEntry(t, &store.Entries[0])
				if alias := store.Aliases()[0]; name == "named" && alias != "Қол қою кілті" {
					t.Errorf("alias %q", alias)
				}
				if _, err := p12.Open(file, "other", p12.Limits{}); !errors.Is(err, p12.ErrPassword) {
					t.Errorf("other password: %v", err)
				}
			})
		}
	}
}

// The empty password has two readings, and OpenSSL writes the one with a MAC and the other.
func TestEmptyPassword(t *testing.T) {
	dir := t.TempDir()
	newKey(t, dir, keyKinds["P-256"]...)
	for _, args := range [][]string{nil, {"-legacy"}, {"-nomac"}, {"-legacy", "-nomac"}} {
		mustOpenSSL(t, dir, append([]string{"pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-passout", "pass:", "-out", "file.p12"}, args...)...)
		file := read(t, filepath.Join(dir, "file.p12"))
		checkEntry(t, &mustOpen(t, file, "").Entries[0])
		if _, err := p12.Open(file, "x", p12.Limits{}); !errors.Is(err, p12.ErrPassword) {
			t.Errorf("%v: other password: %v", args, err)
		}
	}
}

// GOST keys under the OIDs of the RFCs, with both derivations of a MAC key over a GOST hash.
func TestWeOpenOpenSSLWithGOST(t *testing.T) {
	dir := t.TempDir()
	needGOSTEngine(t, dir)
	for kind, newkey := range map[string][]string{
		"2001":      {"gost2001", "-pkeyopt", "paramset:A", "-md_gost94"},
		"2012-256":  {"gost2012_256", "-pkeyopt", "paramset:TCA", "-md_gost12_256"},
		"2012-256B": {"gost2012_256", "-pkeyopt", "paramset:B", "-md_gost12_256"},
		"2012-512":  {"gost2012_512", "-pkeyopt", "paramset:A", "-md_gost12_512"},
		"2012-512C": {"gost2012_512", "-pkeyopt", "paramset:C", "-md_gost12_512"},
	} {
		newKey(t, dir, append(newkey, "-engine", "gost")...)
		for name, args := range map[string][]string{
			"HMAC-SHA-256":          nil,
			"RC2-40":                {"-legacy"},
			"Streebog-512":          {"-macalg", "md_gost12_512"},
			"Streebog-256":          {"-macalg", "md_gost12_256"},
			"GOST R 34.11-94":       {"-macalg", "md_gost94", "-iter", "256"}, // 2048 take seconds under the race detector
			"Streebog-512, RFC7292": {"-macalg", "md_gost12_512", "-name", "legacy-gost"},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				args := append([]string{
					"pkcs12", "-export", "-engine", "gost", "-in", "cert.pem", "-inkey", "key.pem",
					"-passout", "pass:" + password, "-out", "file.p12",
				}, args...)
				mustOpenSSL(t, dir, args...)
				file := read(t, filepath.Join(dir, "file.p12"))
				checkEntry(t, &mustOpen(t, file, password).Entries[0])
				if _, err := p12.Open(file, "other", p12.Limits{}); !errors.Is(err, p12.ErrPassword) {
					t.Errorf("other password: %v", err)
				}
			})
		}
		// Bag ciphers of GOST are told, not guessed at.
		mustOpenSSL(t, dir, "pkcs12", "-export", "-engine", "gost", "-in", "cert.pem", "-inkey", "key.pem",
			"-passout", "pass:"+password, "-keypbe", "gost89", "-certpbe", "gost89", "-out", "file.p12")
		if _, err := p12.Open(read(t, filepath.Join(dir, "file.p12")), password, p12.Limits{}); !errors.Is(err, p12.ErrUnsupported) {
			t.Errorf("%s under GOST 28147-89: %v", kind, err)
		}
	}
}

// We write, OpenSSL opens: RSA, ECDSA and Ed25519, and GOST under the OIDs of the RFCs.
func TestOpenSSLOpensOurs(t *testing.T) {
	kinds := map[string][]string{
		"GOST 2012-256": {"gost2012_256", "-pkeyopt", "paramset:A", "-md_gost12_256", "-engine", "gost"},
		"GOST 2012-512": {"gost2012_512", "-pkeyopt", "paramset:A", "-md_gost12_512", "-engine", "gost"},
	}
	maps.Copy(kinds, keyKinds)
	for kind, newkey := range kinds {
		for scheme, args := range map[p12.Scheme][]string{p12.Modern: nil, p12.National: {"-legacy"}} {
			t.Run(kind+map[p12.Scheme]string{p12.Modern: " modern", p12.National: " national"}[scheme], func(t *testing.T) {
				dir := t.TempDir()
				if strings.HasPrefix(kind, "GOST") {
					needGOSTEngine(t, dir)
					args = append(args, "-engine", "gost")
				}
				newKey(t, dir, newkey...)
				mustOpenSSL(t, dir, append([]string{"pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-passout", "pass:a", "-out", "a.p12"}, args...)...)
				store := mustOpen(t, read(t, filepath.Join(dir, "a.p12")), "a")
				file, err := p12.Write(p12.WriteInput{Entries: store.Entries, Password: password, Scheme: scheme, Rand: rand.Reader})
				if err != nil {
					t.Fatal(err)
				}
				write(t, dir, "b.p12", file)
				out := mustOpenSSL(t, dir, append([]string{"pkcs12", "-in", "b.p12", "-passin", "pass:" + password, "-nodes"}, args...)...)
				write(t, dir, "b.pem", out)
				for _, part := range []string{"key.pem", "b.pem"} {
					pub := mustOpenSSL(t, dir, append(engineOf(args), "-in", part, "-pubout")...)
					write(t, dir, part+".pub", pub)
				}
				if !bytes.Equal(read(t, filepath.Join(dir, "key.pem.pub")), read(t, filepath.Join(dir, "b.pem.pub"))) {
					t.Error("another key came out")
				}
				if _, err := openssl(t, dir, append([]string{"pkcs12", "-in", "b.p12", "-passin", "pass:other", "-nodes"}, args...)...); err == nil {
					t.Error("OpenSSL opens it with another password: the oracle is blind")
				}
			})
		}
	}
}

func engineOf(args []string) []string {
	if len(args) > 0 && args[len(args)-1] == "gost" {
		return []string{"pkey", "-engine", "gost"}
	}
	return []string{"pkey"}
}
