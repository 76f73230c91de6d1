package p12

import (
	"bytes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

// RFC 2268 section 5.
func TestRC2Vectors(t *testing.T) {
	for _, v := range []struct {
		key            string
		bits           int
		plain, crypted string
	}{
		{"0000000000000000", 63, "0000000000000000", "ebb773f993278eff"},
		{"ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"},
		{"88", 64, "0000000000000000", "61a8a244adacccf0"},
		{"88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"},
		{"88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"},
		{"88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"},
		{"88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e", 129, "0000000000000000", "5b78d3a43dfff1f1"},
	} {
		c := newRC2(unhex(t, v.key), v.bits)
		out := make([]byte, 8)
		if c.Encrypt(out, unhex(t, v.plain)); hex.EncodeToString(out) != v.crypted {
			t.Errorf("key %s, %d bits: %x, want %s", v.key, v.bits, out, v.crypted)
		}
		if c.Decrypt(out, unhex(t, v.crypted)); hex.EncodeToString(out) != v.plain {
			t.Errorf("key %s, %d bits: decrypted %x", v.key, v.bits, out)
		}
	}
}

func TestRC2RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 1, 128).Draw(t, "key")
		plain := rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "plain")
		c := newRC2(key, rapid.IntRange(1, 1024).Draw(t, "bits"))
		got := make([]byte, 8)
		c.Encrypt(got, plain)
		c.Decrypt(got, got)
		if !bytes.Equal(got, plain) {
			t.Errorf("%x became %x", plain, got)
		}
	})
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
