package signer_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

var content = []byte("Өтінім: лицензия алу үшін төлем")

// TestGoodSignatures: every family, in every form in which documents come.
func TestGoodSignatures(t *testing.T) {
	b := setup(t, nil, nil)
	for _, family := range b.pki.Families() {
		id := b.issue(pki.Profile{Family: family, Name: "citizen_" + string(family)})
		attached, detached := b.sign(id, content, pki.CMSOptions{}), b.sign(id, content, pki.CMSOptions{Detached: true})
		for name, c := range map[string]struct{ doc, original []byte }{
			"attached":              {attached, nil},
			"attached and original": {attached, content},
			"detached":              {detached, content},
			"BER":                   {b.sign(id, content, pki.CMSOptions{Indefinite: true}), nil},
			"PEM":                   {pki.ArmourCMS(attached), nil},
			"base64":                {[]byte(base64.StdEncoding.EncodeToString(attached)), nil},
			"with chain":            {b.sign(id, content, pki.CMSOptions{Chain: true}), nil},
			"without ESS":           {b.sign(id, content, pki.CMSOptions{NoSigningCertificateV2: true}), nil},
			"key identifier":        {b.sign(id, content, pki.CMSOptions{SubjectKeyIdentifier: true}), nil},
			"empty content":         {b.sign(id, []byte{}, pki.CMSOptions{Detached: true}), []byte{}},
			"time stamp":            {b.sign(id, content, pki.CMSOptions{TimeStamp: true}), nil},
		} {
			t.Run(string(family)+" "+name, func(t *testing.T) {
				b := *b
				b.TB = t
				v := b.validate(c.doc, c.original)
				b.want(v, report.TotalPassed, "", "")
				if t.Failed() {
					return
				}
				s := v.Signatures[0]
				if s.Signer.IIN != id.IIN() || !s.Signer.IdentifiersValid || s.Signer.Kind != "person" || s.Signer.KeyUse != "SIGN" {
					t.Errorf("signer %+v", s.Signer)
				}
				if name == "time stamp" && (!s.TimeProven || s.Level != "CAdES-T") {
					t.Errorf("level %s, time proven %v: %+v", s.Level, s.TimeProven, s.TimeStamps)
				}
				if len(s.Chain) != 3 || !s.Chain[2].Anchor || s.Revocation[0].Status != "good" || s.Revocation[0].Source != "ocsp" {
					t.Errorf("chain of %d, revocation %+v", len(s.Chain), s.Revocation)
				}
				if original := v.Content; !v.Detached && !bytes.Equal(original, content) {
					t.Errorf("content %q", original)
				}
			})
		}
	}
}

