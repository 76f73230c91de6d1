package xades

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"qaqpa/signer/cms"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// Properties are the qualifying properties of one signature. Not safe for concurrent use: digests are made when they are asked for, once, and paid
// from the document's work.
type Properties struct {
	Element xmltree.Node // QualifyingProperties
	Signed  xmltree.Node // SignedProperties; the zero Node: none
	// Believed: a reference of the signature covers SignedProperties and agrees. Otherwise what is read from them is left empty.
	Believed bool

	SigningTime         time.Time // UTC; zero: not stated
	SigningCertificates []CertificateRef
	Policy              *cms.SignaturePolicy // nil: none is named
	// List is what reports show, signed properties first, in document order.
	List []Property

	checked  *xmldsig.Checked
	work     *xmldsig.Work
	unsigned []xmltree.Node // unsigned signature properties, in document order
	content  []xmltree.Node // content time stamps among the signed properties
	formats  map[string]bool
	faults   []fault
	notes    []fault
	values   map[xmltree.Node]Evidence // of properties that carry some
	bound    map[[sha256.Size]byte]bool
	decoded  map[xmltree.Node][][]byte        // tokens of time stamps
	referred map[xmltree.Node][]cms.Reference // of properties that hold some
}

// Property is one property as reports show it.
type Property struct {
	Name   string // the element's local name
	Signed bool
	Value  string // short, for a reader
}

type fault struct {
	rule   cms.Rule
	clause string
	detail string
}

// Each kind of finding is told a few times, or a document could make its report longer than itself.
func (p *Properties) fault(rule cms.Rule, clause, format string, args ...any) {
	if len(p.faults) == findingsMax {
		return
	}
	p.faults = append(p.faults, fault{rule, clause, fmt.Sprintf(format, args...)})
}

func (p *Properties) note(rule cms.Rule, clause, format string, args ...any) {
	if len(p.notes) == findingsMax {
		return
	}
	p.notes = append(p.notes, fault{rule, clause, fmt.Sprintf(format, args...)})
}

// Read takes the properties of a signature; nil: it has none. What is wrong with them is told by Verify. work is that of the
// document; nil: a budget of its own.
func Read(c *xmldsig.Checked, work *xmldsig.Work) *Properties {
	s := c.Signature
	if len(s.Qualifying) == 0 && len(s.QualifyingElsewhere) == 0 {
		return nil
	}
	p := &Properties{
		checked: c, work: work, formats: map[string]bool{}, values: map[xmltree.Node]Evidence{}, bound: map[[sha256.Size]byte]bool{},
		decoded: map[xmltree.Node][][]byte{}, referred: map[xmltree.Node][]cms.Reference{},
	}
	if len(s.QualifyingElsewhere) > 0 {
		p.note(RuleProperties, clauseProperties, "properties in another place are not looked at")
	}
	if len(s.Qualifying) == 0 {
		return p
	}
	p.Element = s.Qualifying[0]
	if len(s.Qualifying) > 1 {
		// One program would read the first, another the last.
		p.fault(RuleProperties, clauseProperties, "%d QualifyingProperties in one signature", len(s.Qualifying))
	}
	p.readParts()
	p.readTarget()
	return p
}

// readTarget: the properties say whose they are. Those of another signature, moved here, are none of this one. Where this signature covers
// them they are its own, whatever a sloppy program wrote.
func (p *Properties) readTarget() {
	target, _ := p.Element.AttributeValue("Target")
	id, ok := strings.CutPrefix(target, "#")
	switch own := p.checked.Signature.ID; {
	case target == "":
		p.note(RuleProperties, clauseProperties, "no Target")
	case id != own && p.Believed:
		p.note(RuleProperties, clauseProperties, "Target %.100q is not the signature", target)
	case id != own:
		p.fault(RuleProperties, clauseProperties, "Target %.100q is not the signature", target)
	case !ok:
		p.note(RuleProperties, clauseProperties, "Target is a name, not a reference")
	}
}

