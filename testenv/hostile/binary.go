package hostile

import (
	"bytes"
	"slices"
)

// Input is one thing to send.
type Input struct {
	Format string // what it pretends to be: cms, xml, xades, wsse, p12, jwt, crl, ocsp, tsp, certificate
	Kind   string // what is wrong with it
	Body   []byte
}

// Sizes of what is large. They lie below the limits of an HTTP body, so that parsers meet them.
const (
	deep = 100_000
	wide = 400_000
)

// binaryFormat is a good DER object, and where its attributes and its signer stand.
type binaryFormat struct {
	format    string
	der       []byte
	attribute []byte // OID (contents octets) of an attribute or extension that may stand once
	signer    func(der []byte) element
}

func (f binaryFormat) inputs() (out []Input) {
	add := func(kind string, body []byte) { out = append(out, Input{f.format, kind, body}) }
	for i := range 8 {
		add("truncated", f.der[:len(f.der)*i/8])
	}
	add("truncated", f.der[:len(f.der)-1])
	add("truncated", append(bytes.Clone(f.der), f.der[:len(f.der)/2]...))
	for name, body := range f.nested() {
		add("over-nested, "+name, body)
	}
	for name, body := range f.lengths() {
		add("huge length, "+name, body)
	}
	if e, ok := named(f.der, f.attribute); ok {
		add("duplicate attribute", twice(f.der, e))
		many := f.der
		for range 6 { // 64 copies
			if e, ok := named(many, f.attribute); ok {
				many = replace(many, e, bytes.Repeat(many[e.at:e.to], 2))
			}
		}
		add("duplicate attribute, 2^6 times", many)
		add("attributes, "+"4096 times", replace(f.der, e, bytes.Repeat(f.der[e.at:e.to], 4096)))
	}
	signer := f.signer(f.der)
	add("empty signer", emptied(f.der, signer))
	add("no signer", replace(f.der, signer, nil))
	add("signers, 2000 times", replace(f.der, signer, tlv(f.der[signer.at], bytes.Repeat(f.der[signer.from:signer.to], 2000))))
	for name, body := range f.mixed() {
		add("mixed encoding, "+name, body)
	}
	return out
}

// nested hides the object, or puts in its middle, what is nested deeper than any object is.
func (f binaryFormat) nested() map[string][]byte {
	definite := nest(deep / 4)
	open := append(bytes.Repeat([]byte{0x30, 0x80}, deep), make([]byte, 2*deep)...)
	strings := append(bytes.Repeat([]byte{0x24, 0x80}, deep), make([]byte, 2*deep)...)
	all := elements(f.der)
	middle := all[len(all)/2]
	return map[string][]byte{
		"definite": definite, "indefinite": open, "never closed": open[:2*deep], "strings": strings,
		"in the middle": replace(f.der, middle, strings), "in the middle, definite": replace(f.der, middle, definite),
	}
}

// nest is a NULL in so many SEQUENCEs. The headers are made from the inside, and written from the outside.
func nest(levels int) []byte {
	headers, size := make([][]byte, levels), 2
	for i := range levels {
		h := lengthOf(0x30, size)
		headers[levels-1-i] = h
		size += len(h)
	}
	return append(bytes.Join(headers, nil), 5, 0)
}

// lengths promise more than there is.
func (f binaryFormat) lengths() map[string][]byte {
	out := map[string][]byte{
		"2 GiB":       append([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, f.der[4:]...),
		"4 GiB":       append([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, f.der[4:]...),
		"2^63":        append([]byte{0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, f.der[4:]...),
		"127 octets":  append([]byte{0x30, 0xff}, bytes.Repeat([]byte{0xff}, 127)...),
		"of the OID":  {0x30, 0x06, 0x06, 0x84, 0x7f, 0xff, 0xff, 0xff},
		"OID of 1 MB": tlv(0x30, tlv(6, bytes.Repeat([]byte{0xff}, 1<<20))),
	}
	all := elements(f.der)
	for _, i := range []int{len(all) / 4, len(all) / 2, len(all) - 1} {
		e := all[i]
		out["inside, at "+string(rune('a'+i%26))] = replace(f.der, e, append([]byte{f.der[e.at], 0x84, 0x7f, 0xff, 0xff, 0xff}, f.der[e.from:e.to]...))
	}
	number := last(f.der, 2)
	out["INTEGER of 400 kB"] = replace(f.der, number, tlv(2, []byte{1}, bytes.Repeat([]byte{0xff}, wide)))
	out["INTEGER of 2^31"] = replace(f.der, number, tlv(2, []byte{0x7f, 0xff, 0xff, 0xff})) // the iterations of a PKCS #12 file
	return out
}

// mixed are other encodings of the same values, one inside the other.
func (f binaryFormat) mixed() map[string][]byte {
	all := elements(f.der)
	constructed := slices.DeleteFunc(slices.Clone(all), func(e element) bool { return f.der[e.at]&0x20 == 0 })
	out := map[string][]byte{
		"indefinite outside": indefinite(f.der, all[0]),
		"indefinite inside":  indefinite(f.der, constructed[len(constructed)/2]),
		"long length":        append([]byte{f.der[0], 0x84, 0, byte(len(f.der) >> 16), byte(len(f.der) >> 8), byte(len(f.der))}, f.der[all[0].from:]...),
		"DER, then text":     append(bytes.Clone(f.der), "-----BEGIN CMS-----"...),
		"UTF-8 mark":         append([]byte("\xef\xbb\xbf"), f.der...),
		"two armours":        armour("CMS", armour("CERTIFICATE", f.der)),
		"armour, bare lines": bytes.ReplaceAll(armour("X509 CRL", f.der), []byte("\n"), []byte("\r")),
		"armour, unpadded":   bytes.ReplaceAll(armour("PKCS7", f.der), []byte("="), nil),
		"UTF-16":             utf16(armour("CMS", f.der)),
	}
	if e := last(f.der, 4); e.to > 0 { // an OCTET STRING in segments of one octet
		var segments []byte
		for _, b := range f.der[e.from:e.to] {
			segments = append(segments, 4, 1, b)
		}
		out["string in segments"] = replace(f.der, e, append(append([]byte{0x24, 0x80}, segments...), 0, 0))
		out["string in 130,000 segments"] = replace(f.der, e, append(append([]byte{0x24, 0x80}, bytes.Repeat([]byte{4, 1, 0}, wide/3)...), 0, 0))
	}
	return out
}
