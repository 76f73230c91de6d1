package engine_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/specimen"
)

var content = specimen.Content

// lab is a signer whose whole evidence is at hand: nothing is fetched, everything can be judged purely.
type lab struct {
	testing.TB
	pki      *pki.PKI
	id       *pki.Identity
	setting  engine.Setting
	evidence engine.Evidence
}

func setup(tb testing.TB, family pki.Family) *lab {
	tb.Helper()
	now := time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	p, err := pki.New(pki.Options{Dir: tb.TempDir(), Families: []pki.Family{family}, Now: func() time.Time { return now }})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Release(); err != nil {
			tb.Error(err)
		}
	})
	l := &lab{TB: tb, pki: p}
	l.id, err = p.Issue(pki.Profile{Family: family, Kind: pki.Citizen, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(1)})
	if err != nil {
		tb.Fatal(err)
	}
	store, err := trust.New(trust.Config{
		Mode: trust.Custom, Anchors: [][]byte{p.AnchorsPEM()}, Intermediates: [][]byte{p.IntermediatesPEM()},
	})
	if err != nil {
		tb.Fatal(err)
	}
	policy, err := engine.PolicyNamed("")
	if err != nil {
		tb.Fatal(err)
	}
	l.setting = engine.Setting{
		At: now.Add(time.Minute), Now: now.Add(time.Minute), Trust: engine.NewTrust(store), Policy: policy,
		Algorithms: algo.DefaultReliability(), Memo: path.NewMemo(1024),
	}
	for _, ca := range []*pki.CA{p.NCA(family), p.Root(family)} {
		der, err := p.CRL(ca)
		if err != nil {
			tb.Fatal(err)
		}
		crl, err := pkix.ParseCRL(der)
		if err != nil {
			tb.Fatal(err)
		}
		l.evidence.CRLs = append(l.evidence.CRLs, crl)
	}
	return l
}

func (l *lab) sign(o pki.CMSOptions) []byte {
	l.Helper()
	doc, err := l.id.SignCMS(content, o)
	if err != nil {
		l.Fatal(err)
	}
	return doc
}

func (l *lab) assess(doc, original []byte) engine.Assessment {
	return engine.Open(doc, original, nil).Assess(l.setting, l.evidence)
}

// TestPure: the same in, the same out, however often and in whatever order evidence was looked at.
func TestPure(t *testing.T) {
	l := setup(t, pki.ECDSA)
	doc := l.sign(pki.CMSOptions{TimeStamp: true})
	encode := func(v report.Verdict) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	c := engine.Open(doc, nil, nil)
	first := encode(c.Assess(l.setting, l.evidence).Verdict)
	for range 3 {
		if again := encode(c.Assess(l.setting, l.evidence).Verdict); again != first {
			t.Fatalf("%s\n%s", first, again)
		}
	}
	l.setting.Memo = nil
	if again := encode(l.assess(doc, nil).Verdict); again != first {
		t.Errorf("the memo changes the verdict:\n%s\n%s", first, again)
	}
	l.evidence.CRLs[0], l.evidence.CRLs[1] = l.evidence.CRLs[1], l.evidence.CRLs[0]
	if again := encode(l.assess(doc, nil).Verdict); again != first {
		t.Errorf("the order of evidence changes the verdict:\n%s\n%s", first, again)
	}
}

// TestNeeds: what is missing is told, and only for signatures that could hold.
func TestNeeds(t *testing.T) {
	l := setup(t, pki.ECDSA)
	full := l.evidence
	if a := l.assess(l.sign(pki.CMSOptions{}), nil); a.Verdict.Indication != report.TotalPassed || len(a.Needs) != 0 {
		t.Errorf("%s/%s needs %d", a.Verdict.Indication, a.Verdict.Sub, len(a.Needs))
	}
	l.evidence = engine.Evidence{}
	a := l.assess(l.sign(pki.CMSOptions{}), nil)
	if a.Verdict.Sub != report.TryLater || len(a.Needs) != 2 {
		t.Errorf("%s/%s needs %d", a.Verdict.Indication, a.Verdict.Sub, len(a.Needs))
	}
	if a := l.assess(l.sign(pki.CMSOptions{CorruptSignature: true}), nil); len(a.Needs) != 0 {
		t.Errorf("a broken signature needs %d", len(a.Needs))
	}
	if a := l.assess(content, nil); len(a.Needs) != 0 || a.Verdict.Format != "UNKNOWN" {
		t.Errorf("what is no document needs %d", len(a.Needs))
	}
	l.evidence = full
}

// TestStandardPolicy keeps to the pairs of EN 319 102-1 where the national order says more.
func TestStandardPolicy(t *testing.T) {
	l := setup(t, pki.ECDSA)
	var err error
	if l.setting.Policy, err = engine.PolicyNamed(engine.PolicyStandard); err != nil {
		t.Fatal(err)
	}
	doc := l.sign(pki.CMSOptions{})
	want := func(i report.Indication, subs ...report.SubIndication) {
		t.Helper()
		v := l.assess(doc, nil).Verdict
		ok := v.Indication == i
		for _, s := range subs {
			if ok = ok && v.Sub == s; ok {
				return
			}
			ok = v.Indication == i
		}
		t.Errorf("%s/%s, want %s %v", v.Indication, v.Sub, i, subs)
	}
	want(report.TotalPassed, "")
	l.setting.At = l.setting.At.AddDate(5, 0, 0)
	l.setting.Now = l.setting.At
	want(report.Indeterminate, report.OutOfBoundsNoPOE)
	if _, err := engine.PolicyNamed("no such"); err == nil {
		t.Error("an unknown policy is taken")
	}
}

