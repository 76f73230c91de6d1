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
type power interface{ Power(sig []byte) []byte }

// bigPower computes with math/big.
type bigPower struct{ n, e *big.Int }

// Power implements power.
func (p bigPower) Power(sig []byte) []byte { return publicPower(p.n, p.e, sig) }

// rsaModulus keeps what Montgomery multiplication wants to know of a modulus, so that it is computed for a key once and not for every
// signature: crypto/rsa spends a third of a verification on it. It belongs to the octets of one parsed key and ends with them. Safe
// for concurrent use.
type rsaModulus struct {
	once sync.Once
	kept power // by vectors on processors that have them, else by bigmod; nil: there is neither
}

// keptPower computes with bigmod.
type keptPower struct {
	m *bigmod.Modulus
	e uint
}

// Power implements power.
func (p *keptPower) Power(sig []byte) []byte {
	if len(sig) != p.m.Size() {
		return nil
	}
	s, err := bigmod.NewNat().SetBytes(sig, p.m)
	if err != nil { // not below n
		return nil
	}
	return bigmod.NewNat().ExpShortVarTime(s, p.e, p.m).Bytes(p.m)
}

// powerFor is the power of a key, nil where crypto/rsa or math/big do better: beyond 2048 bits bigmod has no fast path, beyond 4096
// rsapub has none. Keys that crypto/rsa would refuse are left to it (even moduli, exponents that are even, below 3 or beyond 31 bits).
func (c *rsaModulus) powerFor(key *rsa.PublicKey) power {
	bits := key.N.BitLen()
	if c == nil || bits < minModulusBits || bits > rsapub.BitsMax || key.N.Bit(0) == 0 || key.E&1 == 0 || key.E < 3 || key.E > 1<<31-1 {
		return nil
	}
	c.once.Do(func() {
		if k := rsapub.New(key.N, uint(key.E)); k != nil {
			c.kept = k
		} else if bits < ownModulusBits {
			c.kept = newKeptPower(key)
		}
	})
	return c.kept
}

// newKeptPower is what other processors have.
func newKeptPower(key *rsa.PublicKey) power {
	m, err := bigmod.NewModulus(key.N.Bytes())
	if err != nil {
		return nil
	}
	return &keptPower{m: m, e: uint(key.E)}
}
