package engine

import (
	"bytes"
	"encoding/hex"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/report"
)

// Level is what follows when a constraint is not met.
type Level string

// Levels.
const (
	Fail   Level = "FAIL"   // the signature does not pass: INDETERMINATE with the constraint's sub-indication
	Warn   Level = "WARN"   // a remark that asks for attention
	Inform Level = "INFORM" // a remark
	Ignore Level = "IGNORE" // not looked at
)

// Constraint is a rule beyond what the formats themselves demand: those of signature acceptance (EN 319 102-1 5.2.8) and of
// the validation context (5.2.4). What a format demands, such as a digest that agrees, is no matter of policy.
type Constraint string

// Constraints.
const (
	SigningCertificateBound  Constraint = "signing-certificate-attribute" // the signer's certificate is itself signed
	SignedAttributesPresent  Constraint = "signed-attributes"             // there are signed attributes
	AttributesInDER          Constraint = "attributes-in-der"             // written as they were signed
	SigningTimePresent       Constraint = "signing-time"                  // the signer states when
	TimeStampPresent         Constraint = "time-stamp"                    // a time stamp that holds proves when
	TimeStampsHold           Constraint = "time-stamps-hold"              // every time stamp that is there holds
	TimeStampOrder           Constraint = "time-stamp-order"              // TIMESTAMP_ORDER_FAILURE
	TimeStampDelay           Constraint = "time-stamp-delay"              // stamped soon after the claimed time
	ContentTimeStampPresent  Constraint = "content-time-stamp"
	WholeDocument            Constraint = "whole-document"             // XML is signed whole
	LaterSignatures          Constraint = "later-signatures"           // signatures added since are left out of XML
	CounterSignaturesHold    Constraint = "counter-signatures-hold"    // every counter-signature passes
	SignaturePolicyPresent   Constraint = "signature-policy"           // the signer names a signature policy
	SignaturePolicyAvailable Constraint = "signature-policy-available" // SIGNATURE_POLICY_NOT_AVAILABLE
	SignaturePolicyDigest    Constraint = "signature-policy-digest"    // POLICY_PROCESSING_ERROR
	IdentifiersValid         Constraint = "signer-identifiers"         // control digits of IIN and BIN
	LongTermEvidence         Constraint = "long-term-evidence"         // revocation data came inside the document
)

// Constraints are all of them, in the order of reports.
func Constraints() []Constraint {
	return []Constraint{
		SigningCertificateBound, SignedAttributesPresent, AttributesInDER, SigningTimePresent, TimeStampPresent, TimeStampsHold,
		TimeStampOrder, TimeStampDelay, ContentTimeStampPresent, WholeDocument, LaterSignatures, CounterSignaturesHold,
		SignaturePolicyPresent, SignaturePolicyAvailable, SignaturePolicyDigest, IdentifiersValid, LongTermEvidence,
	}
}

// remarkConstraints are the constraints behind remarks of the forms.
var remarkConstraints = map[report.Code]Constraint{
	report.ReasonNoSigningCertificate: SigningCertificateBound,
	report.ReasonNoSignedAttributes:   SignedAttributesPresent,
	report.ReasonNotDER:               AttributesInDER,
	report.ReasonTimeStampUnused:      TimeStampsHold,
	report.ReasonPartial:              WholeDocument,
	report.ReasonLaterSignatures:      LaterSignatures,
}

// remark weighs remarks: those that speak of a constraint by its level.
func (j *judging) remark(reasons ...report.Reason) {
	for _, r := range reasons {
		c, ok := remarkConstraints[r.Code]
		if !ok {
			j.out.Remarks = append(j.out.Remarks, r)
			continue
		}
		j.violated(c, report.SigConstraintsFailure, r, blockAcceptance)
	}
}

// violated says that a constraint is not met.
func (j *judging) violated(c Constraint, sub report.SubIndication, r report.Reason, b block) {
	switch level := j.a.set.Policy.Level(c); level {
	case Fail:
		from := len(j.f)
		j.f.open(sub, r)
		j.f.mark(from, b)
	case Warn, Inform:
		r.Level = string(level)
		j.out.Remarks = append(j.out.Remarks, r)
	case Ignore:
	}
	if j.broken == nil {
		j.broken = map[Constraint]bool{}
	}
	j.broken[c] = true
}

// asked tells whether a constraint matters at all.
func (j *judging) asked(c Constraint) bool { return j.a.set.Policy.Level(c) != Ignore }

