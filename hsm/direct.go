package hsm

import (
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"
)

// What crypto11 does elsewhere, for modules that it cannot initialise: those that want arguments.

// makePair makes a key pair in the token.
func (t *Token) makePair(ctx context.Context, public, private []*pkcs11.Attribute, g generator) error {
	switch {
	case g.gost != "":
		both, err := gostSets[g.gost].attributes()
		if err != nil {
			return err
		}
		public, private = slices.Concat(withoutUsages(public), both), slices.Concat(private, both)
	case g.rsaBits > 0:
		public = append(public, pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, g.rsaBits), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}))
	case g.curve != nil:
		params := map[elliptic.Curve][]byte{elliptic.P256(): paramsP256, elliptic.P384(): paramsP384, elliptic.P521(): paramsP521}[g.curve]
		public = append(public, pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, params))
	default:
		public = append(public, pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, paramsEd25519))
	}
	return t.call(ctx, func(s session) error {
		return s.readWrite(func(s session) error {
			_, _, err := s.lib.ctx.GenerateKeyPair(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(g.mechanism, nil)}, public, private)
			if err != nil {
				return typed(fmt.Errorf("couldn't make the pair: %w", err))
			}
			return nil
		})
	})
}

// storeCertificate stores a certificate beside the key with its id.
func (t *Token) storeCertificate(ctx context.Context, id []byte, label string, c *x509.Certificate) error {
	serial, err := asn1.Marshal(c.SerialNumber)
	if err != nil {
		return fmt.Errorf("couldn't write its serial number: %w", err)
	}
	template := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE), pkcs11.NewAttribute(pkcs11.CKA_CERTIFICATE_TYPE, pkcs11.CKC_X_509),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, false),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
		pkcs11.NewAttribute(pkcs11.CKA_SUBJECT, c.RawSubject), pkcs11.NewAttribute(pkcs11.CKA_ISSUER, c.RawIssuer),
		pkcs11.NewAttribute(pkcs11.CKA_SERIAL_NUMBER, serial),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE, c.Raw),
	}
	return t.call(ctx, func(s session) error {
		return s.readWrite(func(s session) error {
			if _, err := s.lib.ctx.CreateObject(s.handle, template); err != nil {
				return typed(fmt.Errorf("couldn't store the certificate: %w", err))
			}
			return nil
		})
	})
}
