package tsp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	cryptopkix "crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
)

var (
	at      = time.Date(2026, 9, 1, 10, 20, 30, 0, time.UTC)
	stamped = []byte("octets of a signature")
)

// authority is a time-stamping key with a certificate of chosen purposes.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *pkix.Certificate
}

type purpose struct {
	absent, lax bool
	oids        []asn1.ObjectIdentifier
}

var timeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}

func newAuthority(tb testing.TB, p purpose) authority {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: cryptopkix.Name{CommonName: "TSA"},
		NotBefore: at.AddDate(-1, 0, 0), NotAfter: at.AddDate(5, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		SubjectKeyId: []byte{1, 2, 3},
	}
	if p.oids == nil {
		p.oids = []asn1.ObjectIdentifier{timeStamping}
	}
	if !p.absent {
		value, err := asn1.Marshal(p.oids)
		if err != nil {
			tb.Fatal(err)
		}
		template.ExtraExtensions = []cryptopkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: !p.lax, Value: value}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := pkix.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return authority{key, cert}
}

func seq(parts ...[]byte) []byte { return asn1ber.Wrap(asn1ber.Sequence, parts...) }

func oid(dotted string) []byte {
	return asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID(dotted)))
}

func octets(b []byte) []byte { return asn1ber.Primitive(asn1ber.OctetString, b) }

// tstInfo by its parts; what is left nil takes a good value.
type tstInfo struct {
	version int64
	policy  string
	hash    algo.Hash
	imprint []byte
	genTime string
	tail    [][]byte
}

func (i tstInfo) encode(tb testing.TB) []byte {
	tb.Helper()
	if i.version == 0 {
		i.version = 1
	}
	if i.policy == "" {
		i.policy = "1.2.398.3.3.2.6.4"
	}
	if i.hash == 0 {
		i.hash = algo.SHA256
	}
	if i.imprint == nil {
		i.imprint = i.hash.Sum(nil, stamped)
	}
	if i.genTime == "" {
		i.genTime = "20260901102030Z"
	}
	id, err := i.hash.AlgorithmIdentifier()
	if err != nil {
		tb.Fatal(err)
	}
	parts := append([][]byte{
		asn1ber.EncodedInt(i.version), oid(i.policy), seq(id, octets(i.imprint)), asn1ber.EncodedInt(99),
		asn1ber.Primitive(asn1ber.GeneralizedTime, []byte(i.genTime)),
	}, i.tail...)
	return seq(parts...)
}

func (a authority) stamp(tb testing.TB, info []byte) []byte {
	tb.Helper()
	token, err := cms.Sign(cms.SignInput{
		Content: info, ContentType: cms.OIDTSTInfo, Certificate: a.cert, Signer: a.key, SigningTime: at, Rand: rand.Reader,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return token
}
