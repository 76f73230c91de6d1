package hsm_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
)

func TestStoredDataAreSealed(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	token := open(t, soft)
	_, err = token.GenerateSecret(t.Context(), "data", hsm.AES256)
	must(t, err)
	_, err = token.GenerateSecret(t.Context(), "index", hsm.HMACSHA256)
	must(t, err)
	if _, err := token.GenerateSecret(t.Context(), "data", hsm.AES256); !errors.Is(err, hsm.ErrKeyExists) {
		t.Errorf("a label in use: %v", err)
	}
	if _, err := token.GenerateSecret(t.Context(), "other", hsm.RSA2048); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("a key pair as secret: %v", err)
	}
	must(t, token.Close())
	twin, err := soft.Replica("second")
	must(t, err)
	f := fleetOf(t, nil, soft, twin)
	d, err := f.DataKey(t.Context(), hsm.Ref{Label: "data"})
	must(t, err)
	record, place := []byte("Әлия Серікқызы, 880101300123"), []byte("payers/name/42")
	sealed, err := d.Seal(t.Context(), record, place)
	must(t, err)
	if bytes.Contains(sealed, record[:8]) {
		t.Error("the record shows")
	}
	again, err := fleetOf(t, nil, twin).DataKey(t.Context(), hsm.Ref{Label: "data"}) // another process, another token
	must(t, err)
	opened, err := again.Open(t.Context(), sealed, place)
	if err != nil || !bytes.Equal(opened, record) {
		t.Errorf("got %q, %v", opened, err)
	}
	if _, err := d.Open(t.Context(), sealed, []byte("payers/name/43")); !errors.Is(err, hsm.ErrSealed) {
		t.Errorf("a record in another row: %v", err)
	}
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 0x80
		if _, err := d.Open(t.Context(), altered, place); !errors.Is(err, hsm.ErrSealed) {
			t.Errorf("byte %d altered: %v", i, err)
		}
	}
	for _, n := range []int{0, 1, 88} {
		if _, err := d.Open(t.Context(), make([]byte, n), place); !errors.Is(err, hsm.ErrSealed) {
			t.Errorf("%d zeros: %v", n, err)
		}
	}
	if _, err := f.DataKey(t.Context(), hsm.Ref{Label: "index"}); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("an index key for data: %v", err)
	}
	if _, err := f.IndexKey(t.Context(), hsm.Ref{Label: "data"}); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("a data key for indexes: %v", err)
	}
}

// The index is HMAC-SHA-256, as a program that knows the key computes it.
func TestBlindIndex(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	token := open(t, soft)
	id, err := token.GenerateSecret(t.Context(), "index", hsm.HMACSHA256)
	must(t, err)
	must(t, token.Close())
	f := fleetOf(t, nil, soft)
	k, err := f.IndexKey(t.Context(), hsm.Ref{ID: id})
	must(t, err)
	seen := map[string]bool{}
	for _, c := range [][2]string{{"payer", "880101300123"}, {"payer", "880101300124"}, {"agent", "880101300123"}, {"pay", "er 880101300123"}} {
		one, err := k.Index(t.Context(), c[0], c[1])
		must(t, err)
		two, err := k.Index(t.Context(), c[0], c[1])
		must(t, err)
		if !bytes.Equal(one, two) || len(one) != sha256.Size || seen[string(one)] {
			t.Errorf("index of %q: %x, then %x", c, one, two)
		}
		seen[string(one)] = true
	}
}

// Secret keys that could leave the token, or do more than one thing, are refused; one of known value shows what is computed.
func TestSecretKeysOfStrangers(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	open(t, soft)
	value := bytes.Repeat([]byte{7}, 32)
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) {
		_, err := ctx.CreateObject(session, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET),
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, "imported"), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte{1}),
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_SIGN, true), pkcs11.NewAttribute(pkcs11.CKA_VALUE, value),
		})
		must(t, err)
		_, err = ctx.GenerateKey(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, "wraps"), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte{2}), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_WRAP, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
			pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		})
		must(t, err)
	})
	f := fleetOf(t, nil, soft)
	if _, err := f.IndexKey(t.Context(), hsm.Ref{Label: "imported"}); !errors.Is(err, hsm.ErrKeyAttributes) {
		t.Errorf("a key that came from outside: %v", err)
	}
	if _, err := f.DataKey(t.Context(), hsm.Ref{Label: "wraps"}); !errors.Is(err, hsm.ErrKeyAttributes) {
		t.Errorf("a key that may wrap others: %v", err)
	}
	if _, err := f.DataKey(t.Context(), hsm.Ref{Label: "nobody"}); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("a key that is not there: %v", err)
	}
	mac := hmac.New(sha256.New, value)
	fmt.Fprint(mac, "known")
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) {
		must(t, ctx.FindObjectsInit(session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, "imported")}))
		keys, _, err := ctx.FindObjects(session, 1)
		must(t, err)
		must(t, ctx.FindObjectsFinal(session))
		must(t, ctx.SignInit(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_SHA256_HMAC, nil)}, keys[0]))
		sum, err := ctx.Sign(session, []byte("known"))
		if err != nil || !bytes.Equal(sum, mac.Sum(nil)) {
			t.Errorf("the token's HMAC is %x, want %x: %v", sum, mac.Sum(nil), err)
		}
	})
}
