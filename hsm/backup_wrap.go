package hsm

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// TrustedRecovery names the recovery key that the security officer trusts under a label: the SHA-256 of its SubjectPublicKeyInfo.
//
// Errors: [ErrKeyAttributes] (it is not trusted), [ErrKeyNotFound], [ErrAlgorithm], those of a call.
func (t *Token) TrustedRecovery(ctx context.Context, label string) (name []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.CallTimeout)
	defer cancel()
	err = t.call(ctx, func(s session) error {
		_, name, err = s.trustedFor(label)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't look up a recovery key: %w", err)
	}
	return name, nil
}

// WrapBackup wraps a secret key for the token that has the private half of the recovery key. The key must have been made for it
// ([Token.GenerateWrappable]) and be the one with the id; the recovery key must be trusted by the security officer, and be the one with
// the name that [Token.TrustedRecovery] gave: under a label that was agreed on somebody could have put a key of his own since.
//
// Errors: [ErrKeyAttributes] (it never leaves, or the recovery key is not trusted), [ErrKeyNotFound], [ErrKeyChanged], [ErrAlgorithm],
// those of a call.
func (t *Token) WrapBackup(ctx context.Context, label string, id []byte, recovery string, name []byte) (Backup, error) {
	ctx, cancel := context.WithTimeout(ctx, ceremonyTimeout)
	defer cancel()
	var b Backup
	err := t.call(ctx, func(s session) error {
		k := &secret{token: t}
		handle, err := s.findSecretIn(Ref{Label: label}, k)
		if errors.Is(err, ErrKeyNotFound) {
			if private, serr := s.search(Ref{Label: label}.template(pkcs11.CKO_PRIVATE_KEY)...); serr == nil && len(private) > 0 {
				return fmt.Errorf("%w: a private key never leaves its token; it is rotated, not restored", ErrKeyAttributes)
			}
		}
		switch {
		case err != nil:
			return err
		case !bytes.Equal(k.id, id):
			return fmt.Errorf("%w: its id is %x, not %x", ErrKeyChanged, k.id, id)
		case !k.wrappable:
			return fmt.Errorf("%w: it was not made for backup (CKA_EXTRACTABLE is false)", ErrKeyAttributes)
		}
		by, found, err := s.trustedFor(recovery)
		if err == nil && !bytes.Equal(found, name) {
			err = fmt.Errorf("%w: recovery key %q is %x, not %x", ErrKeyChanged, recovery, found, name)
		}
		if err != nil {
			return err
		}
		k.bound.Store(&binding{conn: s.conn, handle: handle})
		check, err := k.check(s)
		if err != nil {
			return err
		}
		b = Backup{Label: k.label, ID: k.id, Algorithm: k.kind, Recovery: name, Check: check}
		b.Wrapped, b.Hash, err = s.wrap(by, handle)
		return err
	})
	if err != nil {
		return Backup{}, fmt.Errorf("couldn't wrap key %q: %w", label, err)
	}
	t.cfg.Log.WarnContext(ctx, "key wrapped for backup", "token", t.cfg.Token, "key", label, "recovery", recovery)
	return b, nil
}

// trustedFor finds the public half of a recovery key that the security officer trusts, and its name.
func (s session) trustedFor(label string) (pkcs11.ObjectHandle, []byte, error) {
	handles, err := s.search(Ref{Label: label}.template(pkcs11.CKO_PUBLIC_KEY)...)
	switch {
	case err != nil:
		return 0, nil, err
	case len(handles) != 1:
		return 0, nil, fmt.Errorf("recovery key %q: %w: %d keys", label, ErrKeyNotFound, len(handles))
	}
	values, err := s.values(handles[0], pkcs11.CKA_TRUSTED, pkcs11.CKA_WRAP, pkcs11.CKA_MODULUS, pkcs11.CKA_PUBLIC_EXPONENT)
	if err != nil {
		return 0, nil, err
	}
	err = checkAll([]rule{{pkcs11.CKA_TRUSTED, "CKA_TRUSTED", true, true}, {pkcs11.CKA_WRAP, "CKA_WRAP", true, true}}, values)
	if err != nil {
		return 0, nil, fmt.Errorf("recovery key %q: %w", label, err)
	}
	pub, err := recoveryPublic(values)
	if err != nil {
		return 0, nil, err
	}
	return handles[0], recoveryID(pub), nil
}

// oaepHashes are tried one after the other; SHA-1 in OAEP rests on no collision and is what SoftHSM has.
var oaepHashes = []struct {
	name      string
	hash, mgf uint
}{{"SHA-256", pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256}, {"SHA-1", pkcs11.CKM_SHA_1, pkcs11.CKG_MGF1_SHA1}}

// wrap wraps a key with the best hash that the module has, and names it.
func (s session) wrap(by, key pkcs11.ObjectHandle) (wrapped []byte, hash string, err error) {
	for _, h := range oaepHashes {
		m := pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_OAEP, pkcs11.NewOAEPParams(h.hash, h.mgf, pkcs11.CKZ_DATA_SPECIFIED, nil))
		if wrapped, err = s.lib.ctx.WrapKey(s.handle, []*pkcs11.Mechanism{m}, by, key); err == nil {
			return wrapped, h.name, nil
		}
		if !errors.Is(typed(err), ErrAlgorithm) {
			break
		}
	}
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_KEY_NOT_WRAPPABLE)) || errors.Is(err, pkcs11.Error(pkcs11.CKR_KEY_UNEXTRACTABLE)) {
		return nil, "", fmt.Errorf("%w: %w", ErrKeyAttributes, err)
	}
	return nil, "", fmt.Errorf("couldn't wrap it: %w", err)
}

