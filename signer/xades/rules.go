package xades

import (
	"strings"

	"qaqpa/signer/cms"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// Namespaces of the properties.
const (
	Space132 = "http://uri.etsi.org/01903/v1.3.2#"
	Space141 = "http://uri.etsi.org/01903/v1.4.1#"
)

// TypeSignedProperties is the Type of the reference to SignedProperties (EN 319 132-1 4.4.2).
const TypeSignedProperties = "http://uri.etsi.org/01903#SignedProperties"

// Rules, besides those of packages cms and xmldsig.
const (
	RuleProperties       cms.Rule = "qualifying-properties" // one set, of this signature, as the schema has it
	RuleSignedProperties cms.Rule = "signed-properties"     // covered by a reference of their Type
	RuleIssuerSerial     cms.Rule = "issuer-serial"         // issuer and serial number beside the digest of the certificate
	RuleCounterSignature cms.Rule = "counter-signature"     // covers the value of the signature that it stands in
)

const (
	clauseProperties = "EN 319 132-1 4.3"
	clauseSigned     = "EN 319 132-1 4.4.2"
	clauseTime       = "EN 319 132-1 5.2.1"
	clauseBinding    = "EN 319 132-1 5.2.2; EN 319 102-1 5.2.3"
	clausePolicy     = "EN 319 132-1 5.2.9"
	clauseCounter    = "EN 319 132-1 5.2.7"
)

// Limits of one signature; beyond them the rest is left out, which can only make a verdict worse.
const (
	findingsMax     = 16  // of each kind
	certificatesMax = 16  // named by SigningCertificate
	referencesMax   = 512 // of CompleteCertificateRefs and the like
	valuesMax       = 512 // certificates, CRLs and OCSP responses together
	unsignedMax     = 256 // unsigned properties
	shownMax        = 96  // properties in the list for reports
	shownOctetsMax  = 200
)

// is tells an element of XAdES by its local name, in whatever version.
func is(n xmltree.Node, local string) bool {
	return n.Kind() == xmltree.Element && n.Local() == local && xmldsig.IsXAdES(n.Name().Space)
}

// child is the first child of XAdES with a local name, or the zero Node. In early versions children of ds types bear the
// namespace of XAdES; both are the same to us.
func child(n xmltree.Node, local string) xmltree.Node {
	if n.IsZero() {
		return n
	}
	for c := range n.Elements() {
		if is(c, local) {
			return c
		}
	}
	return xmltree.Node{}
}

// text is the text of an element, without white space around it; "" where elements are inside. A comment in it is passed over, as the canonical
// form does that is signed.
func text(n xmltree.Node) string {
	if n.IsZero() {
		return ""
	}
	for range n.Elements() {
		return ""
	}
	return strings.Trim(n.Text(), " \t\r\n")
}
