package cms

import "strings"

// Rule names one rule of a signature.
type Rule string

// Rules, in the order in which Verify reports them.
const (
	RuleAlgorithms          Rule = "algorithms"           // digest and signature algorithm known, allowed, of one hash
	RuleSignerIdentifier    Rule = "signer-identifier"    // the certificate is the one that the signature names
	RuleSigningCertificate  Rule = "signing-certificate"  // and the one to which a signed attribute binds it
	RuleSignedAttributes    Rule = "signed-attributes"    // there where they must be
	RuleAttributeEncoding   Rule = "attribute-encoding"   // the signature is over their DER
	RuleContentType         Rule = "content-type"         // once, and that of the content
	RuleMessageDigest       Rule = "message-digest"       // once, and that of the content
	RuleSigningTime         Rule = "signing-time"         // at most once, and a time
	RuleAlgorithmProtection Rule = "algorithm-protection" // RFC 6211, where present
	RuleSignature           Rule = "signature"            // the mathematics
)

// Status of a check.
type Status uint8

// Statuses, from good to bad.
const (
	Passed    Status = iota
	Noted            // holds, with a departure that a report should show and a policy may refuse
	Undecided        // could not be decided with what was given
	Failed
)

// String names the status.
func (s Status) String() string {
	switch s {
	case Passed:
		return "passed"
	case Noted:
		return "noted"
	case Undecided:
		return "undecided"
	case Failed:
		return "failed"
	}
	return "unknown"
}

// Sub-indications of ETSI EN 319 102-1 that checks lead to.
const (
	SubFormat             = "FORMAT_FAILURE"
	SubHash               = "HASH_FAILURE"
	SubSignature          = "SIG_CRYPTO_FAILURE"
	SubNoSignedData       = "SIGNED_DATA_NOT_FOUND"
	SubNoCertificate      = "NO_SIGNING_CERTIFICATE_FOUND"
	SubCryptoConstraints  = "CRYPTO_CONSTRAINTS_FAILURE"
	SubSigningConstraints = "SIG_CONSTRAINTS_FAILURE"
	SubChainConstraints   = "CHAIN_CONSTRAINTS_FAILURE"
)

// Check is the outcome of one rule.
type Check struct {
	Rule   Rule
	Status Status
	Clause string // the text that makes the rule
	Detail string // what was found; empty when passed
	Sub    string // sub-indication, where Status is Undecided or Failed
}

// Checks are the outcomes of all rules that apply to a signature, in a fixed order.
type Checks []Check

// Worst is the first check of the worst status; a passed zero Check when there are none.
func (c Checks) Worst() Check {
	var worst Check
	for i, check := range c {
		if i == 0 || check.Status > worst.Status {
			worst = check
		}
	}
	return worst
}

// Find is the check of a rule.
func (c Checks) Find(rule Rule) (Check, bool) {
	for _, check := range c {
		if check.Rule == rule {
			return check, true
		}
	}
	return Check{}, false
}

// String lists what did not pass, for logs and tests.
func (c Checks) String() string {
	var parts []string
	for _, check := range c {
		if check.Status != Passed {
			parts = append(parts, string(check.Rule)+" "+check.Status.String()+": "+check.Detail)
		}
	}
	if len(parts) == 0 {
		return "all passed"
	}
	return strings.Join(parts, "; ")
}
