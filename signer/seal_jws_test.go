package signer_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/sealing"
	"qaqpa/testenv/pki"

	"github.com/go-jose/go-jose/v4"
)

// TestMakeJWS: at each level go-jose holds the signature to be that of the certificate in x5c; openssl holds the time stamps to be over what
// TS 119 182-1 wants them over.
func TestMakeJWS(t *testing.T) {
	needsPrograms(t, "openssl")
	for _, family := range []pki.Family{pki.ECDSA, pki.RSA} {
		b, _ := sealBench(t, family)
		for i, level := range sealing.Levels() {
			for _, packaging := range []sealing.Packaging{sealing.Attached, sealing.Detached} {
				out := b.make(signer.SealOrder{Document: content, Format: sealing.JWS, Level: level, Packaging: packaging})
				b.joseVerify(out, packaging == sealing.Detached)
				if level == sealing.B {
					continue
				}
				var doc struct {
					Protected, Signature string
					Header               struct{ EtsiU []string }
				}
				if err := json.Unmarshal(out.Document, &doc); err != nil {
					t.Fatal(err)
				}
				if n := []int{0, 1, 3, 4}[i]; len(doc.Header.EtsiU) != n {
					t.Fatalf("%s: %d elements", level, len(doc.Header.EtsiU))
				}
				b.stampedOver(doc.Header.EtsiU[0], []byte(doc.Signature))
				if level == sealing.LTA {
					last := len(doc.Header.EtsiU) - 1
					all := strings.Join([]string{base64.RawURLEncoding.EncodeToString(content), doc.Protected, doc.Signature, strings.Join(doc.Header.EtsiU[:last], "")}, ".")
					b.stampedOver(doc.Header.EtsiU[last], []byte(all))
				}
			}
		}
		b.checkAudit(8)
	}
}

func (b *bench) joseVerify(out signer.MadeSeal, detached bool) {
	b.Helper()
	algorithms := []jose.SignatureAlgorithm{jose.ES256, jose.RS256}
	text := string(out.Document)
	parse := func(text string, payload []byte) (*jose.JSONWebSignature, error) {
		switch {
		case out.MediaType == "application/jose+json" && detached: // go-jose wants the payload in its place
			text = strings.Replace(text, "{", `{"payload":"`+base64.RawURLEncoding.EncodeToString(payload)+`",`, 1)
			return jose.ParseSignedJSON(text, algorithms)
		case out.MediaType == "application/jose+json":
			return jose.ParseSignedJSON(text, algorithms)
		case detached:
			return jose.ParseDetached(text, payload, algorithms)
		}
		return jose.ParseSignedCompact(text, algorithms)
	}
	token, err := parse(text, content)
	if err != nil {
		b.Fatal(err)
	}
	chain, err := token.Signatures[0].Protected.Certificates(b.roots())
	if err != nil {
		b.Fatal(err)
	}
	if got, err := token.Verify(chain[0][0].PublicKey); err != nil || !bytes.Equal(got, content) {
		b.Errorf("go-jose: %q, %v", got, err)
	}
	if !detached {
		return
	}
	if other, err := parse(text, []byte("other")); err == nil {
		if _, err := other.Verify(chain[0][0].PublicKey); err == nil {
			b.Error("go-jose takes another payload")
		}
	}
}

// stampedOver lets openssl verify the token in an element of etsiU over octets, and refuse it over others.
func (b *bench) stampedOver(element string, octets []byte) {
	b.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(element)
	if err != nil {
		b.Fatal(err)
	}
	var stamp map[string]struct {
		TstTokens []struct{ Val []byte }
	}
	if err := json.Unmarshal(raw, &stamp); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			b.Fatal(err)
		}
		return file
	}
	for _, s := range stamp {
		token, root := write("token", s.TstTokens[0].Val), write("root", b.pki.AnchorsPEM())
		between := write("between", b.pki.IntermediatesPEM())
		for name, wanted := range map[string]bool{"same": true, "other": false} {
			data := octets
			if !wanted {
				data = append(bytes.Clone(octets), '.')
			}
			out, err := exec.CommandContext(b.Context(), "openssl", "ts", "-verify", "-token_in", "-in", token, "-data", write(name, data),
				"-CAfile", root, "-untrusted", between, "-attime", "1790845200").CombinedOutput()
			if (err == nil) != wanted {
				b.Errorf("openssl over %s octets: %v: %s", name, err, out)
			}
		}
	}
}

// roots are the anchors as the standard library takes them.
func (b *bench) roots() x509.VerifyOptions {
	b.Helper()
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b.pki.AnchorsPEM()) || !between.AppendCertsFromPEM(b.pki.IntermediatesPEM()) {
		b.Fatal("no anchors")
	}
	return x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: b.clk.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
}
