package path

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	_ "crypto/sha1"
	"crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"qaqpa/signer/pkix"
)

// now is the instant of all laboratory tests.
var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// lab makes certificates, CRLs and OCSP responses with the standard library, right or wrong in one point. Its keys are
// Ed25519 from a counter, so that everything it makes is the same in each run, as fuzzing needs.
type lab struct {
	t      testing.TB
	serial int64
	keys   byte
}

// entity is a key with its certificate.
type entity struct {
	key  ed25519.PrivateKey
	cert *pkix.Certificate
	std  *x509.Certificate
}

func newLab(tb testing.TB) *lab {
	tb.Helper()
	return &lab{t: tb, serial: 1000}
}

func (l *lab) key() ed25519.PrivateKey {
	l.t.Helper()
	l.keys++
	seed := sha256.Sum256([]byte{l.keys, byte(l.serial >> 8), byte(l.serial)})
	return ed25519.NewKeyFromSeed(seed[:])
}

// issue makes a certificate for a new key; parent nil makes it self-signed. edit changes the template.
func (l *lab) issue(parent *entity, name string, edit func(*x509.Certificate)) *entity {
	l.t.Helper()
	return l.issueFor(l.key(), parent, name, edit)
}

func (l *lab) issueFor(key ed25519.PrivateKey, parent *entity, name string, edit func(*x509.Certificate)) *entity {
	l.t.Helper()
	l.serial++
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(l.serial), Subject: stdpkix.Name{CommonName: name, Country: []string{"KZ"}},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if edit != nil {
		edit(tmpl)
	}
	signer, parentTmpl := key, tmpl
	if parent != nil {
		signer, parentTmpl = parent.key, parent.std
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parentTmpl, key.Public(), signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.entity(key, der)
}

func (l *lab) entity(key ed25519.PrivateKey, der []byte) *entity {
	l.t.Helper()
	cert, err := pkix.ParseCertificate(der)
	if err != nil {
		l.t.Fatal(err)
	}
	std, err := x509.ParseCertificate(der)
	if err != nil {
		l.t.Fatal(err)
	}
	return &entity{key, cert, std}
}

func asCA(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid = true, true
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
}

func asResponder(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	c.ExtraExtensions = append(c.ExtraExtensions, extension(pkix.OIDOCSPNoCheck, false, asn1.NullBytes))
}

func extension(oid string, critical bool, value []byte) stdpkix.Extension {
	return stdpkix.Extension{Id: oidOf(oid), Critical: critical, Value: value}
}

func oidOf(dotted string) asn1.ObjectIdentifier {
	parsed, err := x509.ParseOID(dotted)
	if err != nil {
		panic(err)
	}
	var out asn1.ObjectIdentifier
	der, err := parsed.MarshalText()
	if err != nil {
		panic(err)
	}
	n := 0
	for _, c := range append(der, '.') {
		if c == '.' {
			out, n = append(out, n), 0
		} else {
			n = n*10 + int(c-'0')
		}
	}
	return out
}

func der(tb testing.TB, v any, params string) []byte {
	tb.Helper()
	b, err := asn1.MarshalWithParams(v, params)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// crl makes a list signed by signer; edit changes the template.
func (l *lab) crl(signer *entity, edit func(*x509.RevocationList), revoked ...x509.RevocationListEntry) *pkix.CRL {
	l.t.Helper()
	tmpl := &x509.RevocationList{
		Number: big.NewInt(7), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(24 * time.Hour), RevokedCertificateEntries: revoked,
	}
	if edit != nil {
		edit(tmpl)
	}
	issuer := *signer.std
	issuer.KeyUsage |= x509.KeyUsageCRLSign // so that the standard library makes lists that it should not
	if issuer.SubjectKeyId == nil {
		issuer.SubjectKeyId = digest(crypto.SHA1, publicKeyBits(l.t, signer.std))
	}
	raw, err := x509.CreateRevocationList(rand.Reader, tmpl, &issuer, signer.key)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.parseCRL(raw)
}

func (l *lab) parseCRL(raw []byte) *pkix.CRL {
	l.t.Helper()
	crl, err := pkix.ParseCRL(raw)
	if err != nil {
		l.t.Fatal(err)
	}
	return crl
}

func revokedAt(e *entity, at time.Time, reason int) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: e.std.SerialNumber, RevocationTime: at, ReasonCode: reason}
}

// The structures of RFC 6960 4.2.1, for encoding/asn1.
type (
	certID struct {
		Hash     stdpkix.AlgorithmIdentifier
		NameHash []byte
		KeyHash  []byte
		Serial   *big.Int
	}
	revokedInfo struct {
		Time   time.Time       `asn1:"generalized"`
		Reason asn1.Enumerated `asn1:"explicit,tag:0,optional"`
	}
	singleResponse struct {
		CertID     certID
		Good       asn1.Flag           `asn1:"tag:0,optional"`
		Revoked    revokedInfo         `asn1:"tag:1,optional"`
		Unknown    asn1.Flag           `asn1:"tag:2,optional"`
		ThisUpdate time.Time           `asn1:"generalized"`
		NextUpdate time.Time           `asn1:"generalized,explicit,tag:0,optional"`
		Extensions []stdpkix.Extension `asn1:"explicit,tag:1,optional"`
	}
	responseData struct {
		Responder  asn1.RawValue
		ProducedAt time.Time `asn1:"generalized"`
		Responses  []singleResponse
		Extensions []stdpkix.Extension `asn1:"explicit,tag:1,optional"`
	}
	basicResponse struct {
		TBS       asn1.RawValue
		Algorithm stdpkix.AlgorithmIdentifier
		Signature asn1.BitString
		Certs     []asn1.RawValue `asn1:"explicit,tag:0,optional"`
	}
)

