package pkix

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// Certificate is an X.509 certificate (RFC 5280 4). Make one with [ParseCertificate]; it is immutable.
type Certificate struct {
	Raw        []byte // the whole certificate
	RawTBS     []byte // the signed part, with its header
	RawIssuer  []byte // the issuer's name, with its header
	RawSubject []byte
	RawSPKI    []byte // SubjectPublicKeyInfo, with its header

	Version             int    // 1 to 3
	Serial              []byte // contents of the INTEGER: big-endian two's complement
	Issuer, Subject     Name
	NotBefore, NotAfter time.Time // UTC; both instants are inside the validity
	IssuerUniqueID      []byte    // BIT STRING octets, nil when absent
	SubjectUniqueID     []byte

	PublicKey    algo.PublicKey
	PublicKeyErr error // why PublicKey is unusable; nil when it is usable

	RawSignatureAlgorithm []byte // the outer AlgorithmIdentifier
	SignatureAlgorithm    algo.Signature
	SignatureAlgorithmErr error  // why SignatureAlgorithm is unusable
	Signature             []byte // octets of the BIT STRING
	partial               bool   // the BIT STRING is not whole octets, so no signature

	Extensions []Extension // as they stand, with values unparsed
	CertificateExtensions

	once        sync.Once
	fingerprint [sha256.Size]byte
	digests     digestMemo
}

// Limits of one certificate. The largest of the national CAs have 2 kB; certificates with post-quantum keys reach 60 kB.
const (
	maxCertificateBytes = 1 << 20
	maxExtensions       = 64
	maxSerialOctets     = 64
)

var certificateLimits = asn1ber.Limits{Bytes: maxCertificateBytes, Depth: 32, Elements: 1 << 16}

// ErrDuplicateExtension means that an extension stands twice in one object (RFC 5280 4.2 forbids it), so its meaning is open.
var ErrDuplicateExtension = errors.New("duplicate extension")

// ParseCertificate reads one DER certificate and nothing after it. The result aliases der. An unknown key or signature
// algorithm is no error: see PublicKeyErr and SignatureAlgorithmErr; neither is a malformed extension: see Defects.
// Errors wrap asn1ber.ErrSyntax, asn1ber.ErrLimit or ErrDuplicateExtension.
func ParseCertificate(der []byte) (*Certificate, error) {
	c := &Certificate{}
	if err := c.parse(der); err != nil {
		return nil, fmt.Errorf("couldn't read certificate: %w", err)
	}
	return c, nil
}

func (c *Certificate) parse(der []byte) error {
	outer, err := asn1ber.Parse(der, asn1ber.DER, certificateLimits)
	if err != nil {
		return err
	}
	s, err := readSigned(outer)
	if err != nil {
		return err
	}
	c.Raw, c.RawTBS, c.RawSignatureAlgorithm = outer.Raw, s.tbs.Raw, s.algorithm
	c.Signature, c.partial = s.signature, s.partial
	c.SignatureAlgorithm, c.SignatureAlgorithmErr = algo.ParseSignature(s.algorithm)
	inner, err := c.parseTBS(s.tbs)
	if err != nil {
		return err
	}
	if !bytes.Equal(inner, s.algorithm) {
		c.defect("", errAlgorithmsDiffer)
	}
	return nil
}

var errAlgorithmsDiffer = errors.New("the signed and the outer signature algorithm differ (RFC 5280 4.1.1.2)")

// signed is SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING }, the frame of certificates and CRLs.
type signed struct {
	tbs       asn1ber.Element
	algorithm []byte
	signature []byte
	partial   bool
}

func readSigned(outer asn1ber.Element) (s signed, err error) {
	if outer.Tag != asn1ber.Sequence {
		return s, fmt.Errorf("%w: %s where SEQUENCE is due", asn1ber.ErrSyntax, outer.Tag)
	}
	r, err := outer.Children()
	if err != nil {
		return s, err
	}
	if s.tbs, err = r.Read(asn1ber.Sequence); err != nil {
		return s, err
	}
	algorithm, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return s, err
	}
	s.algorithm = algorithm.Raw
	bits, err := r.Read(asn1ber.BitString)
	if err != nil {
		return s, err
	}
	var unused int
	if s.signature, unused, err = bits.BitString(); err != nil {
		return s, err
	}
	s.partial = unused != 0
	return s, r.End()
}

// parseTBS reads TBSCertificate and returns the AlgorithmIdentifier inside it.
func (c *Certificate) parseTBS(tbs asn1ber.Element) (algorithm []byte, err error) {
	r, err := tbs.Children()
	if err != nil {
		return nil, err
	}
	if c.Version, err = readVersion(&r); err != nil {
		return nil, err
	}
	if err = c.readSerial(&r); err != nil {
		return nil, err
	}
	inner, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return nil, err
	}
	if c.Issuer, err = readName(&r); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	if c.NotBefore, c.NotAfter, err = readValidity(&r); err != nil {
		return nil, fmt.Errorf("validity: %w", err)
	}
	if c.Subject, err = readName(&r); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	c.RawIssuer, c.RawSubject = c.Issuer.Raw, c.Subject.Raw
	spki, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	c.RawSPKI = spki.Raw
	c.PublicKey, c.PublicKeyErr = algo.ParsePublicKey(spki.Raw)
	if err = c.readTail(&r); err != nil {
		return nil, err
	}
	return inner.Raw, r.End()
}