// readParts finds SignedProperties and UnsignedProperties, each at most once.
func (p *Properties) readParts() {
	var unsigned xmltree.Node
	for c := range p.Element.Elements() {
		switch {
		case is(c, "SignedProperties"):
			if !p.Signed.IsZero() {
				p.fault(RuleProperties, clauseProperties, "more than one SignedProperties")
				continue
			}
			if !unsigned.IsZero() {
				p.note(RuleProperties, clauseProperties, "SignedProperties stand last")
			}
			p.Signed = c
		case is(c, "UnsignedProperties"):
			if !unsigned.IsZero() {
				p.fault(RuleProperties, clauseProperties, "more than one UnsignedProperties")
				continue
			}
			unsigned = c
		default:
			p.fault(RuleProperties, clauseProperties, "%s in QualifyingProperties", c.Name())
		}
	}
	if p.Signed.IsZero() {
		p.note(RuleSignedProperties, clauseSigned, "no SignedProperties")
	} else {
		p.readCoverage()
	}
	if p.Believed {
		p.readSigned()
	}
	if !unsigned.IsZero() {
		p.readUnsigned(unsigned)
	}
}

// readCoverage looks for the reference that signs the properties. One whose Type says so, and which covers something else, has
// been refused by xmldsig already.
func (p *Properties) readCoverage() {
	typed := false
	for _, o := range p.checked.References {
		nodes, exact := o.Nodes()
		if !exact || !o.Agrees() || !nodes.HasSubtree(p.Signed) {
			continue
		}
		p.Believed = true
		typed = typed || isSignedPropertiesType(o.Reference.Type)
	}
	switch {
	case !p.Believed:
		p.note(RuleSignedProperties, clauseSigned, "no reference covers SignedProperties: none of them is believed")
	case !typed:
		p.note(RuleSignedProperties, clauseSigned, "the reference to SignedProperties has not their Type")
	}
}

func isSignedPropertiesType(uri string) bool {
	return strings.HasPrefix(uri, "http://uri.etsi.org/01903") && strings.HasSuffix(uri, "#SignedProperties")
}

// readUnsigned lists the unsigned properties. Nobody vouches for them: each is judged by what it holds.
func (p *Properties) readUnsigned(n xmltree.Node) {
	groups := 0
	for group := range n.Elements() {
		switch {
		case is(group, "UnsignedSignatureProperties"):
			if groups++; groups > 1 {
				p.fault(RuleProperties, clauseProperties, "more than one UnsignedSignatureProperties")
				return
			}
			for c := range group.Elements() {
				if len(p.unsigned) == unsignedMax {
					p.note(RuleProperties, clauseProperties, "more than %d unsigned properties: the rest is left out", unsignedMax)
					break
				}
				p.unsigned = append(p.unsigned, c)
				p.show(c, false, "")
			}
		case is(group, "UnsignedDataObjectProperties"):
			for c := range group.Elements() {
				p.show(c, false, "")
			}
		default:
			p.fault(RuleProperties, clauseProperties, "%s in UnsignedProperties", group.Name())
		}
	}
	for _, c := range p.unsigned {
		if ev, ok := readValues(c, valuesMax-p.held()); ok {
			p.values[c] = ev
		}
	}
}

// held is how many values have been read.
func (p *Properties) held() (n int) {
	for _, ev := range p.values {
		n += ev.len()
	}
	return n
}

// show puts a property on the list.
func (p *Properties) show(n xmltree.Node, signed bool, value string) {
	if len(p.List) >= shownMax {
		return
	}
	if len(value) > shownOctetsMax {
		value = strings.ToValidUTF8(value[:shownOctetsMax], "") + "…"
	}
	p.List = append(p.List, Property{Name: n.Local(), Signed: signed, Value: value})
}

// has tells whether an unsigned signature property of one of the names is there.
func (p *Properties) has(names ...string) bool {
	for _, n := range p.unsigned {
		for _, name := range names {
			if is(n, name) {
				return true
			}
		}
	}
	return false
}