// RestoreBackup unwraps a key into the token of the recovery key, under the label and the id that it had. What was restored has to make
// of the fixed text what the backed up key made; else it is destroyed again.
//
// Errors: [ErrSealed] (it was wrapped for another key, or altered), [ErrKeyExists], [ErrKeyNotFound] (no such recovery key),
// [ErrKeyAttributes], [ErrAlgorithm], those of a call.
func (t *Token) RestoreBackup(ctx context.Context, b Backup, recovery string) error {
	ctx, cancel := context.WithTimeout(ctx, ceremonyTimeout)
	defer cancel()
	kind, ok := secretKinds[b.Algorithm]
	if !ok || len(b.ID) == 0 || len(b.ID) > idMax || checkLabel(b.Label) != nil {
		return fmt.Errorf("couldn't restore a key: %w: not a backup of a secret key", ErrAlgorithm)
	}
	err := t.oneByOne(ctx, func() error {
		return t.call(ctx, func(s session) error {
			by, pub, err := s.findRecovery(recovery)
			if err != nil {
				return fmt.Errorf("recovery key %q: %w", recovery, err)
			}
			if !bytes.Equal(recoveryID(pub), b.Recovery) {
				return fmt.Errorf("%w: it was wrapped for another recovery key", ErrSealed)
			}
			taken, err := s.search(Ref{Label: b.Label}.template(pkcs11.CKO_SECRET_KEY)...)
			if err != nil {
				return err
			}
			if len(taken) > 0 {
				return ErrKeyExists
			}
			return s.readWrite(func(s session) error { return s.unwrap(t, by, b, kind) })
		})
	})
	if err != nil {
		return fmt.Errorf("couldn't restore key %q: %w", b.Label, err)
	}
	t.cfg.Log.WarnContext(ctx, "key restored from a backup", "token", t.cfg.Token, "key", b.Label)
	return nil
}

func (s session) unwrap(t *Token, by pkcs11.ObjectHandle, b Backup, kind secretKind) error {
	template := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, kind.keyType),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, b.Label), pkcs11.NewAttribute(pkcs11.CKA_ID, b.ID), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true), pkcs11.NewAttribute(pkcs11.CKA_WRAP_WITH_TRUSTED, true),
	}
	for usage := range secretUsages {
		template = append(template, pkcs11.NewAttribute(usage, kind.allows(usage)))
	}
	for _, h := range oaepHashes {
		if h.name != b.Hash {
			continue
		}
		m := pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_OAEP, pkcs11.NewOAEPParams(h.hash, h.mgf, pkcs11.CKZ_DATA_SPECIFIED, nil))
		handle, err := s.lib.ctx.UnwrapKey(s.handle, []*pkcs11.Mechanism{m}, by, b.Wrapped, template)
		if err != nil {
			return unwrapError(err)
		}
		if err := s.restored(t, handle, b); err != nil {
			return errors.Join(err, s.lib.ctx.DestroyObject(s.handle, handle))
		}
		return nil
	}
	return fmt.Errorf("%w: OAEP with %q", ErrAlgorithm, b.Hash)
}

// unwrapError tells a backup that is not for this key from a token that is lost.
func unwrapError(err error) error {
	for _, code := range []uint{
		pkcs11.CKR_WRAPPED_KEY_INVALID, pkcs11.CKR_WRAPPED_KEY_LEN_RANGE, pkcs11.CKR_ENCRYPTED_DATA_INVALID, pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE,
		pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_ARGUMENTS_BAD, pkcs11.CKR_FUNCTION_FAILED,
	} {
		if errors.Is(err, pkcs11.Error(code)) {
			return fmt.Errorf("%w: %s", ErrSealed, err.Error())
		}
	}
	return fmt.Errorf("couldn't unwrap it: %w", err)
}

// restored checks attributes and value of what was unwrapped.
func (s session) restored(t *Token, handle pkcs11.ObjectHandle, b Backup) error {
	k := &secret{token: t}
	found, err := s.findSecretIn(Ref{Label: b.Label, ID: b.ID}, k)
	switch {
	case err != nil:
		return err
	case found != handle || k.kind != b.Algorithm || !k.wrappable:
		return fmt.Errorf("%w: what was restored is something else", ErrKeyAttributes)
	}
	k.bound.Store(&binding{conn: s.conn, handle: handle})
	good, err := k.checks(s, b.Check)
	if err == nil && !good {
		err = fmt.Errorf("%w: the key is not the one that was backed up", ErrSealed)
	}
	return err
}

// check makes what checks holds a restored key to: an HMAC of the fixed text, or its encryption under a nonce of its own.
func (k *secret) check(s session) ([]byte, error) {
	if k.kind == HMACSHA256 {
		return k.mac(s, []byte(backupText))
	}
	iv := make([]byte, gcmIV)
	_, _ = rand.Read(iv) // never fails, crypto/rand ends the process instead
	body, err := k.crypt(s, gcm{iv: iv, aad: []byte(backupText), in: []byte(backupText)})
	return append(iv, body...), err
}

func (k *secret) checks(s session, check []byte) (bool, error) {
	if k.kind == HMACSHA256 {
		sum, err := k.mac(s, []byte(backupText))
		return bytes.Equal(sum, check), err
	}
	if len(check) != gcmIV+len(backupText)+gcmTag {
		return false, nil
	}
	text, err := k.crypt(s, gcm{decrypt: true, iv: check[:gcmIV], aad: []byte(backupText), in: check[gcmIV:]})
	if errors.Is(err, ErrSealed) {
		return false, nil
	}
	return string(text) == backupText, err
}
