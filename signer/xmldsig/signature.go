package xmldsig

import (
	"fmt"
	"slices"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/xmltree"
)

// Document is a parsed document with its signatures. It is immutable and safe to share.
type Document struct {
	Tree       *xmltree.Document
	Signatures []*Signature // every ds:Signature, in document order, nested ones too
	limits     Limits
	references int
	doubled    string // an identifier that several elements bear
	doubles    int    // how many such there are
}

// Signature is one ds:Signature. It may be malformed: then Verify says so, and what could be read is here.
type Signature struct {
	Element xmltree.Node
	Index   int        // in Document.Signatures
	ID      string     // its identifier, "" when it has none
	Parent  *Signature // the signature that it lies in (a counter-signature, or signed content), nil at the top

	SignedInfo          xmltree.Node // the zero Node when there is not exactly one
	CanonicalURI        string
	Canonical           c14n.Method
	CanonicalErr        error
	AlgorithmURI        string
	Algorithm           algo.Signature
	AlgorithmErr        error
	References          []*Reference // of SignedInfo
	Value               []byte       // the signature, nil when it cannot be read
	SignatureValue      xmltree.Node
	KeyInfo             *KeyInfo // nil when absent
	Objects             []xmltree.Node
	Manifests           []*Manifest    // in the objects
	Qualifying          []xmltree.Node // QualifyingProperties of XAdES in the objects, of any version
	QualifyingElsewhere []xmltree.Node // QualifyingPropertiesReference
	doc                 *Document
	faults              []string
}

// Manifest is a ds:Manifest in an object of a signature (XMLDSig 5.1).
type Manifest struct {
	Element    xmltree.Node
	ID         string
	References []*Reference
}

// Reference is a ds:Reference.
type Reference struct {
	Element    xmltree.Node
	ID         string
	URI        string
	HasURI     bool
	Type       string
	Transforms []Transform
	DigestURI  string
	Digest     algo.Hash
	Value      []byte // the digest, nil when it cannot be read
	signature  *Signature
	err        error // what is wrong with it, nil when nothing is
}

// Open finds the signatures of a document. The error is [ErrLimit]: everything else that is wrong belongs to a signature
// and is told by its checks.
func Open(tree *xmltree.Document, lim Limits) (*Document, error) {
	d := &Document{Tree: tree, limits: lim.withDefaults(len(tree.Text()))}
	if ids := tree.DuplicateIDs(); len(ids) > 0 {
		d.doubled, d.doubles = ids[0], len(ids)
	}
	var around []*Signature
	for n := range tree.Root().Descendants() {
		if !n.Is(Space, "Signature") {
			continue
		}
		if len(d.Signatures) == d.limits.Signatures {
			return nil, fmt.Errorf("couldn't read signatures: %w: more than %d", ErrLimit, d.limits.Signatures)
		}
		for len(around) > 0 && !around[len(around)-1].Element.Contains(n) {
			around = around[:len(around)-1]
		}
		s := &Signature{Element: n, Index: len(d.Signatures), doc: d}
		if len(around) > 0 {
			s.Parent = around[len(around)-1]
		}
		s.read()
		if d.references > d.limits.References {
			return nil, fmt.Errorf("couldn't read signatures: %w: more than %d references", ErrLimit, d.limits.References)
		}
		d.Signatures = append(d.Signatures, s)
		around = append(around, s)
	}
	return d, nil
}

func (s *Signature) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// read takes ds:Signature apart: SignedInfo, SignatureValue, KeyInfo?, Object* in this order (XMLDSig 4.1). A second
// SignedInfo, wherever it stands, is a fault: one program would verify the first and another read the second.
func (s *Signature) read() {
	s.ID, _ = s.Element.AttributeValue("Id")
	if err := elementsOnly(s.Element); err != nil {
		s.fault("%v", err)
	}
	order := 0
	for c := range s.Element.Elements() {
		var place int
		switch {
		case c.Is(Space, "SignedInfo"):
			place = 1
			s.readSignedInfo(c)
		case c.Is(Space, "SignatureValue"):
			place = 2
			s.readValue(c)
		case c.Is(Space, "KeyInfo"):
			place = 3
			if s.KeyInfo == nil {
				s.KeyInfo = readKeyInfo(c)
			}
		case c.Is(Space, "Object"):
			place = 4
			s.readObject(c)
		default:
			s.fault("%s in Signature", c.Name())
			continue
		}
		if place < order || place == order && place != 4 {
			s.fault("%s is double or out of order", c.Name())
		}
		order = max(order, place)
	}
	if s.SignedInfo.IsZero() {
		s.fault("no SignedInfo")
	}
	if s.SignatureValue.IsZero() {
		s.fault("no SignatureValue")
	}
}

