package engine_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
)

// piece is a part of an XML text with its place: an element, an attribute, a namespace declaration, a run of text, a comment or a
// processing instruction. It is found by a scanner of its own, not by the parser under test.
type piece struct {
	kind     string
	name     string // without prefix
	from, to int
	parent   *piece
	id       string // value of an attribute that XML signatures take for an identifier
}

var (
	xmlAttribute = regexp.MustCompile(`\s+([\w:.-]+)\s*=\s*("[^"]*"|'[^']*')`)
	xmlName      = regexp.MustCompile(`^<([\w:.-]+)`)
	identifiers  = []string{"Id", "ID", "id"}
)

func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

// scan finds the pieces of a document.
func scan(text []byte) (all []*piece) {
	var open *piece
	add := func(p *piece) *piece { p.parent = open; all = append(all, p); return p }
	until := func(at int, end string) int {
		i := bytes.Index(text[at:], []byte(end))
		if i < 0 {
			return len(text)
		}
		return at + i + len(end)
	}
	for at := 0; at < len(text); {
		rest := text[at:]
		switch {
		case rest[0] != '<':
			to := at + len(rest)
			if i := bytes.IndexByte(rest, '<'); i >= 0 {
				to = at + i
			}
			if open != nil {
				add(&piece{kind: "text", from: at, to: to})
			}
			at = to
		case bytes.HasPrefix(rest, []byte("<!--")):
			at = add(&piece{kind: "comment", from: at, to: until(at, "-->")}).to
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			at = add(&piece{kind: "text", from: at, to: until(at, "]]>")}).to
		case bytes.HasPrefix(rest, []byte("<?")):
			at = add(&piece{kind: "instruction", from: at, to: until(at, "?>")}).to
		case bytes.HasPrefix(rest, []byte("</")):
			at = until(at, ">")
			open.to = at
			open = open.parent
		default:
			at = scanTag(text, at, add, &open)
		}
	}
	return all
}

// scanTag takes a start tag apart.
func scanTag(text []byte, at int, add func(*piece) *piece, open **piece) int {
	end, quote := at, byte(0)
	for ; end < len(text); end++ {
		if c := text[end]; quote != 0 {
			if c == quote {
				quote = 0
			}
		} else if c == '"' || c == '\'' {
			quote = c
		} else if c == '>' {
			break
		}
	}
	end++
	m := xmlName.FindSubmatch(text[at:end])
	if m == nil {
		return end
	}
	e := add(&piece{kind: "element", name: local(string(m[1])), from: at, to: end})
	was := *open
	*open = e
	for _, a := range xmlAttribute.FindAllSubmatchIndex(text[at:end], -1) {
		full := string(text[at+a[2] : at+a[3]])
		p := &piece{kind: "attribute", name: local(full), from: at + a[0], to: at + a[1]}
		if full == "xmlns" || strings.HasPrefix(full, "xmlns:") {
			p.kind = "namespace"
		} else if slices.Contains(identifiers, full) {
			e.id = string(text[at+a[4]+1 : at+a[5]-1])
		}
		add(p)
	}
	if text[end-2] == '/' {
		*open = was
	}
	return end
}

// changes are what is done to one piece: removed, doubled, and a letter or digit of it changed into another.
func (p *piece) changes(text []byte, try func(what string, doc []byte)) {
	try("removed", slices.Delete(bytes.Clone(text), p.from, p.to))
	try("doubled", slices.Insert(bytes.Clone(text), p.to, text[p.from:p.to]...))
	if p.kind == "element" {
		return
	}
	from := p.from
	if p.kind == "attribute" || p.kind == "namespace" {
		from += bytes.IndexAny(text[p.from:p.to], `"'`) + 1
	}
	for _, at := range []int{from, (from + p.to) / 2, p.to - 1} {
		for at > from && !alphanumeric(text[at]) {
			at--
		}
		if !alphanumeric(text[at]) {
			continue
		}
		doc := bytes.Clone(text)
		if doc[at] ^= 1; !alphanumeric(doc[at]) {
			doc[at] ^= 3
		}
		try(fmt.Sprintf("letter %d of %d", at-p.from, p.to-p.from), doc)
	}
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// up lists a piece and what it lies in, from the inside out.
func (p *piece) up() (out []*piece) {
	for ; p != nil; p = p.parent {
		out = append(out, p)
	}
	return out
}

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
	"around base64":       "XMLDSig 6.6.2: through the base64 transform the decoded text is signed, not the element around it",
}

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

