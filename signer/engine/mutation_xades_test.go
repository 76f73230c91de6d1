package engine_test

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmltree"
)

// unsignedXMLPlaces are the only ones where an XML document may change and pass, with the reason why that does no harm.
var unsignedXMLPlaces = map[string]string{
	"Signature":            "XMLDSig 4.1: its identifier and its objects are not signed but by references; what is added covers less of the document",
	"KeyInfo":              "XMLDSig 4.5: hints; the signed properties bind the certificate, and each certificate is signed by its issuer",
	"Object":               "XMLDSig 4.6: MimeType, Encoding and the like are not digested; the signed DataObjectFormat tells the format",
	"QualifyingProperties": "EN 319 132-1 4.3.1: Target is not signed; that the signature covers the signed properties shows whose they are",
	"comments":             "Canonical XML 1.0 2.1: dropped by the form that is signed; what the verdict says is read without them",
	"outside":              "XMLDSig 8.1.2: the signature is over an element, the verdict is PARTIAL and names it",
	"unsigned properties":  "EN 319 132-1 5: whoever holds a document may take time stamps out or add some; what they prove is judged by itself",
}

// placeInXML names the part of a signed document that a node stands in.
func placeInXML(n xmltree.Node) string {
	at := "content"
	for p := n; !p.IsZero() && p.Kind() != xmltree.Root; p = p.Parent() {
		if p.Kind() != xmltree.Element {
			continue
		}
		switch name := p.Local(); name {
		case "UnsignedProperties":
			return "unsigned properties"
		case "SignedProperties", "SignedInfo", "SignatureValue", "KeyInfo", "QualifyingProperties", "Signature", "Object":
			if name != "Object" || n.Kind() != xmltree.Text {
				return name
			}
		}
	}
	return at
}

// xmlMutations are what is done at one node of a document: changed, removed, doubled, exchanged with its neighbour, moved into an object of
// its own.
func xmlMutations(n xmltree.Node, try func(place, what, doc string)) {
	place := placeInXML(n)
	text := n.Document().Text()
	from, to := n.Range()
	put := func(what, with string) { try(place, what, text[:from]+with+text[to:]) }
	raw := text[from:to]
	switch n.Kind() { //nolint:exhaustive // documents of these tests have no others
	case xmltree.Text:
		for _, at := range []int{0, len(raw) / 2, len(raw) - 1} {
			if c := raw[at]; c < 0x80 && c != '&' && c != ';' {
				put("character", raw[:at]+string(rune(c^1))+raw[at+1:])
			}
		}
		put("removed", "")
		if i := len(raw) / 2; utf8.RuneStart(raw[i]) {
			try("comments", "split", text[:from]+raw[:i]+"<!-- -->"+raw[i:]+text[to:])
		}
	case xmltree.Attribute:
		put("removed", "")
		name, value, _ := strings.Cut(raw, "=")
		put("value", name+"="+value[:1]+"x"+value[1:])
		put("empty", name+"="+`""`)
	case xmltree.Element:
		put("removed", "")
		put("doubled", raw+raw)
		put("text in it", strings.Replace(raw, ">", ">x", 1))
		name := n.Name().String()
		put("renamed", strings.Replace(strings.TrimSuffix(raw, "</"+name+">"), "<"+name, "<"+name+"2", 1)+
			map[bool]string{true: "</" + name + "2>"}[strings.HasSuffix(raw, "</"+name+">")])
		for next := range n.FollowingSiblings() {
			if next.Kind() == xmltree.Element {
				_, end := next.Range()
				if at := placeInXML(next); at == "Signature" { // where a signature stands in its document is not signed
					place = at
				}
				if n.Local() == "SignedProperties" { // their place among the properties neither
					place = "QualifyingProperties"
				}
				try(place, "exchanged", text[:from]+next.Raw()+raw+text[end:])
				break
			}
		}
		if rest := text[:from] + text[to:]; strings.Contains(rest, "</ds:Signature>") && !strings.Contains(raw, "</ds:Signature>") {
			moved := strings.Replace(raw, "<"+name, "<"+name+` xmlns:xades="`+xades.Space132+`" xmlns:xades141="`+xades.Space141+`"`, 1)
			if strings.Contains(raw, "xmlns:") {
				moved = raw
			}
			try(place, "moved", strings.Replace(rest, "</ds:Signature>", "<ds:Object>"+moved+"</ds:Object></ds:Signature>", 1))
		}
	}
}

// inside tells whether a node is in the element with an identifier.
func inside(n xmltree.Node, id string) bool {
	e, err := n.Document().ByID(id)
	return err == nil && e.Contains(n)
}

