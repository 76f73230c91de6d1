package pkix

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// CRL is a certificate revocation list (RFC 5280 5). Make one with [ParseCRL]; it is immutable.
type CRL struct {
	Raw       []byte
	RawTBS    []byte
	RawIssuer []byte

	Version    int // 1 or 2
	Issuer     Name
	ThisUpdate time.Time
	NextUpdate time.Time // zero when absent

	RawSignatureAlgorithm []byte // the outer AlgorithmIdentifier
	SignatureAlgorithm    algo.Signature
	SignatureAlgorithmErr error
	Signature             []byte
	partial               bool // the BIT STRING is not whole octets, so no signature

	Extensions []Extension
	CRLExtensions

	entries entryIndex

	once        sync.Once
	fingerprint [sha256.Size]byte
}

// CRLExtensions are the extensions of a CRL, read.
type CRLExtensions struct {
	Number         []byte // CRL number, contents of the INTEGER; nil when absent
	NumberCritical bool
	AuthorityKeyID *AuthorityKeyID
	IssuingPoint   *IssuingDistributionPoint
	FreshestCRL    []DistributionPoint
	OCSPServers    []string
	CAIssuers      []string
	// ExpiredCertsFrom: certificates that expired at or after this time stay listed (X.509 ExpiredCertsOnCRL).
	ExpiredCertsFrom time.Time

	// Delta tells that the list holds changes only: it has a delta CRL indicator (5.2.4) or, as the national profile
	// marks them, a critical Freshest CRL extension. BaseNumber is that of the indicator, nil without one.
	Delta      bool
	BaseNumber []byte

	UnknownCritical []string // of the list and, once each, of its entries
	Defects         []Defect
}

// MaxCRLBytes bounds a CRL; the largest national one has 21 MB.
const MaxCRLBytes = 256 << 20

var crlLimits = asn1ber.Limits{Bytes: MaxCRLBytes, Depth: 32, Elements: 1 << 16}

// ParseCRL reads one DER CRL and nothing after it, checks every entry and sorts them for [CRL.Lookup]. The result
// aliases der. Errors wrap asn1ber.ErrSyntax, asn1ber.ErrLimit or ErrDuplicateExtension.
func ParseCRL(der []byte) (*CRL, error) {
	c := &CRL{}
	if err := c.parse(der); err != nil {
		return nil, fmt.Errorf("couldn't read CRL: %w", err)
	}
	return c, nil
}

func (c *CRL) parse(der []byte) error {
	outer, err := asn1ber.Parse(der, asn1ber.DER, crlLimits)
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
	r, err := s.tbs.Children()
	if err != nil {
		return err
	}
	inner, err := c.parseHead(&r)
	if err != nil {
		return err
	}
	if !sameAlgorithm(inner, s.algorithm) {
		c.Defects = append(c.Defects, Defect{Err: errAlgorithmsDiffer})
	}
	if err := c.parseEntries(&r); err != nil {
		return err
	}
	return c.parseTail(&r)
}

// parseHead reads TBSCertList up to nextUpdate and returns the AlgorithmIdentifier inside it.
func (c *CRL) parseHead(r *asn1ber.Reader) (algorithm []byte, err error) {
	c.Version = 1
	version, ok, err := r.Optional(asn1ber.Integer)
	if err != nil {
		return nil, err
	}
	if ok {
		if v, err := version.Int64(); err != nil || v != 1 {
			return nil, fmt.Errorf("%w: version of CRL", asn1ber.ErrSyntax)
		}
		c.Version = 2
	}
	inner, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return nil, err
	}
	if c.Issuer, err = readName(r); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	c.RawIssuer = c.Issuer.Raw
	if c.ThisUpdate, err = readTime(r); err != nil {
		return nil, fmt.Errorf("thisUpdate: %w", err)
	}
	if tag, ok := r.Peek(); ok && (tag == asn1ber.UTCTime || tag == asn1ber.GeneralizedTime) {
		if c.NextUpdate, err = readTime(r); err != nil {
			return nil, fmt.Errorf("nextUpdate: %w", err)
		}
	}
	return inner.Raw, nil
}

// parseEntries reads revokedCertificates, which is absent when there are none (an empty list is taken too).
func (c *CRL) parseEntries(r *asn1ber.Reader) error {
	list, ok, err := r.Optional(asn1ber.Sequence)
	if err != nil || !ok {
		return err
	}
	unknown, err := c.entries.build(list.Content, c.Version)
	c.UnknownCritical = append(c.UnknownCritical, unknown...)
	return err
}

func (c *CRL) parseTail(r *asn1ber.Reader) error {
	tagged, ok, err := r.Optional(asn1ber.Context(0))
	if err != nil {
		return err
	}
	if ok {
		if c.Version != 2 {
			return fmt.Errorf("%w: extensions in a version 1 CRL", asn1ber.ErrSyntax)
		}
		if c.Extensions, err = readExtensions(tagged); err != nil {
			return err
		}
	}
	c.interpret()
	return r.End()
}

