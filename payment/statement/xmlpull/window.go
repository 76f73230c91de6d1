package xmlpull

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	bufferBytes = 256 << 10
	// readMinBytes keeps a source that gives a byte at a time from having a long token searched again for each of them.
	readMinBytes = 4 << 10
)

// window is the part of the document in memory: buf[pos:end] is read, checked and not yet consumed; buf[end:filled] is the beginning
// of a character whose other bytes are still to come.
type window struct {
	src              io.Reader
	buf              []byte
	pos, end, filled int
	base             int // of buf[0] in the document
	head             int // length of the byte order mark
	tokenMax         int
	srcErr           error

	newlines, counted int // line ends before buf[counted]

	// What occurs in the buffer: without it texts need no second look.
	ampersand, bracket bool
}

func (w *window) rest() []byte { return w.buf[w.pos:w.end] }

func (w *window) line() int {
	w.newlines += bytes.Count(w.buf[w.counted:w.pos], newline)
	w.counted = w.pos
	return w.newlines + 1
}

var newline = []byte{'\n'}

// find returns how far the next c is from pos, reading more if needed, or -1 if the document ends before.
func (w *window) find(c byte) (int, error) {
	searched := 0
	for {
		if i := bytes.IndexByte(w.buf[w.pos+searched:w.end], c); i >= 0 {
			return searched + i, nil
		}
		searched = w.end - w.pos
		more, err := w.fill()
		if err != nil || !more {
			return -1, err
		}
	}
}

// need makes sure that n bytes stand after pos.
func (w *window) need(n int) error {
	for w.end-w.pos < n {
		more, err := w.fill()
		if err != nil {
			return err
		}
		if !more {
			return &SyntaxError{Line: w.line(), Err: ErrSyntax, Text: "the document ends too early"}
		}
	}
	return nil
}

// fill reads more of the document and says whether there was more.
func (w *window) fill() (bool, error) {
	if w.srcErr != nil {
		return w.ended()
	}
	w.makeRoom()
	if w.end-w.pos > w.tokenMax {
		return false, &SyntaxError{Line: w.line(), Err: ErrLimit, Text: "a token is too long"}
	}
	wanted := min(readMinBytes, len(w.buf)-w.filled)
	n, err := io.ReadAtLeast(w.src, w.buf[w.filled:], wanted)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	w.srcErr = err
	w.filled += n
	checked, fault := scan(w.buf[w.end:w.filled], err != nil)
	fresh := w.buf[w.end : w.end+checked]
	w.ampersand = w.ampersand || bytes.IndexByte(fresh, '&') >= 0
	w.bracket = w.bracket || bytes.Contains(fresh, closing[:2])
	w.end += checked
	if fault != "" {
		w.pos = w.end
		return false, &SyntaxError{Line: w.line(), Err: ErrEncoding, Text: fault}
	}
	if w.base == 0 && w.head == 0 && w.pos == 0 && bytes.HasPrefix(w.rest(), byteOrderMark) {
		w.head, w.pos = len(byteOrderMark), len(byteOrderMark)
	}
	if n == 0 {
		return w.ended()
	}
	return true, nil
}

var (
	closing       = []byte("]]>")
	byteOrderMark = []byte("\xef\xbb\xbf")
)

func (w *window) ended() (bool, error) {
	if !errors.Is(w.srcErr, io.EOF) {
		return false, fmt.Errorf("couldn't read the document: %w", w.srcErr)
	}
	return false, nil
}

// makeRoom moves what is not consumed to the start of the buffer, and doubles the buffer when it is more than half full.
func (w *window) makeRoom() {
	w.newlines += bytes.Count(w.buf[w.counted:w.pos], newline)
	kept := w.buf[w.pos:w.filled]
	to := w.buf
	if len(kept) > len(w.buf)/2 {
		to = make([]byte, 2*len(w.buf))
	}
	copy(to, kept)
	w.base += w.pos
	w.end, w.filled = w.end-w.pos, len(kept)
	w.buf, w.pos, w.counted = to, 0, 0
	w.ampersand = bytes.IndexByte(w.buf[:w.end], '&') >= 0
	// A bracket at the end of the kept part may be the first of two: the flag then stays up.
	w.bracket = bytes.IndexByte(w.buf[:w.end], ']') >= 0
}
