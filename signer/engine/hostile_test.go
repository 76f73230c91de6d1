package engine_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/signer/tsp"
	"qaqpa/signer/xades"
	"qaqpa/testenv/pki"
)

const signedInfo = `<SignedInfo><CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>` +
	`<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/><Reference URI=""><Transforms>` +
	`<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></Transforms>` +
	`<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue>AAAA</DigestValue></Reference></SignedInfo>`

const ds = `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">`

// xmlSeeds are documents in XML that hold no good signature.
var xmlSeeds = []string{
	"<a/>", "<a>" + ds + "</Signature></a>", "<a>" + ds + signedInfo + "<SignatureValue>AAAA</SignatureValue></Signature></a>",
	`<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>`, "\xef\xbb\xbf<a/>", "PGEvPg==", "\xff\xfe<\x00a\x00/\x00>\x00",
	`<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Header>` + ds + `</Signature></S:Header><S:Body/></S:Envelope>`,
	`<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/">` + ds + `</Signature></S:Envelope>`,
}

// TestHostileXML: documents made to cost much, or to be read in two ways, get a verdict in time, and never pass.
func TestHostileXML(t *testing.T) {
	l := setup(t, pki.ECDSA)
	signature := ds + signedInfo + "<SignatureValue>AAAA</SignatureValue></Signature>"
	nested := signature
	for range 60 {
		nested = ds + signedInfo + "<SignatureValue>AAAA</SignatureValue><Object>" + nested + "</Object></Signature>"
	}
	reference := signedInfo[strings.Index(signedInfo, "<Reference"):strings.Index(signedInfo, "</SignedInfo>")]
	for name, doc := range map[string]string{
		"deep":              strings.Repeat("<a>", 100_000),
		"255 signatures":    "<a>" + strings.Repeat(signature, 255) + strings.Repeat("<b/>", 50_000) + "</a>",
		"257 signatures":    "<a>" + strings.Repeat(signature, 257) + "</a>",
		"nested signatures": "<a>" + nested + "</a>",
		"many references":   "<a>" + strings.Replace(signature, reference, strings.Repeat(reference, 8000), 1) + strings.Repeat("<b/>", 20_000) + "</a>",
		"DOCTYPE":           xmlSeeds[3],
		"properties":        hostileProperties(l),
	} {
		start := time.Now()
		v := l.assess([]byte(doc), nil).Verdict
		if v.Indication == report.TotalPassed || v.Passed() {
			t.Errorf("%s passes", name)
		}
		d := time.Since(start)
		t.Logf("%s: %s/%s, %d signatures, %s", name, v.Indication, v.Sub, len(v.Signatures), d.Round(time.Millisecond))
		if d > 2*time.Minute { // a guard against hanging: the race detector on a loaded machine is slow
			t.Errorf("%s took %s", name, d)
		}
	}
}

// TestCounterSignatures: one over the signature's value is judged beside it and changes nothing of it; one over something
// else is wrong, and that is said.
func TestCounterSignatures(t *testing.T) {
	l := setup(t, pki.ECDSA)
	notary, err := l.pki.Issue(pki.Profile{Family: pki.ECDSA, Kind: pki.Citizen, Surname: "НОТАРИУС", Given: "АНА", IIN: pki.IIN(2)})
	if err != nil {
		t.Fatal(err)
	}
	sd, err := cms.Parse(l.sign(pki.CMSOptions{}), cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		over []byte
		o    pki.CMSOptions
		want report.Indication
	}{
		"over the value":      {sd.Signers[0].Signature, pki.CMSOptions{NoContentType: true}, report.TotalPassed},
		"over the content":    {content, pki.CMSOptions{NoContentType: true}, report.TotalFailed},
		"with a content type": {sd.Signers[0].Signature, pki.CMSOptions{}, report.TotalFailed},
	} {
		signed, err := notary.SignCMS(c.over, c.o)
		if err != nil {
			t.Fatal(err)
		}
		counter, err := cms.Parse(signed, cms.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := sd.AddUnsigned(0, cms.OIDCounterSignature, counter.Signers[0].Raw)
		if err != nil {
			t.Fatal(err)
		}
		if sd2, err := cms.Parse(doc, cms.Limits{}); err != nil {
			t.Fatal(err)
		} else {
			doc = sd2.AddCertificates(notary.Certificate)
		}
		v := engine.Open(doc, nil, nil).Assess(l.setting, l.evidence).Verdict
		if v.Indication != report.TotalPassed || len(v.Signatures) != 1 || len(v.Signatures[0].CounterSignatures) != 1 {
			t.Fatalf("%s: %s/%s, %d signatures", name, v.Indication, v.Sub, len(v.Signatures))
		}
		got := v.Signatures[0].CounterSignatures[0]
		if got.Indication != c.want || got.Signer == nil || got.Signer.IIN != notary.IIN() || (c.want == report.TotalPassed && got.Covers != "signature") {
			t.Errorf("%s: %s/%s covers %s by %+v", name, got.Indication, got.Sub, got.Covers, got.Signer)
		}
	}
}

// hostileProperties is a document whose properties cost as much as they can: many time stamps over all that stands before them, each naming
// thousands of references, with values and names that are hashed for each.
func hostileProperties(l *lab) string {
	l.Helper()
	const space = `xmlns:x="` + xades.Space132 + `"`
	sum := sha256.Sum256([]byte("something else"))
	q, err := tsp.Request{Hash: algo.SHA256, Imprint: sum[:], Certificates: true}.Encode()
	if err != nil {
		l.Fatal(err)
	}
	r, err := tsp.ParseResponse(l.pki.TimeStampWith(q, pki.TSPOptions{}))
	if err != nil {
		l.Fatal(err)
	}
	token := base64.StdEncoding.EncodeToString(r.RawToken)
	stamp := `<x:ArchiveTimeStamp><x:EncapsulatedTimeStamp>` + token + `</x:EncapsulatedTimeStamp></x:ArchiveTimeStamp>`
	values := `<x:CertificateValues>` + strings.Repeat(`<x:EncapsulatedX509Certificate>`+strings.Repeat("AAAA", 1000)+`</x:EncapsulatedX509Certificate>`, 400) +
		`</x:CertificateValues>`
	refs := `<x:CompleteCertificateRefs>` + strings.Repeat(`<x:Cert><x:No/></x:Cert>`, 30_000) + `</x:CompleteCertificateRefs>`
	xmlStamps := `<x:SignatureTimeStamp>` + strings.Repeat(`<x:XMLTimeStamp/>`, 30_000) + `</x:SignatureTimeStamp>`
	cert := `<x:Cert><x:CertDigest><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#gost34311"/><ds:DigestValue>AQ==</ds:DigestValue></x:CertDigest></x:Cert>`
	one := `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object><x:QualifyingProperties ` + space + `>` +
		strings.Repeat("<x:Evil/>", 1000) + `<x:SignedProperties><x:SignedSignatureProperties><x:SigningCertificate>` + strings.Repeat(cert, 60) +
		`</x:SigningCertificate></x:SignedSignatureProperties></x:SignedProperties><x:UnsignedProperties><x:UnsignedSignatureProperties>` +
		values + refs + xmlStamps + strings.Repeat(stamp, 40) + `</x:UnsignedSignatureProperties></x:UnsignedProperties></x:QualifyingProperties></ds:Object></ds:Signature>`
	return "<a>" + strings.Repeat(one, 3) + "</a>"
}
