package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/c2sp/wycheproof"

	"qaqpa/signer"
	"qaqpa/testenv/suites"
)

// authority is a certification authority that certifies any public key, whatever it is.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "vectors"}, NotBefore: at(t, "2020-01-01T00:00:00Z"), NotAfter: at(t, "2040-01-01T00:00:00Z"),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key: key, cert: cert, pem: armour(der), n: 1}
}

// der writes an element of DER.
func der(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	n := len(content)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	case n < 0x10000:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
	}
	return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, content...)
}

const (
	sequence = 0x30
	set      = 0x31
	octets   = 0x04
)

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func oid(t *testing.T, dotted string) []byte {
	t.Helper()
	var id asn1.ObjectIdentifier
	for part := range strings.SplitSeq(dotted, ".") {
		var n int
		if _, err := fmt.Sscan(part, &n); err != nil {
			t.Fatal(err)
		}
		id = append(id, n)
	}
	return marshal(t, id)
}

// certify makes a certificate over a SubjectPublicKeyInfo, and the issuer and serial number that name it.
func (a *authority) certify(t *testing.T, spki []byte) (certificate, name []byte) {
	t.Helper()
	a.n++
	serial := marshal(t, big.NewInt(a.n))
	algorithm := der(sequence, oid(t, "1.2.840.10045.4.3.2"))
	subject := marshal(t, pkix.Name{CommonName: fmt.Sprint("vector ", a.n)}.ToRDNSequence())
	validity := der(sequence, marshal(t, a.cert.NotBefore.Add(time.Hour)), marshal(t, a.cert.NotAfter.Add(-time.Hour)))
	usage := der(sequence, oid(t, "2.5.29.15"), []byte{0x01, 0x01, 0xff}, der(octets, []byte{0x03, 0x02, 0x06, 0xc0}))
	tbs := der(sequence, der(0xa0, []byte{2, 1, 2}), serial, algorithm, a.cert.RawSubject, validity, subject, spki, der(0xa3, der(sequence, usage)))
	digest := sha256.Sum256(tbs)
	value, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return der(sequence, tbs, algorithm, der(0x03, []byte{0}, value)), der(sequence, a.cert.RawSubject, serial)
}

