//go:build !release

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/testenv/softhsm"
)

// checkGOST: where the module has the mechanisms, a GOST key of the token is made, certified and signs like any other; SoftHSM of Debian has none
// and says so.
func (s *signing) checkGOST(t *testing.T) {
	t.Helper()
	s.refused(t, "can't make such keys", "keys", "generate", "gost", "--algorithm=gost-512")
	openssl := func(args ...string) error {
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("openssl %v: %s", args, out)
		}
		return err
	}
	if _, err := os.Stat("/usr/include/openssl/evp.h"); err != nil || openssl("engine", "gost") != nil {
		t.Log("GOST in a token was not tried: needs libssl-dev and libengine-gost-openssl")
		return
	}
	module, err := softhsm.NewGOST(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	there := "--hsm-module=" + module.Module
	s.run(t, "keys", "generate", "gost", "--algorithm=gost-512", there)
	s.write(t, "gost.csr", []byte(s.run(t, "keys", "csr", "gost", "--common-name=МӨР", "--organisation=Qaqpa", "--bin=123456789012", there)+"\n"))
	for _, args := range [][]string{
		{"req", "-engine", "gost", "-verify", "-noout", "-in", "gost.csr"},
		{"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "gost-ca.key", "-out", "gost-ca.pem", "-subj", "/CN=CA", "-days", "2"},
		{"x509", "-engine", "gost", "-req", "-in", "gost.csr", "-CA", "gost-ca.pem", "-CAkey", "gost-ca.key", "-CAcreateserial", "-days", "1", "-out", "gost.pem"},
	} {
		if err := openssl(args...); err != nil {
			t.Fatal(err)
		}
	}
	s.refused(t, "does not belong", "keys", "import-cert", "gost", filepath.Join(s.dir, "gost-ca.pem"), there)
	s.run(t, "keys", "import-cert", "gost", filepath.Join(s.dir, "gost.pem"), there)
	if list := s.run(t, "keys", "list", there); !strings.Contains(list, "gost-512") || !strings.Contains(list, "МӨР, until") {
		t.Errorf("the list: %s", list)
	}
	raw := s.run(t, "sign", s.document, "--format=raw", "--raw-form=rfc", "--hsm-key=gost", "-o", filepath.Join(s.dir, "raw.sig"), "--trust-anchors="+filepath.Join(s.dir, "gost-ca.pem"), there)
	t.Log(raw)
	if err := openssl("x509", "-engine", "gost", "-in", "gost.pem", "-pubkey", "-noout", "-out", "gost.pub"); err != nil {
		t.Fatal(err)
	}
	if err := openssl("dgst", "-engine", "gost", "-md_gost12_512", "-verify", "gost.pub", "-signature", "raw.sig", s.document); err != nil {
		t.Error("OpenSSL does not accept what the token signed")
	}
}
