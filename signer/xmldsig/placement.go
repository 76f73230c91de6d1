package xmldsig

import (
	"fmt"
	"slices"
	"strings"

	"qaqpa/signer/xmltree"
)

// misplaced refuses a reference whose Type says that it is to a part of its own signature, and which covers something
// that is none: a wrapped part keeps its digest while another one, which nobody signed, stands where programs look.
func (o *Outcome) misplaced() error {
	r := o.Reference
	s := r.signature
	var home []xmltree.Node
	switch {
	case r.Type == TypeObject:
		return o.nested()
	case r.Type == TypeManifest:
		for _, m := range s.Manifests {
			home = append(home, m.Element)
		}
	case strings.HasPrefix(r.Type, "http://uri.etsi.org/01903") && strings.HasSuffix(r.Type, "#SignedProperties"):
		for _, q := range s.Qualifying {
			for c := range q.Elements() {
				if c.Local() == "SignedProperties" && len(home) < maxHomes {
					home = append(home, c)
				}
			}
		}
	default:
		return nil
	}
	nodes, _ := o.Nodes()
	if slices.ContainsFunc(home, nodes.HasSubtree) {
		return nil
	}
	return fmt.Errorf("%w: %s is not covered", ErrMisplaced, r.Type)
}

// nested refuses to take for an object of the signature what lies deeper in one.
func (o *Outcome) nested() error {
	nodes, _ := o.Nodes()
	objects := o.Reference.signature.Objects
	for n := range nodes.Tops() {
		if !n.Is(Space, "Object") {
			continue
		}
		at, own := slices.BinarySearchFunc(objects, n, xmltree.Node.Compare)
		if !own && at > 0 && objects[at-1].Contains(n) {
			return fmt.Errorf("%w: %s is no object of the signature", ErrMisplaced, n.Path())
		}
	}
	return nil
}

// maxHomes bounds the places where a signed part may be.
const maxHomes = 16
