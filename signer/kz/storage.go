package kz

import (
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

// Storage is where a private key is said to live.
type Storage struct {
	OID string
	// Name is empty for a storage that is not known.
	Name string
	// Protected is true when the key cannot leave its device or cloud; a file (PKCS#12, JKS) can be copied.
	Protected bool
}

// storages are those of extension 1.2.398.3.3.5 (№522/НҚ).
var storages = []Storage{
	{"1.2.398.3.3.5.1.1", "PKCS12", false},
	{"1.2.398.3.3.5.1.2", "JKS", false},
	{"1.2.398.3.3.5.2.1", "ID card", true},
	{"1.2.398.3.3.5.2.2", "Kaztoken", true},
	{"1.2.398.3.3.5.2.3", "eToken Java", true},
	{"1.2.398.3.3.5.2.4", "eToken 5110", true},
	{"1.2.398.3.3.5.2.5", "JaCarta", true},
	{"1.2.398.3.3.5.2.6", "aKey", true},
	{"1.2.398.3.3.5.2.7", "SIM", true},
	{"1.2.398.3.3.5.3.1", "Certex Cloud", true},
}

// storage reads SEQUENCE { OBJECT IDENTIFIER }; anything else is no statement.
func storage(c *pkix.Certificate) Storage {
	x := c.Extension(oidStorage)
	if x == nil {
		return Storage{}
	}
	e, err := asn1ber.Parse(x.Value, asn1ber.DER, asn1ber.Limits{Bytes: 256, Depth: 4, Elements: 16})
	if err != nil || e.Tag != asn1ber.Sequence {
		return Storage{}
	}
	r, err := e.Children()
	if err != nil {
		return Storage{}
	}
	content, err := r.ReadOID()
	if err != nil {
		return Storage{}
	}
	oid, err := asn1ber.DottedOID(content)
	if err != nil {
		return Storage{}
	}
	for _, s := range storages {
		if s.OID == oid {
			return s
		}
	}
	return Storage{OID: oid}
}

// email is the address of the subject alternative name, else of the subject.
func email(c *pkix.Certificate) string {
	for i := range c.SubjectAltName {
		if n := &c.SubjectAltName[i]; n.Kind == pkix.RFC822Name {
			return n.Text
		}
	}
	return c.Subject.First(pkix.AttrEmail)
}
