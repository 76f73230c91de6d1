package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
	"github.com/prometheus/client_golang/prometheus"
)

// strangers makes objects in the token by other programs' hands, through a session of another user of the module.
func strangers(t *testing.T, soft *softhsm.Token, do func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle)) {
	t.Helper()
	hsm.Beside(t, soft.Module, func() { // do may have the Token look at what it made
		ctx := pkcs11.New(soft.Module)
		session, err := ctx.OpenSession(slotOf(t, ctx, soft), pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		must(t, err)
		do(ctx, session)
		must(t, ctx.CloseSession(session))
	})
}

var paramsP256 = []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}

// pair makes a P-256 pair whose private half differs from a good one in the given attributes.
func pair(t *testing.T, ctx *pkcs11.Ctx, session pkcs11.SessionHandle, label string, different map[uint]any) (public, private pkcs11.ObjectHandle) {
	t.Helper()
	values := map[uint]any{
		pkcs11.CKA_LABEL: label, pkcs11.CKA_ID: []byte(rand.Text()), pkcs11.CKA_TOKEN: true, pkcs11.CKA_PRIVATE: true,
		pkcs11.CKA_SENSITIVE: true, pkcs11.CKA_EXTRACTABLE: false, pkcs11.CKA_SIGN: true, pkcs11.CKA_SIGN_RECOVER: false,
		pkcs11.CKA_DECRYPT: false, pkcs11.CKA_UNWRAP: false, pkcs11.CKA_DERIVE: false,
	}
	maps.Copy(values, different)
	var template []*pkcs11.Attribute
	for k, v := range values {
		template = append(template, pkcs11.NewAttribute(k, v))
	}
	public, private, err := ctx.GenerateKeyPair(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)},
		[]*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
			pkcs11.NewAttribute(pkcs11.CKA_ID, values[pkcs11.CKA_ID]), pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, paramsP256),
		}, template)
	must(t, err)
	return public, private
}

func TestKeysWithWrongAttributesAreRefused(t *testing.T) {
	soft := softhsm.ForTest(t)
	token := open(t, soft)
	wrong := map[string]map[uint]any{
		"CKA_EXTRACTABLE":  {pkcs11.CKA_EXTRACTABLE: true},
		"CKA_SENSITIVE":    {pkcs11.CKA_SENSITIVE: false},
		"CKA_PRIVATE":      {pkcs11.CKA_PRIVATE: false},
		"CKA_TOKEN":        {pkcs11.CKA_TOKEN: false},
		"CKA_SIGN":         {pkcs11.CKA_SIGN: false},
		"CKA_DECRYPT":      {pkcs11.CKA_DECRYPT: true},
		"CKA_UNWRAP":       {pkcs11.CKA_UNWRAP: true},
		"CKA_DERIVE":       {pkcs11.CKA_DERIVE: true},
		"CKA_SIGN_RECOVER": {pkcs11.CKA_SIGN_RECOVER: true},
		"CKA_ID":           {pkcs11.CKA_ID: []byte{}},
	}
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) {
		pair(t, ctx, session, "good", nil)
		for name, different := range wrong {
			pair(t, ctx, session, name, different)
		}
		if _, err := token.Key(t.Context(), "good"); err != nil {
			t.Errorf("a good key of another program: %v", err)
		}
		for name := range wrong {
			_, err := token.Key(t.Context(), name)
			if !errors.Is(err, hsm.ErrKeyAttributes) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s is wrong: %v", name, err)
			}
		}
		list, err := token.Keys(t.Context())
		must(t, err)
		if len(list) != len(wrong)+1 {
			t.Errorf("%d keys listed, there are %d", len(list), len(wrong)+1)
		}
		for _, k := range list {
			if (k.Problem == nil) != (k.Label == "good") {
				t.Errorf("%s is listed with the problem %v", k.Label, k.Problem)
			}
		}
	})
}

func TestImportedKeyIsRefused(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	path := filepath.Join(t.TempDir(), "key.pem")
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	cmd := exec.CommandContext(t.Context(), "softhsm2-util", "--import", path, "--token", soft.Label, "--label", "imported", "--id", "01", "--pin", soft.PIN)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	token := open(t, soft)
	_, err = token.Key(t.Context(), "imported") // whoever has the file has the key
	if !errors.Is(err, hsm.ErrKeyAttributes) || !strings.Contains(err.Error(), "CKA_NEVER_EXTRACTABLE") {
		t.Errorf("got %v", err)
	}
}

func TestAmbiguousLabelIsRefused(t *testing.T) {
	soft := softhsm.ForTest(t)
	token := open(t, soft)
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) {
		pair(t, ctx, session, "twin", nil)
		pair(t, ctx, session, "twin", nil)
	})
	if _, err := token.Key(t.Context(), "twin"); !errors.Is(err, hsm.ErrKeyAmbiguous) {
		t.Errorf("got %v", err)
	}
	list, err := token.Keys(t.Context())
	must(t, err)
	for _, k := range list {
		if !errors.Is(k.Problem, hsm.ErrKeyAmbiguous) {
			t.Errorf("%s is listed with the problem %v", k.Label, k.Problem)
		}
	}

	k := generate(t, token, "single", hsm.ECDSAP256)
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) { pair(t, ctx, session, "single", nil) })
	sign(t, []*hsm.Key{k}) // it is bound to its object
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) { must(t, ctx.Logout(session)) })
	if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, hsm.ErrKeyAmbiguous) {
		t.Errorf("a key whose label is taken twice, looked up anew: %v", err)
	}
}

