package specimen

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/tsp"
	"qaqpa/testenv/pki"
)

const day = 24 * time.Hour

// Lab is a laboratory whose clock moves: a signer of family ECDSA under an authority, beside another authority of GOST2015. What cannot
// be done ends the test. Not safe for concurrent use.
type Lab struct {
	testing.TB
	PKI          *pki.PKI
	Start, Clock time.Time
	ID           *pki.Identity
}

// Content is what is signed in a Lab.
var Content = []byte("Өтінім № 7: мемлекеттік баж")

// NewLab starts on 1 October 2018. The test's end releases it.
func NewLab(tb testing.TB) *Lab {
	tb.Helper()
	l := &Lab{TB: tb, Start: time.Date(2018, 10, 1, 9, 0, 0, 0, time.UTC)}
	l.Clock = l.Start
	var err error
	l.PKI, err = pki.New(pki.Options{
		Dir: tb.TempDir(), Families: []pki.Family{pki.ECDSA, pki.GOST2015}, Now: func() time.Time { return l.Clock },
	})
	l.Must(err)
	tb.Cleanup(func() { l.Must(l.PKI.Release()) })
	l.ID = l.Issue(pki.Profile{})
	return l
}

// lab is a Lab at work on a case.
type lab struct {
	*Lab
	out Case
}

func newLab(tb testing.TB) *lab {
	tb.Helper()
	l := &lab{Lab: NewLab(tb)}
	l.out = Case{Anchors: [][]byte{l.PKI.AnchorsPEM()}, Intermediates: [][]byte{l.PKI.IntermediatesPEM()}, Policy: standard(l, nil)}
	l.listAll()
	return l
}

// Must ends the test on an error.
func (l *Lab) Must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// Later moves the clock.
func (l *Lab) Later(d time.Duration) { l.Clock = l.Clock.Add(d) }

// Issue has the authority certify a new key; the profile's zero is a citizen of family ECDSA.
func (l *Lab) Issue(p pki.Profile) *pki.Identity {
	l.Helper()
	if p.Family == "" {
		p.Family = pki.ECDSA
	}
	if p.Kind == "" {
		p.Kind, p.Surname, p.Given, p.IIN = pki.Citizen, "ӘЛИЕВ", "ДӘУРЕН", pki.IIN(1)
	}
	id, err := l.PKI.Issue(p)
	l.Must(err)
	return id
}

// Lists has all authorities publish their lists now.
func (l *Lab) Lists() (out [][]byte) {
	l.Helper()
	for _, f := range l.PKI.Families() {
		for _, ca := range []*pki.CA{l.PKI.Root(f), l.PKI.NCA(f)} {
			out = append(out, l.List(ca, pki.CRLOptions{}))
		}
	}
	return out
}

// List has one authority publish a list.
func (l *Lab) List(ca *pki.CA, o pki.CRLOptions) []byte {
	l.Helper()
	der, err := l.PKI.CRLWith(ca, o)
	l.Must(err)
	return der
}

// listAll adds the lists of now to the evidence.
func (l *lab) listAll() {
	l.Helper()
	l.out.Evidence = append(l.out.Evidence, l.Lists()...)
}

func (l *lab) list(ca *pki.CA, o pki.CRLOptions) {
	l.Helper()
	l.out.Evidence = append(l.out.Evidence, l.List(ca, o))
}

// Sign signs Content.
func (l *Lab) Sign(id *pki.Identity, o pki.CMSOptions) []byte {
	l.Helper()
	doc, err := id.SignCMS(Content, o)
	l.Must(err)
	return doc
}

// Stamp has octets stamped at the clock's time by an authority; nil: that of ECDSA.
func (l *Lab) Stamp(octets []byte, by *pki.Identity) []byte {
	l.Helper()
	sum := sha256.Sum256(octets)
	return l.StampDigest(sum[:], by, time.Time{})
}

// StampDigest has a SHA-256 digest stamped with a time; zero: the clock's.
func (l *Lab) StampDigest(sum []byte, by *pki.Identity, at time.Time) []byte {
	l.Helper()
	q, err := tsp.Request{Hash: algo.SHA256, Imprint: sum, Certificates: true}.Encode()
	l.Must(err)
	r, err := tsp.ParseResponse(l.PKI.TimeStampWith(q, pki.TSPOptions{Authority: by, GenTime: at}))
	l.Must(err)
	return r.RawToken
}

// Parse reads a CMS.
func (l *Lab) Parse(doc []byte) *cms.SignedData {
	l.Helper()
	sd, err := cms.Parse(doc, cms.Limits{})
	l.Must(err)
	return sd
}

// Stamped adds a signature time stamp by an authority; nil: that of ECDSA.
func (l *Lab) Stamped(doc []byte, by *pki.Identity) []byte {
	l.Helper()
	sd := l.Parse(doc)
	out, err := sd.AddUnsigned(0, cms.OIDSignatureTimestamp, l.Stamp(sd.Signers[0].Signature, by))
	l.Must(err)
	return out
}

// ContentStamped is what a signer who had the content stamped first adds.
func (l *Lab) ContentStamped() pki.CMSOptions {
	l.Helper()
	return pki.CMSOptions{SignedAttributes: [][]byte{l.Attribute(cms.OIDContentTimestamp, l.Stamp(Content, nil))}}
}

// naming is what a signer who names a signature policy adds; its digest is that of no document.
func (l *lab) naming(oid string) pki.CMSOptions {
	l.Helper()
	id, err := asn1ber.EncodedOID(oid)
	l.Must(err)
	h, err := algo.SHA256.AlgorithmIdentifier()
	l.Must(err)
	return pki.CMSOptions{SignedAttributes: [][]byte{l.Attribute(cms.OIDSignaturePolicy, asn1ber.Wrap(asn1ber.Sequence, id,
		asn1ber.Wrap(asn1ber.Sequence, h, asn1ber.Primitive(asn1ber.OctetString, make([]byte, 32)))))}}
}

// Attribute is a whole Attribute.
func (l *Lab) Attribute(oid string, value []byte) []byte {
	l.Helper()
	id, err := asn1ber.EncodedOID(oid)
	l.Must(err)
	return asn1ber.Wrap(asn1ber.Sequence, id, asn1ber.Wrap(asn1ber.Set, value))
}

// changed is a document whose content is not what was signed.
func changed(doc []byte) []byte {
	return bytes.Replace(doc, Content, append([]byte("X"), Content[1:]...), 1)
}
