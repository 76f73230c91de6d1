package xades_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/signer/cms"
	ours "qaqpa/signer/pkix"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// at is the time of all signatures of these tests.
var at = time.Date(2026, 9, 1, 10, 20, 30, 0, time.UTC)

type identity struct {
	key  crypto.Signer
	cert *ours.Certificate
}

// identities are two holders: the signer, and another one with the same key.
var identities = sync.OnceValues(func() ([2]identity, error) {
	var out [2]identity
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return out, err
	}
	for i := range out {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i) + 7), Subject: pkix.Name{CommonName: "ӘЛИЕВ ДӘУРЕН"}, NotBefore: at.AddDate(-1, 0, 0), NotAfter: at.AddDate(1, 0, 0),
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return out, err
		}
		cert, err := ours.ParseCertificate(der)
		if err != nil {
			return out, err
		}
		out[i] = identity{key, cert}
	}
	return out, nil
})

func holders(tb testing.TB) (signer, other identity) {
	tb.Helper()
	ids, err := identities()
	if err != nil {
		tb.Fatal(err)
	}
	return ids[0], ids[1]
}

const order = `<order Id="o1"><sum>540600</sum></order>`

// input is a signature of the default kind over a document.
func input(tb testing.TB, p xades.Packaging, document string) xades.SignInput {
	tb.Helper()
	id, _ := holders(tb)
	return xades.SignInput{
		Packaging: p, Document: []byte(document), ID: "s1", SigningTime: at,
		SignInput: xmldsig.SignInput{Certificate: id.cert, Signer: id.key, Rand: rand.Reader},
	}
}

func sign(tb testing.TB, in xades.SignInput) string {
	tb.Helper()
	out, err := xades.Sign(in)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// read opens a document and reads the properties of its first signature.
func read(tb testing.TB, document string, original []byte) (*xmldsig.Checked, *xades.Properties) {
	tb.Helper()
	tree, err := xmltree.Parse([]byte(document), xmltree.Limits{})
	if err != nil {
		tb.Fatalf("%v: %s", err, document)
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	in := xmldsig.Inputs{Work: doc.NewWork()}
	if original != nil {
		in.Sources = func(string, bool) (xmldsig.Content, bool) { return xmldsig.Content{Octets: original}, true }
	}
	checked := doc.Signatures[0].Check(in)
	return checked, xades.Read(checked, in.Work)
}

// judge is all that is said of the first signature.
func judge(tb testing.TB, document string, original []byte) cms.Checks {
	tb.Helper()
	id, _ := holders(tb)
	checked, p := read(tb, document, original)
	checks := checked.Verify(id.cert)
	if p != nil {
		checks = append(checks, p.Verify(id.cert)...)
	}
	return checks
}

// replaced is a document with a part of it exchanged; the part must be there.
func replaced(tb testing.TB, document, old, with string) string {
	tb.Helper()
	if !strings.Contains(document, old) {
		tb.Fatalf("no %q in %s", old, document)
	}
	return strings.Replace(document, old, with, 1)
}

// token is something that stands for a time-stamp token: this package does not look inside.
var token = base64.StdEncoding.EncodeToString([]byte{0x30, 0x03, 0x02, 0x01, 0x05})

// nested is the second signature of a document.
func nested(tb testing.TB, document string) *xmldsig.Checked {
	tb.Helper()
	tree, err := xmltree.Parse([]byte(document), xmltree.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil || len(doc.Signatures) != 2 {
		tb.Fatal(err)
	}
	return doc.Signatures[1].Check(xmldsig.Inputs{})
}
