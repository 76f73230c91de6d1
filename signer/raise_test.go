package signer_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/report"
	"qaqpa/signer/sealing"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

func (b *bench) raise(req signer.RaiseRequest) signer.MadeSeal {
	b.Helper()
	req.Actor = "test"
	out, err := b.svc.Raise(b.Context(), req)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// TestRaiseCMS: signatures of others, several in one document, national ones too, reach each level from each lower one; the signatures
// themselves stay as they were.
func TestRaiseCMS(t *testing.T) {
	families := []pki.Family{pki.ECDSA, pki.RSA, pki.GOST2015}
	b := setup(t, families, withTSA)
	keys := map[pki.Family]signer.SigningKey{}
	for _, f := range families {
		keys[f] = b.key(b.issue(pki.Profile{Family: f, Name: "signer_" + string(f)}))
	}
	for _, detached := range []bool{false, true} {
		var doc, original []byte
		if detached {
			original = content
		}
		for _, f := range families {
			doc = b.signCMS(signer.SignCMSRequest{CMS: doc, Document: content, Detached: detached, Key: keys[f]})
		}
		before, err := cms.Parse(doc, cms.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		steps := []sealing.Level{sealing.T, sealing.LT, sealing.LTA, sealing.LTA}
		for i, level := range steps {
			out := b.raise(signer.RaiseRequest{Document: doc, Detached: original, Level: level})
			if i < 3 { // straight from the lowest
				straight := b.raise(signer.RaiseRequest{Document: pki.ArmourCMS(b.detachedOrNot(before)), Detached: original, Level: level})
				b.checkRaised(straight.Document, original, level, len(families))
			}
			doc = out.Document
			b.checkRaised(doc, original, level, len(families))
			after, err := cms.Parse(doc, cms.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for k := range before.Signers {
				if !bytes.Equal(before.Signers[k].Signature, after.Signers[k].Signature) {
					t.Error("a signature has changed")
				}
			}
			b.clk.add(time.Minute)
		}
		if v := b.validate(doc, original); len(v.Signatures[0].TimeStamps) != 3 {
			t.Errorf("%d time stamps after a second archive time stamp", len(v.Signatures[0].TimeStamps))
		}
		for _, level := range steps[:2] {
			if _, err := b.svc.Raise(t.Context(), signer.RaiseRequest{Document: doc, Detached: original, Level: level}); !errors.Is(err, signer.ErrRaised) {
				t.Errorf("raised from LTA to %s: %v", level, err)
			}
		}
	}
}

// detachedOrNot is the document as it was read.
func (b *bench) detachedOrNot(sd *cms.SignedData) []byte {
	b.Helper()
	if !sd.HasContent {
		out, err := sd.Detach()
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	out, err := sd.Attach(sd.Content)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func (b *bench) checkRaised(doc, original []byte, level sealing.Level, signers int) {
	b.Helper()
	v := b.validate(doc, original)
	b.want(v, report.TotalPassed, "", "")
	if len(v.Signatures) != signers {
		b.Fatalf("%d signatures", len(v.Signatures))
	}
	for _, s := range v.Signatures {
		if s.Level != "CAdES-"+string(level) || !s.TimeProven {
			b.Errorf("level %s, time proven %v", s.Level, s.TimeProven)
		}
		for _, ts := range s.TimeStamps {
			if ts.Indication != report.TotalPassed {
				b.Errorf("%s: %s %s", ts.Kind, ts.Indication, ts.Sub)
			}
		}
	}
	b.checkOffline(doc, original, level.Rank() >= 2, true)
}

// TestRaiseOutlives: a raised signature holds after the end of its certificate and the revocation of its key.
func TestRaiseOutlives(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withTSA)
	id := b.issue(pki.Profile{NotAfter: b.clk.now().Add(time.Hour)})
	plain := b.signCMS(signer.SignCMSRequest{Document: content, Key: b.key(id)})
	raised := b.raise(signer.RaiseRequest{Document: plain, Level: sealing.LTA}).Document
	b.clk.add(2 * time.Hour)
	if v := b.validate(plain, nil); v.Indication == report.TotalPassed {
		t.Error("the plain signature outlives its certificate")
	}
	b.want(b.validate(raised, nil), report.TotalPassed, "", "")
	var refused *signer.NotRaisableError
	if _, err := b.svc.Raise(t.Context(), signer.RaiseRequest{Document: plain, Level: sealing.T}); !errors.As(err, &refused) || refused.Sub != report.Expired {
		t.Errorf("an ended signature: %v", err)
	}
	if again := b.raise(signer.RaiseRequest{Document: raised, Level: sealing.LTA}); b.validate(again.Document, nil).Indication != report.TotalPassed {
		t.Error("raised again it does not hold")
	}
}

// TestRaisePDF: from each level to each higher one, with several signatures, nothing but additions.
func TestRaisePDF(t *testing.T) {
	needsPrograms(t, "qpdf", "pdfsig")
	b := setup(t, []pki.Family{pki.ECDSA}, withTSA)
	one, two := b.key(b.issue(pki.Profile{Name: "one"})), b.key(b.issue(pki.Profile{Name: "two"}))
	for from := range 3 {
		for to := from + 1; to < 4; to++ {
			doc := b.signPDF(signer.SignPDFRequest{Document: page(t), Key: one, PDFOptions: signer.PDFOptions{Level: sealing.Levels()[from]}})
			doc = b.signPDF(signer.SignPDFRequest{Document: doc, Key: two})
			level := sealing.Levels()[to]
			out := b.raise(signer.RaiseRequest{Document: doc, Level: level}).Document
			if !bytes.HasPrefix(out, doc) {
				t.Fatal("the document was changed")
			}
			v := b.validate(out, nil)
			b.want(v, report.TotalPassed, "", "")
			for i, s := range v.Signatures {
				if !s.TimeProven || s.Level != "PAdES-B-"+string(level) && i == 1 {
					t.Errorf("from %s to %s: signature %d is %s, time proven %v", sealing.Levels()[from], level, i, s.Level, s.TimeProven)
				}
			}
			b.outside(out, 2)
			b.checkOffline(out, nil, to >= 2, true)
		}
	}
	certified := b.signPDF(signer.SignPDFRequest{Document: page(t), Key: one, PDFOptions: signer.PDFOptions{Permission: 1}})
	out := b.raise(signer.RaiseRequest{Document: certified, Level: sealing.LTA}).Document
	b.want(b.validate(out, nil), report.TotalPassed, "", "")
}

// TestRaiseRefuses: what does not hold, or is not of the baseline, is not raised; with a service down nothing is returned.
func TestRaiseRefuses(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withTSA)
	key := b.key(b.issue(pki.Profile{}))
	good := b.signCMS(signer.SignCMSRequest{Document: content, Key: key})
	outside := b.signCMS(signer.SignCMSRequest{Document: content, Detached: true, Key: key})
	changed := bytes.Clone(good)
	changed[bytes.Index(changed, content)] ^= 1
	sum := sha256.Sum256(content)
	var refused *signer.NotRaisableError
	for name, c := range map[string]struct {
		req  signer.RaiseRequest
		want error
	}{
		"changed":           {signer.RaiseRequest{Document: changed, Level: sealing.T}, nil},
		"original missing":  {signer.RaiseRequest{Document: outside, Level: sealing.T}, nil},
		"another original":  {signer.RaiseRequest{Document: outside, Detached: []byte("other"), Level: sealing.T}, nil},
		"text":              {signer.RaiseRequest{Document: content, Level: sealing.T}, nil},
		"empty":             {signer.RaiseRequest{Level: sealing.T}, signer.ErrRequest},
		"to the lowest":     {signer.RaiseRequest{Document: good, Level: sealing.B}, signer.ErrRequest},
		"to no level":       {signer.RaiseRequest{Document: good}, signer.ErrRequest},
		"without attribute": {signer.RaiseRequest{Document: b.sign(b.issue(pki.Profile{Name: "old"}), content, pki.CMSOptions{NoSigningCertificateV2: true}), Level: sealing.T}, signer.ErrRequest},
		"XML":               {signer.RaiseRequest{Document: b.signXMLFor(key), Level: sealing.T}, signer.ErrRequest},
	} {
		out, err := b.svc.Raise(t.Context(), c.req)
		if out.Document != nil || c.want == nil && !errors.As(err, &refused) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.raise(signer.RaiseRequest{Document: outside, DetachedDigests: map[algo.Hash][]byte{algo.SHA256: sum[:]}, Level: sealing.LTA})
	for on, want := range map[string]error{"tsp": signer.ErrTimeStamp} {
		b.fault(fault.Fault{Kind: pki.FaultDown, On: on, Count: -1})
		if out, err := b.svc.Raise(t.Context(), signer.RaiseRequest{Document: good, Level: sealing.LT}); !errors.Is(err, want) || out.Document != nil {
			t.Errorf("%s down: %v", on, err)
		}
	}
}

func (b *bench) signXMLFor(key signer.SigningKey) []byte {
	b.Helper()
	out, err := b.svc.SignXML(b.Context(), signer.SignXMLRequest{Document: []byte("<a/>"), Key: key})
	if err != nil {
		b.Fatal(err)
	}
	return out
}
