package pades_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
	"qaqpa/signer/pkix"
)

// key is a signer with a certificate of its own.
type key struct {
	private *ecdsa.PrivateKey
	cert    *pkix.Certificate
}

func newKey(tb testing.TB) *key {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: stdpkix.Name{CommonName: "Signer"}, NotBefore: at, NotAfter: at.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := pkix.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &key{private, cert}
}

func (k *key) sign(tb testing.TB, document []byte, in pades.SignInput) []byte {
	tb.Helper()
	in.SubFilter, in.At, in.ContentsMax = pades.CAdESDetached, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), 1200
	p, err := pades.Prepare(document, in)
	if err != nil {
		tb.Fatal(err)
	}
	value, err := cms.Sign(cms.SignInput{
		Digest: p.Digest(algo.SHA256), Detached: true, WithoutSigningTime: true, Certificate: k.cert, Signer: k.private, Rand: rand.Reader,
	})
	if err != nil {
		tb.Fatal(err)
	}
	out, err := p.Finish(value)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// Numbers of the objects of paper.
const (
	catalogNo = iota + 1
	pagesNo
	pageNo
	contentNo
	formNo
	fontNo
	fieldNo
	noteNo
	drawingNo
	looksNo
	infoNo
	lockedNo
)

// paper is a document with everything that an attacker would like to change: content, font, drawing, form fields, a note.
func paper() []byte {
	stream := func(dict, octets string) string {
		return fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", dict, len(octets), octets)
	}
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R/AcroForm 5 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Annots[7 0 R 8 0 R 12 0 R]/Resources<</Font<</F 6 0 R>>/XObject<</X 9 0 R/Missing 90 0 R>>>>>>",
		stream("", "BT /F 12 Tf (Pay 540600) Tj ET /X Do"),
		"<</Fields[7 0 R 12 0 R]/DA(/F 0 Tf 0 g)/DR<</Font<</F 6 0 R>>>>>>",
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
		"<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/Rect[10 10 90 30]/F 4/P 3 0 R/AP<</N 10 0 R>>/V(1)>>",
		"<</Type/Annot/Subtype/Text/Rect[200 200 220 220]/Contents(note)>>",
		stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]", "0 0 9 9 re f"),
		stream("/Type/XObject/Subtype/Form/BBox[0 0 80 20]", "BT (1) Tj ET"),
		"<</Title(Order)/ModDate(D:2026)>>",
		"<</Type/Annot/Subtype/Widget/FT/Tx/T(payee)/Rect[10 50 90 70]/F 4/P 3 0 R/AP<</N 10 0 R>>/V(ministry)>>",
	}
	return build(objects...)
}

// build writes objects, number 1 first, as a file with a table.
func build(objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	table := fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "%strailer\n<</Size %d/Root 1 0 R/Info 11 0 R>>\nstartxref\n%d\n%%%%EOF\n", table, len(objects)+1, start)
	return b.Bytes()
}

// later is an update by somebody who knows how to write one.
type later struct {
	*pdf.Update
	view pdf.View
}

func (l *later) dict(number int) *pdf.Dict { return l.view.Dict(pdf.Ref{Number: number}) }

// set changes one key of an object.
func (l *later) set(number int, key pdf.Name, value pdf.Object) {
	l.Set(number, l.dict(number).With(key, value))
}

func (l *later) stream(octets string) pdf.Ref {
	return l.Add(pdf.NewStream(pdf.NewDict(map[pdf.Name]pdf.Object{"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form")}), []byte(octets)))
}

func update(tb testing.TB, document []byte, change func(*later)) []byte {
	tb.Helper()
	f, err := pdf.Open(document, pdf.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	u, err := f.Update()
	if err != nil {
		tb.Fatal(err)
	}
	change(&later{u, f.Last()})
	return u.Bytes()
}
