package engine

import (
	"bytes"
	"hash/maphash"

	"qaqpa/signer/algo"
	"qaqpa/signer/kz"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Known remembers certificates that were read, by all their octets, so that parsing a key and describing its holder is done
// once for many documents. What it returns depends on those octets alone, so it never needs to be emptied. Safe for
// concurrent use; nil remembers nothing.
type Known struct {
	// certificates by a short sum under a seed that nobody knows; what is found is compared octet by octet. Of two with one sum the
	// later takes the place.
	certificates *lru.Cache[uint64, *known]
	seed         maphash.Seed
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
	c, err := lru.New[uint64, *known](size)
	if err != nil {
		return nil, err
	}
	return &Known{certificates: c, seed: maphash.MakeSeed(), tables: algo.NewTables(tablesKept)}, nil
}

// find looks certificates up by their octets; sum is where they belong.
func (k *Known) find(raw []byte) (e *known, sum uint64) {
	sum = maphash.Bytes(k.seed, raw)
	if e, ok := k.certificates.Get(sum); ok && bytes.Equal(e.cert.Raw, raw) {
		return e, sum
	}
	return nil, sum
}

// parse reads a certificate, or remembers it.
func (k *Known) parse(raw []byte) (*pkix.Certificate, error) {
	if k == nil {
		return pkix.ParseCertificate(raw)
	}
	e, sum := k.find(raw)
	if e != nil {
		return e.cert, nil
	}
	// A copy: the document that the octets came from may be large and must not be kept for them.
	c, err := pkix.ParseCertificate(append([]byte(nil), raw...))
	if err != nil {
		return nil, err
	}
	c.PublicKey = k.tables.Watch(c.PublicKey)
	k.certificates.Add(sum, newKnown(c))
	return c, nil
}

// about describes a certificate, or remembers it. Callers must not change the result.
func (k *Known) about(c *pkix.Certificate) *known {
	if k == nil {
		return newKnown(c)
	}
	e, sum := k.find(c.Raw)
	if e == nil {
		e = newKnown(c)
		k.certificates.Add(sum, e)
	}
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
