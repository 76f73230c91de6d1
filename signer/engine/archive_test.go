package engine_test

import (
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/signer/tsp"
	"qaqpa/testenv/pki"
)

// archive is a laboratory whose clock moves: documents are signed, stamped and archived over years. Signers are of family ECDSA;
// GOST2015 is another authority.
type archive struct {
	testing.TB
	pki   *pki.PKI
	clock time.Time
	start time.Time
	id    *pki.Identity
	store *trust.Store
	set   engine.Setting
	crls  []*pkix.CRL
	ocsp  []*pkix.OCSPResponse
}

func newArchive(tb testing.TB) *archive {
	tb.Helper()
	a := &archive{TB: tb, start: time.Date(2018, 10, 1, 9, 0, 0, 0, time.UTC)}
	a.clock = a.start
	var err error
	a.pki, err = pki.New(pki.Options{
		Dir: tb.TempDir(), Families: []pki.Family{pki.ECDSA, pki.GOST2015}, Now: func() time.Time { return a.clock },
	})
	a.must(err)
	tb.Cleanup(func() { a.must(a.pki.Release()) })
	a.id = a.issue(pki.Profile{})
	a.store, err = trust.New(trust.Config{
		Mode: trust.Custom, Anchors: [][]byte{a.pki.AnchorsPEM()}, Intermediates: [][]byte{a.pki.IntermediatesPEM()},
	})
	a.must(err)
	a.set = engine.Setting{Trust: engine.NewTrust(a.store), Memo: path.NewMemo(4096), Policy: policyNamed(tb, engine.PolicyStandard)}
	a.listAll()
	return a
}

