package xpath_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/xmltree"
	"qaqpa/signer/xpath"
)

const sample = `<?xml version="1.0"?><?style x?><a xmlns:p="urn:p" i="1" xml:lang="kk"><b Id="one" n="5">text<c>x</c><c k="2">y</c></b>` +
	`<!-- note --><b Id="two" n="7" xml:lang="ru-KZ"><p:d>10</p:d><p:d>-3.5</p:d><p:d> 2 </p:d><e/></b><f>one two</f>` +
	"<g>  many \n spaces </g></a><!--end-->"

func parse(tb testing.TB, document string) *xmltree.Document {
	tb.Helper()
	d, err := xmltree.Parse([]byte(document), xmltree.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func prefixes(p string) (string, bool) {
	s, ok := map[string]string{"p": "urn:p", "q": "urn:q"}[p]
	return s, ok
}

func compile(tb testing.TB, expression string) *xpath.Expression {
	tb.Helper()
	e, err := xpath.Compile(expression, prefixes)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// texts are expressions with their strings; xmllint must agree.
var texts = map[string]string{
	"1 + 2 * 3":                         "7",
	"(1 + 2) * 3":                       "9",
	"7 mod 3":                           "1",
	"-7 mod 3":                          "-1",
	"7 div 2":                           "3.5",
	"1 div 0":                           "Infinity",
	"-1 div 0":                          "-Infinity",
	"0 div 0":                           "NaN",
	"- - 5":                             "5",
	"3 - -2":                            "5",
	"1000000 * 1000":                    "1000000000",
	"0.5":                               "0.5",
	".5 + 1.":                           "1.5",
	"2 > 1":                             "true",
	"2 >= 2 and 1 < 2 or false()":       "true",
	"1 = 1.0":                           "true",
	"'a' = 'a' != false()":              "true",
	"'2' < 10":                          "true",
	"'x' < 10":                          "false",
	"not(1)":                            "false",
	"boolean('')":                       "false",
	"boolean('false')":                  "true",
	"boolean(//nothing)":                "false",
	"string(/a/b[2]/p:d)":               "10",
	"string(//nothing)":                 "",
	"count(//c)":                        "2",
	"count(//c | //c | //e)":            "3",
	"count(/descendant::node())":        "22",
	"count(//@*)":                       "8",
	"count(/a/node())":                  "5",
	"count(//comment())":                "2",
	"count(//processing-instruction())": "1",
	"count(//processing-instruction('style'))":  "1",
	"count(//processing-instruction('other'))":  "0",
	"count(//text())":                           "8",
	"count(/*)":                                 "1",
	"name(/*/*[last()])":                        "g",
	"name(//p:d)":                               "p:d",
	"local-name(//p:d)":                         "d",
	"namespace-uri(//p:d)":                      "urn:p",
	"namespace-uri(/a)":                         "",
	"name(/)":                                   "",
	"name(//@k)":                                "k",
	"name(//c[2]/..)":                           "b",
	"string(//c[2])":                            "y",
	"string(//c[position() = 1])":               "x",
	"string(//c[@k])":                           "y",
	"string(//c[@k = 2])":                       "y",
	"string(//c[. = 'y']/@k)":                   "2",
	"string((//c)[last()])":                     "y",
	"string(//p:d[2])":                          "-3.5",
	"string(//b[@n > 5]/@Id)":                   "two",
	"string(//b[c][1]/@Id)":                     "one",
	"string(/a/b[1]/following-sibling::b/@n)":   "7",
	"string(//e/preceding-sibling::*[1])":       " 2 ",
	"string(//e/preceding-sibling::*[last()])":  "10",
	"count(//e/preceding::*)":                   "6",
	"count(//b[1]/following::*)":                "7",
	"count(//c[1]/ancestor::*)":                 "2",
	"count(//c[1]/ancestor-or-self::node())":    "4",
	"name(//c[1]/ancestor::*[1])":               "b",
	"name(//c[1]/ancestor::*[last()])":          "a",
	"count(//@k/ancestor::*)":                   "3",
	"count(//@k/following::*)":                  "7",
	"count(//b/self::b)":                        "2",
	"count(//b/self::c)":                        "0",
	"count(//*/parent::b)":                      "2",
	"count(//p:*)":                              "3",
	"count(//q:*)":                              "0",
	"count(/a/@p:*)":                            "0",
	"count(//*[@*])":                            "4",
	"sum(//p:d)":                                "8.5",
	"sum(//nothing)":                            "0",
	"floor(-1.5)":                               "-2",
	"ceiling(-1.5)":                             "-1",
	"round(-1.5)":                               "-1",
	"round(2.5)":                                "3",
	"number('  12.50 ')":                        "12.5",
	"number('1e3')":                             "NaN",
	"number('+1')":                              "NaN",
	"number('')":                                "NaN",
	"number(true())":                            "1",
	"concat('a', 1, true())":                    "a1true",
	"starts-with('abc', 'ab')":                  "true",
	"contains('abc', '')":                       "true",
	"substring-before('1999/04/01', '/')":       "1999",
	"substring-after('1999/04/01', '/')":        "04/01",
	"substring('12345', 2, 3)":                  "234",
	"substring('12345', 2)":                     "2345",
	"substring('12345', 1.5, 2.6)":              "234",
	"substring('12345', 0, 3)":                  "12",
	"substring('12345', 0 div 0, 3)":            "",
	"substring('12345', -42, 1 div 0)":          "12345",
	"substring('12345', -1 div 0, 1 div 0)":     "",
	"string-length('Әлия')":                     "4",
	"normalize-space(//g)":                      "many spaces",
	"translate('bar', 'abc', 'AB')":             "BAr",
	"translate('--aaa--', 'abc-', 'ABC')":       "AAA",
	"count(//c) = 2":                            "true",
	"//p:d = 10":                                "true",
	"//p:d != 10":                               "true",
	"//p:d > 9":                                 "true",
	"//p:d < -4":                                "false",
	"//@n = //@n":                               "true",
	"//@n > //p:d":                              "true",
	"//@n < //@n":                               "true",
	"/a/f = 'one two'":                          "true",
	"//nothing = ''":                            "false",
	"//nothing != ''":                           "false",
	"//nothing = false()":                       "true",
	"string(//f/text())":                        "one two",
	"string(child::a/child::b[1]/attribute::n)": "5",
	"string(/a/b[position() mod 2 = 0]/@n)":     "7",
	"string(/descendant::p:d[3])":               " 2 ",
	"count(/a/b[1]/c[1]/following::c)":          "1",
	"count(//b[.//c])":                          "1",
	"count(.//c)":                               "2",
	"count(//b//node())":                        "12",
	"string(//b[lang('ru')]/@Id)":               "two",
	"count(//*[lang('kk')])":                    "6",
	"count(//*[lang('k')])":                     "0",
	"(//c | //e)[last()] = ''":                  "true",
	"count(//b[c or e])":                        "2",
	"div":                                       "",
	"count(div | mod | and | or)":               "0",
	"/a/b/c/../../f":                            "one two",
	"string(/a/./b[1]/@n)":                      "5",
}

func TestTexts(t *testing.T) {
	d := parse(t, sample)
	for expression, want := range texts {
		got, err := compile(t, expression).Text(xpath.Context{Node: d.Root(), Budget: xpath.NewBudget(10_000)})
		if err != nil || got != want {
			t.Errorf("%s: %q, want %q, %v", expression, got, want, err)
		}
	}
}

// xmllint gives the same strings.
func TestTextsAsXmllint(t *testing.T) {
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not here")
	}
	file := filepath.Join(t.TempDir(), "sample.xml")
	if err := os.WriteFile(file, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for expression, want := range texts {
		if strings.Contains(expression, "p:") || strings.Contains(expression, "q:") || strings.Contains(expression, "1e3") {
			continue // the command line knows no prefixes, and libxml2 reads exponents, which XPath has not
		}
		out, err := exec.CommandContext(t.Context(), lint, "--xpath", "string("+expression+")", file).Output()
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		compared++
		if got := strings.TrimSuffix(string(out), "\n"); got != want {
			t.Errorf("%s: xmllint says %q, we %q", expression, got, want)
		}
	}
	t.Logf("%d expressions compared", compared)
}

func TestNodes(t *testing.T) {
	d := parse(t, sample)
	for expression, want := range map[string]string{
		"//c":                              "/a/b[1]/c[1] /a/b[1]/c[2]",
		"//e | //c | /":                    "/ /a/b[1]/c[1] /a/b[1]/c[2] /a/b[2]/e",
		"id('two')":                        "/a/b[2]",
		"id(' two  one two ')":             "/a/b[1] /a/b[2]",
		"id(/a/f)":                         "/a/b[1] /a/b[2]",
		"id('nobody')":                     "",
		"id('one')/c[1] | id('two')/e":     "/a/b[1]/c[1] /a/b[2]/e",
		"//e/ancestor::node()":             "/ /a /a/b[2]",
		"/a/namespace::*":                  "/a/namespace::xml /a/namespace::p",
		"//e/namespace::p":                 "/a/b[2]/e/namespace::p",
		"//e/namespace::p/..":              "/a/b[2]/e",
		"//@k | //@i":                      "/a/@i /a/b[1]/c[2]/@k",
		"//b[2]/preceding-sibling::node()": "/a/b[1] /a/comment()",
		"(//b)[2]/@Id":                     "/a/b[2]/@Id",
		"//c/following-sibling::c":         "/a/b[1]/c[2]",
		"//b/descendant-or-self::b":        "/a/b[1] /a/b[2]",
		"//b//c/ancestor-or-self::*/@i":    "/a/@i",
		"/a/b[1]/preceding::node() | /a/b[1]/following::comment()": "/processing-instruction(style) /a/comment() /comment()",
	} {
		nodes, err := compile(t, expression).Nodes(xpath.Context{Node: d.Root(), Budget: xpath.NewBudget(10_000)})
		var got []string
		for _, n := range nodes {
			got = append(got, n.Path())
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s, %v", expression, got, want, err)
		}
	}
}

func TestErrors(t *testing.T) {
	d := parse(t, `<a><b Id="x"/><c Id="x"/></a>`)
	for expression, want := range map[string]error{
		"":              xpath.ErrSyntax,
		"1 +":           xpath.ErrSyntax,
		"(1":            xpath.ErrSyntax,
		"1)":            xpath.ErrSyntax,
		"'open":         xpath.ErrSyntax,
		"$variable":     xpath.ErrSyntax,
		"document('x')": xpath.ErrSyntax,
		"unknown()":     xpath.ErrSyntax,
		"count()":       xpath.ErrSyntax,
		"count(a, b)":   xpath.ErrSyntax,
		"not(1, 2)":     xpath.ErrSyntax,
		"r:a":           xpath.ErrSyntax,
		"a b":           xpath.ErrSyntax,
		"a[1":           xpath.ErrSyntax,
		"sideways::a":   xpath.ErrSyntax,
		"a/":            xpath.ErrSyntax,
		"//":            xpath.ErrSyntax,
		"/a//":          xpath.ErrSyntax,
		"a::b":          xpath.ErrSyntax,
		"text(":         xpath.ErrSyntax,
		"a & b":         xpath.ErrSyntax,
		"..[1]":         xpath.ErrSyntax,
		"* * * *":       xpath.ErrSyntax,
		"#":             xpath.ErrSyntax,
		strings.Repeat("(", 40) + "1" + strings.Repeat(")", 40): xpath.ErrSyntax,
		strings.Repeat("1+", 10_000) + "1":                      xpath.ErrSyntax,
		strings.Repeat("1+", 5_000) + "1":                       xpath.ErrSyntax,
		"count(1)":                                              xpath.ErrType,
		"sum('x')":                                              xpath.ErrType,
		"1 | 2":                                                 xpath.ErrType,
		"'a'[1]":                                                xpath.ErrType,
		"'a'/b":                                                 xpath.ErrType,
		"1":                                                     xpath.ErrType,
		"here()":                                                xpath.ErrHere,
		"id('x')":                                               xmltree.ErrDuplicateID,
		"//*[//*[//*[//*]]]/ancestor::*[count(//*) > count(//*//*//*)]": xpath.ErrBudget,
	} {
		e, err := xpath.Compile(expression, prefixes)
		if err == nil {
			_, err = e.Nodes(xpath.Context{Node: d.Root(), Budget: xpath.NewBudget(60)})
		}
		if !errors.Is(err, want) {
			t.Errorf("%.60s: %v, want %v", expression, err, want)
		}
	}
}

func TestHere(t *testing.T) {
	d := parse(t, `<a><b><x/></b><c/></a>`)
	x := d.Element().Child("", "b").Child("", "x")
	nodes, err := compile(t, "here()/ancestor::b").Nodes(xpath.Context{Node: d.Root(), Here: x, Budget: xpath.NewBudget(100)})
	if err != nil || len(nodes) != 1 || nodes[0].Path() != "/a/b" {
		t.Errorf("%v, %v", nodes, err)
	}
	other := parse(t, "<a/>")
	if _, err := compile(t, "here()").Nodes(xpath.Context{Node: other.Root(), Here: x, Budget: xpath.NewBudget(100)}); !errors.Is(err, xpath.ErrHere) {
		t.Errorf("another document: %v", err)
	}
}

// The quick way of Filter gives what the plain way gives.
func TestFilter(t *testing.T) {
	d := parse(t, `<a xmlns="urn:a" xmlns:p="urn:p">x<b i="1"><p:s j="2">t<c xmlns=""/><!--n--></p:s></b><p:s/><d>y</d></a>`)
	sets := []xmltree.NodeSet{d.All(), d.All().WithoutComments(), xmltree.Subtree(d.Element()).Subtract(xmltree.Select([]xmltree.Node{d.Element()}))}
	for _, pair := range [][2]string{
		{"not(ancestor-or-self::p:s)", "not(ancestor-or-self::p:s[true()])"},
		{"ancestor-or-self::p:s", "ancestor-or-self::p:s[true()]"},
		{"ancestor-or-self::p:s or not(ancestor-or-self::q:x | ancestor-or-self::p:*)", "ancestor-or-self::p:s[1] or not(ancestor-or-self::q:x[1] | ancestor-or-self::p:*[1])"},
		{"1", "1 = 1"},
		{"0", "0 = 1"},
		{"boolean(ancestor-or-self::p:s and true())", "ancestor-or-self::p:s[1] and true()"},
	} {
		for i, set := range sets {
			quick, err := compile(t, pair[0]).Filter(set, xmltree.Node{}, xpath.NewBudget(10_000))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := compile(t, pair[1]).Filter(set, xmltree.Node{}, xpath.NewBudget(10_000))
			if err != nil {
				t.Fatal(err)
			}
			for n := range d.All().Nodes() {
				if quick.Has(n) != plain.Has(n) {
					t.Errorf("%s, set %d: %s: %v and %v", pair[0], i, n.Path(), quick.Has(n), plain.Has(n))
				}
			}
		}
	}
	if _, err := compile(t, "not(ancestor-or-self::p:s)").Filter(d.All(), xmltree.Node{}, xpath.NewBudget(3)); !errors.Is(err, xpath.ErrBudget) {
		t.Errorf("budget: %v", err)
	}
}

// Whatever the expression: no panic, no more work than allowed, and nodes in document order without doubles.
func FuzzExpression(f *testing.F) {
	for expression := range texts {
		f.Add(expression)
	}
	d, err := xmltree.Parse([]byte(sample), xmltree.Limits{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		e, err := xpath.Compile(expression, prefixes)
		if err != nil {
			return
		}
		budget := xpath.NewBudget(20_000)
		nodes, err := e.Nodes(xpath.Context{Node: d.Root(), Here: d.Element(), Budget: budget})
		if budget.Left() < 0 {
			t.Fatalf("%d steps left", budget.Left())
		}
		if err != nil {
			return
		}
		for i := 1; i < len(nodes); i++ {
			if nodes[i-1].Compare(nodes[i]) >= 0 {
				t.Fatalf("%s before %s", nodes[i-1].Path(), nodes[i].Path())
			}
		}
		want, err := e.Bool(xpath.Context{Node: d.Root(), Here: d.Element(), Budget: xpath.NewBudget(40_000)})
		if err == nil && want != (len(nodes) > 0) {
			t.Fatalf("%d nodes are %v", len(nodes), want)
		}
	})
}
