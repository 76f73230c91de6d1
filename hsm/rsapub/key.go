package rsapub

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"math/bits"
)

const (
	limbBits = 52
	limbMask = 1<<limbBits - 1
)

// Bounds of the moduli that New takes, in bits.
const (
	BitsMin = 1024
	BitsMax = 4096
)

// nat is a number in limbs of 52 bits, the lowest first. The last eight are zero: the assembly reads one limb beyond the longest.
type nat [88]uint64

// Key is a public key with what Montgomery multiplication wants to know of it. It is immutable.
type Key struct {
	n, rr  nat    // the modulus, and R² modulo it
	k0     uint64 // -1/n modulo 2^64
	e      uint
	limbs  int    // of R = 2^(52·limbs) ≥ 4n
	octets []byte // the modulus, big-endian
}

// New prepares a key; nil where the processor has no AVX-512 IFMA, or for an even modulus, one outside of BitsMin to BitsMax, and
// an exponent that is even or below 3.
func New(n *big.Int, e uint) *Key {
	size := n.BitLen()
	if n.Sign() <= 0 || size < BitsMin || size > BitsMax || n.Bit(0) == 0 || e < 3 || e&1 == 0 {
		return nil
	}
	limbs := limbsFor(size)
	if limbs == 0 {
		return nil
	}
	k := &Key{e: e, octets: n.Bytes(), limbs: limbs}
	k.n.set(k.octets)
	rr := new(big.Int).Lsh(big.NewInt(1), uint(2*limbBits*limbs))
	k.rr.set(rr.Mod(rr, n).Bytes())
	k.k0 = -inverse(n.Bits()[0])
	return k
}

// inverse is 1/w modulo 2^64 for an odd w: each round of Newton's doubles the bits that are right, of which w itself has three.
func inverse(w big.Word) uint64 {
	x := uint64(w)
	for range 5 {
		x *= 2 - uint64(w)*x
	}
	return x
}

// Size is the length of the modulus in octets.
func (k *Key) Size() int { return len(k.octets) }

// Power is sig^e mod n, as octets of the modulus's length in a new slice; nil for a signature of another length or not below
// n (RFC 8017 5.2.2, 8.1.2: both are invalid). Safe for concurrent use.
func (k *Key) Power(sig []byte) []byte {
	if len(sig) != len(k.octets) || bytes.Compare(sig, k.octets) >= 0 {
		return nil
	}
	var s, mont, x nat
	s.set(sig)
	k.product(&mont, &s, &k.rr) // s·R
	x = mont
	for i := bits.Len(k.e) - 2; i > 0; i-- {
		k.product(&x, &x, &x)
		if k.e>>i&1 == 1 {
			k.product(&x, &x, &mont)
		}
	}
	k.product(&x, &x, &x)
	k.product(&x, &x, &s) // e is odd: its last factor takes R away as well
	x.reduce(&k.n)
	return x.bytes(len(k.octets))
}

// set reads big-endian octets, at most 520.
func (x *nat) set(octets []byte) {
	var space [(len(x)-8)*limbBits/8 + 16]byte
	at := len(space) - len(octets)
	copy(space[at:], octets)
	bit := 0
	for i := range len(octets)*8/limbBits + 1 {
		x[i] = binary.BigEndian.Uint64(space[len(space)-bit/8-8:]) >> (bit % 8) & limbMask // bit is a multiple of four: 56 bits and more are there
		bit += limbBits
	}
}

// bytes are the number as big-endian octets of a given length, which it fits.
func (x *nat) bytes(size int) []byte {
	out := make([]byte, size)
	var waiting uint64
	have, limb := 0, 0
	for at := size - 1; at >= 0; at-- {
		if have < 8 {
			waiting |= x[limb] << have
			have += limbBits
			limb++
		}
		out[at] = byte(waiting)
		waiting >>= 8
		have -= 8
	}
	return out
}

// reduce brings a number below 2n below n.
func (x *nat) reduce(n *nat) {
	var less nat
	borrow := uint64(0)
	for i := range x {
		d := x[i] - n[i] - borrow
		borrow = d >> 63
		less[i] = d & limbMask
	}
	if borrow == 0 {
		*x = less
	}
}
