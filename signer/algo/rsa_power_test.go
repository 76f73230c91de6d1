package algo

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"testing"
)

// The kept modulus says what crypto/rsa says, of good signatures and of all that is near them, and refuses the keys that it refuses.
func TestKeptModulusAgreesWithCryptoRSA(t *testing.T) {
	for _, bits := range []int{1024, 1025, 1536, 1789, 2047, 2048, 2049, 3072, 4096} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		pub, err := ParsePublicKey(spki)
		if err != nil {
			t.Fatal(err)
		}
		if pub.modulus.powerFor(&key.PublicKey) == nil && bits < ownModulusBits {
			t.Fatalf("%d bits are not kept", bits)
		}
		s := Signature{Family: RSA, Hash: SHA256}
		digest := SHA256.Sum(nil, []byte("message"))
		good, err := key.Sign(rand.Reader, digest, crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		tries := [][]byte{good, nil, good[1:], append([]byte{0}, good...), make([]byte, len(good)), new(big.Int).Sub(key.N, big.NewInt(1)).FillBytes(make([]byte, len(good)))}
		if above := new(big.Int).Add(new(big.Int).SetBytes(good), key.N); above.BitLen() <= 8*len(good) {
			tries = append(tries, above.FillBytes(make([]byte, len(good)))) // the same number modulo n
		}
		for at := range good {
			bad := append([]byte(nil), good...)
			bad[at] ^= 1 << (at % 8)
			tries = append(tries, bad)
		}
		slowly := withoutVectors(t, &key.PublicKey)
		for i, sig := range tries {
			want := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest, sig) == nil
			if got := s.VerifyDigest(pub, digest, sig) == nil; got != want || want != (i == 0) {
				t.Errorf("%d bits, try %d: %v, crypto/rsa says %v", bits, i, got, want)
			}
			if slowly == nil {
				continue
			}
			if got := s.verifyOwnRSA(key.N, slowly, digest, sig) == nil; got != want {
				t.Errorf("%d bits, try %d: %v without vectors, crypto/rsa says %v", bits, i, got, want)
			}
		}
	}
}

// withoutVectors is the power that processors without AVX-512 IFMA have; nil where it is that of math/big.
func withoutVectors(t *testing.T, key *rsa.PublicKey) power {
	t.Helper()
	if key.N.BitLen() >= ownModulusBits {
		return nil
	}
	p := newKeptPower(key)
	if p == nil {
		t.Fatal("no modulus")
	}
	return p
}

func TestModulusIsNotKept(t *testing.T) {
	odd := new(big.Int).SetBit(big.NewInt(1), 2047, 1)
	for name, key := range map[string]*rsa.PublicKey{
		"even modulus":  {N: new(big.Int).SetBit(new(big.Int), 2047, 1), E: 65537},
		"long modulus":  {N: new(big.Int).SetBit(big.NewInt(1), 4096, 1), E: 65537},
		"short modulus": {N: new(big.Int).SetBit(big.NewInt(1), 1022, 1), E: 65537},
		"even exponent": {N: odd, E: 4},
		"exponent 1":    {N: odd, E: 1},
		"none":          {N: odd, E: -3},
	} {
		if (&rsaModulus{}).powerFor(key) != nil {
			t.Errorf("%s is kept", name)
		}
	}
}
