package pades

import (
	"bytes"
	"errors"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
)

// Structure are the checks that need no certificate: dictionary, byte range, revision, encoding.
func (s *Signature) Structure() cms.Checks { return s.checks }

// Sound tells whether all checks of Structure passed.
func (s *Signature) Sound() bool {
	for _, c := range s.checks {
		if c.Status > cms.Noted {
			return false
		}
	}
	return true
}

// Verify judges the cryptography of a signer, counted from 0, with the signer's certificate (nil: none was found). It does not
// repeat Structure. Time-stamp tokens are judged by package tsp with Content. It makes at most one public-key operation.
func (s *Signature) Verify(signer int, cert *pkix.Certificate) cms.Checks {
	switch {
	case s.SubFilter == RSAOverSHA1:
		return s.verifyRSA(cert)
	case s.CMS == nil:
		return nil
	case s.SubFilter == CMSOverSHA1:
		return append(s.CMS.Signers[signer].Verify(cms.Content{}, cert), s.checkSHA1())
	}
	content := s.content
	if s.CMS.HasContent {
		// What Structure refuses: then the mathematics is told of what is inside, never of the document.
		content = cms.Content{}
	}
	return s.CMS.Signers[signer].Verify(content, cert)
}

// checkSHA1: the content of the CMS is the digest of the document (ISO 32000-1 12.8.3.3.1).
func (s *Signature) checkSHA1() cms.Check {
	c := cms.Check{Rule: RuleContent, Clause: "ISO 32000-1 12.8.3.3.1"}
	sum, err := s.content.Digest(algo.SHA1)
	switch {
	case err != nil:
		c.Status, c.Sub, c.Detail = cms.Undecided, cms.SubNoSignedData, err.Error()
	case !bytes.Equal(sum, s.CMS.Content):
		c.Status, c.Sub, c.Detail = cms.Failed, cms.SubHash, "the document is not what was signed"
	}
	return c
}

// verifyRSA judges adbe.x509.rsa_sha1: Contents is an OCTET STRING with a PKCS #1 signature over SHA-1 of the document.
func (s *Signature) verifyRSA(cert *pkix.Certificate) cms.Checks {
	const clause = "ISO 32000-1 12.8.3.2"
	result := func(rule cms.Rule, status cms.Status, sub, detail string) cms.Checks {
		return cms.Checks{{Rule: rule, Status: status, Clause: clause, Sub: sub, Detail: detail}}
	}
	value, err := s.octetString()
	if err != nil {
		return result(RuleEncoding, cms.Failed, cms.SubFormat, err.Error())
	}
	if cert == nil || cert.PublicKeyErr != nil {
		return result(cms.RuleSignature, cms.Undecided, cms.SubNoCertificate, "no certificate of the signer with a known key")
	}
	sum, err := s.content.Digest(algo.SHA1)
	if err != nil {
		return result(cms.RuleSignature, cms.Undecided, cms.SubNoSignedData, err.Error())
	}
	scheme, ok := algo.SignatureByOID(oidSHA1WithRSA)
	if !ok {
		return result(cms.RuleAlgorithms, cms.Undecided, cms.SubCryptoConstraints, "RSA with SHA-1 is not known")
	}
	if err := scheme.VerifyDigest(cert.PublicKey, sum, value); err != nil {
		return result(cms.RuleSignature, cms.Failed, cms.SubSignature, err.Error())
	}
	return result(cms.RuleSignature, cms.Passed, "", "")
}

var errValue = errors.New("the signature value is no OCTET STRING with zeros behind it")

const oidSHA1WithRSA = "1.2.840.113549.1.1.5"

// Value is the octets of the signature itself, and whether they are RSA with SHA-1 without a CMS; nil where it cannot be
// read.
func (s *Signature) Value() (value []byte, plainRSA bool) {
	if s.SubFilter == RSAOverSHA1 {
		value, _ = s.octetString()
		return value, true
	}
	if s.CMS == nil {
		return nil, false
	}
	return s.CMS.Signers[0].Signature, false
}

// octetString opens Contents; zero octets may follow.
func (s *Signature) octetString() ([]byte, error) {
	if len(s.Contents) < 2 || len(s.Contents) > 64<<10 {
		return nil, errValue
	}
	r, err := asn1ber.New(s.Contents, asn1ber.DER, asn1ber.Limits{})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the signature value: %w", err)
	}
	e, err := r.Read(asn1ber.OctetString)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the signature value: %w", err)
	}
	if len(bytes.Trim(s.Contents[len(e.Raw):], "\x00")) > 0 {
		return nil, errValue
	}
	return e.Content, nil
}
