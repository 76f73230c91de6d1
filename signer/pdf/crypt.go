package pdf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5" //nolint:gosec // the algorithm of the format; nothing is believed because of it
	"crypto/rc4" //nolint:gosec // the algorithm of the format; nothing is believed because of it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrLocked says that an encrypted file does not open without a password.
var ErrLocked = errors.New("the document is encrypted and does not open without a password")

// Ciphers of crypt filters.
const (
	cipherNone  = "None"
	cipherRC4   = "V2"
	cipherAES   = "AESV2"
	cipherAES32 = "AESV3"
)

// crypt opens what the standard security handler encrypts for everybody: with the empty user password (ISO 32000-2 7.6.4).
// nil: the file is not encrypted.
type crypt struct {
	err              error // why it does not open
	key              []byte
	streams, strings Name
	metadata         bool // metadata streams are encrypted as well
}

var padding = []byte("\x28\xbf\x4e\x5e\x4e\x75\x8a\x41\x64\x00\x4e\x56\xff\xfa\x01\x08\x2e\x2e\x00\xb6\xd0\x68\x3e\x80\x2f\x0c\xa9\xfe\x64\x53\x69\x7a")

// openCrypt reads an encryption dictionary whose references are followed.
func openCrypt(d *Dict, id []byte) *crypt {
	c := &crypt{metadata: d.Get("EncryptMetadata") != false}
	version, revision := parameter(d, "V", 0), parameter(d, "R", 0)
	if d.Get("Filter") != Name("Standard") {
		c.err = fmt.Errorf("%w: another security handler than the standard one", ErrLocked)
		return c
	}
	bits := parameter(d, "Length", 40)
	switch version {
	case 1, 2:
		c.streams, c.strings = cipherRC4, cipherRC4
		if version == 1 {
			bits = 40
		}
	case 4, 5:
		c.streams, c.strings = filterOf(d, "StmF"), filterOf(d, "StrF")
		bits = 128
	default:
		c.err = fmt.Errorf("%w: encryption of version %d", ErrLocked, version)
		return c
	}
	if bits < 40 || bits > 256 || bits%8 != 0 {
		c.err = fmt.Errorf("%w: keys of %d bits", ErrLocked, bits)
		return c
	}
	if version == 5 {
		c.key = keyOf256(d, revision)
	} else {
		c.key = keyOf128(d, id, revision, bits/8, c.metadata)
	}
	if c.key == nil {
		c.err = ErrLocked
	}
	return c
}

// filterOf names the cipher of a crypt filter.
func filterOf(d *Dict, which Name) Name {
	name, _ := d.Get(which).(Name)
	filters, _ := d.Get("CF").(*Dict)
	filter, _ := filters.Get(name).(*Dict)
	method, _ := filter.Get("CFM").(Name)
	if method != cipherRC4 && method != cipherAES && method != cipherAES32 {
		return cipherNone
	}
	return method
}

func octets(d *Dict, key Name) []byte {
	if s, ok := d.Get(key).(*String); ok {
		return s.Value
	}
	return nil
}

// keyOf128 is algorithm 2 with the empty password, checked by algorithms 4 and 5; nil when there is a password.
func keyOf128(d *Dict, id []byte, revision, size int, metadata bool) []byte {
	owner, user := octets(d, "O"), octets(d, "U")
	if len(owner) < 32 || len(user) < 32 || size > 16 {
		return nil
	}
	h := md5.New() //nolint:gosec // see above
	h.Write(padding)
	h.Write(owner[:32])
	permissions, _ := d.Get("P").(int64)
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(permissions&0xffffffff)))
	h.Write(id)
	if revision >= 4 && !metadata {
		h.Write([]byte{0xff, 0xff, 0xff, 0xff})
	}
	key := h.Sum(nil)
	if revision < 3 {
		key = key[:size]
		if !bytes.Equal(rc4Of(key, padding), user[:32]) {
			return nil
		}
		return key
	}
	for range 50 {
		sum := md5.Sum(key[:size]) //nolint:gosec // see above
		key = sum[:]
	}
	key = key[:size]
	check := md5.Sum(append(bytes.Clone(padding), id...)) //nolint:gosec // see above
	out := check[:]
	for i := range 20 {
		round := bytes.Clone(key)
		for k := range round {
			round[k] ^= byte(i)
		}
		out = rc4Of(round, out)
	}
	if !bytes.Equal(out, user[:16]) {
		return nil
	}
	return key
}

