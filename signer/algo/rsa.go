package algo

import (
	"bytes"
	"crypto/rsa"
	"crypto/subtle"
	"fmt"
	"math/big"

	"qaqpa/signer/asn1ber"
)

// LongRSA is an RSA public key whose exponent crypto/rsa does not take: some authorities of the past chose them at random.
// It is immutable.
type LongRSA struct{ N, E *big.Int }

// exponentBitsMax bounds public exponents (FIPS 186-5 5.1: below 2^256), so that a key cannot make each verification as
// costly as a private operation.
const exponentBitsMax = 256

// ownModulusBits is the size from which the exponentiation of math/big is faster than that of crypto/rsa, which takes
// constant time over public values; below, crypto/rsa has a special path.
const ownModulusBits = 2049

// publicPower is sig^e mod n as octets of the modulus's length; nil for a signature of another length or not below n (RFC
// 8017 5.2.2, 8.1.2: both are invalid).
func publicPower(n, e *big.Int, sig []byte) []byte {
	size := (n.BitLen() + 7) / 8
	if len(sig) != size {
		return nil
	}
	s := new(big.Int).SetBytes(sig)
	if s.Cmp(n) >= 0 {
		return nil
	}
	return s.Exp(s, e, n).FillBytes(make([]byte, size))
}

// verifyPKCS1 is RSASSA-PKCS1-v1_5 (RFC 8017 8.2.2): the encoded message is rebuilt and compared whole, so that no padding is
// parsed (the flaw that Bleichenbacher used in 2006).
func verifyPKCS1(n *big.Int, raise power, h Hash, digest, sig []byte) error {
	prefix, ok := digestInfo[h]
	if !ok {
		return fmt.Errorf("%w: RSA with %s", ErrMismatch, h)
	}
	size, info := (n.BitLen()+7)/8, len(prefix)+len(digest)
	if size < info+11 {
		return fmt.Errorf("%w: %s does not fit a modulus of %d bits", ErrNotAllowed, h, n.BitLen())
	}
	var space [512]byte
	want := append(space[:0], 0, 1)
	for range size - info - 3 {
		want = append(want, 0xff)
	}
	want = append(append(append(want, 0), prefix...), digest...)
	return verdict(bytes.Equal(raise.Power(sig), want))
}

// digestInfo is the DER of DigestInfo up to its digest, for the hashes that the standard library names.
var digestInfo = digestInfos()

func digestInfos() map[Hash]string {
	m := map[Hash]string{}
	for h := MD5; h < hashEnd; h++ {
		if h.Crypto() == 0 {
			continue
		}
		id := commonIdentifiers(asn1ber.MustOID(h.OID()))[1] // with NULL (RFC 8017 A.2.4)
		whole := asn1ber.Wrap(asn1ber.Sequence, []byte(id), asn1ber.Primitive(asn1ber.OctetString, make([]byte, h.Size())))
		m[h] = string(whole[:len(whole)-h.Size()])
	}
	return m
}

// verifyPSS is EMSA-PSS-VERIFY (RFC 8017 9.1.2) with a salt of exactly the length that the algorithm names.
func verifyPSS(n *big.Int, raise power, params PSSParams, digest, sig []byte) error {
	h, salt := params.Hash, params.SaltLength
	em := raise.Power(sig)
	if em == nil {
		return ErrSignature
	}
	bits := n.BitLen() - 1
	size := (bits + 7) / 8
	if len(em) > size { // the modulus has one octet more than the message: it is zero
		if em[0] != 0 {
			return ErrSignature
		}
		em = em[1:]
	}
	length := h.Size()
	if size < length+salt+2 || em[size-1] != 0xbc {
		return ErrSignature
	}
	db, hash := em[:size-length-1], em[size-length-1:size-1]
	unused := 8*size - bits
	if db[0]>>(8-unused) != 0 {
		return ErrSignature
	}
	mask := mgf1(h, hash, len(db))
	subtle.XORBytes(db, db, mask)
	db[0] &= 0xff >> unused
	zeros := len(db) - salt - 1
	for _, b := range db[:zeros] {
		if b != 0 {
			return ErrSignature
		}
	}
	if db[zeros] != 1 {
		return ErrSignature
	}
	w := h.New()
	w.Write(make([]byte, 8))
	w.Write(digest)
	w.Write(db[zeros+1:])
	return verdict(bytes.Equal(w.Sum(nil), hash))
}

// mgf1 is RFC 8017 B.2.1.
func mgf1(h Hash, seed []byte, length int) []byte {
	out := make([]byte, 0, length+h.Size())
	for counter := uint32(0); len(out) < length; counter++ {
		w := h.New()
		w.Write(seed)
		w.Write([]byte{byte(counter >> 24), byte(counter >> 16), byte(counter >> 8), byte(counter)})
		out = w.Sum(out)
	}
	return out[:length]
}

// verifyOwnRSA verifies with an exponentiation of our own choice.
func (s Signature) verifyOwnRSA(n *big.Int, raise power, digest, sig []byte) error {
	if s.Hash.Crypto() == 0 {
		return fmt.Errorf("%w: RSA with %s", ErrMismatch, s.Hash)
	}
	if s.PSS != nil {
		return verifyPSS(n, raise, *s.PSS, digest, sig)
	}
	return verifyPKCS1(n, raise, s.Hash, digest, sig)
}

// verifyRSA verifies with the constants of the key's modulus where they are kept, with math/big where that is faster, and else with
// crypto/rsa.
func (s Signature) verifyRSA(key *rsa.PublicKey, known *rsaModulus, digest, sig []byte) error {
	if raise := known.powerFor(key); raise != nil {
		return s.verifyOwnRSA(key.N, raise, digest, sig)
	}
	if key.N.BitLen() >= ownModulusBits || s.PSS != nil && s.PSS.SaltLength == 0 {
		// crypto/rsa takes a salt length of 0 for "any": it has no way to demand an empty salt.
		return s.verifyOwnRSA(key.N, bigPower{key.N, big.NewInt(int64(key.E))}, digest, sig)
	}
	if s.PSS != nil {
		opts := rsa.PSSOptions{SaltLength: s.PSS.SaltLength, Hash: s.Hash.Crypto()}
		return verdict(rsa.VerifyPSS(key, opts.Hash, digest, sig, &opts) == nil)
	}
	if s.Hash.Crypto() == 0 {
		return fmt.Errorf("%w: RSA with %s", ErrMismatch, s.Hash)
	}
	// VerifyPKCS1v15 rebuilds the encoded message and compares: no lenient parsing of the padding.
	return verdict(rsa.VerifyPKCS1v15(key, s.Hash.Crypto(), digest, sig) == nil)
}
