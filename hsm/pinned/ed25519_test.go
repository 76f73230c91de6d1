package pinned

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sharedEd is the base point's table, made once for all tests.
var sharedEd = NewEd25519()

func pinEd(tb testing.TB, pub ed25519.PublicKey) *EdKey {
	tb.Helper()
	k, err := sharedEd.Key(pub)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestEd25519AgreesWithTheStandardLibrary(t *testing.T) {
	pub, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	k := pinEd(t, pub)
	rapid.Check(t, func(rt *rapid.T) {
		message := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(rt, "message")
		signature := ed25519.Sign(private, message)
		if !k.Verify(message, signature) {
			rt.Fatalf("signature %x of %x is refused", signature, message)
		}
		at := rapid.IntRange(0, 511).Draw(rt, "bit")
		signature[at/8] ^= 1 << (at % 8)
		if got, want := k.Verify(message, signature), ed25519.Verify(pub, message, signature); got != want {
			rt.Fatalf("altered signature %x of %x: %t, crypto/ed25519 says %t", signature, message, got, want)
		}
	})
}

// little is a number of 32 octets, the lowest first.
func little(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// Values where formulas or digits break: keys of small order and in forms that are not canonical, S at nought, one, the order of the group and
// about it, R of small order, digits that all carry. crypto/ed25519 decides what is right.
func TestEd25519DegenerateValues(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	one := big.NewInt(1)
	torsion := [][]byte{ // the points of small order
		little(one), little(new(big.Int)), little(new(big.Int).Sub(p, one)),
		unhex(t, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), unhex(t, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
		little(p), little(new(big.Int).Add(p, one)), // nought and one again, not canonical
	}
	pub, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := append([][]byte{pub, little(big.NewInt(3))}, torsion...)
	scalars := [][]byte{little(new(big.Int)), little(one), little(new(big.Int).Sub(order, one)), little(order), little(new(big.Int).Add(order, one)), bytes.Repeat([]byte{0xff}, 32)}
	for _, digit := range []byte{0x7f, 0x80, 0x81, 0xff} {
		s := bytes.Repeat([]byte{digit}, 32)
		s[31] = 0x0f
		scalars = append(scalars, s)
	}
	accepted, judged := 0, 0
	for _, key := range keys {
		k, err := sharedEd.Key(key)
		if err != nil {
			if ed25519.Verify(key, nil, append(slices.Clone(torsion[0]), scalars[0]...)) {
				t.Errorf("key %x is refused", key)
			}
			continue
		}
		for _, r := range torsion {
			for _, s := range scalars {
				for _, message := range [][]byte{nil, {1}, {2}, {3}} {
					signature := append(slices.Clone(r), s...)
					want := ed25519.Verify(key, message, signature)
					if got := k.Verify(message, signature); got != want {
						t.Errorf("key %x, signature %x of %x: %t, crypto/ed25519 says %t", key, signature, message, got, want)
					}
					if judged++; want {
						accepted++
					}
				}
			}
		}
	}
	if accepted == 0 || accepted == judged {
		t.Errorf("%d of %d are good, so the test shows little", accepted, judged)
	}
	k, signature := pinEd(t, pub), ed25519.Sign(private, nil)
	for _, n := range []int{0, 63} {
		if k.Verify(nil, signature[:n]) {
			t.Errorf("%d bytes are a signature", n)
		}
	}
	if k.Verify(nil, append(slices.Clone(signature), 0)) {
		t.Error("65 bytes are a signature")
	}
	for _, bad := range [][]byte{nil, pub[:31], bytes.Repeat([]byte{2}, 33), little(big.NewInt(2))} { // 2 is no y of a point
		if _, err := sharedEd.Key(bad); !errors.Is(err, ErrKey) {
			t.Errorf("key %x: %v", bad, err)
		}
	}
}

func BenchmarkEd25519(b *testing.B) {
	pub, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	k, message := pinEd(b, pub), make([]byte, 32)
	signature := ed25519.Sign(private, message)
	b.Run("pinned", func(b *testing.B) {
		for b.Loop() {
			if !k.Verify(message, signature) {
				b.Fatal("the signature does not verify")
			}
		}
	})
	b.Run("crypto/ed25519", func(b *testing.B) {
		for b.Loop() {
			if !ed25519.Verify(pub, message, signature) {
				b.Fatal("the signature does not verify")
			}
		}
	})
}
