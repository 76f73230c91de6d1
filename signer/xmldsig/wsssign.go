package xmldsig

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qaqpa/signer/c14n"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmltree"
)

// Token is how a WS-Security signature names its certificate.
type Token uint8

// Tokens.
const (
	TokenKeyIdentifier Token = iota // the whole certificate in wsse:KeyIdentifier, as the national software writes it
	TokenIssuerSerial               // issuer and serial number; the verifier must know the certificate
	TokenBinary                     // a wsse:BinarySecurityToken in the header, pointed at
)

// Namespaces of SOAP envelopes.
const (
	spaceSOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
	spaceSOAP12 = "http://www.w3.org/2003/05/soap-envelope"
)

// WSSInput is what the signature of a SOAP message is made of.
type WSSInput struct {
	// SignInput without References, ParentID, Objects and Canonical, which follow from the message. Document is the
	// envelope.
	SignInput
	Token Token
	// BodyID is the wsu:Id that the body gets when it has none; "": one made of its digest.
	BodyID string
}

// ErrNoEnvelope says that the document is no SOAP 1.1 or 1.2 envelope with one body.
var ErrNoEnvelope = errors.New("not a SOAP envelope with one body")

// SignWSS signs the body of a SOAP message as the e-government gateway does (kz-eds §6): wsse:Security in the header,
// exclusive canonical forms, one reference to the wsu:Id of the body. Header, Security and wsu:Id are added where they are
// missing; the rest of the message stays as it is. Errors: [ErrNoEnvelope], and those of [Sign].
func SignWSS(in WSSInput) ([]byte, error) {
	if len(in.References) > 0 || len(in.Objects) > 0 || in.ParentID != "" {
		return nil, errors.New("couldn't sign message: references, objects and place follow from the message")
	}
	if in.Certificate == nil {
		return nil, errors.New("couldn't sign message: certificate missing")
	}
	m, err := openMessage(in.Document)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign message: %w", err)
	}
	bodyID := m.identifyBody(in.BodyID)
	tokenID := m.addSecurity(in.Token, in.Certificate)
	in.Document = m.edited()
	in.Canonical = c14n.Method{Form: c14n.Exclusive10}
	in.References = []ReferenceInput{{URI: "#" + bodyID, Transforms: []string{c14n.URIExclusive10}}}
	in.keyInfo = func(plan) string { return tokenReference(in.Token, in.Certificate, tokenID) }
	in.parent = security
	return Sign(in.SignInput)
}

// message is an envelope and the changes to be made to it.
type message struct {
	tree         *xmltree.Document
	space        string
	header, body xmltree.Node // header: the zero Node when absent
	edits        []edit
}

// edit replaces the octets between two offsets.
type edit struct {
	from, to int
	text     string
}

func openMessage(document []byte) (*message, error) {
	tree, err := xmltree.Parse(document, xmltree.Limits{})
	if err != nil {
		return nil, err
	}
	return readMessage(tree)
}

func readMessage(tree *xmltree.Document) (*message, error) {
	m := &message{tree: tree, space: tree.Element().Name().Space}
	if m.space != spaceSOAP11 && m.space != spaceSOAP12 || tree.Element().Local() != "Envelope" {
		return nil, ErrNoEnvelope
	}
	for c := range tree.Element().Elements() {
		switch {
		case c.Is(m.space, "Header") && m.header.IsZero() && m.body.IsZero():
			m.header = c
		case c.Is(m.space, "Body") && m.body.IsZero():
			m.body = c
		case c.Is(m.space, "Header"), c.Is(m.space, "Body"):
			return nil, ErrNoEnvelope
		}
	}
	if m.body.IsZero() {
		return nil, ErrNoEnvelope
	}
	return m, nil
}

// security is the wsse:Security of the header that the signature goes into: the first without an actor, which is for the
// last receiver.
func security(tree *xmltree.Document) (xmltree.Node, error) {
	m, err := readMessage(tree)
	if err != nil {
		return xmltree.Node{}, err
	}
	if n := m.security(); !n.IsZero() {
		return n, nil
	}
	return xmltree.Node{}, ErrNoEnvelope
}

func (m *message) security() xmltree.Node {
	if m.header.IsZero() {
		return xmltree.Node{}
	}
	for c := range m.header.Elements() {
		_, actor := c.Attribute(m.space, "actor")
		_, role := c.Attribute(m.space, "role")
		if c.Is(SpaceWSSE, "Security") && !actor && !role {
			return c
		}
	}
	return xmltree.Node{}
}

