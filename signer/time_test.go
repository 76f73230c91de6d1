package signer_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/report"
	"qaqpa/signer/tsp"
	"qaqpa/testenv/pki"
)

// stamped adds a time stamp, made to order, to an attached signature.
func (b *bench) stamped(doc []byte, o pki.TSPOptions, over func(signature []byte) []byte) []byte {
	b.Helper()
	sd, err := cms.Parse(doc, cms.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	signature := sd.Signers[0].Signature
	if over != nil {
		signature = over(signature)
	}
	sum := sha256.Sum256(signature)
	ask, err := tsp.Request{Hash: algo.SHA256, Imprint: sum[:], Certificates: true}.Encode()
	if err != nil {
		b.Fatal(err)
	}
	resp, err := tsp.ParseResponse(b.pki.TimeStampWith(ask, o))
	if err != nil {
		b.Fatal(err)
	}
	out, err := sd.AddUnsigned(0, cms.OIDSignatureTimestamp, resp.RawToken)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// TestExpiryAfterStamp: a time stamp and the OCSP answer of that time carry a signature over the end of its certificate.
func TestExpiryAfterStamp(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(pki.Profile{NotAfter: b.clk.now().Add(time.Hour)})
	plain := b.sign(id, content, pki.CMSOptions{})
	stamped := b.sign(id, content, pki.CMSOptions{TimeStamp: true})
	answer, err := b.pki.OCSPFor(id, pki.OCSPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.want(b.validate(stamped, nil), report.TotalPassed, "", "")
	b.clk.add(2 * time.Hour)
	b.want(b.validate(plain, nil), report.TotalFailed, report.Expired, "expired")
	v := b.validateRequest(signer.ValidateRequest{Document: stamped, Evidence: [][]byte{answer}})
	b.want(v, report.TotalPassed, "", "")
	if s := v.Signatures[0]; !s.TimeProven || !s.BestAt.Before(id.NotAfter) {
		t.Errorf("best time %s, proven %v", s.BestAt, s.TimeProven)
	}
	// The answer of today says nothing about a certificate that has left the records.
	v = b.validate(stamped, nil)
	if v.Indication != report.Indeterminate || v.Sub != report.TryLater {
		t.Errorf("%s/%s", v.Indication, v.Sub)
	}
	// An answer alone proves no time.
	v = b.validateRequest(signer.ValidateRequest{Document: plain, Evidence: [][]byte{answer}})
	b.want(v, report.TotalFailed, report.Expired, "expired")
}

func TestRevocationAroundStamp(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(pki.Profile{})
	early, plain := b.sign(id, content, pki.CMSOptions{TimeStamp: true}), b.sign(id, content, pki.CMSOptions{})
	b.clk.add(10 * time.Minute)
	if err := b.pki.Revoke(id, pki.KeyCompromise, b.clk.now()); err != nil {
		t.Fatal(err)
	}
	b.clk.add(10 * time.Minute)
	late := b.sign(id, content, pki.CMSOptions{TimeStamp: true, SigningTime: b.clk.now().Add(-15 * time.Minute)})
	b.want(b.validate(early, nil), report.TotalPassed, "", "")
	b.want(b.validate(plain, nil), report.TotalFailed, report.Revoked, "revoked")
	b.want(b.validate(late, nil), report.TotalFailed, report.Revoked, "revoked")
	// Judged for the time before, the certificate was good.
	v := b.validateRequest(signer.ValidateRequest{Document: plain, At: b.clk.now().Add(-15 * time.Minute)})
	b.want(v, report.TotalPassed, "", "")
}

// TestStampsThatDoNotCount: copied, forged, made by somebody else, from the future. The signature is then judged for now.
func TestStampsThatDoNotCount(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(pki.Profile{Name: "signer"})
	doc := b.sign(id, content, pki.CMSOptions{})
	for name, c := range map[string]struct {
		o      pki.TSPOptions
		over   func([]byte) []byte
		reason report.Code
	}{
		"other signature": {over: func(s []byte) []byte { return append([]byte("x"), s...) }, reason: report.ReasonTimeStampImprint},
		"wrong imprint":   {o: pki.TSPOptions{WrongImprint: true}, reason: report.ReasonTimeStampImprint},
		"forged":          {o: pki.TSPOptions{CorruptSignature: true}, reason: report.ReasonTimeStampSignature},
		"by a citizen":    {o: pki.TSPOptions{Authority: b.issue(pki.Profile{Name: "citizen"})}, reason: report.ReasonExtendedKeyUsage},
		"by a look-alike": {o: pki.TSPOptions{Authority: b.issue(pki.Profile{
			Name: "tsa", Kind: pki.TimeStamping, SystemName: "TSA", Impostor: true,
		})}, reason: "certificate_signature"},
		"by an expired authority": {o: pki.TSPOptions{Authority: b.issue(pki.Profile{
			Name: "old", Kind: pki.TimeStamping, SystemName: "TSA", NotAfter: b.clk.now().Add(-time.Minute),
		})}, reason: "expired"},
		"from the future": {o: pki.TSPOptions{GenTime: b.clk.now().Add(time.Hour)}, reason: report.ReasonTimeStampFuture},
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.TB = t
			v := b.validate(b.stamped(doc, c.o, c.over), nil)
			b.want(v, report.TotalPassed, "", "")
			s := v.Signatures[0]
			if s.TimeProven || !s.BestAt.Equal(v.At) || len(s.TimeStamps) != 1 || s.TimeStamps[0].Indication == report.TotalPassed {
				t.Errorf("it counts: %+v", s.TimeStamps)
			}
			found, remarked := false, false
			for _, r := range s.TimeStamps[0].Reasons {
				found = found || r.Code == c.reason
				t.Log(r.Code, r.Detail)
			}
			for _, r := range s.Remarks {
				remarked = remarked || r.Code == report.ReasonTimeStampUnused
			}
			if !found || !remarked {
				t.Errorf("the reason %s is given %v, remarked %v", c.reason, found, remarked)
			}
		})
	}
	t.Run("the good one of two", func(t *testing.T) {
		b := *b
		b.TB = t
		at := b.clk.now().Add(-time.Minute)
		two := b.stamped(b.stamped(doc, pki.TSPOptions{WrongImprint: true}, nil), pki.TSPOptions{GenTime: at}, nil)
		s := b.validate(two, nil).Signatures[0]
		if !s.TimeProven || !s.BestAt.Equal(at.Truncate(time.Second)) {
			t.Errorf("best time %s, proven %v", s.BestAt, s.TimeProven)
		}
	})
}
