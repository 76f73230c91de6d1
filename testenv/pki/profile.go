package pki

import (
	"crypto/x509"
	"time"
)

// Family names a hierarchy, root to national CA, and the algorithm of all keys below it.
type Family string

// The four families. Hash of a signature: SHA-256, SHA-256, Streebog-512, GOST 34.311-95 (test S-box).
const (
	RSA      Family = "rsa"
	ECDSA    Family = "ecdsa"
	GOST2015 Family = "gost2015"
	GOST2004 Family = "gost2004"
)

// Families lists all of them in the order in which they are created.
func Families() []Family { return []Family{RSA, ECDSA, GOST2015, GOST2004} }

// Kind says what sort of subject a certificate is for. It decides subject, key usage, extended key
// usage and policy.
type Kind string

// Kinds of end entities.
const (
	// Citizen: CN=SURNAME GIVEN, SURNAME, serialNumber=IIN…, C=KZ, 2.5.4.42=patronymic; EKU 1.2.398.3.3.4.1.1.
	Citizen Kind = "citizen"
	// Employee of a company, with a Role: as Citizen, plus O and OU=BIN…; EKU 1.2.398.3.3.4.1.2 and the role's.
	Employee Kind = "employee"
	// InformationSystem: UID=oid, CN=name, O, OU=BIN…; EKU 1.2.398.3.3.4.1.2 and .6. Banks, agencies
	// and the gateway's seal are of this kind.
	InformationSystem Kind = "information-system"
	// OCSPResponder: delegated, EKU OCSPSigning, ocsp-nocheck.
	OCSPResponder Kind = "ocsp-responder"
	// TimeStamping: critical EKU timeStamping.
	TimeStamping Kind = "time-stamping"
	// Authority: a CA below the national one; for path-length and name tests.
	Authority Kind = "authority"
)

// Role of an Employee, the last part of 1.2.398.3.3.4.1.2.x.
type Role int

// Roles of company people.
const (
	NoRole           Role = 0
	Head             Role = 1 // first head
	RightOfSignature Role = 2
	FinancialSign    Role = 3 // right to sign financial documents
	HR               Role = 4
	Staff            Role = 5
)

// KeyUse is what the key is for; old profiles had separate keys.
type KeyUse string

// Uses of a key. The zero value is Sign.
const (
	Sign KeyUse = "sign"
	Auth KeyUse = "auth"
)

// Profile describes a certificate to issue. The zero value of a field means "as the real authority
// does for this Kind and Family"; set one to get a defective certificate.
type Profile struct {
	// Name under which the identity is kept in the folder and found by [PKI.Identity]. Unique.
	// Empty: the serial number in hex.
	Name   string
	Family Family
	Kind   Kind
	Role   Role
	Use    KeyUse

	Surname, Given, Patronymic string
	IIN                        string // 12 digits, without the prefix
	Organisation               string
	BIN                        string // 12 digits, without the prefix
	SystemName                 string // CN of an InformationSystem, OCSPResponder, TimeStamping or Authority
	SystemID                   string // UID of an InformationSystem; zero: 1.2.398.6.10.1.1
	Email                      string

	// NotBefore and NotAfter: zero means one hour ago and a year later (three for systems).
	NotBefore, NotAfter time.Time

	// KeyUsage replaces the usual bits; NoKeyUsage leaves the extension out.
	KeyUsage   x509.KeyUsage
	NoKeyUsage bool
	// ExtKeyUsage (dotted OIDs) replaces the usual list; NoExtKeyUsage leaves the extension out.
	ExtKeyUsage   []string
	NoExtKeyUsage bool
	// Policies (dotted OIDs) replaces the usual one.
	Policies []string
	// PathLen limits an Authority; nil: no limit.
	PathLen *int
	// NoRevocationInfo leaves out CRL DP, FreshestCRL and AIA.
	NoRevocationInfo bool
	// NotCA makes an Authority without basicConstraints, which must issue nothing.
	NotCA bool
	// Extensions are appended as they are.
	Extensions []Extension
	// CorruptSignature flips a bit of the CA's signature.
	CorruptSignature bool

	// Issuer signs instead of the family's national CA: another Authority, or an end entity that
	// has no right to. It must hold its key.
	Issuer *Identity `json:"-"`
	// Impostor issues from a look-alike hierarchy: same names byte for byte, other keys, trusted by nobody.
	Impostor bool

	// RSABits for new RSA keys; zero: 2048.
	RSABits int
	// Third2004Form writes a GOST-2004 public key in the form of the two information-system
	// certificates of 2023 (algorithm 1.3.6.1.4.1.6801.1.5.8, key blob with a header).
	Third2004Form bool
}

// Extension is one X.509 extension.
type Extension struct {
	OID      string // dotted
	Critical bool
	Value    []byte // DER, content of extnValue
}
