package mutant

import (
	"errors"
	"fmt"
	"slices"
)

// Element is an ASN.1 element of a document that was taken apart.
type Element struct {
	// Place is where it stands in a ContentInfo with SignedData, by the names of RFC 5652: that of the field, for all that lies in it.
	Place string
	// Signed tells an element within a certificate or a list of SignedData: those are signed by their issuers. Object tells one within
	// a signed object anywhere else: a certificate, a list or a response among the unsigned attributes.
	Signed, Object bool

	id         []byte // identifier octets
	lengths    int    // length octets; 0 in the indefinite form
	content    []byte // of a primitive element
	children   []*Element
	parent     *Element
	outOfRange bool

	was     []byte // its octets in the document
	touched bool   // it, or something in it, differs from them
}

var errBER = errors.New("no BER element")

const depthMax = 64

// ASN1 takes a document in BER or DER apart. It returns the elements in the order of the document, the first being the whole, and how
// many are left out of long lists.
func ASN1(document []byte) (all []*Element, leftOut int, err error) {
	root, rest, err := read(document, depthMax)
	if err != nil || len(rest) > 0 {
		return nil, 0, errors.Join(errBER, err)
	}
	root.walk("", func(e *Element) {
		e.touched = true
		if e.outOfRange {
			leftOut++
		} else {
			all = append(all, e)
		}
	})
	if !slices.Equal(root.write(nil), document) {
		return nil, 0, fmt.Errorf("%w: it does not come together again", errBER)
	}
	root.walk("", func(e *Element) { e.touched = false })
	return all, leftOut, nil
}

// read reads one element.
func read(b []byte, depth int) (e *Element, rest []byte, err error) {
	if e, rest, err = readForm(b, depth); err == nil {
		e.was = b[:len(b)-len(rest)]
	}
	return e, rest, err
}

// readForm is read for everything but the octets as a whole.
func readForm(b []byte, depth int) (e *Element, rest []byte, err error) {
	if len(b) < 2 || depth == 0 {
		return nil, nil, errBER
	}
	n := 1
	if b[0]&0x1f == 0x1f {
		for n < len(b) && b[n]&0x80 != 0 {
			n++
		}
		n++
	}
	if n >= len(b) {
		return nil, nil, errBER
	}
	e = &Element{id: b[:n:n]}
	length, constructed := int(b[n]), b[0]&0x20 != 0
	b = b[n+1:]
	switch {
	case length == 0x80:
		return e.readIndefinite(b, depth)
	case length > 0x80:
		k := length & 0x7f
		if k > 4 || k > len(b) {
			return nil, nil, errBER
		}
		e.lengths, length = k+1, 0
		for _, c := range b[:k] {
			length = length<<8 | int(c)
		}
		b = b[k:]
	default:
		e.lengths = 1
	}
	if length > len(b) {
		return nil, nil, errBER
	}
	inside := b[:length:length]
	if !constructed {
		e.content = inside
		return e, b[length:], nil
	}
	e.children = []*Element{}
	for len(inside) > 0 {
		var c *Element
		if c, inside, err = read(inside, depth-1); err != nil {
			return nil, nil, err
		}
		c.parent = e
		e.children = append(e.children, c)
	}
	return e, b[length:], nil
}

func (e *Element) readIndefinite(b []byte, depth int) (*Element, []byte, error) {
	e.children = []*Element{}
	for {
		if len(b) >= 2 && b[0] == 0 && b[1] == 0 {
			return e, b[2:], nil
		}
		c, rest, err := read(b, depth-1)
		if err != nil {
			return nil, nil, err
		}
		c.parent, b = e, rest
		e.children = append(e.children, c)
	}
}

// walk names the places.
func (e *Element) walk(place string, visit func(e *Element)) {
	e.Place = place
	visit(e)
	for i, c := range e.children {
		c.Signed = e.Signed || place == "certificates" || place == "crls"
		c.Object = e.Object || e.isSigned()
		c.outOfRange = e.outOfRange || !chosen(i, len(e.children))
		c.walk(placeOf(place, i, c.id[0]), visit)
	}
}

// isSigned tells the form of certificates, revocation lists and OCSP responses: what is signed, an algorithm, a BIT STRING.
func (e *Element) isSigned() bool {
	return len(e.children) >= 3 && e.children[0].id[0] == 0x30 && e.children[1].id[0] == 0x30 && e.children[2].id[0] == 0x03
}

