package statement

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"qaqpa/payment/money"
)

// kisc reads MT100 and MT102 of the КЦМР. Fields and their subfields begin lines; subfields are read by name, since their order varies
// from program to program. A file of MT100 is one statement with an entry for each message; each MT102 is a statement.
type kisc struct {
	*collector
	lines *lines

	inside  bool // within block 4
	tag     string
	tagLine int
	subs    []subfield
	text    []byte // backing of subs

	common      Detail // of a packet
	commonDate  Date
	commonBytes arena
	orders      int64
	total       money.Amount
	hasTotal    bool
}

// subfield is /NAME/value; the first value of a field has no name.
type subfield struct {
	name  string
	value []byte
	full  bool // its last line was full, so that the next goes on without a space
}

var kiscTags = map[string]bool{
	"20": true, "21": true, "32A": true, "32B": true, "50": true, "52B": true, "53C": true, "54B": true, "57B": true, "59": true, "70": true,
	"52A": true, "57A": true, "72": true, "71A": true,
}

func readKISC(head []byte, src io.Reader, f Format, h Handler, o Options) (Summary, error) {
	dec, ok := newDecoder(o.Charset)
	c := newCollector(h, o, f)
	if !ok {
		return c.summary, c.fail(0, "", ErrEncoding, "an unknown charset: "+string(o.Charset))
	}
	dec.known = foreign(head)
	r := &kisc{collector: c, lines: newLines(src, dec)}
	for {
		line, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c.summary, r.lineFault(r.lines, r.tag, err)
		}
		if err := r.line(line); err != nil {
			return c.summary, err
		}
	}
	switch {
	case r.inside:
		return c.summary, r.fail(r.lines.no, "", ErrStructure, "the file ends within a message")
	case c.summary.Statements == 0:
		return c.summary, r.fail(r.lines.no, "", ErrStructure, "no message inside")
	case r.open:
		return c.summary, r.end(r.lines.no)
	}
	return c.summary, nil
}

func (r *kisc) line(line []byte) error {
	if !r.inside {
		return r.block(bytes.TrimSpace(line))
	}
	if bytes.HasPrefix(line, []byte("-}")) {
		return r.endMessage()
	}
	if tag, rest, ok := cutTag(line, kiscTags); ok {
		if err := r.endField(); err != nil {
			return err
		}
		if len(r.commonBytes.b) > detailBytesMax {
			return r.fail(r.lines.no, ":"+tag+":", ErrLimit, "what is common to a packet is too large")
		}
		if err := r.bounded(r.lines.no, ":"+tag+":"); err != nil {
			return err
		}
		r.tag, r.tagLine = tag, r.lines.no
		r.subs, r.text = r.subs[:0], r.text[:0]
		return r.sub(rest, true)
	}
	if r.tag == "" {
		return r.fail(r.lines.no, "", ErrSyntax, "a line outside of any field: "+quote(line))
	}
	return r.sub(line, false)
}

// block takes the lines around block 4.
func (r *kisc) block(line []byte) error {
	switch {
	case len(line) == 0 || bytes.HasPrefix(line, []byte("{1:")) || bytes.HasPrefix(line, []byte("{3:")):
		return nil
	case bytes.HasPrefix(line, []byte("{2:")):
		// A file of one kind keeps it: what a message is decides what its fields mean.
		if len(line) < 7 || Format("mt"+string(line[4:7])) != r.summary.Format {
			return r.fail(r.lines.no, "{2:", ErrStructure, "another message: "+quote(line))
		}
		return nil
	case string(line) == "{4:":
		return r.beginMessage()
	}
	return r.fail(r.lines.no, "", ErrSyntax, "a line outside of any block: "+quote(line))
}

func (r *kisc) beginMessage() error {
	r.inside, r.tag, r.orders, r.hasTotal = true, "", 0, false
	r.common, r.commonDate = Detail{}, 0
	r.commonBytes.b = r.commonBytes.b[:0]
	if r.summary.Format == MT100 {
		if !r.open {
			if err := r.begin(r.lines.no); err != nil {
				return err
			}
		}
		return r.beginOrder()
	}
	return r.begin(r.lines.no)
}

// subFull is the length of the shortest full line: /ASSIGN/ has 62 characters in its first line and 70 in the others.
const subFull = 62

// sub adds a line to the field: a new subfield, or more of the last. A name is one to eight capital letters between slashes.
func (r *kisc) sub(line []byte, first bool) error {
	if len(r.text)+len(line) > fieldBytesMax {
		return r.fail(r.lines.no, ":"+r.tag+":", ErrLimit, "a field is too long")
	}
	name, value, ok := cutName(line)
	if ok || first {
		from := len(r.text)
		r.text = append(r.text, value...)
		r.subs = append(r.subs, subfield{name: name, value: r.text[from:len(r.text):len(r.text)], full: utf8.RuneCount(value) >= subFull})
		return nil
	}
	last := &r.subs[len(r.subs)-1]
	from := len(r.text)
	r.text = append(r.text, last.value...)
	if !last.full && len(last.value) > 0 {
		r.text = append(r.text, ' ')
	}
	r.text = append(r.text, line...)
	last.value, last.full = r.text[from:len(r.text):len(r.text)], utf8.RuneCount(line) >= subFull
	return nil
}

func cutName(line []byte) (string, []byte, bool) {
	if len(line) < 3 || line[0] != '/' {
		return "", line, false
	}
	end := bytes.IndexByte(line[1:], '/')
	if end < 1 || end > 8 {
		return "", line, false
	}
	for _, c := range line[1 : end+1] {
		if c < 'A' || c > 'Z' {
			return "", line, false
		}
	}
	return string(line[1 : end+1]), line[end+2:], true
}

func (r *kisc) fault(kind error, text string) error {
	return r.fail(r.tagLine, ":"+r.tag+":", kind, text)
}

// beginOrder opens the entry of one order with what the packet says for all.
func (r *kisc) beginOrder() error {
	if err := r.beginEntry(r.lines.no); err != nil {
		return err
	}
	d, err := r.beginDetail(r.lines.no)
	if err != nil {
		return err
	}
	refs := d.Extra
	*d = r.common
	d.Line, d.Extra = r.lines.no, refs
	r.entry.Direction = Credit
	r.entry.BookDate = r.commonDate
	r.orders++
	return nil
}

// endOrder asks for what an order cannot do without.
func (r *kisc) endOrder() error {
	if !r.inEntry {
		return nil
	}
	d := &r.details[0]
	switch {
	case r.entry.Amount.Currency == "":
		return r.fail(d.Line, ":32:", ErrStructure, "an order without an amount")
	case len(d.Creditor.Account) == 0:
		return r.fail(d.Line, ":59:", ErrStructure, "an order without a beneficiary")
	case len(d.Debtor.Account) == 0:
		return r.fail(d.Line, ":50:", ErrStructure, "an order without a payer")
	}
	d.Amount = r.entry.Amount
	return r.endEntry()
}

func (r *kisc) endMessage() error {
	if err := r.endField(); err != nil {
		return err
	}
	r.inside = false
	if err := r.endOrder(); err != nil {
		return err
	}
	if r.summary.Format == MT100 {
		return nil
	}
	if !r.hasTotal || r.orders == 0 {
		return r.fail(r.lines.no, ":32A:", ErrStructure, "a packet needs orders and their total")
	}
	r.header.Declared.Sum, r.header.Declared.HasSum = r.total.Tiyn, true
	return r.end(r.lines.no)
}
