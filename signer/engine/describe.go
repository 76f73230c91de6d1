package engine

import (
	"encoding/hex"
	"strings"

	"qaqpa/signer/kz"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// describe says who a certificate names.
func describe(c *pkix.Certificate, s kz.Subject) report.Signer {
	out := report.Signer{
		Kind: string(s.Kind), Name: s.Name, Organisation: s.Organisation, IIN: s.IIN, BIN: s.BIN, IdentifiersValid: s.NumbersValid,
		KeyUse: string(s.KeyUse), Storage: s.Storage.Name, Email: s.Email, Roles: []report.Role{},
		CertificateSHA256: hexOf(c.Fingerprint()), Serial: c.SerialHex(), Issuer: c.Issuer.String(),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
	}
	for _, r := range s.Roles {
		out.Roles = append(out.Roles, report.Role{Code: r.Code, OID: r.OID, Name: report.Text(r.Name)})
	}
	return out
}

// abroad tells whether a chain ends at an authority of another state, and then takes from the signer what only a national authority
// can vouch for. A foreign authority, or whoever broke into one, could otherwise issue a certificate with somebody's IIN and pay
// or sign in for him, or make himself the head of a company.
func (t *Trust) abroad(chain []report.Certificate, s *report.Signer) bool {
	if len(t.foreign) == 0 || len(chain) == 0 {
		return false
	}
	end := chain[len(chain)-1]
	a, foreign := t.foreign[end.SHA256]
	if !foreign || !end.Anchor {
		return false
	}
	s.ThirdParty = &report.ThirdParty{Name: a.Name, Territory: a.Territory}
	s.Kind, s.IIN, s.BIN, s.IdentifiersValid, s.Roles, s.Storage = string(kz.Other), "", "", true, []report.Role{}, ""
	return true
}

// hexUpper writes a serial number as certificates' are written, without the sign octet.
func hexUpper(b []byte) string {
	if len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return strings.ToUpper(hex.EncodeToString(b))
}
