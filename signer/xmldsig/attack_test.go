package xmldsig_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"qaqpa/signer/cms"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// attacked changes a signed document and returns its first signature with all checks.
func attacked(tb testing.TB, changed string) (*xmldsig.Signature, cms.Checks) {
	tb.Helper()
	doc := open(tb, []byte(changed))
	if len(doc.Signatures) == 0 {
		tb.Fatal("no signature")
	}
	s := doc.Signatures[0]
	return s, s.Check(xmldsig.Inputs{}).Verify(named(tb, "P-256").cert)
}

func change(tb testing.TB, document, old, new string) string {
	tb.Helper()
	if !strings.Contains(document, old) {
		tb.Fatalf("no %s to change", old)
	}
	return strings.Replace(document, old, new, 1)
}

// between is the part of a document from one text to the end of another.
func between(tb testing.TB, document, from, to string) string {
	tb.Helper()
	i := strings.Index(document, from)
	j := strings.Index(document, to)
	if i < 0 || j < i {
		tb.Fatalf("no %s … %s", from, to)
	}
	return document[i : j+len(to)]
}

// Each attack is made on a document that holds, and is stopped by the rule that is there for it.
func TestAttacks(t *testing.T) {
	b, err := xmldsig.SignEnveloped(named(t, "P-256").input(order))
	signed := string(mustSign(t, b, err))
	if _, checks := attacked(t, signed); checks.Worst().Status != cms.Passed {
		t.Fatal(checks)
	}
	info := between(t, signed, "<ds:SignedInfo>", "</ds:SignedInfo>")
	digest := between(t, signed, "<ds:DigestValue>", "</ds:DigestValue>")
	value := between(t, signed, "<ds:SignatureValue>", "</ds:SignatureValue>")
	forged := strings.Replace(info, digest, "<ds:DigestValue>AAAA</ds:DigestValue>", 1)
	for name, c := range map[string]struct {
		document string
		rule     cms.Rule
		sub      string
	}{
		"second SignedInfo behind":         {change(t, signed, info, info+forged), xmldsig.RuleStructure, cms.SubFormat},
		"second SignedInfo before":         {change(t, signed, info, forged+info), xmldsig.RuleStructure, cms.SubFormat},
		"SignedInfo in an unknown element": {change(t, signed, info, "<x>"+info+"</x>"), xmldsig.RuleStructure, cms.SubFormat},
		"no SignedInfo":                    {change(t, signed, info, ""), xmldsig.RuleStructure, cms.SubFormat},
		"no SignatureValue":                {change(t, signed, value, ""), xmldsig.RuleStructure, cms.SubFormat},
		"two SignatureValues":              {change(t, signed, value, value+value), xmldsig.RuleStructure, cms.SubFormat},
		"parts out of order":               {change(t, signed, info+value, value+info), xmldsig.RuleStructure, cms.SubFormat},
		"text in Signature":                {change(t, signed, info, "approved"+info), xmldsig.RuleStructure, cms.SubFormat},
		"unknown element in SignedInfo":    {change(t, signed, "<ds:Reference ", "<x/><ds:Reference "), xmldsig.RuleStructure, cms.SubFormat},
		"comment in DigestValue":           {change(t, signed, "<ds:DigestValue>", "<ds:DigestValue>AAAA<!-- -->"), xmldsig.RuleReference, cms.SubFormat},
		"instruction in DigestValue":       {change(t, signed, "<ds:DigestValue>", "<ds:DigestValue><?x?>"), xmldsig.RuleReference, cms.SubFormat},
		"element in DigestValue":           {change(t, signed, "</ds:DigestValue>", "<x/></ds:DigestValue>"), xmldsig.RuleReference, cms.SubFormat},
		"two DigestValues":                 {change(t, signed, digest, digest+digest), xmldsig.RuleReference, cms.SubFormat},
		"comment in SignatureValue":        {change(t, signed, "<ds:SignatureValue>", "<ds:SignatureValue><!-- -->"), xmldsig.RuleStructure, cms.SubFormat},
		"no digest method":                 {change(t, signed, `<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>`, ""), xmldsig.RuleReference, cms.SubFormat},
		"unknown digest method":            {change(t, signed, "xmlenc#sha256", "xmlenc#sha257"), xmldsig.RuleReference, cms.SubCryptoConstraints},
		"weaker digest method":             {change(t, signed, "http://www.w3.org/2001/04/xmlenc#sha256", xmldsig.Space+"sha1"), xmldsig.RuleReference, cms.SubHash},
		"unknown signature method":         {change(t, signed, "#ecdsa-sha256", "#ecdsa-sha257"), cms.RuleAlgorithms, cms.SubCryptoConstraints},
		"HMAC":                             {change(t, signed, "#ecdsa-sha256", "#hmac-sha256"), cms.RuleAlgorithms, cms.SubCryptoConstraints},
		"other signature method":           {change(t, signed, "#ecdsa-sha256", "#ecdsa-sha384"), cms.RuleSignature, cms.SubSignature},
		"RSA method, EC key":               {change(t, signed, "#ecdsa-sha256", "#rsa-sha256"), cms.RuleSignature, cms.SubSignature},
		"unknown canonicalization":         {change(t, signed, "xml-c14n-20010315\"", "xml-c14n-20010316\""), cms.RuleAlgorithms, cms.SubCryptoConstraints},
		"other canonicalization":           {change(t, signed, "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"", "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\""), cms.RuleSignature, cms.SubSignature},
		"XSLT":                             {change(t, signed, xmldsig.TransformEnveloped, "http://www.w3.org/TR/1999/REC-xslt-19991116"), xmldsig.RuleReference, cms.SubSigningConstraints},
		"transform that keeps nothing":     {change(t, signed, "<ds:Transform Algorithm=\"http://www.w3.org/TR/2001", transform(xmldsig.TransformXPath, "<ds:XPath>false()</ds:XPath>")+"<ds:Transform Algorithm=\"http://www.w3.org/TR/2001"), xmldsig.RuleReference, cms.SubHash},
		"comment in an XPath":              {change(t, signed, "<ds:Transform Algorithm=\"http://www.w3.org/TR/2001", transform(xmldsig.TransformXPath, "<ds:XPath>true()<!-- -->or false()</ds:XPath>")+"<ds:Transform Algorithm=\"http://www.w3.org/TR/2001"), xmldsig.RuleReference, cms.SubFormat},
		"remote reference":                 {change(t, signed, `URI=""`, `URI="http://127.0.0.1:1/secret"`), xmldsig.RuleReference, cms.SubNoSignedData},
		"file reference":                   {change(t, signed, `URI=""`, `URI="file:///etc/passwd"`), xmldsig.RuleReference, cms.SubNoSignedData},
		"XPointer of another kind":         {change(t, signed, `URI=""`, `URI="#xpointer(//sum)"`), xmldsig.RuleReference, cms.SubSigningConstraints},
		"unknown identifier":               {change(t, signed, `URI=""`, `URI="#nobody"`), xmldsig.RuleReference, cms.SubNoSignedData},
		"changed sum":                      {change(t, signed, "5406.00", "540600"), xmldsig.RuleReference, cms.SubHash},
		"text behind":                      {change(t, signed, "</sum>", "</sum><sum>1</sum>"), xmldsig.RuleReference, cms.SubHash},
		"instruction before the document":  {change(t, signed, "<order", "<?xml-stylesheet href='x'?><order"), xmldsig.RuleReference, cms.SubHash},
		"namespace of the document":        {change(t, signed, "urn:qaqpa:order", "urn:qaqpa:other"), xmldsig.RuleReference, cms.SubHash},
		"xml:base on the document":         {change(t, signed, "<order ", "<order xml:base='http://x/' "), xmldsig.RuleReference, cms.SubHash},
		"empty signature":                  {change(t, signed, value, "<ds:SignatureValue></ds:SignatureValue>"), xmldsig.RuleStructure, cms.SubFormat},
		"zero signature":                   {change(t, signed, value, "<ds:SignatureValue>"+base64.StdEncoding.EncodeToString(make([]byte, 64))+"</ds:SignatureValue>"), cms.RuleSignature, cms.SubSignature},
		"odd signature":                    {change(t, signed, value, "<ds:SignatureValue>AAAA</ds:SignatureValue>"), cms.RuleSignature, cms.SubSignature},
		"signature from elsewhere":         {change(t, signed, value, between(t, string(again(t)), "<ds:SignatureValue>", "</ds:SignatureValue>")), cms.RuleSignature, cms.SubSignature},
	} {
		t.Run(name, func(t *testing.T) {
			_, checks := attacked(t, c.document)
			if passes(checks) {
				t.Fatalf("accepted: %s", checks)
			}
			for _, check := range checks {
				if check.Rule == c.rule && check.Status > cms.Noted && check.Sub == c.sub {
					return
				}
			}
			t.Errorf("not stopped by %s with %s: %s", c.rule, c.sub, checks)
		})
	}
}

