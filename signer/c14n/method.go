package c14n

import "strings"

// Form is a canonical form.
type Form uint8

// Forms.
const (
	Inclusive10 Form = iota + 1 // Canonical XML 1.0
	Inclusive11                 // Canonical XML 1.1
	Exclusive10                 // Exclusive XML Canonicalization 1.0
)

// Method is a form with its parameters.
type Method struct {
	Form     Form
	Comments bool
	// Prefixes is the InclusiveNamespaces PrefixList of the exclusive form; "" or "#default" is the default namespace.
	Prefixes []string
}

// Identifiers of the forms (XMLDSig 6.5).
const (
	URIInclusive10 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	URIInclusive11 = "http://www.w3.org/2006/12/xml-c14n11"
	URIExclusive10 = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

// SpaceExclusive is the namespace of InclusiveNamespaces.
const SpaceExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"

// MethodByURI finds a form by its identifier; prefixes of the exclusive form are the caller's.
func MethodByURI(uri string) (Method, bool) {
	var m Method
	base, comments := strings.CutSuffix(uri, "WithComments")
	m.Comments = comments
	switch base {
	case URIExclusive10:
		m.Form = Exclusive10
	case URIInclusive10:
		m.Form = Inclusive10
	case URIInclusive11:
		m.Form = Inclusive11
	case URIInclusive10 + "#":
		m.Form = Inclusive10
	case URIInclusive11 + "#":
		m.Form = Inclusive11
	default:
		return Method{}, false
	}
	// The inclusive identifiers bear a # exactly when they are WithComments.
	if m.Form != Exclusive10 && comments != strings.HasSuffix(base, "#") {
		return Method{}, false
	}
	return m, true
}

// URI is the identifier of the form.
func (m Method) URI() string {
	switch {
	case m.Form == Exclusive10 && m.Comments:
		return URIExclusive10 + "WithComments"
	case m.Form == Exclusive10:
		return URIExclusive10
	}
	uri := URIInclusive10
	if m.Form == Inclusive11 {
		uri = URIInclusive11
	}
	if m.Comments {
		uri += "#WithComments"
	}
	return uri
}
