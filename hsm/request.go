package hsm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// messageMax bounds what Ed25519 signs in one call: it takes the message, not a digest.
const messageMax = 1 << 20

// mechanism is a CK_MECHANISM with its name in metrics.
type mechanism struct {
	id        uint
	name      string
	parameter []byte
}

// String is the name, or the number of a mechanism that came without one.
func (m mechanism) String() string {
	if m.name == "" {
		return fmt.Sprintf("%#x", m.id)
	}
	return m.name
}

// request is one signature to be made: what the token gets, and how the result is judged.
type request struct {
	mechanism mechanism
	data      []byte // what goes into C_Sign; the request's own copy
	size      int    // length of what C_Sign returns
	digest    []byte // what the signature is verified against; shares memory with data where they are equal
	hash      crypto.Hash
	pss       *rsa.PSSOptions // nil: PKCS#1 v1.5, or not RSA
}

// digestInfo is the DER that PKCS#1 v1.5 puts before a digest (RFC 8017 §9.2 note 1). A hash without an entry is
// refused; SHA-1 has none because nothing that the gateway makes may rest on it.
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

// pssHash gives the CKM and CKG numbers of a hash for CK_RSA_PKCS_PSS_PARAMS.
var pssHash = map[crypto.Hash][2]uint64{
	crypto.SHA256: {pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256},
	crypto.SHA384: {pkcs11.CKM_SHA384, pkcs11.CKG_MGF1_SHA384},
	crypto.SHA512: {pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512},
}

// newRequest checks digest and opts against the key, as crypto.Signer has them. All errors wrap ErrAlgorithm.
func newRequest(pub crypto.PublicKey, digest []byte, opts crypto.SignerOpts) (*request, error) {
	switch pub := pub.(type) {
	case gostPoint:
		return nil, fmt.Errorf("%w: %w", ErrAlgorithm, errNoGOST)
	case GOSTKey: // no crypto.Hash stands for their hashes, so the options say nothing
		return (&request{}).gost(pub, digest)
	}
	if opts == nil {
		return nil, fmt.Errorf("%w: no options", ErrAlgorithm)
	}
	r := &request{hash: opts.HashFunc()}
	if pub, ok := pub.(ed25519.PublicKey); ok {
		return r.edDSA(pub, digest, opts)
	}
	if _, ok := digestInfo[r.hash]; !ok {
		return nil, fmt.Errorf("%w: hash %v", ErrAlgorithm, r.hash)
	}
	if len(digest) != r.hash.Size() {
		return nil, fmt.Errorf("%w: digest of %d bytes for %v", ErrAlgorithm, len(digest), r.hash)
	}
	r.digest = bytes.Clone(digest)
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		r.ecDSA(pub)
		return r, nil
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return r.rsaPSS(pub, pss)
		}
		r.mechanism = mechanism{id: pkcs11.CKM_RSA_PKCS, name: "RSA_PKCS"}
		r.data = append(bytes.Clone(digestInfo[r.hash]), digest...)
		r.size = pub.Size()
		return r, nil
	}
	return nil, fmt.Errorf("%w: key of type %T", ErrAlgorithm, pub)
}

// ecDSA: CKM_ECDSA takes at most as many bytes as the order of the curve has; FIPS 186-5 §6.4.1 takes the leftmost.
func (r *request) ecDSA(pub *ecdsa.PublicKey) {
	order := (pub.Params().N.BitLen() + 7) / 8
	r.mechanism = mechanism{id: pkcs11.CKM_ECDSA, name: "ECDSA"}
	r.data = r.digest[:min(order, len(r.digest))]
	r.size = 2 * order
}

// rsaPSS: the salt is as long as asked, or as the hash, or (PSSSaltLengthAuto) as the key allows, as in crypto/rsa.
func (r *request) rsaPSS(pub *rsa.PublicKey, pss *rsa.PSSOptions) (*request, error) {
	longest := (pub.N.BitLen()-1+7)/8 - 2 - r.hash.Size() // RFC 8017 §9.1.1 step 3
	salt := pss.SaltLength
	switch salt {
	case rsa.PSSSaltLengthAuto:
		salt = longest
	case rsa.PSSSaltLengthEqualsHash:
		salt = r.hash.Size()
	}
	if salt < 0 || salt > longest {
		return nil, fmt.Errorf("%w: salt of %d bytes", ErrAlgorithm, salt)
	}
	h := pssHash[r.hash]
	parameter := make([]byte, 0, 24) // CK_RSA_PKCS_PSS_PARAMS: hash, mask generation, salt length
	for _, n := range []uint64{h[0], h[1], uint64(salt)} {
		parameter = binary.NativeEndian.AppendUint64(parameter, n)
	}
	r.mechanism = mechanism{id: pkcs11.CKM_RSA_PKCS_PSS, name: "RSA_PKCS_PSS", parameter: parameter}
	r.data, r.size = r.digest, pub.Size()
	r.pss = &rsa.PSSOptions{SaltLength: salt, Hash: r.hash}
	return r, nil
}

// edDSA: pure Ed25519 (RFC 8032 §5.1.6) over the message; neither a context nor prehashing.
func (r *request) edDSA(_ ed25519.PublicKey, message []byte, opts crypto.SignerOpts) (*request, error) {
	if o, ok := opts.(*ed25519.Options); r.hash != 0 || ok && o.Context != "" {
		return nil, fmt.Errorf("%w: Ed25519 with prehashing or a context", ErrAlgorithm)
	}
	if len(message) == 0 || len(message) > messageMax {
		return nil, fmt.Errorf("%w: Ed25519 message of %d bytes", ErrAlgorithm, len(message))
	}
	r.mechanism = mechanism{id: ckmEdDSA, name: "EDDSA"}
	r.digest = bytes.Clone(message)
	r.data, r.size = r.digest, ed25519.SignatureSize
	return r, nil
}

// derSignature turns r‖s, both big-endian and padded, into the SEQUENCE of RFC 3279 §2.2.3.
func derSignature(raw []byte) ([]byte, error) {
	half := len(raw) / 2
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addInteger(b, raw[:half])
		addInteger(b, raw[half:])
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, errors.Join(ErrWrongSignature, err)
	}
	return der, nil
}

func addInteger(b *cryptobyte.Builder, value []byte) {
	for len(value) > 1 && value[0] == 0 {
		value = value[1:]
	}
	b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) {
		if value[0]&0x80 != 0 {
			b.AddUint8(0)
		}
		b.AddBytes(value)
	})
}
