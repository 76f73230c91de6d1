package gostref

import (
	"errors"
	"fmt"
	"io"
	"math/big"
)

// Curve is a short Weierstrass curve with a subgroup of prime order: y² = x³ + ax + b over GF(P).
type Curve struct {
	Name       string
	P, A, B, Q *big.Int
	Gx, Gy     *big.Int
	Size       int // octets of a coordinate, and of r and s: 32 or 64
}

// Point in affine coordinates; X == nil is the point at infinity.
type Point struct{ X, Y *big.Int }

func number(hex string) *big.Int {
	n, ok := new(big.Int).SetString(hex, 16)
	if !ok {
		panic("gostref: bad constant " + hex) // only constants of this file reach it
	}
	return n
}

func minus(bits uint, d int64) *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), bits)
	return p.Sub(p, big.NewInt(d))
}

// CryptoProA is id-GostR3410-2001-CryptoPro-A-ParamSet (RFC 4357 11.4), the curve of GOST 34.310-2004 keys.
func CryptoProA() *Curve {
	p := minus(256, 617)
	return &Curve{
		Name: "id-GostR3410-2001-CryptoPro-A-ParamSet", P: p, A: new(big.Int).Sub(p, big.NewInt(3)), B: big.NewInt(0xA6),
		Q:  number("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893"),
		Gx: big.NewInt(1), Gy: number("8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14"), Size: 32,
	}
}

// TC26Curve256A is id-tc26-gost-3410-2012-256-paramSetA (RFC 7836 A.2), the curve of GOST R 34.10-2015-256 keys. Its group has four times Q points.
func TC26Curve256A() *Curve {
	return &Curve{
		Name: "id-tc26-gost-3410-2012-256-paramSetA", P: minus(256, 617),
		A:  number("C2173F1513981673AF4892C23035A27CE25E2013BF95AA33B22C656F277E7335"),
		B:  number("295F9BAE7428ED9CCC20E7C359A9D41A22FCCD9108E17BF7BA9337A6F8AE9513"),
		Q:  number("400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67"),
		Gx: number("91E38443A5E82C0D880923425712B2BB658B9196932E02C78B2582FE742DAA28"),
		Gy: number("32879423AB1A0375895786C4BB46E9565FDE0B5344766740AF268ADB32322E5C"), Size: 32,
	}
}

// TC26Curve512A is id-tc26-gost-3410-12-512-paramSetA (RFC 7836 A.1), the curve of GOST R 34.10-2015-512 keys.
func TC26Curve512A() *Curve {
	p := minus(512, 569)
	return &Curve{
		Name: "id-tc26-gost-3410-12-512-paramSetA", P: p, A: new(big.Int).Sub(p, big.NewInt(3)),
		B:  number("E8C2505DEDFC86DDC1BD0B2B6667F1DA34B82574761CB0E879BD081CFD0B6265EE3CB090F30D27614CB4574010DA90DD862EF9D4EBEE4761503190785A71C760"),
		Q:  number("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275"),
		Gx: big.NewInt(3), Gy: number("7503CFE87A836AE3A61B8816E25450E6CE5E1C93ACF1ABC1778064FDCBEFA921DF1626BE4FD036E93D75E6A50E3A41E98028FE5FC235F5B889A589CB5215F2A4"), Size: 64,
	}
}

// Test256 is the curve of the example in RFC 7091 7.1 (GOST R 34.10-2001 test parameters).
func Test256() *Curve {
	return &Curve{
		Name: "id-GostR3410-2001-TestParamSet",
		P:    number("8000000000000000000000000000000000000000000000000000000000000431"), A: big.NewInt(7),
		B:  number("5FBFF498AA938CE739B8E022FBAFEF40563F6E6A3472FC2A514C0CE9DAE23B7E"),
		Q:  number("8000000000000000000000000000000150FE8A1892976154C59CFC193ACCF5B3"),
		Gx: big.NewInt(2), Gy: number("08E2A8A0E65147D4BD6316030E16D19C85C97F0A9CA267122B96ABBCEA7E8FC8"), Size: 32,
	}
}

// On says whether the point is on the curve and not at infinity.
func (c *Curve) On(p Point) bool {
	if p.X == nil || p.X.Sign() < 0 || p.Y.Sign() < 0 || p.X.Cmp(c.P) >= 0 || p.Y.Cmp(c.P) >= 0 {
		return false
	}
	left := new(big.Int).Mul(p.Y, p.Y)
	right := new(big.Int).Mul(p.X, p.X)
	right.Add(right, c.A).Mul(right, p.X).Add(right, c.B)
	return left.Sub(left, right).Mod(left, c.P).Sign() == 0
}

// Add is the group law.
func (c *Curve) Add(p, q Point) Point {
	if p.X == nil {
		return q
	}
	if q.X == nil {
		return p
	}
	var num, den *big.Int
	if p.X.Cmp(q.X) == 0 {
		if sum := new(big.Int).Add(p.Y, q.Y); sum.Mod(sum, c.P).Sign() == 0 {
			return Point{}
		}
		num = new(big.Int).Mul(p.X, p.X)
		num.Mul(num, big.NewInt(3)).Add(num, c.A)
		den = new(big.Int).Lsh(p.Y, 1)
	} else {
		num = new(big.Int).Sub(q.Y, p.Y)
		den = new(big.Int).Sub(q.X, p.X)
	}
	slope := den.ModInverse(den.Mod(den, c.P), c.P)
	slope.Mul(slope, num).Mod(slope, c.P)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.X).Sub(x, q.X).Mod(x, c.P)
	y := new(big.Int).Sub(p.X, x)
	y.Mul(y, slope).Sub(y, p.Y).Mod(y, c.P)
	return Point{x, y}
}

// Multiply is k·p by doubling and adding.
func (c *Curve) Multiply(k *big.Int, p Point) Point {
	var sum Point
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = c.Add(sum, sum)
		if k.Bit(i) == 1 {
			sum = c.Add(sum, p)
		}
	}
	return sum
}

// Base is the generator.
func (c *Curve) Base() Point { return Point{c.Gx, c.Gy} }

// scalar draws a number in [1, Q-1].
func (c *Curve) scalar(rand io.Reader) (*big.Int, error) {
	buf := make([]byte, c.Size)
	for range 1000 {
		if _, err := io.ReadFull(rand, buf); err != nil {
			return nil, fmt.Errorf("couldn't read randomness: %w", err)
		}
		k := new(big.Int).SetBytes(buf)
		if k.Sign() > 0 && k.Cmp(c.Q) < 0 {
			return k, nil
		}
	}
	return nil, errors.New("randomness gave no scalar in a thousand draws")
}