// TestMutations flips a bit, drops and doubles each octet of good documents. What still passes must sign the same
// content by the same signer: only octets that nobody signs may change. Those are the version number, the list of digest
// algorithms (a hint for readers of streams) and the case of letters in the signer identifier's issuer, which is compared by
// RFC 5280 7.1 and bound by the signed certificate digest.
func TestMutations(t *testing.T) {
	for _, family := range []pki.Family{pki.ECDSA, pki.GOST2015} {
		l := setup(t, family)
		doc := l.sign(pki.CMSOptions{})
		good := l.assess(doc, nil).Verdict
		if good.Indication != report.TotalPassed {
			t.Fatal(good.Sub)
		}
		step := 1
		if family == pki.GOST2015 || testing.Short() {
			step = 7 // a signature of this family costs more
		}
		survivors := 0
		for i := 0; i < len(doc); i += step {
			flipped := bytes.Clone(doc)
			flipped[i] ^= 1 << (i % 8)
			dropped := append(bytes.Clone(doc[:i]), doc[i+1:]...)
			doubled := append(append(bytes.Clone(doc[:i+1]), doc[i]), doc[i+1:]...)
			for _, m := range [][]byte{flipped, dropped, doubled} {
				v := l.assess(m, nil).Verdict
				if v.Indication != report.TotalPassed {
					continue
				}
				survivors++
				same := bytes.Equal(v.Content, good.Content) && len(v.Signatures) == 1 &&
					v.Signatures[0].Signer.CertificateSHA256 == good.Signatures[0].Signer.CertificateSHA256
				if !same {
					t.Fatalf("octet %d: passes with content %q by %s", i, v.Content, v.Signatures[0].Signer.Name)
				}
			}
		}
		t.Logf("%s: %d octets, %d mutations pass unchanged in content and signer", family, len(doc), survivors)
		if survivors > 24 {
			t.Errorf("%d mutations pass: more of the document is unsigned than is known", survivors)
		}
	}
}

// FuzzAssess: whatever comes as a document, there is a verdict, in time, and it passes only for what was signed.
func FuzzAssess(f *testing.F) {
	l := setup(f, pki.ECDSA)
	for _, o := range []pki.CMSOptions{
		{},
		{Detached: true},
		{Indefinite: true},
		{TimeStamp: true},
		{Chain: true},
		{SubjectKeyIdentifier: true},
		{NoSignedAttributes: true},
		{NoCertificate: true},
		{CorruptSignature: true},
	} {
		doc := l.sign(o)
		f.Add(doc, false)
		f.Add(doc, true)
		f.Add(pki.ArmourCMS(doc), false)
	}
	for _, doc := range xmlSeeds {
		f.Add([]byte(doc), false)
		f.Add([]byte(doc), true)
	}
	f.Add([]byte{}, false)
	f.Add([]byte("-----BEGIN CMS-----"), true)
	f.Fuzz(func(t *testing.T, doc []byte, detached bool) {
		var original []byte
		if detached {
			original = content
		}
		start := time.Now()
		v := l.assess(doc, original).Verdict
		if d := time.Since(start); d > time.Minute {
			t.Errorf("took %s", d)
		}
		switch v.Indication {
		case report.TotalPassed:
			signed := v.Content
			if v.Detached {
				signed = original
			}
			if !bytes.Equal(signed, content) || len(v.Signatures) == 0 {
				t.Fatalf("passes with content %q", signed)
			}
		case report.TotalFailed, report.Indeterminate:
			if v.Sub == "" {
				t.Errorf("%s without a sub-indication", v.Indication)
			}
		default:
			t.Errorf("no indication: %q", v.Indication)
		}
		if _, err := json.Marshal(v); err != nil {
			t.Error(err)
		}
	})
}

// TestManySigners: a document with many signatures is judged whole; one that asks for more work than the budget is
// judged in bounded time, and what was not verified does not pass.
func TestManySigners(t *testing.T) {
	l := setup(t, pki.ECDSA)
	signers := make([]*pki.Identity, 200)
	for i := range signers {
		signers[i] = l.id
	}
	doc, err := pki.CoSign(content, pki.CMSOptions{}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	v := l.assess(doc, nil).Verdict
	if v.Indication != report.TotalPassed || len(v.Signatures) != 200 {
		t.Errorf("%s/%s, %d signatures", v.Indication, v.Sub, len(v.Signatures))
	}
	// Rounds of gathering repeat nothing of the cryptography, but hostile evidence could: go on until the budget ends.
	c := engine.Open(doc, nil, nil)
	for range 60 {
		l.setting.Memo = nil // as if no signature were worth remembering
		v = c.Assess(l.setting, l.evidence).Verdict
	}
	if v.Indication == report.TotalPassed {
		t.Error("passes beyond the budget")
	}
	found := false
	for _, s := range v.Signatures {
		for _, r := range s.Reasons {
			found = found || r.Code == report.ReasonBudget
		}
	}
	if d := time.Since(start); !found || d > time.Minute {
		t.Errorf("budget given as reason: %v; took %s", found, d)
	}
}