func policyNamed(tb testing.TB, name string) engine.Policy {
	tb.Helper()
	p, err := engine.PolicyNamed(name)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func (a *archive) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

func (a *archive) issue(p pki.Profile) *pki.Identity {
	a.Helper()
	if p.Family == "" {
		p.Family = pki.ECDSA
	}
	if p.Kind == "" {
		p.Kind, p.Surname, p.Given, p.IIN = pki.Citizen, "ӘЛИЕВ", "ДӘУРЕН", pki.IIN(1)
	}
	id, err := a.pki.Issue(p)
	a.must(err)
	return id
}

// listAll has all authorities publish their lists now, and adds them to the evidence.
func (a *archive) listAll() {
	a.Helper()
	for _, f := range a.pki.Families() {
		for _, ca := range []*pki.CA{a.pki.Root(f), a.pki.NCA(f)} {
			a.list(ca, pki.CRLOptions{})
		}
	}
}

func (a *archive) list(ca *pki.CA, o pki.CRLOptions) *pkix.CRL {
	a.Helper()
	der, err := a.pki.CRLWith(ca, o)
	a.must(err)
	crl, err := pkix.ParseCRL(der)
	a.must(err)
	a.crls = append(a.crls, crl)
	return crl
}

func (a *archive) sign(id *pki.Identity, o pki.CMSOptions) []byte {
	a.Helper()
	doc, err := id.SignCMS(content, o)
	a.must(err)
	return doc
}

// stamp has octets stamped at the clock's time by an authority; nil: that of ECDSA.
func (a *archive) stamp(octets []byte, by *pki.Identity) []byte {
	a.Helper()
	sum := sha256.Sum256(octets)
	return a.stampDigest(sum[:], by, time.Time{})
}

func (a *archive) stampDigest(sum []byte, by *pki.Identity, at time.Time) []byte {
	a.Helper()
	q, err := tsp.Request{Hash: algo.SHA256, Imprint: sum, Certificates: true}.Encode()
	a.must(err)
	r, err := tsp.ParseResponse(a.pki.TimeStampWith(q, pki.TSPOptions{Authority: by, GenTime: at}))
	a.must(err)
	return r.RawToken
}

// attribute is a whole Attribute.
func (a *archive) attribute(oid string, value []byte) []byte {
	a.Helper()
	id, err := asn1ber.EncodedOID(oid)
	a.must(err)
	return asn1ber.Wrap(asn1ber.Sequence, id, asn1ber.Wrap(asn1ber.Set, value))
}

func (a *archive) parse(doc []byte) *cms.SignedData {
	a.Helper()
	sd, err := cms.Parse(doc, cms.Limits{})
	a.must(err)
	return sd
}

// stamped adds a signature time stamp.
func (a *archive) stamped(doc []byte) []byte {
	a.Helper()
	sd := a.parse(doc)
	out, err := sd.AddUnsigned(0, cms.OIDSignatureTimestamp, a.stamp(sd.Signers[0].Signature, nil))
	a.must(err)
	return out
}

// withEvidence puts the lists of the clock's time and the authorities into the document.
func (a *archive) withEvidence(doc []byte, crls ...*pkix.CRL) []byte {
	a.Helper()
	var raw [][]byte
	for _, c := range crls {
		raw = append(raw, c.Raw)
	}
	sd := a.parse(a.parse(doc).AddCertificates(a.id.Chain...))
	out, err := sd.AddRevocation(raw, nil)
	a.must(err)
	return out
}

// archived adds an archive time stamp of version 3 over everything (EN 319 122-1 5.5.3), written out here step by step.
func (a *archive) archived(doc []byte, by *pki.Identity) []byte {
	a.Helper()
	sd := a.parse(doc)
	si := &sd.Signers[0]
	sum := func(b ...[]byte) []byte { s := sha256.Sum256(slices.Concat(b...)); return s[:] }
	digests := func(objects [][]byte) []byte {
		var list [][]byte
		for _, o := range objects {
			list = append(list, asn1ber.Primitive(asn1ber.OctetString, sum(o)))
		}
		return asn1ber.Wrap(asn1ber.Sequence, list...)
	}
	var attributes [][]byte
	for i := range si.UnsignedAttributes {
		values, err := si.UnsignedAttributes[i].Values()
		a.must(err)
		id, err := asn1ber.EncodedOID(si.UnsignedAttributes[i].OID)
		a.must(err)
		for _, v := range values {
			attributes = append(attributes, slices.Concat(id, v))
		}
	}
	h, err := algo.SHA256.AlgorithmIdentifier()
	a.must(err)
	index := asn1ber.Wrap(asn1ber.Sequence, h, digests(sd.Certificates), digests(sd.CRLs), digests(attributes))
	contentType, err := asn1ber.EncodedOID(sd.ContentType)
	a.must(err)
	imprint := sum(contentType, sum(sd.Content), a.head(si.Raw), index)
	token := a.parse(a.stampDigest(imprint, by, time.Time{}))
	indexed, err := token.AddUnsigned(0, cms.OIDArchiveHashIndexV3, index)
	a.must(err)
	out, err := sd.AddUnsigned(0, cms.OIDArchiveTimestampV3, indexed)
	a.must(err)
	return out
}

// head is a SignerInfo's fields before the unsigned attributes.
func (a *archive) head(signer []byte) (out []byte) {
	a.Helper()
	e, err := asn1ber.ParseDER(signer)
	a.must(err)
	r, err := e.Children()
	a.must(err)
	for !r.Empty() {
		field, err := r.Next()
		a.must(err)
		if field.Tag == asn1ber.Context(1) {
			break
		}
		out = append(out, field.Raw...)
	}
	return out
}

// judge validates at the clock's time.
func (a *archive) judge(doc []byte) report.Verdict {
	a.Helper()
	a.set.At, a.set.Now = a.clock, a.clock
	return engine.Open(doc, nil, nil).Assess(a.set, engine.Evidence{CRLs: a.crls, OCSP: a.ocsp}).Verdict
}

func (a *archive) want(v report.Verdict, i report.Indication, sub report.SubIndication) {
	a.Helper()
	if v.Indication == i && v.Sub == sub {
		return
	}
	a.Errorf("%s/%s, want %s/%s", v.Indication, v.Sub, i, sub)
	for _, s := range v.Signatures {
		for _, r := range s.Reasons {
			a.Log(r.Code, r.Clause, r.Detail)
		}
		for _, t := range s.TimeStamps {
			a.Log(t.Kind, t.Indication, t.Sub, t.GenTime, t.Process)
			for _, r := range t.Reasons {
				a.Log("  ", r.Code, r.Clause, r.Detail)
			}
		}
		a.Log(s.Blocks)
	}
}

// TestLongTerm follows one document through the years: its signer expires, its authority is revoked, and only proofs of
// existence keep it (EN 319 102-1 5.6).
func TestLongTerm(t *testing.T) {
	a := newArchive(t)
	doc := a.stamped(a.sign(a.id, pki.CMSOptions{}))
	a.clock = a.start.Add(time.Hour)
	a.crls = nil
	a.listAll()
	doc = a.withEvidence(doc, a.crls...)
	v := a.judge(doc)
	a.want(v, report.TotalPassed, "")
	if s := v.Signatures[0]; s.Level != "CAdES-LT" || !s.BestAt.Equal(a.start) || s.Process != "time" {
		t.Errorf("level %s, best time %s, process %s", s.Level, s.BestAt, s.Process)
	}

	// Four years later the other authority stamps it all.
	a.clock = a.start.AddDate(4, 0, 0)
	young := a.issue(pki.Profile{Name: "tsa_later", Family: pki.GOST2015, Kind: pki.TimeStamping, Organisation: "TSA", NotAfter: a.clock.AddDate(8, 0, 0)})
	a.crls = nil
	a.listAll()
	kept := a.archived(a.withEvidence(doc, a.crls...), young)
	a.want(a.judge(kept), report.TotalPassed, "")
	if l := a.judge(kept).Signatures[0].Level; l != "CAdES-LTA" {
		t.Errorf("level %s", l)
	}

	// Then the national authority's key is stolen. What the thief could have made since is told from what existed before.
	a.clock = a.start.AddDate(6, 0, 0)
	a.must(a.pki.RevokeCA(a.pki.NCA(pki.ECDSA), pki.CACompromise, a.clock))
	a.clock = a.clock.AddDate(1, 0, 0)
	a.crls = nil
	a.listAll()
	v = a.judge(kept)
	a.want(v, report.TotalPassed, "")
	if s := v.Signatures[0]; s.Process != "long-term" || s.TimeStamps[0].Process != "past" || s.TimeStamps[1].Process != "time-stamp" {
		t.Errorf("processes %s, %s, %s", s.Process, s.TimeStamps[0].Process, s.TimeStamps[1].Process)
	}
	a.want(a.judge(doc), report.Indeterminate, report.RevokedCANoPOE)

	// A document that is archived only now proves too little.
	late := a.archived(doc, young)
	v = a.judge(late)
	a.want(v, report.Indeterminate, report.RevokedCANoPOE)
	// The archive time stamp of another document, or one whose index leaves the evidence out, is none.
	other := a.archived(a.stamped(a.sign(a.id, pki.CMSOptions{NoSigningTime: true})), young)
	stolen := a.parse(other).Signers[0].UnsignedAttributes
	token, err := stolen[len(stolen)-1].Values()
	a.must(err)
	swapped, err := a.parse(doc).AddUnsigned(0, cms.OIDArchiveTimestampV3, token[0])
	a.must(err)
	a.want(a.judge(swapped), report.Indeterminate, report.RevokedCANoPOE)
}
