package ncanode

import (
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/kz"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// certificateInfo is NCANode's description of a certificate, with what is wrong with it or with the signature that it made.
type certificateInfo struct {
	Valid        bool         `json:"valid"`
	Revocations  []revocation `json:"revocations"`
	NotBefore    string       `json:"notBefore"`
	NotAfter     string       `json:"notAfter"`
	KeyUsage     string       `json:"keyUsage"`
	SerialNumber string       `json:"serialNumber"`
	SignAlg      string       `json:"signAlg"`
	KeyUser      []string     `json:"keyUser"`
	PublicKey    string       `json:"publicKey"`
	Signature    string       `json:"signature"`
	Subject      *subject     `json:"subject"`
	Issuer       *subject     `json:"issuer"`
	*outcome                  // nil where it stands beside the certificate
}

// outcome is what the verdict says beside NCANode's members.
type outcome struct {
	Indication    report.Indication    `json:"indication"`
	SubIndication report.SubIndication `json:"subIndication,omitempty"`
	Problems      []reason             `json:"problems"`
	Notes         []reason             `json:"notes,omitempty"`
}

// reason is why a signature or certificate is not valid, and what to do, in the caller's language.
type reason struct {
	Code    report.Code `json:"code"`
	Clause  string      `json:"clause,omitempty"`
	Message string      `json:"message"`
	Advice  string      `json:"advice,omitempty"`
	Details string      `json:"details,omitempty"`
}

func reasonsIn(l report.Lang, all []report.Reason) []reason {
	out := make([]reason, 0, len(all))
	for _, r := range all {
		out = append(out, reason{r.Code, r.Clause, r.Text.In(l), r.Advice.In(l), r.Detail})
	}
	return out
}

// stamp writes a time as NCANode does: in UTC, with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-07:00") }

func describe(c *pkix.Certificate, revocations []revocation, valid bool, o *outcome) *certificateInfo {
	if revocations == nil {
		revocations = []revocation{}
	}
	return &certificateInfo{
		Valid: valid, Revocations: revocations, NotBefore: stamp(c.NotBefore), NotAfter: stamp(c.NotAfter),
		KeyUsage: keyUsage(c), SerialNumber: hexNumber(c.Serial), SignAlg: signAlg(c), KeyUser: keyUsers(c),
		PublicKey: base64.StdEncoding.EncodeToString(c.RawSPKI), Signature: base64.StdEncoding.EncodeToString(c.Signature),
		Subject: subjectOf(c.Subject), Issuer: subjectOf(c.Issuer), outcome: o,
	}
}

// hexNumber writes an INTEGER as Java's BigInteger does: without leading zeros.
func hexNumber(twosComplement []byte) string {
	n := new(big.Int).SetBytes(twosComplement)
	if len(twosComplement) > 0 && twosComplement[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(twosComplement))*8))
	}
	return n.Text(16)
}

// keyUsage is told by the bits of the national profiles.
func keyUsage(c *pkix.Certificate) string {
	switch {
	case c.KeyUsage.Has(pkix.DigitalSignature | pkix.NonRepudiation):
		return string(kz.Sign)
	case c.KeyUsage.Has(pkix.DigitalSignature | pkix.KeyEncipherment):
		return string(kz.Auth)
	}
	return string(kz.Unknown)
}

// signAlg names the algorithm as the Java provider of the national CA does.
func signAlg(c *pkix.Certificate) string {
	a := c.SignatureAlgorithm
	hash := strings.ReplaceAll(a.Hash.Name(), "-", "")
	switch a.Family {
	case algo.GOST2012_512:
		return "ECGOST3410-2015-512"
	case algo.GOST2012_256:
		return "ECGOST3410-2015-256"
	case algo.GOST2004:
		return "ECGOST34310"
	case algo.RSA:
		return hash + "WithRSAEncryption"
	case algo.ECDSA:
		return hash + "WITHECDSA"
	case algo.RSAPSS:
		return "RSASSA-PSS"
	case algo.Ed25519, algo.Ed448, algo.DSA, algo.Unknown:
	}
	return a.OID
}

// keyUser are the roles that NCANode knows, by OID, in the order in which they are listed.
var keyUser = []struct{ oid, name string }{
	{"1.2.398.3.3.4.1.2.1", "CEO"},
	{"1.2.398.3.3.4.1.2.2", "CAN_SIGN"},
	{"1.2.398.3.3.4.1.2.3", "CAN_SIGN_FINANCIAL"},
	{"1.2.398.3.3.4.1.2.4", "HR"},
	{"1.2.398.3.3.4.1.2.5", "EMPLOYEE"},
	{"1.2.398.3.3.4.1.1", "INDIVIDUAL"},
	{"1.2.398.3.3.4.1.2", "ORGANIZATION"},
	{"1.2.398.3.3.4.2", "NCA_PRIVILEGES"},
	{"1.2.398.3.3.4.2.1", "NCA_ADMIN"},
	{"1.2.398.3.3.4.2.2", "NCA_MANAGER"},
	{"1.2.398.3.3.4.2.3", "NCA_OPERATOR"},
	{"1.2.398.3.3.4.3", "IDENTIFICATION"},
	{"1.2.398.3.3.4.3.1", "IDENTIFICATION_CON"},
	{"1.2.398.3.3.4.3.2", "IDENTIFICATION_REMOTE"},
	{"1.2.398.3.3.4.3.2.1", "IDENTIFICATION_REMOTE_DIGITAL_ID"},
}

func keyUsers(c *pkix.Certificate) []string {
	out := []string{}
	for _, role := range keyUser {
		if slices.Contains(c.EKU, role.oid) {
			out = append(out, role.name)
		}
	}
	return out
}