var (
	signedInfos = regexp.MustCompile(`(?s)<(?:\w+:)?SignedInfo[\s>].*?</(?:\w+:)?SignedInfo\s*>`)
	namedPart   = regexp.MustCompile(`URI=["']#(?:xpointer\(id\(["']([^"']+)["']\)\)|([^"']+))["']`)
)

// signedIn tells whether a piece is covered by the signatures of a document; if not, by which entry of xmlUnsigned.
func signedIn(text []byte, p *piece, named []string) (why string) {
	if p.kind == "comment" {
		return "comment"
	}
	if p.kind == "instruction" && p.from == 0 && bytes.HasPrefix(text, []byte("<?xml ")) {
		return "declaration"
	}
	chain := p.up()
	in := func(name string) *piece {
		for _, q := range chain {
			if q.kind == "element" && q.name == name {
				return q
			}
		}
		return nil
	}
	referenced := func(q *piece) bool { return q.id != "" && slices.Contains(named, q.id) }
	for _, q := range chain {
		if q.kind == "element" && referenced(q) && q != p && q.name != "Signature" {
			if p.kind == "attribute" && p.parent == q && p.name != "Id" && bytes.Contains(text, []byte("xmldsig#base64")) {
				return "around base64"
			}
			return ""
		}
	}
	if p.kind == "element" && referenced(p) && p.name != "Signature" {
		return ""
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
	case p == sig, p.kind == "attribute" && p.parent == sig, p.kind != "element" && p.parent == sig:
		return map[bool]string{true: "Signature", false: "name of a signature"}[p == sig]
	case in("SignedInfo") != nil:
		return ""
	case in("SignatureValue") != nil:
		if p.kind == "attribute" {
			return "name of a signature"
		}
		return ""
	case in("Object") != nil:
		return "unreferenced Object"
	}
	return ""
}

// judgeIntact judges a document without anchors: what counts is that all is intact, and how much of it is signed.
func (a *archive) judgeIntact(doc []byte) (report.Verdict, bool) {
	set := a.set
	set.At = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	set.Now = set.At
	v := engine.Open(doc, nil, set.Known).Assess(set, engine.Evidence{}).Verdict
	for i := range v.Signatures {
		if !isIntact(&v.Signatures[i]) {
			return v, false
		}
	}
	return v, len(v.Signatures) > 0
}

// says is what a reader takes from an intact document: how much is signed, and what of it where it is apart.
func says(v report.Verdict) string {
	out := v.Coverage + " " + v.ContentSHA256
	for i := range v.Signatures {
		out += " " + v.Signatures[i].Covers
	}
	return out
}

