package xmldsig

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/c14n"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmltree"
)

// Verify judges the whole signature for a certificate: structure, algorithms, references, what KeyInfo says of the
// certificate, and the mathematics. cert is never trusted here; nil leaves what needs it undecided. A result whose Worst
// is Passed or Noted means: cert's key made this signature, and every reference has its digest.
func (c *Checked) Verify(cert *pkix.Certificate) cms.Checks {
	s := c.Signature
	out := append(c.Checks(), s.checkAlgorithms(), s.checkKeyInfo(cert))
	switch {
	case cert == nil:
		return append(out, cms.Check{
			Rule: cms.RuleSignature, Clause: clauseSignature, Status: cms.Undecided, Sub: cms.SubNoCertificate,
			Detail: "no certificate of the signer",
		})
	case cert.PublicKeyErr != nil:
		return append(out, failing(cms.RuleSignature, clauseSignature, cert.PublicKeyErr, cert.PublicKeyErr.Error()))
	}
	return append(out, s.VerifyKey(cert.PublicKey))
}

// VerifyKey is the mathematics alone, for a key that the caller knows from elsewhere.
func (s *Signature) VerifyKey(key algo.PublicKey) cms.Check { return s.statement().check(key) }

// SignedInfoOctets is the canonical form of SignedInfo: what the signature is over.
func (s *Signature) SignedInfoOctets() ([]byte, error) {
	switch {
	case s.SignedInfo.IsZero():
		return nil, fmt.Errorf("%w: no SignedInfo", ErrMalformed)
	case s.CanonicalErr != nil:
		return nil, s.CanonicalErr
	case s.CanonicalURI == "":
		return nil, fmt.Errorf("%w: no CanonicalizationMethod", ErrMalformed)
	}
	return c14n.Canonical(xmltree.Subtree(s.SignedInfo), s.Canonical)
}

func (s *Signature) checkAlgorithms() cms.Check {
	check := cms.Check{Rule: cms.RuleAlgorithms, Clause: clauseMethods}
	for _, err := range []error{s.CanonicalErr, s.AlgorithmErr} {
		if err != nil {
			return failing(check.Rule, check.Clause, err, err.Error())
		}
	}
	return check
}

func (s *Signature) checkKeyInfo(cert *pkix.Certificate) cms.Check {
	check := cms.Check{Rule: RuleKeyInfo, Clause: clauseKeyInfo}
	switch {
	case cert == nil:
		check.Status, check.Sub, check.Detail = cms.Undecided, cms.SubNoCertificate, "no certificate of the signer"
	case s.KeyInfo == nil:
		check.Status, check.Detail = cms.Noted, "no KeyInfo"
	case s.KeyInfo.Names(cert):
	case s.KeyInfo.namesNothing():
		check.Status, check.Detail = cms.Noted, strings.Join(append([]string{"KeyInfo names no certificate"}, s.KeyInfo.Faults...), ": ")
	default:
		check.Status, check.Sub, check.Detail = cms.Undecided, cms.SubNoCertificate, "KeyInfo names another certificate"
	}
	return check
}

// statement is what SignatureValue is over, canonicalised and hashed once for all keys that are tried.
type statement struct {
	signature *Signature
	octets    []byte
	digest    []byte // nil where the algorithm signs the octets themselves
	err       error
}

func (s *Signature) statement() statement {
	m := statement{signature: s}
	m.octets, m.err = s.SignedInfoOctets()
	switch {
	case m.err != nil:
	case s.AlgorithmErr != nil:
		m.err = s.AlgorithmErr
	case s.AlgorithmURI == "":
		m.err = fmt.Errorf("%w: no SignatureMethod", ErrMalformed)
	case s.Value == nil:
		m.err = fmt.Errorf("%w: SignatureValue is not base64", ErrMalformed)
	case s.Algorithm.Hash != 0:
		m.digest = s.Algorithm.Hash.Sum(nil, m.octets)
	}
	return m
}

// check verifies SignatureValue.
func (m statement) check(key algo.PublicKey) cms.Check {
	check := cms.Check{Rule: cms.RuleSignature, Clause: clauseSignature}
	if m.err != nil {
		return failing(check.Rule, check.Clause, m.err, m.err.Error())
	}
	value, err := m.signature.Value, error(nil)
	if m.signature.Algorithm.Family == algo.ECDSA {
		if value, check.Detail, err = fromXMLECDSA(key, value); check.Detail != "" {
			check.Status = cms.Noted
		}
	}
	if err == nil {
		err = m.verify(key, value)
	}
	switch {
	case err == nil:
		return check
	case errors.Is(err, algo.ErrSignature), errors.Is(err, algo.ErrMismatch), errors.Is(err, errECDSAValue):
		check.Status, check.Sub, check.Detail = cms.Failed, cms.SubSignature, err.Error()
		return check
	}
	return failing(check.Rule, check.Clause, err, err.Error())
}

func (m statement) verify(key algo.PublicKey, value []byte) error {
	if m.digest == nil {
		return m.signature.Algorithm.Verify(key, m.octets, value)
	}
	return m.signature.Algorithm.VerifyDigest(key, m.digest, value)
}

var errECDSAValue = errors.New("ECDSA value is neither r‖s nor DER")

// maxPadding is how many octets the numbers of an ECDSA value may be longer than the group's order.
const maxPadding = 64

// fromXMLECDSA turns r‖s, each as long as the order of the group (XMLDSig 6.4.3), into the DER that algo takes. Java once
// wrote both as long as the longer of them, others pad them or write DER; those are taken with a note.
func fromXMLECDSA(key algo.PublicKey, value []byte) (der []byte, note string, err error) {
	size := (key.Bits + 7) / 8
	half := len(value) / 2
	switch {
	case len(value) == 2*size && size > 0:
	case isDER(value):
		return value, "ECDSA value in DER", nil
	case len(value) == 0 || len(value)%2 != 0 || half > size+maxPadding:
		return nil, "", errECDSAValue
	default:
		note = fmt.Sprintf("ECDSA value of %d octets where %d are due", len(value), 2*size)
	}
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedUint(value[:half]), asn1ber.EncodedUint(value[half:])), note, nil
}

func isDER(value []byte) bool {
	e, err := asn1ber.ParseDER(value)
	return err == nil && e.Tag == asn1ber.Sequence
}

// toXMLECDSA turns the DER of a crypto.Signer into r‖s.
func toXMLECDSA(key algo.PublicKey, der []byte) ([]byte, error) {
	size := (key.Bits + 7) / 8
	e, err := asn1ber.ParseDER(der)
	if err != nil {
		return nil, err
	}
	r, err := e.Children()
	if err != nil {
		return nil, err
	}
	var out []byte
	for range 2 {
		n, err := r.Read(asn1ber.Integer)
		if err != nil {
			return nil, err
		}
		b := bytes.TrimLeft(n.Content, "\x00")
		if len(b) > size {
			return nil, errECDSAValue
		}
		out = append(append(out, make([]byte, size-len(b))...), b...)
	}
	return out, r.End()
}