// vectors is one file of Project Wycheproof, as far as signatures need it.
type vectors struct {
	TestGroups []struct {
		Type         string `json:"type"`
		PublicKeyDER string `json:"publicKeyDer"`
		Hash         string `json:"sha"`
		MGF          string `json:"mgf"`
		MGFHash      string `json:"mgfSha"`
		SaltLength   int    `json:"sLen"`
		Tests        []struct {
			ID      int    `json:"tcId"`
			Message string `json:"msg"`
			Sig     string `json:"sig"`
			Result  string `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

// vectorHashes are the identifiers of a hash, and of the signature algorithms that use it with PKCS#1 v1.5 and ECDSA.
var vectorHashes = map[string]struct{ hash, rsa, ecdsa string }{
	"SHA-1":       {"1.3.14.3.2.26", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"},
	"SHA-224":     {"2.16.840.1.101.3.4.2.4", "1.2.840.113549.1.1.14", "1.2.840.10045.4.3.1"},
	"SHA-256":     {"2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"},
	"SHA-384":     {"2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"},
	"SHA-512":     {"2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4"},
	"SHA-512/256": {"2.16.840.1.101.3.4.2.6", "1.2.840.113549.1.1.16", ""},
	"SHA3-224":    {"2.16.840.1.101.3.4.2.7", "2.16.840.1.101.3.4.3.13", "2.16.840.1.101.3.4.3.9"},
	"SHA3-256":    {"2.16.840.1.101.3.4.2.8", "2.16.840.1.101.3.4.3.14", "2.16.840.1.101.3.4.3.10"},
	"SHA3-384":    {"2.16.840.1.101.3.4.2.9", "2.16.840.1.101.3.4.3.15", "2.16.840.1.101.3.4.3.11"},
	"SHA3-512":    {"2.16.840.1.101.3.4.2.10", "2.16.840.1.101.3.4.3.16", "2.16.840.1.101.3.4.3.12"},
}

// algorithms are the DER of the digest and signature algorithms of a group; nil where CMS has no name for it.
func algorithms(t *testing.T, kind, hash string, salt int, spki []byte) (digest, algorithm []byte) {
	t.Helper()
	if kind == "EddsaVerify" {
		if strings.Contains(string(spki), "\x2b\x65\x71") { // Ed448: SHAKE256 with 512 bits, RFC 8419
			return der(sequence, oid(t, "2.16.840.1.101.3.4.2.12")), der(sequence, oid(t, "1.3.101.113"))
		}
		return der(sequence, oid(t, vectorHashes["SHA-512"].hash)), der(sequence, oid(t, "1.3.101.112"))
	}
	h, ok := vectorHashes[hash]
	if !ok {
		return nil, nil
	}
	digest = der(sequence, oid(t, h.hash))
	switch {
	case kind == "RsassaPkcs1Verify":
		return digest, der(sequence, oid(t, h.rsa), []byte{5, 0})
	case kind == "EcdsaVerify" && h.ecdsa != "":
		return digest, der(sequence, oid(t, h.ecdsa))
	case strings.HasPrefix(kind, "RsassaPss"):
		mgf := der(sequence, oid(t, "1.2.840.113549.1.1.8"), digest)
		params := der(sequence, der(0xa0, digest), der(0xa1, mgf), der(0xa2, marshal(t, salt)))
		return digest, der(sequence, oid(t, "1.2.840.113549.1.1.10"), params)
	}
	return nil, nil
}

// item is one vector as a document.
type item struct {
	Reference string `json:"reference"`
	Document  []byte `json:"document"`
	Policy    string `json:"policy"`
	result    string
}

// wrap puts a vector into a CMS without signed attributes: the key in a certificate, the message as content.
func wrap(t *testing.T, certificate, name, digest, algorithm, message, value []byte) []byte {
	t.Helper()
	content := der(sequence, oid(t, "1.2.840.113549.1.7.1"), der(0xa0, der(octets, message)))
	signer := der(sequence, []byte{2, 1, 1}, name, digest, algorithm, der(octets, value))
	signed := der(sequence, []byte{2, 1, 1}, der(set, digest), content, der(0xa0, certificate), der(set, signer))
	return der(sequence, oid(t, "1.2.840.113549.1.7.2"), der(0xa0, signed))
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestConformanceWycheproof wraps the signatures of Project Wycheproof, except pairs that CMS does not have, into documents signed by
// certificates of an authority that is trusted. No invalid one may pass, nor may its mathematics be called good; a valid one is
// refused only where its algorithm, key or hash is none of ours or too weak.
func TestConformanceWycheproof(t *testing.T) {
	a := newAuthority(t)
	s := newHouse(t).must(t, setting{anchors: [][]byte{a.pem}, now: at(t, "2026-10-01T00:00:00Z"), revocation: signer.RevocationOff})
	suite := suites.Start(t, "HTTP: Wycheproof in CMS")
	seen := 0
	var batch []item
	for _, pattern := range []string{"ecdsa_*_test.json", "rsa_signature_*_test.json", "rsa_pss_*_test.json", "ed25519_test.json", "ed448_test.json"} {
		names, err := fs.Glob(wycheproof.TestVectors, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no vectors for %s: %v", pattern, err)
		}
		for _, name := range names {
			if strings.Contains(name, "_p1363_") {
				continue
			}
			for _, i := range a.items(t, name, &seen, suite) {
				if batch = append(batch, i); len(batch) == 100 {
					judgeBatch(t, s, batch, suite)
					batch = nil
				}
			}
		}
	}
	if len(batch) > 0 {
		judgeBatch(t, s, batch, suite)
	}
	suite.Close(t)
}

func (a *authority) items(t *testing.T, file string, seen *int, suite *suites.Suite) (out []item) {
	t.Helper()
	b, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for _, g := range v.TestGroups {
		spki := unhex(t, g.PublicKeyDER)
		digest, algorithm := algorithms(t, g.Type, g.Hash, g.SaltLength, spki)
		if digest == nil || g.MGFHash != "" && g.MGFHash != g.Hash {
			for range g.Tests {
				suite.LeaveOut("CMS has no name for the algorithm, or its parameters are none of ours")
			}
			continue
		}
		var certificate, name []byte
		for _, test := range g.Tests {
			if *seen++; *seen%suites.Every(100) != 0 {
				continue
			}
			if certificate == nil {
				certificate, name = a.certify(t, spki)
			}
			out = append(out, item{
				Reference: fmt.Sprint(strings.TrimSuffix(file, "_test.json"), " ", test.ID), Policy: "standard", result: test.Result,
				Document: wrap(t, certificate, name, digest, algorithm, unhex(t, test.Message), unhex(t, test.Sig)),
			})
		}
	}
	return out
}

// judgeBatch hands in a hundred vectors.
func judgeBatch(t *testing.T, s *service, batch []item, suite *suites.Suite) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"items": batch})
	if err != nil {
		t.Fatal(err)
	}
	var results struct {
		Items []struct {
			Reference string  `json:"reference"`
			Verdict   verdict `json:"verdict"`
		} `json:"items"`
	}
	status := s.exchange(t, "/v1/validations/batch", "application/json", strings.NewReader(string(text)), func(b []byte) error { return json.Unmarshal(b, &results) })
	if status != 200 || len(results.Items) != len(batch) {
		t.Fatalf("%d, %d of %d answered", status, len(results.Items), len(batch))
	}
	for i, r := range results.Items {
		v, good := &r.Verdict, false
		if len(v.Signatures) == 1 {
			good = v.Signatures[0].block("cryptographic-verification") == "PASSED"
		}
		holds := map[bool]string{true: "holds", false: "does not hold"}
		switch codes := v.codes(); {
		case r.Reference != batch[i].Reference:
			t.Fatalf("%s answered as %s", batch[i].Reference, r.Reference)
		case batch[i].result == "invalid":
			passed := good || v.Indication == "TOTAL-PASSED"
			suite.Judge(t, r.Reference, holds[passed], holds[false], passed)
		case batch[i].result == "acceptable":
			suite.Agree()
		case !good && slices.ContainsFunc(codes, func(c string) bool { return c == "algorithm_not_supported" || c == "key_not_supported" }):
			suite.LeaveOut("algorithm or parameters that are none of ours")
		case !good && slices.Contains(codes, "algorithm_not_reliable") && !slices.Contains(codes, "signature_wrong"):
			suite.LeaveOut("too weak: not reliable any more")
		default:
			suite.Judge(t, r.Reference, holds[good]+strings.Repeat(" "+strings.Join(codes, " "), btoi(!good)), holds[true], false)
		}
	}
}

// keyCertificate is a certificate over a public key in PEM.
func (a *authority) keyCertificate(t *testing.T, file []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(file)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil
	}
	c, _ := a.certify(t, block.Bytes)
	return c
}
