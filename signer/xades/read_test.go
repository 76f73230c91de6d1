package xades_test

import (
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
)

// status is the worst that became of a rule.
func status(checks cms.Checks, rule cms.Rule) cms.Status {
	worst := cms.Passed
	for _, c := range checks {
		if c.Rule == rule {
			worst = max(worst, c.Status)
		}
	}
	return worst
}

const foreign = `<ds:Object><xades:QualifyingProperties xmlns:xades="` + xades.Space132 + `" Target="#s1">` +
	`<xades:SignedProperties Id="evil"><xades:SignedSignatureProperties><xades:SigningTime>2001-01-01T00:00:00Z</xades:SigningTime>` +
	`</xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></ds:Object>`

// TestAttacks: each is a change that somebody without the key can make. None may be told as the signer's word.
func TestAttacks(t *testing.T) {
	good := sign(t, input(t, xades.Enveloped, order))
	objects := good[strings.Index(good, "<ds:Object>"):strings.Index(good, "</ds:Signature>")]
	signed := good[strings.Index(good, "<xades:SignedProperties"):strings.Index(good, "</xades:QualifyingProperties>")]
	elsewhere := strings.Replace(signed, "<xades:SignedProperties", `<xades:SignedProperties xmlns:xades="`+xades.Space132+`"`, 1)
	for name, c := range map[string]struct {
		document string
		rule     cms.Rule
		status   cms.Status
	}{
		"properties of somebody else behind":  {replaced(t, good, "</ds:Signature>", foreign+"</ds:Signature>"), xades.RuleProperties, cms.Failed},
		"properties of somebody else before":  {replaced(t, good, "<ds:Object>", foreign+"<ds:Object>"), xades.RuleProperties, cms.Failed},
		"properties of somebody else instead": {replaced(t, good, objects, foreign), xmldsig.RuleReference, cms.Undecided},
		"wrapped": {
			replaced(t, replaced(t, good, objects, foreign), "</ds:Object>", "</ds:Object><ds:Object>"+elsewhere+"</ds:Object>"),
			xmldsig.RuleReference, cms.Undecided,
		},
		"wrapped beside": {
			replaced(t, good, signed, strings.ReplaceAll(strings.ReplaceAll(signed, "s1-signed", "evil"), "2026", "2001")+signed),
			xades.RuleProperties, cms.Failed,
		},
		"a second set of signed properties": {
			replaced(t, good, "</xades:SignedProperties>", "</xades:SignedProperties><xades:SignedProperties/>"), xades.RuleProperties, cms.Failed,
		},
		"a second set of unsigned properties": {
			replaced(t, good, "</xades:SignedProperties>", "</xades:SignedProperties><xades:UnsignedProperties/><xades:UnsignedProperties/>"),
			xades.RuleProperties, cms.Failed,
		},
		"unsigned properties first":        {replaced(t, good, "<xades:SignedProperties", "<xades:UnsignedProperties/><xades:SignedProperties"), xades.RuleProperties, cms.Noted},
		"something else in the properties": {replaced(t, good, "</xades:SignedProperties>", "</xades:SignedProperties><evil/>"), xades.RuleProperties, cms.Failed},
		"the time":                         {replaced(t, good, "2026-09-01T", "2016-09-01T"), xmldsig.RuleReference, cms.Failed},
		"another target":                   {replaced(t, good, `Target="#s1"`, `Target="#s2"`), xades.RuleProperties, cms.Noted},
		"no target":                        {replaced(t, good, ` Target="#s1"`, ``), xades.RuleProperties, cms.Noted},
		"a doubled identifier":             {replaced(t, good, `<sum>`, `<sum Id="s1-signed">`), xmldsig.RuleReference, cms.Failed},
		"properties from elsewhere": {
			replaced(t, good, "</ds:Signature>", `<ds:Object><xades:QualifyingPropertiesReference xmlns:xades="`+xades.Space132+`" URI="http://x"/></ds:Object></ds:Signature>`),
			xades.RuleProperties, cms.Noted,
		},
	} {
		checks := judge(t, c.document, nil)
		if got := status(checks, c.rule); got != c.status {
			t.Errorf("%s: %s is %s: %s", name, c.rule, got, checks)
		}
		if _, p := read(t, c.document, nil); !p.SigningTime.IsZero() && !p.SigningTime.Equal(at) {
			t.Errorf("%s: signed at %s", name, p.SigningTime)
		}
	}
}

