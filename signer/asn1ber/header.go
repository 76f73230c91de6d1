package asn1ber

import "fmt"

// header is identifier and length octets of one element.
type header struct {
	tag         Tag
	size        int // octets of the header itself
	length      int // octets of the contents, 0 when indefinite
	constructed bool
	indefinite  bool
}

// identifierFits[enc][octet] tells whether an identifier octet in the low form is one that the encoding allows there
// (see checkForm). End-of-contents is left to checkForm, since its length matters.
var identifierFits = indexIdentifiers()

func indexIdentifiers() (fits [2][256]bool) {
	for _, enc := range []Encoding{BER, DER} {
		for i := 1; i < 256; i++ {
			h := header{tag: Tag(i>>6)<<30 | Tag(i&0x1f), constructed: i&0x20 != 0}
			fits[enc][i] = i&0x1f != 0x1f && h.checkForm(enc) == nil
		}
	}
	return fits
}

// parseHeader reads identifier and length octets (X.690 8.1.2, 8.1.3) and holds the length against what is there. The
// short forms, nearly all that is ever met, take the first branch.
func parseHeader(in []byte, enc Encoding) (h header, err error) {
	if len(in) < 2 {
		return h, errTruncated()
	}
	first := in[0]
	if length := int(in[1]); length < 0x80 && length <= len(in)-2 && identifierFits[enc][first] {
		h.tag, h.constructed = Tag(first>>6)<<30|Tag(first&0x1f), first&0x20 != 0
		h.size, h.length = 2, length
		return h, nil
	}
	return parseLongHeader(in, enc)
}

// parseLongHeader reads headers of all forms.
func parseLongHeader(in []byte, enc Encoding) (header, error) {
	h := header{constructed: in[0]&0x20 != 0, size: 1}
	class := Tag(in[0]>>6) << 30
	number := Tag(in[0] & 0x1f)
	if number == 0x1f {
		var err error
		if number, h.size, err = highTag(in, enc); err != nil {
			return header{}, err
		}
	}
	h.tag = class | number
	if err := h.readLength(in, enc); err != nil {
		return header{}, err
	}
	if h.length > len(in)-h.size {
		return header{}, fmt.Errorf("%w: length %d with %d octets left", ErrSyntax, h.length, len(in)-h.size)
	}
	return h, h.checkForm(enc)
}

// highTag reads a tag number in the high form (X.690 8.1.2.4).
func highTag(in []byte, enc Encoding) (number Tag, size int, err error) {
	for i := 1; i < len(in); i++ {
		if i == 1 && in[i] == 0x80 {
			return 0, 0, fmt.Errorf("%w: tag number with leading zeros", ErrSyntax)
		}
		if i > 4 {
			return 0, 0, fmt.Errorf("%w: tag number beyond 2^28", ErrLimit)
		}
		number = number<<7 | Tag(in[i]&0x7f)
		if in[i]&0x80 == 0 {
			if enc == DER && number < 0x1f {
				return 0, 0, fmt.Errorf("%w: tag number in needless high form", ErrSyntax)
			}
			return number, i + 1, nil
		}
	}
	return 0, 0, errTruncated()
}

// readLength reads the length octets that follow the identifier.
func (h *header) readLength(in []byte, enc Encoding) error {
	if len(in) <= h.size {
		return errTruncated()
	}
	first := in[h.size]
	h.size++
	switch {
	case first < 0x80:
		h.length = int(first)
		return nil
	case first == 0x80:
		if enc == DER || !h.constructed {
			return fmt.Errorf("%w: indefinite length", ErrSyntax)
		}
		h.indefinite = true
		return nil
	}
	count := int(first & 0x7f)
	if count > 8 {
		return fmt.Errorf("%w: length of %d octets", ErrLimit, count)
	}
	if len(in)-h.size < count {
		return errTruncated()
	}
	var length uint64
	for _, o := range in[h.size : h.size+count] {
		length = length<<8 | uint64(o)
	}
	if enc == DER && (in[h.size] == 0 || length < 0x80) {
		return fmt.Errorf("%w: length not minimal", ErrSyntax)
	}
	h.size += count
	if length > uint64(len(in)) {
		return fmt.Errorf("%w: length %d with %d octets left", ErrSyntax, length, len(in)-h.size)
	}
	h.length = int(length)
	return nil
}

// checkForm holds universal types to their form: SEQUENCE and SET are constructed always, the others are primitive in
// DER, and in BER only strings may be constructed (X.690 8.2 to 8.23).
func (h *header) checkForm(enc Encoding) error {
	if !h.tag.IsUniversal() {
		return nil
	}
	switch h.tag {
	case EndOfContents:
		if h.constructed || h.length != 0 {
			return fmt.Errorf("%w: end-of-contents with contents", ErrSyntax)
		}
		return nil
	case Sequence, Set:
		if !h.constructed {
			return fmt.Errorf("%w: primitive %s", ErrSyntax, h.tag)
		}
		return nil
	case 8, 11: // EXTERNAL, EMBEDDED PDV
		return nil
	case Boolean, Integer, Null, OID, Enumerated, 9, 13:
		if h.constructed {
			return fmt.Errorf("%w: constructed %s", ErrSyntax, h.tag)
		}
		return nil
	}
	if h.constructed && enc == DER {
		return fmt.Errorf("%w: constructed %s", ErrSyntax, h.tag)
	}
	return nil
}

// scanIndefinite finds the length of contents that end with end-of-contents octets. It descends only where a length is
// indefinite: definite elements are stepped over.
func (b *budget) scanIndefinite(in []byte, enc Encoding, depth uint16) (int, error) {
	open := uint16(1)
	for at := 0; at < len(in); {
		if b.elements--; b.elements < 0 {
			return 0, errElements()
		}
		h, err := parseHeader(in[at:], enc)
		if err != nil {
			return 0, err
		}
		switch {
		case h.tag == EndOfContents:
			open--
			if open == 0 {
				return at, nil
			}
		case h.indefinite:
			open++
			if depth+open > b.depth+1 {
				return 0, fmt.Errorf("%w: deeper than %d levels", ErrLimit, b.depth)
			}
		}
		at += h.size + h.length
	}
	return 0, errTruncated()
}

func errTruncated() error { return fmt.Errorf("%w: truncated", ErrSyntax) }

func errElements() error { return fmt.Errorf("%w: too many elements", ErrLimit) }
