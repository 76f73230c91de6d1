package hsm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"
	"sync"
	"sync/atomic"

	"qaqpa/hsm/pinned"
	"qaqpa/hsm/rsapub"
)

// judge verifies the signatures of one key before they leave: a handle that names another key by now, a damaged key or a
// faulty device must not show outside.
type judge struct {
	pub  crypto.PublicKey
	pins *pins
	seen atomic.Int32

	layout atomic.Int32 // of a GOST token's signatures, in gostLayouts
	turned atomic.Bool  // the GOST token reads digests from the other end

	table   atomic.Pointer[pinned.Key]
	edTable atomic.Pointer[pinned.EdKey]
	power   atomic.Pointer[rsapub.Key]
}

// pins is what the tables of all keys share, each part made when the first key needs it.
type pins struct {
	p256    func() *pinned.P256
	ed25519 func() *pinned.Ed25519
}

func newPins() *pins {
	return &pins{p256: sync.OnceValue(pinned.NewP256), ed25519: sync.OnceValue(pinned.NewEd25519)}
}

// pinAfter is how many signatures a key makes before its table is: a key that signs once need not pay for it.
const pinAfter = 32

// signature turns what the token returned into the signature that crypto.Signer promises, and verifies it.
func (j *judge) signature(r *request, raw []byte) ([]byte, error) {
	if len(raw) != r.size {
		return nil, fmt.Errorf("%w: %d bytes instead of %d", ErrWrongSignature, len(raw), r.size)
	}
	good, signature := false, raw
	switch pub := j.pub.(type) {
	case ed25519.PublicKey:
		good = j.ed25519(pub, r.digest, raw)
	case *ecdsa.PublicKey:
		var err error
		if signature, err = derSignature(raw); err != nil {
			return nil, err
		}
		good = j.ecdsa(pub, r.digest, raw, signature)
	case *rsa.PublicKey:
		good = j.rsa(pub, r, raw)
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
		if table, err := j.pins.p256().Key(pub); err == nil {
			j.table.Store(table)
		}
	}
	return ecdsa.VerifyASN1(pub, digest, der)
}

func (j *judge) ed25519(pub ed25519.PublicKey, message, raw []byte) bool {
	if table := j.edTable.Load(); table != nil {
		return table.Verify(message, raw)
	}
	if j.seen.Add(1) == pinAfter {
		if table, err := j.pins.ed25519().Key(pub); err == nil {
			j.edTable.Store(table)
		}
	}
	return ed25519.Verify(pub, message, raw)
}

// rsa compares the signature's power with the one right block, where the processor can take it in vectors and the padding is that of PKCS#1
// v1.5. What is not that block is left to verifyRSA.
func (j *judge) rsa(pub *rsa.PublicKey, r *request, raw []byte) bool {
	if r.pss == nil && pub.E > 0 {
		if j.seen.Add(1) == pinAfter {
			if power := rsapub.New(pub.N, uint(pub.E)); power != nil {
				j.power.Store(power)
			}
		}
		if power := j.power.Load(); power != nil && string(power.Power(raw)) == string(paddedBlock(r.data, pub.Size())) {
			return true
		}
	}
	return verifyRSA(pub, r, raw)
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