// TestUnsigned: properties that no reference covers are shown as none, and the signature is no XAdES.
func TestUnsigned(t *testing.T) {
	id, _ := holders(t)
	in := input(t, xades.Enveloped, order).SignInput
	in.Document, in.ID = []byte(order), "s1"
	plain, err := xmldsig.SignEnveloped(in)
	if err != nil {
		t.Fatal(err)
	}
	document := replaced(t, string(plain), "</ds:Signature>", foreign+"</ds:Signature>")
	checks := judge(t, document, nil)
	_, p := read(t, document, nil)
	if w := checks.Worst(); w.Status != cms.Noted || status(checks, xades.RuleSignedProperties) != cms.Noted {
		t.Error(checks)
	}
	if p.Believed || p.Level() != xades.LevelNone || !p.SigningTime.IsZero() || p.Binds(id.cert) || len(p.List) != 0 {
		t.Errorf("believed: %+v", p.List)
	}
	if _, none := read(t, string(plain), nil); none != nil {
		t.Error("properties where there are none")
	}
}

// TestBinding: the certificate that was signed with is the only one, whoever else has the key.
func TestBinding(t *testing.T) {
	_, other := holders(t)
	good := sign(t, input(t, xades.Enveloped, order))
	_, p := read(t, good, nil)
	if c, _ := p.Verify(other.cert).Find(cms.RuleSigningCertificate); c.Status != cms.Undecided || c.Sub != cms.SubNoCertificate {
		t.Errorf("%+v", c)
	}
	if c := p.Verify(nil); c.Worst().Status != cms.Passed {
		t.Error(c)
	}
}

// properties signs with signed properties as they are given, to see how they are read.
func properties(t *testing.T, signature, data, unsigned string) (*xades.Properties, cms.Checks) {
	t.Helper()
	in := input(t, xades.Enveloped, order).SignInput
	in.Document, in.ID = []byte(order), "s1"
	in.References = []xmldsig.ReferenceInput{
		{ID: "r1", Transforms: []string{xmldsig.TransformEnveloped}},
		{URI: "#signed", Type: xades.TypeSignedProperties},
	}
	in.Objects = []xmldsig.ObjectInput{{Content: `<x:QualifyingProperties xmlns:x="` + xades.Space132 + `" xmlns:y="` + xades.Space141 + `" Target="#s1">` +
		`<x:SignedProperties Id="signed"><x:SignedSignatureProperties>` + signature + `</x:SignedSignatureProperties>` +
		`<x:SignedDataObjectProperties>` + data + `</x:SignedDataObjectProperties></x:SignedProperties>` +
		`<x:UnsignedProperties><x:UnsignedSignatureProperties>` + unsigned + `</x:UnsignedSignatureProperties></x:UnsignedProperties></x:QualifyingProperties>`}}
	out, err := xmldsig.Sign(in)
	if err != nil {
		t.Fatal(err)
	}
	_, p := read(t, string(out), nil)
	return p, judge(t, string(out), nil)
}

func TestReadValues(t *testing.T) {
	p, checks := properties(
		t,
		`<x:SigningTime> 2026-09-01T15:20:30.5+05:00 </x:SigningTime>`+
			`<x:SignaturePolicyIdentifier><x:SignaturePolicyId><x:SigPolicyId><x:Identifier Qualifier="OIDAsURN">urn:oid:1.2.3`+"\n"+`</x:Identifier></x:SigPolicyId>`+
			`<x:SigPolicyHash><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>AQID</ds:DigestValue></x:SigPolicyHash>`+
			`<x:SigPolicyQualifiers><x:SigPolicyQualifier><x:SPURI>http://policy</x:SPURI></x:SigPolicyQualifier>`+
			`<x:SigPolicyQualifier><x:SPUserNotice><x:ExplicitText>Келісемін</x:ExplicitText></x:SPUserNotice></x:SigPolicyQualifier></x:SigPolicyQualifiers>`+
			`</x:SignaturePolicyId></x:SignaturePolicyIdentifier>`+
			`<x:SignatureProductionPlaceV2><x:City>Алматы</x:City><x:CountryName>KZ</x:CountryName></x:SignatureProductionPlaceV2>`+
			`<x:SignerRoleV2><x:ClaimedRoles><x:ClaimedRole>Директор</x:ClaimedRole><x:ClaimedRole>Бухгалтер</x:ClaimedRole></x:ClaimedRoles></x:SignerRoleV2>`,
		`<x:DataObjectFormat ObjectReference="#r1"><x:MimeType>text/xml</x:MimeType></x:DataObjectFormat>`+
			`<x:CommitmentTypeIndication><x:CommitmentTypeId><x:Identifier>urn:approval</x:Identifier></x:CommitmentTypeId><x:AllSignedDataObjects/></x:CommitmentTypeIndication>`,
		`<x:CertificateValues><x:EncapsulatedX509Certificate>AQ==</x:EncapsulatedX509Certificate></x:CertificateValues><y:Unknown/>`,
	)
	if w := checks.Worst(); w.Status > cms.Noted {
		t.Fatal(checks)
	}
	if got := p.SigningTime.Format("2006-01-02 15:04:05.0"); got != "2026-09-01 10:20:30.5" {
		t.Error(got)
	}
	if p.Policy == nil || p.Policy.OID != "1.2.3" || p.Policy.Hash != algo.SHA256 || p.Policy.URI != "http://policy" || string(p.Policy.Digest) != "\x01\x02\x03" {
		t.Errorf("%+v", p.Policy)
	}
	var list []string
	for _, a := range p.List {
		list = append(list, a.Name+"="+a.Value)
	}
	const want = "SigningTime=2026-09-01T15:20:30.5+05:00 SPURI=http://policy SPUserNotice=Келісемін SignaturePolicyIdentifier=1.2.3 " +
		"SignatureProductionPlaceV2=Алматы, KZ SignerRoleV2=Директор; Бухгалтер DataObjectFormat=text/xml CommitmentTypeIndication=urn:approval " +
		"CertificateValues= Unknown="
	if got := strings.Join(list, " "); got != want {
		t.Error(got)
	}
	if p.Level() != xades.LevelNone { // neither the properties nor a signed KeyInfo bind a certificate
		t.Error(p.Level())
	}
}