// readTail reads what comes after the key: unique identifiers (version 2 and 3) and extensions (version 3).
func (c *Certificate) readTail(r *asn1ber.Reader) error {
	for i, id := range []*[]byte{&c.IssuerUniqueID, &c.SubjectUniqueID} {
		e, ok, err := r.Optional(asn1ber.Context(i + 1))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if *id, _, err = e.BitString(); err != nil {
			return err
		}
		if c.Version < 2 {
			return fmt.Errorf("%w: unique identifier in a version 1 certificate", asn1ber.ErrSyntax)
		}
	}
	list, ok, err := r.Optional(asn1ber.Context(3))
	if err != nil || !ok {
		return c.interpret(err)
	}
	if c.Version != 3 {
		return fmt.Errorf("%w: extensions in a version %d certificate", asn1ber.ErrSyntax, c.Version)
	}
	c.Extensions, err = readExtensions(list)
	return c.interpret(err)
}

func readVersion(r *asn1ber.Reader) (int, error) {
	e, ok, err := r.Optional(asn1ber.Context(0))
	if err != nil || !ok {
		return 1, err
	}
	inner, err := e.Explicit(asn1ber.Integer)
	if err != nil {
		return 0, err
	}
	v, err := inner.Int64()
	if err != nil {
		return 0, err
	}
	if v < 0 || v > 2 { // DER omits 0, the default, which is version 1; some write it
		return 0, fmt.Errorf("%w: version %d", asn1ber.ErrSyntax, v)
	}
	return int(v) + 1, nil
}

// readSerial takes a serial number with a needless leading octet, which no ASN.1 encoding allows, for a defect: such
// certificates sign documents that a report must be able to speak of.
func (c *Certificate) readSerial(r *asn1ber.Reader) error {
	next := *r
	if e, err := next.Read(asn1ber.Integer); err == nil && len(e.Content) > 0 && len(e.Content) <= maxSerialOctets {
		if _, err := e.Integer(); err != nil {
			c.defect("", fmt.Errorf("serial number: %w", err))
			c.Serial, *r = e.Content, next
			return nil
		}
	}
	serial, err := readSerial(r)
	c.Serial = serial
	return err
}

func readSerial(r *asn1ber.Reader) ([]byte, error) {
	e, err := r.Read(asn1ber.Integer)
	if err != nil {
		return nil, err
	}
	serial, err := e.Integer()
	if err != nil {
		return nil, err
	}
	if len(serial) > maxSerialOctets {
		return nil, fmt.Errorf("%w: serial number of %d octets", asn1ber.ErrLimit, len(serial))
	}
	return serial, nil
}

func readValidity(r *asn1ber.Reader) (notBefore, notAfter time.Time, err error) {
	v, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return notBefore, notAfter, err
	}
	if notBefore, err = readTime(&v); err != nil {
		return notBefore, notAfter, err
	}
	if notAfter, err = readTime(&v); err != nil {
		return notBefore, notAfter, err
	}
	return notBefore, notAfter, v.End()
}

func readTime(r *asn1ber.Reader) (time.Time, error) {
	e, err := r.Next()
	if err != nil {
		return time.Time{}, err
	}
	return e.Time()
}

// Fingerprint is the SHA-256 of the whole certificate, computed once.
func (c *Certificate) Fingerprint() [sha256.Size]byte {
	c.once.Do(func() { c.fingerprint = sha256.Sum256(c.Raw) })
	return c.fingerprint
}

// SerialHex is the serial number in hexadecimal, upper case, two digits an octet, without the sign octet of DER.
func (c *Certificate) SerialHex() string { return serialHex(c.Serial) }

func serialHex(serial []byte) string {
	if len(serial) > 1 && serial[0] == 0 {
		serial = serial[1:]
	}
	return string(bytes.ToUpper([]byte(hex.EncodeToString(serial))))
}

// Equal reports whether both are the same octets.
func (c *Certificate) Equal(o *Certificate) bool {
	return c == o || c != nil && o != nil && bytes.Equal(c.Raw, o.Raw)
}

// SelfIssued reports whether subject and issuer are the same, non-empty name (RFC 5280 3.2).
func (c *Certificate) SelfIssued() bool { return !c.Subject.Empty() && c.Subject.Equal(c.Issuer) }

// CheckSignatureFrom verifies the certificate's signature with the issuer's key. It checks nothing but mathematics and
// that the algorithms are known. The error wraps algo.ErrSignature when the signature is wrong; other errors mean that
// it could not be decided.
func (c *Certificate) CheckSignatureFrom(issuer *Certificate) error {
	return c.CheckSignature(issuer.PublicKey, issuer.PublicKeyErr)
}

// CheckSignature is CheckSignatureFrom with a bare key; keyErr is the error of reading it.
func (c *Certificate) CheckSignature(key algo.PublicKey, keyErr error) error {
	if c.partial {
		return errPartialOctets
	}
	if err := cmp.Or(c.SignatureAlgorithmErr, keyErr); err != nil {
		return err
	}
	return c.SignatureAlgorithm.Verify(key, c.RawTBS, c.Signature)
}

var errPartialOctets = fmt.Errorf("%w: it is not a whole number of octets", algo.ErrSignature)

// SignedLen is the number of octets that the signature covers.
func (c *Certificate) SignedLen() int { return len(c.RawTBS) }