// placeOf names the fields of SignedData and SignerInfo; what is deeper has the name of its field.
func placeOf(parent string, i int, id byte) string {
	switch parent {
	case "":
		return map[int]string{0: "content type", 1: "explicit"}[i]
	case "explicit":
		return "SignedData"
	case "SignedData":
		switch {
		case id == 0xa0 && i > 2:
			return "certificates"
		case id == 0xa1 && i > 2:
			return "crls"
		case i < 3:
			return []string{"version", "digest algorithms", "content"}[i]
		}
		return "signers"
	case "signers":
		return "SignerInfo"
	case "SignerInfo":
		switch id {
		case 0xa0:
			return map[bool]string{true: "signed attributes", false: "signer identifier"}[i > 1]
		case 0xa1:
			return "unsigned attributes"
		case 0x02:
			return "signer version"
		case 0x04, 0x24:
			return "signature"
		}
		return map[int]string{1: "signer identifier", 2: "digest algorithm"}[i] + map[bool]string{true: "signature algorithm"}[i > 2]
	}
	return parent
}

func (e *Element) root() *Element {
	for e.parent != nil {
		e = e.parent
	}
	return e
}

// touch marks e and all around it as differing from the document, or no more.
func (e *Element) touch(differs bool) {
	for ; e != nil; e = e.parent {
		e.touched = differs
	}
}

// inside is how many octets the content has.
func (e *Element) inside() int {
	if e.children == nil {
		return len(e.content)
	}
	n := 0
	for _, c := range e.children {
		n += c.size()
	}
	return n
}

// size is how many octets write appends.
func (e *Element) size() int {
	if !e.touched {
		return len(e.was)
	}
	l := e.inside()
	if e.lengths == 0 {
		return len(e.id) + 1 + l + 2
	}
	return len(e.id) + e.lengthOctets(l) + l
}

// lengthOctets are as many as there were, or more where a longer content needs them.
func (e *Element) lengthOctets(length int) int {
	n := e.lengths
	if n == 1 && length >= 0x80 {
		n = 2
	}
	for n > 1 && n < 5 && length>>(8*(n-1)) > 0 {
		n++
	}
	return n
}

// write appends the element. What is not touched is copied: a change of a document of megabytes costs one copy of it.
func (e *Element) write(out []byte) []byte {
	if !e.touched {
		return append(out, e.was...)
	}
	out = append(out, e.id...)
	if e.lengths == 0 {
		return append(e.writeInside(append(out, 0x80)), 0, 0)
	}
	l := e.inside()
	n := e.lengthOctets(l)
	if n == 1 {
		return e.writeInside(append(out, byte(l)))
	}
	out = append(out, 0x80|byte(n-1))
	for k := n - 2; k >= 0; k-- {
		out = append(out, byte(l>>(8*k)))
	}
	return e.writeInside(out)
}

func (e *Element) writeInside(out []byte) []byte {
	if e.children == nil {
		return append(out, e.content...)
	}
	for _, c := range e.children {
		out = c.write(out)
	}
	return out
}

// Changes are what is done at one position: bits of the tag and of the content flipped, the element removed and doubled.
func (e *Element) Changes(try Try) {
	root, id := e.root(), e.id
	e.touch(true)
	defer e.touch(false)
	document := func() []byte { return root.write(make([]byte, 0, root.size())) }
	for _, bit := range []byte{0x01, 0x20, 0x80} {
		e.id = append([]byte{id[0] ^ bit}, id[1:]...)
		try(fmt.Sprintf("tag %02x", e.id[0]), document)
	}
	e.id = id
	content := e.content
	for _, at := range slices.Compact([]int{0, len(content) / 2, len(content) - 1}) {
		if at >= 0 && at < len(content) {
			e.content = flipped(content, at, 1<<(at%8))
			try(fmt.Sprintf("octet %d of %d", at, len(content)), document)
		}
	}
	e.content = content
	if e.parent == nil {
		return
	}
	siblings := e.parent.children
	i := slices.Index(siblings, e)
	e.parent.children = slices.Delete(slices.Clone(siblings), i, i+1)
	try("removed", document)
	e.parent.children = slices.Insert(slices.Clone(siblings), i, e)
	try("doubled", document)
	e.parent.children = siblings
}

// Leading is the element that octets begin with: a CMS in a PDF file has zeros behind it.
func Leading(b []byte) ([]byte, error) {
	_, rest, err := read(b, depthMax)
	if err != nil {
		return nil, err
	}
	return b[:len(b)-len(rest)], nil
}
