package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress is a bar on the terminal while long work goes on. Where standard error is no terminal it draws nothing, and work
// that is done within progressAfter never sees it. Not safe for concurrent use.
type progress struct {
	to          io.Writer // nil: nothing is drawn
	now         func() time.Time
	begun, last time.Time
	done, total int64
	label       string
	drawn       bool
}

const (
	progressAfter = time.Second
	progressEvery = 100 * time.Millisecond
	progressCells = 30
)

// newProgress makes a bar for work of total octets.
func newProgress(to io.Writer, total int64) *progress {
	p := &progress{now: time.Now, total: max(total, 1)}
	if f, ok := to.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.to = to
	}
	p.begun = p.now()
	return p
}

// add counts work that was done, and draws when it is time.
func (p *progress) add(n int64) {
	p.done += n
	now := p.now()
	if p.to == nil || now.Sub(p.begun) < progressAfter || now.Sub(p.last) < progressEvery {
		return
	}
	p.last, p.drawn = now, true
	cells := int(min(p.done, p.total) * progressCells / p.total)
	fmt.Fprintf(p.to, "\r\x1b[K[%s%s] %3d%% %s", strings.Repeat("#", cells), strings.Repeat(".", progressCells-cells), min(p.done, p.total)*100/p.total, p.label)
}

// clear takes the bar away, so that a line can be printed.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.to, "\r\x1b[K")
		p.drawn = false
	}
}

// reading counts what is read from r.
func (p *progress) reading(r io.Reader) io.Reader { return countedReader{r, p} }

type countedReader struct {
	io.Reader
	p *progress
}

func (r countedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.p.add(int64(n))
	return n, err
}
