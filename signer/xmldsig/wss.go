package xmldsig

import (
	"crypto/sha1" //nolint:gosec // G505: ThumbprintSHA1 names a certificate, it proves nothing
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/xmltree"
)

// ValueTypes and EncodingTypes of WS-Security (X.509 Token Profile 1.1 3).
const (
	spaceTokenProfile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#" //nolint:gosec // a namespace, no secret
	valueX509         = spaceTokenProfile + "X509v3"
	valuePath         = spaceTokenProfile + "X509PKIPathv1"
	valueSKI          = spaceTokenProfile + "X509SubjectKeyIdentifier"
	valueThumbprint   = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
	encodingBase64    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)

// readTokenReference reads wsse:SecurityTokenReference: a whole certificate in KeyIdentifier (the national form), an
// issuer and serial number, or a pointer to a BinarySecurityToken of the same document.
func (k *KeyInfo) readTokenReference(n xmltree.Node) {
	for c := range n.Elements() {
		switch {
		case c.Is(SpaceWSSE, "KeyIdentifier"):
			k.readKeyIdentifier(c)
		case c.Is(SpaceWSSE, "Reference"):
			k.readTokenPointer(c)
		case c.Is(SpaceWSSE, "Embedded"):
			for t := range c.Elements() {
				if t.Is(SpaceWSSE, "BinarySecurityToken") {
					k.readToken(t)
				}
			}
		case c.Is(Space, "X509Data"):
			k.readX509Data(c)
		case c.Is(Space, "X509IssuerSerial"): // without its X509Data: older stacks
			s, err := readSelector(c)
			k.addSelector(c.Local(), s, err)
		default:
			k.fault("%s in SecurityTokenReference is not followed", c.Name())
		}
	}
}

func (k *KeyInfo) readKeyIdentifier(n xmltree.Node) {
	kind, _ := n.AttributeValue("ValueType")
	value, err := encoded(n)
	if err != nil {
		k.fault("KeyIdentifier: %v", err)
		return
	}
	switch kind {
	case valueX509:
		k.addDER(value, n)
	case valueSKI:
		k.addSelector("KeyIdentifier", Selector{SKI: value}, nil)
	case valueThumbprint:
		if len(value) == sha1.Size {
			k.addSelector("KeyIdentifier", Selector{DigestHash: algo.SHA1, Digest: value}, nil)
		}
	default:
		k.fault("KeyIdentifier of type %.100q", kind)
	}
}

// encoded decodes a value of WS-Security, whose encoding is base64 unless it says otherwise.
func encoded(n xmltree.Node) ([]byte, error) {
	if kind, ok := n.AttributeValue("EncodingType"); ok && kind != encodingBase64 {
		return nil, ErrRefused
	}
	return Base64Of(n)
}

func (k *KeyInfo) readTokenPointer(n xmltree.Node) {
	uri, _ := n.AttributeValue("URI")
	id, ok := strings.CutPrefix(uri, "#")
	if !ok {
		k.fault("token at %.100q is not fetched", uri)
		return
	}
	token, err := n.Document().ByID(id)
	switch {
	case err != nil:
		k.fault("token %.100q: %v", id, err)
	case !token.Is(SpaceWSSE, "BinarySecurityToken"):
		k.fault("token %.100q is %s", id, token.Name())
	default:
		k.readToken(token)
	}
}

func (k *KeyInfo) readToken(n xmltree.Node) {
	kind, _ := n.AttributeValue("ValueType")
	value, err := encoded(n)
	if err != nil {
		k.fault("BinarySecurityToken: %v", err)
		return
	}
	switch kind {
	case valueX509:
		k.addDER(value, n)
	case valuePath:
		k.readPath(value, n)
	default:
		k.fault("BinarySecurityToken of type %.100q", kind)
	}
}

// readPath reads PkiPath: SEQUENCE OF Certificate, the signer's last.
func (k *KeyInfo) readPath(der []byte, n xmltree.Node) {
	e, err := asn1ber.ParseDER(der)
	if err != nil {
		k.fault("X509PKIPathv1: %v", err)
		return
	}
	r, err := e.Children()
	for err == nil && !r.Empty() {
		var c asn1ber.Element
		if c, err = r.Read(asn1ber.Sequence); err == nil {
			k.addDER(c.Raw, n)
		}
	}
	if err != nil {
		k.fault("X509PKIPathv1: %v", err)
	}
}
