package engine_test

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/engine"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
	"qaqpa/testenv/pki"
)

const xmlOrder = `<order Id="o1"><sum>540600</sum></order>`

// signXML makes a XAdES signature of level B at the clock's time.
func (a *archive) signXML(id *pki.Identity, in xades.SignInput) []byte {
	a.Helper()
	cert, err := pkix.ParseCertificate(id.Certificate)
	a.Must(err)
	in.Certificate, in.Signer, in.Rand, in.SigningTime = cert, id.Key, rand.Reader, a.Clock
	if in.ID == "" {
		in.ID = "s1"
	}
	if in.Packaging == "" {
		in.Packaging, in.Document = xades.Enveloped, []byte(xmlOrder)
	}
	for _, der := range id.Chain {
		c, err := pkix.ParseCertificate(der)
		a.Must(err)
		in.Chain = append(in.Chain, c)
	}
	out, err := xades.Sign(in)
	a.Must(err)
	return out
}

// properties are those of the first signature of a document.
func (a *archive) properties(doc []byte) *xades.Properties {
	a.Helper()
	tree, err := xmltree.Parse(doc, xmltree.Limits{})
	a.Must(err)
	d, err := xmldsig.Open(tree, xmldsig.Limits{})
	a.Must(err)
	return xades.Read(d.Signatures[0].Check(xmldsig.Inputs{}), nil)
}

func (a *archive) stampedXML(doc []byte) []byte {
	a.Helper()
	p := a.properties(doc)
	sum, err := p.SignatureDigest(algo.SHA256)
	a.Must(err)
	out, err := p.AddSignatureStamp(a.StampDigest(sum, nil, time.Time{}))
	a.Must(err)
	return out
}

func (a *archive) archivedXML(doc []byte, by *pki.Identity) []byte {
	a.Helper()
	p := a.properties(doc)
	sum, err := p.ArchiveDigest(algo.SHA256)
	a.Must(err)
	out, err := p.AddArchiveStamp(a.StampDigest(sum, by, time.Time{}))
	a.Must(err)
	return out
}

// withXMLEvidence puts the lists and authorities at hand into the document.
func (a *archive) withXMLEvidence(doc []byte) []byte {
	a.Helper()
	ev := xades.Evidence{Certificates: a.ID.Chain}
	for _, c := range a.crls {
		ev.CRLs = append(ev.CRLs, c.Raw)
	}
	out, err := a.properties(doc).AddEvidence(ev)
	a.Must(err)
	return out
}

