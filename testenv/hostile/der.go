package hostile

import (
	"bytes"
	"encoding/binary"
)

// element is one TLV of DER: where its header begins, where its contents begin and end.
type element struct{ at, from, to int }

// elements lists all TLVs of a DER object, outer ones first, without looking into primitive ones.
func elements(der []byte) (out []element) {
	var walk func(from, to int)
	walk = func(from, to int) {
		for from < to {
			e, ok := header(der, from, to)
			if !ok {
				return
			}
			out = append(out, e)
			if der[e.at]&0x20 != 0 {
				walk(e.from, e.to)
			}
			from = e.to
		}
	}
	walk(0, len(der))
	return out
}

// header reads the header at a place of good DER with short tags.
func header(der []byte, at, end int) (element, bool) {
	if at+2 > end {
		return element{}, false
	}
	size, from := int(der[at+1]), at+2
	if n := size & 0x7f; size >= 0x80 {
		if n == 0 || n > 4 || from+n > end {
			return element{}, false
		}
		size = 0
		for _, b := range der[from : from+n] {
			size = size<<8 | int(b)
		}
		from += n
	}
	return element{at, from, from + size}, from+size <= end
}

// tlv writes one element with the shortest length.
func tlv(tag byte, contents ...[]byte) []byte {
	body := bytes.Join(contents, nil)
	return append(lengthOf(tag, len(body)), body...)
}

// lengthOf is the header of an element.
func lengthOf(tag byte, n int) []byte {
	if n < 0x80 {
		return []byte{tag, byte(n)}
	}
	size := bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, uint32(n)), "\x00")
	return append([]byte{tag, 0x80 | byte(len(size))}, size...)
}

// replace puts other octets in place of an element and mends the lengths of all that hold it.
func replace(der []byte, e element, with []byte) []byte {
	var rebuild func(at element) []byte
	rebuild = func(at element) []byte {
		if at == e {
			return with
		}
		if e.at < at.from || e.at >= at.to || der[at.at]&0x20 == 0 {
			return der[at.at:at.to]
		}
		var parts [][]byte
		for from := at.from; from < at.to; {
			child, ok := header(der, from, at.to)
			if !ok {
				return der[at.at:at.to]
			}
			parts = append(parts, rebuild(child))
			from = child.to
		}
		return tlv(der[at.at], parts...)
	}
	root, ok := header(der, 0, len(der))
	if !ok {
		return der
	}
	return rebuild(root)
}

// named finds the SEQUENCE that begins with an OID (its contents octets): an attribute or an extension.
func named(der, oid []byte) (element, bool) {
	for _, e := range elements(der) {
		if der[e.at] == 0x30 && bytes.HasPrefix(der[e.from:e.to], tlv(6, oid)) {
			return e, true
		}
	}
	return element{}, false
}

// twice puts a second copy behind an element.
func twice(der []byte, e element) []byte {
	one := der[e.at:e.to]
	return replace(der, e, append(bytes.Clone(one), one...))
}

// emptied takes the contents out of an element.
func emptied(der []byte, e element) []byte { return replace(der, e, tlv(der[e.at])) }

// indefinite rewrites an element with indefinite length, which DER forbids, and leaves what is in it.
func indefinite(der []byte, e element) []byte {
	body := append([]byte{der[e.at], 0x80}, der[e.from:e.to]...)
	return replace(der, e, append(body, 0, 0))
}

// last is the last element with a tag.
func last(der []byte, tag byte) (out element) {
	for _, e := range elements(der) {
		if der[e.at] == tag {
			out = e
		}
	}
	return out
}
