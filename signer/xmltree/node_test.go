package xmltree_test

import (
	"iter"
	"slices"
	"strings"
	"testing"

	"qaqpa/signer/xmltree"
)

const family = `<?top?><a xmlns="u" i="1" j="2"><b>x<c k="3"/>y</b><!--z--><b xmlns:p="v"><d/></b><e/></a><!--end-->`

func find(tb testing.TB, d *xmltree.Document, path string) xmltree.Node {
	tb.Helper()
	for n := range d.All().Nodes() {
		if n.Path() == path {
			return n
		}
	}
	tb.Fatalf("no %s", path)
	return xmltree.Node{}
}

func paths(nodes iter.Seq[xmltree.Node]) string {
	var out []string
	for n := range nodes {
		out = append(out, n.Path())
	}
	return strings.Join(out, " ")
}

func TestAxes(t *testing.T) {
	d := parse(t, family)
	for _, c := range []struct {
		name, from string
		axis       func(xmltree.Node) iter.Seq[xmltree.Node]
		want       string
	}{
		{"children", "/a/b[1]", xmltree.Node.Children, "/a/b[1]/text() /a/b[1]/c /a/b[1]/text()"},
		{"children of the root", "/", xmltree.Node.Children, "/processing-instruction(top) /a /comment()"},
		{"elements", "/a", xmltree.Node.Elements, "/a/b[1] /a/b[2] /a/e"},
		{"attributes", "/a", xmltree.Node.Attributes, "/a/@i /a/@j"},
		{"namespaces", "/a/b[2]/d", xmltree.Node.Namespaces, "/a/b[2]/d/namespace::p /a/b[2]/d/namespace:: /a/b[2]/d/namespace::xml"},
		{"declarations", "/a/b[2]", xmltree.Node.Declarations, "/a/b[2]/namespace::p"},
		{"no declarations", "/a/b[2]/d", xmltree.Node.Declarations, ""},
		{"descendants", "/a", xmltree.Node.Descendants, "/a/b[1] /a/b[1]/text() /a/b[1]/c /a/b[1]/text() /a/comment() /a/b[2] /a/b[2]/d /a/e"},
		{"ancestors", "/a/b[1]/c/@k", xmltree.Node.Ancestors, "/a/b[1]/c /a/b[1] /a /"},
		{"ancestors of a namespace", "/a/e/namespace::xml", xmltree.Node.Ancestors, "/a/e /a /"},
		{"following", "/a/b[1]/c", xmltree.Node.Following, "/a/b[1]/text() /a/comment() /a/b[2] /a/b[2]/d /a/e /comment()"},
		{"following an attribute", "/a/b[1]/c/@k", xmltree.Node.Following, "/a/b[1]/text() /a/comment() /a/b[2] /a/b[2]/d /a/e /comment()"},
		{"preceding", "/a/b[2]/d", xmltree.Node.Preceding, "/a/comment() /a/b[1]/text() /a/b[1]/c /a/b[1]/text() /a/b[1] /processing-instruction(top)"},
		{"preceding a namespace", "/a/b[2]/namespace::p", xmltree.Node.Preceding, "/a/comment() /a/b[1]/text() /a/b[1]/c /a/b[1]/text() /a/b[1] /processing-instruction(top)"},
		{"siblings after", "/a/b[1]", xmltree.Node.FollowingSiblings, "/a/comment() /a/b[2] /a/e"},
		{"siblings before", "/a/e", xmltree.Node.PrecedingSiblings, "/a/b[2] /a/comment() /a/b[1]"},
		{"siblings of an attribute", "/a/@j", xmltree.Node.PrecedingSiblings, ""},
		{"siblings of the root", "/", xmltree.Node.FollowingSiblings, ""},
	} {
		if got := paths(c.axis(find(t, d, c.from))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestNode(t *testing.T) {
	d := parse(t, family)
	b := find(t, d, "/a/b[1]")
	if b.Text() != "xy" || b.Value() != "" || !b.Is("u", "b") || b.Is("", "b") || b.Size() != 5 {
		t.Error("element")
	}
	if d.Root().Text() != "xy" || d.Element().Child("u", "e").IsZero() || !d.Element().Child("", "e").IsZero() {
		t.Error("root and children")
	}
	if v, ok := d.Element().AttributeValue("j"); !ok || v != "2" {
		t.Error("attribute")
	}
	if s, ok := find(t, d, "/a/b[2]/d").NamespaceFor("p"); !ok || s != "v" {
		t.Error("namespace in force")
	}
	if _, ok := d.Element().NamespaceFor("p"); ok {
		t.Error("namespace out of force")
	}
	c := find(t, d, "/a/b[1]/c")
	if !b.Contains(c) || c.Contains(b) || !b.Contains(b) || b.Contains(d.Element()) || b.Compare(c) >= 0 || c.Compare(c) != 0 {
		t.Error("containment and order")
	}
	if other := parse(t, family).Element(); other.Contains(c) || d.All().Has(other) {
		t.Error("nodes of another document")
	}
	if (xmltree.Node{}).Path() != "" || d.Root().Path() != "/" || !c.Parent().Parent().Parent().Parent().IsZero() {
		t.Error("ends")
	}
}

// Text passes over comments and instructions: they never split a value.
func TestCommentsDoNotSplitText(t *testing.T) {
	d := parse(t, `<a>user@good.kz<!---->.evil<?x y?>.com<b>!</b></a>`)
	if got := d.Element().Text(); got != "user@good.kz.evil.com!" {
		t.Errorf("%q", got)
	}
}

func TestUndoneDefaultNamespace(t *testing.T) {
	d := parse(t, `<a xmlns="u" xmlns:p="v"><b xmlns=""><c xmlns:p="w"/></b></a>`)
	if got := paths(find(t, d, "/a/b/c").Namespaces()); got != "/a/b/c/namespace::p /a/b/c/namespace::xml" {
		t.Error(got)
	}
	if got := paths(find(t, d, "/a/b").Declarations()); got != "/a/b/namespace::" {
		t.Error(got)
	}
	if ns := slices.Collect(find(t, d, "/a/b/c").Namespaces()); ns[0].Value() != "w" {
		t.Error(ns[0].Value())
	}
}
