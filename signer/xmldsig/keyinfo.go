package xmldsig

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmltree"
)

// KeyInfo is what a signature says of its signer. It is not signed (unless a reference covers it), so all of it is a hint:
// certificates are candidates, and keys are nothing.
type KeyInfo struct {
	Element      xmltree.Node
	Certificates []OfferedCertificate
	CRLs         [][]byte // DER
	Selectors    []Selector
	KeyNames     []string
	// Keys are those of KeyValue and DEREncodedKeyValue. They are never trust: anybody can put his own there.
	Keys []algo.PublicKey
	// Faults tell what could not be read, or was left out.
	Faults []string
}

// OfferedCertificate is a certificate that the document carries for a signature.
type OfferedCertificate struct {
	DER     []byte
	Element xmltree.Node // X509Certificate, wsse:KeyIdentifier or wsse:BinarySecurityToken
}

// Selector names a certificate without holding it. One of the kinds is set.
type Selector struct {
	Issuer     string   // X509IssuerName, with Serial
	Serial     *big.Int // X509SerialNumber
	Subject    string   // X509SubjectName
	SKI        []byte   // subject key identifier
	DigestHash algo.Hash
	Digest     []byte // of the DER certificate
	names      []pkix.Name
}

// Limits of one KeyInfo.
const (
	maxCertificates = 64
	maxSelectors    = 64
	maxKeys         = 8
	maxRetrievals   = 8
)

func (k *KeyInfo) fault(format string, args ...any) {
	if len(k.Faults) < maxSelectors {
		k.Faults = append(k.Faults, fmt.Sprintf(format, args...))
	}
}

func readKeyInfo(n xmltree.Node) *KeyInfo {
	k := &KeyInfo{Element: n}
	k.read(n, maxRetrievals)
	return k
}

// read takes the children of KeyInfo; hops bounds how often a RetrievalMethod may lead on.
func (k *KeyInfo) read(n xmltree.Node, hops int) {
	for c := range n.Elements() {
		switch {
		case c.Is(Space, "X509Data"):
			k.readX509Data(c)
		case c.Is(Space, "KeyValue"):
			for v := range c.Elements() {
				k.addKey(readKeyValue(v))
			}
		case c.Is(Space11, "DEREncodedKeyValue"):
			k.addKey(readEncodedKey(c))
		case c.Is(Space, "KeyName"):
			if name, err := TextOf(c); err == nil && len(k.KeyNames) < maxSelectors {
				k.KeyNames = append(k.KeyNames, name)
			}
		case c.Is(Space, "RetrievalMethod"), c.Is(Space11, "KeyInfoReference"):
			k.follow(c, hops)
		case c.Is(SpaceWSSE, "SecurityTokenReference"):
			k.readTokenReference(c)
		case c.Is(SpaceWSSE, "BinarySecurityToken"):
			k.readToken(c)
		}
	}
}

func (k *KeyInfo) addKey(key algo.PublicKey, err error) {
	switch {
	case err != nil:
		k.fault("KeyValue: %v", err)
	case len(k.Keys) < maxKeys:
		k.Keys = append(k.Keys, key)
	}
}

// follow goes to another place of the same document (XMLDSig 4.5.3, 4.5.10), never to another one.
func (k *KeyInfo) follow(n xmltree.Node, hops int) {
	uri, _ := n.AttributeValue("URI")
	id, ok := strings.CutPrefix(uri, "#")
	if !ok || hops == 0 || !n.Child(Space, "Transforms").IsZero() {
		k.fault("%s to %.100q is not followed", n.Local(), uri)
		return
	}
	target, err := n.Document().ByID(id)
	if err != nil {
		k.fault("%s: %v", n.Local(), err)
		return
	}
	switch {
	case target.Is(Space, "X509Data"):
		k.readX509Data(target)
	case target.Is(Space, "KeyInfo"):
		k.read(target, hops-1)
	case target.Is(Space, "KeyValue"):
		for v := range target.Elements() {
			k.addKey(readKeyValue(v))
		}
	case target.Is(Space11, "DEREncodedKeyValue"):
		k.addKey(readEncodedKey(target))
	case target.Is(Space, "X509Certificate"):
		k.addCertificate(target)
	default:
		k.addKey(readKeyValue(target))
	}
}

func (k *KeyInfo) readX509Data(n xmltree.Node) {
	for c := range n.Elements() {
		switch {
		case c.Is(Space, "X509Certificate"):
			k.addCertificate(c)
		case c.Is(Space, "X509CRL"):
			if der, err := Base64Of(c); err != nil {
				k.fault("X509CRL: %v", err)
			} else if len(k.CRLs) < maxCertificates {
				k.CRLs = append(k.CRLs, der)
			}
		case c.Is(Space, "X509IssuerSerial"), c.Is(Space, "X509SubjectName"), c.Is(Space, "X509SKI"), c.Is(Space11, "X509Digest"):
			sel, err := readSelector(c)
			k.addSelector(c.Local(), sel, err)
		}
	}
}

