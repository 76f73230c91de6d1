package xmltree

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Errors that callers tell apart; every error of [Parse] wraps one of the first four.
var (
	// ErrSyntax: not well-formed XML 1.0 with namespaces.
	ErrSyntax = errors.New("not well-formed XML")
	// ErrLimit: larger, deeper or more than [Limits] allow.
	ErrLimit = errors.New("XML beyond its limits")
	// ErrDoctype: a document type declaration, which is never read.
	ErrDoctype = errors.New("XML with a DOCTYPE is refused")
	// ErrEncoding: the octets are not in the encoding that the document declares, or in none that is taken.
	ErrEncoding = errors.New("XML in a wrong or unknown encoding")
	// ErrNoID: no element bears the identifier.
	ErrNoID = errors.New("no element has this identifier")
	// ErrDuplicateID: more than one element bears the identifier.
	ErrDuplicateID = errors.New("several elements have this identifier")
)

// Limits bound one document. A zero field takes the value of [DefaultLimits].
type Limits struct {
	Bytes      int // octets of the input, and of its text as UTF-8; at most 1 GiB
	Depth      int // elements inside one another; the document element is at 1
	Nodes      int // elements, attributes, runs of text, comments and instructions together
	Attributes int // of one element, declarations of namespaces included
	Namespaces int // declarations in force at one element
}

// DefaultLimits suit signed documents: 64 MiB, 256 levels, 2^21 nodes (each takes 48 octets), 512 attributes, 256
// namespaces.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 20, Depth: 256, Nodes: 1 << 21, Attributes: 512, Namespaces: 256}
}

const (
	maxBytes = 1 << 30
	maxNodes = 1 << 28
	// maxName bounds the octets of one name: a report repeats names, so none may be a book.
	maxName = 4096
)

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	pick := func(v *int, preset, most int) {
		if *v <= 0 {
			*v = preset
		}
		*v = min(*v, most)
	}
	pick(&l.Bytes, d.Bytes, maxBytes)
	pick(&l.Depth, d.Depth, 1<<14)
	pick(&l.Nodes, d.Nodes, maxNodes)
	pick(&l.Attributes, d.Attributes, 1<<14)
	pick(&l.Namespaces, d.Namespaces, 1<<14)
	return l
}

// PositionError tells where a document is wrong. It wraps one of the package's errors.
type PositionError struct {
	Offset int    // octets before the fault, in the document as UTF-8
	Line   int    // from 1
	Column int    // characters, from 1
	Detail string // what is wrong, in English
	Err    error
}

// Error is one line of text.
func (e *PositionError) Error() string {
	return fmt.Sprintf("couldn't read XML at line %d, column %d: %s: %v", e.Line, e.Column, e.Detail, e.Err)
}

// Unwrap is the package's error.
func (e *PositionError) Unwrap() error { return e.Err }

func positionError(text string, offset int, kind error, detail string) error {
	offset = min(max(offset, 0), len(text))
	before := text[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return &PositionError{
		Offset: offset, Line: 1 + strings.Count(before, "\n"), Column: 1 + utf8.RuneCountInString(before[start:]),
		Detail: detail, Err: kind,
	}
}
