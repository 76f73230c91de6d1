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

// hexUpper writes a serial number as certificates' are written, without the sign octet.
func hexUpper(b []byte) string {
	if len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return strings.ToUpper(hex.EncodeToString(b))
}