func (s *Signature) readValue(n xmltree.Node) {
	if !s.SignatureValue.IsZero() {
		return
	}
	s.SignatureValue = n
	value, err := Base64Of(n)
	if err != nil {
		s.fault("SignatureValue: %v", err)
		return
	}
	s.Value = value
}

func (s *Signature) readSignedInfo(n xmltree.Node) {
	if !s.SignedInfo.IsZero() {
		s.fault("more than one SignedInfo")
		return
	}
	s.SignedInfo = n
	if err := elementsOnly(n); err != nil {
		s.fault("%v", err)
	}
	at := 0
	for c := range n.Elements() {
		switch {
		case at == 0 && c.Is(Space, "CanonicalizationMethod"):
			s.readCanonical(c)
		case at == 1 && c.Is(Space, "SignatureMethod"):
			s.readMethod(c)
		case at >= 2 && c.Is(Space, "Reference"):
			s.References = s.addReference(s.References, c)
		default:
			s.fault("%s in SignedInfo is unknown or out of order", c.Name())
		}
		at++
	}
	if len(s.References) == 0 {
		s.fault("no Reference")
	}
}

func (s *Signature) readCanonical(n xmltree.Node) {
	s.CanonicalURI, _ = n.AttributeValue("Algorithm")
	s.Canonical, s.CanonicalErr = readForm(n, s.CanonicalURI)
}

func (s *Signature) readMethod(n xmltree.Node) {
	s.AlgorithmURI, _ = n.AttributeValue("Algorithm")
	s.Algorithm, s.AlgorithmErr = SignatureByURI(s.AlgorithmURI)
	for c := range n.Elements() {
		// RSAPSSParams, HMACOutputLength: parameters that no algorithm here takes.
		s.AlgorithmErr = fmt.Errorf("%w: parameter %s of SignatureMethod", algo.ErrParameters, c.Name())
	}
}

func (s *Signature) readObject(n xmltree.Node) {
	s.Objects = append(s.Objects, n)
	for c := range n.Elements() {
		name := c.Name()
		switch {
		case c.Is(Space, "Manifest") && len(s.Manifests) == maxManifests:
			s.fault("more than %d manifests", maxManifests)
			return
		case c.Is(Space, "Manifest"):
			s.Manifests = append(s.Manifests, s.readManifest(c))
		case name.Local == "QualifyingProperties" && IsXAdES(name.Space):
			s.Qualifying = append(s.Qualifying, c)
		case name.Local == "QualifyingPropertiesReference" && IsXAdES(name.Space):
			s.QualifyingElsewhere = append(s.QualifyingElsewhere, c)
		}
	}
}

// maxManifests bounds those of one signature.
const maxManifests = 64

func (s *Signature) readManifest(n xmltree.Node) *Manifest {
	m := &Manifest{Element: n}
	m.ID, _ = n.AttributeValue("Id")
	for c := range n.Elements() {
		if c.Is(Space, "Reference") {
			m.References = s.addReference(m.References, c)
		}
	}
	return m
}

// IsXAdES tells the namespaces of ETSI TS 101 903 and EN 319 132, of which 1.1.1, 1.2.2, 1.3.2 and 1.4.1 are in use, and
// that of XMLDSig, in which early DigiDoc wrote its properties.
func IsXAdES(space string) bool {
	return space == Space || strings.HasPrefix(space, "http://uri.etsi.org/01903/v")
}

// Outside are the references of SignedInfo and of manifests whose content lies outside the document, so that a caller can
// hash large content with the hashes that are needed before he hands the digests in.
func (s *Signature) Outside() (out []*Reference) {
	all := slices.Clip(s.References)
	for _, m := range s.Manifests {
		all = append(all, m.References...)
	}
	for _, r := range all {
		if !r.HasURI || r.URI != "" && !strings.HasPrefix(r.URI, "#") {
			out = append(out, r)
		}
	}
	return out
}
