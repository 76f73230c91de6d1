//go:build !release

package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

// TestKeyCeremony: what ends a key or exchanges it is done by two operators, and what a token holds can be shown, sealed.
func TestKeyCeremony(t *testing.T) {
	s := newSigning(t)
	as := map[string]string{}
	for _, name := range []string{"aru", "dana"} {
		key := s.run(t, "clients", "add-key", "--kind=operator", "--subject="+name)
		as[name] = "--operator-key-file=" + s.write(t, name+".key", []byte(key+"\n"))
	}
	stranger := s.run(t, "clients", "add-key", "--kind=portal", "--subject=site")
	s.refused(t, "not of an operator", "keys", "requests", "--operator-key-file="+s.write(t, "site.key", []byte(stranger)))
	s.refused(t, "couldn't recognise", "keys", "requests", "--operator-key-file="+s.write(t, "none.key", []byte("qk_none")))

	s.run(t, "keys", "generate", "spare", "--algorithm=rsa-2048")
	s.refused(t, "already", "keys", "generate", "spare")
	ask := func(args ...string) string {
		t.Helper()
		id, _, _ := strings.Cut(s.run(t, append(args, as["aru"])...), "\n")
		if !strings.HasPrefix(id, "kr_") {
			t.Fatalf("%v gave %q", args, id)
		}
		return id
	}
	id := ask("keys", "destroy", "spare")
	s.refused(t, "not approved", "keys", "destroy", "spare", "--request="+id, as["aru"])
	s.refused(t, "another operator", "keys", "approve", id, as["aru"])
	if list := s.run(t, "keys", "requests", as["dana"]); !strings.Contains(list, id) || !strings.Contains(list, "nobody yet") {
		t.Errorf("requests: %s", list)
	}
	s.run(t, "keys", "approve", id, as["dana"])
	s.refused(t, "something else", "keys", "destroy", "webhook", "--request="+id, as["aru"])
	s.refused(t, "something else", "keys", "retire", "spare", "--request="+id, as["aru"])

	rotation := ask("keys", "rotate", "spare")
	s.run(t, "keys", "approve", rotation, as["dana"])
	s.run(t, "keys", "rotate", "spare", "--request="+rotation, as["dana"])
	s.refused(t, "something else", "keys", "destroy", "spare", "--request="+id, as["aru"]) // the label stands for another key now
	list := s.run(t, "keys", "list")
	if strings.Count(list, "spare ") != 1 || strings.Count(list, "spare.retired-") != 1 || strings.Contains(list, "spare.next") {
		t.Errorf("after the rotation:\n%s", list)
	}
	retirement := ask("keys", "retire", "spare")
	s.run(t, "keys", "approve", retirement, as["dana"])
	s.run(t, "keys", "retire", "spare", "--request="+retirement, as["aru"])
	s.refused(t, "not found", "keys", "destroy", "spare", as["aru"])

	seal := ask("keys", "rotate", "seal") // the next key has no certificate, and without one the gateway could not seal
	s.run(t, "keys", "approve", seal, as["dana"])
	s.refused(t, "certificate not found", "keys", "rotate", "seal", "--request="+seal, as["aru"])
	end := ask("keys", "destroy", "seal.next")
	s.run(t, "keys", "approve", end, as["dana"])
	s.run(t, "keys", "destroy", "seal.next", "--request="+end, as["aru"])

	s.checkDocuments(t)
	s.checkUses(t)
	s.checkGOST(t)
	s.run(t, "audit", "verify")
}

// checkUses: a key that signs a request or its attestation is on record by then, and where nothing can be put on record nothing is signed.
func (s *signing) checkUses(t *testing.T) {
	t.Helper()
	csr := []string{"keys", "csr", "attested", "--common-name=A", "--organisation=B", "--bin=123456789012"}
	s.run(t, csr...)
	db, err := sqlx.Open("postgres", s.pg.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	used := func() (n int) {
		if err := db.GetContext(t.Context(), &n, `SELECT count(*) FROM audit_entries WHERE action = 'key.used' AND subject = 'key:attested'
			AND actor LIKE 'operator:%' AND convert_from(detail, 'UTF8') LIKE '%"mechanism":"RSA_PKCS"%'`); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := used(); n != 2 {
		t.Errorf("%d uses of the key are on record, of 2: its attestation and its certificate request", n)
	}
	out, err := s.qaqpa(t.Context(), append(csr, "--database=host=/nowhere dbname=qaqpa")...)
	if err == nil || strings.Contains(out, "BEGIN") {
		t.Errorf("a request that is not on record: %s, %v", out, err)
	}
}

// checkDocuments reads the inventory and an attestation as a stranger would: with OpenSSL, and the public key alone.
func (s *signing) checkDocuments(t *testing.T) {
	t.Helper()
	s.run(t, "keys", "generate", "attested", "--algorithm=rsa-2048")
	path := s.run(t, "keys", "inventory", "-o", filepath.Join(s.dir, "inventory.p7m"))
	if all := s.opened(t, path); len(all.Keys) < 4 || all.Token.Label == "" || all.Token.Serial == "" || all.Kind != "key inventory" {
		t.Errorf("inventory: %+v", all)
	}
	one := s.opened(t, s.run(t, "keys", "attest", "attested", "-o", filepath.Join(s.dir, "attestation.p7m")))
	if len(one.Keys) != 1 || one.Keys[0].State != "usable" {
		t.Fatalf("attestation: %+v", one)
	}
	pub, err := x509.ParsePKIXPublicKey(one.Keys[0].PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(fmt.Appendf(nil, proofText, one.Keys[0].ID, one.At.Format(time.RFC3339)))
	if k, ok := pub.(*rsa.PublicKey); !ok || rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], one.Keys[0].Proof) != nil {
		t.Error("the key did not sign its attestation")
	}
	s.refused(t, "couldn't write", "keys", "inventory", "-o", path)
}

func (s *signing) opened(t *testing.T, path string) (doc inventory) {
	t.Helper()
	s.run(t, "validate", path)
	out := filepath.Join(s.dir, "content.json")
	cmd := exec.CommandContext(t.Context(), "openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-in", path, "-out", out)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v: %s", err, text)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}
