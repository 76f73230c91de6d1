package signer_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/gost"
	"qaqpa/signer/jws"
	"qaqpa/signer/kz"
	"qaqpa/signer/pkix"
	"qaqpa/signer/rawsig"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
)

// kzMaker is one national key at work, with a service of the time of its certificate.
type kzMaker struct {
	suite *kzSuite
	b     *bench
	name  string
	key   signer.SigningKey
	pub   algo.PublicKey
	dir   string
}

// TestConformanceKZMade lets every national key make each kind of signature: our own validation passes it, refuses it with a bit of
// the signature changed, and OpenSSL with its GOST engine agrees where it knows the algorithms, both ways.
func TestConformanceKZMade(t *testing.T) {
	s := kzConformance(t, "signatures made with national keys")
	engine := exec.CommandContext(t.Context(), "openssl", "engine", "gost").Run() == nil
	if !engine {
		t.Error("OpenSSL has no GOST engine here: half of the comparison is missing")
	}
	for _, k := range kzKeys(t) {
		c := k.entry.Certificate
		m := &kzMaker{
			suite: s, name: k.name, pub: c.PublicKey, dir: t.TempDir(), key: signer.SigningKey{Key: k.entry.Key, Chain: []*pkix.Certificate{c}},
			b: kzService(t, trust.Test, c.NotBefore.AddDate(0, 0, 1), signer.RevocationOff),
		}
		m.token()
		if kz.Describe(c).KeyUse != kz.Sign { // a key to log in with signs no documents (№500/НҚ 16)
			_, err := m.b.svc.SignCMS(t.Context(), signer.SignCMSRequest{Document: []byte("document"), Key: m.key})
			m.check("a key to log in with signs no document", errors.Is(err, signer.ErrSigningCertificate))
			continue
		}
		m.raw()
		m.cms()
		m.xml()
		if engine {
			m.engineSigns()
		}
	}
}

func (m *kzMaker) check(what string, holds bool) {
	m.suite.Helper()
	m.suite.verdict(m.name+": "+what, map[bool]string{true: "holds", false: "does not hold"}[holds], "holds", nil)
}

func (m *kzMaker) write(name string, content []byte) string {
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		m.suite.Fatal(err)
	}
	return path
}

