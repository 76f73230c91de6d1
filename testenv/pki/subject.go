package pki

import (
	"crypto/x509"
	"fmt"
)

// Attribute types of names.
const (
	attrCN         = "2.5.4.3"
	attrSurname    = "2.5.4.4"
	attrSerial     = "2.5.4.5"
	attrCountry    = "2.5.4.6"
	attrO          = "2.5.4.10"
	attrOU         = "2.5.4.11"
	attrPatronymic = "2.5.4.42" // givenName, which the national profile uses for the patronymic
	attrUID        = "0.9.2342.19200300.100.1.1"
	attrEmail      = "1.2.840.113549.1.9.1"
)

// Policy and role identifiers of the national authority.
const (
	policyBase       = "1.2.398.3.3.2"
	ekuIndividual    = "1.2.398.3.3.4.1.1"
	ekuLegal         = "1.2.398.3.3.4.1.2"
	ekuEmail         = "1.3.6.1.5.5.7.3.4"
	ekuClientAuth    = "1.3.6.1.5.5.7.3.2"
	ekuTimeStamping  = "1.3.6.1.5.5.7.3.8"
	ekuOCSPSigning   = "1.3.6.1.5.5.7.3.9"
	cpsURL           = "http://pki.gov.kz/cps"
	defaultSystemID  = "1.2.398.6.10.1.1"
	storagePKCS12    = "1.2.398.3.3.5.1.1"
	oidStorage       = "1.2.398.3.3.5"
	oidNoCheck       = "1.3.6.1.5.5.7.48.1.5"
	responderName    = "OCSP RESPONDER"
	timeStampingName = "СЕРВИС МЕТКИ ВРЕМЕНИ"
)

// name joins relative distinguished names, skipping the empty ones.
func name(rdns ...[]byte) []byte { return seq(rdns...) }

func rdn(attribute string, value []byte) []byte {
	if len(value) <= 2 { // an empty string: tag and length only
		return nil
	}
	return tlv(tagSet, seq(oid(attribute), value))
}

// subject builds the DER Name in the order of the real certificates.
func (p Profile) subject() ([]byte, error) {
	country := rdn(attrCountry, printable("KZ"))
	organisation, unit := rdn(attrO, utf8(p.Organisation)), rdn(attrOU, utf8(prefixed("BIN", p.BIN)))
	switch p.Kind {
	case Citizen, Employee:
		return name(
			rdn(attrCN, utf8(p.Surname+" "+p.Given)), rdn(attrSurname, utf8(p.Surname)),
			rdn(attrSerial, printable(prefixed("IIN", p.IIN))), country, organisation, unit,
			rdn(attrPatronymic, utf8(p.Patronymic)), rdn(attrEmail, ia5(p.Email))), nil
	case InformationSystem:
		return name(rdn(attrUID, utf8(or(p.SystemID, defaultSystemID))), rdn(attrCN, utf8(p.SystemName)),
			country, organisation, unit), nil
	case OCSPResponder:
		return name(rdn(attrCN, utf8(or(p.SystemName, responderName))), country, organisation), nil
	case TimeStamping:
		return name(rdn(attrCN, utf8(or(p.SystemName, timeStampingName))), country, organisation, unit), nil
	case Authority:
		return name(rdn(attrCN, utf8(p.SystemName)), country), nil
	}
	return nil, fmt.Errorf("unknown kind of subject %q", p.Kind)
}

func prefixed(prefix, digits string) string {
	if digits == "" {
		return ""
	}
	return prefix + digits
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// usage is the KeyUsage of the profile: 2015 keys also agree on keys, older ones are split by use.
func (p Profile) usage() x509.KeyUsage {
	switch {
	case p.KeyUsage != 0:
		return p.KeyUsage
	case p.Kind == OCSPResponder:
		return x509.KeyUsageDigitalSignature
	case p.Kind == Authority:
		return x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	case p.Use == Auth:
		return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	case p.Family == GOST2015:
		return x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageKeyAgreement
	}
	return x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
}

// extended is the list of extended key usages. Information systems carry neither e-mail protection
// nor client authentication; those of GOST-2004 name the parent identifier alone.
func (p Profile) extended() []string {
	if p.ExtKeyUsage != nil {
		return p.ExtKeyUsage
	}
	purpose := ekuEmail
	if p.Use == Auth {
		purpose = ekuClientAuth
	}
	switch p.Kind {
	case Citizen:
		return []string{purpose, ekuIndividual}
	case Employee:
		if p.Role == NoRole {
			return []string{purpose, ekuLegal}
		}
		return []string{purpose, ekuLegal, fmt.Sprintf("%s.%d", ekuLegal, p.Role)}
	case InformationSystem:
		if p.Family == GOST2004 {
			return []string{ekuLegal}
		}
		return []string{ekuLegal, ekuLegal + ".6"}
	case OCSPResponder:
		return []string{ekuOCSPSigning}
	case TimeStamping:
		return []string{ekuTimeStamping}
	case Authority:
	}
	return nil
}

// policies are the one of 2015 certificates, or that of holder and use in the older families.
func (p Profile) policies() []string {
	switch {
	case p.Policies != nil:
		return p.Policies
	case p.Kind == OCSPResponder, p.Kind == TimeStamping:
		return nil
	case p.Family == GOST2015, p.Kind == Authority:
		return []string{policyBase}
	}
	n := 1
	if p.Kind == Citizen {
		n = 3
	}
	if p.Use == Auth {
		n++
	}
	return []string{fmt.Sprintf("%s.%d", policyBase, n)}
}
