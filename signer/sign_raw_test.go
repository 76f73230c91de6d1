package signer_test

import (
	"errors"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/rawsig"
	"qaqpa/testenv/pki"
)

// TestSignRaw: a signature that stands alone holds over the document and nothing else, in each form that its key has.
func TestSignRaw(t *testing.T) {
	families := []pki.Family{pki.GOST2015, pki.RSA, pki.ECDSA}
	b := setup(t, families, withDB)
	document := []byte("order")
	for _, family := range families {
		key := b.key(b.issue(pki.Profile{Family: family, Name: "signer_" + string(family)}))
		pub := key.Chain[0].PublicKey
		for _, form := range append([]rawsig.Form{0}, rawsig.Forms(pub.Family)...) {
			sig, what, err := b.svc.SignRaw(t.Context(), signer.SignRawRequest{Document: document, Form: form, Key: key, Actor: "test"})
			if err != nil || form != 0 && what.Form != form {
				t.Fatalf("%s %s: %+v, %v", family, form, what, err)
			}
			options := rawsig.Options{Algorithm: &what.Algorithm, Form: what.Form}
			if _, err := rawsig.Verify(pub, document, sig, options); err != nil {
				t.Errorf("%s %s: %v", family, form, err)
			}
			if _, err := rawsig.Verify(pub, []byte("0rder"), sig, options); !errors.Is(err, algo.ErrSignature) {
				t.Errorf("%s %s over another document: %v", family, form, err)
			}
		}
	}
	var rows int
	if err := b.db.Get(&rows, `SELECT count(*) FROM audit_entries WHERE action = 'document.signed'`); err != nil || rows != 4+2+3 {
		t.Errorf("%d signatures on record, %v", rows, err)
	}
}

// TestSignRawRefuses: the certificate and the form are looked at before the key is asked.
func TestSignRawRefuses(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	good, bad := b.key(b.issue(pki.Profile{Name: "good"})), b.issue(pki.Profile{Name: "bad"})
	if err := b.pki.Revoke(bad, pki.KeyCompromise, b.clk.now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		req signer.SignRawRequest
		err error
	}{
		"revoked":    {signer.SignRawRequest{Key: b.key(bad), Actor: "test"}, signer.ErrSigningCertificate},
		"other form": {signer.SignRawRequest{Key: good, Form: rawsig.National, Actor: "test"}, signer.ErrRequest},
		"no actor":   {signer.SignRawRequest{Key: good}, signer.ErrRequest},
		"no key":     {signer.SignRawRequest{Actor: "test"}, signer.ErrRequest},
	} {
		if out, _, err := b.svc.SignRaw(t.Context(), c.req); !errors.Is(err, c.err) || out != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
