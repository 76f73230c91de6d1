package engine_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

// node is an ASN.1 element of a DER document that can be taken apart and put together again.
type node struct {
	place    string // where it stands, by the names of RFC 5652
	tag      []byte // identifier octets
	content  []byte // of a primitive element
	children []*node
	parent   *node
}

// takeApart reads DER into a tree. names tells the place of a child from that of its parent, its index and its tag.
func takeApart(tb testing.TB, raw []byte, place string, parent *node, all *[]*node) *node {
	tb.Helper()
	e, err := asn1ber.ParseDER(raw)
	if err != nil {
		tb.Fatal(err)
	}
	n := &node{place: place, tag: raw[:1], parent: parent}
	*all = append(*all, n)
	if !e.Constructed {
		n.content = e.Content
		return n
	}
	r, err := e.Children()
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; !r.Empty(); i++ {
		c, err := r.Next()
		if err != nil {
			tb.Fatal(err)
		}
		n.children = append(n.children, takeApart(tb, c.Raw, placeOf(place, i, c), n, all))
	}
	return n
}

// placeOf names the fields of SignedData and SignerInfo; what is deeper has the name of its field.
func placeOf(parent string, i int, c asn1ber.Element) string {
	switch parent {
	case "":
		return []string{"content type", "explicit"}[i]
	case "explicit":
		return "SignedData"
	case "SignedData":
		switch {
		case c.Tag == asn1ber.Context(0):
			return "certificates"
		case c.Tag == asn1ber.Context(1):
			return "crls"
		case i < 3:
			return []string{"version", "digest algorithms", "content"}[i]
		}
		return "signers"
	case "signers":
		return "SignerInfo"
	case "SignerInfo":
		switch c.Tag {
		case asn1ber.Context(0):
			return "signed attributes"
		case asn1ber.Context(1):
			return "unsigned attributes"
		case asn1ber.Integer:
			return "signer version"
		case asn1ber.OctetString:
			return "signature"
		}
		return map[int]string{1: "signer identifier", 2: "digest algorithm"}[i] + map[bool]string{true: "signature algorithm"}[i > 2]
	}
	return parent
}

func (n *node) write() []byte {
	content := n.content
	if n.children != nil {
		content = nil
		for _, c := range n.children {
			content = append(content, c.write()...)
		}
	}
	out := slices.Clone(n.tag)
	switch l := len(content); {
	case l < 0x80:
		out = append(out, byte(l))
	case l < 0x100:
		out = append(out, 0x81, byte(l))
	case l < 0x10000:
		out = append(out, 0x82, byte(l>>8), byte(l))
	default:
		out = append(out, 0x83, byte(l>>16), byte(l>>8), byte(l))
	}
	return append(out, content...)
}

// mutations are what is done at one position: the tag and octets of the content flipped, the element removed and doubled.
func (n *node) mutations(root *node, try func(what string, doc []byte)) {
	tag := n.tag
	for _, bit := range []byte{0x01, 0x20, 0x80} {
		n.tag = []byte{tag[0] ^ bit}
		try(fmt.Sprintf("tag %02x", n.tag), root.write())
	}
	n.tag = tag
	content := n.content
	for _, at := range []int{0, len(content) / 2, len(content) - 1} {
		if at >= 0 && at < len(content) {
			n.content = slices.Clone(content)
			n.content[at] ^= 1 << (at % 8)
			try(fmt.Sprintf("octet %d of %d", at, len(content)), root.write())
		}
	}
	n.content = content
	if n.parent == nil {
		return
	}
	siblings := n.parent.children
	i := slices.Index(siblings, n)
	n.parent.children = slices.Delete(slices.Clone(siblings), i, i+1)
	if n.parent.children == nil {
		n.parent.children = []*node{}
	}
	try("removed", root.write())
	n.parent.children = slices.Insert(slices.Clone(siblings), i, n)
	try("doubled", root.write())
	n.parent.children = siblings
}

