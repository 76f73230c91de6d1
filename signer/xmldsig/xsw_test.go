package xmldsig_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// covered tells whether some signature of a document holds and covers a node by its own canonical form.
func covered(doc *xmldsig.Document, n xmltree.Node) bool {
	for _, s := range doc.Signatures {
		checked := s.Check(xmldsig.Inputs{})
		if !checked.Covers(n) {
			continue
		}
		for _, c := range s.Candidates(offered(s)) {
			if passes(checked.Verify(c)) {
				return true
			}
		}
	}
	return false
}

// Nine SAML responses with wrapped assertions: whatever holds in them, the assertion that a program finds first is not
// what was signed, or nothing holds.
func TestConformanceSignatureWrapping(t *testing.T) {
	dir := corpora(t, "xsw")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	rep := report{Suite: "xsw"}
	for _, f := range files {
		rep.Total++
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(readFile(t, filepath.Join(dir, f.Name())))))
		if err != nil {
			t.Fatal(err)
		}
		doc := open(t, raw)
		accepted := 0
		// What a program reads: the response, and the assertions that are its children. In permutation two the response that
		// was signed lies inside the forged one and is still signed; the scope says so.
		root := doc.Tree.Element()
		if covered(doc, root) {
			accepted++
		}
		for n := range root.Elements() {
			if n.Local() == "Assertion" && covered(doc, n) {
				accepted++
			}
		}
		for _, s := range doc.Signatures {
			checked := s.Check(xmldsig.Inputs{})
			t.Logf("%s: %s; %s", f.Name(), checked.Checks(), checked.References[0].Scope)
			if passes(checked.Checks()) && checked.References[0].Scope.Coverage == xmldsig.Full {
				accepted++
			}
		}
		if accepted > 0 {
			rep.WronglyAccepted++
			t.Errorf("%s: accepted", f.Name())
			continue
		}
		rep.Agreed++
	}
	rep.write(t)
}

// wrap puts what a reference covers by identifier into a wrapper elsewhere, and a forged element with another content in
// its place.
func wrap(tb testing.TB, doc *xmldsig.Document, target xmltree.Node, sameID, inside bool) []byte {
	tb.Helper()
	text := doc.Tree.Text()
	from, to := target.Range()
	raw := target.Raw()
	closing := strings.LastIndex(raw, "</")
	if closing < 0 {
		return nil
	}
	forged := raw[:closing] + "<forged/>" + raw[closing:]
	if !sameID {
		for a := range target.Attributes() {
			if xmltree.IsID(a.Name()) {
				_, end := a.Range()
				forged = forged[:end-from-1] + "-forged" + forged[end-from-1:]
				break
			}
		}
	}
	wrapper := "<wrapper>" + target.Raw() + "</wrapper>"
	root := doc.Tree.Element()
	_, end := root.Range()
	last := strings.LastIndex(text[:end], "</")
	if inside { // in place: the original inside the forged element
		return []byte(text[:from] + strings.Replace(forged, "<forged/>", "<forged/>"+wrapper, 1) + text[to:])
	}
	return []byte(text[:from] + forged + text[to:last] + wrapper + text[last:])
}

// Every intact document of the DSS corpus is wrapped in four ways at each same-document reference. The forged element must
// never be covered, and nothing may be called FULL.
func TestGeneratedWrappings(t *testing.T) {
	top := corpora(t, "dss")
	made, refused := 0, 0
	for _, row := range dssRows(t) {
		raw := readFile(t, filepath.Join(top, row.Document))
		tree, err := xmltree.Parse(raw, xmltree.Limits{})
		if err != nil || len(raw) > 200_000 {
			continue
		}
		doc := openTree(t, tree)
		for _, s := range doc.Signatures {
			for _, r := range s.References {
				target, err := tree.ByID(strings.TrimPrefix(r.URI, "#"))
				if err != nil || !strings.HasPrefix(r.URI, "#") || target == tree.Element() {
					continue
				}
				for way := range 4 {
					changed, err := xmltree.Parse(wrap(t, doc, target, way&1 == 0, way&2 == 0), xmltree.Limits{})
					if err != nil {
						continue
					}
					made++
					again := openTree(t, changed)
					for n := range changed.Root().Descendants() {
						if n.Local() == "forged" && covered(again, n.Parent()) {
							t.Errorf("%s, %s, way %d: the forged element is covered", row.Document, r.URI, way)
						}
					}
					if !holdsEverywhere(again) {
						refused++
					}
				}
			}
		}
	}
	t.Logf("%d wrappings made, %d do not hold at all, in none is the forged part covered", made, refused)
	if made == 0 {
		t.Error("no wrapping was made")
	}
}

func openTree(tb testing.TB, tree *xmltree.Document) *xmldsig.Document {
	tb.Helper()
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

func holdsEverywhere(doc *xmldsig.Document) bool {
	for _, s := range doc.Signatures {
		if !passes(s.Check(xmldsig.Inputs{}).Checks()) {
			return false
		}
	}
	return true
}

// What a wrapping leaves signed is found by extraction, and is the original.
func TestExtractionOfWrappedContent(t *testing.T) {
	const original = `<data Id="d">pay 100</data>`
	doc := open(t, signedParts(t, `<root>`+original+`</root>`, "d"))
	target, err := doc.Tree.ByID("d")
	if err != nil {
		t.Fatal(err)
	}
	wrapped := open(t, wrap(t, doc, target, false, false))
	s := wrapped.Signatures[0]
	checked := s.Check(xmldsig.Inputs{})
	if !passes(checked.Checks()) {
		t.Fatal(checked.Checks())
	}
	octets, err := checked.References[0].Octets()
	if err != nil || !bytes.Equal(octets, []byte(original)) {
		t.Errorf("extracted %q, %v", octets, err)
	}
	if got := checked.References[0].Scope.String(); got != "PARTIAL /root/wrapper/data (id d)" {
		t.Errorf("scope %s", got)
	}
}
