package statement

import (
	"bytes"
	"errors"
	"io"

	"qaqpa/payment/money"
)

// mt reads MT940 and MT942 in the dialects that banks write: with and without blocks, with and without the end mark, with lines in
// front that belong to nobody, framed by the bytes 1 and 3.
//
// A line begins a field only if its tag is one that the messages have: purposes are cut at 65 characters wherever that falls, so
// that ":12:11" at the start of a line is often the rest of a time.
type mt struct {
	*collector
	lines *lines

	tag      string // of the field that is being read, empty outside of messages
	tagLine  int
	value    []byte // its lines, joined by \n
	preamble int

	has      map[string]bool // tags of the message
	expected money.Currency
	info     bool // the last field was :61: or its :86:, so that a further :86: belongs to it
	free     []byte
}

// fieldBytesMax bounds one field; the standard gives :86: six lines of 65.
const fieldBytesMax = 16 << 10

// preambleMax bounds lines in front of a message that belong to no field.
const preambleMax = 16

func readMT(head []byte, src io.Reader, f Format, h Handler, o Options) (Summary, error) {
	dec, ok := newDecoder(o.Charset)
	c := newCollector(h, o, f)
	if !ok {
		return c.summary, c.fail(0, "", ErrEncoding, "an unknown charset: "+string(o.Charset))
	}
	dec.known = foreign(head)
	r := &mt{collector: c, lines: newLines(src, dec), has: map[string]bool{}}
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
	if err := r.endMessage(); err != nil {
		return c.summary, err
	}
	if c.summary.Statements == 0 {
		return c.summary, r.fail(r.lines.no, "", ErrStructure, "no statement inside")
	}
	return c.summary, nil
}

// mtTags are the tags of MT940 and MT942, and NS of German banks.
var mtTags = map[string]bool{
	"20": true, "21": true, "25": true, "25P": true, "28": true, "28C": true, "60F": true, "60M": true, "61": true, "86": true,
	"62F": true, "62M": true, "64": true, "65": true, "34F": true, "13": true, "13D": true, "90C": true, "90D": true, "NS": true,
}

// cutTag returns the tag that a line begins with, and the rest.
func cutTag(line []byte, tags map[string]bool) (string, []byte, bool) {
	if len(line) < 4 || line[0] != ':' {
		return "", line, false
	}
	for end := 3; end <= 4 && end < len(line); end++ {
		if line[end] == ':' && tags[string(line[1:end])] {
			return string(line[1:end]), line[end+1:], true
		}
	}
	return "", line, false
}

func (r *mt) line(line []byte) error {
	line = bytes.Trim(line, "\x01\x03")
	if tag, rest, ok := cutTag(line, mtTags); ok {
		return r.begun(tag, rest)
	}
	if r.tag == "" || bytes.HasPrefix(line, []byte("{1:")) {
		return r.outside(line)
	}
	if endMark(line) {
		return r.endMessage()
	}
	if len(r.value)+len(line) > fieldBytesMax {
		return r.fail(r.lines.no, ":"+r.tag+":", ErrLimit, "a field is too long")
	}
	r.value = append(append(r.value, '\n'), line...)
	return nil
}

// endMark tells whether a line ends a message: "-", "-}" and what follows, or a dash with the three letters that one bank adds.
func endMark(line []byte) bool {
	if len(line) == 0 || line[0] != '-' {
		return false
	}
	rest := bytes.TrimSpace(line[1:])
	return len(rest) == 0 || rest[0] == '}' || string(rest) == "XXX"
}

// outside takes lines in front of a message: blocks, and the heads that some banks print. Only a few are let through, so that a file of
// something else is not searched to its end for a field.
func (r *mt) outside(line []byte) error {
	if bytes.HasPrefix(line, []byte("{1:")) {
		if err := r.endMessage(); err != nil {
			return err
		}
	}
	trimmed := bytes.TrimSpace(line)
	if len(trimmed) == 0 || endMark(trimmed) || trimmed[0] == '{' {
		return nil
	}
	if r.preamble++; r.preamble > preambleMax {
		return r.fail(r.lines.no, "", ErrSyntax, "a line outside of any field: "+quote(trimmed))
	}
	return nil
}

// begun ends the field before and begins the next. A second :20: begins a message where the end mark is missing.
func (r *mt) begun(tag string, rest []byte) error {
	if tag == "20" {
		if err := r.endMessage(); err != nil {
			return err
		}
	} else if err := r.endField(); err != nil {
		return err
	}
	if !r.open {
		if err := r.begin(r.lines.no); err != nil {
			return err
		}
		clear(r.has)
		r.expected, r.info, r.preamble = "", false, 0
		r.header.Page = 0
	}
	r.tag, r.tagLine = tag, r.lines.no
	r.value = append(r.value[:0], rest...)
	return nil
}

// once are fields that a message has at most once.
var once = map[string]bool{"20": true, "25": true, "25P": true, "28": true, "28C": true, "60F": true, "60M": true, "62F": true, "62M": true, "90C": true, "90D": true}

// endField reads the field that is complete.
func (r *mt) endField() error {
	tag := r.tag
	if tag == "" {
		return nil
	}
	r.tag = ""
	if once[tag] && r.has[tag] {
		return r.mtFault(tag, ErrStructure, "stands twice in a message")
	}
	r.has[tag] = true
	switch tag {
	case "61":
		return r.movement()
	case "86", "NS":
		return r.information(tag)
	case "60F", "60M", "62F", "62M", "64", "65":
		return r.balanceField(tag)
	default:
		return r.head(tag, bytes.TrimSpace(r.value))
	}
}

