package xmltree_test

import (
	"errors"
	"strings"
	"testing"

	"qaqpa/signer/xmltree"
)

func parse(tb testing.TB, document string) *xmltree.Document {
	tb.Helper()
	d, err := xmltree.Parse([]byte(document), xmltree.Limits{})
	if err != nil {
		tb.Fatalf("%.60q: %v", document, err)
	}
	return d
}

// show writes a tree so that tests can be read: elements by {space}local, text in quotation marks.
func show(n xmltree.Node) string {
	var b strings.Builder
	write(&b, n)
	return b.String()
}

func write(b *strings.Builder, n xmltree.Node) {
	switch n.Kind() {
	case xmltree.Root:
		for c := range n.Children() {
			write(b, c)
		}
	case xmltree.Element:
		b.WriteString("(" + expanded(n))
		for a := range n.Attributes() {
			b.WriteString(" " + expanded(a) + "=" + a.Value())
		}
		for c := range n.Children() {
			b.WriteString(" ")
			write(b, c)
		}
		b.WriteString(")")
	case xmltree.Text:
		b.WriteString("'" + n.Value() + "'")
	case xmltree.Comment:
		b.WriteString("#" + n.Value() + "#")
	case xmltree.Instruction:
		b.WriteString("?" + n.Local() + ":" + n.Value() + "?")
	case xmltree.Attribute, xmltree.Namespace:
	}
}

func expanded(n xmltree.Node) string {
	if n.Name().Space == "" {
		return n.Local()
	}
	return "{" + n.Name().Space + "}" + n.Local()
}

