package p12

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // G502: what national files are encrypted with
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// blockCipher makes a cipher of a key whose length is fixed by the table that names it.
type blockCipher struct {
	keyOctets int
	make      func(key []byte) (cipher.Block, error)
}

func tripleDES(key []byte) (cipher.Block, error) {
	if len(key) == 16 { // two keys: the first serves again as the third
		key = append(key[:16:16], key[:8]...)
	}
	return des.NewTripleDESCipher(key) //nolint:gosec // G405: see the import
}

func rc2(key []byte) (cipher.Block, error) { return newRC2(key, 8*len(key)), nil }

// classicCiphers are the schemes of RFC 7292 appendix C: SHA-1 derives key and IV.
var classicCiphers = map[string]blockCipher{
	asn1ber.MustOID(oid3DES):                   {24, tripleDES},
	asn1ber.MustOID("1.2.840.113549.1.12.1.4"): {16, tripleDES},
	asn1ber.MustOID("1.2.840.113549.1.12.1.5"): {16, rc2},
	asn1ber.MustOID(oidRC2):                    {5, rc2},
}

// pbes2Ciphers are the encryption schemes inside PBES2; the parameter of each is its IV.
var pbes2Ciphers = map[string]blockCipher{
	asn1ber.MustOID("2.16.840.1.101.3.4.1.2"):  {16, aes.NewCipher},
	asn1ber.MustOID("2.16.840.1.101.3.4.1.22"): {24, aes.NewCipher},
	asn1ber.MustOID(oidAES256):                 {32, aes.NewCipher},
	asn1ber.MustOID("1.2.840.113549.3.7"):      {24, tripleDES},
}

const (
	oid3DES   = "1.2.840.113549.1.12.1.3" // pbeWithSHA1And3-KeyTripleDES-CBC
	oidRC2    = "1.2.840.113549.1.12.1.6" // pbeWithSHA1And40BitRC2-CBC
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidAES256 = "2.16.840.1.101.3.4.1.42" // aes256-CBC-PAD
)

var rawPBES2 = []byte(asn1ber.MustOID(oidPBES2))

// decrypt undoes the encryption that an AlgorithmIdentifier describes. The result is one ASN.1 SEQUENCE, or the error
// is errNoise.
func decrypt(w *work, id asn1ber.Element, ciphertext []byte, password secret) ([]byte, error) {
	oid, params, err := readIdentifier(id)
	if err != nil {
		return nil, err
	}
	var block cipher.Block
	var iv []byte
	if bytes.Equal(oid, rawPBES2) {
		block, iv, err = openPBES2(w, params, password)
	} else {
		block, iv, err = openClassic(w, oid, params, password)
	}
	if err != nil {
		return nil, err
	}
	return decryptCBC(block, iv, ciphertext)
}

// openClassic reads pkcs-12PbeParams (RFC 7292 C) and derives key and IV.
func openClassic(w *work, oid []byte, params *asn1ber.Element, password secret) (cipher.Block, []byte, error) {
	c, ok := classicCiphers[string(oid)]
	if !ok {
		return nil, nil, fmt.Errorf("%w: encryption %s", ErrUnsupported, dotted(oid))
	}
	if params == nil || params.Tag != asn1ber.Sequence {
		return nil, nil, fmt.Errorf("%w: encryption without parameters", ErrDamaged)
	}
	r, err := params.Children()
	if err != nil {
		return nil, nil, err
	}
	s := stretch{hash: algo.SHA1}
	if s.salt, err = readOctets(&r); err != nil {
		return nil, nil, err
	}
	if err := checkSalt(s.salt); err != nil {
		return nil, nil, err
	}
	count, err := r.Read(asn1ber.Integer)
	if err != nil {
		return nil, nil, err
	}
	if s.iterations, err = readIterations(count); err != nil {
		return nil, nil, err
	}
	if err := r.End(); err != nil {
		return nil, nil, err
	}
	return s.classic(w, c, password)
}

// classic derives the key and the IV of a scheme of RFC 7292 C.
func (s stretch) classic(w *work, c blockCipher, password secret) (cipher.Block, []byte, error) {
	key, err := s.pkcs12(w, forKey, password.bmp, c.keyOctets)
	if err != nil {
		return nil, nil, err
	}
	iv, err := s.pkcs12(w, forIV, password.bmp, des.BlockSize)
	if err != nil {
		return nil, nil, err
	}
	block, err := c.make(key)
	return block, iv, err
}

// openPBES2 reads PBES2-params (RFC 8018 A.4) and derives the key.
func openPBES2(w *work, params *asn1ber.Element, password secret) (cipher.Block, []byte, error) {
	kdf, scheme, err := readPair(params)
	if err != nil {
		return nil, nil, err
	}
	s, keyOctets, keyed, err := readPBKDF2(kdf)
	if err != nil {
		return nil, nil, err
	}
	oid, ivElement, err := readIdentifier(scheme)
	if err != nil {
		return nil, nil, err
	}
	c, ok := pbes2Ciphers[string(oid)]
	if !ok {
		return nil, nil, fmt.Errorf("%w: encryption %s", ErrUnsupported, dotted(oid))
	}
	if keyed && keyOctets != c.keyOctets {
		return nil, nil, fmt.Errorf("%w: key of %d octets for a cipher of %d", ErrDamaged, keyOctets, c.keyOctets)
	}
	if ivElement == nil || ivElement.Tag != asn1ber.OctetString {
		return nil, nil, fmt.Errorf("%w: IV missing", ErrDamaged)
	}
	iv, err := ivElement.OctetString()
	if err != nil {
		return nil, nil, err
	}
	key, err := s.pbkdf2(w, password.text, c.keyOctets)
	if err != nil {
		return nil, nil, err
	}
	block, err := c.make(key)
	return block, iv, err
}

func decryptCBC(block cipher.Block, iv, ciphertext []byte) ([]byte, error) {
	size := block.BlockSize()
	if len(iv) != size || len(ciphertext) == 0 || len(ciphertext)%size != 0 {
		return nil, fmt.Errorf("%w: IV or ciphertext of wrong length", ErrDamaged)
	}
	plain := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, ciphertext)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > size {
		return nil, errNoise
	}
	plain, padding := plain[:len(plain)-pad], plain[len(plain)-pad:]
	for _, o := range padding {
		if int(o) != pad {
			return nil, errNoise
		}
	}
	if !spansOneSequence(plain) {
		return nil, errNoise
	}
	return plain, nil
}

// spansOneSequence looks at the outermost element only: a few changed blocks inside leave it as it is, while noise has
// less than one chance in a million to look like this.
func spansOneSequence(b []byte) bool {
	e, err := asn1ber.Parse(b, asn1ber.BER, asn1ber.Limits{Bytes: max(len(b), 1), Depth: 32, Elements: 1 << 14})
	return err == nil && e.Tag == asn1ber.Sequence
}

// encryptCBC pads and encrypts.
func encryptCBC(block cipher.Block, iv, plain []byte) []byte {
	size := block.BlockSize()
	pad := size - len(plain)%size
	out := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...) //nolint:gosec // G115: at most 16
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	return out
}
