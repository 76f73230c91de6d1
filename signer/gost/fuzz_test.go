package gost

import (
	"bytes"
	"math/big"
	"testing"
)

// FuzzVerify compares the verdict on any octets with the reference's, over all curves: nothing that the one takes is
// refused by the other, and nothing panics. A valid signature stands behind each seed, so that mutations start close
// to acceptance.
func FuzzVerify(f *testing.F) {
	for i, c := range curves() {
		key := c.key(f, c.scalar("fuzz"))
		digest := pattern("digest", c.bits/8)
		sig, err := key.Sign(nil, digest, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), publicOf(f, key).Bytes(), digest, sig)
		f.Add(uint8(i), publicOf(f, key).Bytes(), make([]byte, c.bits/8), sig)
		f.Add(uint8(i), publicOf(f, key).Bytes(), digest, append(c.ref.le(c.ref.q), sig[c.bits/8:]...))
		f.Add(uint8(i), sig, sig[:c.bits/8], digest)
	}
	f.Fuzz(func(t *testing.T, which uint8, xy, digest, sig []byte) {
		c := curves()[int(which)%len(curves())]
		n := c.bits / 8
		key, err := NewPublicKey(c.Curve, xy)
		var p refPoint
		valid := len(xy) == 2*n
		if valid {
			p = refPoint{c.ref.int(xy[:n]), c.ref.int(xy[n:])}
			valid = c.ref.contains(p)
		}
		if (err == nil) != valid {
			t.Fatalf("NewPublicKey of %x: %v, the reference says %v", xy, err, valid)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(key.Bytes(), xy) {
			t.Fatalf("key %x comes back as %x", xy, key.Bytes())
		}
		want := c.ref.verify(p, digest, sig)
		if got := key.Verify(digest, sig); got != want {
			t.Fatalf("Verify says %v, the reference %v", got, want)
		}
		if got := key.VerifyRFC(digest, reversed(nil, sig)); got != want {
			t.Fatalf("VerifyRFC says %v, the reference %v", got, want)
		}
	})
}

// contains reports whether p has coordinates below p, lies on the curve and is of order q.
func (c *refCurve) contains(p refPoint) bool {
	if p.x.Cmp(c.p) >= 0 || p.y.Cmp(c.p) >= 0 {
		return false
	}
	rhs := new(big.Int).Exp(p.x, big.NewInt(3), c.p)
	rhs.Add(rhs, new(big.Int).Mul(c.a, p.x)).Add(rhs, c.b)
	lhs := new(big.Int).Mul(p.y, p.y)
	return lhs.Sub(lhs, rhs).Mod(lhs, c.p).Sign() == 0 && c.mul(c.q, p).x == nil
}

// FuzzSign makes a key of any octets, signs any digest and lets the reference judge.
func FuzzSign(f *testing.F) {
	for i, c := range curves() {
		f.Add(uint8(i), pattern("d", c.bits/8), pattern("m", c.bits/8), []byte{})
		f.Add(uint8(i), []byte{1}, make([]byte, c.bits/8), pattern("r", 32))
		f.Add(uint8(i), c.ref.q.Bytes(), make([]byte, c.bits/8), pattern("r", 32))
	}
	f.Fuzz(func(t *testing.T, which uint8, scalar, digest, rand []byte) {
		c := curves()[int(which)%len(curves())]
		n := c.bits / 8
		key, err := NewPrivateKey(c.Curve, scalar)
		d := new(big.Int).SetBytes(scalar)
		if valid := d.Sign() > 0 && d.Cmp(c.ref.q) < 0; (err == nil) != valid {
			t.Fatalf("NewPrivateKey of %x: %v", scalar, err)
		}
		if err != nil {
			return
		}
		pub := publicOf(t, key).Bytes()
		if want := c.ref.public(d); !bytes.Equal(pub, want) {
			t.Fatalf("public key of %x is %x, want %x", d, pub, want)
		}
		var sig []byte
		if len(rand) > 0 {
			sig, err = key.Sign(bytes.NewReader(rand), digest, nil)
		} else {
			sig, err = key.Sign(nil, digest, nil)
		}
		if (err == nil) != (len(digest) == n && (len(rand) == 0 || len(rand) >= 32)) {
			t.Fatalf("Sign: %v", err)
		}
		if err == nil && !c.ref.verify(refPoint{c.ref.int(pub[:n]), c.ref.int(pub[n:])}, digest, sig) {
			t.Fatalf("the reference refuses %x", sig)
		}
	})
}