// TestLongTermXML follows one XML document through the years, as TestLongTerm does with CMS.
func TestLongTermXML(t *testing.T) {
	a := newArchive(t)
	basic := a.signXML(a.ID, xades.SignInput{})
	v := a.judge(basic)
	a.want(v, report.TotalPassed, "")
	if s := v.Signatures[0]; s.Level != xades.LevelB || v.Coverage != "FULL" || s.ClaimedAt == nil || !s.ClaimedAt.Equal(a.Start) || s.TimeProven {
		t.Errorf("level %s, coverage %s, claimed %v", s.Level, v.Coverage, s.ClaimedAt)
	}
	doc := a.stampedXML(basic)
	a.Clock = a.Start.Add(time.Hour)
	a.crls = nil
	a.listAll()
	doc = a.withXMLEvidence(doc)
	v = a.judge(doc)
	a.want(v, report.TotalPassed, "")
	if s := v.Signatures[0]; s.Level != xades.LevelLT || !s.BestAt.Equal(a.Start) || s.Process != "time" {
		t.Errorf("level %s, best time %s, process %s", s.Level, s.BestAt, s.Process)
	}

	// Four years later the other authority stamps it all.
	a.Clock = a.Start.AddDate(4, 0, 0)
	young := a.Issue(pki.Profile{Name: "tsa_later", Family: pki.GOST2015, Kind: pki.TimeStamping, Organisation: "TSA", NotAfter: a.Clock.AddDate(8, 0, 0)})
	a.crls = nil
	a.listAll()
	kept := a.archivedXML(a.withXMLEvidence(doc), young)
	v = a.judge(kept)
	a.want(v, report.TotalPassed, "")
	if l := v.Signatures[0].Level; l != xades.LevelLTA {
		t.Errorf("level %s", l)
	}

	// Then the national authority's key is stolen.
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
	a.want(a.judge(a.archivedXML(doc, young)), report.Indeterminate, report.RevokedCANoPOE)

	// What is added to or taken from what the archive time stamp covers makes it a stamp of something else.
	for name, with := range map[string][2]string{
		"evidence removed":     {"<xades:CRLValues>", "<xades:OtherValues></xades:OtherValues><xades:CRLValues>"},
		"a certificate more":   {"</ds:X509Data>", "<ds:X509Certificate>AQ==</ds:X509Certificate></ds:X509Data>"},
		"another stamp before": {"<xades:RevocationValues", "<xades:SignatureTimeStamp xmlns:xades=\"" + xades.Space132 + "\"/><xades:RevocationValues"},
		"an object more":       {"</ds:Signature>", "<ds:Object>x</ds:Object></ds:Signature>"},
	} {
		changed := bytes.Replace(kept, []byte(with[0]), []byte(with[1]), 1)
		if bytes.Equal(changed, kept) {
			t.Fatal(name)
		}
		v := a.judge(changed)
		a.want(v, report.Indeterminate, report.RevokedCANoPOE)
		last := v.Signatures[0].TimeStamps[len(v.Signatures[0].TimeStamps)-1]
		if last.Indication == report.TotalPassed {
			t.Errorf("%s: the archive time stamp holds", name)
		}
	}
	// Nor does the archive time stamp of another document help.
	other := a.archivedXML(a.stampedXML(a.signXML(a.ID, xades.SignInput{ID: "s2"})), young)
	from, to := bytes.Index(other, []byte("<xades141:ArchiveTimeStamp")), bytes.Index(other, []byte("</xades:UnsignedSignatureProperties>"))
	swapped := bytes.Replace(doc, []byte("</xades:UnsignedSignatureProperties>"), slices.Concat(other[from:to], []byte("</xades:UnsignedSignatureProperties>")), 1)
	a.want(a.judge(swapped), report.Indeterminate, report.RevokedCANoPOE)
}

// TestXAdESCoverage: properties are no content, and a signature around its content covers all of it.
func TestXAdESCoverage(t *testing.T) {
	a := newArchive(t)
	for _, c := range []struct {
		name     string
		in       xades.SignInput
		original []byte
		coverage string
	}{
		{"enveloped", xades.SignInput{}, nil, "FULL"},
		{"enveloping", xades.SignInput{Packaging: xades.Enveloping, Document: []byte("мәтін")}, nil, "FULL"},
		{"detached", xades.SignInput{Packaging: xades.Detached, Document: []byte("мәтін"), URI: "a.txt"}, []byte("мәтін"), "DETACHED"},
		{"element", xades.SignInput{Packaging: xades.Enveloped, Document: []byte("<a>" + xmlOrder + "<b/></a>"), Element: "o1"}, nil, "PARTIAL"},
	} {
		doc := a.signXML(a.ID, c.in)
		a.set.At, a.set.Now = a.Clock, a.Clock
		judge := func(doc []byte) report.Verdict {
			return engine.Open(doc, c.original, nil).Assess(a.set, engine.Evidence{CRLs: a.crls}).Verdict
		}
		v := judge(doc)
		a.want(v, report.TotalPassed, "")
		if v.Coverage != c.coverage || v.Passed() != (c.coverage != "PARTIAL") {
			t.Errorf("%s: %s", c.name, v.Coverage)
		}
		// An object that somebody adds is content that nobody signed.
		more := bytes.Replace(doc, []byte("</ds:Signature>"), []byte("<ds:Object><evil/></ds:Object></ds:Signature>"), 1)
		if v := judge(more); c.name == "enveloping" && (v.Coverage != "PARTIAL" || v.Passed()) {
			t.Errorf("%s with an object more: %s", c.name, v.Coverage)
		}
		for _, with := range [][2]string{
			{"<ds:Signature ", `<?xml-stylesheet href="evil.css"?><ds:Signature `},
			{"<ds:Object><xades:Q", "<ds:Object>evil<xades:Q"},
			{"<ds:Object><xades:Q", "<ds:Object><?evil?><xades:Q"},
		} {
			beside := bytes.Replace(doc, []byte(with[0]), []byte(with[1]), 1)
			if v := judge(beside); c.name == "enveloping" && (bytes.Equal(beside, doc) || v.Passed()) {
				t.Errorf("%s with %s: %s", c.name, with[1], v.Coverage)
			}
		}
		hidden := bytes.Replace(doc, []byte("</xades:QualifyingProperties>"), []byte("</xades:QualifyingProperties><evil/>"), 1)
		if v := judge(hidden); c.name == "enveloping" && v.Passed() {
			t.Errorf("%s with something beside the properties: %s", c.name, v.Coverage)
		}
	}
}

