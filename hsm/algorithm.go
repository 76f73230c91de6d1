package hsm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"

	"github.com/miekg/pkcs11"
)

// Algorithm is the type and size of a key.
type Algorithm string

// The key types that Generate makes and Key accepts. RSA keys of other sizes from 2048 to 4096 bits are accepted too.
const (
	RSA2048   Algorithm = "rsa-2048"
	RSA3072   Algorithm = "rsa-3072"
	RSA4096   Algorithm = "rsa-4096"
	ECDSAP256 Algorithm = "ecdsa-p256"
	ECDSAP384 Algorithm = "ecdsa-p384"
	ECDSAP521 Algorithm = "ecdsa-p521"
	Ed25519   Algorithm = "ed25519"
)

// Limits of RSA keys. Below 2048 bits ETSI TS 119 312 gives no trust; above 4096 a token is slow beyond use.
const (
	rsaBitsMin = 2048
	rsaBitsMax = 4096
)

// What miekg/pkcs11 has no names for: PKCS#11 3.0 §2.3.5.
const (
	ckkECEdwards           = 0x40
	ckmECEdwardsKeyPairGen = 0x1055
	ckmEdDSA               = 0x1057
)

// generator says how a token makes a key pair: by which mechanism, and of which size or on which curve.
type generator struct {
	mechanism uint
	rsaBits   int
	curve     elliptic.Curve
	gost      Algorithm
}

var generators = map[Algorithm]generator{
	RSA2048:   {mechanism: pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, rsaBits: 2048},
	RSA3072:   {mechanism: pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, rsaBits: 3072},
	RSA4096:   {mechanism: pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, rsaBits: 4096},
	ECDSAP256: {mechanism: pkcs11.CKM_EC_KEY_PAIR_GEN, curve: elliptic.P256()},
	ECDSAP384: {mechanism: pkcs11.CKM_EC_KEY_PAIR_GEN, curve: elliptic.P384()},
	ECDSAP521: {mechanism: pkcs11.CKM_EC_KEY_PAIR_GEN, curve: elliptic.P521()},
	Ed25519:   {mechanism: ckmECEdwardsKeyPairGen},

	GOST256:          {mechanism: ckmGOST256KeyPairGen, gost: GOST256},
	GOST256CryptoPro: {mechanism: ckmGOST256KeyPairGen, gost: GOST256CryptoPro},
	GOST512:          {mechanism: ckmGOST512KeyPairGen, gost: GOST512},
}

// algorithmOf names the type of a public key that session.publicKey returned.
func algorithmOf(pub crypto.PublicKey) Algorithm {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return Algorithm(fmt.Sprintf("rsa-%d", pub.N.BitLen()))
	case *ecdsa.PublicKey:
		return map[elliptic.Curve]Algorithm{elliptic.P256(): ECDSAP256, elliptic.P384(): ECDSAP384, elliptic.P521(): ECDSAP521}[pub.Curve]
	case ed25519.PublicKey:
		return Ed25519
	case gostPoint:
		return pub.algorithm()
	}
	return ""
}
