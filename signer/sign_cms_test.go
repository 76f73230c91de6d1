package signer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/cms"
	"qaqpa/signer/gost"
	"qaqpa/signer/p12"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// withTSA lets a service ask the test authorities for time stamps.
func withTSA(b *bench, cfg *signer.Config) { cfg.TSA = b.srv.URL + "/tsp/" }

// key opens the PKCS #12 file of an identity, as an integrator would.
func (b *bench) key(id *pki.Identity) signer.SigningKey {
	b.Helper()
	file, err := id.PKCS12("Qwerty12")
	if err != nil {
		b.Fatal(err)
	}
	store, err := p12.Open(file, "Qwerty12", p12.Limits{})
	if err != nil || len(store.Entries) != 1 {
		b.Fatalf("%v", err)
	}
	e := store.Entries[0]
	return signer.SigningKey{Key: e.Key, Chain: append([]*pkix.Certificate{e.Certificate}, parse(b, id.Chain[:1]...)...)}
}

func (b *bench) signCMS(req signer.SignCMSRequest) []byte {
	b.Helper()
	out, err := b.svc.SignCMS(b.Context(), req)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// TestSignCMS: what we sign with keys of files, national ones too, passes our own validation and openssl's where it knows
// the algorithms; with evidence inside it passes when nobody can be asked any more.
func TestSignCMS(t *testing.T) {
	all := []pki.Family{pki.GOST2015, pki.RSA, pki.ECDSA}
	b := setup(t, all, withTSA)
	for _, family := range all {
		t.Run(string(family), func(t *testing.T) {
			b := *b
			b.TB = t
			id := b.issue(pki.Profile{Family: family, Name: "signer_" + string(family)})
			key := b.key(id)
			if _, ok := key.Key.(*gost.PrivateKey); ok != (family == pki.GOST2015) {
				t.Errorf("the key is %T", key.Key)
			}
			for _, c := range []struct {
				detached, stamp, evidence bool
				level                     string
			}{{false, false, false, "CAdES-B"}, {true, false, false, "CAdES-B"}, {false, true, false, "CAdES-T"}, {true, true, true, "CAdES-LT"}, {false, false, true, "CAdES-B"}} {
				out := b.signCMS(signer.SignCMSRequest{
					Document: content, Detached: c.detached, Key: key, TimeStamp: c.stamp, Evidence: c.evidence,
				})
				var original []byte
				if c.detached {
					original = content
				}
				v := b.validate(out, original)
				b.want(v, report.TotalPassed, "", "")
				if s := v.Signatures[0]; s.Level != c.level || s.TimeProven != c.stamp {
					t.Errorf("%+v: level %s, time proven %v: %+v", c, s.Level, s.TimeProven, s.TimeStamps)
				}
				if family != pki.GOST2015 {
					if got, err := b.opensslVerify(out, original); err != nil || !bytes.Equal(got, content) {
						t.Errorf("%+v: openssl: %q, %v", c, got, err)
					}
				}
				if sd, err := cms.Parse(out, cms.Limits{}); err != nil || (len(sd.OCSPs) > 0) != c.evidence {
					t.Errorf("%+v: %d OCSP answers, %v", c, len(sd.OCSPs), err)
				}
				b.checkOffline(out, original, c.evidence, c.stamp)
			}
		})
	}
}

// checkOffline judges a document with what it carries alone: with evidence inside it passes, and its time stamp proves the time.
func (b *bench) checkOffline(doc, original []byte, evidence, stamp bool) {
	b.Helper()
	alone := b.service(func(_ *bench, cfg *signer.Config) { cfg.Revocation, cfg.Fetch = signer.RevocationOffline, nil })
	v, err := alone.Validate(b.Context(), signer.ValidateRequest{Document: doc, Detached: original})
	if err != nil {
		b.Fatal(err)
	}
	s := v.Signatures[0]
	good := len(s.Revocation) > 0 && s.Revocation[0].Status == "good"
	if good != evidence || v.Passed() != evidence || s.TimeProven != (evidence && stamp) {
		b.Errorf("offline, evidence %v, stamp %v: %s/%s, time proven %v, %+v", evidence, stamp, v.Indication, v.Sub, s.TimeProven, s.Revocation)
	}
}

// TestAddSigner: parallel signatures of several algorithms, in either form of document, leave those that were there as
// they were.
func TestAddSigner(t *testing.T) {
	b := setup(t, []pki.Family{pki.RSA, pki.ECDSA, pki.GOST2015}, withTSA)
	keys := map[pki.Family]signer.SigningKey{}
	for _, f := range b.pki.Families() {
		keys[f] = b.key(b.issue(pki.Profile{Family: f, Name: "signer_" + string(f)}))
	}
	for _, first := range []bool{false, true} {
		for _, then := range []bool{false, true} {
			t.Run(fmt.Sprintf("detached %v then %v", first, then), func(t *testing.T) {
				b := *b
				b.TB = t
				one := b.signCMS(signer.SignCMSRequest{Document: content, Detached: first, Key: keys[pki.RSA]})
				two := b.signCMS(signer.SignCMSRequest{CMS: one, Document: content, Detached: then, Key: keys[pki.GOST2015], TimeStamp: true})
				three := b.signCMS(signer.SignCMSRequest{CMS: pki.ArmourCMS(two), Document: content, Detached: then, Key: keys[pki.ECDSA], Evidence: true})
				var original []byte
				if then {
					original = content
				}
				v := b.validate(three, original)
				b.want(v, report.TotalPassed, "", "")
				if len(v.Signatures) != 3 || v.Detached != then || !v.Signatures[1].TimeProven || v.Signatures[2].TimeProven {
					t.Errorf("%d signatures, detached %v", len(v.Signatures), v.Detached)
				}
				before, err := cms.Parse(one, cms.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				after, err := cms.Parse(three, cms.Limits{})
				if err != nil || !bytes.Equal(before.Signers[0].Raw, after.Signers[0].Raw) {
					t.Errorf("the first signature has changed: %v", err)
				}
				if v := b.validate(three, []byte("other")); v.Indication != report.TotalFailed {
					t.Errorf("over other content: %s", v.Indication)
				}
			})
		}
	}
}

// TestSignCMSRefuses: what must not be signed is not, and no key is asked.
func TestSignCMSRefuses(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withTSA)
	good := b.key(b.issue(pki.Profile{Name: "good"}))
	other := b.key(b.issue(pki.Profile{Name: "other"}))
	revoked := b.issue(pki.Profile{Name: "revoked"})
	if err := b.pki.Revoke(revoked, pki.KeyCompromise, b.clk.now()); err != nil {
		t.Fatal(err)
	}
	b.clk.add(time.Minute)
	attached := b.signCMS(signer.SignCMSRequest{Document: content, Key: good})
	for name, c := range map[string]struct {
		req  signer.SignCMSRequest
		want error
	}{
		"no key":               {signer.SignCMSRequest{Document: content}, signer.ErrRequest},
		"another certificate":  {signer.SignCMSRequest{Key: signer.SigningKey{Key: good.Key, Chain: other.Chain}}, signer.ErrSigningCertificate},
		"for authentication":   {signer.SignCMSRequest{Key: b.key(b.issue(pki.Profile{Name: "auth", Use: pki.Auth}))}, signer.ErrSigningCertificate},
		"expired":              {signer.SignCMSRequest{Key: b.key(b.issue(pki.Profile{Name: "old", NotAfter: b.clk.now().Add(-time.Minute)}))}, signer.ErrSigningCertificate},
		"revoked":              {signer.SignCMSRequest{Key: b.key(revoked)}, signer.ErrSigningCertificate},
		"of a look-alike":      {signer.SignCMSRequest{Key: b.key(b.issue(pki.Profile{Name: "fake", Impostor: true}))}, signer.ErrSigningCertificate},
		"CMS of other content": {signer.SignCMSRequest{Key: good, CMS: attached, Document: []byte("other")}, signer.ErrRequest},
		"CMS that is none":     {signer.SignCMSRequest{Key: good, CMS: content}, signer.ErrRequest},
		"original missing":     {signer.SignCMSRequest{Key: good, CMS: b.signCMS(signer.SignCMSRequest{Document: content, Detached: true, Key: good})}, signer.ErrRequest},
	} {
		if out, err := b.svc.SignCMS(t.Context(), c.req); !errors.Is(err, c.want) || out != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestSignCMSWithoutServices: a stamp that was asked for and cannot be had, or does not hold, gives no document.
func TestSignCMSWithoutServices(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withTSA)
	key := b.key(b.issue(pki.Profile{Name: "signer"}))
	for _, kind := range []string{pki.FaultWrongSignature, pki.FaultWrongImprint, pki.FaultWrongNonce, pki.FaultReject, pki.FaultWrongResponder} {
		b.fault(fault.Fault{Kind: kind, On: "tsp", Count: 1})
		if out, err := b.svc.SignCMS(t.Context(), signer.SignCMSRequest{Document: content, Key: key, TimeStamp: true}); !errors.Is(err, signer.ErrTimeStamp) || out != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if v := b.validate(b.signCMS(signer.SignCMSRequest{Document: content, Key: key, TimeStamp: true}), nil); !v.Signatures[0].TimeProven {
		t.Error("no stamp after the faults")
	}
	none := b.service(nil)
	if _, err := none.SignCMS(t.Context(), signer.SignCMSRequest{Document: content, Key: key, TimeStamp: true}); !errors.Is(err, signer.ErrTimeStamp) {
		t.Errorf("without an authority: %v", err)
	}
	if err := b.srv.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.svc.SignCMS(t.Context(), signer.SignCMSRequest{Document: content, Key: key, Evidence: true}); !errors.Is(err, signer.ErrEvidence) {
		t.Errorf("without a responder: %v", err)
	}
	if _, err := b.svc.SignCMS(t.Context(), signer.SignCMSRequest{Document: content, Key: key}); err != nil {
		t.Errorf("a plain signature needs nobody: %v", err)
	}
}

// TestSignCMSIsAudited: no signature without an entry.
func TestSignCMSIsAudited(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	key := b.key(b.issue(pki.Profile{Name: "signer"}))
	if _, err := b.svc.SignCMS(t.Context(), signer.SignCMSRequest{Document: content, Key: key}); !errors.Is(err, signer.ErrRequest) {
		t.Errorf("nobody's signature: %v", err)
	}
	b.signCMS(signer.SignCMSRequest{Document: content, Key: key, Actor: "test"})
	var n int
	if err := b.db.GetContext(t.Context(), &n, `SELECT count(*) FROM audit_entries WHERE action = 'document.signed'`); err != nil || n != 1 {
		t.Errorf("%d entries: %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := b.svc.SignCMS(ctx, signer.SignCMSRequest{Document: content, Key: key, Actor: "test"}); err == nil {
		t.Errorf("signed %d octets for nobody", len(out))
	}
}