// again is a signature by the same key over another document.
func again(tb testing.TB) []byte {
	tb.Helper()
	b, err := xmldsig.SignEnveloped(named(tb, "P-256").input("<other/>"))
	return mustSign(tb, b, err)
}

// Comments may come and go where no reference keeps them, but they never split what is read.
func TestCommentTricks(t *testing.T) {
	b, err := xmldsig.SignEnveloped(named(t, "P-256").input(`<r><id>admin@evil.kz.example</id></r>`))
	changed := change(t, string(mustSign(t, b, err)), "admin@evil.kz", "admin@<!-- -->evil.kz")
	s, checks := attacked(t, changed)
	if !passes(checks) {
		t.Fatal(checks)
	}
	if got := s.Element.Document().Element().Child("", "id").Text(); got != "admin@evil.kz.example" {
		t.Errorf("the tree reads %q", got)
	}
	octets, err := s.Check(xmldsig.Inputs{}).References[0].Octets()
	if err != nil || string(octets) != `<r><id>admin@evil.kz.example</id></r>` {
		t.Errorf("signed octets %q, %v", octets, err)
	}
}

// An identifier that two elements bear finds neither of them, wherever the second one stands and however its attribute is
// written; elsewhere it is noted.
func TestDoubledIdentifiers(t *testing.T) {
	signed := string(signedParts(t, `<a><b Id="one">x</b><c/></a>`, "one"))
	for _, double := range []string{`<c Id="one"/>`, `<c ID="one"/>`, `<c id="one"/>`, `<c xml:id="one"/>`, `<c xmlns:w="` + xmltree.SpaceWSU + `" w:Id="one"/>`} {
		_, checks := attacked(t, change(t, signed, "<c/>", double))
		if check, _ := checks.Find(xmldsig.RuleReference); check.Status != cms.Failed || check.Sub != cms.SubFormat {
			t.Errorf("%s: %+v", double, check)
		}
	}
	_, checks := attacked(t, change(t, signed, "<c/>", `<c Id="two"/><c Id="two"/>`))
	if check, _ := checks.Find(xmldsig.RuleIdentifiers); check.Status != cms.Noted || !passes(checks) {
		t.Errorf("elsewhere: %+v", check)
	}
}

