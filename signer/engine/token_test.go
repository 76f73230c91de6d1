package engine_test

import (
	"bytes"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/signer/tsp"
	"qaqpa/testenv/pki"
)

// TestTokenAlone judges RFC 3161 tokens that come as documents.
func TestTokenAlone(t *testing.T) {
	a := newArchive(t)
	a.set.At, a.set.Now = a.Clock, a.Clock
	judge := func(document, original []byte) report.Verdict {
		return engine.Open(document, original, nil).Assess(a.set, engine.Evidence{CRLs: a.crls}).Verdict
	}
	plain := func(p pki.Profile) *pki.Identity {
		p.Family, p.Organisation = pki.ECDSA, "TSA"
		if p.Kind == "" {
			p.Kind = pki.TimeStamping
		}
		return a.Issue(p)
	}
	good := a.Stamp(content, nil)
	response := func() []byte {
		q, err := tsp.Request{Hash: algo.SHA512, Imprint: algo.SHA512.Sum(nil, content), Certificates: true}.Encode()
		a.Must(err)
		return a.PKI.TimeStamp(q)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-3] ^= 1
	for _, c := range []struct {
		name               string
		document, original []byte
		want               report.Indication
		sub                report.SubIndication
	}{
		{"good", good, content, report.TotalPassed, ""},
		{"armoured", pki.ArmourCMS(good), content, report.TotalPassed, ""},
		{"response of the authority", response(), content, report.TotalPassed, ""},
		{"nothing beside it", good, nil, report.Indeterminate, report.SignedDataNotFound},
		{"other data", good, []byte("other"), report.TotalFailed, report.HashFailure},
		{"signature wrong", flipped, content, report.TotalFailed, report.SigCryptoFailure},
		{"two purposes", a.Stamp(content, plain(pki.Profile{Name: "two", ExtKeyUsage: []string{"1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.4"}})), content, report.Indeterminate, report.ChainConstraintsFailure},
		{"a person's key", a.Stamp(content, a.ID), content, report.Indeterminate, report.ChainConstraintsFailure},
		{"an impostor", a.Stamp(content, plain(pki.Profile{Name: "false", Impostor: true})), content, report.Indeterminate, report.ChainGeneralFailure},
		{"expired authority", a.Stamp(content, plain(pki.Profile{Name: "old", NotAfter: a.Clock.AddDate(0, 0, -1)})), content, report.Indeterminate, report.OutOfBoundsNoPOE},
		{"from the future", a.StampDigest(algo.SHA256.Sum(nil, content), nil, a.Clock.AddDate(0, 0, 1)), content, report.Indeterminate, report.TimestampOrderFailure},
	} {
		v := judge(c.document, c.original)
		if v.Format != engine.FormatToken || v.Indication != c.want || v.Sub != c.sub || len(v.TimeStamps) != 1 || v.Passed() {
			t.Errorf("%s: %s %s/%s, want %s/%s", c.name, v.Format, v.Indication, v.Sub, c.want, c.sub)
			for _, ts := range v.TimeStamps {
				for _, r := range ts.Reasons {
					t.Log(r.Code, r.Detail)
				}
			}
		}
	}
	// A signed document is no token because it is called one, and a token is no signature of its authority.
	if v := judge(a.Sign(a.ID, pki.CMSOptions{}), nil); v.Format != "CMS" {
		t.Errorf("a signature is taken for a %s", v.Format)
	}
	if v := judge(good, content); len(v.Signatures) != 0 || v.Content != nil {
		t.Error("a token is taken for a signature")
	}
}