func rc4Of(key, in []byte) []byte {
	c, err := rc4.NewCipher(key) //nolint:gosec // see above
	if err != nil {
		return nil
	}
	out := make([]byte, len(in))
	c.XORKeyStream(out, in)
	return out
}

// keyOf256 is algorithm 2.A with the empty password; nil when there is a password.
func keyOf256(d *Dict, revision int) []byte {
	user, wrapped := octets(d, "U"), octets(d, "UE")
	if len(user) < 48 || len(wrapped) != 32 {
		return nil
	}
	hash := func(salt []byte) []byte {
		if revision == 5 {
			sum := sha256.Sum256(salt)
			return sum[:]
		}
		return hardened(salt)
	}
	if !bytes.Equal(hash(user[32:40]), user[:32]) {
		return nil
	}
	return cbc(hash(user[40:48]), make([]byte, 16), wrapped, false) //nolint:gosec // the format wraps with a zero vector
}

// hardened is algorithm 2.B with the empty password.
func hardened(salt []byte) []byte {
	sum := sha256.Sum256(salt)
	k := sum[:]
	for round := 0; ; round++ {
		e := cbc(k[:16], k[16:32], bytes.Repeat(k, 64), true)
		mod := 0
		for _, c := range e[:16] {
			mod += int(c)
		}
		switch mod % 3 {
		case 0:
			h := sha256.Sum256(e)
			k = h[:]
		case 1:
			h := sha512.Sum384(e)
			k = h[:]
		case 2:
			h := sha512.Sum512(e)
			k = h[:]
		}
		if round >= 63 && int(e[len(e)-1]) <= round-31 {
			return k[:32]
		}
	}
}

// cbc runs AES over whole blocks; nil when they are not.
func cbc(key, iv, in []byte, encrypt bool) []byte {
	block, err := aes.NewCipher(key)
	if err != nil || len(in)%aes.BlockSize != 0 {
		return nil
	}
	out := make([]byte, len(in))
	if encrypt {
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, in)
	} else {
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, in)
	}
	return out
}

// stream decrypts the octets of a stream.
func (c *crypt) stream(s *Stream) ([]byte, error) {
	if c == nil || s.Dict.Get("Type") == Name("XRef") || s.Dict.Get("Type") == Name("Metadata") && !c.metadata || ownFilter(s.Dict) {
		return s.Raw, nil
	}
	return c.open(s.Raw, c.streams, s.number, s.generation)
}

// ownFilter tells a stream that names its crypt filter itself: Identity is the only one in use.
func ownFilter(d *Dict) bool {
	for _, o := range listed(d.Get("Filter")) {
		if o == Name("Crypt") {
			return true
		}
	}
	return false
}

// open decrypts octets of an object (ISO 32000-2 algorithm 1 and 1.A).
func (c *crypt) open(in []byte, method Name, number, generation int) ([]byte, error) {
	switch {
	case method == cipherNone:
		return in, nil
	case c.err != nil:
		return nil, c.err
	}
	key := c.key
	if method != cipherAES32 {
		key = append(bytes.Clone(key), byte(number), byte(number>>8), byte(number>>16), byte(generation), byte(generation>>8)) //nolint:gosec // the low octets
		if method == cipherAES {
			key = append(key, "sAlT"...)
		}
		sum := md5.Sum(key) //nolint:gosec // see above
		key = sum[:min(len(c.key)+5, 16)]
	}
	if method == cipherRC4 {
		return rc4Of(key, in), nil
	}
	if len(in) < 2*aes.BlockSize {
		return nil, nil
	}
	out := cbc(key, in[:aes.BlockSize], in[aes.BlockSize:], false)
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: an encrypted stream is cut", ErrFilter)
	}
	pad := int(out[len(out)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, fmt.Errorf("%w: the padding of an encrypted stream is wrong", ErrFilter)
	}
	return out[:len(out)-pad], nil
}