// A key in KeyValue is offered apart and never used: with another's key there, nothing changes.
func TestKeyValueIsNoTrust(t *testing.T) {
	const key = `<ds:KeyValue><ECKeyValue xmlns="http://www.w3.org/2009/xmldsig11#"><NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/>` +
		`<PublicKey>BJ/yaXNlq4FRObyJCBhb5jAz8GVzinK3bBGLjSDfjbJwNfydtgjnlS4EsDmxSRhWyJWq6GIqy5wvnaiARK04uB4=</PublicKey></ECKeyValue></ds:KeyValue>`
	b, err := xmldsig.SignEnveloped(named(t, "P-256").input(order))
	signed := string(mustSign(t, b, err))
	s, checks := attacked(t, change(t, signed, "<ds:KeyInfo>", "<ds:KeyInfo>"+key))
	if !passes(checks) || len(s.KeyInfo.Keys) != 1 {
		t.Errorf("%d keys, %s", len(s.KeyInfo.Keys), checks)
	}
	s, checks = attacked(t, change(t, signed, between(t, signed, "<ds:X509Data>", "</ds:X509Data>"), key))
	if c := s.Candidates(nil); len(c) != 0 {
		t.Error("a candidate out of a key")
	}
	if check, _ := checks.Find(xmldsig.RuleKeyInfo); check.Status != cms.Noted {
		t.Errorf("%+v", check)
	}
	if checks := s.Check(xmldsig.Inputs{}).Verify(nil); passes(checks) {
		t.Errorf("holds without a certificate: %s", checks)
	}
}

