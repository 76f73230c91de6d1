package hsm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"
	"sync/atomic"

	"qaqpa/hsm/pinned"
)

// judge verifies the signatures of one key before they leave: a handle that names another key by now, a damaged key or a
// faulty device must not show outside.
type judge struct {
	pub   crypto.PublicKey
	curve func() *pinned.P256
	seen  atomic.Int32

	layout atomic.Int32 // of a GOST token's signatures, in gostLayouts
	turned atomic.Bool  // the GOST token reads digests from the other end

	table atomic.Pointer[pinned.Key]
}

// pinAfter is how many signatures a P-256 key makes before its table is: a key that signs once need not pay for it.
const pinAfter = 32

// signature turns what the token returned into the signature that crypto.Signer promises, and verifies it.
func (j *judge) signature(r *request, raw []byte) ([]byte, error) {
	if len(raw) != r.size {
		return nil, fmt.Errorf("%w: %d bytes instead of %d", ErrWrongSignature, len(raw), r.size)
	}
	good, signature := false, raw
	switch pub := j.pub.(type) {
	case ed25519.PublicKey:
		good = ed25519.Verify(pub, r.digest, raw)
	case *ecdsa.PublicKey:
		var err error
		if signature, err = derSignature(raw); err != nil {
			return nil, err
		}
		good = j.ecdsa(pub, r.digest, raw, signature)
	case *rsa.PublicKey:
		good = verifyRSA(pub, r, raw)
	case GOSTKey:
		return j.gost(pub, r, raw)
	}
	if !good {
		return nil, ErrWrongSignature
	}
	return signature, nil
}

func (j *judge) ecdsa(pub *ecdsa.PublicKey, digest, raw, der []byte) bool {
	if table := j.table.Load(); table != nil {
		return table.Verify(digest, raw)
	}
	if pub.Curve == elliptic.P256() && j.seen.Add(1) == pinAfter {
		if table, err := j.curve().Key(pub); err == nil {
			j.table.Store(table)
		}
	}
	return ecdsa.VerifyASN1(pub, digest, der)
}

// verifyRSA checks an RSA signature. Above 2048 bits crypto/rsa takes a path that is twice as slow as math/big, so there the
// power is taken with math/big and the rest is left to crypto: for PKCS#1 v1.5 there is only one right block to compare with.
func verifyRSA(pub *rsa.PublicKey, r *request, raw []byte) bool {
	switch {
	case r.pss != nil:
		return rsa.VerifyPSS(pub, r.hash, r.digest, raw, r.pss) == nil
	case pub.Size() > 256:
		s := new(big.Int).SetBytes(raw)
		if s.Cmp(pub.N) >= 0 {
			return false
		}
		block := s.Exp(s, big.NewInt(int64(pub.E)), pub.N).FillBytes(make([]byte, pub.Size()))
		return string(block) == string(paddedBlock(r.data, pub.Size()))
	}
	return rsa.VerifyPKCS1v15(pub, r.hash, r.digest, raw) == nil
}

// paddedBlock is EMSA-PKCS1-v1_5 (RFC 8017 9.2 steps 4 and 5) around a DigestInfo.
func paddedBlock(info []byte, size int) []byte {
	block := make([]byte, size)
	block[1] = 1
	padding := block[2 : size-len(info)-1]
	for i := range padding {
		padding[i] = 0xff
	}
	copy(block[size-len(info):], info)
	return block
}
