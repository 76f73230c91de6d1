package xmlpull

import "bytes"

var (
	commentStart = []byte("<!--")
	cdataStart   = []byte("<![CDATA[")
)

// declaration takes what begins with "<!" at pos: a comment, a CDATA section, or the document type that is refused.
func (r *Reader) declaration() (Kind, error) {
	if err := r.need(len(commentStart)); err != nil {
		return 0, err
	}
	if bytes.HasPrefix(r.rest(), commentStart) {
		return 0, r.comment()
	}
	if r.buf[r.pos+2] != '[' {
		return 0, r.fault(ErrDoctype, "<!DOCTYPE")
	}
	if err := r.need(len(cdataStart)); err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(r.rest(), cdataStart) || len(r.stack) == 0 {
		return 0, r.fault(ErrSyntax, "a section that is not CDATA")
	}
	end, err := r.until(closing, len(cdataStart))
	if err != nil {
		return 0, err
	}
	r.text = r.buf[r.pos+len(cdataStart) : r.pos+end]
	r.pos += end + len(closing)
	if len(r.text) == 0 {
		return 0, nil
	}
	return Text, nil
}

// comment skips a comment. "--" may stand at its end alone (XML 1.0, 2.5).
func (r *Reader) comment() error {
	end, err := r.until([]byte("--"), len(commentStart))
	if err != nil {
		return err
	}
	if err := r.need(end + len("-->")); err != nil {
		return err
	}
	if r.buf[r.pos+end+2] != '>' {
		return r.fault(ErrSyntax, "'--' in a comment")
	}
	r.pos += end + len("-->")
	return nil
}

// instruction skips a processing instruction, and reads the XML declaration for its encoding.
func (r *Reader) instruction() error {
	end, err := r.until([]byte("?>"), 2)
	if err != nil {
		return err
	}
	body := r.buf[r.pos+2 : r.pos+end]
	n, _ := nameLength(body)
	if n == 0 {
		return r.fault(ErrSyntax, "an instruction without a name")
	}
	if bytes.EqualFold(body[:n], []byte("xml")) {
		if string(body[:n]) != "xml" || r.rootSeen || r.base+r.pos != r.head {
			return r.fault(ErrSyntax, "an XML declaration that is not at the start")
		}
		if err := r.checkEncoding(body[n:]); err != nil {
			return err
		}
	}
	r.pos += end + len("?>")
	return nil
}

func (r *Reader) checkEncoding(declaration []byte) error {
	for b := declaration; ; {
		b = bytes.TrimLeft(b, " \t\r\n")
		if len(b) == 0 {
			return nil
		}
		name, value, rest, ok := cutAttribute(b)
		if !ok {
			return r.fault(ErrSyntax, "a broken XML declaration")
		}
		if string(name) == "encoding" && !bytes.EqualFold(value, []byte("UTF-8")) && !bytes.EqualFold(value, []byte("US-ASCII")) {
			return r.fault(ErrEncoding, "an encoding other than UTF-8 is declared")
		}
		if string(name) == "version" && string(value) != "1.0" {
			return r.fault(ErrSyntax, "a version of XML other than 1.0")
		}
		b = rest
	}
}

// until returns how far mark is from pos, looking from the given distance on.
func (r *Reader) until(mark []byte, from int) (int, error) {
	for {
		if err := r.need(from); err != nil {
			return 0, err
		}
		if i := bytes.Index(r.buf[r.pos+from:r.end], mark); i >= 0 {
			return from + i, nil
		}
		from = max(from, r.end-r.pos-len(mark)+1)
		if err := r.need(r.end - r.pos + 1); err != nil {
			return 0, err
		}
	}
}
