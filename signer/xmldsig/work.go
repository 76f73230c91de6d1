package xmldsig

import (
	"fmt"
	"io"

	"qaqpa/signer/algo"
	"qaqpa/signer/xpath"
)

// Work is what checking may still spend on one document. All signatures of a document should share one, or each may cost
// the whole of the [Limits]. Not safe for concurrent use.
type Work struct {
	octets int64
	paths  *xpath.Budget
}

// NewWork is the whole budget of the document.
func (d *Document) NewWork() *Work {
	return &Work{octets: d.limits.Octets, paths: xpath.NewBudget(d.limits.Steps)}
}

func (w *Work) spend(octets int64) error {
	if w.octets -= octets; w.octets < 0 {
		w.octets = 0
		return fmt.Errorf("%w: too many octets to digest", ErrLimit)
	}
	return nil
}

// Spend takes octets from the budget. The error is [ErrLimit]: there are not so many left.
func (w *Work) Spend(octets int64) error { return w.spend(octets) }

// Meter hands octets on to a hash, or to what collects them (h 0), as long as there is work left; then it returns [ErrLimit].
func (w *Work) Meter(to io.Writer, h algo.Hash) io.Writer {
	m := meter{to, w, 1}
	if h.Valid() {
		m.weight = weight(h)
	}
	return m
}

// weight is how many times slower than SHA-2 a hash is, roughly.
func weight(h algo.Hash) int64 {
	switch h {
	case algo.GOST94Test, algo.GOST94CryptoPro:
		return 16
	case algo.Streebog256, algo.Streebog512:
		return 4
	case algo.MD5, algo.SHA1, algo.SHA224, algo.SHA256, algo.SHA384, algo.SHA512, algo.SHA512_256, algo.SHA3_224,
		algo.SHA3_256, algo.SHA3_384, algo.SHA3_512, algo.SHAKE256:
		return 1
	}
	return 1
}

// meter pays for octets before it lets them through.
type meter struct {
	to     io.Writer
	work   *Work
	weight int64
}

func (m meter) Write(p []byte) (int, error) {
	if err := m.work.spend(int64(len(p)) * m.weight); err != nil {
		return 0, err
	}
	return m.to.Write(p)
}
