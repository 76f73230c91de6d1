package hsm

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"
)

// KeyInfo is what Keys tells about a private key in the token.
type KeyInfo struct {
	Label       string
	ID          []byte           // CKA_ID
	Algorithm   Algorithm        // empty when the public key could not be read
	Public      crypto.PublicKey // nil when it could not be read
	SPKI        []byte           // the public key as SubjectPublicKeyInfo (DER); nil when it could not be read
	Certificate []byte           // DER; nil when there is none for this key
	Recovery    bool             // it unwraps backups and does nothing else; Problem says that it does not sign
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

// SecretInfo is what Secrets tells about a secret key in the token.
type SecretInfo struct {
	Label     string
	ID        []byte
	Algorithm Algorithm // empty for a kind that is none of ours
	Wrappable bool      // it was made for backup: it can leave the token wrapped for a trusted key
	Restored  bool      // it came from a backup
	Problem   error     // why it cannot be used
}

// Secrets lists the secret keys in the token by label, also those that are refused, with the reason.
func (t *Token) Secrets(ctx context.Context) ([]SecretInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, ceremonyTimeout)
	defer cancel()
	var out []SecretInfo
	err := t.call(ctx, func(s session) error {
		out = nil
		handles, err := s.search(pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY))
		if err != nil {
			return err
		}
		for _, h := range handles {
			k := &secret{}
			problem := s.describeSecret(h, k)
			if faultOf(problem) != faultNone {
				return problem
			}
			out = append(out, SecretInfo{Label: k.label, ID: k.id, Algorithm: k.kind, Wrappable: k.wrappable, Restored: k.restored, Problem: problem})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't list the secret keys of token %q: %w", t.cfg.Token, err)
	}
	slices.SortStableFunc(out, func(a, b SecretInfo) int { return cmp.Compare(a.Label, b.Label) })
	return out, nil
}

func (s session) inventory() ([]KeyInfo, error) {
	handles, err := s.search(pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY))
	if err != nil {
		return nil, err
	}
	list := make([]KeyInfo, 0, len(handles))
	for _, h := range handles {
		info, err := s.inform(h)
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	slices.SortStableFunc(list, func(a, b KeyInfo) int { return cmp.Compare(a.Label, b.Label) })
	for i := range list {
		before := i > 0 && list[i-1].Label == list[i].Label
		after := i+1 < len(list) && list[i+1].Label == list[i].Label
		if before || after {
			list[i].Problem = errors.Join(list[i].Problem, ErrKeyAmbiguous)
		}
	}
	return list, nil
}

// inform reads one key and its certificate. Only a fault of the connection is an error; all others are the key's.
func (s session) inform(h pkcs11.ObjectHandle) (KeyInfo, error) {
	k, problem := s.describe(h)
	if faultOf(problem) != faultNone {
		return KeyInfo{}, problem
	}
	info := KeyInfo{Label: k.label, ID: k.id, Public: k.pub, Algorithm: algorithmOf(k.pub), Problem: problem}
	info.SPKI, _ = marshalPublic(k.pub) // without a public key the problem says why
	if errors.Is(problem, ErrKeyAttributes) {
		_, err := s.describeRecovery(h)
		if faultOf(err) != faultNone {
			return KeyInfo{}, err
		}
		info.Recovery = err == nil
	}
	if len(k.id) == 0 {
		return info, nil // nothing ties a certificate to it
	}
	stored, err := s.certificates(k.id)
	if faultOf(err) != faultNone {
		return KeyInfo{}, err
	}
	if err == nil {
		info.Certificate, err = newestFor(k.pub, stored)
	}
	if !errors.Is(err, ErrCertificateNotFound) {
		info.Problem = errors.Join(problem, err)
	}
	return info, nil
}
