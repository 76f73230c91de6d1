package pki

import (
	"crypto"
	"slices"
	"time"
)

// Identity is a certificate with, usually, its private key.
type Identity struct {
	// Name under which the folder keeps it.
	Name    string
	Profile Profile
	// Certificate is DER.
	Certificate []byte
	// Chain is the DER of the certificates above: issuer first, root last.
	Chain [][]byte
	// Key signs in the family's own form: PKCS#1 v1.5 (or PSS by options) and ASN.1 ECDSA for RSA and
	// ECDSA; r‖s little-endian for GOST, where Public() is a *gostref.PublicKey and the digest is the
	// hash's octets in natural order. Nil if the certificate was issued for a foreign key.
	Key crypto.Signer

	NotBefore, NotAfter time.Time

	serial []byte // content octets of the INTEGER
	issuer []byte // DER Name
	ca     string // file name of the issuer
	pki    *PKI
}

// Serial is the content octets of the serial number's INTEGER, big-endian.
func (id *Identity) Serial() []byte { return slices.Clone(id.serial) }

// PEM is the certificate alone.
func (id *Identity) PEM() []byte { return pemCertificate(id.Certificate) }

// ChainPEM is the certificate and those above it, leaf first.
func (id *Identity) ChainPEM() []byte {
	out := id.PEM()
	for _, der := range id.Chain {
		out = append(out, pemCertificate(der)...)
	}
	return out
}

// PKCS8 is the private key (DER): the usual form for RSA and ECDSA, the national one for GOST.
func (id *Identity) PKCS8() ([]byte, error) {
	if id.Key == nil {
		return nil, ErrNoKey
	}
	return marshalKey(id.Key)
}

// IIN of the holder, 12 digits, or empty.
func (id *Identity) IIN() string { return id.Profile.IIN }

// BIN of the holder's organisation, 12 digits, or empty.
func (id *Identity) BIN() string { return id.Profile.BIN }