// TestSignersWhoMayNot: certificates that do not support the signature, each with what the national order calls it.
func TestSignersWhoMayNot(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	now := b.clk.now()
	revoked := func(reason pki.Reason) func(*bench, *pki.Identity) {
		return func(b *bench, id *pki.Identity) {
			if err := b.pki.Revoke(id, reason, now.Add(-time.Minute)); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name    string
		profile pki.Profile
		before  func(*bench, *pki.Identity)
		i       report.Indication
		sub     report.SubIndication
		reason  report.Code
	}{
		{"expired", pki.Profile{NotAfter: now.Add(-time.Minute)}, nil, report.TotalFailed, report.Expired, "expired"},
		{"not yet valid", pki.Profile{NotBefore: now.Add(time.Hour)}, nil, report.TotalFailed, report.NotYetValid, "not_yet_valid"},
		{"revoked", pki.Profile{}, revoked(pki.KeyCompromise), report.TotalFailed, report.Revoked, "revoked"},
		{"suspended", pki.Profile{}, revoked(pki.CertificateHold), report.TotalFailed, report.Revoked, "on_hold"},
		{"look-alike authority", pki.Profile{Impostor: true}, nil, report.Indeterminate, report.ChainGeneralFailure, "certificate_signature"},
		{"authentication key", pki.Profile{Use: pki.Auth}, nil, report.TotalFailed, report.ChainConstraintsFailure, report.ReasonKeyUse},
		{"time stamping", pki.Profile{Kind: pki.TimeStamping, SystemName: "TSA"}, nil, report.TotalFailed, report.ChainConstraintsFailure, report.ReasonKeyUse},
		{"forged certificate", pki.Profile{CorruptSignature: true}, nil, report.Indeterminate, report.ChainGeneralFailure, "certificate_signature"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := *b
			b.TB = t
			c.profile.Name = strings.ReplaceAll(c.name, " ", "_")
			id := b.issue(c.profile)
			if c.before != nil {
				c.before(&b, id)
			}
			b.want(b.validate(b.sign(id, content, pki.CMSOptions{}), nil), c.i, c.sub, c.reason)
		})
	}
	t.Run("issued by a citizen", func(t *testing.T) {
		b := *b
		b.TB = t
		parent := b.issue(pki.Profile{Name: "parent"})
		child := b.issue(pki.Profile{Name: "child", Issuer: parent})
		v := b.validate(b.sign(child, content, pki.CMSOptions{Chain: true}), nil)
		b.want(v, report.Indeterminate, report.ChainGeneralFailure, "not_a_ca")
	})
	t.Run("untrusted authority", func(t *testing.T) {
		other := setup(t, []pki.Family{pki.ECDSA}, nil)
		b := *b
		b.TB = t
		id := other.issue(pki.Profile{})
		v := b.validate(b.sign(id, content, pki.CMSOptions{Chain: true}), nil)
		if v.Passed() || v.Indication != report.Indeterminate {
			t.Errorf("%s/%s", v.Indication, v.Sub)
		}
	})
}

// TestBrokenSignatures: documents that are wrong in themselves. Nothing is asked from the network for them.
func TestBrokenSignatures(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA, pki.GOST2015}, nil)
	for _, family := range b.pki.Families() {
		id, other := b.issue(pki.Profile{Family: family}), b.issue(pki.Profile{Family: family, Name: "other_" + string(family)})
		for name, c := range map[string]struct {
			doc, original []byte
			i             report.Indication
			sub           report.SubIndication
			reason        report.Code
		}{
			"content changed": {
				b.sign(id, content, pki.CMSOptions{Detached: true}), append([]byte("x"), content...),
				report.TotalFailed, report.HashFailure, report.ReasonContentChanged,
			},
			"attached content is another": {
				b.sign(id, content, pki.CMSOptions{}), []byte("another"),
				report.TotalFailed, report.HashFailure, report.ReasonContentChanged,
			},
			"content not given": {
				b.sign(id, content, pki.CMSOptions{Detached: true}), nil,
				report.Indeterminate, report.SignedDataNotFound, report.ReasonContentMissing,
			},
			"signature": {
				b.sign(id, content, pki.CMSOptions{CorruptSignature: true}), nil,
				report.TotalFailed, report.SigCryptoFailure, report.ReasonSignatureWrong,
			},
			"no message digest": {
				b.sign(id, content, pki.CMSOptions{NoMessageDigest: true}), nil,
				report.TotalFailed, report.FormatFailure, report.ReasonAttributeMalformed,
			},
			"two message digests": {
				b.sign(id, content, pki.CMSOptions{DoubleMessageDigest: true}), nil,
				report.TotalFailed, report.FormatFailure, report.ReasonAttributeMalformed,
			},
			"no content type": {
				b.sign(id, content, pki.CMSOptions{NoContentType: true}), nil,
				report.TotalFailed, report.FormatFailure, report.ReasonContentType,
			},
			"another signing certificate": {
				b.sign(id, content, pki.CMSOptions{SigningCertificateOf: other, Extra: [][]byte{other.Certificate}}), nil,
				report.TotalFailed, report.SigCryptoFailure, report.ReasonSignatureWrong,
			},
			"no certificate": {
				b.sign(id, content, pki.CMSOptions{NoCertificate: true}), nil,
				report.Indeterminate, report.NoSigningCertificateFound, report.ReasonSignerMissing,
			},
			"not a document": {content, nil, report.TotalFailed, report.FormatFailure, report.ReasonUnreadable},
			"cut off":        {b.sign(id, content, pki.CMSOptions{})[:200], nil, report.TotalFailed, report.FormatFailure, report.ReasonUnreadable},
			"no signers":     {certificatesOnly(t, id.Certificate), nil, report.TotalFailed, report.FormatFailure, report.ReasonNotSigned},
		} {
			t.Run(string(family)+" "+name, func(t *testing.T) {
				b := *b
				b.TB = t
				b.want(b.validate(c.doc, c.original), c.i, c.sub, c.reason)
			})
		}
	}
}

