package xmldsig_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/c14n"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

const second = time.Second

// judge goes the whole way that a document from outside goes, and tells how long it took.
func judge(tb testing.TB, b []byte) (took time.Duration, grown uint64, detail string) {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := spent()
	detail = verdict(b)
	took = spent() - start
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc, detail
}

func verdict(b []byte) string {
	tree, err := xmltree.Parse(b, xmltree.Limits{})
	if err != nil {
		return err.Error()
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil {
		return err.Error()
	}
	work := doc.NewWork()
	detail := fmt.Sprintf("%d signatures", len(doc.Signatures))
	for _, s := range doc.Signatures {
		checks := s.Check(xmldsig.Inputs{Work: work}).Checks()
		if !passes(checks) && len(detail) < 200 {
			detail += "; " + checks.String()
		}
		s.Candidates(offered(s))
	}
	if len(detail) > 240 {
		detail = detail[:240]
	}
	return detail
}

func reference(uri, transforms string) string {
	if transforms != "" {
		transforms = "<ds:Transforms>" + transforms + "</ds:Transforms>"
	}
	return `<ds:Reference URI="` + uri + `">` + transforms + `<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>` +
		`<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>`
}

func unsigned(references string) string {
	return `<ds:Signature xmlns:ds="` + xmldsig.Space + `"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="` + c14n.URIInclusive10 + `"/>` +
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>` + references +
		`</ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>`
}

func xpathTransform(expression string) string {
	return transform(xmldsig.TransformXPath, "<ds:XPath>"+expression+"</ds:XPath>")
}

// namespaceHeap is an element with many declarations around many elements that use none.
func namespaceHeap(declarations, elements int, inside string) string {
	var b strings.Builder
	b.WriteString("<a")
	for i := range declarations {
		fmt.Fprintf(&b, ` xmlns:n%d="urn:%d"`, i, i)
	}
	return b.String() + ">" + strings.Repeat("<b/>", elements) + inside + "</a>"
}

// hostile are documents made to be slow or large.
func hostile() map[string]string {
	repeat := strings.Repeat
	many := func(n int, s string) string { return repeat(s, n) }
	megabyte := repeat("<r><c x='1'>text</c></r>", 40_000)
	return map[string]string{
		"open tags":  repeat("<a>", 1_000_000),
		"nested":     repeat("<a>", 250) + repeat("<b/>", 200_000) + repeat("</a>", 250),
		"siblings":   "<a>" + repeat("<b/>", 1_500_000) + "</a>",
		"attributes": "<a " + repeat("x='1' ", 300_000) + "/>",
		"distinct attributes": func() string {
			var b strings.Builder
			for i := range 100_000 {
				fmt.Fprintf(&b, " a%d='1'", i)
			}
			return "<a" + b.String() + "/>"
		}(),
		"long name":               "<" + repeat("a", 5_000_000) + "/>",
		"long comment":            "<a><!--" + repeat("-x", 2_000_000) + "--></a>",
		"half comment":            "<a><!--" + repeat("- ", 2_000_000),
		"many comments":           "<a>" + repeat("<!---->", 500_000) + unsigned(many(200, reference("", ""))) + "</a>",
		"references in text":      "<a>" + repeat("&#65;", 1_000_000) + "</a>",
		"entity":                  "<a>" + repeat("&lol;", 1_000_000) + "</a>",
		"billion laughs":          `<!DOCTYPE a [<!ENTITY a "` + repeat("x", 1000) + `">]><a>&a;</a>`,
		"many signatures":         "<a>" + many(300, unsigned(reference("", ""))) + "</a>",
		"many enveloped":          "<a>" + megabyte + many(200, unsigned(reference("", transform(xmldsig.TransformEnveloped, "")))) + "</a>",
		"many references":         "<a>" + megabyte + unsigned(many(8000, reference("", ""))) + "</a>",
		"too many references":     "<a>" + unsigned(many(100_000, reference("", ""))) + "</a>",
		"GOST references":         "<a>" + megabyte + unsigned(many(500, strings.Replace(reference("", ""), "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#gost34311", 1))) + "</a>",
		"many transforms":         "<a>" + unsigned(reference("", many(2000, transform(c14n.URIExclusive10, "")))) + "</a>",
		"c14n chain":              "<a>" + megabyte + unsigned(many(50, reference("", many(16, transform(c14n.URIInclusive10, ""))))) + "</a>",
		"XPath for each node":     "<a>" + megabyte + unsigned(many(20, reference("", xpathTransform("not(ancestor-or-self::ds:Signature)")))) + "</a>",
		"XPath quadratic":         "<a>" + megabyte + unsigned(reference("", xpathTransform("count(//*) &gt; 1"))) + "</a>",
		"XPath cubic":             "<a>" + megabyte + unsigned(reference("", xpathTransform("//*[//*[//*[.='x']]]"))) + "</a>",
		"XPath strings":           "<a>" + megabyte + unsigned(reference("", xpathTransform("contains(concat(string(/),string(/)),'zz')"))) + "</a>",
		"XPath doubling":          "<a>" + repeat("x", 1000) + unsigned(reference("", xpathTransform(doubling(30)))) + "</a>",
		"XPath axes":              "<a>" + megabyte + unsigned(reference("", xpathTransform("preceding::*/following::*/preceding::*/ancestor::*"))) + "</a>",
		"XPath siblings":          "<a>" + repeat("<b/>", 100_000) + unsigned(reference("", xpathTransform("preceding-sibling::*[last()]"))) + "</a>",
		"XPath comparison":        "<a>" + megabyte + unsigned(reference("", xpathTransform("//* &lt; //*"))) + "</a>",
		"XPath parts":             "<a>" + megabyte + unsigned(reference("", xpathTransform("//c["+repeat("z|", 1500)+"z]"))) + "</a>",
		"XPath parentheses":       "<a>" + unsigned(reference("", xpathTransform(repeat("(", 5000)+"1"+repeat(")", 5000)))) + "</a>",
		"XPath namespaces":        namespaceHeap(250, 50_000, unsigned(reference("", xpathTransform("not(self::node()[. = 'q'])")))),
		"XPath attributes":        "<a>" + repeat("<b "+attributes(500)+"/>", 2000) + unsigned(reference("", xpathTransform("//nothing"))) + "</a>",
		"filter":                  "<a>" + megabyte + unsigned(reference("", filter2("intersect", "//*//*//*//*")+filter2("subtract", "//*[preceding::*]"))) + "</a>",
		"orphans with namespaces": namespaceHeap(250, 20_000, unsigned(many(5, reference("", xpathTransform("self::b | parent::b"))))),
		"exclusive prefixes":      namespaceHeap(250, 20_000, unsigned(many(5, reference("", transform(c14n.URIExclusive10, `<ec:InclusiveNamespaces xmlns:ec="`+c14n.URIExclusive10+`" PrefixList="`+prefixes(64)+`"/>`))))),
		"base64 of much":          "<a Id='a'>" + repeat("QUFB", 2_000_000) + unsigned(many(30, reference("#a", transform(xmldsig.TransformBase64, "")))) + "</a>",
		"identifiers": "<a>" + func() string {
			var b strings.Builder
			for i := range 100_000 {
				fmt.Fprintf(&b, "<b Id='i%d'/>", i)
			}
			return b.String()
		}() + unsigned(many(8000, reference("#i99999", ""))) + "</a>",
		"declarations":   "<a>" + repeat("<b "+declarations(250)+"/>", 3000) + unsigned(reference("", "")+reference("", transform(c14n.URIExclusive10, ""))) + "</a>",
		"retrieval loop": strings.Replace("<a>"+unsigned(reference("", ""))+"</a>", "</ds:Signature>", `<ds:KeyInfo Id="k"><ds:RetrievalMethod URI="#k"/><ds:RetrievalMethod URI="#k"/></ds:KeyInfo></ds:Signature>`, 1),
	}
}

func doubling(levels int) string {
	e := "string(/)"
	for range levels {
		e = "concat(" + e + "," + e + ")"
		if len(e) > 12_000 {
			break
		}
	}
	return "contains(" + e + ",'zz')"
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d='' ", i)
	}
	return b.String()
}

func declarations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "xmlns:n%d='urn:%d' ", i, i)
	}
	return b.String()
}

func prefixes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "n%d ", i)
	}
	return b.String()
}

// Each hostile document is judged within a second and a bounded amount of memory.
func TestHostileDocuments(t *testing.T) {
	for name, document := range hostile() {
		t.Run(name, func(t *testing.T) {
			took, allocated, detail := judge(t, []byte(document))
			t.Logf("%6d kB in %8s, %5d MB allocated: %s", len(document)>>10, took.Round(time.Millisecond), allocated>>20, detail)
			if took > second*slowness {
				t.Errorf("took %s", took)
			}
			if allocated > 512<<20 {
				t.Errorf("%d MB allocated", allocated>>20)
			}
		})
	}
}

// The largest signatures of the corpora: 500 and 900 references (the bar is 0.25 s).
func TestManyReferences(t *testing.T) {
	dir := filepath.Join(corpora(t, "dss"), "xades", "validation")
	for _, name := range []string{"xades-500-references.xml", "xades-900-references.xml"} {
		b := readFile(t, filepath.Join(dir, name))
		start := spent()
		doc := open(t, b)
		s := doc.Signatures[0]
		checked := s.Check(xmldsig.Inputs{Sources: dssSources(t, dssRow{Document: "xades/validation/" + name}, s)})
		signers := s.Candidates(offered(s))
		if len(signers) == 0 || !passes(checked.Verify(signers[0])) {
			t.Fatalf("%s does not hold", name)
		}
		took := spent() - start
		t.Logf("%s: %d references in %s", name, len(checked.References), took)
		if took > second/4*slowness {
			t.Errorf("%s took %s", name, took)
		}
	}
}