func TestReadFaults(t *testing.T) {
	const cert = `<x:SigningCertificate><x:Cert><x:CertDigest><ds:DigestMethod Algorithm="urn:none"/><ds:DigestValue>AQ==</ds:DigestValue></x:CertDigest></x:Cert></x:SigningCertificate>`
	for name, c := range map[string]struct {
		signature string
		rule      cms.Rule
		status    cms.Status
	}{
		"two times":            {`<x:SigningTime>2026-09-01T10:20:30Z</x:SigningTime><x:SigningTime>2025-09-01T10:20:30Z</x:SigningTime>`, xades.RuleProperties, cms.Failed},
		"no time":              {`<x:SigningTime>yesterday</x:SigningTime>`, cms.RuleSigningTime, cms.Failed},
		"beyond what is told":  {`<x:SigningTime>9999-12-31T23:59:59-14:00</x:SigningTime>`, cms.RuleSigningTime, cms.Failed},
		"before it":            {`<x:SigningTime>0001-01-01T00:00:00+14:00</x:SigningTime>`, cms.RuleSigningTime, cms.Failed},
		"a comment in it":      {`<x:SigningTime>2026<!-- -->-09-01T10:20:30Z</x:SigningTime>`, cms.RuleSigningTime, cms.Passed},
		"an element in it":     {`<x:SigningTime>2026-09-01T10:20:30Z<x:Evil/></x:SigningTime>`, cms.RuleSigningTime, cms.Failed},
		"no policy":            {`<x:SignaturePolicyIdentifier/>`, xades.RuleProperties, cms.Failed},
		"no certificate":       {`<x:SigningCertificateV2/>`, cms.RuleSigningCertificate, cms.Failed},
		"something else":       {`<x:SigningCertificateV2><x:Evil/></x:SigningCertificateV2>`, cms.RuleSigningCertificate, cms.Failed},
		"unknown digest":       {cert, cms.RuleSigningCertificate, cms.Undecided},
		"another certificate":  {strings.Replace(cert, "urn:none", "http://www.w3.org/2001/04/xmlenc#sha256", 1), cms.RuleSigningCertificate, cms.Undecided},
		"two lists":            {cert + cert, xades.RuleProperties, cms.Failed},
		"too many":             {strings.Replace(cert, "</x:Cert>", "</x:Cert>"+strings.Repeat("<x:Cert/>", 65), 1), cms.RuleSigningCertificate, cms.Failed},
		"implied policy alone": {`<x:SignaturePolicyIdentifier><x:SignaturePolicyImplied/></x:SignaturePolicyIdentifier>`, xades.RuleProperties, cms.Passed},
	} {
		_, checks := properties(t, c.signature, "", "")
		if got := status(checks, c.rule); got != c.status {
			t.Errorf("%s: %s: %s", name, got, checks)
		}
	}
}

