package kz

import (
	"slices"
	"strings"

	"qaqpa/signer/pkix"
)

// Kind is what a certificate's subject is.
type Kind string

// Kinds of subjects.
const (
	// Person: an individual for himself; IIN, no BIN.
	Person Kind = "person"
	// Organisation: a person acting for a legal entity, in some role; IIN and BIN.
	Organisation Kind = "organisation"
	// InformationSystem: a (digital) system of an organisation or person; no person in the subject.
	InformationSystem Kind = "information_system"
	// Authority: a certification authority.
	Authority Kind = "authority"
	// Service: a time-stamping authority or OCSP responder.
	Service Kind = "service"
	// Other: nothing of the national profile is recognised.
	Other Kind = "other"
)

// KeyUse is what a key may be used for, as the national profile tells it.
type KeyUse string

// Uses of a key.
const (
	// Sign: digitalSignature and nonRepudiation, so documents may be signed (№1187 6.3; №500/НҚ 16).
	Sign KeyUse = "SIGN"
	// Auth: digitalSignature without nonRepudiation, for logging in.
	Auth KeyUse = "AUTH"
	// Unknown: neither.
	Unknown KeyUse = "UNKNOWN"
)

// Subject is what a certificate says of its holder. Fields are empty where the certificate is silent.
type Subject struct {
	Kind Kind
	// IIN and BIN are 12 digits as they stand; see NumbersValid.
	IIN, BIN string
	// NumbersValid is false when a number that is present fails its control digit or form.
	NumbersValid bool
	// Name is CN. Surname, GivenName and Patronymic: the national profile keeps the patronymic in givenName, and the given
	// name behind the surname in CN.
	Name, Surname, GivenName, Patronymic string
	Organisation                         string
	Email                                string
	Country                              string
	// SystemID is the OID of an information system (UID).
	SystemID string
	// Roles in the order of the extended key usage; TreasuryRoles are those of the treasury's client system ("ROLE01").
	Roles         []Role
	TreasuryRoles []string
	KeyUse        KeyUse
	// National is true when the certificate carries an OID of Kazakhstan's arc as usage or policy.
	National bool
	// Storage is where the key lives.
	Storage Storage
	// Policies are those of the certificate, known ones with a name.
	Policies []Policy
}

// HasRole tells whether the certificate carries the role with this code.
func (s Subject) HasRole(code string) bool {
	for _, r := range s.Roles {
		if r.Code == code {
			return true
		}
	}
	return false
}

// oidStorage is the extension that names the key's storage (№522/НҚ profiles).
const oidStorage = "1.2.398.3.3.5"

// arc is that of Kazakhstan, ISO member body 398.
const arc = "1.2.398."

// Describe reads the subject of a certificate. It never fails: what is not there stays empty.
func Describe(c *pkix.Certificate) Subject {
	s := Subject{
		Name:         c.Subject.CommonName(),
		Surname:      c.Subject.First(pkix.AttrSurname),
		Patronymic:   c.Subject.First(pkix.AttrGivenName),
		Organisation: c.Subject.First(pkix.AttrOrganization),
		Country:      c.Subject.First(pkix.AttrCountry),
		SystemID:     c.Subject.First(pkix.AttrUserID),
		Email:        email(c),
		KeyUse:       keyUse(c),
		Storage:      storage(c),
	}
	if rest, ok := strings.CutPrefix(s.Name, s.Surname+" "); ok && s.Surname != "" {
		s.GivenName = strings.TrimSpace(rest)
	}
	s.IIN, s.BIN = numbers(c)
	s.NumbersValid = (s.IIN == "" || ValidIIN(s.IIN)) && (s.BIN == "" || ValidBIN(s.BIN))
	for _, oid := range c.EKU {
		s.National = s.National || strings.HasPrefix(oid, arc)
		if r, ok := roleOf(oid); ok {
			s.Roles = append(s.Roles, r)
		}
	}
	for _, dc := range c.Subject.Attribute(pkix.AttrDomainComponent) {
		if strings.HasPrefix(dc, "ROLE") {
			s.TreasuryRoles = append(s.TreasuryRoles, dc)
		}
	}
	for i := range c.Policies {
		oid := c.Policies[i].OID
		s.National = s.National || strings.HasPrefix(oid, arc)
		s.Policies = append(s.Policies, policyOf(oid))
	}
	s.Kind = s.kind(c)
	return s
}

// kind decides by what the certificate is for, then by who is in it. Some information systems carry only the parent
// OID of a legal entity: they are known by having no person.
func (s *Subject) kind(c *pkix.Certificate) Kind {
	switch {
	case c.IsCA:
		return Authority
	case hasUsage(c, pkix.EKUTimeStamping), hasUsage(c, pkix.EKUOCSPSigning):
		return Service
	case s.HasRole(RoleLegalSystem), s.HasRole(RolePersonSystem):
		return InformationSystem
	case s.SystemID != "" && s.IIN == "" && s.Surname == "":
		return InformationSystem
	case s.BIN != "" || s.HasRole(RoleLegalEntity):
		return Organisation
	case s.IIN != "" || s.HasRole(RoleIndividual):
		return Person
	default:
		return Other
	}
}

func hasUsage(c *pkix.Certificate, oid string) bool { return slices.Contains(c.EKU, oid) }

// numbers finds IIN and BIN: "IIN" in serialNumber and "BIN" in OU, and, for certificates that name only an
// organisation, "BIN" in serialNumber. An organisation is believed only with the prefix: a plain OU is a department.
func numbers(c *pkix.Certificate) (iin, bin string) {
	for _, v := range c.Subject.Attribute(pkix.AttrSerialNumber) {
		iin = firstNumber(iin, v, "IIN")
		bin = firstNumber(bin, v, "BIN")
	}
	for _, v := range c.Subject.Attribute(pkix.AttrOrgUnit) {
		bin = firstNumber(bin, v, "BIN")
	}
	return iin, bin
}

func firstNumber(found, value, prefix string) string {
	if found != "" {
		return found
	}
	if n, ok := strings.CutPrefix(value, prefix); ok && WellFormed(n) {
		return n
	}
	return ""
}

func keyUse(c *pkix.Certificate) KeyUse {
	switch {
	case c.KeyUsage.Has(pkix.DigitalSignature | pkix.NonRepudiation):
		return Sign
	case c.KeyUsage.Has(pkix.DigitalSignature) && (c.KeyUsage.Has(pkix.KeyEncipherment) || hasUsage(c, pkix.EKUClientAuth)):
		return Auth
	default:
		return Unknown
	}
}
