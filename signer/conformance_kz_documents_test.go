package signer_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/signer/tsp"
)

// kzDocument is a signed sample with what is needed to judge it.
type kzDocument struct {
	file       string
	original   []byte
	signatures int
}

var kzDocuments = []kzDocument{
	{"CmsServiceTest.SIGNED_CMS.bin", nil, 2},
	{"CmsServiceTest.SIGNED_DETACHED_CMS.bin", []byte("test123"), 2},
	{"CmsServiceTest.SIGNED_CMS_ONE_SIGNER.bin", nil, 1},
	{"CmsIntegrationTest.SIGNED_CMS.bin", nil, 1},
	{"XmlServiceTest.XML_SIGNED_VALID_STRING.xml", nil, 1},
	{"XmlServiceTest.XML_SIGNED_VALID_STRING_TWO_SIGNERS.xml", nil, 2},
	{"WsseServiceTest.XML_SIGNED_STRING.xml", nil, 1},
	{"WsseServiceTest.XML_VALID_STRING.xml", nil, 0},
	{"WsseIntegrationTest.XML_STRING.xml", nil, 0},
}

func (d kzDocument) read(tb testing.TB) []byte {
	tb.Helper()
	return read(tb, corpora(tb, "kz", "ncanode", "groovy", d.file))
}

// middle is a time at which a signature's certificate was in date.
func middle(s signer.SignatureVerdict) time.Time {
	return s.Signer.NotBefore.Add(s.Signer.NotAfter.Sub(s.Signer.NotBefore) / 2)
}

// TestConformanceKZDocuments judges each signature of each sample in the time of its certificate, today, and in production.
// They were signed by NCANode with the keys of its tests, of which those of 2004 had expired by then.
func TestConformanceKZDocuments(t *testing.T) {
	s := kzConformance(t, "national documents: CMS, XMLDSig, WS-Security")
	today := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, d := range kzDocuments {
		doc := d.read(t)
		judge := func(mode trust.Mode, at time.Time) signer.Verdict {
			return kzService(t, mode, at, signer.RevocationOff).validate(doc, d.original)
		}
		now := judge(trust.Test, today)
		if len(now.Signatures) != d.signatures {
			t.Fatalf("%s: %d signatures", d.file, len(now.Signatures))
		}
		if d.signatures == 0 {
			s.verdict(d.file+", unsigned", outcomeOf(now.Indication, now.Sub)+" "+reasonCodes(now.Reasons), "TOTAL-FAILED FORMAT_FAILURE no_signature", nil)
			continue
		}
		strangers := judge(trust.Production, today)
		for i, sig := range now.Signatures {
			name := fmt.Sprintf("%s, signature %d, %s", d.file, i+1, sig.Algorithm)
			then := judge(trust.Test, middle(sig)).Signatures[i]
			s.verdict(name+", in its time", outcomeOf(then.Indication, then.Sub), "TOTAL-PASSED", nil)
			s.verdict(name+", today", outcomeOf(sig.Indication, sig.Sub), "TOTAL-FAILED EXPIRED", nil)
			in := strangers.Signatures[i]
			s.verdict(name+", in production", outcomeOf(in.Indication, in.Sub), "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND", nil)
		}
	}
}

// kzToken is the time-stamp token of the corpus with the certificate of its authority.
func kzToken(tb testing.TB) (raw []byte, token *tsp.Token, authority *pkix.Certificate) {
	tb.Helper()
	raw = read(tb, corpora(tb, "kz", "ncanode", "tsp", "tsp_token.bin"))
	token, err := tsp.ParseToken(raw)
	if err != nil {
		tb.Fatal(err)
	}
	found := token.Signer().Candidates(parse(tb, token.CMS.Certificates...))
	if len(found) != 1 {
		tb.Fatalf("%d certificates of the authority", len(found))
	}
	return raw, token, found[0]
}

// tokenHolds tells whether a token is one over an imprint, by a certificate.
func tokenHolds(raw []byte, want tsp.Expectation, authority *pkix.Certificate) bool {
	token, err := tsp.ParseToken(raw)
	return err == nil && token.Verify(want, authority).Worst().Status <= cms.Noted
}

// TestConformanceKZTimeStamps: the token of the corpus holds over the imprint that OpenSSL reads in it, its authority leads to an
// anchor, and so does the token of the response.
func TestConformanceKZTimeStamps(t *testing.T) {
	s := kzConformance(t, "national time stamps")
	raw, token, authority := kzToken(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), "openssl", "ts", "-reply", "-token_in", "-in", file, "-text").CombinedOutput()
	if err != nil || !strings.Contains(string(text), token.Info.GenTime.Format("Jan _2 15:04:05 2006")) || !strings.Contains(string(text), "Policy OID: "+token.Info.Policy) {
		t.Errorf("OpenSSL reads something else: %v\n%s", err, text)
	}
	verdict := func(holds bool) string { return map[bool]string{true: "holds", false: "does not hold"}[holds] }
	expect := tsp.Expectation{Imprint: token.Info.Imprint, Hash: token.Info.Hash}
	s.verdict("tsp_token.bin, over its imprint", verdict(tokenHolds(raw, expect, authority)), "holds", nil)
	other := expect
	other.Imprint = make([]byte, len(expect.Imprint))
	s.verdict("tsp_token.bin, over another imprint", verdict(tokenHolds(raw, other, authority)), "does not hold", nil)
	v := kzService(t, trust.Test, token.Info.GenTime, signer.RevocationOff).certificate(authority.Raw, time.Time{})
	s.verdict("tsp_token.bin, its authority", outcomeOf(v.Indication, v.Sub), "TOTAL-PASSED", nil)
	reply, err := tsp.ParseResponse(read(t, corpora(t, "kz", "ncanode", "tsp", "tsp_response.bin")))
	if err != nil || reply.Token == nil {
		t.Fatalf("tsp_response.bin: %v", err)
	}
	by := reply.Token.Signer().Candidates(parse(t, reply.Token.CMS.Certificates...))
	inside := tsp.Expectation{Imprint: reply.Token.Info.Imprint, Hash: reply.Token.Info.Hash}
	s.verdict("tsp_response.bin", verdict(len(by) == 1 && tokenHolds(reply.RawToken, inside, by[0])), "holds", nil)
}

// TestConformanceKZDeniesUnsigned: what is no signed document at all is never passed and never an error.
func TestConformanceKZDeniesUnsigned(t *testing.T) {
	s := kzConformance(t, "national files that are no signed documents")
	b := kzService(t, trust.Test, time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), signer.RevocationOff)
	for _, f := range kzFiles(t, func(base string) bool { return !isCMSFile(base) && !strings.Contains(base, "SIGNED") }) {
		v, err := b.svc.Validate(t.Context(), signer.ValidateRequest{Document: f.body})
		got := "refused"
		if err != nil || v.Indication == report.TotalPassed {
			got = fmt.Sprintf("%s, %v", v.Indication, err)
		}
		s.verdict(f.name, got, "refused", nil)
	}
}
