package portal

import (
	"strings"

	"qaqpa/signer/report"
)

// verifyModel is what the template sees: finished words only.
type verifyModel struct {
	frame
	Code    string
	Size    map[string]int
	Verdict *verdict
	Receipt *receiptView
	Notice  string
	TraceID string
}

// verdict is the result for a document.
type verdict struct {
	Tone       string // passed, failed or unclear: a class of the style sheet
	Words      string // which words go with it: the tone, or absent
	Custom     bool   // the operator chose whom to trust
	At         string
	Digest     string
	Reasons    []reason
	Remarks    []reason
	Signatures []signature
}

type reason struct{ Text, Advice string }

// signature is one signer in plain words.
type signature struct {
	Heading      string
	Tone         string
	Known        bool
	Name         string
	Kind         string
	Organisation string
	IIN, BIN     string
	Roles        []string
	When         string
	Covers       string
	Reasons      []reason
	Remarks      []reason
	Algorithm    string
	Serial       string
	Validity     string
	Issuer       string
	Revocation   string
}

func tone(i report.Indication) string {
	switch i {
	case report.TotalPassed:
		return "passed"
	case report.Indeterminate:
		return "unclear"
	case report.TotalFailed:
		return "failed"
	}
	return "failed"
}

func verdictModel(w words, v report.Verdict) *verdict {
	out := &verdict{
		Tone: tone(v.Indication), Custom: v.TrustMode == "custom", At: w.Date(v.At), Digest: v.DocumentSHA256,
		Reasons: reasons(w, v.Reasons), Remarks: reasons(w, v.Remarks),
	}
	if out.Words = out.Tone; len(v.Signatures) == 0 {
		out.Tone, out.Words = "failed", "absent" // never "passed" without a signature, whoever made the verdict
	}
	if out.Tone == "passed" && !v.Passed() {
		out.Tone, out.Words = "unclear", "partial" // what is not signed may have been added by anybody (signature wrapping)
	}
	for i, s := range v.Signatures {
		out.Signatures = append(out.Signatures, signatureModel(w, s, i+1, len(v.Signatures)))
	}
	return out
}

func signatureModel(w words, s report.Signature, number, total int) signature {
	out := signature{
		Tone: tone(s.Indication), Algorithm: s.Algorithm, When: when(w, s), Covers: covers(w, s),
		Reasons: reasons(w, s.Reasons), Remarks: reasons(w, s.Remarks), Heading: w.T("signature.one"),
	}
	if total > 1 {
		out.Heading = w.With("signature.of", map[string]int{"Number": number, "Total": total})
	}
	if s.Signer == nil {
		return out
	}
	out.Known = true
	out.Name, out.Organisation, out.IIN, out.BIN = s.Signer.Name, s.Signer.Organisation, s.Signer.IIN, s.Signer.BIN
	switch s.Signer.Kind {
	case "person", "organisation", "information_system":
		out.Kind = w.T("signature.kind." + s.Signer.Kind)
	}
	for _, r := range s.Signer.Roles {
		out.Roles = append(out.Roles, r.Name.In(report.Lang(w.lang)))
	}
	out.Serial, out.Issuer = s.Signer.Serial, s.Signer.Issuer
	out.Validity = w.With("period", map[string]string{"From": w.Date(s.Signer.NotBefore), "To": w.Date(s.Signer.NotAfter)})
	out.Revocation = revocation(w, s)
	return out
}

// when says what is known of the signing time, and how well.
func when(w words, s report.Signature) string {
	switch {
	case s.TimeProven:
		return w.With("signature.when.proven", map[string]string{"Time": w.Date(s.BestAt)})
	case s.ClaimedAt != nil:
		return w.With("signature.when.claimed", map[string]string{"Time": w.Date(*s.ClaimedAt)})
	}
	return w.T("signature.when.unknown")
}

// covers says what is signed, and for parts of an XML document which.
func covers(w words, s report.Signature) string {
	switch s.Covers {
	case "content", "detached", "signature":
		return w.T("signature.covers." + s.Covers)
	case "part":
		var parts []string
		for _, scope := range s.Scopes {
			for _, node := range scope.Parts {
				if scope.Agrees {
					parts = append(parts, node.Path)
				}
			}
		}
		return w.T("signature.covers.part") + " " + strings.Join(parts, ", ")
	}
	return w.T("signature.covers.none")
}

// revocation is the state of the signer's own certificate; those above it speak through the reasons.
func revocation(w words, s report.Signature) string {
	for _, r := range s.Revocation {
		if r.CertificateSHA256 != s.Signer.CertificateSHA256 {
			continue
		}
		switch r.Status {
		case "good", "revoked", "unavailable", "exempt":
			return w.T("revocation." + r.Status)
		}
	}
	return w.T("revocation.unknown")
}

func reasons(w words, list []report.Reason) []reason {
	out := make([]reason, len(list))
	for i, r := range list {
		l := report.Lang(w.lang)
		out[i] = reason{Text: r.Text.In(l), Advice: r.Advice.In(l)}
	}
	return out
}
