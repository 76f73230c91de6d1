package p12

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

// Content types (RFC 5652) and kinds of bags (RFC 7292 4.2).
const (
	oidData          = "1.2.840.113549.1.7.1"
	oidEncryptedData = "1.2.840.113549.1.7.6"

	oidKeyBag      = "1.2.840.113549.1.12.10.1.1"
	oidShroudedBag = "1.2.840.113549.1.12.10.1.2"
	oidCertBag     = "1.2.840.113549.1.12.10.1.3"
	oidSafeBag     = "1.2.840.113549.1.12.10.1.6"

	oidX509Certificate = "1.2.840.113549.1.9.22.1"
	oidFriendlyName    = "1.2.840.113549.1.9.20"
	oidLocalKeyID      = "1.2.840.113549.1.9.21"
)

// names finds the constants above by contents octets.
var names = indexNames()

func indexNames() map[string]string {
	m := make(map[string]string)
	for _, oid := range []string{
		oidData, oidEncryptedData, oidKeyBag, oidShroudedBag, oidCertBag, oidSafeBag,
		oidX509Certificate, oidFriendlyName, oidLocalKeyID,
	} {
		m[asn1ber.MustOID(oid)] = oid
	}
	return m
}

// bagName is what a bag's attributes say.
type bagName struct {
	friendly string
	localID  []byte
}

type keyItem struct {
	bagName
	key crypto.Signer
}

type certItem struct {
	bagName
	cert *pkix.Certificate
}

// reading collects what is in a file, for one reading of the password.
type reading struct {
	limits   Limits
	work     *work
	password secret
	keys     []keyItem
	certs    []certItem
	bags     int
	keyBags  int
	opened   int   // parts that came out of decryption whole
	err      error // the first
}

// fail remembers the first error, or a limit that was met later; reading goes on, since whether anything else opens tells
// a wrong password from damage.
func (d *reading) fail(err error) {
	if err != nil && (d.err == nil || errors.Is(err, asn1ber.ErrLimit)) {
		d.err = damaged(err)
	}
}

// safe reads AuthenticatedSafe ::= SEQUENCE OF ContentInfo.
func (d *reading) safe(r asn1ber.Reader) {
	outer, err := r.Read(asn1ber.Sequence)
	if err == nil {
		err = r.End()
	}
	if err != nil {
		d.fail(err)
		return
	}
	d.each(outer, func(part asn1ber.Element) error {
		oid, content, err := readContentInfo(part)
		if err != nil {
			return err
		}
		switch names[string(oid)] {
		case oidData:
			octets, err := octetsInside(content)
			if err != nil {
				return err
			}
			d.safeContents(content.Inside(octets, asn1ber.BER))
			return nil
		case oidEncryptedData:
			return d.encrypted(content)
		}
		return fmt.Errorf("%w: content type %s", ErrUnsupported, dotted(oid))
	})
}

// each calls f for the children of a SEQUENCE or SET and keeps the first error.
func (d *reading) each(e asn1ber.Element, f func(asn1ber.Element) error) {
	r, err := e.Children()
	for err == nil && !r.Empty() {
		var child asn1ber.Element
		if child, err = r.Next(); err == nil {
			d.fail(f(child))
		}
	}
	d.fail(err)
}

// readContentInfo reads SEQUENCE { contentType, [0] content }.
func readContentInfo(e asn1ber.Element) (oid []byte, content asn1ber.Element, err error) {
	if e.Tag != asn1ber.Sequence {
		return nil, content, fmt.Errorf("%w: %s for ContentInfo", ErrDamaged, e.Tag)
	}
	r, err := e.Children()
	if err != nil {
		return nil, content, err
	}
	if oid, err = r.ReadOID(); err != nil {
		return nil, content, err
	}
	if content, err = r.Read(asn1ber.Context(0)); err != nil {
		return nil, content, err
	}
	return oid, content, r.End()
}

// octetsInside is the OCTET STRING inside an explicit tag.
func octetsInside(e asn1ber.Element) ([]byte, error) {
	inner, err := e.Explicit(asn1ber.OctetString)
	if err != nil {
		return nil, err
	}
	return inner.OctetString()
}

// encrypted reads EncryptedData (RFC 5652 8) inside its explicit tag.
func (d *reading) encrypted(content asn1ber.Element) error {
	data, err := content.Explicit(asn1ber.Sequence)
	if err != nil {
		return err
	}
	r, err := data.Children()
	if err != nil {
		return err
	}
	if _, err := r.Read(asn1ber.Integer); err != nil {
		return err
	}
	info, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if _, err := info.ReadOID(); err != nil {
		return err
	}
	id, err := info.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	chunks, err := info.Read(asn1ber.Context(0))
	if err != nil {
		return err
	}
	ciphertext, err := chunks.OctetString()
	if err != nil {
		return err
	}
	plain, err := d.decrypt(id, ciphertext)
	if err != nil {
		return err
	}
	d.safeContents(content.Inside(plain, asn1ber.BER))
	return nil
}

func (d *reading) decrypt(id asn1ber.Element, ciphertext []byte) ([]byte, error) {
	plain, err := decrypt(d.work, id, ciphertext, d.password)
	if err == nil {
		d.opened++
	}
	return plain, err
}