func (k *KeyInfo) addSelector(what string, sel Selector, err error) {
	switch {
	case err != nil:
		k.fault("%s: %v", what, err)
	case len(k.Selectors) < maxSelectors:
		k.Selectors = append(k.Selectors, sel)
	}
}

func (k *KeyInfo) addCertificate(n xmltree.Node) {
	der, err := Base64Of(n)
	if err != nil {
		k.fault("%s: %v", n.Local(), err)
		return
	}
	k.addDER(der, n)
}

func (k *KeyInfo) addDER(der []byte, n xmltree.Node) {
	for _, c := range k.Certificates {
		if bytes.Equal(c.DER, der) {
			return
		}
	}
	if len(k.Certificates) == maxCertificates {
		k.fault("more than %d certificates", maxCertificates)
		return
	}
	k.Certificates = append(k.Certificates, OfferedCertificate{DER: der, Element: n})
}

func readSelector(n xmltree.Node) (s Selector, err error) {
	switch n.Local() {
	case "X509SubjectName":
		s.Subject, err = TextOf(n)
	case "X509SKI":
		s.SKI, err = Base64Of(n)
	case "X509Digest":
		uri, _ := n.AttributeValue("Algorithm")
		var ok bool
		if s.DigestHash, ok = HashByURI(uri); !ok {
			return s, fmt.Errorf("%w: %q", algo.ErrUnknownAlgorithm, uri)
		}
		s.Digest, err = Base64Of(n)
	case "X509IssuerSerial":
		return ReadIssuerSerial(n)
	}
	if written := s.Issuer + s.Subject; err == nil && written != "" {
		s.names = readName(written)
	}
	return s, err
}

// ReadIssuerSerial reads an element of type ds:X509IssuerSerialType, whatever its name. Errors: [ErrMalformed].
func ReadIssuerSerial(n xmltree.Node) (s Selector, err error) {
	if s.Issuer, err = TextOf(n.Child(Space, "X509IssuerName")); err != nil {
		return s, err
	}
	digits, err := TextOf(n.Child(Space, "X509SerialNumber"))
	if err != nil {
		return s, err
	}
	s.names = readName(s.Issuer)
	s.Serial, err = decimal(digits)
	return s, err
}

// isName compares a written name, read before where the selector comes from a document.
func (s Selector) isName(written string, name pkix.Name) bool {
	names := s.names
	if names == nil {
		names = readName(written)
	}
	return slices.ContainsFunc(names, name.Equal)
}

// decimal reads a serial number; numbers of more than 20 octets, which RFC 5280 4.1.2.2 forbids, are met.
func decimal(digits string) (*big.Int, error) {
	digits = strings.Trim(digits, " \t\r\n")
	if len(digits) > 160 {
		return nil, fmt.Errorf("%w: serial number of %d digits", ErrMalformed, len(digits))
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, fmt.Errorf("%w: serial number %.50q", ErrMalformed, digits)
	}
	return n, nil
}

// namesNothing tells that KeyInfo has neither certificates nor selectors.
func (k *KeyInfo) namesNothing() bool { return len(k.Certificates) == 0 && len(k.Selectors) == 0 }

// Names tells whether KeyInfo holds a certificate or has a selector that fits it.
func (k *KeyInfo) Names(c *pkix.Certificate) bool {
	for _, o := range k.Certificates {
		if bytes.Equal(o.DER, c.Raw) {
			return true
		}
	}
	for _, s := range k.Selectors {
		if s.Matches(c) {
			return true
		}
	}
	return false
}

// Matches tells whether the selector names a certificate.
func (s Selector) Matches(c *pkix.Certificate) bool {
	switch {
	case s.Serial != nil:
		return s.Serial.Cmp(serialOf(c)) == 0 && s.isName(s.Issuer, c.Issuer)
	case s.SKI != nil:
		return bytes.Equal(s.SKI, c.SubjectKeyID)
	case s.Digest != nil:
		return bytes.Equal(s.Digest, s.DigestHash.Sum(nil, c.Raw))
	case s.Subject != "":
		return s.isName(s.Subject, c.Subject)
	}
	return false
}

// Candidates are the certificates of a pool that KeyInfo names, and of these first the ones whose key made the signature.
// Without a KeyInfo that names any they are those whose key made it. Each costs one public-key operation.
func (s *Signature) Candidates(pool []*pkix.Certificate) []*pkix.Certificate {
	var fitting, others []*pkix.Certificate
	nameless := s.KeyInfo == nil || s.KeyInfo.namesNothing()
	m := s.statement()
	for _, c := range pool {
		if !nameless && !s.KeyInfo.Names(c) {
			continue
		}
		if c.PublicKeyErr == nil && m.check(c.PublicKey).Status <= cms.Noted {
			fitting = append(fitting, c)
		} else if !nameless {
			others = append(others, c)
		}
	}
	return append(fitting, others...)
}
