package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"qaqpa/testenv/gostref"
)

// Issue makes a key and a certificate and keeps both in the folder. [ErrExists] if the name is taken.
func (p *PKI) Issue(prof Profile) (*Identity, error) {
	if prof.Family == "" {
		return nil, errors.New("a profile without a public key needs a family")
	}
	key, err := generateKey(prof.Family, prof.RSABits, p.opts.Rand)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the key of %q: %w", prof.Name, err)
	}
	return p.issue(prof, key.Public(), key)
}

// IssueOnce returns the identity of the profile's name if it exists, and issues it otherwise. Only
// the name is compared.
func (p *PKI) IssueOnce(prof Profile) (*Identity, error) {
	id, err := p.Identity(prof.Name)
	if errors.Is(err, ErrUnknown) {
		return p.Issue(prof)
	}
	return id, err
}

// IssueFor makes a certificate for a key held elsewhere, such as in a token: *rsa.PublicKey,
// *ecdsa.PublicKey, ed25519.PublicKey or *gostref.PublicKey. An empty family means the key's own.
func (p *PKI) IssueFor(prof Profile, pub crypto.PublicKey) (*Identity, error) {
	if prof.Family == "" {
		f, err := familyOf(pub)
		if err != nil {
			return nil, err
		}
		prof.Family = f
	}
	return p.issue(prof, pub, nil)
}

// IssueCSR makes a certificate for the key of a PKCS#10 request (DER). The request's signature is
// checked (proof of possession); its subject and attributes are ignored: the profile decides.
func (p *PKI) IssueCSR(prof Profile, csr []byte) (*Identity, error) {
	pub, err := requestKey(csr)
	if err != nil {
		return nil, fmt.Errorf("couldn't accept the certificate request: %w", err)
	}
	return p.IssueFor(prof, pub)
}

// requestKey is the public key of a PKCS#10 request whose signature holds.
func requestKey(csr []byte) (crypto.PublicKey, error) {
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, err
	}
	if r.PublicKeyAlgorithm != x509.UnknownPublicKeyAlgorithm {
		return r.PublicKey, r.CheckSignature()
	}
	key, err := parseSPKI(r.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, err
	}
	pub, ok := key.(*gostref.PublicKey)
	if !ok {
		return nil, fmt.Errorf("no proof of possession for a key of type %T", key)
	}
	s, err := schemeOf(pub, schemeOptions{})
	if err != nil {
		return nil, err
	}
	if !pub.Verify(sum(s.fresh, r.RawTBSCertificateRequest), r.Signature) {
		return nil, errors.New("the request's signature is wrong")
	}
	return pub, nil
}

