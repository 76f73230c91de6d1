package hsm

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"

	"github.com/ThalesIgnite/crypto11"
	"github.com/miekg/pkcs11"
)

// certificateMax bounds a certificate in the token, in bytes.
const certificateMax = 1 << 16

// ImportCertificate stores a certificate (one, in DER) beside its key, in place of an older one of that key. It must be
// for the key's public key. Storing the same certificate again changes nothing. The new one is stored before the old
// one is removed: a crash in between leaves both, and Certificate returns the newer.
//
// Whether the certificate is trusted, valid now or fit for its purpose is not judged here. Signing pauses as in
// Generate.
//
// Errors: [ErrCertificateMismatch], the errors of Key, [ErrTokenFull].
func (t *Token) ImportCertificate(ctx context.Context, label string, der []byte) error {
	ctx, cancel := context.WithTimeout(ctx, ceremonyTimeout)
	defer cancel()
	if err := t.oneByOne(ctx, func() error { return t.importCertificate(ctx, label, der) }); err != nil {
		return fmt.Errorf("couldn't import a certificate for key %q: %w", label, err)
	}
	t.cfg.Log.InfoContext(ctx, "certificate imported", "token", t.cfg.Token, "key", label)
	return nil
}

func (t *Token) importCertificate(ctx context.Context, label string, der []byte) error {
	k, err := t.Key(ctx, label)
	if err != nil {
		return err
	}
	if len(der) > certificateMax {
		return fmt.Errorf("it has more than %d bytes", certificateMax)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("couldn't parse it: %w", err)
	}
	if !belongs(certificate, k.pub) {
		return ErrCertificateMismatch
	}
	stored, err := t.certificates(ctx, k)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(stored, func(c []byte) bool { return bytes.Equal(c, der) }) {
		if err := t.addCertificate(ctx, k.id, label, certificate); err != nil {
			return err
		}
	} else if len(stored) == 1 {
		return nil
	}
	return t.call(ctx, func(s session) error {
		return s.readWrite(func(s session) error { return s.removeCertificates(k.id, der) })
	})
}

func (t *Token) addCertificate(ctx context.Context, id []byte, label string, c *x509.Certificate) error {
	if t.cfg.Arguments != "" {
		return t.storeCertificate(ctx, id, label, c)
	}
	return t.ceremony(ctx, func(c11 *crypto11.Context) error { return c11.ImportCertificateWithLabel(id, []byte(label), c) })
}

// removeCertificates removes all certificates with the CKA_ID but one.
func (s session) removeCertificates(id, except []byte) error {
	return s.eachCertificate(id, func(object pkcs11.ObjectHandle, der []byte) error {
		if bytes.Equal(der, except) {
			return nil
		}
		if err := s.lib.ctx.DestroyObject(s.handle, object); err != nil {
			return fmt.Errorf("couldn't remove an older certificate: %w", err)
		}
		return nil
	})
}

// Certificate returns the certificate (DER) of a key. Of several the one that became valid last is taken.
//
// Errors: [ErrCertificateNotFound], [ErrCertificateMismatch] (one is there, but for another public key), and those of
// Key.
func (t *Token) Certificate(ctx context.Context, label string) ([]byte, error) {
	return t.CertificateOf(ctx, Ref{Label: label})
}

// CertificateOf is Certificate for a key that is named by its label, its id, or both.
func (t *Token) CertificateOf(ctx context.Context, ref Ref) ([]byte, error) {
	label := ref.String()
	ctx, cancel := context.WithTimeout(ctx, t.cfg.CallTimeout)
	defer cancel()
	k, err := t.Find(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the certificate of key %q: %w", label, err)
	}
	stored, err := t.certificates(ctx, k)
	if err == nil {
		var der []byte
		if der, err = newestFor(k.pub, stored); err == nil {
			return der, nil
		}
	}
	return nil, fmt.Errorf("couldn't read the certificate of key %q: %w", label, err)
}

// certificates reads all certificates that share the key's CKA_ID.
func (t *Token) certificates(ctx context.Context, k *Key) ([][]byte, error) {
	var out [][]byte
	err := t.call(ctx, func(s session) (err error) {
		out, err = s.certificates(k.id)
		return err
	})
	if err != nil {
		return nil, err // after a deadline the call may still write to out
	}
	return out, nil
}

func (s session) certificates(id []byte) (found [][]byte, err error) {
	err = s.eachCertificate(id, func(_ pkcs11.ObjectHandle, der []byte) error {
		found = append(found, der)
		return nil
	})
	return found, err
}

// eachCertificate hands every certificate with the CKA_ID to do.
func (s session) eachCertificate(id []byte, do func(object pkcs11.ObjectHandle, der []byte) error) error {
	handles, err := s.search(pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE), pkcs11.NewAttribute(pkcs11.CKA_ID, id))
	if err != nil {
		return err
	}
	for _, h := range handles {
		values, err := s.values(h, pkcs11.CKA_VALUE)
		if err != nil {
			return err
		}
		if err := do(h, values[pkcs11.CKA_VALUE]); err != nil {
			return err
		}
	}
	return nil
}

// newestFor picks the certificate of a public key that became valid last. What is too long or can't be parsed belongs
// to no key.
func newestFor(pub crypto.PublicKey, stored [][]byte) ([]byte, error) {
	var best *x509.Certificate
	for _, der := range stored {
		if len(der) > certificateMax {
			continue
		}
		c, err := x509.ParseCertificate(der)
		if err != nil || !belongs(c, pub) {
			continue
		}
		if best == nil || cmp.Or(c.NotBefore.Compare(best.NotBefore), c.NotAfter.Compare(best.NotAfter), bytes.Compare(c.Raw, best.Raw)) > 0 {
			best = c
		}
	}
	switch {
	case best != nil:
		return best.Raw, nil
	case len(stored) == 0:
		return nil, ErrCertificateNotFound
	default:
		return nil, ErrCertificateMismatch
	}
}

// belongs says whether a certificate is for a public key. Go's library does not know those of GOST; theirs end with the point, in an OCTET STRING.
func belongs(c *x509.Certificate, pub crypto.PublicKey) bool {
	if p, ok := pub.(interface{ Bytes() []byte }); ok && c.PublicKey == nil {
		point, err := asn1.Marshal(p.Bytes())
		return err == nil && bytes.HasSuffix(c.RawSubjectPublicKeyInfo, point)
	}
	return sameKey(c.PublicKey, pub)
}

func sameKey(a, b crypto.PublicKey) bool {
	if p, ok := a.(gostPoint); ok {
		return p.Equal(b)
	}
	comparable, ok := b.(interface{ Equal(crypto.PublicKey) bool })
	return ok && a != nil && comparable.Equal(a)
}
