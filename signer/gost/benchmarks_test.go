package gost

import (
	"hash"
	"testing"
)

func BenchmarkVerify(b *testing.B) {
	for _, c := range curves() {
		b.Run(c.name, func(b *testing.B) {
			key := c.key(b, c.scalar("d"))
			digest := pattern("m", c.bits/8)
			sig, _ := key.Sign(nil, digest, nil)
			pub := publicOf(b, key)
			b.ReportAllocs()
			for b.Loop() {
				if !pub.Verify(digest, sig) {
					b.Fatal("refused")
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, c := range curves() {
		b.Run(c.name, func(b *testing.B) {
			key := c.key(b, c.scalar("d"))
			digest := pattern("m", c.bits/8)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = key.Sign(nil, digest, nil)
			}
		})
	}
}

func BenchmarkHash(b *testing.B) {
	for name, h := range map[string]hash.Hash{
		"Streebog256": NewStreebog256(), "Streebog512": NewStreebog512(), "34311": New34311(SBoxTest()),
	} {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 65536)
			b.SetBytes(int64(len(buf)))
			for b.Loop() {
				h.Reset()
				_, _ = h.Write(buf)
				_ = h.Sum(nil)
			}
		})
	}
}

func BenchmarkField(b *testing.B) {
	f4 := CryptoProA().arith.(*group[[4]uint64]) //nolint:errcheck // four limbs
	f8 := TC26_512A().arith.(*group[[8]uint64])  //nolint:errcheck // eight limbs
	x4, x8 := f4.g.y, f8.g.y
	b.Run("mul4", func(b *testing.B) {
		for b.Loop() {
			f4.fp.mul(&x4, &x4, &x4)
		}
	})
	b.Run("sqr4", func(b *testing.B) {
		for b.Loop() {
			f4.fp.sqr(&x4, &x4)
		}
	})
	b.Run("add4", func(b *testing.B) {
		for b.Loop() {
			f4.fp.add(&x4, &x4, &x4)
		}
	})
	b.Run("mont4", func(b *testing.B) {
		for b.Loop() {
			f4.fq.mul(&x4, &x4, &x4)
		}
	})
	b.Run("inv4", func(b *testing.B) {
		for b.Loop() {
			f4.fq.inv(&x4, &x4)
		}
	})
	b.Run("invVar4", func(b *testing.B) {
		for b.Loop() {
			f4.fq.invVar(&x4, &x4)
		}
	})
	b.Run("mul8", func(b *testing.B) {
		for b.Loop() {
			f8.fp.mul(&x8, &x8, &x8)
		}
	})
	b.Run("sqr8", func(b *testing.B) {
		for b.Loop() {
			f8.fp.sqr(&x8, &x8)
		}
	})
	b.Run("mont8", func(b *testing.B) {
		for b.Loop() {
			f8.fq.mul(&x8, &x8, &x8)
		}
	})
	b.Run("inv8", func(b *testing.B) {
		for b.Loop() {
			f8.fq.inv(&x8, &x8)
		}
	})
	b.Run("invVar8", func(b *testing.B) {
		for b.Loop() {
			f8.fq.invVar(&x8, &x8)
		}
	})
	b.Run("base4", func(b *testing.B) {
		k := f4.fq.p
		k[0]--
		for b.Loop() {
			f4.mulBase(&k)
		}
	})
	b.Run("base8", func(b *testing.B) {
		k := f8.fq.p
		k[0]--
		for b.Loop() {
			f8.mulBase(&k)
		}
	})
}