// identifyBody returns the wsu:Id of the body, giving it one if it must.
func (m *message) identifyBody(wanted string) string {
	if a, ok := m.body.Attribute(xmltree.SpaceWSU, "Id"); ok && a.Value() != "" {
		return a.Value()
	}
	id := wanted
	if id == "" {
		sum := sha256.Sum256([]byte(m.body.Raw()))
		id = m.unused("id-" + hex.EncodeToString(sum[:16]))
	}
	prefix, declaration := m.prefix(m.body, xmltree.SpaceWSU, "wsu")
	m.insertAttributes(m.body, declaration+" "+prefix+`:Id="`+escape(id)+`"`)
	return id
}

// unused makes an identifier one that no element bears.
func (m *message) unused(id string) string {
	base := id
	for i := 1; ; i++ {
		if _, err := m.tree.ByID(id); errors.Is(err, xmltree.ErrNoID) {
			return id
		}
		id = base + "-" + strconv.Itoa(i)
	}
}

// prefix finds a prefix that means a namespace at an element, or declares one that means nothing there yet.
func (m *message) prefix(at xmltree.Node, space, wanted string) (prefix, declaration string) {
	taken := map[string]bool{}
	for ns := range at.Namespaces() {
		if ns.Value() == space && ns.Local() != "" {
			return ns.Local(), ""
		}
		taken[ns.Local()] = true
	}
	prefix = wanted
	for i := 1; taken[prefix]; i++ {
		prefix = wanted + strconv.Itoa(i)
	}
	return prefix, " xmlns:" + prefix + `="` + space + `"`
}

func (m *message) insertAttributes(n xmltree.Node, text string) {
	from, _ := n.Range()
	at := from + 1 + len(n.Name().String())
	m.edits = append(m.edits, edit{at, at, text})
}

// addSecurity makes sure that there is a wsse:Security, with the binary token in it if one is wanted, whose identifier it
// returns.
func (m *message) addSecurity(token Token, c *pkix.Certificate) (tokenID string) {
	content := ""
	if token == TokenBinary {
		sum := c.Fingerprint()
		tokenID = m.unused("x509-" + hex.EncodeToString(sum[:16]))
		content = `<wsse:BinarySecurityToken xmlns:wsse="` + SpaceWSSE + `" xmlns:wsu="` + xmltree.SpaceWSU +
			`" EncodingType="` + encodingBase64 + `" ValueType="` + valueX509 + `" wsu:Id="` + tokenID + `">` +
			base64.StdEncoding.EncodeToString(c.Raw) + `</wsse:BinarySecurityToken>`
	}
	if s := m.security(); !s.IsZero() {
		m.append(s, content)
		return tokenID
	}
	at := m.tree.Element()
	if !m.header.IsZero() {
		at = m.header
	}
	soap, declaration := m.prefix(at, m.space, "soap")
	content = `<wsse:Security xmlns:wsse="` + SpaceWSSE + `"` + declaration + ` ` + soap + `:mustUnderstand="1">` + content + `</wsse:Security>`
	if m.header.IsZero() {
		from, _ := m.body.Range()
		m.edits = append(m.edits, edit{from, from, "<" + soap + ":Header" + declaration + ">" + content + "</" + soap + ":Header>"})
	} else {
		m.append(m.header, content)
	}
	return tokenID
}

// append puts text behind the content of an element.
func (m *message) append(n xmltree.Node, text string) {
	if text == "" {
		return
	}
	whole := m.tree.Text()
	_, end := n.Range()
	if strings.HasSuffix(whole[:end], "/>") {
		m.edits = append(m.edits, edit{end - len("/>"), end, ">" + text + "</" + n.Name().String() + ">"})
		return
	}
	at := strings.LastIndex(whole[:end], "</")
	m.edits = append(m.edits, edit{at, at, text})
}

// edited is the message with its changes, made from the end to the beginning.
func (m *message) edited() []byte {
	text := m.tree.Text()
	slices.SortStableFunc(m.edits, func(a, b edit) int { return b.from - a.from })
	for _, e := range m.edits {
		text = text[:e.from] + e.text + text[e.to:]
	}
	return []byte(text)
}

// tokenReference is the content of KeyInfo.
func tokenReference(token Token, c *pkix.Certificate, tokenID string) string {
	inside := ""
	switch token {
	case TokenKeyIdentifier:
		inside = `<wsse:KeyIdentifier EncodingType="` + encodingBase64 + `" ValueType="` + valueX509 + `">` +
			base64.StdEncoding.EncodeToString(c.Raw) + `</wsse:KeyIdentifier>`
	case TokenIssuerSerial:
		inside = `<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>` + escape(c.Issuer.String()) +
			`</ds:X509IssuerName><ds:X509SerialNumber>` + serialOf(c).String() + `</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>`
	case TokenBinary:
		inside = `<wsse:Reference URI="#` + tokenID + `" ValueType="` + valueX509 + `"/>`
	}
	return `<wsse:SecurityTokenReference xmlns:wsse="` + SpaceWSSE + `">` + inside + `</wsse:SecurityTokenReference>`
}
