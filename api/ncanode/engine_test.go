package ncanode_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/rawsig"
	"qaqpa/testenv/pki"

	encoding "encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// TestGOSTEngineAgrees: OpenSSL's GOST engine, which does not know the national identifiers, verifies the signature of a CMS
// made here when key and signature are written as RFC 9215 has them.
func TestGOSTEngineAgrees(t *testing.T) {
	dir := t.TempDir()
	openssl := func(args ...string) error {
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Dir = dir
		return cmd.Run()
	}
	if err := openssl("engine", "gost"); err != nil {
		t.Skip("OpenSSL's gost engine is not installed")
	}
	b := setup(t, pki.GOST2015)
	signed := unb64(t, b.post("/cms/sign", M{"data": b64(data), "signers": []any{b.key(b.issue(pki.Profile{Family: pki.GOST2015, Name: "signer"}))}})["cms"])
	sd, err := cms.Parse(signed, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pkix.ParseCertificate(sd.Certificates[0])
	if err != nil {
		t.Fatal(err)
	}
	octets, err := sd.Signers[0].SignedOctets()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := rawsig.Convert(cert.PublicKey, sd.Signers[0].Signature, rawsig.National, rawsig.RFC)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: foreignKey(t, cert.RawSPKI)}))
	write("message", octets)
	write("sig", signature)
	args := []string{"dgst", "-engine", "gost", "-md_gost12_512", "-verify", "pub.pem", "-signature", "sig", "message"}
	if err := openssl(args...); err != nil || cert.PublicKey.Family != algo.GOST2012_512 {
		t.Errorf("%s: %v", cert.PublicKey.Family, err)
	}
	write("message", []byte(strings.Replace(string(octets), "\x31", "\x30", 1)))
	if err := openssl(args...); err == nil {
		t.Error("the engine takes other octets: the oracle is blind")
	}
}

// foreignKey writes a national key of 512 bits under the identifiers of RFC 9215: the octets of the key are the same.
func foreignKey(t *testing.T, spki []byte) []byte {
	t.Helper()
	var inner, skipped cryptobyte.String
	var bits encoding.BitString
	s := cryptobyte.String(spki)
	if !s.ReadASN1(&inner, asn1.SEQUENCE) || !inner.ReadASN1(&skipped, asn1.SEQUENCE) || !inner.ReadASN1BitString(&bits) {
		t.Fatal("not a public key")
	}
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(encoding.ObjectIdentifier{1, 2, 643, 7, 1, 1, 1, 2})
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(encoding.ObjectIdentifier{1, 2, 643, 7, 1, 2, 1, 2, 1})
				b.AddASN1ObjectIdentifier(encoding.ObjectIdentifier{1, 2, 643, 7, 1, 1, 2, 3})
			})
		})
		b.AddASN1BitString(bits.Bytes)
	})
	return out.BytesOrPanic()
}
