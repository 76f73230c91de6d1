package hsm_test

import (
	"crypto/rsa"
	"errors"
	"math/big"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
)

// backed is a token whose keys are backed up, and one that they are restored to.
func backed(t *testing.T) (from, to *softhsm.Token, source, target *hsm.Token, pub *rsa.PublicKey) {
	t.Helper()
	var err error
	from, err = softhsm.New(t.TempDir())
	must(t, err)
	to, err = from.Another("second")
	must(t, err)
	target = open(t, to)
	pub, err = target.GenerateRecovery(t.Context(), "recovery")
	must(t, err)
	must(t, hsm.TrustRecovery(from.Module, from.Label, from.SOPIN, "second site", pub))
	return from, to, open(t, from), target, pub
}

// What was sealed and indexed with one token opens and is found with the other one, to which the keys were restored.
func TestBackupIsRestoredToAnotherToken(t *testing.T) {
	from, to, source, target, _ := backed(t)
	name, err := source.TrustedRecovery(t.Context(), "second site")
	must(t, err)
	var backups []hsm.Backup
	for label, a := range map[string]hsm.Algorithm{"data": hsm.AES256, "index": hsm.HMACSHA256} {
		id, err := source.GenerateWrappable(t.Context(), label, a)
		must(t, err)
		b, err := source.WrapBackup(t.Context(), label, id, "second site", name)
		must(t, err)
		backups = append(backups, b)
		if _, err := source.WrapBackup(t.Context(), label, []byte{1}, "second site", name); !errors.Is(err, hsm.ErrKeyChanged) {
			t.Errorf("another id: %v", err)
		}
	}
	f := fleetOf(t, nil, from)
	sealed, index := useSecrets(t, f, nil)
	for _, b := range backups {
		spoilt := b
		spoilt.Wrapped = append([]byte{}, b.Wrapped...)
		spoilt.Wrapped[9] ^= 1
		if err := target.RestoreBackup(t.Context(), spoilt, "recovery"); !errors.Is(err, hsm.ErrSealed) {
			t.Errorf("an altered backup: %v", err)
		}
		spoilt = b
		spoilt.Check = append([]byte{}, b.Check...)
		spoilt.Check[len(b.Check)-1] ^= 1
		if err := target.RestoreBackup(t.Context(), spoilt, "recovery"); !errors.Is(err, hsm.ErrSealed) {
			t.Errorf("a key that makes something else than it did: %v", err)
		}
		must(t, target.RestoreBackup(t.Context(), b, "recovery"))
		if err := target.RestoreBackup(t.Context(), b, "recovery"); !errors.Is(err, hsm.ErrKeyExists) {
			t.Errorf("restored twice: %v", err)
		}
	}
	must(t, f.Close())
	useSecrets(t, fleetOf(t, nil, to), [][]byte{sealed, index})
	listed, err := target.Secrets(t.Context())
	must(t, err)
	for _, k := range listed {
		if !k.Wrappable || !k.Restored || k.Problem != nil {
			t.Errorf("%+v", k)
		}
	}
	if len(listed) != 2 {
		t.Errorf("%d secret keys were restored, want 2: a spoilt one is left behind", len(listed))
	}
}

// useSecrets seals and indexes; with what another token made it opens that and compares.
func useSecrets(t *testing.T, f *hsm.Fleet, before [][]byte) (sealed, index []byte) {
	t.Helper()
	d, err := f.DataKey(t.Context(), hsm.Ref{Label: "data"})
	must(t, err)
	k, err := f.IndexKey(t.Context(), hsm.Ref{Label: "index"})
	must(t, err)
	sealed, err = d.Seal(t.Context(), []byte("record"), []byte("place"))
	must(t, err)
	index, err = k.Index(t.Context(), "payer", "1")
	must(t, err)
	if before == nil {
		return sealed, index
	}
	if record, err := d.Open(t.Context(), before[0], []byte("place")); err != nil || string(record) != "record" {
		t.Errorf("%q, %v", record, err)
	}
	if string(before[1]) != string(index) {
		t.Error("the restored key makes other indexes")
	}
	return sealed, index
}

