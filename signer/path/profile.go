package path

import (
	"net/netip"
	"strings"

	"qaqpa/signer/pkix"
)

// checkProfile demands what RFC 5280 4 demands of issuers (Inputs.Strict).
func (v *validation) checkProfile(j *judgement) {
	for i, c := range j.path {
		isAnchor := i == len(j.path)-1
		for _, f := range profileFaults(c, isAnchor, i == 0) {
			j.add(ChainConstraintsFailure, Problem{
				Code: CodeProfile, Clause: "RFC 5280 " + f.clause, Detail: f.detail, Certificate: c,
			})
		}
	}
}

type fault struct{ clause, detail string }

func profileFaults(c *pkix.Certificate, isAnchor, isLeaf bool) []fault {
	var out []fault
	check := func(ok bool, clause, detail string) {
		if !ok {
			out = append(out, fault{clause, detail})
		}
	}
	checkSerial(c, check)
	checkNamesPresent(c, check)
	checkKeyIDs(c, isAnchor, check)
	checkCriticality(c, check)
	check(c.IsCA || c.KeyUsage&pkix.KeyCertSign == 0, "4.2.1.9", "the key may sign certificates, but the certificate is not a CA's")
	check(c.IsCA || c.NameConstraints == nil, "4.2.1.10", "name constraints in a certificate that is not a CA's")
	check(!isLeaf || !c.IsCA || c.PathLen < 0 || c.KeyUsage.Has(pkix.KeyCertSign) || !c.HasKeyUsage, "4.2.1.9",
		"path length without the right to sign certificates")
	check(c.SubjectAltName != nil || c.Extension(pkix.OIDSubjectAltName) == nil, "4.2.1.6", "there are no alternative names in the extension for them")
	for i := range c.SubjectAltName {
		if n := &c.SubjectAltName[i]; n.Kind == pkix.DNSName {
			check(preferredName(n.Text), "4.2.1.6", "host name "+n.Text+" is malformed")
		}
	}
	return out
}

func checkSerial(c *pkix.Certificate, check func(bool, string, string)) {
	n := len(c.Serial)
	check(n <= 20 || n == 21 && c.Serial[0] == 0, "4.1.2.2", "the serial number has more than 20 octets")
	check(c.Serial[0] < 0x80, "4.1.2.2", "the serial number is negative")
	check(n > 1 || c.Serial[0] != 0, "4.1.2.2", "the serial number is zero")
}

func checkNamesPresent(c *pkix.Certificate, check func(bool, string, string)) {
	check(!c.Issuer.Empty(), "4.1.2.4", "the issuer has no name")
	check(!c.IsCA || !c.Subject.Empty(), "4.1.2.6", "a CA has no name")
	if c.Subject.Empty() {
		x := c.Extension(pkix.OIDSubjectAltName)
		check(x != nil && x.Critical, "4.1.2.6", "the subject has no name, and alternative names are not critical")
	}
}

func checkKeyIDs(c *pkix.Certificate, isAnchor bool, check func(bool, string, string)) {
	selfSigned := isAnchor && c.SelfIssued()
	check(selfSigned || c.AuthorityKeyID != nil && c.AuthorityKeyID.KeyID != nil, "4.2.1.1", "there is no authority key identifier")
	check(!c.IsCA || c.SubjectKeyID != nil, "4.2.1.2", "a CA has no subject key identifier")
}

// checkCriticality: which extensions must be critical, and which must not.
func checkCriticality(c *pkix.Certificate, check func(bool, string, string)) {
	for i := range c.Extensions {
		x := &c.Extensions[i]
		switch x.OID {
		case pkix.OIDAuthorityKeyID, pkix.OIDSubjectKeyID, pkix.OIDAuthorityInfoAccess, pkix.OIDSubjectInfoAccess,
			pkix.OIDFreshestCRL:
			check(!x.Critical, "4.2", "extension "+x.OID+" is critical")
		case pkix.OIDNameConstraints, pkix.OIDPolicyConstraints, pkix.OIDInhibitAnyPolicy:
			check(x.Critical, "4.2", "extension "+x.OID+" is not critical")
		case pkix.OIDBasicConstraints:
			check(x.Critical || !c.IsCA, "4.2.1.9", "basic constraints of a CA are not critical")
		}
	}
}

// preferredName is the syntax of RFC 1034 3.5 as changed by RFC 1123 2.1, with a wildcard as first label.
func preferredName(host string) bool {
	host = strings.TrimPrefix(host, "*.")
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	return validHost(host) && !strings.Contains(host, "_")
}
