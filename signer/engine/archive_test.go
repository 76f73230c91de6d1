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
	"qaqpa/testenv/pki"
	"qaqpa/testenv/specimen"
)

// archive is a laboratory with an engine: documents are signed, stamped and archived over years, and judged.
type archive struct {
	*specimen.Lab
	store *trust.Store
	set   engine.Setting
	crls  []*pkix.CRL
	ocsp  []*pkix.OCSPResponse
}

func newArchive(tb testing.TB) *archive {
	tb.Helper()
	a := &archive{Lab: specimen.NewLab(tb)}
	var err error
	a.store, err = trust.New(trust.Config{
		Mode: trust.Custom, Anchors: [][]byte{a.PKI.AnchorsPEM()}, Intermediates: [][]byte{a.PKI.IntermediatesPEM()},
	})
	a.Must(err)
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

// listAll has all authorities publish their lists now, and adds them to the evidence.
func (a *archive) listAll() {
	a.Helper()
	for _, der := range a.Lists() {
		crl, err := pkix.ParseCRL(der)
		a.Must(err)
		a.crls = append(a.crls, crl)
	}
}

// withEvidence puts the lists of the clock's time and the authorities into the document.
func (a *archive) withEvidence(doc []byte, crls ...*pkix.CRL) []byte {
	a.Helper()
	var raw [][]byte
	for _, c := range crls {
		raw = append(raw, c.Raw)
	}
	sd := a.Parse(a.Parse(doc).AddCertificates(a.ID.Chain...))
	out, err := sd.AddRevocation(raw, nil)
	a.Must(err)
	return out
}

// archived adds an archive time stamp of version 3 over everything (EN 319 122-1 5.5.3), written out here step by step.
func (a *archive) archived(doc []byte, by *pki.Identity) []byte {
	a.Helper()
	sd := a.Parse(doc)
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
		a.Must(err)
		id, err := asn1ber.EncodedOID(si.UnsignedAttributes[i].OID)
		a.Must(err)
		for _, v := range values {
			attributes = append(attributes, slices.Concat(id, v))
		}
	}
	h, err := algo.SHA256.AlgorithmIdentifier()
	a.Must(err)
	index := asn1ber.Wrap(asn1ber.Sequence, h, digests(sd.Certificates), digests(sd.CRLs), digests(attributes))
	contentType, err := asn1ber.EncodedOID(sd.ContentType)
	a.Must(err)
	imprint := sum(contentType, sum(sd.Content), a.head(si.Raw), index)
	token := a.Parse(a.StampDigest(imprint, by, time.Time{}))
	indexed, err := token.AddUnsigned(0, cms.OIDArchiveHashIndexV3, index)
	a.Must(err)
	out, err := sd.AddUnsigned(0, cms.OIDArchiveTimestampV3, indexed)
	a.Must(err)
	return out
}

// head is a SignerInfo's fields before the unsigned attributes.
func (a *archive) head(signer []byte) (out []byte) {
	a.Helper()
	e, err := asn1ber.ParseDER(signer)
	a.Must(err)
	r, err := e.Children()
	a.Must(err)
	for !r.Empty() {
		field, err := r.Next()
		a.Must(err)
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
	a.set.At, a.set.Now = a.Clock, a.Clock
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
	doc := a.Stamped(a.Sign(a.ID, pki.CMSOptions{}), nil)
	a.Clock = a.Start.Add(time.Hour)
	a.crls = nil
	a.listAll()
	doc = a.withEvidence(doc, a.crls...)
	v := a.judge(doc)
	a.want(v, report.TotalPassed, "")
	if s := v.Signatures[0]; s.Level != "CAdES-LT" || !s.BestAt.Equal(a.Start) || s.Process != "time" {
		t.Errorf("level %s, best time %s, process %s", s.Level, s.BestAt, s.Process)
	}

	// Four years later the other authority stamps it all.
	a.Clock = a.Start.AddDate(4, 0, 0)
	young := a.Issue(pki.Profile{Name: "tsa_later", Family: pki.GOST2015, Kind: pki.TimeStamping, Organisation: "TSA", NotAfter: a.Clock.AddDate(8, 0, 0)})
	a.crls = nil
	a.listAll()
	kept := a.archived(a.withEvidence(doc, a.crls...), young)
	a.want(a.judge(kept), report.TotalPassed, "")
	if l := a.judge(kept).Signatures[0].Level; l != "CAdES-LTA" {
		t.Errorf("level %s", l)
	}

	// Then the national authority's key is stolen. What the thief could have made since is told from what existed before.
	a.Clock = a.Start.AddDate(6, 0, 0)
	a.Must(a.PKI.RevokeCA(a.PKI.NCA(pki.ECDSA), pki.CACompromise, a.Clock))
	a.Clock = a.Clock.AddDate(1, 0, 0)
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
	other := a.archived(a.Stamped(a.Sign(a.ID, pki.CMSOptions{NoSigningTime: true}), nil), young)
	stolen := a.Parse(other).Signers[0].UnsignedAttributes
	token, err := stolen[len(stolen)-1].Values()
	a.Must(err)
	swapped, err := a.Parse(doc).AddUnsigned(0, cms.OIDArchiveTimestampV3, token[0])
	a.Must(err)
	a.want(a.judge(swapped), report.Indeterminate, report.RevokedCANoPOE)
}
