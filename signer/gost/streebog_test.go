package gost

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func portableStreebog(size int) *streebog {
	d := &streebog{size: size}
	d.pick(false)
	d.Reset()
	return d
}

// TestStreebogVector runs the vector instructions against the tables, over messages of every shape, and the
// counter and the sum through their carries.
func TestStreebogVector(t *testing.T) {
	if !hasVector {
		t.Skip("this processor has no AVX-512 with VBMI and GFNI: there is nothing to compare")
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{32, 64}).Draw(t, "size")
		a, b := newStreebog(size), portableStreebog(size)
		if a.vector == nil || b.vector != nil {
			t.Fatal("not the two implementations")
		}
		if rapid.Bool().Draw(t, "far") { // as after a message too long to hash here
			for i := range 4 {
				a.n[i] = ^uint64(0)
				a.sigma[i] = ^uint64(0)
			}
			a.n[0] &^= 511
			b.n, b.sigma = a.n, a.sigma
		}
		for range rapid.IntRange(0, 4).Draw(t, "writes") {
			p := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "p")
			if rapid.Bool().Draw(t, "ones") {
				p = bytes.Repeat([]byte{255}, len(p))
			}
			_, _ = a.Write(p)
			_, _ = b.Write(p)
		}
		if x, y := a.Sum(nil), b.Sum(nil); !bytes.Equal(x, y) {
			t.Fatalf("vector %x, tables %x", x, y)
		}
	})
}

// TestPortableHashVectors repeats the standard's examples without the vector instructions.
func TestPortableHashVectors(t *testing.T) {
	d := portableStreebog(32)
	_, _ = d.Write(unhex(t, streebogM2))
	if want := unhex(t, "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50"); !bytes.Equal(d.Sum(nil), want) {
		t.Errorf("RFC 6986 10.2.2: got %x", d.Sum(nil))
	}
}

// TestHashReset checks that a hash forgets, and that Sum appends.
func TestHashReset(t *testing.T) {
	for _, h := range []interface {
		Reset()
		Write(p []byte) (int, error)
		Sum(b []byte) []byte
		Size() int
		BlockSize() int
	}{NewStreebog256(), NewStreebog512(), New34311(SBoxTest()), New34311(SBoxCryptoPro())} {
		empty := h.Sum(nil)
		for _, n := range []int{1, h.BlockSize() - 1, h.BlockSize(), h.BlockSize() + 1, 5 * h.BlockSize()} {
			if k, err := h.Write(make([]byte, n)); k != n || err != nil {
				t.Errorf("Write gave %d, %v", k, err)
			}
			if bytes.Equal(h.Sum(nil), empty) {
				t.Errorf("%d zeros hash like nothing", n)
			}
			h.Reset()
			if got := h.Sum([]byte("head")); !bytes.Equal(got, append([]byte("head"), empty...)) || len(got) != 4+h.Size() {
				t.Errorf("after Reset: %x", got)
			}
		}
	}
}