// FuzzHash splits a message at two places and compares the vector instructions, the tables and one Write.
func FuzzHash(f *testing.F) {
	f.Add([]byte(nil), uint16(0), uint16(0))
	f.Add(pattern("m", 1000), uint16(64), uint16(129))
	f.Add(bytes.Repeat([]byte{255}, 500), uint16(31), uint16(33))
	f.Fuzz(func(t *testing.T, p []byte, i, j uint16) {
		a := min(int(i), len(p))
		b := min(max(a, int(j)), len(p))
		for _, size := range []int{32, 64} {
			whole, split := portableStreebog(size), newStreebog(size)
			_, _ = whole.Write(p)
			for _, part := range [][]byte{p[:a], p[a:b], p[b:]} {
				_, _ = split.Write(part)
			}
			if x, y := whole.Sum(nil), split.Sum(nil); !bytes.Equal(x, y) {
				t.Fatalf("%x and %x", x, y)
			}
		}
		for _, s := range []*SBox{SBoxTest(), SBoxCryptoPro()} {
			split := New34311(s)
			for _, part := range [][]byte{p[:a], p[a:b], p[b:]} {
				_, _ = split.Write(part)
			}
			if got, want := split.Sum(nil), refGost94(s, p); !bytes.Equal(got, want) {
				t.Fatalf("34.11-94 of %x with %s: %x, want %x", p, s.Name(), got, want)
			}
		}
	})
}

// FuzzField compares field arithmetic with math/big on any operands, over every modulus of the package.
func FuzzField(f *testing.F) {
	f.Add(uint8(0), make([]byte, 128))
	f.Add(uint8(9), bytes.Repeat([]byte{255}, 128))
	f.Add(uint8(3), pattern("xy", 128))
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		if len(b) != 128 {
			return
		}
		c := curves()[int(which)%len(curves())]
		p := c.ref.p
		if which&128 != 0 {
			p = c.ref.q
		}
		if c.bits == 256 {
			fuzzField[[4]uint64](t, p, b)
		} else {
			fuzzField[[8]uint64](t, p, b)
		}
	})
}

func fuzzField[E elem](t *testing.T, p *big.Int, b []byte) {
	t.Helper()
	f := newField(intLimbs[E](p))
	x, y := limbsLE[E](b), limbsLE[E](b[64:])
	xi, yi := limbsInt(x), limbsInt(y)
	f.fromInt(&x, &x)
	f.fromInt(&y, &y)
	check := func(op string, z E, want *big.Int) {
		if got := fieldInt(f, z); got.Cmp(want.Mod(want, p)) != 0 {
			t.Fatalf("%s of %x, %x mod %x: %x, want %x", op, xi, yi, p, got, want)
		}
	}
	var z E
	f.mul(&z, &x, &y)
	check("mul", z, new(big.Int).Mul(xi, yi))
	f.sqr(&z, &x)
	check("sqr", z, new(big.Int).Mul(xi, xi))
	f.sub(&z, &x, &y)
	check("sub", z, new(big.Int).Sub(xi, yi))
	f.half(&z, &x)
	f.add(&z, &z, &z)
	check("half", z, new(big.Int).Set(xi))
	if inv := new(big.Int).ModInverse(xi, p); inv != nil {
		f.invVar(&z, &x)
		check("invVar", z, inv)
	}
}