func (c *CRL) interpret() {
	for i := range c.Extensions {
		x := &c.Extensions[i]
		read, known := crlReaders[x.OID]
		if !known {
			if x.Critical {
				c.UnknownCritical = append(c.UnknownCritical, x.OID)
			}
			continue
		}
		if read == nil {
			continue
		}
		value, err := asn1ber.Parse(x.Value, asn1ber.DER, extensionLimits)
		if err == nil {
			err = read(&c.CRLExtensions, value, x.Critical)
		}
		if err != nil {
			c.Defects = append(c.Defects, Defect{OID: x.OID, Err: err})
		}
	}
}

var crlReaders = map[string]func(x *CRLExtensions, v asn1ber.Element, critical bool) error{
	OIDCRLNumber: func(x *CRLExtensions, v asn1ber.Element, critical bool) (err error) {
		x.NumberCritical = critical
		x.Number, err = crlNumber(v)
		return err
	},
	OIDDeltaCRLIndicator: func(x *CRLExtensions, v asn1ber.Element, _ bool) (err error) {
		x.Delta = true
		x.BaseNumber, err = crlNumber(v)
		return err
	},
	OIDAuthorityKeyID: func(x *CRLExtensions, v asn1ber.Element, _ bool) (err error) {
		x.AuthorityKeyID, err = parseAuthorityKeyID(v)
		return err
	},
	OIDIssuingDistPoint: func(x *CRLExtensions, v asn1ber.Element, _ bool) (err error) {
		x.IssuingPoint, err = parseIssuingPoint(v)
		return err
	},
	OIDFreshestCRL: func(x *CRLExtensions, v asn1ber.Element, critical bool) (err error) {
		x.Delta = x.Delta || critical
		x.FreshestCRL, err = readDistributionPoints(v)
		return err
	},
	OIDAuthorityInfoAccess: func(x *CRLExtensions, v asn1ber.Element, _ bool) error {
		var c CertificateExtensions
		err := c.readAuthorityInfo(v)
		x.OCSPServers, x.CAIssuers = c.OCSPServers, c.CAIssuers
		return err
	},
	OIDExpiredCertsOnCRL: func(x *CRLExtensions, v asn1ber.Element, _ bool) (err error) {
		x.ExpiredCertsFrom, err = v.Time()
		return err
	},
	OIDIssuerAltName: nil,
}

const maxNumberOctets = 64 // RFC 5280 5.2.3: up to 20; more are seen

func crlNumber(v asn1ber.Element) ([]byte, error) {
	if v.Tag != asn1ber.Integer {
		return nil, fmt.Errorf("%w: %s where INTEGER is due", asn1ber.ErrSyntax, v.Tag)
	}
	n, err := v.Integer()
	if err != nil {
		return nil, err
	}
	if n[0]&0x80 != 0 || len(n) > maxNumberOctets {
		return nil, errors.New("CRL number out of range (RFC 5280 5.2.3)")
	}
	return n, nil
}

// sameAlgorithm compares two AlgorithmIdentifiers; NULL parameters equal absent ones (see # Deviations).
func sameAlgorithm(a, b []byte) bool {
	return string(withoutNull(a)) == string(withoutNull(b))
}

// withoutNull is the contents of an AlgorithmIdentifier without NULL parameters. The octets have been read as DER.
func withoutNull(der []byte) []byte {
	e, err := asn1ber.ParseDER(der)
	if err != nil {
		return der
	}
	r, err := e.Children()
	if err != nil {
		return der
	}
	oid, err := r.Next()
	if err != nil {
		return der
	}
	if rest := r.Rest(); len(rest) == 2 && rest[0] == byte(asn1ber.Null) && rest[1] == 0 {
		return oid.Raw
	}
	return e.Content
}

// Fingerprint is the SHA-256 of the whole CRL, computed once.
func (c *CRL) Fingerprint() [sha256.Size]byte {
	c.once.Do(func() { c.fingerprint = sha256.Sum256(c.Raw) })
	return c.fingerprint
}

// CheckSignature verifies the signature with a key; keyErr is the error of reading the key. The error wraps
// algo.ErrSignature when the signature is wrong; other errors mean that it could not be decided.
func (c *CRL) CheckSignature(key algo.PublicKey, keyErr error) error {
	if c.partial {
		return errPartialOctets
	}
	if err := cmp.Or(c.SignatureAlgorithmErr, keyErr); err != nil {
		return err
	}
	return c.SignatureAlgorithm.Verify(key, c.RawTBS, c.Signature)
}

// Indirect reports whether the list holds entries of other issuers.
func (c *CRL) Indirect() bool { return c.IssuingPoint != nil && c.IssuingPoint.Indirect }

// Len is the number of entries.
func (c *CRL) Len() int { return len(c.entries.sorted) }

// ExtensionValue is the value of the list's extension with a dotted OID; nil when absent.
func (c *CRL) ExtensionValue(oid string) []byte {
	if x := find(c.Extensions, oid); x != nil {
		return x.Value
	}
	return nil
}

// SignedLen is the number of octets that the signature covers.
func (c *CRL) SignedLen() int { return len(c.RawTBS) }