// A key leaves its token only if it was made for that, for a key that the security officer trusts, and fits nothing but that key.
func TestBackupsThatAreRefused(t *testing.T) {
	from, _, source, target, pub := backed(t)
	name, err := source.TrustedRecovery(t.Context(), "second site")
	must(t, err)
	id, err := source.GenerateSecret(t.Context(), "stays", hsm.AES256)
	must(t, err)
	if _, err := source.WrapBackup(t.Context(), "stays", id, "second site", name); !errors.Is(err, hsm.ErrKeyAttributes) {
		t.Errorf("a key that was not made for backup: %v", err)
	}
	signs := generate(t, source, "signs", hsm.ECDSAP256)
	if _, err := source.WrapBackup(t.Context(), "signs", signs.ID(), "second site", name); !errors.Is(err, hsm.ErrKeyAttributes) {
		t.Errorf("a signing key: %v", err)
	}
	id, err = source.GenerateWrappable(t.Context(), "data", hsm.AES256)
	must(t, err)
	if _, err := source.WrapBackup(t.Context(), "data", id, "nobody", name); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("no such recovery key: %v", err)
	}
	// The attack: after two operators agreed on the label, the security officer trusts a key of his own under it.
	if _, err := source.WrapBackup(t.Context(), "data", id, "second site", make([]byte, len(name))); !errors.Is(err, hsm.ErrKeyChanged) {
		t.Errorf("another recovery key under the label: %v", err)
	}
	b, err := source.WrapBackup(t.Context(), "data", id, "second site", name)
	must(t, err)
	other, err := target.GenerateRecovery(t.Context(), "other")
	must(t, err)
	if err := target.RestoreBackup(t.Context(), b, "other"); !errors.Is(err, hsm.ErrSealed) {
		t.Errorf("with another recovery key: %v", err)
	}
	lied := b
	lied.Recovery = nil
	if err := target.RestoreBackup(t.Context(), lied, "recovery"); !errors.Is(err, hsm.ErrSealed) {
		t.Errorf("for nobody: %v", err)
	}
	if err := target.RestoreBackup(t.Context(), hsm.Backup{Label: "x", ID: []byte{1}, Algorithm: hsm.RSA2048}, "recovery"); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("a backup of a signing key: %v", err)
	}
	if _, err := target.Key(t.Context(), "recovery"); !errors.Is(err, hsm.ErrKeyAttributes) {
		t.Errorf("a recovery key signs: %v", err)
	}
	if err := hsm.TrustRecovery(from.Module, from.Label, from.SOPIN, "small", &rsa.PublicKey{N: new(big.Int).Rsh(pub.N, 2048), E: 65537}); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("a small recovery key: %v", err)
	}
	// Whoever has the user's PIN alone cannot take the key out for a key of his own, past this package.
	strangers(t, from, func(ctx *pkcs11.Ctx, s pkcs11.SessionHandle) {
		own := []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_RSA),
			pkcs11.NewAttribute(pkcs11.CKA_WRAP, true), pkcs11.NewAttribute(pkcs11.CKA_MODULUS, other.N.Bytes()),
			pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}), pkcs11.NewAttribute(pkcs11.CKA_LABEL, "own"),
		}
		if _, err := ctx.CreateObject(s, append(own, pkcs11.NewAttribute(pkcs11.CKA_TRUSTED, true))); err == nil {
			t.Error("the user made a key trusted")
		}
		by, err := ctx.CreateObject(s, own)
		must(t, err)
		must(t, ctx.FindObjectsInit(s, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, "data"), pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY)}))
		keys, _, err := ctx.FindObjects(s, 1)
		must(t, err)
		must(t, ctx.FindObjectsFinal(s))
		m := pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_OAEP, pkcs11.NewOAEPParams(pkcs11.CKM_SHA_1, pkcs11.CKG_MGF1_SHA1, pkcs11.CKZ_DATA_SPECIFIED, nil))
		if _, err := ctx.WrapKey(s, []*pkcs11.Mechanism{m}, by, keys[0]); !errors.Is(err, pkcs11.Error(pkcs11.CKR_KEY_NOT_WRAPPABLE)) {
			t.Errorf("wrapped for a key of his own: %v", err)
		}
		if err := ctx.SetAttributeValue(s, keys[0], []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_WRAP_WITH_TRUSTED, false)}); err == nil {
			t.Error("the user lifted the restriction")
		}
		if got, err := ctx.GetAttributeValue(s, keys[0], []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)}); err == nil && len(got[0].Value) > 0 {
			t.Error("the key shows its value")
		}
	})
}
