package algo

import (
	"crypto/rsa"
	"math/big"
	"sync"

	"qaqpa/hsm/rsapub"

	"filippo.io/bigmod"
)

// power is sig^e mod n as octets of the modulus's length; nil for a signature of another length or not below n (RFC 8017 5.2.2,
// 8.1.2: both are invalid).
type power func(sig []byte) []byte

// powerOf computes with math/big.
func powerOf(n, e *big.Int) power {
	return func(sig []byte) []byte { return publicPower(n, e, sig) }
}

// rsaModulus keeps what Montgomery multiplication wants to know of a modulus, so that it is computed for a key once and not for every
// signature: crypto/rsa spends a third of a verification on it. It belongs to the octets of one parsed key and ends with them. Safe
// for concurrent use.
type rsaModulus struct {
	once    sync.Once
	vectors *rsapub.Key // on processors that have them
	m       *bigmod.Modulus
}

// powerFor is the power of a key, nil where crypto/rsa or math/big do better: beyond 2048 bits bigmod has no fast path, beyond 4096
// rsapub has none. Keys that crypto/rsa would refuse are left to it (even moduli, exponents that are even, below 3 or beyond 31 bits).
func (c *rsaModulus) powerFor(key *rsa.PublicKey) power {
	bits := key.N.BitLen()
	if c == nil || bits < minModulusBits || bits > rsapub.BitsMax || key.N.Bit(0) == 0 || key.E&1 == 0 || key.E < 3 || key.E > 1<<31-1 {
		return nil
	}
	c.once.Do(func() {
		if c.vectors = rsapub.New(key.N, uint(key.E)); c.vectors != nil || bits >= ownModulusBits {
			return
		}
		if m, err := bigmod.NewModulus(key.N.Bytes()); err == nil {
			c.m = m
		}
	})
	if c.vectors != nil {
		return c.vectors.Power
	}
	return c.slowly(key)
}

// slowly is the power on other processors.
func (c *rsaModulus) slowly(key *rsa.PublicKey) power {
	if c.m == nil {
		return nil
	}
	return func(sig []byte) []byte {
		if len(sig) != c.m.Size() {
			return nil
		}
		s, err := bigmod.NewNat().SetBytes(sig, c.m)
		if err != nil { // not below n
			return nil
		}
		return bigmod.NewNat().ExpShortVarTime(s, uint(key.E), c.m).Bytes(c.m)
	}
}
