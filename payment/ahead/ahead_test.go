package ahead_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"qaqpa/payment/ahead"
)

// Whatever sizes source and caller read in, the bytes and the error at their end are those of the source.
func TestReader(t *testing.T) {
	broken := errors.New("broken")
	rapid.Check(t, func(t *rapid.T) {
		want := bytes.Repeat([]byte("0123456789abcdef"), rapid.IntRange(0, 40_000).Draw(t, "blocks of 16"))
		end := rapid.SampledFrom([]error{io.EOF, broken}).Draw(t, "end")
		source := io.MultiReader(bytes.NewReader(want), iotest.ErrReader(end))
		if rapid.Bool().Draw(t, "half reads") {
			source = iotest.HalfReader(source)
		}
		r := ahead.New(source)
		defer r.Stop()
		var got []byte
		p := make([]byte, rapid.IntRange(1, 1<<20).Draw(t, "read"))
		for {
			n, err := r.Read(p[:max(1, len(p))])
			got = append(got, p[:n]...)
			if err != nil {
				if !errors.Is(err, end) {
					t.Fatalf("ended with %v, not %v", err, end)
				}
				break
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes of %d, or others", len(got), len(want))
		}
		if _, err := r.Read(p); !errors.Is(err, end) {
			t.Fatalf("the second time it ended with %v", err)
		}
	})
}

// Who stops early leaves no goroutine behind, and the source is free.
func TestStop(t *testing.T) {
	source := bytes.NewReader(make([]byte, 64<<20))
	r := ahead.New(source)
	if _, err := io.ReadFull(r, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	r.Stop()
	r.Stop()
	if source.Len() == 0 {
		t.Error("it read everything although nobody wanted it")
	}
	if _, err := io.Copy(io.Discard, r); err == nil {
		t.Error("a stopped reader ended as a file does")
	}
}
