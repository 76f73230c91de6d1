package pki

import (
	"crypto"
	"crypto/sha1" // key identifiers of the national profile are SHA-1 (RFC 5280 4.2.1.2)
	"crypto/x509"
	"fmt"
	"io"
	"time"
)

// Extension identifiers.
const (
	extSKI         = "2.5.29.14"
	extKeyUsage    = "2.5.29.15"
	extBasic       = "2.5.29.19"
	extCRLNumber   = "2.5.29.20"
	extReason      = "2.5.29.21"
	extDelta       = "2.5.29.27"
	extCRLDP       = "2.5.29.31"
	extPolicies    = "2.5.29.32"
	extAKI         = "2.5.29.35"
	extEKU         = "2.5.29.37"
	extFreshestCRL = "2.5.29.46"
	extAIA         = "1.3.6.1.5.5.7.1.1"
	accessOCSP     = "1.3.6.1.5.5.7.48.1"
	accessIssuers  = "1.3.6.1.5.5.7.48.2"
)

// template is a certificate before it is signed.
type template struct {
	serial              []byte
	issuer, subject     []byte // DER Names
	notBefore, notAfter time.Time
	spki                []byte
	extensions          [][]byte
	corrupt             bool
}

// sign makes the certificate (RFC 5280 4.1).
func (t template) sign(key crypto.Signer, rand io.Reader) ([]byte, error) {
	s, err := schemeOf(key.Public(), schemeOptions{})
	if err != nil {
		return nil, err
	}
	tbs := seq(
		explicit(0, number(2)), integer(t.serial), s.signature, t.issuer,
		seq(moment(t.notBefore), moment(t.notAfter)), t.subject, t.spki,
		explicit(3, seq(t.extensions...)))
	return signed(tbs, s, key, rand, t.corrupt)
}

// signed is SEQUENCE { tbs, algorithm, BIT STRING signature }.
func signed(tbs []byte, s scheme, key crypto.Signer, rand io.Reader, corrupt bool) ([]byte, error) {
	sig, err := s.sign(key, rand, tbs)
	if err != nil {
		return nil, err
	}
	if corrupt {
		sig[len(sig)/2] ^= 1
	}
	return seq(tbs, s.signature, bits(sig)), nil
}

func extension(id string, critical bool, value []byte) []byte {
	if critical {
		return seq(oid(id), boolean(), octets(value))
	}
	return seq(oid(id), octets(value))
}

// keyID is the SHA-1 of the BIT STRING's content, for GOST with the inner OCTET STRING's header.
func keyID(content []byte) []byte {
	id := sha1.Sum(content) // see the import
	return id[:]
}

// serialFrom is how the national authority mostly numbers: the key identifier with its top bit clear. A first octet of zero is
// made one: an INTEGER would lose it, and the certificate would not be found under its own number.
func serialFrom(ski []byte) []byte {
	serial := append([]byte{}, ski...)
	serial[0] &= 0x7f
	serial[0] = max(serial[0], 1)
	return serial
}

func distributionPoint(urls ...string) []byte {
	var names [][]byte
	for _, u := range urls {
		names = append(names, implicit(6, ia5(u)))
	}
	return seq(seq(explicit(0, explicit(0, names...))))
}

func accessDescription(method, url string) []byte {
	return seq(oid(method), implicit(6, ia5(url)))
}

func policyInformation(id string) []byte {
	qualifier := seq(oid("1.3.6.1.5.5.7.2.1"), ia5(cpsURL))
	return seq(oid(id), seq(qualifier))
}

// endEntityExtensions are the extensions of a certificate issued by ca, in the order of those of 2026.
func (p Profile) endEntityExtensions(ca *CA, base string, ski []byte, stored bool) [][]byte {
	var list [][]byte
	if ids := p.policies(); len(ids) > 0 {
		var infos [][]byte
		for _, id := range ids {
			infos = append(infos, policyInformation(id))
		}
		list = append(list, extension(extPolicies, false, seq(infos...)))
	}
	if !p.NoRevocationInfo && p.Kind != OCSPResponder {
		list = append(list, ca.revocationExtensions(base)...)
	}
	if ids := p.extended(); len(ids) > 0 && !p.NoExtKeyUsage {
		var values [][]byte
		for _, id := range ids {
			values = append(values, oid(id))
		}
		list = append(list, extension(extEKU, p.Kind == TimeStamping, seq(values...)))
	}
	// The sample of a national TSA certificate has no keyUsage.
	if !p.NoKeyUsage && (p.Kind != TimeStamping || p.KeyUsage != 0) {
		list = append(list, extension(extKeyUsage, true, usageBits(p.usage())))
	}
	if p.Kind == OCSPResponder {
		list = append(list, extension(oidNoCheck, false, null()))
	}
	if p.Kind == Authority && !p.NotCA {
		list = append(list, extension(extBasic, true, basicConstraints(p.PathLen)))
	}
	list = append(list, extension(extSKI, false, octets(ski)), extension(extAKI, false, seq(implicit(0, octets(ca.keyID)))))
	if stored {
		list = append(list, extension(oidStorage, false, seq(oid(storagePKCS12))))
	}
	for _, e := range p.Extensions {
		list = append(list, extension(e.OID, e.Critical, e.Value))
	}
	return list
}

func basicConstraints(pathLen *int) []byte {
	if pathLen == nil {
		return seq(boolean())
	}
	return seq(boolean(), number(int64(*pathLen)))
}

// usageBits maps the bits of crypto/x509, which count from digitalSignature as RFC 5280 does.
func usageBits(usage x509.KeyUsage) []byte { return namedBits(int(usage)) }

// check refuses profiles that no certificate can be made of.
func (p Profile) check() error {
	switch {
	case p.Kind == Citizen || p.Kind == Employee:
		if p.Surname == "" || p.Given == "" || p.IIN == "" {
			return fmt.Errorf("profile %q: a person needs surname, given name and IIN", p.Name)
		}
		if p.Kind == Employee && (p.Organisation == "" || p.BIN == "") {
			return fmt.Errorf("profile %q: an employee needs organisation and BIN", p.Name)
		}
	case p.Kind == InformationSystem && (p.SystemName == "" || p.BIN == "" || p.Organisation == ""):
		return fmt.Errorf("profile %q: a system needs name, organisation and BIN", p.Name)
	case p.Kind == Authority && p.SystemName == "":
		return fmt.Errorf("profile %q: an authority needs a name", p.Name)
	}
	return nil
}
