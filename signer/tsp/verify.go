package tsp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
)

// Rules of tokens, besides those of package cms.
const (
	RuleImprint    cms.Rule = "timestamp-imprint"    // the token is over these octets
	RuleNonce      cms.Rule = "timestamp-nonce"      // and answers this request
	RulePolicy     cms.Rule = "timestamp-policy"     // under an accepted policy
	RuleAuthority  cms.Rule = "timestamp-authority"  // by the authority it names
	RulePurpose    cms.Rule = "timestamp-purpose"    // with a key for time-stamping alone
	RuleExtensions cms.Rule = "timestamp-extensions" // without unknown critical extensions
)

// Expectation is what a token must be about.
type Expectation struct {
	// Content is what was stamped; for a signature time-stamp cms.ContentOf(signer.Signature). Either it or Imprint.
	Content cms.Content
	// Imprint is a digest with Hash, as in a request.
	Hash    algo.Hash
	Imprint []byte
	// Nonce is the contents of the INTEGER that was sent; nil when none was, or the request is not known.
	Nonce []byte
	// Policies are the accepted policies; nil accepts any.
	Policies []string
}

// Signer is the token's only signer.
func (t *Token) Signer() *cms.SignerInfo { return &t.CMS.Signers[0] }

// Verify checks the token against what it should be about and the authority's certificate (nil: not found). All rules
// are judged. Chain and revocation of cert at [Info.GenTime] are for the caller.
func (t *Token) Verify(want Expectation, cert *pkix.Certificate) cms.Checks {
	checks := t.Signer().Verify(cms.Content{}, cert)
	for i := range checks {
		// RFC 3161 2.4.2: the ESS attribute is obligatory in tokens, where in documents its absence is only noted.
		if c := &checks[i]; c.Rule == cms.RuleSigningCertificate && c.Status == cms.Noted {
			c.Status, c.Sub, c.Clause = cms.Failed, cms.SubFormat, "RFC 3161 2.4.2; RFC 5816 2.2.1"
		}
	}
	return append(checks, t.checkImprint(want), t.checkNonce(want), t.checkPolicy(want), t.checkAuthority(cert),
		t.checkPurpose(cert), t.checkExtensions())
}

// VerifyResponse checks the token of a response against the request that was sent.
func (t *Token) VerifyResponse(q Request, cert *pkix.Certificate) cms.Checks {
	return t.Verify(q.expectation(), cert)
}

// checkImprint: a token for other octets is somebody else's proof.
func (t *Token) checkImprint(want Expectation) cms.Check {
	c := cms.Check{Rule: RuleImprint, Clause: "RFC 3161 2.4.2; EN 319 102-1 5.4"}
	if t.Info.HashErr != nil {
		return undecided(c, cms.SubCryptoConstraints, t.Info.HashErr.Error())
	}
	digest := want.Imprint
	switch {
	case want.Content.Present():
		var err error
		if digest, err = want.Content.Digest(t.Info.Hash); err != nil {
			return undecided(c, cms.SubNoSignedData, err.Error())
		}
	case want.Imprint == nil:
		return undecided(c, cms.SubNoSignedData, "what was stamped is not known")
	case want.Hash != t.Info.Hash:
		return failed(c, cms.SubHash, fmt.Sprintf("imprint made with %s, not %s", t.Info.Hash, want.Hash))
	}
	if !bytes.Equal(digest, t.Info.Imprint) {
		return failed(c, cms.SubHash, "imprint of something else")
	}
	return c
}

// checkNonce compares contents octets: INTEGERs are minimal, so equal numbers have equal octets, negative ones too.
func (t *Token) checkNonce(want Expectation) cms.Check {
	c := cms.Check{Rule: RuleNonce, Clause: "RFC 3161 2.2, 2.4.1"}
	switch {
	case want.Nonce == nil:
		return c
	case t.Info.Nonce == nil:
		return failed(c, cms.SubFormat, "nonce missing: the response may be an old one")
	case !bytes.Equal(want.Nonce, t.Info.Nonce):
		return failed(c, cms.SubFormat, "nonce of another request")
	}
	return c
}

func (t *Token) checkPolicy(want Expectation) cms.Check {
	c := cms.Check{Rule: RulePolicy, Clause: "RFC 3161 2.4.1, 2.4.2"}
	if want.Policies != nil && !slices.Contains(want.Policies, t.Info.Policy) {
		return failed(c, cms.SubSigningConstraints, fmt.Sprintf("policy %s, not %s", t.Info.Policy, strings.Join(want.Policies, " or ")))
	}
	return c
}

// checkAuthority: the tsa field, when it names a directory entry, should be the certificate's subject. Real
// authorities write it in another order or encoding, so a difference is noted: which key signed is bound by the ESS
// attribute.
func (t *Token) checkAuthority(cert *pkix.Certificate) cms.Check {
	c := cms.Check{Rule: RuleAuthority, Clause: "RFC 3161 2.4.2"}
	if t.Info.RawTSA == nil || cert == nil {
		return c
	}
	e, err := asn1ber.Parse(t.Info.RawTSA, asn1ber.BER, asn1ber.Limits{Bytes: 64 << 10, Depth: 12, Elements: 1024})
	if err != nil {
		return failed(c, cms.SubFormat, err.Error())
	}
	if e.Tag != asn1ber.Context(4) {
		c.Status, c.Detail = cms.Noted, "named by other than a directory name"
		return c
	}
	dn, err := e.Explicit(asn1ber.Sequence)
	if err != nil {
		return failed(c, cms.SubFormat, err.Error())
	}
	if name, err := pkix.ParseName(dn.Raw); err != nil || !name.Equal(cert.Subject) {
		c.Status, c.Detail = cms.Noted, "names another subject than its certificate"
	}
	return c
}

// checkPurpose: the certificate is for time-stamping and nothing else, critically (RFC 3161 2.3), so that no signing
// key of a person can be made to vouch for a time.
func (t *Token) checkPurpose(cert *pkix.Certificate) cms.Check {
	c := cms.Check{Rule: RulePurpose, Clause: "RFC 3161 2.3"}
	if cert == nil {
		return undecided(c, cms.SubNoCertificate, "no certificate of the authority")
	}
	eku := cert.Extension(pkix.OIDExtendedKeyUsage)
	switch {
	case eku == nil:
		return failed(c, cms.SubChainConstraints, "certificate without extended key usage")
	case len(cert.EKU) != 1 || cert.EKU[0] != pkix.EKUTimeStamping:
		return failed(c, cms.SubChainConstraints, "certificate for other purposes: "+strings.Join(cert.EKU, ", "))
	case !eku.Critical:
		return failed(c, cms.SubChainConstraints, "extended key usage is not critical")
	}
	return c
}

func (t *Token) checkExtensions() cms.Check {
	c := cms.Check{Rule: RuleExtensions, Clause: "RFC 3161 2.4.2"}
	if len(t.Info.CriticalExtensions) > 0 {
		return failed(c, cms.SubFormat, "unknown critical extension "+strings.Join(t.Info.CriticalExtensions, ", "))
	}
	return c
}

func failed(c cms.Check, sub, detail string) cms.Check {
	c.Status, c.Sub, c.Detail = cms.Failed, sub, detail
	return c
}

func undecided(c cms.Check, sub, detail string) cms.Check {
	c.Status, c.Sub, c.Detail = cms.Undecided, sub, detail
	return c
}
