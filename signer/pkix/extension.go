package pkix

import (
	"fmt"

	"qaqpa/signer/asn1ber"
)

// Extension is one extension as it stands in a certificate, CRL, CRL entry or OCSP message.
type Extension struct {
	OID      string // dotted
	Critical bool
	Value    []byte // contents of the OCTET STRING
}

// Defect is a fault inside an object that could still be taken apart.
type Defect struct {
	OID string // of the extension concerned; empty where it is not one
	Err error
}

// String says where and what.
func (d Defect) String() string {
	if d.OID == "" {
		return d.Err.Error()
	}
	return fmt.Sprintf("extension %s: %v", d.OID, d.Err)
}

// readExtensions reads the explicit tag around SEQUENCE SIZE (1..MAX) OF Extension.
func readExtensions(tagged asn1ber.Element) ([]Extension, error) {
	list, err := tagged.Explicit(asn1ber.Sequence)
	if err != nil {
		return nil, fmt.Errorf("extensions: %w", err)
	}
	return readExtensionList(list)
}

func readExtensionList(list asn1ber.Element) ([]Extension, error) {
	r, err := list.Children()
	if err != nil {
		return nil, err
	}
	if r.Empty() {
		return nil, fmt.Errorf("%w: empty list of extensions", asn1ber.ErrSyntax)
	}
	out := make([]Extension, 0, 12)
	for !r.Empty() {
		if len(out) == maxExtensions {
			return nil, fmt.Errorf("%w: more than %d extensions", asn1ber.ErrLimit, maxExtensions)
		}
		x, err := readExtension(&r)
		if err != nil {
			return nil, fmt.Errorf("extension %d: %w", len(out)+1, err)
		}
		for i := range out {
			if out[i].OID == x.OID {
				return nil, fmt.Errorf("%w: %s", ErrDuplicateExtension, x.OID)
			}
		}
		out = append(out, x)
	}
	return out, nil
}

func readExtension(r *asn1ber.Reader) (x Extension, err error) {
	s, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return x, err
	}
	oid, err := s.ReadOID()
	if err != nil {
		return x, err
	}
	x.OID = dottedOID(oid)
	critical, ok, err := s.Optional(asn1ber.Boolean)
	if err != nil {
		return x, err
	}
	if ok { // DER omits FALSE, the default; too many certificates write it to refuse them
		if x.Critical, err = critical.Boolean(); err != nil {
			return x, err
		}
	}
	value, err := s.Read(asn1ber.OctetString)
	if err != nil {
		return x, err
	}
	x.Value = value.Content
	return x, s.End()
}

// find returns the extension with an OID, or nil.
func find(list []Extension, oid string) *Extension {
	for i := range list {
		if list[i].OID == oid {
			return &list[i]
		}
	}
	return nil
}

// Extension returns the certificate's extension with a dotted OID, or nil.
func (c *Certificate) Extension(oid string) *Extension { return find(c.Extensions, oid) }