// TestXMLMutationsOfCorpora changes every intact XML document of the corpora at every node, attribute, declaration and run of text.
// Under make conformance every place of documents up to 200 kB, otherwise a sample.
func TestXMLMutationsOfCorpora(t *testing.T) {
	root := corporaDir(t)
	a := newArchive(t)
	known, err := engine.NewKnown(256)
	a.must(err)
	a.set.Known = known
	whole := os.Getenv("QAQPA_CONFORMANCE") != ""
	line := conformanceLine{Suite: "structural mutations of XML documents", Deviations: []deviation{}}
	survivors, documents := map[string]int{}, 0
	for _, row := range dssRows(t, filepath.Join(root, "dss"), "xades") {
		doc, err := os.ReadFile(filepath.Join(root, "dss", row.Document))
		a.must(err)
		if row.Expect != "intact" || len(row.Others) > 0 || len(doc) > 200_000 || !whole && len(doc) > 12_000 {
			continue
		}
		good, intact := a.judgeIntact(doc)
		if !intact {
			continue
		}
		documents++
		all, named := scan(doc), namedBySignatures(doc)
		for i, p := range all {
			if !whole && (i+documents)%61 != 0 {
				continue
			}
			why := signedIn(doc, p, named)
			p.changes(doc, func(what string, changed []byte) {
				line.Total++
				v, survives := a.judgeIntact(changed)
				if !survives {
					line.Agreed++
					return
				}
				place := why
				if place == "" && p.kind == "namespace" {
					place = "exclusive namespace"
				}
				survivors[place]++
				more := v.Coverage == "FULL" && good.Coverage != "FULL" && place != "Signature"
				if place == "" || more {
					line.WronglyAccepted++
					t.Errorf("%s: %s %s at %d in %s, %s: stays intact: %s, was %s", filepath.Base(row.Document), p.kind, p.name, p.from, p.parent.path(), what, says(v), says(good))
					return
				}
				line.Agreed++
			})
		}
	}
	t.Logf("%d documents, survivors in unsigned places %v", documents, survivors)
	for place := range survivors {
		if place != "" && xmlUnsigned[place] == "" {
			t.Errorf("no reason is given for %s", place)
		}
	}
	line.write(t)
}

// path names what a piece lies in.
func (p *piece) path() (out string) {
	for _, q := range p.up() {
		out = "/" + q.name + out
	}
	return out
}

// toldNotDER: signed attributes may be written in BER, what is signed is their DER (RFC 5652 5.4), and the verdict says so.
func toldNotDER(s report.Signature) bool {
	return slices.ContainsFunc(s.Remarks, func(r report.Reason) bool { return r.Code == report.ReasonNotDER })
}

// TestCMSMutationsOfCorpora changes every intact CAdES document of the corpora that is DER at every ASN.1 element outside of
// certificates and lists, which are signed by themselves.
func TestCMSMutationsOfCorpora(t *testing.T) {
	dir := filepath.Join(corporaDir(t), "dss")
	a := newArchive(t)
	known, err := engine.NewKnown(256)
	a.must(err)
	a.set.Known = known
	whole := os.Getenv("QAQPA_CONFORMANCE") != ""
	line := conformanceLine{Suite: "structural mutations of CAdES documents", Deviations: []deviation{}}
	survivors, documents := map[string]int{}, 0
	for _, row := range dssRows(t, dir, "cades") {
		raw, err := os.ReadFile(filepath.Join(dir, row.Document))
		a.must(err)
		if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(raw)), "")); err == nil {
			raw = der
		}
		if _, err := asn1ber.ParseDER(raw); err != nil || len(row.Others) > 0 || len(raw) > 200_000 || !whole && len(raw) > 8_000 {
			continue
		}
		good, intact := a.judgeIntact(raw)
		if !intact {
			continue
		}
		var all []*node
		top := takeApart(t, raw, "", nil, &all)
		if !bytes.Equal(top.write(), raw) {
			continue // BER within
		}
		documents++
		for i, n := range all {
			if n.place == "certificates" && n.parent.place == "certificates" || n.place == "crls" && n.parent.place == "crls" || !whole && (i+documents)%79 != 0 {
				continue
			}
			n.mutations(top, func(what string, doc []byte) {
				if bytes.Equal(doc, raw) {
					return
				}
				line.Total++
				v, survives := a.judgeIntact(doc)
				if !survives {
					line.Agreed++
					return
				}
				survivors[n.place]++
				rewritten := n.place == "signed attributes" && slices.ContainsFunc(v.Signatures, toldNotDER)
				if unsignedPlaces[n.place] == "" && !rewritten || says(v) != says(good) && n.place != "SignerInfo" {
					line.WronglyAccepted++
					t.Errorf("%s: element %d in %s, %s: stays intact: %s, was %s", filepath.Base(row.Document), i, n.place, what, says(v), says(good))
					return
				}
				line.Agreed++
			})
		}
	}
	t.Logf("%d documents, survivors in unsigned places %v", documents, survivors)
	line.write(t)
}
