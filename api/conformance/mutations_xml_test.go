package conformance

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"qaqpa/signer/report"
	"qaqpa/testenv/mutant"
	"qaqpa/testenv/suites"
)

// xmlUnsigned are the only places where an XML document may change and stay intact, with the reason why that does no harm. No change
// makes the document claim that more of it is signed.
var xmlUnsigned = map[string]string{
	"KeyInfo":             "XMLDSig 4.5: material to find the certificate; which one it was decides the mathematics, and chains are judged by themselves",
	"UnsignedProperties":  "XAdES 5.1: whoever holds a document may take time stamps and evidence out or add some; what they prove is judged by itself",
	"Signature":           "XMLDSig 4.1: a signature among several, and one written twice, is one more or one less statement, each judged by itself",
	"name of a signature": "XMLDSig 4.2: the identifiers of Signature, SignatureValue, KeyInfo and Object, where no reference names them",
	"unreferenced Object": "XMLDSig 4.6: an object that no reference names is not signed, and the coverage of the document says so",
	"outside":             "XMLDSig 4.4.3.2: outside of the elements that the references name; the coverage of the document is PARTIAL",
	"declaration":         "XML C14N 2.1: the XML declaration tells readers the encoding of the octets; what is signed is UTF-8",
	"comment":             "XML C14N 2.4: comments are left out of what is signed, and never split a value (one tree for verdict and reader)",
	"exclusive namespace": "Exclusive C14N 3: declarations that nothing in the signed part uses visibly are left out of it",
	"Target":              "EN 319 132-1 4.3.1: it says whose properties follow; that the signature covers them shows it",
	"around base64":       "XMLDSig 6.6.2: through the base64 transform the decoded text is signed, not the element around it",
}

var (
	signedInfos = regexp.MustCompile(`(?s)<(?:\w+:)?SignedInfo[\s>].*?</(?:\w+:)?SignedInfo\s*>`)
	namedPart   = regexp.MustCompile(`URI=["']#(?:xpointer\(id\(["']([^"']+)["']\)\)|([^"']+))["']`)
)

// namedBySignatures are the identifiers to which references of SignedInfo lead. Those of manifests lead elsewhere: the entries are
// compared, and an entry that is not there is told, but the signature is over the manifest.
func namedBySignatures(text []byte) (out []string) {
	for _, info := range signedInfos.FindAll(text, -1) {
		for _, m := range namedPart.FindAllSubmatch(info, -1) {
			out = append(out, string(m[1])+string(m[2]))
		}
	}
	return out
}

// unsignedXML tells by which entry of xmlUnsigned a node is not covered by the signatures of a document; "" where it is.
func unsignedXML(text []byte, p *mutant.Node, named []string) string {
	if p.Kind == "comment" {
		return "comment"
	}
	if p.Kind == "instruction" && p.From == 0 && bytes.HasPrefix(text, []byte("<?xml ")) {
		return "declaration"
	}
	if p.Kind == "attribute" && p.Name == "Target" && p.Parent.Name == "QualifyingProperties" {
		return "Target"
	}
	chain := p.Up()
	referenced := func(q *mutant.Node) bool {
		return q.Kind == "element" && q.ID != "" && slices.Contains(named, q.ID) && q.Name != "Signature"
	}
	for _, q := range chain {
		if q != p && referenced(q) {
			if p.Kind == "attribute" && p.Parent == q && p.Name != "Id" && bytes.Contains(text, []byte("xmldsig#base64")) {
				return "around base64"
			}
			return ""
		}
	}
	if referenced(p) {
		return ""
	}
	return unsignedPart(text, p, chain)
}

// unsignedPart is unsignedXML for what no reference names.
func unsignedPart(text []byte, p *mutant.Node, chain []*mutant.Node) string {
	in := func(name string) *mutant.Node {
		i := slices.IndexFunc(chain, func(q *mutant.Node) bool { return q.Kind == "element" && q.Name == name })
		if i < 0 {
			return nil
		}
		return chain[i]
	}
	sig := in("Signature")
	switch {
	case sig == nil && bytes.Contains(text, []byte(`URI=""`)) && !bytes.Contains(text, []byte("xmldsig-filter2")) && !bytes.Contains(text, []byte("REC-xpath")):
		return ""
	case sig == nil:
		return "outside"
	case in("UnsignedProperties") != nil || in("UnsignedSignatureProperties") != nil:
		return "UnsignedProperties"
	case in("KeyInfo") != nil:
		return "KeyInfo"
	case p == sig:
		return "Signature"
	case p.Parent == sig && p.Kind != "element":
		return "name of a signature"
	case in("SignedInfo") != nil:
		return ""
	case in("SignatureValue") != nil:
		return map[bool]string{true: "name of a signature"}[p.Kind == "attribute"]
	case in("Object") != nil:
		return "unreferenced Object"
	}
	return ""
}