func (m *kzMaker) openssl(args ...string) bool {
	out, err := exec.CommandContext(m.suite.Context(), "openssl", args...).CombinedOutput()
	if err != nil {
		m.suite.Logf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return err == nil
}

// token makes a JWT.
func (m *kzMaker) token() {
	text, err := jws.Sign(jws.SignInput{
		Signer: m.key.Key, Certificate: m.key.Chain[0], Type: "JWT", Embed: true, Payload: []byte(`{"sub":"қақпа"}`), Rand: rand.Reader,
	})
	if err != nil {
		m.suite.Fatal(err)
	}
	good := func(text string) bool {
		token, err := jws.Parse(text, jws.Options{})
		return err == nil && token.VerifyCertificate(m.key.Chain[0], nil) == nil
	}
	m.check("JWT", good(text))
	// In base64url one bit of a letter may fall to a value that is no letter: that is refused as well.
	tried, taken := flipEach([]byte(text), 0, len(text), func(changed []byte) bool { return good(string(changed)) })
	m.suite.flips(m.name, "JWT", tried, taken)
}

// raw makes a signature that stands alone.
func (m *kzMaker) raw() {
	document := []byte("қаулы")
	sig, what, err := m.b.svc.SignRaw(m.suite.Context(), signer.SignRawRequest{Document: document, Key: m.key})
	if err != nil {
		m.suite.Fatal(err)
	}
	options := rawsig.Options{Algorithm: &what.Algorithm, Form: what.Form}
	good := func(document, sig []byte) bool {
		_, err := rawsig.Verify(m.pub, document, sig, options)
		return err == nil
	}
	m.check("raw", good(document, sig))
	tried, taken := flipEach(sig, 0, len(sig), func(changed []byte) bool { return good(document, changed) })
	m.suite.flips(m.name, "raw signature", tried, taken)
	tried, taken = flipEach(document, 0, len(document), func(changed []byte) bool { return good(changed, sig) })
	m.suite.flips(m.name, "content of the raw signature", tried, taken)
	m.check("raw, by OpenSSL", m.opensslVerifies(document, sig))
}

// opensslVerifies has OpenSSL check a signature over octets. It hashes them itself, but for the national ГОСТ 34.311-95, whose
// S-boxes its engine has not.
func (m *kzMaker) opensslVerifies(octets, sig []byte) bool {
	switch m.pub.Family { //nolint:exhaustive // national keys are of these families
	case algo.RSA:
		key := m.write("pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: m.pub.SPKI}))
		return m.openssl("dgst", "-sha256", "-verify", key, "-signature", m.write("sig", sig), m.write("octets", octets))
	case algo.GOST2012_512, algo.GOST2004:
	default:
		m.suite.Fatalf("a %s key", m.pub.Family)
	}
	rfc, err := rawsig.Convert(m.pub, sig, rawsig.National, rawsig.RFC)
	if err != nil {
		m.suite.Fatal(err)
	}
	key := m.write("pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: m.spki()}))
	if m.pub.Family == algo.GOST2012_512 {
		return m.openssl("dgst", "-engine", "gost", "-md_gost12_512", "-verify", key, "-signature", m.write("sig", rfc), m.write("octets", octets))
	}
	digest := m.write("digest", algo.GOST94Test.Sum(nil, octets))
	return m.openssl("pkeyutl", "-engine", "gost", "-verify", "-pubin", "-inkey", key, "-in", digest, "-sigfile", m.write("sig", rfc))
}

// identifier is the AlgorithmIdentifier of the key under the OIDs of the RFCs: OpenSSL does not know the national ones.
func (m *kzMaker) identifier() []byte {
	oids := []string{"1.2.643.2.2.19", "1.2.643.2.2.35.1", "1.2.643.2.2.30.1"}
	if m.pub.Family == algo.GOST2012_512 {
		oids = []string{"1.2.643.7.1.1.1.2", "1.2.643.7.1.2.1.2.1", "1.2.643.7.1.1.2.3"}
	}
	var encoded [][]byte
	for _, oid := range oids {
		encoded = append(encoded, asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID(oid))))
	}
	return asn1ber.Wrap(asn1ber.Sequence, encoded[0], asn1ber.Wrap(asn1ber.Sequence, encoded[1:]...))
}

func (m *kzMaker) spki() []byte {
	pub, ok := m.pub.Key.(*gost.PublicKey)
	if !ok {
		m.suite.Fatalf("the key is a %T", m.pub.Key)
	}
	return asn1ber.Wrap(asn1ber.Sequence, m.identifier(),
		asn1ber.Append(nil, asn1ber.BitString, false, []byte{0}, asn1ber.Primitive(asn1ber.OctetString, pub.Bytes())))
}

// cms makes an attached and a detached CMS.
func (m *kzMaker) cms() {
	content := []byte("төлем")
	for _, detached := range []bool{false, true} {
		doc, err := m.b.svc.SignCMS(m.suite.Context(), signer.SignCMSRequest{Document: content, Detached: detached, Key: m.key})
		if err != nil {
			m.suite.Fatal(err)
		}
		var original []byte
		if detached {
			original = content
		}
		m.check(fmt.Sprintf("CMS, detached %v", detached), m.b.validate(doc, original).Passed())
		if detached {
			continue
		}
		sd, err := cms.Parse(doc, cms.Limits{})
		if err != nil {
			m.suite.Fatal(err)
		}
		si := &sd.Signers[0]
		for _, p := range []part{{"attributes", si.RawSignedAttributes}, {"signature", si.Signature}, {"content", sd.Content}} {
			from, to := place(m.suite, doc, p.bytes)
			tried, taken := flipEach(doc, from, to, func(changed []byte) bool { return m.b.validate(changed, nil).Passed() })
			m.suite.flips(m.name, p.name+" of the CMS", tried, taken)
		}
		set := bytes.Clone(si.RawSignedAttributes) // signed as SET OF (RFC 5652 5.4)
		set[0] = 0x31
		m.check("signature of the CMS, by OpenSSL", m.opensslVerifies(set, si.Signature))
		if m.pub.Family == algo.RSA {
			m.check("CMS, by OpenSSL", m.openssl("cms", "-verify", "-inform", "DER", "-in", m.write("doc.p7m", doc),
				"-certfile", m.write("all.pem", m.authorities()), "-CAfile", m.write("ca.pem", m.authorities()), "-no_check_time", "-purpose", "any", "-out", os.DevNull))
		}
	}
}

// authorities are those of the test store in PEM.
func (m *kzMaker) authorities() []byte {
	store, err := trust.New(trust.Config{Mode: trust.Test})
	if err != nil {
		m.suite.Fatal(err)
	}
	var out []byte
	for _, c := range store.Pool() {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// xml makes an enveloped signature and a signed SOAP message.
func (m *kzMaker) xml() {
	doc := m.b.signXML(signer.SignXMLRequest{Document: []byte(`<order><fee>5406</fee></order>`), Key: m.key})
	m.check("XMLDSig", m.b.validate(doc, nil).Passed())
	soap := m.b.signWSSE(signer.SignWSSERequest{Document: []byte(message("", soapBody)), Key: m.key})
	m.check("WS-Security", m.b.validate(soap, nil).Indication == report.TotalPassed) // of a part, the Body, so it is not Passed
	for _, d := range []struct {
		name string
		doc  []byte
		text string
	}{{"XMLDSig", doc, "5406"}, {"XMLDSig", doc, "SignatureValue>"}, {"XMLDSig", doc, "DigestValue>"}, {"WS-Security", soap, "SignatureValue>"}, {"WS-Security", soap, "DigestValue>"}} {
		from := bytes.Index(d.doc, []byte(d.text)) + len(d.text)
		if !strings.HasSuffix(d.text, ">") {
			from -= len(d.text)
		}
		to := from + bytes.IndexByte(d.doc[from:], '<')
		tried, taken := flipEach(d.doc, from, to, func(changed []byte) bool { return m.b.validate(changed, nil).Indication == report.TotalPassed })
		m.suite.flips(m.name, d.name+", "+d.text, tried, taken)
	}
}

// engineSigns lets OpenSSL sign with the key, and verifies with the national certificate.
func (m *kzMaker) engineSigns() {
	document := []byte("қаулы")
	if k, ok := m.key.Key.(*gost.PrivateKey); ok {
		le := k.Bytes()
		slices.Reverse(le)
		der := asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(0), m.identifier(),
			asn1ber.Primitive(asn1ber.OctetString, asn1ber.Primitive(asn1ber.OctetString, le)))
		h := map[algo.Family]algo.Hash{algo.GOST2004: algo.GOST94Test, algo.GOST2012_512: algo.Streebog512}[m.pub.Family]
		out := filepath.Join(m.dir, "made")
		made := m.openssl("pkeyutl", "-engine", "gost", "-sign", "-inkey", m.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
			"-in", m.write("digest", h.Sum(nil, document)), "-out", out)
		m.check("OpenSSL signs", made)
		if made {
			_, err := rawsig.Verify(m.pub, document, read(m.suite, out), rawsig.Options{Form: rawsig.RFC})
			m.check("raw made by OpenSSL", err == nil)
		}
		return
	}
	der, err := x509.MarshalPKCS8PrivateKey(m.key.Key)
	if err != nil {
		m.suite.Fatal(err)
	}
	out := filepath.Join(m.dir, "made")
	if !m.openssl("cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", "sha256", "-in", m.write("document", document), "-out", out,
		"-inkey", m.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"-signer", m.write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.key.Chain[0].Raw}))) {
		m.check("OpenSSL signs", false)
		return
	}
	m.check("CMS made by OpenSSL", m.b.validate(read(m.suite, out), nil).Passed())
}
