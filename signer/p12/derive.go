package p12

import (
	"bytes"
	"crypto/pbkdf2"
	"encoding/binary"
	"fmt"
	"hash"
	"unicode/utf16"
	"unicode/utf8"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// secret is a password in the two forms in which keys are derived from it. It hides itself from fmt.
type secret struct {
	text string // UTF-8: PBKDF2
	bmp  []byte // UTF-16, big-endian, and two zero octets: RFC 7292 B.1
}

// String hides the password.
func (secret) String() string { return "hidden" }

// GoString hides the password.
func (secret) GoString() string { return "hidden" }

// maxPassword bounds a password: it is hashed as a whole once for each key.
const maxPassword = 1024

// secrets are the readings of a password. The empty one has two: RFC 7292 B.1 makes it two zero octets, and some writers
// make it none.
func secrets(password string) ([]secret, error) {
	if len(password) > maxPassword || !utf8.ValidString(password) {
		return nil, fmt.Errorf("%w: not UTF-8, or beyond %d octets", ErrPassword, maxPassword)
	}
	out := []secret{{text: password, bmp: append(bmpString(password), 0, 0)}}
	if password == "" {
		out = append(out, secret{})
	}
	return out, nil
}

// bmpString is the contents of a BMPString; characters beyond it become pairs, as all programs write them.
func bmpString(s string) (out []byte) {
	for _, unit := range utf16.Encode([]rune(s)) {
		out = binary.BigEndian.AppendUint16(out, unit)
	}
	return out
}

// work is what is left of Limits.Work.
type work struct{ left int }

// hashCost is the cost of one computation of a hash over a block, in units of one of SHA-256. Hashes not named cost 4.
var hashCost = map[algo.Hash]int{
	algo.SHA1: 1, algo.SHA224: 1, algo.SHA256: 1, algo.SHA384: 3, algo.SHA512: 3, algo.SHA512_256: 3,
	algo.Streebog256: 10, algo.Streebog512: 10, algo.GOST94Test: 20, algo.GOST94CryptoPro: 20,
}

// spend takes n computations of h off, or gives asn1ber.ErrLimit.
func (w *work) spend(h algo.Hash, n int) error {
	cost, ok := hashCost[h]
	if !ok {
		cost = 4
	}
	if n < 0 || n > w.left/cost {
		return fmt.Errorf("%w: key derivation", asn1ber.ErrLimit)
	}
	w.left -= n * cost
	return nil
}

// maxIterations keeps products of an int within 64 bits; Limits.Work is the limit that matters.
const maxIterations = 1 << 31

func readIterations(e asn1ber.Element) (int, error) {
	n, err := e.Int64()
	if err != nil {
		return 0, err
	}
	if n < 1 {
		return 0, fmt.Errorf("%w: %d iterations", ErrDamaged, n)
	}
	if n > maxIterations {
		return 0, fmt.Errorf("%w: %d iterations", asn1ber.ErrLimit, n)
	}
	return int(n), nil
}

// maxSalt bounds salts; the longest in use are 64 octets.
const maxSalt = 1024

func checkSalt(salt []byte) error {
	if len(salt) > maxSalt {
		return fmt.Errorf("%w: salt of %d octets", asn1ber.ErrLimit, len(salt))
	}
	return nil
}

// purpose is the diversifier ID of RFC 7292 B.3.
type purpose byte

const (
	forKey purpose = 1
	forIV  purpose = 2
	forMAC purpose = 3
)

// stretch says how a password is turned into key material.
type stretch struct {
	hash       algo.Hash
	salt       []byte
	iterations int
}

// pkcs12 derives n octets as RFC 7292 B.2 does.
func (s stretch) pkcs12(w *work, id purpose, password []byte, n int) ([]byte, error) {
	size := s.hash.Size()
	if err := w.spend(s.hash, (n+size-1)/size*s.iterations); err != nil {
		return nil, err
	}
	h := s.hash.New()
	v := h.BlockSize()
	d := bytes.Repeat([]byte{byte(id)}, v)
	i := append(repeatTo(s.salt, v), repeatTo(password, v)...)
	var out []byte
	for {
		a := iterate(h, s.iterations, d, i)
		if out = append(out, a...); len(out) >= n {
			return out[:n], nil
		}
		b := repeatTo(a, v)[:v]
		for j := 0; j < len(i); j += v {
			addOne(i[j:j+v], b)
		}
	}
}

// iterate hashes the parts, and then the digest again and again.
func iterate(h hash.Hash, times int, parts ...[]byte) []byte {
	h.Reset()
	for _, p := range parts {
		h.Write(p)
	}
	a := h.Sum(nil)
	for range times - 1 {
		h.Reset()
		h.Write(a)
		a = h.Sum(a[:0])
	}
	return a
}

// repeatTo repeats b up to the next multiple of v octets; nothing stays nothing.
func repeatTo(b []byte, v int) []byte {
	n := (len(b) + v - 1) / v * v
	out := make([]byte, 0, n+len(b))
	for len(out) < n {
		out = append(out, b...)
	}
	return out[:n]
}

// addOne makes i the number i + b + 1, both big-endian and of one length, the carry dropped.
func addOne(i, b []byte) {
	carry := uint16(1)
	for k := len(i) - 1; k >= 0; k-- {
		carry += uint16(i[k]) + uint16(b[k])
		i[k] = byte(carry & 0xff)
		carry >>= 8
	}
}

// pbkdf2 derives n octets as RFC 8018 5.2 does, with HMAC over the hash.
func (s stretch) pbkdf2(w *work, password string, n int) ([]byte, error) {
	size := s.hash.Size()
	blocks := (n + size - 1) / size
	if err := w.spend(s.hash, 2*blocks*s.iterations); err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(s.hash.New, password, s.salt, s.iterations, n)
	if err != nil {
		return nil, fmt.Errorf("%w: PBKDF2: %w", ErrUnsupported, err)
	}
	return key, nil
}
