package asn1ber

import "fmt"

// Tag is class and number of an element; whether it is constructed stands in the [Element].
type Tag uint32

// Class bits of a Tag, as in the identifier octet (X.690 8.1.2.2), moved to the top of the word.
const (
	classUniversal   = 0
	classApplication = 1 << 30
	classContext     = 2 << 30
	classPrivate     = 3 << 30
	numberMask       = 1<<28 - 1
)

// Universal tags (X.680 8.4), without a type of their own: a switch over a Tag never means to list them all.
const (
	EndOfContents   = 0
	Boolean         = 1
	Integer         = 2
	BitString       = 3
	OctetString     = 4
	Null            = 5
	OID             = 6
	Enumerated      = 10
	UTF8String      = 12
	Sequence        = 16
	Set             = 17
	NumericString   = 18
	PrintableString = 19
	T61String       = 20
	IA5String       = 22
	UTCTime         = 23
	GeneralizedTime = 24
	VisibleString   = 26
	GeneralString   = 27
	UniversalString = 28
	BMPString       = 30
)

// Context is the context-specific tag [number].
func Context(number int) Tag { return classContext | Tag(number)&numberMask } //nolint:gosec // G115: numbers are constants of schemas

// Number is the tag's number within its class.
func (t Tag) Number() int { return int(t & numberMask) }

// IsContext reports whether the tag is context-specific.
func (t Tag) IsContext() bool { return t&classPrivate == classContext }

// IsUniversal reports whether the tag is universal.
func (t Tag) IsUniversal() bool { return t&classPrivate == classUniversal }

// String names the tag as X.680 writes it: "SEQUENCE", "[0]", "[APPLICATION 3]".
func (t Tag) String() string {
	switch t & classPrivate {
	case classContext:
		return fmt.Sprintf("[%d]", t.Number())
	case classApplication:
		return fmt.Sprintf("[APPLICATION %d]", t.Number())
	case classPrivate:
		return fmt.Sprintf("[PRIVATE %d]", t.Number())
	}
	if name, ok := universalNames[t]; ok {
		return name
	}
	return fmt.Sprintf("[UNIVERSAL %d]", t.Number())
}

var universalNames = map[Tag]string{
	EndOfContents: "end-of-contents", Boolean: "BOOLEAN", Integer: "INTEGER", BitString: "BIT STRING",
	OctetString: "OCTET STRING", Null: "NULL", OID: "OBJECT IDENTIFIER", Enumerated: "ENUMERATED",
	UTF8String: "UTF8String", Sequence: "SEQUENCE", Set: "SET", NumericString: "NumericString",
	PrintableString: "PrintableString", T61String: "T61String", IA5String: "IA5String", UTCTime: "UTCTime",
	GeneralizedTime: "GeneralizedTime", VisibleString: "VisibleString", GeneralString: "GeneralString",
	UniversalString: "UniversalString", BMPString: "BMPString",
}
