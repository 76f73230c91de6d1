package algo

import (
	"encoding/hex"
	"fmt"

	"qaqpa/signer/asn1ber"
)

// parameters of an AlgorithmIdentifier; present false where they are absent.
type parameters struct {
	element asn1ber.Element
	present bool
}

func (p parameters) absentOrNull() bool {
	return !p.present || p.element.Tag == asn1ber.Null && len(p.element.Content) == 0
}

// readIdentifier reads AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL } and
// nothing after it.
func readIdentifier(b []byte) (oid []byte, p parameters, err error) {
	e, err := asn1ber.Parse(b, asn1ber.BER, identifierLimits)
	if err != nil {
		return nil, p, fmt.Errorf("couldn't read AlgorithmIdentifier: %w", err)
	}
	return identifierOf(e)
}

// identifierLimits: parameters of PSS are the deepest, near 300 octets; an explicit curve may reach 1 kB.
var identifierLimits = asn1ber.Limits{Bytes: 8 << 10, Depth: 12, Elements: 64}

func identifierOf(e asn1ber.Element) (oid []byte, p parameters, err error) {
	if e.Tag != asn1ber.Sequence {
		return nil, p, fmt.Errorf("%w: AlgorithmIdentifier is %s", asn1ber.ErrSyntax, e.Tag)
	}
	r, err := e.Children()
	if err != nil {
		return nil, p, err
	}
	if oid, err = r.ReadOID(); err != nil {
		return nil, p, err
	}
	if !r.Empty() {
		if p.element, err = r.Next(); err != nil {
			return nil, p, err
		}
		p.present = true
	}
	return oid, p, r.End()
}

// identifier is a DER AlgorithmIdentifier with NULL or absent parameters.
func identifier(oid string, null bool) ([]byte, error) {
	if null {
		return identifierWith(oid, asn1ber.Primitive(asn1ber.Null, nil))
	}
	return identifierWith(oid, nil)
}

func identifierWith(oid string, params []byte) ([]byte, error) {
	o, err := asn1ber.EncodedOID(oid)
	if err != nil {
		return nil, err
	}
	return asn1ber.Wrap(asn1ber.Sequence, o, params), nil
}

// commonIdentifiers are the DER AlgorithmIdentifiers of an OID (contents octets) with parameters absent and NULL.
func commonIdentifiers(rawOID string) [2]string {
	oid := asn1ber.Primitive(asn1ber.OID, []byte(rawOID))
	return [2]string{
		string(asn1ber.Wrap(asn1ber.Sequence, oid)),
		string(asn1ber.Wrap(asn1ber.Sequence, oid, asn1ber.Primitive(asn1ber.Null, nil))),
	}
}

func unknown(what string, oid []byte) error {
	dotted, err := asn1ber.DottedOID(oid)
	if err != nil {
		dotted = "encoded as " + hex.EncodeToString(oid)
	}
	return fmt.Errorf("%w: %s %s", ErrUnknownAlgorithm, what, dotted)
}
