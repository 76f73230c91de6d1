package rsapub

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"testing"
)

// moduli are odd numbers of all lengths that matter: at the ends of each kernel, full of ones and of zeros.
func moduli() (out []*big.Int) {
	r := mathrand.New(mathrand.NewPCG(1, 2))
	for _, bits := range []uint{1024, 1025, 1536, 2047, 2048, 2049, 2077, 2078, 2079, 3072, 3325, 3326, 3327, 4000, 4095, 4096} {
		ones := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(1))
		sparse := new(big.Int).SetBit(big.NewInt(1), int(bits-1), 1)
		octets := make([]byte, (bits+7)/8)
		for i := range octets {
			octets[i] = byte(r.Uint32())
		}
		random := new(big.Int).SetBytes(octets)
		random.And(random, ones).SetBit(random, 0, 1).SetBit(random, int(bits-1), 1)
		out = append(out, ones, sparse, random)
	}
	return out
}

// The power is that of math/big, for bases at the edges and at random, and what is no signature for a modulus is refused.
func TestPower(t *testing.T) {
	if New(big.NewInt(0).SetBit(big.NewInt(1), 2047, 1), 3) == nil {
		t.Skip("the processor has no AVX-512 IFMA")
	}
	for _, n := range moduli() {
		for _, e := range []uint{3, 5, 17, 65537, 1<<31 - 1} {
			k := New(n, e)
			if k == nil {
				t.Fatalf("no key for %d bits", n.BitLen())
			}
			for i, base := range bases(t, n) {
				sig := base.FillBytes(make([]byte, k.Size()))
				got := k.Power(sig)
				want := new(big.Int).Exp(base, big.NewInt(int64(e)), n).FillBytes(make([]byte, k.Size()))
				if !bytes.Equal(got, want) {
					t.Fatalf("%d bits, e %d, base %d: %x, want %x", n.BitLen(), e, i, got, want)
				}
			}
		}
		k := New(n, 65537)
		for name, sig := range map[string][]byte{
			"the modulus": n.Bytes(), "none": nil, "short": make([]byte, k.Size()-1), "long": make([]byte, k.Size()+1), "above": bytes.Repeat([]byte{0xff}, k.Size()),
		} {
			if k.Power(sig) != nil {
				t.Errorf("%d bits: %s is taken", n.BitLen(), name)
			}
		}
	}
}

func bases(t *testing.T, n *big.Int) []*big.Int {
	t.Helper()
	out := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(2), new(big.Int).Sub(n, big.NewInt(1)), new(big.Int).Rsh(n, 1)}
	for range 8 {
		x, err := rand.Int(rand.Reader, n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

// Each product keeps its bound and its value, where carries run through all limbs as well as at random.
func TestProduct(t *testing.T) {
	if limbsFor(2048) == 0 {
		t.Skip("the processor has no AVX-512 IFMA")
	}
	for _, n := range moduli() {
		k := New(n, 3)
		r := new(big.Int).Lsh(big.NewInt(1), uint(limbBits*k.limbs))
		inverse := new(big.Int).ModInverse(r, n)
		twice := new(big.Int).Lsh(n, 1)
		factors := append(bases(t, n), n, new(big.Int).Sub(twice, big.NewInt(1)))
		for _, a := range factors {
			for _, b := range factors {
				x, y := natOf(a), natOf(b)
				k.product(&x, &x, &y)
				got := intOf(x)
				want := new(big.Int).Mul(a, b)
				want.Mul(want, inverse).Mod(want, n)
				if got.Cmp(twice) >= 0 || new(big.Int).Mod(got, n).Cmp(want) != 0 {
					t.Fatalf("%d bits: %x times %x is %x", n.BitLen(), a, b, got)
				}
			}
		}
	}
}

func natOf(v *big.Int) (x nat) { x.set(v.Bytes()); return x }

func intOf(x nat) *big.Int {
	v := new(big.Int)
	for i := len(x) - 1; i >= 0; i-- {
		if x[i] > limbMask {
			panic(fmt.Sprintf("limb %d has %x", i, x[i]))
		}
		v.Lsh(v, limbBits).Or(v, new(big.Int).SetUint64(x[i]))
	}
	return v
}

func TestNewRefuses(t *testing.T) {
	odd := new(big.Int).SetBit(big.NewInt(1), 2047, 1)
	for name, k := range map[string]*Key{
		"even modulus": New(new(big.Int).SetBit(new(big.Int), 2047, 1), 65537), "long": New(new(big.Int).SetBit(big.NewInt(1), 4096, 1), 65537),
		"short": New(new(big.Int).SetBit(big.NewInt(1), 1022, 1), 65537), "negative": New(new(big.Int).Neg(odd), 65537),
		"even exponent": New(odd, 4), "exponent 1": New(odd, 1),
	} {
		if k != nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzPower(f *testing.F) {
	f.Add([]byte{1}, []byte{2}, uint16(2048))
	f.Fuzz(func(t *testing.T, modulus, base []byte, bits uint16) {
		size := BitsMin + int(bits)%(BitsMax-BitsMin+1)
		n := new(big.Int).SetBytes(modulus)
		n.And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(size)), big.NewInt(1)))
		n.SetBit(n, size-1, 1).SetBit(n, 0, 1)
		s := new(big.Int).SetBytes(base)
		s.Mod(s, n)
		k := New(n, 65537)
		if k == nil {
			t.Skip("the processor has no AVX-512 IFMA")
		}
		got := k.Power(s.FillBytes(make([]byte, k.Size())))
		if want := s.Exp(s, big.NewInt(65537), n).FillBytes(make([]byte, k.Size())); !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
	})
}

func BenchmarkPower(b *testing.B) {
	for _, bits := range []uint{2048, 3072, 4096} {
		n := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(5))
		s := new(big.Int).Sub(n, big.NewInt(12345)).Bytes()
		b.Run(fmt.Sprint(bits), func(b *testing.B) {
			k := New(n, 65537)
			if k == nil {
				b.Skip("the processor has no AVX-512 IFMA")
			}
			for b.Loop() {
				_ = k.Power(s)
			}
		})
	}
}