func TestExchangedPublicKeyIsNoticed(t *testing.T) {
	soft := softhsm.ForTest(t)
	registry := prometheus.NewRegistry()
	token := open(t, soft, func(c *hsm.Config) { c.Registerer = registry })
	other := generate(t, token, "bystander", hsm.ECDSAP256)
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) {
		public, _ := pair(t, ctx, session, "exchanged", map[uint]any{pkcs11.CKA_ID: []byte("one")})
		must(t, ctx.DestroyObject(session, public))
		_, private := pair(t, ctx, session, "donor", map[uint]any{pkcs11.CKA_ID: []byte("one")})
		must(t, ctx.DestroyObject(session, private))
	})
	k, err := token.Key(t.Context(), "exchanged") // the public half is the donor's
	must(t, err)
	for range 3 {
		if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, hsm.ErrWrongSignature) {
			t.Errorf("got %v", err)
		}
		sign(t, []*hsm.Key{other})
	}
	if n := metric(t, registry, "qaqpa_hsm_wrong_signatures_total"); n != 2 {
		t.Errorf("%v wrong signatures counted; the key is given up after two", n)
	}
}

func TestStaleHandlesOfAnotherInitialisation(t *testing.T) {
	registry := prometheus.NewRegistry()
	soft, first, made := fixture(t)
	must(t, first.Close())
	made = made[:4] // all of one type, so that nothing but the signature tells them apart
	one := func(c *hsm.Config) { c.Registerer, c.SessionsMax = registry, 1 }
	for range 3 {
		token := open(t, soft, one)
		var keys []*hsm.Key
		for _, k := range made { // SoftHSM numbers sessions and objects in the order of their first use
			k, err := token.Key(t.Context(), k.Label())
			must(t, err)
			sign(t, []*hsm.Key{k})
			keys = append(keys, k)
		}
		foreign(t, soft, func(ctx *pkcs11.Ctx, _ uint) { renumber(t, soft, ctx, made) })
		for _, k := range keys {
			sign(t, []*hsm.Key{k})
		}
		must(t, token.Close())
	}
	if n := metric(t, registry, "qaqpa_hsm_wrong_signatures_total"); n != 3 {
		t.Errorf("%v wrong signatures were made and thrown away; the test is about 3", n)
	}
}

// renumber initialises the library anew and gives the handles of before to other objects.
func renumber(t *testing.T, soft *softhsm.Token, ctx *pkcs11.Ctx, made []*hsm.Key) {
	t.Helper()
	must(t, ctx.Finalize())
	must(t, ctx.Initialize())
	slot := slotOf(t, ctx, soft)
	session, err := ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION) // where our anchor was
	must(t, err)
	must(t, ctx.Login(session, pkcs11.CKU_USER, soft.PIN))
	session, err = ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION) // where our worker's session was
	must(t, err)
	for i := range made {
		for _, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_PUBLIC_KEY} { // where our keys were, the last one first
			must(t, ctx.FindObjectsInit(session, []*pkcs11.Attribute{
				pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_LABEL, made[len(made)-1-i].Label()),
			}))
			_, _, err = ctx.FindObjects(session, 10)
			must(t, err)
			must(t, ctx.FindObjectsFinal(session))
		}
	}
}

func TestReinitialisedTokenIsNotTheOldOne(t *testing.T) {
	soft, token, keys := fixture(t)
	sign(t, keys)
	must(t, soft.Reinitialise())
	for _, k := range keys {
		if _, err := k.Sign(nil, make([]byte, 32), optsOf(k)); !errors.Is(err, hsm.ErrKeyNotFound) {
			t.Errorf("key of a wiped token: %v", err)
		}
	}
	if err := token.Health(t.Context()); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("health of a wiped token: %v", err)
	}
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) {
		for _, k := range keys {
			pair(t, ctx, session, k.Label(), map[uint]any{pkcs11.CKA_ID: k.ID()}) // same label, same CKA_ID
		}
	})
	for _, k := range keys {
		if _, err := k.Sign(nil, make([]byte, 32), optsOf(k)); !errors.Is(err, hsm.ErrKeyChanged) {
			t.Errorf("another key under the old label: %v", err)
		}
	}
	if err := token.Health(t.Context()); !errors.Is(err, hsm.ErrKeyChanged) {
		t.Errorf("health of a token with other keys: %v", err)
	}
}

func optsOf(k key) crypto.SignerOpts {
	if k.Algorithm() == hsm.Ed25519 {
		return crypto.Hash(0)
	}
	return crypto.SHA256
}

// metric sums a metric over its labels.
func metric(t *testing.T, from prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := from.Gather()
	must(t, err)
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}