// TestRevocationServices: what a verdict becomes when the services of the authority fail in each of their ways.
func TestRevocationServices(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(pki.Profile{})
	doc := b.sign(id, content, pki.CMSOptions{})
	passed, later := report.TotalPassed, report.TryLater
	for _, c := range []struct {
		name   string
		faults []fault.Fault
		i      report.Indication
		sub    report.SubIndication
		reason report.Code
		source string
	}{
		{"OCSP down", []fault.Fault{{Kind: pki.FaultDown, On: "ocsp"}}, passed, "", "", "crl"},
		{"OCSP cut", []fault.Fault{{Kind: pki.FaultDrop, On: "ocsp"}}, passed, "", "", "crl"},
		{"OCSP try later", []fault.Fault{{Kind: pki.FaultTryLater}}, passed, "", "", "crl"},
		{"OCSP empty", []fault.Fault{{Kind: pki.FaultEmpty, On: "ocsp"}}, passed, "", "", "crl"},
		{"OCSP garbage", []fault.Fault{{Kind: pki.FaultGarbage, On: "ocsp"}}, passed, "", "", "crl"},
		{"OCSP signature wrong", []fault.Fault{{Kind: pki.FaultWrongSignature, On: "ocsp"}}, passed, "", "", "crl"},
		{"OCSP of somebody else", []fault.Fault{{Kind: pki.FaultWrongResponder, On: "ocsp"}}, passed, "", "", "crl"},
		{"OCSP about another", []fault.Fault{{Kind: pki.FaultOtherSerial}}, passed, "", "", "crl"},
		{"OCSP old", []fault.Fault{{Kind: pki.FaultStale, On: "ocsp"}}, passed, "", "", "crl"},
		{"OCSP from the future", []fault.Fault{{Kind: pki.FaultFuture, On: "ocsp"}}, passed, "", "", "crl"},
		{"OCSP replayed", []fault.Fault{{Kind: pki.FaultWrongNonce, On: "ocsp"}}, passed, "", "", "crl"},
		{"OCSP without nonce", []fault.Fault{{Kind: pki.FaultNoNonce}}, passed, "", "", "ocsp"},
		{
			"OCSP does not know",
			[]fault.Fault{{Kind: pki.FaultUnknown}},
			report.TotalFailed, report.ChainConstraintsFailure, "revocation_unknown", "ocsp",
		},
		{
			"all down",
			[]fault.Fault{{Kind: pki.FaultDown, On: "ocsp"}, {Kind: pki.FaultDown, On: "crl", Count: -1}},
			report.Indeterminate, later, "revocation_unavailable", "",
		},
		{
			"list signed wrongly",
			[]fault.Fault{{Kind: pki.FaultDown, On: "ocsp"}, {Kind: pki.FaultWrongSignature, On: "crl", Count: -1}},
			report.Indeterminate, later, "revocation_unavailable", "",
		},
		{
			"list is garbage",
			[]fault.Fault{{Kind: pki.FaultTryLater}, {Kind: pki.FaultGarbage, On: "crl", Count: -1}},
			report.Indeterminate, later, "revocation_unavailable", "",
		},
		{
			"list out of date",
			[]fault.Fault{{Kind: pki.FaultDown, On: "ocsp"}, {Kind: pki.FaultStale, On: "crl", Count: -1}},
			report.TotalFailed, report.ChainConstraintsFailure, report.ReasonCRLExpired, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := *b
			b.TB = t
			b.svc = b.service(func(b *bench, cfg *signer.Config) { withIntermediates(b, cfg) })
			b.srv.Faults.Clear()
			for _, f := range c.faults {
				b.fault(f)
			}
			v := b.validate(doc, nil)
			b.want(v, c.i, c.sub, c.reason)
			if got := v.Signatures[0].Revocation[0].Source; got != c.source {
				t.Errorf("the state comes from %q, want %q", got, c.source)
			}
		})
	}
}