// acceptance is signature acceptance validation (5.2.8): what the policy asks of attributes and times, whatever the
// cryptography says.
func (j *judging) acceptance() {
	for _, t := range j.out.TimeStamps {
		if t.Indication != report.TotalPassed {
			j.remark(report.New(report.ReasonTimeStampUnused, "EN 319 102-1 5.5.4; №500/НҚ 17", t.Kind))
		}
	}
	sav := func(c Constraint, kept bool, clause, detail string) {
		if !kept && j.asked(c) {
			j.violated(c, report.SigConstraintsFailure, report.New(report.ReasonConstraint, clause, detail), blockAcceptance)
		}
	}
	sav(SigningTimePresent, j.out.ClaimedAt != nil, "EN 319 102-1 5.2.8.4.2", "the signer states no signing time")
	sav(TimeStampPresent, j.times.proven, "EN 319 102-1 5.5", "no time stamp that holds proves when it was signed")
	sav(ContentTimeStampPresent, !j.times.after.IsZero(), "EN 319 102-1 5.2.8.4.2",
		"no content time stamp that holds")
	if j.times.order != nil {
		j.violated(TimeStampOrder, report.TimestampOrderFailure, *j.times.order, blockAcceptance)
	}
	if limit := j.a.set.Policy.StampDelay; limit > 0 && j.times.proven && j.out.ClaimedAt != nil {
		late := j.times.best.Sub(*j.out.ClaimedAt)
		sav(TimeStampDelay, late <= limit, "EN 319 102-1 5.5.4",
			"stamped "+late.Round(time.Second).String()+" after the claimed signing time")
	}
	if j.out.Signer != nil {
		s := j.out.Signer
		sav(IdentifiersValid, s.IdentifiersValid || s.IIN == "" && s.BIN == "", "EN 319 102-1 5.2.6",
			"the control digit of IIN or BIN is wrong")
	}
	sav(LongTermEvidence, !j.asked(LongTermEvidence) || j.a.carriesEvidence(j.out.Revocation), "EN 319 102-1 5.6",
		"the document does not carry the revocation data that its verdict rests on")
}

// carriesEvidence reports whether the revocation data of a chain came inside the document.
func (a *assessment) carriesEvidence(list []report.Revocation) bool {
	for _, r := range list {
		if r.EvidenceSHA256 == "" {
			continue
		}
		found := false
		for _, d := range digestsOf(a.c.embedded) {
			found = found || hexOf(d) == r.EvidenceSHA256
		}
		if !found {
			return false
		}
	}
	return true
}

// counters weighs counter-signatures, which nobody else vouches for.
func (j *judging) counters() {
	for _, c := range j.out.CounterSignatures {
		if c.Indication != report.TotalPassed && j.asked(CounterSignaturesHold) {
			j.violated(CounterSignaturesHold, report.SigConstraintsFailure,
				report.New(report.ReasonConstraint, "EN 319 102-1 5.2.8", "a counter-signature does not pass: "+string(c.Sub)), blockAcceptance)
		}
	}
}

// context is validation context initialization (5.2.4): the signature policy that the signer names, if any.
func (j *judging) context() {
	named := j.about.policy
	vci := func(c Constraint, sub report.SubIndication, code report.Code, detail string) {
		if j.asked(c) {
			j.violated(c, sub, report.New(code, "EN 319 102-1 5.2.4", detail), blockContext)
		}
	}
	if named == nil {
		vci(SignaturePolicyPresent, report.SigConstraintsFailure, report.ReasonConstraint, "the signer names no signature policy")
		return
	}
	j.out.SignaturePolicy = &report.SignaturePolicy{
		OID: named.OID, URI: named.URI, Digest: hex.EncodeToString(named.Digest),
	}
	if named.Hash.Valid() {
		j.out.SignaturePolicy.Hash = named.Hash.Name()
	}
	if named.OID == "" {
		return // implied by the document's context
	}
	document, ok := j.a.set.Policy.policies[named.OID]
	switch {
	case !ok:
		vci(SignaturePolicyAvailable, report.PolicyNotAvailable, report.ReasonPolicyMissing, named.OID)
	case !named.Hash.Valid():
		vci(SignaturePolicyDigest, report.PolicyProcessingError, report.ReasonPolicyDigest, named.OID+": its digest is made with a hash that is not known")
	case !agrees(named, document):
		vci(SignaturePolicyDigest, report.PolicyProcessingError, report.ReasonPolicyDigest, named.OID)
	}
}

func agrees(named *cms.SignaturePolicy, document []byte) bool {
	var space [algo.MaxHashSize]byte
	return bytes.Equal(named.Hash.Sum(space[:0], document), named.Digest)
}

// constraints lists those that matter with what came of them.
func (j *judging) constraints() []report.Constraint {
	out := make([]report.Constraint, 0, len(Constraints()))
	for _, c := range Constraints() {
		if level := j.a.set.Policy.Level(c); level != Ignore {
			out = append(out, report.Constraint{Name: string(c), Level: string(level), Kept: !j.broken[c]})
		}
	}
	return out
}
