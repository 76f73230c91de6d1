package pki

import (
	"crypto"
	"fmt"
	"io"
	"strings"
	"time"
)

// CA is one authority: a root or a national CA. It is immutable.
type CA struct {
	Family Family
	Root   bool
	// Name is root_rsa, nca_rsa … : the file name of its certificate and lists on the server.
	Name        string
	Certificate []byte // DER

	impostor bool
	key      crypto.Signer
	subject  []byte // DER Name
	content  []byte // of the BIT STRING of its public key
	keyID    []byte
	serial   []byte
	parent   *CA      // nil for a root
	above    [][]byte // certificates above an authority made by Issue
}

// hierarchy is root and national CA of a family with the services' identities.
type hierarchy struct{ root, nca *CA }

// label is what the family is called in names.
func (f Family) label() string {
	switch f {
	case RSA:
		return "RSA"
	case ECDSA:
		return "ECDSA"
	case GOST2015:
		return "GOST"
	case GOST2004:
		return "GOST 2004"
	}
	return string(f)
}

// newHierarchy makes a root and a national CA below it. The roots run for twenty years from four
// years ago, so that certificates which expired long ago fit in.
//
// With real, the new one imitates it: names, serial numbers and key identifiers are those of the real
// one, the keys are not.
func newHierarchy(f Family, real *hierarchy, base string, now time.Time, rand io.Reader) (*hierarchy, error) {
	m := maker{f, base, now, rand}
	if real == nil {
		real = &hierarchy{}
	}
	root, err := m.authority(nil, real.root)
	if err != nil {
		return nil, err
	}
	nca, err := m.authority(root, real.nca)
	return &hierarchy{root, nca}, err
}

// maker makes the authorities of a hierarchy.
type maker struct {
	family Family
	base   string
	now    time.Time
	rand   io.Reader
}

func (m maker) authority(parent, real *CA) (*CA, error) {
	f, now, rand := m.family, m.now, m.rand
	key, err := generateKey(f, 0, rand)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the key of an authority: %w", err)
	}
	spki, content, err := marshalSPKI(key.Public(), false)
	if err != nil {
		return nil, err
	}
	ca := &CA{Family: f, Root: parent == nil, parent: parent, impostor: real != nil, key: key, content: content, keyID: keyID(content)}
	if real != nil {
		ca.keyID = real.keyID
	}
	ca.serial = serialFrom(ca.keyID)
	ca.Name = authorityName(f, parent == nil)
	title := "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (%s) QAQPA TEST"
	if parent == nil {
		title = "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (%s) QAQPA TEST"
	}
	ca.subject = name(rdn(attrCN, utf8(fmt.Sprintf(title, f.label()))), rdn(attrCountry, printable("KZ")))
	t := template{
		serial: ca.serial, issuer: ca.subject, subject: ca.subject, spki: spki,
		notBefore: now.AddDate(-4, 0, 0), notAfter: now.AddDate(20, 0, 0), extensions: ca.extensions(m.base),
	}
	issuing := key
	if parent != nil {
		t.issuer, issuing = parent.subject, parent.key
		t.notAfter = now.AddDate(10, 0, 0)
	}
	ca.Certificate, err = t.sign(issuing, rand)
	return ca, err
}

func authorityName(f Family, root bool) string {
	if root {
		return "root_" + string(f)
	}
	return "nca_" + string(f)
}

// file is the name under which the folder keeps it; an impostor has the public name of the real one.
func (ca *CA) file() string {
	if ca.impostor {
		return "impostor_" + ca.Name
	}
	return ca.Name
}

// extensions of an authority's own certificate.
func (ca *CA) extensions(base string) [][]byte {
	var pathLen *int
	if ca.Family == RSA && !ca.Root {
		pathLen = new(int) // nca_rsa_2022 has pathLen 0, the GOST ones none
	}
	list := [][]byte{
		extension(extBasic, true, basicConstraints(pathLen)),
		extension(extKeyUsage, true, namedBits(1<<5|1<<6)),
		extension(extSKI, false, octets(ca.keyID)),
	}
	if ca.Root {
		return append(list, extension(extPolicies, false, seq(policyInformation("1.2.398.3.1.2"))))
	}
	up := ca.parent
	directory := explicit(1, explicit(4, up.subject))
	return append(list,
		extension(extAKI, false, seq(implicit(0, octets(up.keyID)), directory, implicit(2, integer(up.serial)))),
		extension(extCRLDP, false, distributionPoint(base+"/crl/"+up.Name+".crl")),
		extension(extAIA, false, seq(accessDescription(accessIssuers, base+"/cert/"+up.Name+".cer"))),
		extension(extPolicies, false, seq(policyInformation(policyBase))))
}

// revocationExtensions point at the services of the authority.
func (ca *CA) revocationExtensions(base string) [][]byte {
	return [][]byte{
		extension(extAIA, false, seq(
			accessDescription(accessOCSP, base+"/ocsp/"), accessDescription(accessIssuers, base+"/cert/"+ca.Name+".cer"))),
		extension(extCRLDP, false, distributionPoint(base+"/crl/"+ca.Name+".crl")),
		extension(extFreshestCRL, false, distributionPoint(base+"/crl/"+ca.deltaName()+".crl")),
	}
}

// deltaName is nca_d_rsa for nca_rsa, as the real file is called.
func (ca *CA) deltaName() string {
	if rest, ok := strings.CutPrefix(ca.Name, "nca_"); ok {
		return "nca_d_" + rest
	}
	return "d_" + ca.Name
}