// TestFaultyAnswerIsNotKept: what turned out to be unusable does not spoil the next validation.
func TestFaultyAnswerIsNotKept(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, func(_ *bench, cfg *signer.Config) { cfg.OCSPReuse = time.Hour })
	doc := b.sign(b.issue(pki.Profile{}), content, pki.CMSOptions{})
	b.fault(fault.Fault{Kind: pki.FaultWrongSignature, On: "ocsp"})
	b.fault(fault.Fault{Kind: pki.FaultWrongSignature, On: "crl", Count: 2})
	v := b.validate(doc, nil)
	b.want(v, report.Indeterminate, report.TryLater, "revocation_unavailable")
	b.want(b.validate(doc, nil), report.TotalPassed, "", "")
}

// TestRevocationSeenAfterReuse: an answer serves for as long as it is configured to, and no longer.
func TestRevocationSeenAfterReuse(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, func(_ *bench, cfg *signer.Config) { cfg.OCSPReuse = time.Minute })
	id := b.issue(pki.Profile{})
	doc := b.sign(id, content, pki.CMSOptions{})
	b.want(b.validate(doc, nil), report.TotalPassed, "", "")
	if err := b.pki.Revoke(id, pki.KeyCompromise, b.clk.now()); err != nil {
		t.Fatal(err)
	}
	b.clk.add(30 * time.Second)
	b.want(b.validate(doc, nil), report.TotalPassed, "", "")
	b.clk.add(31 * time.Second)
	b.want(b.validate(doc, nil), report.TotalFailed, report.Revoked, "revoked")
}

// TestAuthorities: the national CA itself, found through AIA, listed or not, revoked.
func TestAuthorities(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	doc := b.sign(b.issue(pki.Profile{}), content, pki.CMSOptions{})
	t.Run("found by address", func(t *testing.T) {
		b := *b
		b.TB = t
		v := b.validate(doc, nil)
		b.want(v, report.TotalPassed, "", "")
		for _, e := range v.Evidence {
			if e.Kind == "certificate" && strings.Contains(e.Source, "/cert/") {
				return
			}
		}
		t.Errorf("no certificate was fetched: %+v", v.Evidence)
	})
	t.Run("not to be found", func(t *testing.T) {
		b := *b
		b.TB = t
		b.svc = b.service(nil)
		b.fault(fault.Fault{Kind: pki.FaultDown, On: "cert", Count: -1})
		defer b.srv.Faults.Clear()
		b.want(b.validate(doc, nil), report.Indeterminate, report.NoCertificateChainFound, "no_chain")
	})
	t.Run("state unknown and not listed", func(t *testing.T) {
		b := *b
		b.TB = t
		b.svc = b.service(nil)
		b.fault(fault.Fault{Kind: pki.FaultDown, On: "crl", Count: -1})
		defer b.srv.Faults.Clear()
		b.want(b.validate(doc, nil), report.Indeterminate, report.TryLater, "revocation_unavailable")
	})
	t.Run("state unknown and listed", func(t *testing.T) {
		b := *b
		b.TB = t
		b.svc = b.service(func(b *bench, cfg *signer.Config) { withIntermediates(b, cfg) })
		b.fault(fault.Fault{Kind: pki.FaultDown, On: "crl", Count: -1})
		defer b.srv.Faults.Clear()
		v := b.validate(doc, nil)
		b.want(v, report.TotalPassed, "", "")
		if len(v.Signatures[0].Remarks) == 0 {
			t.Error("it is not remarked")
		}
	})
	t.Run("revoked", func(t *testing.T) {
		b := *b
		b.TB = t
		if err := b.pki.RevokeCA(b.pki.NCA(pki.ECDSA), pki.CACompromise, b.clk.now().Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*bench, *signer.Config){"unlisted": nil, "listed": withIntermediates} {
			b.svc = b.service(change)
			v := b.validate(doc, nil)
			b.want(v, report.TotalFailed, report.Revoked, "ca_revoked")
			t.Log(name, v.Sub)
		}
	})
}

