package statement

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lineBytesMax bounds a line of the formats made of lines. The longest legal one, a purpose in 1C, has some 420 characters.
const lineBytesMax = 16 << 10

// lines reads a text line by line as UTF-8.
type lines struct {
	in   *bufio.Reader
	dec  *decoder
	no   int
	held bool // the last line is to be told again
	last []byte
}

func newLines(src io.Reader, dec *decoder) *lines {
	return &lines{in: bufio.NewReaderSize(src, 64<<10), dec: dec}
}

// next returns the next line without its end (CR LF, or LF, or CR CR LF as some programs write), valid until the next call. It
// returns io.EOF behind the last one, ErrLimit for a line that is too long, ErrEncoding for what is no text.
func (l *lines) next() ([]byte, error) {
	if l.held {
		l.held = false
		return l.last, nil
	}
	raw, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || len(raw) > lineBytesMax {
		l.no++
		return nil, ErrLimit
	}
	if err != nil && (len(raw) == 0 || !errors.Is(err, io.EOF)) {
		return nil, err
	}
	l.no++
	raw = bytes.TrimRight(raw, "\r\n")
	if l.no == 1 {
		raw = bytes.TrimPrefix(raw, utf8Mark)
	}
	text, ok := l.dec.text(raw)
	if !ok {
		return nil, ErrEncoding
	}
	l.last = text
	return text, nil
}

// fault turns an error of next into one with a place; errors of the source stay what they are.
func (c *collector) lineFault(l *lines, path string, err error) error {
	switch {
	case errors.Is(err, ErrEncoding):
		return c.fail(l.no, path, ErrEncoding, "a line is not text")
	case err == ErrLimit: //nolint:errorlint // the reader's own; a wrapped one is of the source
		return c.fail(l.no, path, ErrLimit, "a line is too long")
	}
	return err
}
