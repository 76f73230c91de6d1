package engine

import (
	"crypto/sha256"

	"qaqpa/signer/algo"
	"qaqpa/signer/kz"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Known remembers certificates that were read, by the SHA-256 of all their octets, so that parsing a key and describing its
// holder is done once for many documents. What it returns depends on those octets alone, so it never needs to be emptied.
// Safe for concurrent use; nil remembers nothing.
type Known struct {
	certificates *lru.Cache[path.Digest, *known]
	tables       *algo.Tables
}

// tablesKept is how many keys have a table at once, at 0.9 MB each.
const tablesKept = 24

// known is a certificate with what is said of it in every verdict.
type known struct {
	cert    *pkix.Certificate
	link    report.Certificate
	subject kz.Subject
	signer  report.Signer
}

// NewKnown makes a memory of at most size certificates, some 10 kB each.
func NewKnown(size int) (*Known, error) {
	c, err := lru.New[path.Digest, *known](size)
	if err != nil {
		return nil, err
	}
	return &Known{certificates: c, tables: algo.NewTables(tablesKept)}, nil
}

// parse reads a certificate, or remembers it.
func (k *Known) parse(raw []byte) (*pkix.Certificate, error) {
	if k == nil {
		return pkix.ParseCertificate(raw)
	}
	id := sha256.Sum256(raw)
	if e, ok := k.certificates.Get(id); ok {
		return e.cert, nil
	}
	// A copy: the document that the octets came from may be large and must not be kept for them.
	c, err := pkix.ParseCertificate(append([]byte(nil), raw...))
	if err != nil {
		return nil, err
	}
	c.PublicKey = k.tables.Watch(c.PublicKey)
	k.certificates.Add(id, newKnown(c))
	return c, nil
}

// about describes a certificate, or remembers it. Callers must not change the result.
func (k *Known) about(c *pkix.Certificate) *known {
	if k == nil {
		return newKnown(c)
	}
	id := c.Fingerprint()
	if e, ok := k.certificates.Get(id); ok {
		return e
	}
	e := newKnown(c)
	k.certificates.Add(id, e)
	return e
}

func newKnown(c *pkix.Certificate) *known {
	s := kz.Describe(c)
	return &known{
		cert: c, subject: s, signer: describe(c, s),
		link: report.Certificate{
			Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialHex(), SHA256: hexOf(c.Fingerprint()),
			NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), Algorithm: c.SignatureAlgorithm.Name,
		},
	}
}
