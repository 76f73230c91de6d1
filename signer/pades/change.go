package pades

import (
	"fmt"
	"slices"

	"qaqpa/signer/pdf"
)

// ChangeKind is what a later revision did.
type ChangeKind string

// Kinds of changes, from harmless to not.
const (
	// ChangeEvidence: certificates and revocation data for validation in the long term.
	ChangeEvidence ChangeKind = "evidence"
	// ChangeTimeStamp: a time stamp over the document.
	ChangeTimeStamp ChangeKind = "time_stamp"
	// ChangeSignature: a signature that shows nothing on a page.
	ChangeSignature ChangeKind = "signature"
	// ChangeStructure: logical structure was added, which programs that read aloud follow.
	ChangeStructure ChangeKind = "structure"
	// ChangeVisible: a signature, or a field for one, that shows something on a page, and can cover what stood there.
	ChangeVisible ChangeKind = "visible_signature"
	// ChangeMetadata: title, author and the like.
	ChangeMetadata ChangeKind = "metadata"
	// ChangeForm: a form field was filled in.
	ChangeForm ChangeKind = "form_fill"
	// ChangeAnnotation: notes and other marks on pages.
	ChangeAnnotation ChangeKind = "annotation"
	// ChangeOther: anything else, such as pages and their content.
	ChangeOther ChangeKind = "other"
)

// Change is one thing that a revision after a signature changed.
type Change struct {
	Kind ChangeKind
	// Revision made it, counted from 1.
	Revision int
	// Field is the full name of the form field concerned; empty where there is none.
	Field string
	// Detail is technical and in English.
	Detail string
	// Forbidden: the signature forbids it, or no signature allows it.
	Forbidden bool
}

// Whole tells whether the reader of the last revision sees what was signed: later revisions added evidence, time stamps
// and signatures that show nothing.
func (k ChangeKind) Whole() bool {
	switch k {
	case ChangeEvidence, ChangeTimeStamp, ChangeSignature:
		return true
	case ChangeStructure, ChangeVisible, ChangeMetadata, ChangeForm, ChangeAnnotation, ChangeOther:
	}
	return false
}

// allowed tells whether a certification allows a kind of change (ISO 32000-2 table 257): 1 is nothing but evidence and time
// stamps, 2 forms and signatures, 3 annotations as well; 0 is no certification.
func allowed(k ChangeKind, permission int) bool {
	switch k {
	case ChangeEvidence, ChangeTimeStamp:
		return true
	case ChangeSignature, ChangeVisible, ChangeForm, ChangeStructure, ChangeMetadata:
		return permission != 1
	case ChangeAnnotation:
		return permission == 0 || permission == 3
	case ChangeOther:
	}
	return false
}

// Coverage is how much of the document, as readers see it, a signature covers.
type Coverage int

// Coverages.
const (
	None    Coverage = iota // no revision of the file: nothing that anybody could rely on
	Partial                 // an earlier revision, and later ones changed more than evidence and signatures
	Whole                   // the document
)

// Coverage of a signature by its structure; whether it holds is for Verify.
func (s *Signature) Coverage() Coverage {
	if s.Revision == 0 || !s.Sound() {
		return None
	}
	for _, c := range s.Changes {
		if !c.Kind.Whole() || c.Forbidden {
			return Partial
		}
	}
	return Whole
}

const changesMax = 64

// compare classifies what each revision after the first signature changed, once, and tells each signature the changes after
// it.
func (d *Document) compare() {
	first := len(d.File.Revisions())
	for _, s := range d.Signatures {
		if s.Revision > 0 {
			first = min(first, s.Revision)
		}
	}
	changes := make([][]Change, len(d.File.Revisions()))
	var index *references
	for r := first; r < len(d.File.Revisions()); r++ {
		if index == nil {
			index = newReferences(d.File, r-1)
		}
		changes[r] = compareRevisions(d.File, r, index)
	}
	for _, s := range d.Signatures {
		if s.Revision == 0 {
			continue
		}
		for r := s.Revision; r < len(changes); r++ {
			for _, c := range changes[r] {
				c.Forbidden = !allowed(c.Kind, s.Permission) || d.freezes(s, c.Kind, c.Field)
				s.Changes = append(s.Changes, c)
			}
		}
		if fault := behind(d.File); fault != "" {
			s.Changes = append(s.Changes, Change{Kind: ChangeOther, Revision: len(changes), Detail: fault, Forbidden: true})
		}
	}
}

// behind names what follows the last revision, or leads readers to other documents.
func behind(f *pdf.File) string {
	for _, fault := range f.Faults() {
		switch fault.Code {
		case pdf.FaultTrailing, pdf.FaultOrder, pdf.FaultEnd, pdf.FaultRebuilt:
			return fault.Detail
		case pdf.FaultOffset, pdf.FaultTable, pdf.FaultHybrid, pdf.FaultDoubled, pdf.FaultStream, pdf.FaultContainer,
			pdf.FaultSize, pdf.FaultEncrypted, pdf.FaultFree:
		}
	}
	return ""
}

// compareRevisions classifies what revision r changed.
func compareRevisions(f *pdf.File, r int, index *references) []Change {
	st := newStep(f, r, index)
	st.walk()
	st.unexplained()
	st.octets()
	return st.changes
}

func (s *step) change(kind ChangeKind, field, format string, args ...any) {
	c := Change{Kind: kind, Revision: s.new.Revision() + 1, Field: field, Detail: fmt.Sprintf(format, args...)}
	switch {
	case slices.Contains(s.changes, c) || len(s.changes) > changesMax:
	case len(s.changes) == changesMax:
		// What is not listed could be anything.
		c.Kind, c.Field, c.Detail = ChangeOther, "", "there are more changes than can be listed"
		fallthrough
	default:
		s.changes = append(s.changes, c)
	}
}
