package gost

// hmac512 is HMAC-Streebog-512 (RFC 7836 section 4.1.2) under a key of at most one block, with both pads hashed
// beforehand. It exists beside crypto/hmac for the nonce: no allocation, no interface.
type hmac512 struct{ inner, outer streebog }

func newHMAC512(key []byte) *hmac512 {
	var m hmac512
	m.inner.size = 64
	m.inner.pick(hasVector)
	m.outer = m.inner
	var pad [streebogBlock]byte
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	m.inner.blocks(pad[:])
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	m.outer.blocks(pad[:])
	return &m
}

// sum appends the code of the parts put together to dst.
func (m *hmac512) sum(dst []byte, parts ...[]byte) []byte {
	in, out := m.inner, m.outer
	for _, p := range parts {
		_, _ = in.Write(p)
	}
	var digest [64]byte
	_, _ = out.Write(in.finish(digest[:0]))
	return out.finish(dst)
}
