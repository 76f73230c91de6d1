package pinned

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"math/big"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"
)

func newKey(tb testing.TB) (*ecdsa.PrivateKey, *Key) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return private, pin(tb, &private.PublicKey)
}

// shared is the generator's table, made once for all tests.
var shared = NewP256()

func pin(tb testing.TB, pub *ecdsa.PublicKey) *Key {
	tb.Helper()
	k, err := shared.Key(pub)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// rawOf turns the SEQUENCE of r and s into r‖s.
func rawOf(tb testing.TB, der []byte) []byte {
	tb.Helper()
	var r, s big.Int
	in, seq := cryptobyte.String(der), cryptobyte.String(nil)
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1Integer(&r) || !seq.ReadASN1Integer(&s) {
		tb.Fatalf("%x is no signature", der)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// agree judges by this package and by crypto/ecdsa, and fails the test when they differ.
func agree(tb testing.TB, pub *ecdsa.PublicKey, k *Key, digest, raw []byte) bool {
	tb.Helper()
	want := ecdsa.Verify(pub, digest, new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
	if got := k.Verify(digest, raw); got != want {
		tb.Fatalf("digest %x, signature %x: %t, crypto/ecdsa says %t", digest, raw, got, want)
	}
	return want
}

func TestAgreesWithTheStandardLibrary(t *testing.T) {
	private, k := newKey(t)
	rapid.Check(t, func(rt *rapid.T) {
		digest := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(rt, "digest")
		der, err := private.Sign(rand.Reader, digest, nil)
		if err != nil {
			rt.Fatal(err)
		}
		raw := rawOf(t, der)
		if !k.Verify(digest, raw) {
			rt.Fatalf("signature %x of %x is refused", raw, digest)
		}
		at := rapid.IntRange(0, 511).Draw(rt, "bit")
		raw[at/8] ^= 1 << (at % 8)
		want := ecdsa.Verify(&private.PublicKey, digest, new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
		if k.Verify(digest, raw) != want {
			rt.Fatalf("altered signature %x of %x", raw, digest)
		}
	})
}

// Values where formulas break: zero, one, n and its neighbours, p, and keys that are the generator or its negative, for
// which u1·G and u2·Q meet or cancel.
func TestDegenerateValues(t *testing.T) {
	c := elliptic.P256().Params()
	one := big.NewInt(1)
	minus := new(big.Int).Sub(c.P, c.Gy)
	keys := []*ecdsa.PublicKey{pubOf(t, c.Gx, c.Gy), pubOf(t, c.Gx, minus)}
	private, _ := newKey(t)
	keys = append(keys, &private.PublicKey)
	numbers := []*big.Int{
		new(big.Int), one, big.NewInt(2), new(big.Int).Sub(c.N, one), c.N, new(big.Int).Add(c.N, one), c.Gx,
		new(big.Int).Mod(c.Gx, c.N), c.P, new(big.Int).Sub(c.P, c.N), new(big.Int).Sub(new(big.Int).Lsh(one, 256), one),
	}
	accepted := 0
	for _, pub := range keys {
		k := pin(t, pub)
		for _, e := range numbers {
			for _, r := range numbers {
				for _, s := range numbers {
					raw := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
					if agree(t, pub, k, e.FillBytes(make([]byte, 32)), raw) {
						accepted++
					}
				}
			}
		}
	}
	if accepted == 0 {
		t.Error("none of the signatures is good, so the test shows little")
	}
	k := pin(t, keys[0])
	for _, n := range []int{0, 63, 65} {
		if k.Verify(make([]byte, 32), make([]byte, n)) {
			t.Errorf("%d bytes are a signature", n)
		}
	}
}

// r + n below p has the chance of 2^-128 in nature. Here Q is made for it: R with a small x, s = r, e = 0 give R = Q.
func TestXAboveTheOrder(t *testing.T) {
	c := elliptic.P256().Params()
	for x := new(big.Int).Set(c.N); x.Cmp(c.P) < 0; x.Add(x, big.NewInt(1)) {
		y2 := new(big.Int).Exp(x, big.NewInt(3), c.P)
		y2.Sub(y2, new(big.Int).Mul(big.NewInt(3), x)).Add(y2, c.B).Mod(y2, c.P)
		y := new(big.Int).ModSqrt(y2, c.P)
		r := new(big.Int).Sub(x, c.N)
		if y == nil || r.Sign() == 0 {
			continue
		}
		pub := pubOf(t, x, y)
		raw := append(r.FillBytes(make([]byte, 32)), r.FillBytes(make([]byte, 32))...)
		if !agree(t, pub, pin(t, pub), make([]byte, 32), raw) {
			t.Fatal("a signature whose x is r + n is refused")
		}
		return
	}
	t.Fatal("no point has its x above the order")
}

func pubOf(tb testing.TB, x, y *big.Int) *ecdsa.PublicKey {
	tb.Helper()
	raw := append([]byte{4}, append(x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32))...)...)
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
	if err != nil {
		tb.Fatal(err)
	}
	return pub
}

func TestKeysThatAreRefused(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, pub := range map[string]*ecdsa.PublicKey{"none": nil, "P-384": &p384.PublicKey, "no curve": {}} {
		if _, err := shared.Key(pub); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The field is held to math/big.
func TestField(t *testing.T) {
	p := elliptic.P256().Params().P
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (*big.Int, element) {
			b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x7f, 0x80, 0xfe, 0xff}), 32, 32).Draw(t, name)
			n := new(big.Int).SetBytes(b)
			n.Mod(n, p)
			var e element
			if !e.setBytes(n.FillBytes(make([]byte, 32))) {
				t.Fatal("a reduced number is refused")
			}
			return n, e
		}
		a, x := draw("a")
		b, y := draw("b")
		check := func(op string, z element, want *big.Int) {
			if got := new(big.Int).SetBytes(z.bytes()); got.Cmp(want.Mod(want, p)) != 0 {
				t.Fatalf("%x %s %x = %x, want %x", a, op, b, got, want)
			}
		}
		var z element
		z.mul(&x, &y)
		check("*", z, new(big.Int).Mul(a, b))
		z.add(&x, &y)
		check("+", z, new(big.Int).Add(a, b))
		z.sub(&x, &y)
		check("-", z, new(big.Int).Sub(a, b))
	})
	var e element
	if e.setBytes(p.FillBytes(make([]byte, 32))) {
		t.Error("p is taken for a reduced number")
	}
}