func (r *mt) mtFault(tag string, kind error, text string) error {
	return r.fail(r.tagLine, ":"+tag+":", kind, text)
}

// endMessage completes a statement. What a statement cannot do without is asked for here, so that fragments are refused.
func (r *mt) endMessage() error {
	if err := r.endField(); err != nil {
		return err
	}
	if !r.open {
		return nil
	}
	if err := r.endMovement(); err != nil {
		return err
	}
	missing := ""
	switch {
	case r.header.Account.ID == "":
		missing = ":25:"
	case r.summary.Format == MT942:
	case !r.has["60F"] && !r.has["60M"]:
		missing = ":60F:"
	case !r.has["62F"] && !r.has["62M"]:
		missing = ":62F:"
	}
	if missing != "" {
		return r.fail(r.lines.no, missing, ErrStructure, "a statement without it")
	}
	return r.end(r.lines.no)
}

func (r *mt) head(tag string, v []byte) error {
	h := &r.header
	switch tag {
	case "20":
		h.ID = string(v)
	case "25", "25P":
		r.account(v)
	case "28", "28C":
		no, page, paged := bytes.Cut(v, []byte{'/'})
		var ok bool
		if h.Number, ok = count64(no); !ok {
			return r.mtFault(tag, ErrValue, quote(v))
		}
		if paged {
			if h.Page = number(page); h.Page < 0 {
				return r.mtFault(tag, ErrValue, quote(v))
			}
		}
	case "34F":
		code, ok := r.codes.intern(v[:min(3, len(v))])
		if !ok {
			return r.mtFault(tag, ErrValue, quote(v))
		}
		r.expected = code
		if h.Account.Currency == "" {
			h.Account.Currency = code
		}
	case "13", "13D":
		return r.reported(v)
	case "90C", "90D":
		return r.declared(tag, v)
	}
	return nil
}

// account takes :25:, where some banks put the currency behind the number.
func (r *mt) account(v []byte) {
	v = bytes.ReplaceAll(v, []byte{' '}, nil)
	if n := len(v); n > 4 && v[n-4] >= '0' && v[n-4] <= '9' {
		if code, ok := r.codes.intern(v[n-3:]); ok {
			r.header.Account.Currency = code
			v = v[:n-3]
		}
	}
	r.header.Account.ID = string(v)
}

// reported takes the time of a report, YYMMDDhhmm and perhaps a zone.
func (r *mt) reported(v []byte) error {
	if len(v) >= 10 {
		d, ok := shortDate(v[:6])
		hour, minute := number(v[6:8]), number(v[8:10])
		if ok && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 {
			iso := append(d.Append(nil), 'T')
			iso = append(append(append(iso, v[6:8]...), ':'), v[8:10]...)
			iso = append(iso, ":00"...)
			if len(v) == len("1701191815+0100") {
				iso = append(append(append(iso, v[10:13]...), ':'), v[13:]...)
			}
			if r.header.CreatedAt, ok = isoTime(iso); ok {
				return nil
			}
		}
	}
	return r.mtFault("13D", ErrValue, quote(v))
}

// declared takes :90C: and :90D:, number, currency and sum.
func (r *mt) declared(tag string, v []byte) error {
	n := 0
	for n < len(v) && v[n] >= '0' && v[n] <= '9' {
		n++
	}
	count, ok := count64(v[:n])
	if !ok || len(v) < n+4 {
		return r.mtFault(tag, ErrValue, quote(v))
	}
	code, isCode := r.codes.intern(v[n : n+3])
	sum, isSum := decimal(v[n+3:], ',')
	if !isCode || !isSum {
		return r.mtFault(tag, ErrValue, quote(v))
	}
	d := &r.header.Declared
	if tag == "90C" {
		d.CreditCount, d.Credit = count, money.Amount{Tiyn: sum, Currency: code}
	} else {
		d.DebitCount, d.Debit = count, money.Amount{Tiyn: sum, Currency: code}
	}
	return nil
}

// balanceTypes are the codes of ISO 20022 for the tags.
var balanceTypes = map[string]string{"60F": "OPBD", "60M": "ITBD", "62F": "CLBD", "62M": "ITBD", "64": "CLAV", "65": "FWAV"}

// balanceField takes D|C YYMMDD currency amount. A currency that one dialect leaves out of the closing balance is that of the opening one.
func (r *mt) balanceField(tag string) error {
	if tag == "60F" || tag == "60M" {
		if r.told {
			return r.mtFault(tag, ErrStructure, "an opening balance behind entries")
		}
	} else if err := r.endMovement(); err != nil {
		return err
	}
	r.info = false
	v := bytes.TrimSpace(r.value)
	if len(v) < 8 || (v[0] != 'C' && v[0] != 'D') {
		return r.mtFault(tag, ErrValue, quote(v))
	}
	day, isDay := shortDate(v[1:7])
	code, isCode := r.codes.intern(v[7:min(10, len(v))])
	rest := v[7:]
	switch {
	case isCode:
		rest = v[10:]
	case r.expected != "" && rest[0] >= '0' && rest[0] <= '9':
		code, isCode = r.expected, true
	}
	sum, isSum := decimal(rest, ',')
	if !isDay || !isCode || !isSum {
		return r.mtFault(tag, ErrValue, quote(v))
	}
	if r.expected == "" {
		r.expected = code
	}
	if v[0] == 'D' {
		sum = -sum
	}
	return r.balance(Balance{Type: balanceTypes[tag], Amount: money.Amount{Tiyn: sum, Currency: code}, Date: day, Line: r.tagLine})
}