// TestSeveralSigners: each is judged, and the worst makes the document's verdict.
func TestSeveralSigners(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA, pki.GOST2015}, nil)
	judge := b.issue(pki.Profile{Name: "judge", Surname: "СОТ"})
	secretary := b.issue(pki.Profile{Name: "secretary", Family: pki.GOST2015, Surname: "ХАТШЫ"})
	expired := b.issue(pki.Profile{Name: "expired", NotAfter: b.clk.now().Add(-time.Minute)})
	both, err := pki.CoSign(content, pki.CMSOptions{}, judge, secretary)
	if err != nil {
		t.Fatal(err)
	}
	v := b.validate(both, nil)
	b.want(v, report.TotalPassed, "", "")
	if len(v.Signatures) != 2 || v.Signatures[0].Signer.Name == v.Signatures[1].Signer.Name {
		t.Errorf("%d signatures", len(v.Signatures))
	}
	bad, err := pki.CoSign(content, pki.CMSOptions{}, judge, expired)
	if err != nil {
		t.Fatal(err)
	}
	v = b.validate(bad, nil)
	b.want(v, report.TotalFailed, report.Expired, "expired")
	passed := 0
	for _, s := range v.Signatures {
		if s.Indication == report.TotalPassed {
			passed++
		}
	}
	if passed != 1 {
		t.Errorf("%d signatures passed beside the expired one", passed)
	}
}

// TestRolesAndKinds: who a signature speaks for.
func TestRolesAndKinds(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	for _, c := range []struct {
		profile pki.Profile
		kind    string
		role    string
		bin     bool
	}{
		{pki.Profile{Kind: pki.Citizen}, "person", "individual", false},
		{pki.Profile{Kind: pki.Employee, Role: pki.Head, BIN: pki.BIN(3), Organisation: "ЖШС"}, "organisation", "head", true},
		{pki.Profile{Kind: pki.Employee, Role: pki.Staff, BIN: pki.BIN(3), Organisation: "ЖШС"}, "organisation", "employee", true},
		{pki.Profile{Kind: pki.InformationSystem, BIN: pki.BIN(4), Organisation: "Банк", SystemName: "Жүйе"}, "information_system", "information_system", true},
	} {
		id := b.issue(c.profile)
		v := b.validate(b.sign(id, content, pki.CMSOptions{}), nil)
		b.want(v, report.TotalPassed, "", "")
		s := v.Signatures[0].Signer
		found := false
		for _, r := range s.Roles {
			found = found || r.Code == c.role && r.Name.KK != ""
		}
		if s.Kind != c.kind || !found || c.bin != (s.BIN != "") || !s.IdentifiersValid {
			t.Errorf("want %s, %s: %+v", c.kind, c.role, s)
		}
	}
}

func TestUnusableRequests(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, func(_ *bench, cfg *signer.Config) { cfg.DocumentBytesMax = 1000 })
	for name, c := range map[string]struct {
		req  signer.ValidateRequest
		want error
	}{
		"empty":       {signer.ValidateRequest{}, signer.ErrRequest},
		"large":       {signer.ValidateRequest{Document: make([]byte, 1001)}, signer.ErrTooLarge},
		"original":    {signer.ValidateRequest{Document: content, Detached: make([]byte, 1001)}, signer.ErrTooLarge},
		"future":      {signer.ValidateRequest{Document: content, At: b.clk.now().Add(time.Second)}, signer.ErrRequest},
		"no database": {signer.ValidateRequest{Document: content, Store: true, Actor: "a"}, signer.ErrNoDatabase},
		"evidence":    {signer.ValidateRequest{Document: content, Evidence: [][]byte{content}}, signer.ErrRequest},
	} {
		if _, err := b.svc.Validate(t.Context(), c.req); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.svc.Validate(ended, signer.ValidateRequest{Document: content}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}
