package hsm

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"
)

// Backups of keys for stored data, without which the data are lost. A signing key has no backup: it can be replaced, and one that
// could leave its token would prove nothing.
//
// The token that a backup is for has a recovery key: an RSA pair whose private half unwraps, does nothing else and never leaves. The
// other token gets the public half from its security officer, who alone can call it trusted (CKA_TRUSTED). A key that was made for it
// (CKA_WRAP_WITH_TRUSTED) leaves wrapped for a trusted key and in no other way, so that whoever has the user's PIN alone cannot
// take it out for himself. Nobody holds a key that opens the backup, but the other token.

// recoveryRules are those of a recovery key.
var recoveryRules = []rule{
	{pkcs11.CKA_TOKEN, "CKA_TOKEN", true, true},
	{pkcs11.CKA_PRIVATE, "CKA_PRIVATE", true, true},
	{pkcs11.CKA_SENSITIVE, "CKA_SENSITIVE", true, true},
	{pkcs11.CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", true, true},
	{pkcs11.CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false, true},
	{pkcs11.CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", true, true},
	{pkcs11.CKA_UNWRAP, "CKA_UNWRAP", true, true},
	{pkcs11.CKA_SIGN, "CKA_SIGN", false, false},
	{pkcs11.CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER", false, false},
	{pkcs11.CKA_DECRYPT, "CKA_DECRYPT", false, false},
	{pkcs11.CKA_DERIVE, "CKA_DERIVE", false, false},
}

// recoveryBits is the size of a recovery key.
const recoveryBits = 3072

// Backup is a wrapped key with what tells that it was restored right. All fields are to be kept; none is secret.
type Backup struct {
	Label     string    `json:"label"`
	ID        []byte    `json:"id"`
	Algorithm Algorithm `json:"algorithm"`
	// Recovery is the SHA-256 of the recovery key's SubjectPublicKeyInfo.
	Recovery []byte `json:"recovery_key_sha256"`
	// Hash is that of RSA-OAEP and its mask generation, "SHA-256", or "SHA-1" where the module knows no other, as SoftHSM.
	Hash    string `json:"oaep_hash"`
	Wrapped []byte `json:"wrapped"`
	// Check is what the key makes of a fixed text.
	Check []byte `json:"check"`
}

// backupText is what the check of a backup is made over.
const backupText = "qaqpa backup check v1"

// GenerateRecovery makes the pair for which keys of another token are wrapped, and returns its public half.
//
// Errors: those of [Token.Generate].
func (t *Token) GenerateRecovery(ctx context.Context, label string) (*rsa.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, ceremonyTimeout)
	defer cancel()
	var pub *rsa.PublicKey
	err := t.oneByOne(ctx, func() (err error) {
		g := generators[RSA3072]
		if err = checkLabel(label); err != nil {
			return err
		}
		if err = t.mayGenerate(ctx, label, g); err != nil {
			return err
		}
		id := make([]byte, idSize)
		_, _ = rand.Read(id) // never fails, crypto/rand ends the process instead
		public, private := pairTemplates(label, id)
		public = append(withoutUsages(public), pkcs11.NewAttribute(pkcs11.CKA_VERIFY, false), pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, false))
		for _, a := range private {
			for _, r := range recoveryRules {
				if r.attribute == a.Type {
					*a = *pkcs11.NewAttribute(a.Type, r.want)
				}
			}
		}
		if err = t.makePair(ctx, public, private, generator{mechanism: g.mechanism, rsaBits: recoveryBits}); err != nil {
			return err
		}
		err = t.call(ctx, func(s session) error {
			_, pub, err = s.findRecovery(label)
			return err
		})
		if errors.Is(err, ErrKeyAttributes) {
			err = errors.Join(err, t.destroy(ctx, id))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't make recovery key %q: %w", label, err)
	}
	t.cfg.Log.InfoContext(ctx, "recovery key made", "token", t.cfg.Token, "key", label)
	return pub, nil
}

// findRecovery finds a recovery key and checks its attributes.
func (s session) findRecovery(label string) (pkcs11.ObjectHandle, *rsa.PublicKey, error) {
	handles, err := s.search(Ref{Label: label}.template(pkcs11.CKO_PRIVATE_KEY)...)
	switch {
	case err != nil:
		return 0, nil, err
	case len(handles) == 0:
		return 0, nil, ErrKeyNotFound
	case len(handles) > 1:
		return 0, nil, fmt.Errorf("%w: %d keys", ErrKeyAmbiguous, len(handles))
	}
	pub, err := s.describeRecovery(handles[0])
	return handles[0], pub, err
}

// describeRecovery checks the attributes of a recovery key and reads its public half.
func (s session) describeRecovery(handle pkcs11.ObjectHandle) (*rsa.PublicKey, error) {
	types := []uint{pkcs11.CKA_KEY_TYPE, pkcs11.CKA_MODULUS, pkcs11.CKA_PUBLIC_EXPONENT}
	for _, r := range recoveryRules {
		types = append(types, r.attribute)
	}
	values, err := s.values(handle, types...)
	if err != nil {
		return nil, err
	}
	if kind, _ := number(values[pkcs11.CKA_KEY_TYPE]); kind != pkcs11.CKK_RSA {
		return nil, fmt.Errorf("%w: a recovery key is an RSA key", ErrAlgorithm)
	}
	if err := checkAll(recoveryRules, values); err != nil {
		return nil, err
	}
	return recoveryPublic(values)
}

// recoveryPublic is the public key with the modulus and exponent among the attributes.
func recoveryPublic(values map[uint][]byte) (*rsa.PublicKey, error) {
	pub, err := parseRSA(values[pkcs11.CKA_MODULUS], values[pkcs11.CKA_PUBLIC_EXPONENT])
	if err != nil {
		return nil, err
	}
	if pub, ok := pub.(*rsa.PublicKey); ok {
		return pub, nil
	}
	return nil, fmt.Errorf("%w: a recovery key is an RSA key", ErrAlgorithm)
}

// TrustRecovery puts the public half of another token's recovery key into a token, as its security officer: from then on keys that
// were made for backup can be wrapped for that token. The user must not be logged in elsewhere in this process.
//
// Errors: [ErrModule], [ErrTokenNotFound], [ErrWrongPIN] (the officer's), [ErrKeyExists], [ErrAlgorithm] (a key that is too small).
func TrustRecovery(module, token, soPIN, label string, pub *rsa.PublicKey) error {
	if pub.N.BitLen() < recoveryBits {
		return fmt.Errorf("%w: a recovery key has at least %d bits", ErrAlgorithm, recoveryBits)
	}
	if err := checkLabel(label); err != nil {
		return err
	}
	lib, err := acquire(module, "")
	if err != nil {
		return fmt.Errorf("couldn't trust recovery key %q: %w", label, err)
	}
	defer lib.release()
	if err = lib.ready(nil); err == nil {
		lib.gate.enter(nil)
		defer lib.gate.leave()
		err = lib.trustRecovery(token, soPIN, label, pub)
	}
	if err != nil {
		return fmt.Errorf("couldn't trust recovery key %q: %w", label, err)
	}
	return nil
}

func (l *library) trustRecovery(token, soPIN, label string, pub *rsa.PublicKey) error {
	slot, _, err := l.findToken(token)
	if err != nil {
		return err
	}
	handle, err := l.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return typed(fmt.Errorf("couldn't open a session: %w", err))
	}
	defer func() { _ = l.ctx.CloseSession(handle) }() // logs the officer out too
	if err := l.ctx.Login(handle, pkcs11.CKU_SO, soPIN); err != nil {
		return typed(fmt.Errorf("couldn't log in as security officer: %w", err))
	}
	s := session{conn: &conn{lib: l, slot: slot}, handle: handle}
	taken, err := s.search(Ref{Label: label}.template(pkcs11.CKO_PUBLIC_KEY)...)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		return ErrKeyExists
	}
	_, err = l.ctx.CreateObject(handle, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_RSA),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, false), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
		pkcs11.NewAttribute(pkcs11.CKA_ID, recoveryID(pub)), pkcs11.NewAttribute(pkcs11.CKA_WRAP, true), pkcs11.NewAttribute(pkcs11.CKA_TRUSTED, true),
		pkcs11.NewAttribute(pkcs11.CKA_VERIFY, false), pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, false), pkcs11.NewAttribute(pkcs11.CKA_MODIFIABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_MODULUS, pub.N.Bytes()), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, big.NewInt(int64(pub.E)).Bytes()),
	})
	if err != nil {
		return typed(fmt.Errorf("couldn't store its public half: %w", err))
	}
	return nil
}

// recoveryID names a recovery key by its public half.
func recoveryID(pub *rsa.PublicKey) []byte {
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil // an RSA key can always be written
	}
	sum := sha256.Sum256(spki)
	return sum[:]
}
