package xmltree_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qaqpa/signer/xmltree"
)

// document draws a small document with namespaces, comments and attributes.
func document(t *rapid.T) *xmltree.Document {
	var b strings.Builder
	var element func(depth int)
	element = func(depth int) {
		name := rapid.SampledFrom([]string{"a", "b", "p:c"}).Draw(t, "name")
		b.WriteString("<" + name)
		if depth == 0 || name == "p:c" && rapid.Bool().Draw(t, "declares") {
			b.WriteString(` xmlns:p="urn:p"`)
		}
		switch rapid.IntRange(0, 4).Draw(t, "namespace") {
		case 0:
			b.WriteString(` xmlns="urn:d"`)
		case 1:
			b.WriteString(` xmlns=""`)
		case 2:
			b.WriteString(` xmlns:q="urn:q"`)
		}
		if rapid.Bool().Draw(t, "attribute") {
			b.WriteString(` i="1" p:j="2"`)
		}
		b.WriteString(">")
		for range rapid.IntRange(0, 3-depth).Draw(t, "children") {
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				b.WriteString("text")
			case 1:
				b.WriteString("<!--c-->")
			default:
				element(depth + 1)
			}
		}
		b.WriteString("</" + name + ">")
	}
	element(0)
	d, err := xmltree.Parse([]byte(b.String()), xmltree.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", b.String(), err)
	}
	return d
}

// model is a node-set as a map, the meaning of every operation.
type model map[xmltree.Node]bool

func modelOf(s xmltree.NodeSet) model {
	m := model{}
	for n := range s.Nodes() {
		m[n] = true
	}
	return m
}

// drawn is a set with its model: subtrees, single nodes, or what a predicate leaves.
func drawn(t *rapid.T, d *xmltree.Document, label string) (xmltree.NodeSet, model) {
	var all []xmltree.Node
	for n := range d.All().Nodes() {
		all = append(all, n)
	}
	pick := rapid.SliceOfN(rapid.SampledFrom(all), 0, 4).Draw(t, label)
	m := model{}
	switch rapid.IntRange(0, 3).Draw(t, label+" way") {
	case 0:
		for _, n := range pick {
			m[n] = true
		}
		return xmltree.Select(pick), m
	case 1:
		for _, n := range all {
			for _, top := range pick {
				m[n] = m[n] || top.Contains(n)
			}
		}
		return xmltree.Subtrees(pick), m
	case 2:
		return d.All(), modelOf(d.All())
	}
	modulus := rapid.IntRange(1, 3).Draw(t, label+" modulus")
	keep := func(n xmltree.Node) bool {
		if modulus == 1 {
			return n.Kind() != xmltree.Text
		}
		from, _ := n.Range()
		return (from+int(n.Kind()))%modulus == 0
	}
	s, err := d.All().Filter(func(n xmltree.Node) (bool, error) { return keep(n), nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range all {
		m[n] = keep(n)
	}
	return s, m
}

// Sets do what maps do.
func TestSetsAsMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := document(t)
		a, ma := drawn(t, d, "a")
		b, mb := drawn(t, d, "b")
		check := func(what string, s xmltree.NodeSet, want func(xmltree.Node) bool) {
			got := modelOf(s)
			for n := range d.All().Nodes() {
				if got[n] != want(n) || s.Has(n) != want(n) {
					t.Fatalf("%s: %s: in %v, has %v, want %v in %s", what, n.Path(), got[n], s.Has(n), want(n), d.Text())
				}
			}
			if s.Err() != nil {
				t.Fatal(s.Err())
			}
		}
		check("a", a, func(n xmltree.Node) bool { return ma[n] })
		check("union", a.Union(b), func(n xmltree.Node) bool { return ma[n] || mb[n] })
		check("intersect", a.Intersect(b), func(n xmltree.Node) bool { return ma[n] && mb[n] })
		check("subtract", a.Subtract(b), func(n xmltree.Node) bool { return ma[n] && !mb[n] })
		check("comments", a.WithoutComments(), func(n xmltree.Node) bool { return ma[n] && n.Kind() != xmltree.Comment })
		checkTops(t, d, a, ma)
	})
}

func checkTops(t *rapid.T, d *xmltree.Document, a xmltree.NodeSet, ma model) {
	tops := model{}
	for n := range a.Tops() {
		tops[n] = true
	}
	comments := false
	for n := range d.All().Nodes() {
		top := ma[n] && (n.Parent().IsZero() || !ma[n.Parent()])
		if n.Kind() == xmltree.Namespace {
			top = ma[n] && !ma[n.Parent()]
		}
		if tops[n] != top {
			t.Fatalf("tops: %s", n.Path())
		}
		comments = comments || ma[n] && n.Kind() == xmltree.Comment
		whole := ma[n]
		for m := range xmltree.Subtree(n).Nodes() {
			whole = whole && (ma[m] || m.Kind() == xmltree.Comment)
		}
		if a.HasSubtree(n) != whole {
			t.Fatalf("subtree %s: %v", n.Path(), !whole)
		}
	}
	if a.HasComments() != comments {
		t.Fatal("comments")
	}
}

func TestHoles(t *testing.T) {
	d := parse(t, `<a><b><c/></b><!--x--><d e="1"/>text</a>`)
	s := d.All().Subtract(xmltree.Subtree(find(t, d, "/a/b"))).Subtract(xmltree.Subtree(find(t, d, "/a/d/@e"))).WithoutComments()
	if got := paths(s.Holes(d.Root())); got != "/a/b /a/d/@e" {
		t.Error(got)
	}
	if got := paths(s.Tops()); got != "/" {
		t.Error(got)
	}
}

// Sets that would list millions of namespace nodes say so instead.
func TestTooManyNamespaceNodes(t *testing.T) {
	var b strings.Builder
	b.WriteString("<a")
	for i := range 200 {
		fmt.Fprintf(&b, ` xmlns:n%d="u"`, i)
	}
	b.WriteString(">" + strings.Repeat("<b/>", 8000) + "</a>")
	d := parse(t, b.String())
	all := 0
	_, err := d.All().Filter(func(n xmltree.Node) (bool, error) {
		all++
		return n.Kind() == xmltree.Namespace, nil
	})
	if !errors.Is(err, xmltree.ErrTooManyNamespaces) {
		t.Errorf("filter: %v after %d", err, all)
	}
	var first xmltree.Node
	for n := range d.Element().Namespaces() {
		first = n
		break
	}
	if err := d.All().Subtract(xmltree.Select([]xmltree.Node{first})).Err(); !errors.Is(err, xmltree.ErrTooManyNamespaces) {
		t.Errorf("subtract: %v", err)
	}
}

func TestSetsOfTwoDocuments(t *testing.T) {
	a, b := parse(t, "<a/>").All(), parse(t, "<a/>").All()
	if !a.Intersect(b).Empty() || a.Subtract(b).Empty() || a.HasSubtree(b.Document().Root()) {
		t.Error("documents are mixed")
	}
}
