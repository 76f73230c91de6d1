package hsm

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
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
	t.cfg.Log.Info("certificate imported", "token", t.cfg.Token, "key", label)
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
	if !sameKey(certificate.PublicKey, k.pub) {
		return ErrCertificateMismatch
	}
	old, err := t.certificates(ctx, k)
	if err != nil {
		return err
	}
	known := func(c *x509.Certificate) bool { return bytes.Equal(c.Raw, der) }
	if len(old) == 1 && known(old[0]) {
		return nil
	}
	return t.ceremony(ctx, func(c *crypto11.Context) error {
		if !slices.ContainsFunc(old, known) {
			if err := c.ImportCertificateWithLabel(k.id, []byte(label), certificate); err != nil {
				return err
			}
		}
		for _, o := range old {
			if known(o) || o.SerialNumber.Cmp(certificate.SerialNumber) == 0 {
				continue // of the same serial number from another issuer we could remove the wrong one
			}
			if err := c.DeleteCertificate(k.id, nil, o.SerialNumber); err != nil {
				return err
			}
		}
		return nil
	})
}

// Certificate returns the certificate (DER) of a key. Of several the one that became valid last is taken.
//
// Errors: [ErrCertificateNotFound], [ErrCertificateMismatch] (one is there, but for another public key), and those of
// Key.
func (t *Token) Certificate(ctx context.Context, label string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.CallTimeout)
	defer cancel()
	k, err := t.Key(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the certificate of key %q: %w", label, err)
	}
	found, err := t.certificates(ctx, k)
	if err == nil {
		var best *x509.Certificate
		if best, err = newestFor(k.pub, found); err == nil {
			return best.Raw, nil
		}
	}
	return nil, fmt.Errorf("couldn't read the certificate of key %q: %w", label, err)
}

// certificates reads all certificates that share the key's CKA_ID.
func (t *Token) certificates(ctx context.Context, k *Key) (found []*x509.Certificate, err error) {
	var out []*x509.Certificate // after a deadline the call may still write to it
	err = t.call(ctx, func(s session) (err error) {
		out, err = s.certificates(k.id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s session) certificates(id []byte) ([]*x509.Certificate, error) {
	handles, err := s.search(pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE), pkcs11.NewAttribute(pkcs11.CKA_ID, id))
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for _, h := range handles {
		values, err := s.values(h, pkcs11.CKA_VALUE)
		if err != nil {
			return nil, err
		}
		if len(values[pkcs11.CKA_VALUE]) > certificateMax {
			return nil, fmt.Errorf("a certificate in the token has more than %d bytes", certificateMax)
		}
		c, err := x509.ParseCertificate(values[pkcs11.CKA_VALUE])
		if err != nil {
			return nil, fmt.Errorf("couldn't parse a certificate in the token: %w", err)
		}
		found = append(found, c)
	}
	return found, nil
}

// newestFor picks the certificate of a public key that became valid last.
func newestFor(pub crypto.PublicKey, all []*x509.Certificate) (*x509.Certificate, error) {
	fit := slices.DeleteFunc(slices.Clone(all), func(c *x509.Certificate) bool { return !sameKey(c.PublicKey, pub) })
	switch {
	case len(all) == 0:
		return nil, ErrCertificateNotFound
	case len(fit) == 0:
		return nil, ErrCertificateMismatch
	}
	return slices.MaxFunc(fit, func(a, b *x509.Certificate) int {
		return cmp.Or(a.NotBefore.Compare(b.NotBefore), a.NotAfter.Compare(b.NotAfter), bytes.Compare(a.Raw, b.Raw))
	}), nil
}

func sameKey(a, b crypto.PublicKey) bool {
	comparable, ok := b.(interface{ Equal(crypto.PublicKey) bool })
	return ok && a != nil && comparable.Equal(a)
}

// KeyInfo is what Keys tells about a private key in the token.
type KeyInfo struct {
	Label       string
	ID          []byte           // CKA_ID
	Algorithm   Algorithm        // empty when the public key could not be read
	Public      crypto.PublicKey // nil when it could not be read
	Certificate []byte           // DER; nil when there is none for this key
	Problem     error            // why the key, or its certificate, cannot be used; nil when it can
}

// Keys lists the private keys in the token by label, also those that Key refuses, with the reason.
func (t *Token) Keys(ctx context.Context) ([]KeyInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, ceremonyTimeout)
	defer cancel()
	var out []KeyInfo
	err := t.call(ctx, func(s session) (err error) {
		out, err = s.inventory()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't list the keys of token %q: %w", t.cfg.Token, err)
	}
	return out, nil
}

func (s session) inventory() ([]KeyInfo, error) {
	handles, err := s.search(pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY))
	if err != nil {
		return nil, err
	}
	list := make([]KeyInfo, 0, len(handles))
	for _, h := range handles {
		k, err := s.describe(h)
		if faultOf(err) != faultNone {
			return nil, err
		}
		info := KeyInfo{Label: k.label, ID: k.id, Public: k.pub, Algorithm: algorithmOf(k.pub), Problem: err}
		found, err := s.certificates(k.id)
		if faultOf(err) != faultNone {
			return nil, err
		}
		if err == nil {
			var best *x509.Certificate
			if best, err = newestFor(k.pub, found); err == nil {
				info.Certificate = best.Raw
			}
		}
		if !errors.Is(err, ErrCertificateNotFound) {
			info.Problem = errors.Join(info.Problem, err)
		}
		list = append(list, info)
	}
	slices.SortStableFunc(list, func(a, b KeyInfo) int { return cmp.Compare(a.Label, b.Label) })
	for i := 1; i < len(list); i++ {
		if list[i].Label == list[i-1].Label {
			for _, j := range []int{i - 1, i} {
				if !errors.Is(list[j].Problem, ErrKeyAmbiguous) {
					list[j].Problem = errors.Join(list[j].Problem, ErrKeyAmbiguous)
				}
			}
		}
	}
	return list, nil
}