// response is what an OCSP response is made of.
type response struct {
	signer         *entity
	named          *entity // whose name and key stand as responder; nil: signer
	byName         bool
	producedAt     time.Time
	single         []singleResponse
	extensions     []stdpkix.Extension
	certs          []*entity
	breakSignature bool
}

var hashOIDs = map[crypto.Hash]asn1.ObjectIdentifier{
	crypto.SHA1: {1, 3, 14, 3, 2, 26}, crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1}, crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
}

func digest(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

func publicKeyBits(tb testing.TB, c *x509.Certificate) []byte {
	tb.Helper()
	var spki struct {
		Algorithm stdpkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &spki); err != nil {
		tb.Fatal(err)
	}
	return spki.Key.RightAlign()
}

// good is the answer "good" about a certificate.
func (l *lab) good(cert, issuer *entity) singleResponse {
	l.t.Helper()
	return l.goodBy(crypto.SHA256, cert, issuer)
}

func (l *lab) goodBy(h crypto.Hash, cert, issuer *entity) singleResponse {
	l.t.Helper()
	return singleResponse{
		CertID: certID{
			Hash:     stdpkix.AlgorithmIdentifier{Algorithm: hashOIDs[h]},
			NameHash: digest(h, cert.std.RawIssuer), KeyHash: digest(h, publicKeyBits(l.t, issuer.std)), Serial: cert.std.SerialNumber,
		},
		Good: true, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour),
	}
}

func (s singleResponse) revoked(at time.Time, reason int) singleResponse {
	s.Good, s.Revoked = false, revokedInfo{at, asn1.Enumerated(reason)}
	return s
}

func (s singleResponse) unknown() singleResponse {
	s.Good, s.Unknown = false, true
	return s
}

// ocsp makes a response.
func (l *lab) ocsp(r response) *pkix.OCSPResponse {
	l.t.Helper()
	o, err := pkix.ParseOCSPResponse(l.ocspDER(r))
	if err != nil {
		l.t.Fatal(err)
	}
	return o
}

func (l *lab) ocspDER(r response) []byte {
	l.t.Helper()
	if r.named == nil {
		r.named = r.signer
	}
	if r.producedAt.IsZero() {
		r.producedAt = now.Add(-time.Hour)
	}
	data := responseData{ProducedAt: r.producedAt, Responses: r.single, Extensions: r.extensions}
	if r.byName {
		data.Responder = asn1.RawValue{Class: 2, Tag: 1, IsCompound: true, Bytes: r.named.std.RawSubject}
	} else {
		hash := der(l.t, digest(crypto.SHA1, publicKeyBits(l.t, r.named.std)), "")
		data.Responder = asn1.RawValue{Class: 2, Tag: 2, IsCompound: true, Bytes: hash}
	}
	tbs := der(l.t, data, "")
	sig := ed25519.Sign(r.signer.key, tbs)
	if r.breakSignature {
		sig[len(sig)-1] ^= 1
	}
	basic := basicResponse{
		TBS:       asn1.RawValue{FullBytes: tbs},
		Algorithm: stdpkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 3, 101, 112}},
		Signature: asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)},
	}
	for _, c := range r.certs {
		basic.Certs = append(basic.Certs, asn1.RawValue{FullBytes: c.std.Raw})
	}
	return l.ocspOuter(0, der(l.t, basic, ""))
}

func (l *lab) ocspOuter(status int, basic []byte) []byte {
	l.t.Helper()
	type body struct {
		Type  asn1.ObjectIdentifier
		Value []byte
	}
	var out struct {
		Status asn1.Enumerated
		Body   body `asn1:"explicit,tag:0,optional"`
	}
	out.Status = asn1.Enumerated(status)
	if basic != nil {
		out.Body = body{oidOf(pkix.OIDOCSPBasic), basic}
	}
	return der(l.t, out, "")
}

// scene is a root, a CA and a leaf, with the status of the CA settled.
type scene struct {
	*lab
	root, ca, leaf *entity
	in             Inputs
}

func newScene(tb testing.TB) *scene {
	tb.Helper()
	l := newLab(tb)
	root := l.issue(nil, "Root", asCA)
	ca := l.issue(root, "CA", asCA)
	leaf := l.issue(ca, "Leaf", nil)
	return &scene{l, root, ca, leaf, Inputs{
		Leaf: leaf.cert, Pool: []*pkix.Certificate{ca.cert}, Anchors: []Anchor{{Certificate: root.cert}}, At: now,
		CRLs: []*pkix.CRL{l.crl(root, nil)},
	}}
}

// responder is a delegated one of the CA.
func (s *scene) responder(edit func(*x509.Certificate)) *entity {
	s.t.Helper()
	return s.issue(s.ca, "Responder", func(c *x509.Certificate) {
		asResponder(c)
		if edit != nil {
			edit(c)
		}
	})
}

// leafStatus is the status of the leaf by the inputs as they stand.
func (s *scene) leafStatus() RevocationInfo {
	s.t.Helper()
	r := Validate(s.in)
	if len(r.Revocation) != 2 {
		s.t.Fatalf("no chain of three: %s", explain(r))
	}
	return r.Revocation[0]
}