// Whatever comes back from a token is judged as the standard library judges it.
func FuzzVerify(f *testing.F) {
	private, k := newKey(f)
	digest := sha256.Sum256([]byte("seed"))
	der, err := private.Sign(rand.Reader, digest[:], nil)
	if err != nil {
		f.Fatal(err)
	}
	raw := rawOf(f, der)
	f.Add(digest[:], raw)
	f.Add([]byte{}, make([]byte, 64))
	f.Fuzz(func(t *testing.T, digest, raw []byte) {
		if len(raw) != 64 {
			if k.Verify(digest, raw) {
				t.Error("a signature of another length")
			}
			return
		}
		agree(t, &private.PublicKey, k, digest, raw)
	})
}

func BenchmarkVerify(b *testing.B) {
	private, k := newKey(b)
	digest := sha256.Sum256([]byte("benchmark"))
	der, err := private.Sign(rand.Reader, digest[:], nil)
	if err != nil {
		b.Fatal(err)
	}
	raw := rawOf(b, der)
	b.Run("pinned", func(b *testing.B) {
		for b.Loop() {
			k.Verify(digest[:], raw)
		}
	})
	b.Run("crypto/ecdsa", func(b *testing.B) {
		for b.Loop() {
			ecdsa.VerifyASN1(&private.PublicKey, digest[:], der)
		}
	})
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			pin(b, &private.PublicKey)
		}
	})
	b.Run("mul", func(b *testing.B) {
		x, y := one, square2
		for b.Loop() {
			x.mul(&x, &y)
		}
	})
}
