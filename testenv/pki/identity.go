package pki

import (
	"crypto"
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
	// Key signs in the family's own form: PKCS#1 v1.5 or ASN.1 ECDSA for RSA and ECDSA;
	// r‖s little-endian for the GOST families, where Public() is a *gostref.PublicKey and the digest
	// is the hash's octets in natural order. Nil if the certificate was issued for a foreign key.
	Key crypto.Signer

	NotBefore, NotAfter time.Time

	serial    []byte // content octets of the INTEGER
	issuerRaw []byte // DER Name of the issuer
	now       func() time.Time
	tsa       func(imprint []byte) ([]byte, error)
}

// Serial is the content octets of the serial number's INTEGER, big-endian.
func (id *Identity) Serial() []byte { return append([]byte(nil), id.serial...) }
