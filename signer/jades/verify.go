package jades

import (
	"bytes"
	"errors"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/jws"
	"qaqpa/signer/pkix"
)

// Verify judges every rule of a signature for a certificate; nil leaves what needs one undecided. The mathematics of a signature whose header
// fails are judged all the same, so that a report can tell the one from the other.
func (s *Signed) Verify(b Beside, cert *pkix.Certificate) cms.Checks {
	checks := append(cms.Checks{}, s.faults...)
	checks = append(checks, s.algorithms())
	checks = append(checks, s.certificate(cert)...)
	payload, content := s.contribution(b)
	if content.Rule != "" {
		checks = append(checks, content)
	}
	if payload == nil || cert == nil {
		return checks
	}
	return append(checks, s.mathematics(payload, cert))
}

// SubWork is the sub-indication of what was not judged for its amount of work.
const SubWork = "CERTIFICATE_CHAIN_GENERAL_FAILURE"

// algorithms: a name that is known, and is a signature.
func (s *Signed) algorithms() cms.Check {
	const clause = "RFC 7515 4.1.1; RFC 8725 3.1"
	name := string(s.Algorithm)
	switch {
	case s.Algorithm == "none" || strings.HasPrefix(name, "HS"):
		// A public key as the secret of an HMAC, or no signature at all, is what everybody could make.
		return failed(cms.RuleAlgorithms, clause, cms.SubSignature, name+" is no signature")
	case s.scheme != nil:
		return undecided(cms.RuleAlgorithms, clause, cms.SubCryptoConstraints, s.scheme.Error())
	}
	return cms.Check{Rule: cms.RuleAlgorithms, Clause: clause}
}

// certificate: the header names this certificate in each of its ways, and in one at least that nobody can meet with another.
func (s *Signed) certificate(cert *pkix.Certificate) cms.Checks {
	const clause = "TS 119 182-1 5.1.7, 5.2.2; RFC 7515 4.1.6, 4.1.8"
	if cert == nil {
		return cms.Checks{undecided(cms.RuleSignerIdentifier, clause, cms.SubNoCertificate, "no certificate of the signer")}
	}
	if len(s.Certificates) > 0 && !bytes.Equal(s.Certificates[0], cert.Raw) {
		return cms.Checks{undecided(cms.RuleSigningCertificate, clause, cms.SubNoCertificate, "x5c holds another certificate")}
	}
	for _, t := range s.thumbs {
		if !bytes.Equal(t.hash.Sum(nil, cert.Raw), t.digest) {
			return cms.Checks{undecided(cms.RuleSigningCertificate, clause, cms.SubNoCertificate, t.name+" is of another certificate")}
		}
	}
	if len(s.Certificates) == 0 && !s.bound() {
		return cms.Checks{{Rule: cms.RuleSigningCertificate, Status: cms.Noted, Clause: clause, Detail: "the header binds no certificate"}}
	}
	return cms.Checks{{Rule: cms.RuleSigningCertificate, Clause: clause}}
}

// bound tells whether the header binds the certificate as the baseline wants it. SHA-1 binds nothing.
func (s *Signed) bound() bool {
	for _, t := range s.thumbs {
		if t.hash != algo.SHA1 {
			return true
		}
	}
	return false
}

func (s *Signed) mathematics(payload []byte, cert *pkix.Certificate) cms.Check {
	const clause = "RFC 7515 5.2; EN 319 102-1 5.2.7"
	switch {
	case s.scheme != nil:
		return undecided(cms.RuleSignature, clause, cms.SubCryptoConstraints, s.scheme.Error())
	case cert.PublicKeyErr != nil:
		return undecided(cms.RuleSignature, clause, cms.SubCryptoConstraints, cert.PublicKeyErr.Error())
	}
	input := make([]byte, 0, len(s.protected)+1+len(payload))
	input = append(append(append(input, s.protected...), '.'), payload...)
	err := s.Algorithm.VerifyOver(cert.PublicKey, input, s.Value)
	switch {
	case err == nil:
		return cms.Check{Rule: cms.RuleSignature, Clause: clause}
	case errors.Is(err, algo.ErrNotAllowed), errors.Is(err, jws.ErrAlgorithm):
		return undecided(cms.RuleSignature, clause, cms.SubCryptoConstraints, err.Error())
	}
	return failed(cms.RuleSignature, clause, cms.SubSignature, err.Error())
}

// Nameless tells that the header neither holds nor names a certificate.
func (s *Signed) Nameless() bool { return len(s.Certificates) == 0 && len(s.thumbs) == 0 }

// Candidates are the certificates of a pool that may be the signer's: those that the header names; without a name all, authorities last.
func (s *Signed) Candidates(pool []*pkix.Certificate) []*pkix.Certificate {
	var users, authorities []*pkix.Certificate
	for _, c := range pool {
		switch {
		case !s.Nameless() && !s.names(c):
		case c.IsCA:
			authorities = append(authorities, c)
		default:
			users = append(users, c)
		}
	}
	return append(users, authorities...)
}

func (s *Signed) names(c *pkix.Certificate) bool {
	if len(s.Certificates) > 0 && bytes.Equal(s.Certificates[0], c.Raw) {
		return true
	}
	for _, t := range s.thumbs {
		if bytes.Equal(t.hash.Sum(nil, c.Raw), t.digest) {
			return true
		}
	}
	return false
}

// Detached tells that what is signed stands outside.
func (s *Signed) Detached() bool { return !s.doc.Attached }

// Names are those that sigD gives its objects.
func (s *Signed) Names() []string {
	if s.sigD == nil {
		return nil
	}
	return s.sigD.names
}

// Hashes are those besides the algorithm's own by which something is signed.
func (s *Signed) Hashes() []algo.Hash {
	if s.sigD != nil && s.sigD.hash.Valid() {
		return []algo.Hash{s.sigD.hash}
	}
	return nil
}
