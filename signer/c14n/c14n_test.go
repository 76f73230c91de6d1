package c14n_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"qaqpa/signer/c14n"
	"qaqpa/signer/xmltree"
	"qaqpa/signer/xpath"
)

func parse(tb testing.TB, document string) *xmltree.Document {
	tb.Helper()
	d, err := xmltree.Parse([]byte(document), xmltree.Limits{})
	if err != nil {
		tb.Fatalf("%.80q: %v", document, err)
	}
	return d
}

// subset is what an XPath predicate leaves of a document.
func subset(tb testing.TB, d *xmltree.Document, predicate string) xmltree.NodeSet {
	tb.Helper()
	e, err := xpath.Compile(predicate, func(p string) (string, bool) {
		s, ok := map[string]string{"ietf": "http://www.ietf.org"}[p]
		return s, ok
	})
	if err != nil {
		tb.Fatal(err)
	}
	set, err := e.Filter(d.All(), xmltree.Node{}, xpath.NewBudget(1_000_000))
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

var (
	inclusive = c14n.Method{Form: c14n.Inclusive10}
	comments  = c14n.Method{Form: c14n.Inclusive10, Comments: true}
	eleven    = c14n.Method{Form: c14n.Inclusive11}
	exclusive = c14n.Method{Form: c14n.Exclusive10}
)

func prefixed(p ...string) c14n.Method { return c14n.Method{Form: c14n.Exclusive10, Prefixes: p} }

// The examples of the recommendations, without what they do with DTDs.
func TestExamplesOfTheRecommendations(t *testing.T) {
	for _, c := range []struct {
		name, document, predicate string
		method                    c14n.Method
		want                      string
	}{
		{
			"1.0 3.1 without comments",
			"<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\n\n<doc>Hello, world!<!-- Comment 1 --></doc>\n\n<?pi-without-data     ?>\n\n<!-- Comment 2 -->\n\n<!-- Comment 3 -->",
			"", inclusive, "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n<doc>Hello, world!</doc>\n<?pi-without-data?>",
		},
		{
			"1.0 3.1 with comments",
			"<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\n\n<doc>Hello, world!<!-- Comment 1 --></doc>\n\n<?pi-without-data     ?>\n\n<!-- Comment 2 -->\n\n<!-- Comment 3 -->",
			"", comments, "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n<doc>Hello, world!<!-- Comment 1 --></doc>\n<?pi-without-data?>\n<!-- Comment 2 -->\n<!-- Comment 3 -->",
		},
		{
			"1.0 3.3 start and end tags",
			`<doc><e1   /><e2   ></e2><e3   name = "elem3"   id="elem3"   /><e4   name="elem4"   id="elem4"   ></e4>` +
				`<e5 a:attr="out" b:attr="sorted" attr2="all" attr="I'm" xmlns:b="http://www.ietf.org" xmlns:a="http://www.w3.org" xmlns="http://example.org"/>` +
				`<e6 xmlns="" xmlns:a="http://www.w3.org"><e7 xmlns="http://www.ietf.org"><e8 xmlns="" xmlns:a="http://www.w3.org"><e9 xmlns="" xmlns:a="http://www.ietf.org"/></e8></e7></e6></doc>`,
			"", inclusive,
			`<doc><e1></e1><e2></e2><e3 id="elem3" name="elem3"></e3><e4 id="elem4" name="elem4"></e4>` +
				`<e5 xmlns="http://example.org" xmlns:a="http://www.w3.org" xmlns:b="http://www.ietf.org" attr="I'm" attr2="all" b:attr="sorted" a:attr="out"></e5>` +
				`<e6 xmlns:a="http://www.w3.org"><e7 xmlns="http://www.ietf.org"><e8 xmlns=""><e9 xmlns:a="http://www.ietf.org"></e9></e8></e7></e6></doc>`,
		},
		{
			"1.0 3.4 characters",
			"<doc><text>First line&#x0d;&#10;Second line</text><value>&#x32;</value><compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>" +
				`<compute expr='value>"0" &amp;&amp; value&lt;"10" ?"valid":"error"'>valid</compute><norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/></doc>`,
			"", inclusive,
			"<doc><text>First line&#xD;\nSecond line</text><value>2</value><compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>" +
				`<compute expr="value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;">valid</compute><norm attr=" '    &#xD;&#xA;&#x9;   ' "></norm></doc>`,
		},
		{
			"1.0 3.7 document subsets",
			`<doc xmlns="http://www.ietf.org" xmlns:w3c="http://www.w3.org"><e1><e2 xmlns="" xml:space="preserve"><e3 id="E3"/></e2></e1></doc>`,
			`self::ietf:e1 or (parent::ietf:e1 and not(self::text() or self::e2)) or count(id("E3")|ancestor-or-self::node()) = count(ancestor-or-self::node())`,
			inclusive,
			`<e1 xmlns="http://www.ietf.org" xmlns:w3c="http://www.w3.org"><e3 xmlns="" id="E3" xml:space="preserve"></e3></e1>`,
		},
		{
			"1.1 3.8 xml attributes",
			`<doc xmlns="http://www.ietf.org" xmlns:w3c="http://www.w3.org" xml:base="http://www.example.com/something/else"><e1><e2 xmlns="" xml:id="abc" xml:base="../bar/"><e3 id="E3" xml:base="foo"/></e2></e1></doc>`,
			`self::ietf:e1 or (parent::ietf:e1 and not(self::text() or self::e2)) or count(id("E3")|ancestor-or-self::node()) = count(ancestor-or-self::node())`,
			eleven,
			`<e1 xmlns="http://www.ietf.org" xmlns:w3c="http://www.w3.org" xml:base="http://www.example.com/something/else"><e3 xmlns="" id="E3" xml:base="../bar/foo"></e3></e1>`,
		},
		{
			"exclusive 2.2", `<n2:pdu xmlns:n1="http://example.com" xmlns:n2="http://foo.example" xml:lang="fr" xml:space="retain"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n2:pdu>`,
			`ancestor-or-self::*[local-name() = 'elem2']`, exclusive,
			`<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>`,
		},
		{
			"inclusive over the same", `<n2:pdu xmlns:n1="http://example.com" xmlns:n2="http://foo.example" xml:lang="fr" xml:space="retain"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n2:pdu>`,
			`ancestor-or-self::*[local-name() = 'elem2']`, inclusive,
			`<n1:elem2 xmlns:n1="http://example.net" xmlns:n2="http://foo.example" xml:lang="en" xml:space="retain"><n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>`,
		},
	} {
		d := parse(t, c.document)
		set := d.All()
		if c.predicate != "" {
			set = subset(t, d, c.predicate)
		}
		got, err := c14n.Canonical(set, c.method)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, got, c.want)
		}
	}
}