func TestParse(t *testing.T) {
	for document, want := range map[string]string{
		`<a/>`:                         `(a)`,
		"\ufeff<a/>":                   `(a)`,
		`<?xml version="1.0"?><a></a>`: `(a)`,
		`<?xml version='1.0' encoding='utf-8' standalone="yes" ?><a />`: `(a)`,
		`<a b="1" c='2'/>`:                                      `(a b=1 c=2)`,
		`<a>x<b/>y</a>`:                                         `(a 'x' (b) 'y')`,
		`<a xmlns="u"><b xmlns=""/><c/></a>`:                    `({u}a (b) ({u}c))`,
		`<p:a xmlns:p="u" p:b="1" b="2"/>`:                      `({u}a {u}b=1 b=2)`,
		`<a xmlns:p="u" xmlns:q="u"><p:b/><q:b/></a>`:           `(a ({u}b) ({u}b))`,
		`<a xmlns:p="u"><b xmlns:p="v"><p:c/></b><p:c/></a>`:    `(a (b ({v}c)) ({u}c))`,
		`<a xml:lang="kk"/>`:                                    `(a {http://www.w3.org/XML/1998/namespace}lang=kk)`,
		`<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`: `(a)`,
		"<a>1\r\n2\r3</a>":                                      "(a '1\n2\n3')",
		"<a>&#13;&#xD;&#10;</a>":                                "(a '\r\r\n')",
		"<a b='1\r\n2\t3\n4'/>":                                 "(a b=1 2 3 4)",
		"<a b='&#13;&#10;&#9;'/>":                               "(a b=\r\n\t)",
		`<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;</a>`:           `(a '<&>"'AB')`,
		`<a>x<![CDATA[<&]]>y<![CDATA[]]></a>`:                   `(a 'x<&y')`,
		`<a><![CDATA[]]></a>`:                                   `(a)`,
		`<a><![CDATA[]]]]><![CDATA[>]]></a>`:                    `(a ']]>')`,
		`<a>x<!-- y -->z<?p  d ?></a>`:                          `(a 'x' # y # 'z' ?p:d ?)`,
		"<?p?><!--c--><a/><?q r?>\n":                            `?p:?#c#(a)?q:r?`,
		`<Әлем атрибут="қ">ғ</Әлем>`:                            `(Әлем атрибут=қ 'ғ')`,
		`<a.b-c_1/>`:                                            `(a.b-c_1)`,
		"<a\n b = '1'\t></a\n>":                                 `(a b=1)`,
		`<a>` + "\U0001F600" + `&#x1F600;</a>`:                  "(a '\U0001F600\U0001F600')",
	} {
		if got := show(parse(t, document).Root()); got != want {
			t.Errorf("%q: %s, want %s", document, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for document, want := range map[string]error{
		"":                             xmltree.ErrSyntax,
		"text":                         xmltree.ErrSyntax,
		"<a>":                          xmltree.ErrSyntax,
		"<a></b>":                      xmltree.ErrSyntax,
		"<a></a ":                      xmltree.ErrSyntax,
		"</a>":                         xmltree.ErrSyntax,
		"<a/><b/>":                     xmltree.ErrSyntax,
		"<a/>text":                     xmltree.ErrSyntax,
		"<a/>&#32;":                    xmltree.ErrSyntax,
		"<a/><![CDATA[ ]]>":            xmltree.ErrSyntax,
		"<a/>\x00":                     xmltree.ErrSyntax,
		" <?xml version='1.0'?><a/>":   xmltree.ErrSyntax,
		"<?xml?><a/>":                  xmltree.ErrSyntax,
		"<?xml version='1.1'?><a/>":    xmltree.ErrSyntax,
		"<?xml encoding='utf-8'?><a/>": xmltree.ErrSyntax,
		"<?xml version='1.0' standalone='maybe'?><a/>":               xmltree.ErrSyntax,
		"<?xml version='1.0' standalone='no' encoding='utf-8'?><a/>": xmltree.ErrSyntax,
		"<?XML x?><a/>":                  xmltree.ErrSyntax,
		"<a><?p:q x?></a>":               xmltree.ErrSyntax,
		"<?>":                            xmltree.ErrSyntax,
		"<!-->":                          xmltree.ErrSyntax,
		"<a><?1 x?></a>":                 xmltree.ErrSyntax,
		"<a><!-- a -- b --></a>":         xmltree.ErrSyntax,
		"<a><!-- a ---></a>":             xmltree.ErrSyntax,
		"<a><!-- a </a>":                 xmltree.ErrSyntax,
		"<a>]]></a>":                     xmltree.ErrSyntax,
		"<a><![CDATA[x</a>":              xmltree.ErrSyntax,
		"<a>&x;</a>":                     xmltree.ErrSyntax,
		"<a>&amp</a>":                    xmltree.ErrSyntax,
		"<a>&</a>":                       xmltree.ErrSyntax,
		"<a>& ;</a>":                     xmltree.ErrSyntax,
		"<a>&#0;</a>":                    xmltree.ErrSyntax,
		"<a>&#x;</a>":                    xmltree.ErrSyntax,
		"<a>&#xD800;</a>":                xmltree.ErrSyntax,
		"<a>&#xFFFE;</a>":                xmltree.ErrSyntax,
		"<a>&#x110000;</a>":              xmltree.ErrSyntax,
		"<a>&#99999999999999999999;</a>": xmltree.ErrSyntax,
		"<a>\x01</a>":                    xmltree.ErrSyntax,
		"<a>\uffff</a>":                  xmltree.ErrSyntax,
		"<a b='1' b='2'/>":               xmltree.ErrSyntax,
		"<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>":               xmltree.ErrSyntax,
		"<a a1='' a2='' a3='' a4='' a5='' a6='' a7='' a8='' a1=''/>": xmltree.ErrSyntax,
		"<a xmlns='u' xmlns='v'/>":                                   xmltree.ErrSyntax,
		"<a xmlns:p='u' xmlns:p='u'/>":                               xmltree.ErrSyntax,
		"<a b='<'/>":                                                 xmltree.ErrSyntax,
		"<a b='&lt'/>":                                               xmltree.ErrSyntax,
		"<a b='&nbsp;'/>":                                            xmltree.ErrSyntax,
		"<a b=1/>":                                                   xmltree.ErrSyntax,
		"<a b/>":                                                     xmltree.ErrSyntax,
		"<a b='1'c='2'/>":                                            xmltree.ErrSyntax,
		"<a b='1/>":                                                  xmltree.ErrSyntax,
		"<a / >":                                                     xmltree.ErrSyntax,
		"< a/>":                                                      xmltree.ErrSyntax,
		"<1a/>":                                                      xmltree.ErrSyntax,
		"<:a/>":                                                      xmltree.ErrSyntax,
		"<a:/>":                                                      xmltree.ErrSyntax,
		"<a:b:c xmlns:a='u'/>":                                       xmltree.ErrSyntax,
		"<p:a/>":                                                     xmltree.ErrSyntax,
		"<a p:b='1'/>":                                               xmltree.ErrSyntax,
		"<a><b xmlns:p='u'/><p:c/></a>":                              xmltree.ErrSyntax,
		"<a xmlns:p=''/>":                                            xmltree.ErrSyntax,
		"<a xmlns:xmlns='u'/>":                                       xmltree.ErrSyntax,
		"<a xmlns:='u'/>":                                            xmltree.ErrSyntax,
		"<xmlns:a/>":                                                 xmltree.ErrSyntax,
		"<a xmlns:xml='u'/>":                                         xmltree.ErrSyntax,
		"<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>": xmltree.ErrSyntax,
		"<a xmlns='http://www.w3.org/2000/xmlns/'/>":          xmltree.ErrSyntax,
		"<!DOCTYPE a><a/>":                                        xmltree.ErrDoctype,
		"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>":                xmltree.ErrDoctype,
		"<a><!DOCTYPE a></a>":                                     xmltree.ErrDoctype,
		"<!ELEMENT a ANY><a/>":                                    xmltree.ErrSyntax,
		"<a><!ELEMENT a ANY></a>":                                 xmltree.ErrSyntax,
		"<a>\xff</a>":                                             xmltree.ErrEncoding,
		"<a>\xed\xa0\x80</a>":                                     xmltree.ErrEncoding,
		"<a>\xc0\x80</a>":                                         xmltree.ErrEncoding,
		"<?xml version='1.0' encoding='utf-16'?><a/>":             xmltree.ErrEncoding,
		"<?xml version='1.0' encoding='klingon'?><a/>":            xmltree.ErrEncoding,
		"<?xml version='1.0' encoding='us-ascii'?><a>é</a>":       xmltree.ErrEncoding,
		"\ufeff<?xml version='1.0' encoding='windows-1251'?><a/>": xmltree.ErrEncoding,
		"\xff\xfe<\x00a":                                          xmltree.ErrEncoding,
		"\xff\xfe<\x00\x00\xd8/\x00>\x00":                         xmltree.ErrEncoding,
	} {
		_, err := xmltree.Parse([]byte(document), xmltree.Limits{})
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", document, err, want)
		}
	}
}

func TestEncodings(t *testing.T) {
	const text = `<a>Ә é ü</a>`
	utf16 := func(s string, big bool) string {
		var b strings.Builder
		for _, r := range s {
			hi, lo := byte(r>>8), byte(r)
			if !big {
				hi, lo = lo, hi
			}
			b.Write([]byte{hi, lo})
		}
		return b.String()
	}
	for document, want := range map[string][2]string{
		text:                            {"UTF-8", "Ә é ü"},
		"\xfe\xff" + utf16(text, true):  {"UTF-16", "Ә é ü"},
		"\xff\xfe" + utf16(text, false): {"UTF-16", "Ә é ü"},
		"\xff\xfe" + utf16("<?xml version='1.0' encoding='UTF-16'?><a>ж</a>", false): {"UTF-16", "ж"},
		"\xfe\xff\x00<\x00a\x00>\xd8\x3d\xde\x00\x00<\x00/\x00a\x00>":                {"UTF-16", "\U0001F600"},
		"<?xml version='1.0' encoding='windows-1251'?><a>\xcf\xf0\xe8</a>":           {"windows-1251", "При"},
		"<?xml version=\"1.0\" encoding=\"ISO-8859-2\"?><a>\xe1\xb9</a>":             {"iso-8859-2", "áš"},
	} {
		d := parse(t, document)
		if d.Encoding() != want[0] || d.Element().Text() != want[1] {
			t.Errorf("%q: %s %q", document, d.Encoding(), d.Element().Text())
		}
	}
}

func TestLimits(t *testing.T) {
	const document = `<a xmlns:p="u"><b x="1" y="2"><c xmlns:q="v"/></b>text</a>`
	for name, c := range map[string]struct {
		enough, tooFew xmltree.Limits
	}{
		"bytes":      {xmltree.Limits{Bytes: len(document)}, xmltree.Limits{Bytes: len(document) - 1}},
		"depth":      {xmltree.Limits{Depth: 3}, xmltree.Limits{Depth: 2}},
		"nodes":      {xmltree.Limits{Nodes: 7}, xmltree.Limits{Nodes: 6}},
		"attributes": {xmltree.Limits{Attributes: 2}, xmltree.Limits{Attributes: 1}},
		"namespaces": {xmltree.Limits{Namespaces: 2}, xmltree.Limits{Namespaces: 1}},
	} {
		if _, err := xmltree.Parse([]byte(document), c.enough); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := xmltree.Parse([]byte(document), c.tooFew); !errors.Is(err, xmltree.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPositionError(t *testing.T) {
	_, err := xmltree.Parse([]byte("<a>\n Ә</b></a>"), xmltree.Limits{})
	var p *xmltree.PositionError
	if !errors.As(err, &p) || p.Line != 2 || p.Column != 3 || p.Offset != 7 {
		t.Errorf("%+v", err)
	}
}

// Every node knows its octets.
func TestPositions(t *testing.T) {
	const document = "\ufeff<?xml version=\"1.0\"?>\n<a b = \"1&amp;\" xmlns:p='u'><!--c--><p:d>x&lt;<![CDATA[y]]></p:d><?q r?><e/></a>"
	d := parse(t, document)
	var got []string
	for n := range d.All().Nodes() {
		if n.Kind() != xmltree.Root && n.Local() != "xml" {
			got = append(got, n.Raw())
		}
	}
	want := []string{
		d.Element().Raw(), "xmlns:p='u'", `b = "1&amp;"`, "<!--c-->", "<p:d>x&lt;<![CDATA[y]]></p:d>", "xmlns:p='u'",
		"x&lt;<![CDATA[y]]>", "<?q r?>", "<e/>", "xmlns:p='u'",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
	if d.Text() != strings.TrimPrefix(document, "\ufeff") || !strings.HasPrefix(d.Element().Raw(), "<a b") {
		t.Error("text of the document")
	}
}

func TestIdentifiers(t *testing.T) {
	d := parse(t, `<a Id="one" xmlns:wsu="`+xmltree.SpaceWSU+`"><b id="two"/><c ID="three"/><d xml:id="four"/><e wsu:Id="five"/>`+
		`<f wsu:id="six" x="seven" Idx="eight"/><g Id="same" id="same"/><h id=""/></a>`)
	for id, want := range map[string]string{"one": "a", "two": "b", "three": "c", "four": "d", "five": "e", "same": "g"} {
		if n, err := d.ByID(id); err != nil || n.Local() != want {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, id := range []string{"six", "seven", "eight", "", "nobody"} {
		if _, err := d.ByID(id); !errors.Is(err, xmltree.ErrNoID) {
			t.Errorf("%s: %v", id, err)
		}
	}
	doubled := parse(t, `<a><b Id="x"/><c ID="x"/><d xml:id="x"/><e Id="y"/></a>`)
	if _, err := doubled.ByID("x"); !errors.Is(err, xmltree.ErrDuplicateID) {
		t.Errorf("doubled: %v", err)
	}
	if got := doubled.DuplicateIDs(); len(got) != 1 || got[0] != "x" {
		t.Errorf("doubles %q", got)
	}
}
