package c14n

import (
	"io"

	"qaqpa/signer/xmltree"
)

const bufferSize = 4 << 10

// output gathers octets and hands them on in pieces. After an error it writes no more.
type output struct {
	to  io.Writer
	buf []byte
	err error
}

func (o *output) flush() error {
	if o.err == nil && len(o.buf) > 0 {
		_, o.err = o.to.Write(o.buf)
	}
	o.buf = o.buf[:0]
	return o.err
}

func (o *output) raw(s string) {
	for len(s) > cap(o.buf)-len(o.buf) {
		n := cap(o.buf) - len(o.buf)
		o.buf = append(o.buf, s[:n]...)
		s = s[n:]
		if o.flush() != nil {
			return
		}
	}
	o.buf = append(o.buf, s...)
}

func (o *output) name(n xmltree.Name) {
	if n.Prefix != "" {
		o.raw(n.Prefix)
		o.raw(":")
	}
	o.raw(n.Local)
}

// Replacements of octets (Canonical XML 1.0 2.3), by octet.
var (
	inText      = replacements(map[byte]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"})
	inAttribute = replacements(map[byte]string{'&': "&amp;", '<': "&lt;", '"': "&quot;", '\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;"})
	inOther     = replacements(map[byte]string{'\r': "&#xD;"})
)

func replacements(m map[byte]string) *[256]string {
	var t [256]string
	for c, s := range m {
		t[c] = s
	}
	return &t
}

func (o *output) replaced(s string, table *[256]string) {
	start := 0
	for i := range len(s) {
		if r := table[s[i]]; r != "" {
			o.raw(s[start:i])
			o.raw(r)
			start = i + 1
		}
	}
	o.raw(s[start:])
}

func (o *output) text(s string)       { o.replaced(s, inText) }
func (o *output) attribute(s string)  { o.replaced(s, inAttribute) }
func (o *output) normalised(s string) { o.replaced(s, inOther) }