func TestExclusive(t *testing.T) {
	const document = `<a xmlns="u" xmlns:p="v" xmlns:q="w" xmlns:r="x"><p:b q:c="1"><d xmlns=""><q:e/><p:f/></d></p:b><g/></a>`
	for _, c := range []struct {
		predicate string
		method    c14n.Method
		want      string
	}{
		{"", exclusive, `<a xmlns="u"><p:b xmlns:p="v" xmlns:q="w" q:c="1"><d xmlns=""><q:e></q:e><p:f></p:f></d></p:b><g></g></a>`},
		{"", prefixed("r", "#default"), `<a xmlns="u" xmlns:r="x"><p:b xmlns:p="v" xmlns:q="w" q:c="1"><d xmlns=""><q:e></q:e><p:f></p:f></d></p:b><g></g></a>`},
		{"ancestor-or-self::*[local-name() = 'd']", exclusive, `<d><q:e xmlns:q="w"></q:e><p:f xmlns:p="v"></p:f></d>`},
		{"ancestor-or-self::*[local-name() = 'd']", prefixed("p", "r"), `<d xmlns:p="v" xmlns:r="x"><q:e xmlns:q="w"></q:e><p:f></p:f></d>`},
		{"self::*", exclusive, `<a xmlns="u"><p:b xmlns:p="v"><d xmlns=""><q:e xmlns:q="w"></q:e><p:f></p:f></d></p:b><g></g></a>`},
	} {
		d := parse(t, strings.NewReplacer(`"u"`, `"urn:u"`, `"v"`, `"urn:v"`, `"w"`, `"urn:w"`, `"x"`, `"urn:x"`).Replace(document))
		set := d.All()
		if c.predicate != "" {
			predicate := c.predicate
			if predicate == "self::*" { // elements with their namespace nodes, without attributes
				predicate = "self::* or not(self::node()[name() = 'q:c'])"
			}
			set = subset(t, d, predicate)
		}
		got, err := c14n.Canonical(set, c.method)
		if err != nil || strings.ReplaceAll(string(got), `"urn:`, `"`) != c.want {
			t.Errorf("%q %v: %v\n%s\nwant\n%s", c.predicate, c.method.Prefixes, err, got, c.want)
		}
	}
}

// A namespace name that is relative means another namespace in another place.
func TestRelativeNamespaces(t *testing.T) {
	for _, document := range []string{`<a xmlns="relative"/>`, `<a xmlns:p="../x"><b/></a>`, `<a><b xmlns:p=":x"/></a>`, `<a xmlns:p="1:x"/>`} {
		for _, m := range []c14n.Method{inclusive, eleven, exclusive} {
			if out, err := c14n.Canonical(parse(t, document).All(), m); !errors.Is(err, c14n.ErrRelativeNamespace) {
				t.Errorf("%s: %s, %v", document, out, err)
			}
		}
	}
}

func TestMethods(t *testing.T) {
	for form := c14n.Inclusive10; form <= c14n.Exclusive10; form++ {
		for _, comments := range []bool{false, true} {
			m := c14n.Method{Form: form, Comments: comments}
			if got, ok := c14n.MethodByURI(m.URI()); !ok || fmt.Sprint(got) != fmt.Sprint(m) {
				t.Errorf("%s: %v", m.URI(), got)
			}
		}
	}
	for _, uri := range []string{"", c14n.URIInclusive10 + "WithComments", c14n.URIInclusive10 + "#", c14n.URIInclusive11 + "#", "http://www.w3.org/2001/10/xml-exc-c14n", "WithComments"} {
		if m, ok := c14n.MethodByURI(uri); ok {
			t.Errorf("%s: %v", uri, m)
		}
	}
	if _, err := c14n.Canonical(parse(t, "<a/>").All(), c14n.Method{}); err == nil {
		t.Error("no form")
	}
}

type failing struct{ after int }

var errFull = errors.New("full")

func (w *failing) Write(p []byte) (int, error) {
	if w.after -= len(p); w.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// An error of the writer ends the work and comes back.
func TestWriterErrors(t *testing.T) {
	d := parse(t, "<a>"+strings.Repeat("<b>text</b>", 100_000)+"</a>")
	for _, after := range []int{0, 1, 1 << 15, 1 << 19} {
		if err := c14n.Write(&failing{after}, d.All(), inclusive); !errors.Is(err, errFull) {
			t.Errorf("after %d: %v", after, err)
		}
	}
	if out, err := c14n.Canonical(xmltree.NodeSet{}, inclusive); err != nil || out != nil {
		t.Errorf("empty set: %q %v", out, err)
	}
}
