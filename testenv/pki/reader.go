package pki

import (
	"encoding/asn1"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// parsed is what this package needs of a certificate that it wrote itself.
type parsed struct {
	serial              []byte // content octets
	issuer, subject     []byte // DER Names
	spki                []byte
	notBefore, notAfter time.Time
}

// readCertificate reads the fixed part of a certificate.
func readCertificate(der []byte) (parsed, error) {
	var c parsed
	in, outer, tbs := cryptobyte.String(der), cryptobyte.String(nil), cryptobyte.String(nil)
	var serial, issuer, subject, spki, validity cryptobyte.String
	ok := in.ReadASN1(&outer, casn1.SEQUENCE) && outer.ReadASN1(&tbs, casn1.SEQUENCE) &&
		tbs.SkipOptionalASN1(casn1.Tag(0).ContextSpecific().Constructed()) &&
		tbs.ReadASN1(&serial, casn1.INTEGER) && tbs.SkipASN1(casn1.SEQUENCE) &&
		tbs.ReadASN1Element(&issuer, casn1.SEQUENCE) && tbs.ReadASN1(&validity, casn1.SEQUENCE) &&
		tbs.ReadASN1Element(&subject, casn1.SEQUENCE) && tbs.ReadASN1Element(&spki, casn1.SEQUENCE) &&
		readTime(&validity, &c.notBefore) && readTime(&validity, &c.notAfter)
	if !ok {
		return c, errors.New("couldn't read the certificate")
	}
	c.serial, c.issuer, c.subject, c.spki = serial, issuer, subject, spki
	return c, nil
}

func readTime(in *cryptobyte.String, t *time.Time) bool {
	if in.PeekASN1Tag(casn1.UTCTime) {
		return in.ReadASN1UTCTime(t)
	}
	return in.ReadASN1GeneralizedTime(t)
}

// readOID reads an object identifier in dotted form.
func readOID(in *cryptobyte.String) (string, bool) {
	var id asn1.ObjectIdentifier
	ok := in.ReadASN1ObjectIdentifier(&id)
	return id.String(), ok
}
