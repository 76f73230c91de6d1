package xmldsig_test

import (
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/c14n"
	"qaqpa/signer/xmldsig"
)

// What each way of referring to a document covers, in words.
func TestScopes(t *testing.T) {
	enveloped := transform(xmldsig.TransformEnveloped, "")
	for _, c := range []struct{ name, document, uri, transforms, want string }{
		{"document", `<a><b/>%s</a>`, "", enveloped, "FULL / without /a/ds:Signature"},
		{"document by pointer", `<a><b/>%s</a>`, "#xpointer(/)", enveloped, "FULL / without /a/ds:Signature"},
		{"document element by identifier", `<a Id="x"><b/>%s</a>`, "#x", enveloped, "FULL /a (id x) without /a/ds:Signature"},
		{"document element, instruction outside", `<?style x?><a Id="x"><b/>%s</a>`, "#x", enveloped, "PARTIAL /a (id x) without /a/ds:Signature"},
		{"all signatures by XPath", `<a><b/>%s</a>`, "", xpathTransform("not(ancestor-or-self::ds:Signature)"), "FULL / without /a/ds:Signature"},
		{"part", `<a><b Id="x"/>%s</a>`, "#x", "", "PARTIAL /a/b (id x)"},
		{"part by pointer", `<a><b Id="x"/>%s</a>`, "#xpointer(id('x'))", transform(c14n.URIExclusive10, ""), "PARTIAL /a/b (id x)"},
		{"part, decoded", `<a><b Id="x">QUFB</b>%s</a>`, "#x", transform(xmldsig.TransformBase64, ""), "PARTIAL /a/b (id x), decoded"},
		{"document with a hole", `<a><b/><c/>%s</a>`, "", enveloped + filter2("subtract", "/a/b"), "PARTIAL / without /a/b, /a/ds:Signature"},
		{"document without an attribute", `<a><b i="1"/>%s</a>`, "", enveloped + xpathTransform("not(self::node()[name() = 'i'])"), "PARTIAL / without /a/b/@i, /a/ds:Signature"},
		{"text alone", `<a>x<b>y</b>%s</a>`, "", xpathTransform("self::text() and not(ancestor::ds:Signature)"), "PARTIAL /a/text(), /a/b/text()"},
		{"two parts", `<a><b/><b/>%s</a>`, "", filter2("intersect", "//b"), "PARTIAL /a/b[1], /a/b[2]"},
		{"nothing", `<a>%s</a>`, "", filter2("intersect", "//nothing"), "NOTHING"},
		{"canonical, then changed", `<a><b Id="x"><c/></b>%s</a>`, "#x", transform(c14n.URIExclusive10, "") + xpathTransform("not(self::c)"), "PARTIAL /a/b (id x), decoded"},
		{"elsewhere", `<a>%s</a>`, "file.xml", "", `DETACHED "file.xml"`},
		{"a part elsewhere", `<a>%s</a>`, "file.xml", xpathTransform("ancestor-or-self::b"), `PARTIAL "file.xml"`},
	} {
		document := strings.Replace(c.document, "%s", unsigned(reference(c.uri, c.transforms)), 1)
		s := open(t, []byte(document)).Signatures[0]
		o := s.Check(xmldsig.Inputs{Sources: xmldsig.Files(map[string][]byte{"file.xml": []byte("<b>file</b>")})}).References[0]
		if got := o.Scope.String(); got != c.want {
			t.Errorf("%s: %s, want %s (%s)", c.name, got, c.want, o.Check.Detail)
		}
	}
}

// The wrapping documents of the DSS corpus: the untouched one is covered whole, no fake is.
func TestScopesOfWrappedDocuments(t *testing.T) {
	dir := filepath.Join(corpora(t, "dss"), "xades", "validation", "xsw")
	for name, full := range map[string]bool{
		"TSL-noID.xml": true, "XSW-enveloped-fake-content.xml": false, "XSW-enveloped-fake-signedProperties.xml": true,
		"XSW-enveloping-fake-manifest.xml": false, "XSW-enveloping-fake-object.xml": false,
	} {
		s := open(t, readFile(t, filepath.Join(dir, name))).Signatures[0]
		checked := s.Check(xmldsig.Inputs{})
		t.Logf("%s: %s; %s", name, checked.References[0].Scope, checked.Checks())
		if got := checked.References[0].Scope.Coverage == xmldsig.Full; got != full {
			t.Errorf("%s: %s", name, checked.References[0].Scope)
		}
		if name != "TSL-noID.xml" && passes(checked.Checks()) {
			t.Errorf("%s holds", name)
		}
		for _, q := range s.Qualifying {
			for p := range q.Elements() {
				if name == "XSW-enveloped-fake-signedProperties.xml" && checked.Covers(p) {
					t.Error("the fake properties are covered")
				}
			}
		}
	}
}
