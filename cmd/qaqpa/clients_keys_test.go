//go:build !release

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/signer"
	"qaqpa/testenv/postgres"
)

// A client's public key, made by OpenSSL, is registered; what is no such key is not.
func TestClientKeys(t *testing.T) {
	dsn := postgres.DSNForTest(t, signer.Migrate, auth.Migrate)
	dir := t.TempDir()
	private, public, p384 := filepath.Join(dir, "key.pem"), filepath.Join(dir, "pub.pem"), filepath.Join(dir, "p384.pem")
	for _, args := range [][]string{
		{"genpkey", "-algorithm", "ed25519", "-out", private},
		{"pkey", "-in", private, "-pubout", "-out", public},
		{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", private + "2"},
		{"pkey", "-in", private + "2", "-pubout", "-out", p384},
	} {
		if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cli := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append(append([]string{"clients"}, args...), "--database="+dsn), streams{strings.NewReader(""), &out, &out})
		return code, strings.TrimSpace(out.String())
	}
	add := []string{"add-key", "--kind=agency", "--subject=agc_1"}
	code, id := cli(append(add, "--public-key="+public, "--per-minute=120")...)
	if code != 0 || len(id) != 16 {
		t.Fatalf("%d %s", code, id)
	}
	if code, out := cli("list-keys"); code != 0 || !strings.Contains(out, "signature") || !strings.Contains(out, "120") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := cli("limit-key", id, "60"); code != 0 {
		t.Errorf("%d %s", code, out)
	}
	for name, args := range map[string][]string{
		"a private key":    append(add, "--public-key="+private),
		"another curve":    append(add, "--public-key="+p384),
		"an empty file":    append(add, "--public-key="+empty),
		"a negative quota": append(add, "--per-minute=-1"),
		"no such key":      {"limit-key", "aaaaaaaaaaaaaaaa", "60"},
		"a huge quota":     {"limit-key", id, "1000001"},
	} {
		if code, out := cli(args...); code == 0 {
			t.Errorf("%s was taken: %s", name, out)
		}
	}
}
