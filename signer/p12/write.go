package p12

import (
	"crypto/aes"
	"crypto/hmac"
	"errors"
	"fmt"
	"io"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

// Scheme is a set of algorithms to protect a file with.
type Scheme uint8

// Schemes.
const (
	// Modern is PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC for all parts, and HMAC-SHA-256.
	Modern Scheme = iota
	// National is what the national CA writes: Triple DES for keys, RC2 of 40 bits for certificates, HMAC-SHA-1. It is for
	// programs that know nothing else; the strength of the file is that of the password.
	National
)

// DefaultIterations is the number of iterations of each derivation in files that are written. The national CA has 1,024.
const DefaultIterations = 100_000

// WriteInput is what Write needs.
type WriteInput struct {
	// Entries are the keys; each needs its Certificate. Alias serves as friendly name where that is empty, and the
	// certificate's SHA-1 fingerprint as local key id where that is. Chains are written once each.
	Entries      []Entry
	Certificates []*pkix.Certificate // further ones
	Password     string              // UTF-8, not empty
	Scheme       Scheme
	Iterations   int       // 0 for DefaultIterations
	Rand         io.Reader // a cryptographic source, for salts and IVs
}

// Write makes a PKCS #12 file (DER). Errors: ErrKeyMismatch, ErrUnsupported for keys that PKCS #8 has no form for here,
// ErrPassword for one that is empty or too long, and that of Rand.
func Write(in WriteInput) ([]byte, error) {
	file, err := in.write()
	if err != nil {
		return nil, fmt.Errorf("couldn't write PKCS #12 file: %w", err)
	}
	return file, nil
}

// writer is a Write under way.
type writer struct {
	WriteInput
	secret
	work work
}

func (in WriteInput) write() ([]byte, error) {
	switch {
	case in.Password == "":
		return nil, fmt.Errorf("%w: it is empty", ErrPassword)
	case in.Rand == nil || len(in.Entries)+len(in.Certificates) == 0:
		return nil, errors.New("source of randomness or contents missing")
	}
	passwords, err := secrets(in.Password)
	if err != nil {
		return nil, err
	}
	if in.Iterations == 0 {
		in.Iterations = DefaultIterations
	}
	if in.Iterations < 1 || in.Iterations > maxIterations {
		return nil, fmt.Errorf("%w: %d iterations", asn1ber.ErrLimit, in.Iterations)
	}
	w := &writer{WriteInput: in, secret: passwords[0], work: work{left: DefaultLimits().Work}}
	keys, err := w.keyBags()
	if err != nil {
		return nil, err
	}
	certs, err := w.certBags()
	if err != nil {
		return nil, err
	}
	id, ciphertext, err := w.encrypt(asn1ber.Wrap(asn1ber.Sequence, certs...), oidRC2)
	if err != nil {
		return nil, err
	}
	encrypted := asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(0), asn1ber.Wrap(asn1ber.Sequence,
		oidElement(oidData), id, asn1ber.Primitive(asn1ber.Context(0), ciphertext)))
	safe := asn1ber.Wrap(asn1ber.Sequence,
		contentInfo(oidData, asn1ber.Primitive(asn1ber.OctetString, asn1ber.Wrap(asn1ber.Sequence, keys...))),
		contentInfo(oidEncryptedData, encrypted))
	mac, err := w.mac(safe)
	if err != nil {
		return nil, err
	}
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(3),
		contentInfo(oidData, asn1ber.Primitive(asn1ber.OctetString, safe)), mac), nil
}

func (w *writer) keyBags() ([][]byte, error) {
	var out [][]byte
	for i := range w.Entries {
		e := &w.Entries[i]
		if e.Key == nil || e.Certificate == nil || !e.Certificate.PublicKey.Matches(e.Key.Public()) {
			return nil, ErrKeyMismatch
		}
		pkcs8, err := marshalPKCS8(e.Key, e.Certificate.PublicKey)
		if err != nil {
			return nil, err
		}
		id, ciphertext, err := w.encrypt(pkcs8, oid3DES)
		if err != nil {
			return nil, err
		}
		shrouded := asn1ber.Wrap(asn1ber.Sequence, id, asn1ber.Primitive(asn1ber.OctetString, ciphertext))
		out = append(out, bag(oidShroudedBag, shrouded, e.bagName()))
	}
	return out, nil
}

func (w *writer) certBags() ([][]byte, error) {
	var out [][]byte
	var written []*pkix.Certificate
	var missing error
	add := func(c *pkix.Certificate, name bagName) {
		if c == nil {
			missing = errors.New("certificate missing")
			return
		}
		if slices.ContainsFunc(written, c.Equal) {
			return
		}
		written = append(written, c)
		out = append(out, bag(oidCertBag, contentInfo(oidX509Certificate, asn1ber.Primitive(asn1ber.OctetString, c.Raw)), name))
	}
	for i := range w.Entries {
		add(w.Entries[i].Certificate, w.Entries[i].bagName())
	}
	for i := range w.Entries {
		for _, c := range w.Entries[i].Chain {
			add(c, bagName{})
		}
	}
	for _, c := range w.Certificates {
		add(c, bagName{})
	}
	return out, missing
}