// Another certificate in KeyInfo than the one that is asked about leaves the signature undecided.
func TestCertificateOfAnother(t *testing.T) {
	id, other := named(t, "P-256"), named(t, "P-384")
	b, err := xmldsig.SignEnveloped(id.input(order))
	signed := string(mustSign(t, b, err))
	mine := between(t, signed, "<ds:X509Certificate>", "</ds:X509Certificate>")
	theirs := "<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(other.cert.Raw) + "</ds:X509Certificate>"
	_, checks := attacked(t, change(t, signed, mine, theirs))
	if check, _ := checks.Find(xmldsig.RuleKeyInfo); check.Status != cms.Undecided || check.Sub != cms.SubNoCertificate {
		t.Errorf("%+v", check)
	}
	s, _ := attacked(t, change(t, signed, mine, theirs+mine))
	if c := s.Candidates(offered(s)); len(c) != 2 || !c[0].Equal(id.cert) {
		t.Errorf("%d candidates, the signer is not the first", len(c))
	}
}

// mutation is a document with one change.
type mutation struct {
	document string
	what     string
}

// mutations of a node: without it, twice, and changed places with the one behind it.
func mutations(n xmltree.Node) (out []mutation) {
	text := n.Document().Text()
	from, to := n.Range()
	out = append(out, mutation{text[:from] + text[to:], "drop " + n.Path()})
	if n.Kind() != xmltree.Attribute {
		out = append(out, mutation{text[:to] + text[from:], "double " + n.Path()})
	}
	if next := n.NextSibling(); !next.IsZero() {
		from2, to2 := next.Range()
		out = append(out, mutation{text[:from] + text[from2:to2] + text[to:from2] + text[from:to] + text[to2:], "swap " + n.Path() + " with " + next.Path()})
	}
	return out
}

// Every node of a signed document is dropped, doubled and swapped with the next: nothing survives but what no signature
// covers, which is listed.
func TestStructuralMutations(t *testing.T) {
	id := named(t, "P-256")
	b, err := xmldsig.SignEnveloped(id.input(order))
	doc := open(t, mustSign(t, b, err))
	const data = "/order/ds:Signature/ds:KeyInfo/ds:X509Data"
	unsigned := map[string]string{
		"drop /order/comment()":                         "comments are not covered by a reference to the document",
		"double /order/comment()":                       "the same",
		"swap /order/payer with /order/comment()":       "the same",
		"swap /order/comment() with /order/sum":         "the same",
		"swap /order/text() with /order/ds:Signature":   "an enveloped signature may stand anywhere in the text",
		"drop /order/ds:Signature/ds:KeyInfo":           "KeyInfo is a hint: without it the caller must know the certificate",
		"drop " + data:                                  "the same",
		"double " + data:                                "the same",
		"drop " + data + "/ds:X509Certificate":          "the same",
		"double " + data + "/ds:X509Certificate":        "the same",
		"double " + data + "/ds:X509Certificate/text()": "the same",
		"drop " + data + "/ds:X509Certificate/text()":   "the same",
	}
	made, survived := 0, 0
	for n := range doc.Tree.All().Tree() {
		if n.Kind() == xmltree.Root {
			continue
		}
		for _, m := range mutations(n) {
			made++
			tree, err := xmltree.Parse([]byte(m.document), xmltree.Limits{})
			if err != nil {
				continue
			}
			changed := openTree(t, tree)
			if len(changed.Signatures) != 1 {
				continue
			}
			checked := changed.Signatures[0].Check(xmldsig.Inputs{})
			if !passes(checked.Verify(id.cert)) || checked.References[0].Scope.Coverage != xmldsig.Full {
				continue
			}
			survived++
			if unsigned[m.what] == "" {
				t.Errorf("%s survives", m.what)
			}
		}
	}
	t.Logf("%d mutations, %d survive in places that are not signed", made, survived)
}