// safeContents reads SafeContents ::= SEQUENCE OF SafeBag.
func (d *reading) safeContents(r asn1ber.Reader) {
	outer, err := r.Read(asn1ber.Sequence)
	if err == nil {
		err = r.End()
	}
	if err != nil {
		d.fail(err)
		return
	}
	d.each(outer, d.bag)
}

var errBags = fmt.Errorf("%w: too many bags", asn1ber.ErrLimit)

// bag reads SafeBag ::= SEQUENCE { bagId, [0] value, attributes SET OPTIONAL }.
func (d *reading) bag(e asn1ber.Element) error {
	if d.bags++; d.bags > d.limits.Bags {
		return errBags
	}
	if e.Tag != asn1ber.Sequence {
		return fmt.Errorf("%w: %s for a bag", ErrDamaged, e.Tag)
	}
	r, err := e.Children()
	if err != nil {
		return err
	}
	oid, err := r.ReadOID()
	if err != nil {
		return err
	}
	value, err := r.Read(asn1ber.Context(0))
	if err != nil {
		return err
	}
	name, err := readName(&r)
	if err != nil {
		return err
	}
	switch names[string(oid)] {
	case oidKeyBag, oidShroudedBag:
		return d.keyBag(value, name, names[string(oid)] == oidShroudedBag)
	case oidCertBag:
		return d.certBag(value, name)
	case oidSafeBag:
		inner, err := value.Children()
		if err != nil {
			return err
		}
		d.safeContents(inner)
	}
	return nil
}

// keyBag reads PrivateKeyInfo, or EncryptedPrivateKeyInfo ::= SEQUENCE { AlgorithmIdentifier, OCTET STRING }.
func (d *reading) keyBag(value asn1ber.Element, name bagName, shrouded bool) error {
	if d.keyBags++; d.keyBags > d.limits.Keys {
		return fmt.Errorf("%w: more than %d keys", asn1ber.ErrLimit, d.limits.Keys)
	}
	info, err := value.Explicit(asn1ber.Sequence)
	if err != nil {
		return err
	}
	pkcs8 := info.Raw
	if shrouded {
		r, err := info.Children()
		if err != nil {
			return err
		}
		id, err := r.Read(asn1ber.Sequence)
		if err != nil {
			return err
		}
		ciphertext, err := readOctets(&r)
		if err != nil {
			return err
		}
		if err := r.End(); err != nil {
			return err
		}
		if pkcs8, err = d.decrypt(id, ciphertext); err != nil {
			return err
		}
	}
	key, err := parsePKCS8(pkcs8)
	if err != nil {
		return err
	}
	d.keys = append(d.keys, keyItem{name, key})
	return nil
}

// certBag reads CertBag ::= SEQUENCE { certId, [0] value }. Certificates of other kinds are skipped.
func (d *reading) certBag(value asn1ber.Element, name bagName) error {
	bag, err := value.Explicit(asn1ber.Sequence)
	if err != nil {
		return err
	}
	oid, content, err := readContentInfo(bag)
	if err != nil {
		return err
	}
	if names[string(oid)] != oidX509Certificate {
		return nil
	}
	der, err := octetsInside(content)
	if err != nil {
		return err
	}
	// A copy: the certificate outlives the file, and should not keep it.
	cert, err := pkix.ParseCertificate(bytes.Clone(der))
	if err != nil {
		return err
	}
	d.certs = append(d.certs, certItem{name, cert})
	return nil
}

var errNamedTwice = errors.New("attribute twice in one bag")

// readName reads the attributes of a bag: friendlyName and localKeyId (RFC 2985 5.5.1, 5.5.2); others are skipped.
func readName(r *asn1ber.Reader) (name bagName, err error) {
	set, ok, err := r.Optional(asn1ber.Set)
	if err != nil {
		return name, err
	}
	if err := r.End(); err != nil || !ok {
		return name, err
	}
	attributes, err := set.Children()
	if err != nil {
		return name, err
	}
	var seen [2]bool
	for !attributes.Empty() {
		a, err := attributes.Enter(asn1ber.Sequence)
		if err != nil {
			return name, err
		}
		oid, err := a.ReadOID()
		if err != nil {
			return name, err
		}
		values, err := a.Read(asn1ber.Set)
		if err != nil {
			return name, err
		}
		switch names[string(oid)] {
		case oidFriendlyName:
			name.friendly, err = readFriendlyName(values, &seen[0])
		case oidLocalKeyID:
			name.localID, err = readLocalID(values, &seen[1])
		}
		if err != nil {
			return name, err
		}
	}
	return name, nil
}

func readFriendlyName(values asn1ber.Element, seen *bool) (string, error) {
	if *seen {
		return "", errNamedTwice
	}
	*seen = true
	e, err := values.Explicit(asn1ber.BMPString)
	if err != nil {
		return "", err
	}
	return e.Text()
}

func readLocalID(values asn1ber.Element, seen *bool) ([]byte, error) {
	if *seen {
		return nil, errNamedTwice
	}
	*seen = true
	octets, err := octetsInside(values)
	return bytes.Clone(octets), err
}
