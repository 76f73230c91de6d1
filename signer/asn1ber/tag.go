package asn1ber

import "fmt"

// Tag is class and number of an element; whether it is constructed stands in the [Element].
type Tag uint32

// Class bits of a Tag, as in the identifier octet (X.690 8.1.2.2), moved to the top of the word.
const (
	classUniversal   Tag = 0
	classApplication Tag = 1 << 30
	classContext     Tag = 2 << 30
	classPrivate     Tag = 3 << 30
	numberMask       Tag = 1<<28 - 1
)

// Universal tags (X.680 8.4).
const (
	EndOfContents   Tag = 0
	Boolean         Tag = 1
	Integer         Tag = 2
	BitString       Tag = 3
	OctetString     Tag = 4
	Null            Tag = 5
	OID             Tag = 6
	Enumerated      Tag = 10
	UTF8String      Tag = 12
	Sequence        Tag = 16
	Set             Tag = 17
	NumericString   Tag = 18
	PrintableString Tag = 19
	T61String       Tag = 20
	IA5String       Tag = 22
	UTCTime         Tag = 23
	GeneralizedTime Tag = 24
	VisibleString   Tag = 26
	GeneralString   Tag = 27
	UniversalString Tag = 28
	BMPString       Tag = 30
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