// nodesOf are elements, attributes and texts of a document.
func nodesOf(tree *xmltree.Document) (out []xmltree.Node) {
	for n := range tree.Root().Descendants() {
		if n.Kind() == xmltree.Element || n.Kind() == xmltree.Text {
			out = append(out, n)
		}
		if n.Kind() == xmltree.Element {
			out = slices.AppendSeq(out, n.Attributes())
		}
	}
	return out
}

// xmlClaims is what a reader relies on.
func xmlClaims(v report.Verdict) (claims, time.Time, bool) {
	c, at, proven := claimsOf(v)
	c.covers += " " + v.Coverage
	for _, sc := range v.Signatures[0].Scopes {
		for _, p := range sc.Parts {
			if !strings.Contains(p.Path, "QualifyingProperties") { // where the properties stand is no claim
				c.covers += " " + cmp.Or(p.ID, p.Path)
			}
		}
	}
	for _, a := range v.Signatures[0].Attributes {
		if a.Signed {
			c.content += a.Name + "=" + a.Value + "\n"
		}
	}
	return c, at, proven
}

// TestUnsignedXMLPlacesAreReasoned: each place has its clause.
func TestUnsignedXMLPlacesAreReasoned(t *testing.T) {
	for place, why := range unsignedXMLPlaces {
		if clause, _, ok := strings.Cut(why, ": "); !ok || !strings.ContainsAny(clause, "0123456789") {
			t.Errorf("%s: %s", place, why)
		}
	}
}

// TestStructuralMutationsXML changes intact XAdES documents of every level and packaging at every element, attribute and text. No change passes
// outside the list of unsigned places, and none makes a document say more.
func TestStructuralMutationsXML(t *testing.T) {
	a := newArchive(t)
	b := a.signXML(a.ID, xades.SignInput{})
	stamped := a.stampedXML(b)
	evidence := a.withXMLEvidence(stamped)
	documents := []struct {
		level string
		raw   []byte
		step  int
	}{
		{xades.LevelB, b, 2},
		{xades.LevelB, a.signXML(a.ID, xades.SignInput{Packaging: xades.Enveloping, Document: []byte("мәтін")}), 3},
		{xades.LevelB, a.signXML(a.ID, xades.SignInput{Packaging: xades.Enveloped, Element: "o1", Document: []byte("<a>" + xmlOrder + "<b/></a>")}), 3},
		{xades.LevelT, stamped, 5},
		{xades.LevelLT, evidence, 9},
		{xades.LevelLTA, a.archivedXML(evidence, nil), 9},
	}
	a.Later(time.Hour)
	a.set.At, a.set.Now = a.Clock, a.Clock
	known, err := engine.NewKnown(256)
	a.Must(err)
	a.set.Known = known
	judge := func(doc []byte) report.Verdict {
		return engine.Open(doc, nil, known).Assess(a.set, engine.Evidence{CRLs: a.crls}).Verdict
	}
	whole := os.Getenv("QAQPA_CONFORMANCE") != ""
	line := conformanceLine{Suite: "structural mutations of XAdES", Deviations: []deviation{}}
	for _, d := range documents {
		good := judge(d.raw)
		a.want(good, report.TotalPassed, "")
		if good.Signatures[0].Level != d.level {
			t.Fatalf("level %s, want %s", good.Signatures[0].Level, d.level)
		}
		said, best, proven := xmlClaims(good)
		tree, err := xmltree.Parse(d.raw, xmltree.Limits{})
		a.Must(err)
		survivors := map[string]int{}
		for i, n := range nodesOf(tree) {
			if !whole && i%d.step != 0 {
				continue
			}
			xmlMutations(n, func(place, what, doc string) {
				if place == "content" && good.Coverage == "PARTIAL" && (!inside(n, "o1") || n.ID() == "o1" && what == "exchanged") {
					place = "outside" // where a signed element stands is not signed either
				}
				if doc == string(d.raw) {
					return
				}
				line.Total++
				v := judge([]byte(doc))
				if v.Indication != report.TotalPassed || v.Coverage == "PARTIAL" && good.Coverage != "PARTIAL" {
					line.Agreed++ // that a part is signed says less
					return
				}
				survivors[place]++
				now, at, still := xmlClaims(v)
				more := still && (!proven || at.Before(best))
				if unsignedXMLPlaces[place] == "" || now != said || more || len(v.Signatures) != 1 {
					line.WronglyAccepted++
					t.Errorf("%s: %s in %s, %s: passes, proven %v %s, %+v, said %+v", d.level, n.Path(), place, what, still, at, now, said)
					return
				}
				line.Agreed++
			})
		}
		t.Logf("%s: survivors in unsigned places %v", d.level, survivors)
	}
	line.write(t)
}