// bagName is what ties the bags of an entry together.
func (e *Entry) bagName() bagName {
	n := bagName{friendly: e.FriendlyName, localID: e.LocalKeyID}
	if n.friendly == "" {
		n.friendly = e.Alias
	}
	if len(n.localID) == 0 {
		n.localID = algo.SHA1.Sum(nil, e.Certificate.Raw)
	}
	return n
}

// bag is a SafeBag.
func bag(oid string, value []byte, name bagName) []byte {
	var attributes [][]byte
	if name.friendly != "" {
		attributes = append(attributes, attribute(oidFriendlyName, asn1ber.Primitive(asn1ber.BMPString, bmpString(name.friendly))))
	}
	if len(name.localID) > 0 {
		attributes = append(attributes, attribute(oidLocalKeyID, asn1ber.Primitive(asn1ber.OctetString, name.localID)))
	}
	var set []byte
	if len(attributes) > 0 {
		set = asn1ber.SetOf(asn1ber.Set, attributes...)
	}
	return asn1ber.Wrap(asn1ber.Sequence, oidElement(oid), asn1ber.Wrap(asn1ber.Context(0), value), set)
}

func attribute(oid string, value []byte) []byte {
	return asn1ber.Wrap(asn1ber.Sequence, oidElement(oid), asn1ber.Wrap(asn1ber.Set, value))
}

// contentInfo is SEQUENCE { OID, [0] value }; a CertBag looks the same.
func contentInfo(oid string, value []byte) []byte {
	return asn1ber.Wrap(asn1ber.Sequence, oidElement(oid), asn1ber.Wrap(asn1ber.Context(0), value))
}

func oidElement(oid string) []byte {
	return asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID(oid)))
}

const saltOctets = 16

func (w *writer) random(n int) ([]byte, error) {
	out := make([]byte, n)
	if _, err := io.ReadFull(w.Rand, out); err != nil {
		return nil, fmt.Errorf("couldn't read randomness: %w", err)
	}
	return out, nil
}

// encrypt gives the AlgorithmIdentifier and the ciphertext; national names the cipher of the National scheme.
func (w *writer) encrypt(plain []byte, national string) (id, ciphertext []byte, err error) {
	salt, err := w.random(saltOctets)
	if err != nil {
		return nil, nil, err
	}
	if w.Scheme == National {
		s := stretch{hash: algo.SHA1, salt: salt, iterations: w.Iterations}
		block, iv, err := s.classic(&w.work, classicCiphers[asn1ber.MustOID(national)], w.secret)
		if err != nil {
			return nil, nil, err
		}
		return identifier(national, w.saltAndCount(salt)), encryptCBC(block, iv, plain), nil
	}
	iv, err := w.random(aes.BlockSize)
	if err != nil {
		return nil, nil, err
	}
	s := stretch{hash: algo.SHA256, salt: salt, iterations: w.Iterations}
	key, err := s.pbkdf2(&w.work, w.text, 32)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	prf := identifier("1.2.840.113549.2.9", asn1ber.Primitive(asn1ber.Null, nil))
	kdf := identifier("1.2.840.113549.1.5.12", asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.Primitive(asn1ber.OctetString, salt), asn1ber.EncodedInt(int64(w.Iterations)), prf))
	id = identifier(oidPBES2, asn1ber.Wrap(asn1ber.Sequence,
		kdf, identifier(oidAES256, asn1ber.Primitive(asn1ber.OctetString, iv))))
	return id, encryptCBC(block, iv, plain), nil
}

func identifier(oid string, params []byte) []byte {
	return asn1ber.Wrap(asn1ber.Sequence, oidElement(oid), params)
}

func (w *writer) saltAndCount(salt []byte) []byte {
	return asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.Primitive(asn1ber.OctetString, salt), asn1ber.EncodedInt(int64(w.Iterations)))
}

// mac is MacData over the AuthenticatedSafe.
func (w *writer) mac(safe []byte) ([]byte, error) {
	h := algo.SHA256
	if w.Scheme == National {
		h = algo.SHA1
	}
	salt, err := w.random(saltOctets)
	if err != nil {
		return nil, err
	}
	s := stretch{hash: h, salt: salt, iterations: w.Iterations}
	key, err := s.pkcs12(&w.work, forMAC, w.bmp, h.Size())
	if err != nil {
		return nil, err
	}
	sum := hmac.New(h.New, key)
	sum.Write(safe)
	id := identifier(h.OID(), asn1ber.Primitive(asn1ber.Null, nil))
	return asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.Wrap(asn1ber.Sequence, id, asn1ber.Primitive(asn1ber.OctetString, sum.Sum(nil))),
		asn1ber.Primitive(asn1ber.OctetString, salt),
		asn1ber.EncodedInt(int64(w.Iterations))), nil
}