// TestIncludes: a time stamp that names what it is over may name parts of this signature alone.
func TestIncludes(t *testing.T) {
	stamp := func(name, inside string) string {
		return `<` + name + `>` + inside + `<x:EncapsulatedTimeStamp>` + token + `</x:EncapsulatedTimeStamp></` + name + `>`
	}
	values := `<x:CertificateValues Id="cv"><x:EncapsulatedX509Certificate>AQ==</x:EncapsulatedX509Certificate></x:CertificateValues>`
	for name, c := range map[string]struct {
		data, unsigned string
		fault          bool
	}{
		"all data":              {data: stamp("x:AllDataObjectsTimeStamp", "")},
		"one reference":         {data: stamp("x:IndividualDataObjectsTimeStamp", `<x:Include URI="#r1" referencedData="true"/>`)},
		"no reference":          {data: stamp("x:IndividualDataObjectsTimeStamp", ``), fault: true},
		"data in its place":     {data: stamp("x:IndividualDataObjectsTimeStamp", `<x:Include URI="#o1" referencedData="true"/>`), fault: true},
		"somewhere else":        {data: stamp("x:IndividualDataObjectsTimeStamp", `<x:Include URI="http://x"/>`), fault: true},
		"nowhere":               {data: stamp("x:IndividualDataObjectsTimeStamp", `<x:Include URI="#none"/>`), fault: true},
		"the value":             {unsigned: stamp("x:SignatureTimeStamp", ``)},
		"something else":        {unsigned: stamp("x:SignatureTimeStamp", `<x:Include URI="#o1"/>`), fault: true},
		"several":               {unsigned: stamp("x:SignatureTimeStamp", `<x:Include URI="#o1"/><x:Include URI="#signed"/>`), fault: true},
		"a property":            {unsigned: values + stamp("y:ArchiveTimeStamp", `<x:Include URI="#cv"/>`)},
		"a property twice":      {unsigned: values + stamp("y:ArchiveTimeStamp", `<x:Include URI="#cv"/><x:Include URI="#cv"/>`), fault: true},
		"another element":       {unsigned: values + stamp("y:ArchiveTimeStamp", `<x:Include URI="#o1"/>`), fault: true},
		"the signed properties": {unsigned: stamp("x:RefsOnlyTimeStamp", `<x:Include URI="#signed"/>`), fault: true},
	} {
		p, checks := properties(t, "", c.data, c.unsigned)
		if w := checks.Worst(); w.Status > cms.Noted {
			t.Fatal(name, checks)
		}
		stamps, err := p.Stamps(4)
		if err != nil || len(stamps) != 1 {
			t.Fatal(name, err, len(stamps))
		}
		if got := stamps[0].Fault != ""; got != c.fault {
			t.Errorf("%s: %q", name, stamps[0].Fault)
		}
		for _, over := range stamps[0].Over {
			if _, err := over.Digest(algo.SHA256); err != nil && !c.fault {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestStampLimits(t *testing.T) {
	one := `<x:EncapsulatedTimeStamp>` + token + `</x:EncapsulatedTimeStamp>`
	p, _ := properties(t, "", "", `<x:SignatureTimeStamp>`+strings.Repeat(one, 9)+`</x:SignatureTimeStamp>`)
	if stamps, err := p.Stamps(8); err == nil || len(stamps) != 8 {
		t.Error(len(stamps), err)
	}
	p, _ = properties(t, "", "", `<x:SignatureTimeStamp><x:XMLTimeStamp/>`+one+`<x:EncapsulatedTimeStamp>%</x:EncapsulatedTimeStamp></x:SignatureTimeStamp>`)
	if stamps, err := p.Stamps(8); err == nil || len(stamps) != 1 {
		t.Error(len(stamps), err)
	}
	p, checks := properties(t, "", "", strings.Repeat(`<y:Any/>`, 300))
	if len(p.List) > 96 || status(checks, xades.RuleProperties) != cms.Noted {
		t.Error(len(p.List), checks)
	}
}

// TestCounter: a signature in CounterSignature is one over the value around it, or it is refused.
func TestCounter(t *testing.T) {
	host := sign(t, input(t, xades.Enveloped, `<order><sum Id="sum">540600</sum></order>`))
	host = replaced(t, host, "<ds:SignatureValue>", `<ds:SignatureValue Id="value">`)
	host = replaced(t, host, "</xades:SignedProperties>", `</xades:SignedProperties><xades:UnsignedProperties><xades:UnsignedSignatureProperties>`+
		`<xades:CounterSignature Id="here"></xades:CounterSignature></xades:UnsignedSignatureProperties></xades:UnsignedProperties>`)
	for over, want := range map[string]cms.Status{"#value": cms.Passed, "#sum": cms.Undecided, "#s1-signed": cms.Undecided} {
		in := input(t, xades.Enveloped, order).SignInput
		in.Document, in.ID, in.ParentID = []byte(host), "s2", "here"
		in.References = []xmldsig.ReferenceInput{{URI: over, Type: "http://uri.etsi.org/01903#CountersignedSignature"}}
		out, err := xmldsig.Sign(in)
		if err != nil {
			t.Fatal(err)
		}
		checked, _ := read(t, string(out), nil)
		if _, ok := xades.CheckCounter(checked); ok {
			t.Error("the outer signature is called a counter-signature")
		}
		counter := nested(t, string(out))
		check, ok := xades.CheckCounter(counter)
		if !ok || check.Status != want {
			t.Errorf("%s: %v %+v", over, ok, check)
		}
	}
}
