package ahead

import (
	"errors"
	"io"
)

// Blocks of a reader: enough that a slow moment on either side does not stop the other.
const (
	blockBytes = 256 << 10
	blocks     = 8
)

// block is what one reading gave.
type block struct {
	b   []byte
	err error
}

// Reader hands out what a goroutine has read before. It is an io.Reader.
type Reader struct {
	full    chan block
	empty   chan []byte
	stop    chan struct{}
	ended   chan struct{}
	current block
	at      int
}

// New begins to read r. [Reader.Stop] has to be called.
func New(r io.Reader) *Reader {
	a := &Reader{full: make(chan block, blocks), empty: make(chan []byte, blocks), stop: make(chan struct{}), ended: make(chan struct{})}
	for range blocks {
		a.empty <- make([]byte, blockBytes)
	}
	go a.run(r)
	return a
}

// run reads until the source ends or nobody wants more.
func (a *Reader) run(r io.Reader) {
	defer close(a.ended)
	defer close(a.full)
	for {
		var b []byte
		select {
		case <-a.stop:
			return
		case b = <-a.empty:
		}
		n, err := io.ReadAtLeast(r, b[:blockBytes], blockBytes)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		a.full <- block{b[:n], err} // there is room: as many blocks as places
		if err != nil {
			return
		}
	}
}

// Read implements io.Reader. The source's error comes behind the bytes before it.
func (a *Reader) Read(p []byte) (int, error) {
	for a.at == len(a.current.b) {
		if a.current.err != nil {
			return 0, a.current.err
		}
		if a.current.b != nil {
			a.empty <- a.current.b[:blockBytes]
		}
		next, more := <-a.full
		if !more {
			return 0, io.ErrClosedPipe // stopped
		}
		a.current, a.at = next, 0
	}
	n := copy(p, a.current.b[a.at:])
	a.at += n
	return n, nil
}

// Stop ends the reading and waits for its goroutine. What was read and not handed out is lost. It may be called again.
func (a *Reader) Stop() {
	select {
	case <-a.stop:
	default:
		close(a.stop)
	}
	<-a.ended
}
