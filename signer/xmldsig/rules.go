package xmldsig

import (
	"errors"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/xmltree"
	"qaqpa/signer/xpath"
)

// Rules of an XML signature, in the order in which Verify reports them; [cms.RuleAlgorithms] and [cms.RuleSignature] are
// used as they are.
const (
	RuleStructure cms.Rule = "structure" // ds:Signature as the schema has it, and nothing that could be read in two ways
	// RuleIdentifiers is noted where elements share an identifier. What is referred to by one is refused by RuleReference;
	// business data may well use one number twice.
	RuleIdentifiers cms.Rule = "identifiers"
	RuleReference   cms.Rule = "reference" // one per reference: its content is there and has the digest
	RuleManifest    cms.Rule = "manifest"  // one per reference of a manifest
	RuleCoverage    cms.Rule = "coverage"  // the references cover something
	RuleKeyInfo     cms.Rule = "key-info"  // the certificate is one that KeyInfo names
)

// Errors that callers tell apart.
var (
	// ErrLimit: the document asks for more work, or has more parts, than [Limits] allow.
	ErrLimit = errors.New("XML signature beyond its limits")
	// ErrRefused: a transform or reference that this package does not carry out.
	ErrRefused = errors.New("refused")
	// ErrMalformed: not as the schema of XMLDSig has it.
	ErrMalformed = errors.New("malformed XML signature")
	// ErrMisplaced: what a reference covers is not the part of the signature that its Type says it is.
	ErrMisplaced = errors.New("signed part is not in its place")
	// ErrNoContent: a reference points outside the document and its content was not given.
	ErrNoContent = errors.New("signed content is missing")
)

const (
	clauseStructure = "XMLDSig 4; EN 319 102-1 5.2.2"
	clauseReference = "XMLDSig 3.2.1; EN 319 102-1 5.2.7"
	clauseSignature = "XMLDSig 3.2.2; EN 319 102-1 5.2.7"
	clauseMethods   = "XMLDSig 4.4, 6"
	clauseManifest  = "XMLDSig 5.1; EN 319 102-1 5.2.7"
	clauseKeyInfo   = "XMLDSig 4.5; EN 319 102-1 5.2.3"
)

// failing is the check of a rule that err stands against: what cannot be decided is told apart from what is wrong.
func failing(rule cms.Rule, clause string, err error, detail string) cms.Check {
	c := cms.Check{Rule: rule, Clause: clause, Status: cms.Undecided, Detail: detail}
	switch {
	case errors.Is(err, ErrNoContent), errors.Is(err, ErrMisplaced), errors.Is(err, xmltree.ErrNoID):
		c.Sub = cms.SubNoSignedData
	case errors.Is(err, ErrRefused), errors.Is(err, ErrLimit), errors.Is(err, xpath.ErrBudget), errors.Is(err, xmltree.ErrTooManyNamespaces):
		c.Sub = cms.SubSigningConstraints
	case errors.Is(err, algo.ErrUnknownAlgorithm), errors.Is(err, algo.ErrNotAllowed), errors.Is(err, algo.ErrParameters):
		c.Sub = cms.SubCryptoConstraints
	default:
		c.Status, c.Sub = cms.Failed, cms.SubFormat
	}
	return c
}

// Limits bound the work for one document. A zero field takes the value of [DefaultLimits].
type Limits struct {
	Signatures int   // in the document
	References int   // in all signatures and manifests together
	Transforms int   // of one reference
	Octets     int64 // canonicalised, decoded and hashed for all references together; slow hashes count several times
	Steps      int   // of XPath, for all references together
}

// DefaultLimits are for a document of size octets: what honest documents need many times over, and what takes about a
// second at most.
func DefaultLimits(size int) Limits {
	return Limits{Signatures: 256, References: 8192, Transforms: 16, Octets: 32<<20 + 16*int64(size), Steps: 3_000_000}
}

func (l Limits) withDefaults(size int) Limits {
	d := DefaultLimits(size)
	if l.Signatures == 0 {
		l.Signatures = d.Signatures
	}
	if l.References == 0 {
		l.References = d.References
	}
	if l.Transforms == 0 {
		l.Transforms = d.Transforms
	}
	if l.Octets == 0 {
		l.Octets = d.Octets
	}
	if l.Steps == 0 {
		l.Steps = d.Steps
	}
	return l
}
