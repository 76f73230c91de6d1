package gost

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"hash"
)

// ErrKDFLength means that more octets are asked of [KDFTree] than its counter can give.
var ErrKDFLength = errors.New("gost: key material of this length can't be derived")

// HMAC256 returns HMAC_GOSTR3411_2012_256 of msg (RFC 7836 section 4.1.1), 32 octets.
func HMAC256(key, msg []byte) []byte {
	h := hmac.New(NewStreebog256, key)
	h.Write(msg)
	return h.Sum(nil)
}

// HMAC512 returns HMAC_GOSTR3411_2012_512 of msg (RFC 7836 section 4.1.2), 64 octets.
func HMAC512(key, msg []byte) []byte {
	h := hmac.New(NewStreebog512, key)
	h.Write(msg)
	return h.Sum(nil)
}

// HMAC34311 returns HMAC over GOST R 34.11-94 with the given S-box (RFC 4357 section 3), 32 octets.
func HMAC34311(s *SBox, key, msg []byte) []byte {
	h := hmac.New(func() hash.Hash { return New34311(s) }, key)
	h.Write(msg)
	return h.Sum(nil)
}

// KDF256 is KDF_GOSTR3411_2012_256 (RFC 7836 section 4.4): 32 octets out of a key, a label that names the use and a
// seed that names the instance.
func KDF256(key, label, seed []byte) []byte {
	h := hmac.New(NewStreebog256, key)
	h.Write([]byte{1})
	h.Write(label)
	h.Write([]byte{0})
	h.Write(seed)
	h.Write([]byte{1, 0})
	return h.Sum(nil)
}

// KDFTree is KDF_TREE_GOSTR3411_2012_256 (RFC 7836 section 4.5): n octets, a counter of r octets (1…4) telling the
// blocks of 32 apart. [ErrKDFLength] if the counter is too short for n or r is out of range.
func KDFTree(key, label, seed []byte, r, n int) ([]byte, error) {
	if r < 1 || r > 4 || n < 1 || n > 1<<20 || r < 3 && (n+31)/32 >= 1<<(8*r) {
		return nil, ErrKDFLength
	}
	length := binary.BigEndian.AppendUint32(nil, uint32(n)*8)
	for len(length) > 1 && length[0] == 0 {
		length = length[1:]
	}
	h := hmac.New(NewStreebog256, key)
	var out []byte
	for i := uint32(1); len(out) < n; i++ {
		h.Reset()
		h.Write(binary.BigEndian.AppendUint32(nil, i)[4-r:])
		h.Write(label)
		h.Write([]byte{0})
		h.Write(seed)
		h.Write(length)
		out = h.Sum(out)
	}
	return out[:n], nil
}