// TestConformanceXMLMutations changes every intact XML document of the corpora at every node, attribute, declaration and run of text, and
// hands each change in. A plain run takes a sample of the small documents.
func TestConformanceXMLMutations(t *testing.T) {
	m := newMutations(t, "HTTP: mutations of XML documents", xmlUnsigned)
	m.intactRows("xades", 12_000, func(row dssRow, q documentQuery, good verdict) {
		text, named := q.Document, namedBySignatures(q.Document)
		nodes, leftOut := mutant.XML(text)
		m.suite.LeaveOutOf(leftOut, "nodes in lists of more than 64 elements, of which 32 are changed")
		m.each(row.Document, q, func(hand func(mutation)) {
			for i, n := range nodes {
				if (i+m.documents)%suites.Every(61) != 0 {
					continue
				}
				place := unsignedXML(text, n, named)
				if place == "" && n.Kind == "namespace" {
					place = "exclusive namespace"
				}
				held := good.noMore()
				if place == "Signature" {
					held = func(*verdict) bool { return true }
				}
				mutant.Turns(text, i, false, func(try mutant.Try) { n.Changes(text, try) }, func(what string, changed []byte) {
					hand(mutation{document: changed, place: place, held: held, about: fmt.Sprintf("%s: %s %s at %d in %s, %s", row.Document, n.Kind, n.Name, n.From, n.Parent.Path(), what)})
				})
			}
		})
	})
	m.close()
}

// cmsUnsigned are the only places where a CMS may change and stay intact, each with the reason why that does no harm.
var cmsUnsigned = map[string]string{
	"version":             "RFC 5652 5.1: tells readers which fields to expect; nothing is decided by it",
	"digest algorithms":   "RFC 5652 5.1: a hint for readers of streams; each signer names its own",
	"certificates":        "RFC 5652 5.1: material for paths, in any order and number; each is signed by its issuer, the signer's is bound by the ESS attribute",
	"crls":                "RFC 5652 5.1: evidence, in any order and number; each is signed by its issuer, and missing evidence is asked for",
	"SignerInfo":          "RFC 5652 5.1: written twice it is one signature, and one among several is one statement more or less",
	"signer version":      "RFC 5652 5.3: follows from the form of the signer identifier",
	"signer identifier":   "RFC 5652 5.3: names are compared by RFC 5280 7.1; the ESS attribute binds the certificate",
	"digest algorithm":    "RFC 5754 2: parameters may be NULL or absent; the hash itself is that of the signed digest",
	"signature algorithm": "RFC 5758 3.2: likewise",
	"unsigned attributes": "RFC 5652 5.3: whoever holds a document may take time stamps out or add some; what they prove is judged by itself",
	placePadding:          "X.690 8.1.1: zeros behind the element belong to nothing; who writes into a field of a fixed length leaves them, and anything else there is refused",
	placeRewritten:        "RFC 5652 5.4: signed attributes may be written in BER, what is signed is their DER, and the verdict says so",
}

// placeRewritten are signed attributes in another form of BER, placePadding the zeros behind a CMS.
const (
	placeRewritten = "signed attributes, rewritten"
	placePadding   = "padding"
)

// toldNotDER: see cmsUnsigned.
func toldNotDER(v *verdict) string {
	told := slices.ContainsFunc(v.Signatures, func(s signature) bool {
		return slices.ContainsFunc(s.Remarks, func(r reason) bool { return r.Code == string(report.ReasonNotDER) })
	})
	return map[bool]string{true: placeRewritten}[told]
}

// TestConformanceCMSMutations does the same with every intact CAdES document, in BER and DER, at every ASN.1 element outside of the
// certificates and lists of SignedData, which are signed by themselves.
func TestConformanceCMSMutations(t *testing.T) {
	m := newMutations(t, "HTTP: mutations of CAdES documents", cmsUnsigned)
	m.intactRows("cades", 8_000, func(row dssRow, q documentQuery, good verdict) {
		whole, err := mutant.Leading(q.Document)
		if err != nil {
			t.Errorf("%s: %v", row.Document, err)
			return
		}
		elements, leftOut, err := mutant.ASN1(whole)
		if err != nil {
			t.Errorf("%s: %v", row.Document, err)
			return
		}
		m.suite.LeaveOutOf(leftOut, "elements in lists of more than 64 entries, of which 32 are changed")
		same, padding := good.same(), q.Document[len(whole):]
		m.each(row.Document, q, func(hand func(mutation)) {
			m.paddings(row.Document, whole, padding, same, hand)
			for i, e := range elements {
				if e.Signed || (i+m.documents)%suites.Every(79) != 0 {
					continue
				}
				c := mutation{place: cmsPlace(e.Place), held: same, allowed: toldNotDER}
				if c.place == "SignerInfo" {
					c.held = func(*verdict) bool { return true }
				}
				mutant.Turns(q.Document, i, e.Object, e.Changes, func(what string, changed []byte) {
					if bytes.Equal(changed, whole) {
						return
					}
					c.document, c.about = append(changed, padding...), fmt.Sprintf("%s: element %d in %s, %s", row.Document, i, e.Place, what)
					hand(c)
				})
			}
		})
	})
	m.close()
}

// paddings hands in a document without and with more of the zeros behind it, and with something else among them, which an attacker would
// have a second reader take for content.
func (m *mutations) paddings(name string, whole, padding []byte, same func(*verdict) bool, hand func(mutation)) {
	if len(padding) == 0 {
		return
	}
	hand(mutation{document: whole, place: placePadding, held: same, about: name + ": padding removed"})
	hand(mutation{document: slices.Concat(whole, padding, padding), place: placePadding, held: same, about: name + ": padding doubled"})
	for _, at := range slices.Compact([]int{0, len(padding) / 2, len(padding) - 1}) {
		changed := slices.Concat(whole, padding)
		changed[len(whole)+at] = 1
		hand(mutation{document: changed, held: same, about: fmt.Sprintf("%s: octet %d of the padding", name, at)})
	}
}
