package sealing

import "slices"

// Format is what kind of signature a seal is.
type Format string

// Formats.
const (
	CAdES Format = "CAdES" // CMS (EN 319 122-1)
	XAdES Format = "XAdES" // XML (EN 319 132-1)
	PAdES Format = "PAdES" // inside of a PDF document (EN 319 142-1)
	JWS   Format = "JWS"   // JSON Web Signature with x5c (RFC 7515)
	Raw   Format = "raw"   // the signature alone
)

// Packaging is how document and signature are put together.
type Packaging string

// Packagings.
const (
	Attached   Packaging = "attached"   // the document is in the signature: CAdES, JWS
	Detached   Packaging = "detached"   // the document stays outside
	Enveloped  Packaging = "enveloped"  // the signature is in the document: XAdES, PAdES
	Enveloping Packaging = "enveloping" // the document is in the signature's XML: XAdES
)

// Level is how long a signature can be judged by what it carries: those of the baselines of ETSI.
type Level string

// Levels.
const (
	B   Level = "B"   // the signature alone
	T   Level = "T"   // with a time stamp over it
	LT  Level = "LT"  // with certificates and revocation data of signer and time stamp
	LTA Level = "LTA" // with a time stamp over all of that
)

// Levels are in the order in which one becomes the next.
func Levels() []Level { return []Level{B, T, LT, LTA} }

// Formats are all.
func Formats() []Format { return []Format{CAdES, XAdES, PAdES, JWS, Raw} }

// Rank is the place among Levels, -1 for what is none.
func (l Level) Rank() int { return slices.Index(Levels(), l) }

// Packagings are those of a format, the usual one first.
func (f Format) Packagings() []Packaging {
	switch f {
	case CAdES, JWS:
		return []Packaging{Attached, Detached}
	case XAdES:
		return []Packaging{Enveloped, Enveloping, Detached}
	case PAdES:
		return []Packaging{Enveloped}
	case Raw:
		return []Packaging{Detached}
	}
	return nil
}

// Reaches tells whether a format has a level.
func (f Format) Reaches(l Level) bool {
	return l == B || l.Rank() > 0 && f != Raw
}
