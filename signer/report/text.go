package report

// Lang is a language of the interface.
type Lang string

// The three languages of the system (R13): Kazakh is never behind Russian.
const (
	KK Lang = "kk"
	RU Lang = "ru"
	EN Lang = "en"
)

// Text is one sentence or name in the three languages.
type Text struct {
	KK string `json:"kk"`
	RU string `json:"ru"`
	EN string `json:"en"`
}

// In returns the text in l, or in English for a language that is not known.
func (t Text) In(l Lang) string {
	switch l {
	case KK:
		return t.KK
	case RU:
		return t.RU
	case EN:
		return t.EN
	default:
		return t.EN
	}
}

// Reason tells why a signature did not pass, or what is remarkable about it.
type Reason struct {
	// Code is stable and for programs, such as "certificate_revoked"; see Codes.
	Code Code `json:"code"`
	// Clause is the rule that is not met, such as "RFC 5280 6.1.3 (a)(3)" or "№500/НҚ 18".
	Clause string `json:"clause,omitempty"`
	// Text says what failed, Advice what to do.
	Text   Text `json:"text"`
	Advice Text `json:"advice"`
	// Level is that of the policy's constraint, "WARN" or "INFORM", for a remark that follows from one.
	Level string `json:"level,omitempty"`
	// Detail is technical and in English: which certificate, which value.
	Detail string `json:"detail,omitempty"`
	// CertificateSHA256 names the certificate concerned, if one.
	CertificateSHA256 string `json:"certificate_sha256,omitempty"`
}

// Code names a reason.
type Code string
