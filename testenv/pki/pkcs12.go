package pki

import (
	"bytes"
	"crypto/cipher"
	"crypto/des" // what key files of the national authority use (facts of PKCS#12)
	"crypto/hmac"
	"crypto/sha1" // see des
	"encoding/hex"
	"io"
	"math/big"
	"unicode/utf16"
)

const (
	oidEncryptedData = "1.2.840.113549.1.7.6"
	oidPBE3DES       = "1.2.840.113549.1.12.1.3"
	oidShroudedKey   = "1.2.840.113549.1.12.10.1.2"
	oidCertBag       = "1.2.840.113549.1.12.10.1.3"
	oidX509Cert      = "1.2.840.113549.1.9.22.1"
	oidFriendlyName  = "1.2.840.113549.1.9.20"
	oidLocalKeyID    = "1.2.840.113549.1.9.21"

	pkcs12Iterations = 1024
)

// Purposes of a derived octet string (RFC 7292 B.3).
const (
	forKey = 1
	forIV  = 2
	forMAC = 3
)

// PKCS12 writes certificate and key as a p12 file for other programs (NCALayer, OpenSSL with -legacy):
// one certificate, no chain, the alias is the hex key identifier, triple DES and HMAC-SHA-1 with 1024
// iterations. The real files hide the certificate with RC2-40 and use BER inside; here it is triple
// DES and DER.
func (id *Identity) PKCS12(password string) ([]byte, error) {
	key, err := id.PKCS8()
	if err != nil {
		return nil, err
	}
	ski, err := id.keyID()
	if err != nil {
		return nil, err
	}
	e := envelope{bmp(password), id.pki.opts.Rand}
	attributes := tlv(tagSet,
		seq(oid(oidFriendlyName), tlv(tagSet, tlv(0x1e, utf16be(hex.EncodeToString(ski))))),
		seq(oid(oidLocalKeyID), tlv(tagSet, octets(ski))))

	certBag := seq(oid(oidCertBag), explicit(0, seq(oid(oidX509Cert), explicit(0, octets(id.Certificate)))), attributes)
	hiddenCert, algorithm, err := e.encrypt(seq(certBag))
	if err != nil {
		return nil, err
	}
	certs := seq(oid(oidEncryptedData), explicit(0, seq(number(0),
		seq(oid(oidData), algorithm, implicit(0, octets(hiddenCert))))))

	hiddenKey, algorithm, err := e.encrypt(key)
	if err != nil {
		return nil, err
	}
	keyBag := seq(oid(oidShroudedKey), explicit(0, seq(algorithm, octets(hiddenKey))), attributes)
	keys := seq(oid(oidData), explicit(0, octets(seq(keyBag))))

	safe := seq(certs, keys)
	salt, err := e.salt()
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha1.New, e.derive(forMAC, salt, 20))
	mac.Write(safe)
	digest := seq(seq(oid("1.3.14.3.2.26"), null()), octets(mac.Sum(nil)))
	return seq(number(3), seq(oid(oidData), explicit(0, octets(safe))), seq(digest, octets(salt), number(pkcs12Iterations))), nil
}

// envelope encrypts under a password.
type envelope struct {
	password []byte // BMPString with two zero octets
	rand     io.Reader
}

func (e envelope) salt() ([]byte, error) {
	salt := make([]byte, 20)
	_, err := io.ReadFull(e.rand, salt)
	return salt, err
}

// encrypt is pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 C).
func (e envelope) encrypt(plain []byte) (hidden, algorithm []byte, err error) {
	salt, err := e.salt()
	if err != nil {
		return nil, nil, err
	}
	block, err := des.NewTripleDESCipher(e.derive(forKey, salt, 24)) // see the import
	if err != nil {
		return nil, nil, err
	}
	pad := des.BlockSize - len(plain)%des.BlockSize
	hidden = append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, e.derive(forIV, salt, des.BlockSize)).CryptBlocks(hidden, hidden)
	return hidden, seq(oid(oidPBE3DES), seq(octets(salt), number(pkcs12Iterations))), nil
}

// derive is the key derivation of RFC 7292 B.2 with SHA-1.
func (e envelope) derive(purpose byte, salt []byte, size int) []byte {
	const v = 64 // block of SHA-1
	d := bytes.Repeat([]byte{purpose}, v)
	i := append(fill(salt, v), fill(e.password, v)...)
	var out []byte
	for len(out) < size {
		a := sha1.Sum(append(bytes.Clone(d), i...)) // see the import
		for range pkcs12Iterations - 1 {
			a = sha1.Sum(a[:]) // see the import
		}
		out = append(out, a[:]...)
		b := new(big.Int).SetBytes(fill(a[:], v))
		b.Add(b, big.NewInt(1))
		for j := 0; j < len(i); j += v {
			n := new(big.Int).SetBytes(i[j : j+v])
			n.Add(n, b)
			raw := n.FillBytes(make([]byte, v+1))
			copy(i[j:j+v], raw[1:])
		}
	}
	return out[:size]
}

// fill repeats b to a whole number of blocks, at least one unless b is empty.
func fill(b []byte, block int) []byte {
	if len(b) == 0 {
		return nil
	}
	size := (len(b) + block - 1) / block * block
	return bytes.Repeat(b, size/len(b)+1)[:size]
}

func utf16be(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u>>8), byte(u&0xff))
	}
	return out
}

func bmp(password string) []byte { return append(utf16be(password), 0, 0) }
