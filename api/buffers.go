package api

import "sync"

// buffers lend memory for bodies that are written once and forgotten. Safe for concurrent use.
type buffers struct{ pool sync.Pool }

// bufferMax is the largest buffer that is kept: one large verdict must not hold its memory for ever.
const bufferMax = 64 << 10

// lend has a body written into a buffer that goes back when the answer was handed on.
func (b *buffers) lend(resp *response, write func([]byte) ([]byte, error)) (err error) {
	lent, ok := b.pool.Get().(*[]byte)
	if !ok {
		space := make([]byte, 0, writeBuffer)
		lent = &space
	}
	if resp.body, err = write((*lent)[:0]); err != nil {
		return err
	}
	resp.lent = lent
	return nil
}

// giveBack takes the buffer of a body that nobody reads any more.
func (b *buffers) giveBack(resp *response) {
	if cap(resp.body) <= bufferMax {
		*resp.lent = resp.body[:0]
		b.pool.Put(resp.lent)
	}
	resp.body, resp.lent = nil, nil
}