// unsignedPlaces are the only ones where a document may change and pass, each with the reason why that does no harm. Whatever
// changes there, a document that passes must still say no more than it did: see claims.
var unsignedPlaces = map[string]string{
	"version":             "RFC 5652 5.1: tells readers which fields to expect; nothing is decided by it",
	"digest algorithms":   "RFC 5652 5.1: a hint for readers of streams; each signer names its own",
	"certificates":        "RFC 5652 5.1: material for paths, in any order and number; each is signed by its issuer, the signer's is bound by the ESS attribute",
	"crls":                "RFC 5652 5.1: evidence, in any order and number; each is signed by its issuer, and missing evidence is asked for",
	"SignerInfo":          "RFC 5652 5.1: written twice it is one signature",
	"signer version":      "RFC 5652 5.3: follows from the form of the signer identifier",
	"signer identifier":   "RFC 5652 5.3: names are compared by RFC 5280 7.1; the ESS attribute binds the certificate",
	"digest algorithm":    "RFC 5754 2: parameters may be NULL or absent; the hash itself is that of the signed digest",
	"signature algorithm": "RFC 5758 3.2: likewise",
	"unsigned attributes": "RFC 5652 5.3: whoever holds a document may take time stamps out or add some; what they prove is judged by itself",
}

// claims is what a reader relies on.
type claims struct {
	content, signer, covers, algorithm string
	claimed                            time.Time
}

func claimsOf(v report.Verdict) (claims, time.Time, bool) {
	s := v.Signatures[0]
	c := claims{string(v.Content), s.Signer.CertificateSHA256, s.Covers, s.Algorithm, time.Time{}}
	if s.ClaimedAt != nil {
		c.claimed = *s.ClaimedAt
	}
	return c, s.BestAt, s.TimeProven
}

// TestStructuralMutations changes intact documents of every level at every ASN.1 element. No change passes outside the list of
// unsigned places, and none makes a document say more. Under make conformance every element is changed, otherwise a part of
// those of the larger documents.
func TestStructuralMutations(t *testing.T) {
	a := newArchive(t)
	b := a.Sign(a.ID, pki.CMSOptions{})
	stamped := a.Stamped(b, nil)
	evidence := a.withEvidence(stamped, a.crls[:2]...)
	documents := []struct {
		level string
		raw   []byte
		step  int
	}{
		{"CAdES-B", b, 1},
		{"CAdES-T", a.Stamped(a.Sign(a.ID, a.ContentStamped()), nil), 5},
		{"CAdES-LT", evidence, 9},
		{"CAdES-LTA", a.archived(evidence, nil), 9},
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
	line := conformanceLine{Suite: "structural mutations of CMS", Deviations: []deviation{}}
	for _, d := range documents {
		good := judge(d.raw)
		a.want(good, report.TotalPassed, "")
		if good.Signatures[0].Level != d.level {
			t.Fatalf("level %s, want %s", good.Signatures[0].Level, d.level)
		}
		said, best, proven := claimsOf(good)
		var all []*node
		root := takeApart(t, d.raw, "", nil, &all)
		if !bytes.Equal(root.write(), d.raw) {
			t.Fatal("the document does not come together again")
		}
		survivors := map[string]int{}
		for i, n := range all {
			if !whole && i%d.step != 0 {
				continue
			}
			n.mutations(root, func(what string, doc []byte) {
				if bytes.Equal(doc, d.raw) {
					return
				}
				line.Total++
				v := judge(doc)
				if v.Indication != report.TotalPassed {
					line.Agreed++
					return
				}
				survivors[n.place]++
				now, at, still := claimsOf(v)
				more := still && (!proven || at.Before(best)) // a time earlier than was proven
				// Signed attributes may be written in BER: what is signed is their DER (RFC 5652 5.4), and the verdict says so.
				rewritten := n.place == "signed attributes" && slices.ContainsFunc(v.Signatures[0].Remarks, func(r report.Reason) bool {
					return r.Code == report.ReasonNotDER
				})
				if unsignedPlaces[n.place] == "" && !rewritten || now != said || more || len(v.Signatures) != 1 {
					line.WronglyAccepted++
					t.Errorf("%s: element %d in %s, %s: passes, proven %v %s, %+v", d.level, i, n.place, what, still, at, now)
					return
				}
				line.Agreed++
			})
		}
		t.Logf("%s: %d elements, survivors in unsigned places %v", d.level, len(all), survivors)
	}
	line.write(t)
}

// TestUnsignedPlacesAreReasoned: each place has its clause.
func TestUnsignedPlacesAreReasoned(t *testing.T) {
	for place, why := range unsignedPlaces {
		if !strings.HasPrefix(why, "RFC ") {
			t.Errorf("%s: %s", place, why)
		}
	}
}
