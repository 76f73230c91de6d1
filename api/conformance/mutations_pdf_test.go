package conformance

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"testing"

	"qaqpa/testenv/mutant"
	"qaqpa/testenv/suites"
)

// pdfUnsigned are the only places where a PDF file may change and its signatures stay intact: those of the CMS in Contents, and what no
// signature is over.
func pdfUnsigned() map[string]string {
	out := maps.Clone(cmsUnsigned)
	out["later revision"] = "ISO 32000-2 12.8.1: what follows the signed revision is not signed; what it changes is named, and beyond evidence the coverage is PARTIAL"
	out[placeTaken] = "ISO 32000-2 12.8.1: a change within a later revision can take the signature in it away, which is one statement less; those before it say no more"
	return out
}

// placeTaken is a place that only later signatures are over, of which one is not found any more.
const placeTaken = "a later signature"

// taken names it: no more signatures are left than those whose ranges end before the place, and fewer than there were.
func taken(ranges []signedRange, at int, good *verdict) func(*verdict) string {
	before := 0
	for _, r := range ranges {
		if r.end <= at {
			before++
		}
	}
	return func(v *verdict) string {
		return map[bool]string{true: placeTaken}[len(v.Signatures) < len(good.Signatures) && len(v.Signatures) <= before]
	}
}

// signedRange is the range of one signature in a file, and the CMS in its gap.
type signedRange struct {
	gapFrom, gapTo, end int
	cms                 []byte
}

var (
	byteRange = regexp.MustCompile(`/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]`)
	// tstInfo is the content type of a time-stamp token: such ranges are not signatures.
	tstInfo = []byte{0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04}
)

// signedRanges finds the ranges of the signatures of a file, by its text alone.
func signedRanges(file []byte) (out []signedRange) {
	for _, m := range byteRange.FindAllSubmatch(file, -1) {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(string(m[i+1]))
		}
		r := signedRange{gapFrom: n[0] + n[1], gapTo: n[2], end: n[2] + n[3]}
		if r.gapFrom+2 > r.gapTo || r.end > len(file) {
			continue
		}
		octets, err := hex.DecodeString(string(file[r.gapFrom+1 : r.gapTo-1]))
		if err != nil {
			continue
		}
		if r.cms, err = mutant.Leading(octets); err == nil && !bytes.Contains(r.cms[:min(len(r.cms), 120)], tstInfo) {
			out = append(out, r)
		}
	}
	return out
}

// unsignedAt tells whether no signature is over what stands at a place of a file, and whether it is the gap of one.
func unsignedAt(ranges []signedRange, at int) (unsigned, gap bool) {
	unsigned = true
	for _, r := range ranges {
		switch {
		case at > r.gapFrom && at < r.gapTo-1:
			gap = true
		case at < r.end:
			unsigned = false
		}
	}
	return unsigned, gap && unsigned
}

// TestConformancePDFMutations does the same with every intact PDF document: objects, streams, cross-references, trailers, signature
// dictionaries, and the CMS in them.
func TestConformancePDFMutations(t *testing.T) {
	m := newMutations(t, "HTTP: mutations of PDF documents", pdfUnsigned())
	m.intactRows("pades", 60_000, func(row dssRow, q documentQuery, good verdict) {
		ranges := signedRanges(q.Document)
		if len(ranges) == 0 {
			m.suite.LeaveOut("documents whose signatures do not stand in the file as text")
			return
		}
		parts, leftOut := mutant.PDF(q.Document)
		m.suite.LeaveOutOf(leftOut, "tokens of objects with more than 6, of which 6 are changed; the objects are removed and doubled")
		m.each(row.Document, q, func(hand func(mutation)) {
			for i, p := range parts {
				if (i+m.documents)%suites.Every(211) == 0 {
					m.part(row.Document, i, q.Document, p, ranges, &good, hand)
				}
			}
			for _, r := range ranges {
				m.contents(row.Document, q.Document, r, ranges, &good, hand)
			}
		})
	})
	m.close()
}

// part makes the changes of a part of a file. Contents are changed by what they hold.
func (m *mutations) part(name string, i int, file []byte, p mutant.Part, ranges []signedRange, good *verdict, hand func(mutation)) {
	if _, gap := unsignedAt(ranges, (p.From+p.To)/2); gap && p.Kind != "object" {
		return
	}
	mutant.Turns(file, i, false, func(try mutant.Try) { p.Changes(file, try) }, func(what string, changed []byte) {
		where := p.From
		if what == "doubled" {
			where = p.To
		}
		c := mutation{document: changed, held: good.noMore(), allowed: taken(ranges, where, good), about: fmt.Sprintf("%s: %s at %d to %d, %s", name, p.Kind, p.From, p.To, what)}
		if unsigned, _ := unsignedAt(ranges, where); unsigned {
			c.place = "later revision"
		}
		hand(c)
	})
}

// contents makes the changes of the CMS of a signature, written into the place that it has.
func (m *mutations) contents(name string, file []byte, r signedRange, ranges []signedRange, good *verdict, hand func(mutation)) {
	elements, leftOut, err := mutant.ASN1(r.cms)
	if err != nil {
		m.suite.LeaveOut("a CMS in a form that cannot be taken apart")
		return
	}
	m.suite.LeaveOutOf(leftOut, "elements in lists of more than 64 entries, of which 32 are changed")
	signed, _ := unsignedAt(ranges, r.gapFrom+1)
	digits := r.gapTo - r.gapFrom - 2
	same := good.same()
	for i, e := range elements {
		if e.Signed || (i+m.documents)%suites.Every(97) != 0 {
			continue
		}
		c := mutation{place: cmsPlace(e.Place), held: same, allowed: toldNotDER}
		if c.place == "SignerInfo" {
			c.held = good.noMore()
		}
		if !signed { // another signature is over this one
			c.place, c.allowed = "", nil
		}
		mutant.Turns(file, i, e.Object, e.Changes, func(what string, changed []byte) {
			if hex.EncodedLen(len(changed)) > digits || bytes.Equal(changed, r.cms) {
				return
			}
			out := bytes.Clone(file)
			at := out[r.gapFrom+1 : r.gapTo-1]
			for k := range at {
				at[k] = '0'
			}
			hex.Encode(at, changed)
			c.document, c.about = out, fmt.Sprintf("%s: element %d of the CMS at %d in %s, %s", name, i, r.gapFrom, e.Place, what)
			hand(c)
		})
	}
}

// cmsPlace is the place of an element by the list of unsigned places; "" where it is signed or the structure itself.
func cmsPlace(place string) string {
	if cmsUnsigned[place] == "" || place == placeRewritten {
		return ""
	}
	return place
}