func (p *PKI) issue(prof Profile, pub crypto.PublicKey, key crypto.Signer) (*Identity, error) {
	if err := prof.check(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ca, err := p.issuerOf(prof)
	if err != nil {
		return nil, err
	}
	spki, content, err := marshalSPKI(pub, prof.Third2004Form)
	if err != nil {
		return nil, err
	}
	ski := keyID(content)
	serial, err := p.serial(ca, ski)
	if err != nil {
		return nil, err
	}
	if prof.Name == "" {
		prof.Name = hex.EncodeToString(serial)
	}
	if err := safeName(prof.Name); err != nil {
		return nil, err
	}
	if _, taken := p.index.Identities[prof.Name]; taken {
		return nil, fmt.Errorf("%w: %q", ErrExists, prof.Name)
	}
	subject, err := prof.subject()
	if err != nil {
		return nil, err
	}
	from, to := prof.validity(p.opts.Now())
	t := template{
		serial: serial, issuer: ca.subject, subject: subject, notBefore: from, notAfter: to, spki: spki,
		extensions: prof.endEntityExtensions(ca, p.index.BaseURL, ski, key != nil), corrupt: prof.CorruptSignature,
	}
	der, err := t.sign(ca.key, p.opts.Rand)
	if err != nil {
		return nil, err
	}
	id := &Identity{
		Name: prof.Name, Profile: prof, Certificate: der, Chain: ca.chain(), Key: key,
		NotBefore: from, NotAfter: to, serial: serial, issuer: ca.subject, ca: ca.file(), pki: p,
	}
	p.listOf(ca).Certificates[hex.EncodeToString(serial)] = id.Name
	return id, p.keepIdentity(id, ca)
}

// serial is the national form, or random if the CA has used it for an earlier certificate of the key.
func (p *PKI) serial(ca *CA, ski []byte) ([]byte, error) {
	serial := serialFrom(ski)
	if _, used := p.listOf(ca).Certificates[hex.EncodeToString(serial)]; !used {
		return serial, nil
	}
	serial = make([]byte, 20)
	if _, err := io.ReadFull(p.opts.Rand, serial); err != nil {
		return nil, err
	}
	serial[0] = serial[0]&0x3f | 0x40
	return serial, nil
}

// issuerOf finds who signs a profile; p.mu is held.
func (p *PKI) issuerOf(prof Profile) (*CA, error) {
	if prof.Issuer != nil {
		return p.authorityOf(prof.Issuer)
	}
	if !prof.Impostor {
		h := p.hierarchies[prof.Family]
		if h == nil {
			return nil, fmt.Errorf("this PKI has no family %q", prof.Family)
		}
		return h.nca, nil
	}
	h, err := p.impostor(prof.Family)
	if err != nil {
		return nil, err
	}
	return h.nca, nil
}

// impostor is the look-alike hierarchy, made when first asked for; p.mu is held.
func (p *PKI) impostor(f Family) (*hierarchy, error) {
	if h := p.impostors[f]; h != nil {
		return h, nil
	}
	real := p.hierarchies[f]
	if real == nil {
		return nil, fmt.Errorf("this PKI has no family %q", f)
	}
	h, err := p.readHierarchy(f, true)
	if err != nil {
		if h, err = newHierarchy(f, real, p.index.BaseURL, p.opts.Now(), p.opts.Rand); err != nil {
			return nil, err
		}
		if err = p.keepHierarchy(h); err != nil {
			return nil, err
		}
	}
	p.impostors[f] = h
	return h, nil
}

// Impostor is the national CA of the look-alike hierarchy: its names are those of the real one.
func (p *PKI) Impostor(f Family) (*CA, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, err := p.impostor(f)
	if err != nil {
		return nil, err
	}
	return h.nca, nil
}

// Authority makes a CA of an identity, whether its certificate allows that or not.
func (p *PKI) Authority(id *Identity) (*CA, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.authorityOf(id)
}

func (p *PKI) authorityOf(id *Identity) (*CA, error) {
	if ca := p.below[id.Name]; ca != nil {
		return ca, nil
	}
	if id.Key == nil {
		return nil, fmt.Errorf("%w: %q can't issue", ErrNoKey, id.Name)
	}
	ca := &CA{Family: id.Profile.Family, Name: "ca_" + id.Name, key: id.Key, above: id.Chain}
	if err := ca.describe(id.Certificate); err != nil {
		return nil, err
	}
	p.below[id.Name] = ca
	return ca, nil
}

// chain is the authority's certificate and those above it.
func (ca *CA) chain() [][]byte {
	chain := append([][]byte{ca.Certificate}, ca.above...)
	if ca.parent != nil {
		chain = append(chain, ca.parent.chain()...)
	}
	return chain
}

// validity is the profile's, or a year from an hour ago (three for systems), moved to end or begin
// at the one bound that is given.
func (p Profile) validity(now time.Time) (from, to time.Time) {
	from, to = p.NotBefore, p.NotAfter
	years := 1
	if p.Kind == InformationSystem || p.Kind == Authority {
		years = 3
	}
	if from.IsZero() {
		from = now.Add(-time.Hour)
		if !to.IsZero() && to.Before(now) {
			from = to.AddDate(-years, 0, 0)
		}
	}
	if to.IsZero() {
		to = from.AddDate(years, 0, 0)
	}
	return from.UTC().Truncate(time.Second), to.UTC().Truncate(time.Second)
}

// Identity finds an issued identity by name. [ErrUnknown] if there is none.
func (p *PKI) Identity(name string) (*Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.identity(name)
}

func (p *PKI) identity(name string) (*Identity, error) {
	if id := p.identities[name]; id != nil {
		return id, nil
	}
	return p.readIdentity(name)
}

// Request makes a PKCS#10 request (DER) for a key, as a subject would send it.
func Request(key crypto.Signer, commonName string, rand io.Reader) ([]byte, error) {
	s, err := schemeOf(key.Public(), schemeOptions{})
	if err != nil {
		return nil, err
	}
	spki, _, err := marshalSPKI(key.Public(), false)
	if err != nil {
		return nil, err
	}
	info := seq(number(0), name(rdn(attrCN, utf8(commonName))), spki, explicit(0))
	return signed(info, s, key, rand, false)
}
