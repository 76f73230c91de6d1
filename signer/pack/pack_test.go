package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func packer(tb testing.TB) *Packer {
	tb.Helper()
	p, err := New()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// TestWordsStay: rows of long ago were packed against this very text.
func TestWordsStay(t *testing.T) {
	const want = "790163c51e7ec6085fc57b8c60db728c575539b95924241486906128b71f3827"
	if got := sha256.Sum256(words); hex.EncodeToString(got[:]) != want {
		t.Errorf("dictionary %d is %x; packed rows in databases need %s: give a new text a new number", wordsID, got, want)
	}
}

// TestKeptFrames: frames of every version are read for ever.
func TestKeptFrames(t *testing.T) {
	kept, err := os.ReadFile(filepath.Join("testdata", "verdict.zst"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "verdict.json"))
	if err != nil {
		t.Fatal(err)
	}
	p := packer(t)
	got, err := p.Unpack(kept)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("unpacked to %d bytes, %v", len(got), err)
	}
	if small := p.Pack(want); len(small) > 1500 {
		t.Errorf("a verdict of %d bytes is kept in %d, too many to lie beside its row", len(want), len(small))
	}
}

func TestTextsReturn(t *testing.T) {
	p := packer(t)
	rapid.Check(t, func(t *rapid.T) {
		text := []byte("{" + rapid.String().Draw(t, "text"))
		if got, err := p.Unpack(p.Pack(text)); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%q returned as %q, %v", text, got, err)
		}
		if got, err := p.Unpack(text); err != nil || !bytes.Equal(got, text) {
			t.Errorf("a text that was never packed, %q, returned as %q, %v", text, got, err)
		}
	})
}

// TestDamageShows: whoever can write to the database changes a kept verdict, or lets it unpack to more than memory holds.
func TestDamageShows(t *testing.T) {
	p := packer(t)
	whole := []byte(strings.Repeat(`{"indication":"TOTAL-PASSED","kept":true}`, 50))
	kept := p.Pack(whole)
	for i := 2; i < len(kept); i++ {
		for bit := range 8 {
			bad := bytes.Clone(kept)
			bad[i] ^= 1 << bit
			text, err := p.Unpack(bad)
			if err == nil && !bytes.Equal(text, whole) { // a few bits of a frame say nothing about its text
				t.Errorf("octet %d, bit %d: another text: %.40q", i, bit, text)
			}
			if err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("octet %d, bit %d: %v", i, bit, err)
			}
		}
	}
	for n := 2; n < len(kept); n++ {
		if _, err := p.Unpack(kept[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut after %d octets: %v", n, err)
		}
	}
	bomb := p.Pack(make([]byte, textMax+1))
	if _, err := p.Unpack(bomb); !errors.Is(err, ErrDamaged) {
		t.Errorf("a frame of %d bytes that holds more than %d: %v", len(bomb), textMax, err)
	}
}

func FuzzUnpack(f *testing.F) {
	p := packer(f)
	f.Add(p.Pack([]byte(`{"id":"vrd_"}`)))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, kept []byte) {
		text, err := p.Unpack(kept)
		if err == nil && len(text) > textMax {
			t.Errorf("%d bytes", len(text))
		}
	})
}

func BenchmarkPack(b *testing.B) {
	text, err := os.ReadFile(filepath.Join("testdata", "verdict.json"))
	if err != nil {
		b.Fatal(err)
	}
	p := packer(b)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		p.Pack(text)
	}
}
