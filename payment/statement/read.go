package statement

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"qaqpa/payment/statement/xmlpull"
)

// headBytes is how much of a file is looked at to recognise it.
const headBytes = 16 << 10

// Detect recognises a format by the beginning of a file, 16 KiB or all of it, whatever its name. It returns [ErrUnknown] for
// anything else, tables included: they have no mark of their own.
func Detect(head []byte) (Format, error) {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, utf8Mark), " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("<")):
		f, _, err := findDocument(xmlpull.New(bytes.NewReader(head), xmlpull.Limits{}))
		if err != nil && !errors.Is(err, ErrVersion) {
			return "", ErrUnknown
		}
		return f, nil
	case isOneC(text):
		return OneC, nil
	}
	return detectMT(text)
}

// detectMT tells the messages of SWIFT and the КЦМР apart: by the type in block 2, else by the fields that one of them alone has.
func detectMT(head []byte) (Format, error) {
	if _, rest, ok := bytes.Cut(head, []byte("{2:")); ok && len(rest) > 4 && (rest[0] == 'I' || rest[0] == 'O') {
		switch string(rest[1:4]) {
		case "940":
			return MT940, nil
		case "942":
			return MT942, nil
		case "100":
			return MT100, nil
		case "102":
			return MT102, nil
		}
		return "", ErrUnknown
	}
	found := false
	for line := range bytes.SplitSeq(head, []byte{'\n'}) {
		tag, _, ok := cutTag(bytes.Trim(line, "\x01\r"), mtTags)
		switch {
		case !ok || tag == "NS":
		case tag == "60F" || tag == "60M":
			return MT940, nil
		case tag == "34F" || tag == "13D" || tag == "90C" || tag == "90D":
			return MT942, nil
		default:
			found = true
		}
	}
	if !found {
		return "", ErrUnknown
	}
	return MT940, nil
}

var utf8Mark = []byte("\xef\xbb\xbf")

// Read recognises the format of a file and hands what is in it to h, in the order of the file. It holds one entry in memory at a
// time, in parts if that has many transactions.
//
// It returns [ErrUnknown] for no known format, an [*Error] for a fault of the file, the handler's error as it is, and errors of src
// wrapped. After an error what the handler has got is to be dropped. The summary is filled as far as the reading went.
func Read(src io.Reader, h Handler, o Options) (Summary, error) {
	o = o.withDefaults()
	limited := &bounded{src: src, left: o.BytesMax}
	in := bufio.NewReaderSize(limited, headBytes)
	head, err := in.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return Summary{}, err
	}
	s, err := dispatch(head, in, h, o)
	s.Bytes = o.BytesMax - limited.left
	if own, ok := errors.AsType[*handlerError](err); ok {
		return s, own.err
	}
	return s, err
}

func dispatch(head []byte, in io.Reader, h Handler, o Options) (Summary, error) {
	if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, utf8Mark), " \t\r\n"), []byte("<")) {
		return readISO(in, h, o)
	}
	f, err := Detect(head)
	if err != nil {
		if o.Mapping != nil {
			return readTable(in, h, o)
		}
		return Summary{}, err
	}
	switch f { //nolint:exhaustive // the others are XML or tables
	case OneC:
		return readOneC(head, in, h, o)
	case MT100, MT102:
		return readKISC(head, in, f, h, o)
	default:
		return readMT(head, in, f, h, o)
	}
}

// bounded ends a file that is too long with an error.
type bounded struct {
	src  io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := io.ReadFull(b.src, one[:]); n == 0 {
			return 0, err
		}
		return 0, ErrLimit
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.src.Read(p)
	b.left -= int64(n)
	return n, err
}