// TestXAdESSubstituted: a certificate that the signer did not name is not the signer's, though it has the same key.
func TestXAdESSubstituted(t *testing.T) {
	a := newArchive(t)
	twin, err := a.PKI.IssueFor(pki.Profile{
		Name: "twin", Family: pki.ECDSA, Kind: pki.Citizen, Surname: "БАСҚА", Given: "АДАМ", IIN: pki.IIN(2),
	}, a.ID.Key.Public())
	a.Must(err)
	doc := string(a.signXML(a.ID, xades.SignInput{}))
	head, _, _ := strings.Cut(doc, "<ds:X509Certificate>")
	_, tail, _ := strings.Cut(doc, "</ds:X509Data>")
	cert, err := pkix.ParseCertificate(twin.Certificate)
	a.Must(err)
	plain, err := xmldsig.SignEnveloped(xmldsig.SignInput{Document: []byte("<a/>"), Certificate: cert, Signer: a.ID.Key, Rand: rand.Reader})
	a.Must(err)
	_, theirs, _ := strings.Cut(string(plain), "<ds:X509Data>")
	theirs, _, _ = strings.Cut(theirs, "</ds:X509Data>")
	a.listAll()
	v := a.judge([]byte(head + theirs + "</ds:X509Data>" + tail))
	a.want(v, report.Indeterminate, report.NoSigningCertificateFound)
}

// TestXAdESCounters: a counter-signature is judged beside the signature that it is over, by its own properties; one over something else is told
// as wrong, and neither changes what is said of the signature.
func TestXAdESCounters(t *testing.T) {
	a := newArchive(t)
	notary := a.Issue(pki.Profile{Name: "notary", Surname: "НОТАРИУС", Given: "АНА", IIN: pki.IIN(2), Kind: pki.Citizen})
	cert, err := pkix.ParseCertificate(notary.Certificate)
	a.Must(err)
	host := string(a.signXML(a.ID, xades.SignInput{Document: []byte(`<order><sum Id="sum">5</sum></order>`), Packaging: xades.Enveloped}))
	host = strings.Replace(host, "<ds:SignatureValue>", `<ds:SignatureValue Id="value">`, 1)
	host = strings.Replace(host, "</xades:SignedProperties>", `</xades:SignedProperties><xades:UnsignedProperties><xades:UnsignedSignatureProperties>`+
		`<xades:CounterSignature Id="here"></xades:CounterSignature></xades:UnsignedSignatureProperties></xades:UnsignedProperties>`, 1)
	for over, want := range map[string]report.Indication{"#value": report.TotalPassed, "#sum": report.Indeterminate} {
		doc, err := xmldsig.Sign(xmldsig.SignInput{
			Document: []byte(host), ID: "s2", ParentID: "here", Certificate: cert, Signer: notary.Key, Rand: rand.Reader,
			References: []xmldsig.ReferenceInput{{URI: over, Type: "http://uri.etsi.org/01903#CountersignedSignature"}},
		})
		a.Must(err)
		v := a.judge(doc)
		a.want(v, report.TotalPassed, "")
		if len(v.Signatures) != 1 || len(v.Signatures[0].CounterSignatures) != 1 || v.Coverage != "FULL" {
			t.Fatalf("%s: %d signatures, %s", over, len(v.Signatures), v.Coverage)
		}
		c := v.Signatures[0].CounterSignatures[0]
		if c.Indication != want || c.Signer == nil || c.Signer.IIN != notary.IIN() {
			t.Errorf("%s: %s/%s by %+v", over, c.Indication, c.Sub, c.Signer)
		}
		if over == "#value" && c.Covers != "signature" || over != "#value" && c.Reasons[0].Code != report.ReasonCounterElsewhere {
			t.Errorf("%s: covers %s, %+v", over, c.Covers, c.Reasons)
		}
	}
}
