package pki_test

import (
	"bytes"
	"os/exec"
	"testing"

	"qaqpa/testenv/pki"
)

// FuzzServices throws octets at the two parsers that read from the network: whatever comes, the
// answer is a DER SEQUENCE and the services stay whole.
func FuzzServices(f *testing.F) {
	p := pki.ForTest(f, pki.ECDSA)
	f.Add([]byte{})
	f.Add([]byte{0x30, 0x80})
	f.Add([]byte("\x30\x39\x02\x01\x01\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20" + "01234567890123456789012345678901" + "\x01\x01\xff"))
	f.Add([]byte("\x30\x16\x30\x14\x30\x12\x30\x10\x30\x0e\x30\x05\x06\x01\x2a\x05\x00\x04\x01a\x04\x01b\x02\x01\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, answer := range [][]byte{p.OCSP(b), p.TimeStamp(b)} {
			if len(answer) < 2 || answer[0] != 0x30 {
				t.Errorf("answered %x", answer)
			}
		}
	})
}

func TestPKCS12OpensElsewhere(t *testing.T) {
	p := pki.ForTest(t, pki.RSA, pki.ECDSA, pki.GOST2015)
	dir := &bench{PKI: p, dir: t.TempDir()}
	for _, f := range p.Families() {
		id, err := p.Issue(citizen(f, "holder"+string(f)))
		if err != nil {
			t.Fatal(err)
		}
		p12, err := id.PKCS12("Qwerty12")
		if err != nil {
			t.Fatal(err)
		}
		file := dir.file(t, "key.p12", p12)
		args := []string{"pkcs12", "-legacy", "-in", file, "-passin", "pass:Qwerty12", "-nodes"}
		if f == pki.GOST2015 {
			args = append(args, "-nokeys") // OpenSSL doesn't know the national key's OID
		}
		out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
		if err != nil || !bytes.Contains(out, id.PEM()) {
			t.Errorf("%s: %v\n%s", f, err, out)
		}
		if key := []byte("BEGIN PRIVATE KEY"); f != pki.GOST2015 && !bytes.Contains(out, key) {
			t.Errorf("%s: no key\n%s", f, out)
		}
		args[5] = "pass:wrong"
		if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err == nil {
			t.Errorf("%s: a wrong password opens it\n%s", f, out)
		}
	}
}
