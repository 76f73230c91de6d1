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

// lab is a signer of family ECDSA under an authority, beside another authority of GOST2015. Not safe for concurrent use.
type lab struct {
	testing.TB
	pki   *pki.PKI
	clock time.Time
	start time.Time
	id    *pki.Identity
	out   Case
}

var content = []byte("Өтінім № 7: мемлекеттік баж")

func newLab(tb testing.TB) *lab {
	tb.Helper()
	l := &lab{TB: tb, start: time.Date(2018, 10, 1, 9, 0, 0, 0, time.UTC)}
	l.clock = l.start
	var err error
	l.pki, err = pki.New(pki.Options{
		Dir: tb.TempDir(), Families: []pki.Family{pki.ECDSA, pki.GOST2015}, Now: func() time.Time { return l.clock },
	})
	l.must(err)
	tb.Cleanup(func() { l.must(l.pki.Release()) })
	l.id = l.issue(pki.Profile{})
	l.out = Case{Anchors: [][]byte{l.pki.AnchorsPEM()}, Intermediates: [][]byte{l.pki.IntermediatesPEM()}, Policy: standard(l, nil)}
	l.listAll()
	return l
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) later(d time.Duration) { l.clock = l.clock.Add(d) }

func (l *lab) issue(p pki.Profile) *pki.Identity {
	l.Helper()
	if p.Family == "" {
		p.Family = pki.ECDSA
	}
	if p.Kind == "" {
		p.Kind, p.Surname, p.Given, p.IIN = pki.Citizen, "ӘЛИЕВ", "ДӘУРЕН", pki.IIN(1)
	}
	id, err := l.pki.Issue(p)
	l.must(err)
	return id
}

// listAll has all authorities publish their lists now, and adds them to the evidence.
func (l *lab) listAll() {
	l.Helper()
	for _, f := range l.pki.Families() {
		for _, ca := range []*pki.CA{l.pki.Root(f), l.pki.NCA(f)} {
			l.list(ca, pki.CRLOptions{})
		}
	}
}

func (l *lab) list(ca *pki.CA, o pki.CRLOptions) {
	l.Helper()
	der, err := l.pki.CRLWith(ca, o)
	l.must(err)
	l.out.Evidence = append(l.out.Evidence, der)
}

func (l *lab) sign(id *pki.Identity, o pki.CMSOptions) []byte {
	l.Helper()
	doc, err := id.SignCMS(content, o)
	l.must(err)
	return doc
}

// stamp has octets stamped at the clock's time by an authority; nil: that of ECDSA.
func (l *lab) stamp(octets []byte, by *pki.Identity) []byte {
	l.Helper()
	sum := sha256.Sum256(octets)
	q, err := tsp.Request{Hash: algo.SHA256, Imprint: sum[:], Certificates: true}.Encode()
	l.must(err)
	r, err := tsp.ParseResponse(l.pki.TimeStampWith(q, pki.TSPOptions{Authority: by}))
	l.must(err)
	return r.RawToken
}

// stamped adds a signature time stamp.
func (l *lab) stamped(doc []byte, by *pki.Identity) []byte {
	l.Helper()
	sd, err := cms.Parse(doc, cms.Limits{})
	l.must(err)
	out, err := sd.AddUnsigned(0, cms.OIDSignatureTimestamp, l.stamp(sd.Signers[0].Signature, by))
	l.must(err)
	return out
}

// contentStamped is what a signer who had the content stamped first adds.
func (l *lab) contentStamped() pki.CMSOptions {
	l.Helper()
	return pki.CMSOptions{SignedAttributes: [][]byte{l.attribute(cms.OIDContentTimestamp, l.stamp(content, nil))}}
}

// naming is what a signer who names a signature policy adds; its digest is that of no document.
func (l *lab) naming(oid string) pki.CMSOptions {
	l.Helper()
	id, err := asn1ber.EncodedOID(oid)
	l.must(err)
	h, err := algo.SHA256.AlgorithmIdentifier()
	l.must(err)
	return pki.CMSOptions{SignedAttributes: [][]byte{l.attribute(cms.OIDSignaturePolicy, asn1ber.Wrap(asn1ber.Sequence, id,
		asn1ber.Wrap(asn1ber.Sequence, h, asn1ber.Primitive(asn1ber.OctetString, make([]byte, 32)))))}}
}

// attribute is a whole Attribute.
func (l *lab) attribute(oid string, value []byte) []byte {
	l.Helper()
	id, err := asn1ber.EncodedOID(oid)
	l.must(err)
	return asn1ber.Wrap(asn1ber.Sequence, id, asn1ber.Wrap(asn1ber.Set, value))
}

// changed is a document whose content is not what was signed.
func changed(doc []byte) []byte {
	return bytes.Replace(doc, content, append([]byte("X"), content[1:]...), 1)
}
