package paper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/report"

	"pgregory.net/rapid"
)

func at() time.Time { return time.Date(2026, 10, 18, 21, 5, 0, 0, time.UTC) }

func languages() []report.Lang { return []report.Lang{report.KK, report.RU, report.EN} }

// sample is a verdict with everything that a page shows.
func sample(i report.Indication) report.Verdict {
	claimed, this, next := at(), at(), at().Add(time.Hour)
	digest := strings.Repeat("0af9", 16)
	stamp := report.TimeStamp{
		Kind: "signature-time-stamp", Indication: i, GenTime: at(), TSA: "CN=УЦ ГО TSA, C=KZ", Serial: "0b", Policy: "1.2.398.3.3.2.6.4", Algorithm: "GOST-2015-512", SHA256: digest,
		Reasons: []report.Reason{report.New(report.ReasonTimeStampImprint, "RFC 3161 2.4.2", "digest differs")},
	}
	sig := report.Signature{
		SHA256: digest, Indication: i, Level: "CAdES-LT", Process: "long-term", Algorithm: "RSA-2048 with SHA-256", ClaimedAt: &claimed, BestAt: at(), Covers: "content",
		Reasons: []report.Reason{report.New(report.ReasonRevoked, "№500/НҚ 18", "serial 1f")}, Remarks: []report.Reason{report.New(report.ReasonTestTrust, "", "")},
		Signer: &report.Signer{
			Kind: "organisation", Name: "ӘБДІҒАЛИҚЫЗЫ ҰЛЖАН", IIN: "850101300019", BIN: "123456789012", Organisation: "«ҚАҚПА» ЖШС", Serial: strings.Repeat("1f", 20), Issuer: "CN=ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA), C=KZ",
			NotBefore: at(), NotAfter: at(), CertificateSHA256: digest, KeyUse: "SIGN", Roles: []report.Role{{Name: report.Text{KK: "басшы", RU: "руководитель", EN: "head"}}},
		},
		Blocks:      []report.Block{{Name: "format-checking", Clause: "5.2.2", Indication: "PASSED"}, {Name: "x509-certificate-validation", Clause: "5.2.6", Indication: "INDETERMINATE", Sub: report.RevokedNoPOE}},
		Constraints: []report.Constraint{{Name: "whole-document", Level: "FAIL", Kept: true}, {Name: "time-stamp-delay", Level: "WARN"}, {Name: "signing-time", Level: "IGNORE"}},
		Chain:       []report.Certificate{{Subject: "CN=ӘБДІҒАЛИҚЫЗЫ ҰЛЖАН,SERIALNUMBER=IIN850101300019", Serial: "1f", SHA256: digest, NotBefore: at(), NotAfter: at(), Algorithm: "RSA-2048 with SHA-256"}, {Subject: "CN=НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ", Anchor: true, SHA256: digest}},
		Revocation:  []report.Revocation{{CertificateSHA256: digest, Status: "good", Source: "ocsp", ThisUpdate: &this, NextUpdate: &next, EvidenceSHA256: digest}, {CertificateSHA256: digest, Status: "revoked", RevokedAt: &this, RevocationReason: "keyCompromise"}},
		TimeStamps:  []report.TimeStamp{stamp},
		Scopes:      []report.Scope{{Coverage: "PARTIAL", Agrees: true, Parts: []report.Node{{Path: "/doc/signed", ID: "a"}}, Holes: []report.Node{{Path: "/doc/signed/hole"}}}, {Coverage: "NOTHING", Detail: "no node"}},
		Changes:     []report.Change{{Kind: "annotation", Revision: 2, Forbidden: true, Detail: "page 1"}},
		Attributes:  []report.Attribute{{OID: "1.2.840.113549.1.9.5", Name: "signing-time", Signed: true, Value: "2026"}},
	}
	sig.CounterSignatures = []report.Signature{{Indication: report.Indeterminate, Covers: "signature"}}
	return report.Verdict{
		ID: "vrd_00" + strings.Repeat("9", 32), Indication: i, Sub: report.Revoked, Format: "CMS", Coverage: "FULL", At: at(), EvidenceAt: at(), Policy: "kz-2026", PolicySHA256: digest, TrustMode: "production", TrustSHA256: digest,
		DocumentSHA256: digest, ContentSHA256: digest, Signatures: []report.Signature{sig},
		Evidence: []report.Evidence{{Kind: "ocsp", SHA256: digest, Source: "http://ocsp.pki.gov.kz/", SizeBytes: 1834, ObtainedAt: &this}, {Kind: "crl", Source: "http://crl.pki.gov.kz/nca_rsa.crl", Failure: "timeout"}},
	}
}

// Every word is there in three languages, and every page is complete, well-formed and the same a second time.
func TestPagesAreComplete(t *testing.T) {
	for name, part := range map[string]map[string]report.Text{"plain": plainWords, "expert": expertWords} {
		for id, text := range part {
			if text.KK == "" || text.RU == "" || text.EN == "" {
				t.Errorf("%s %s lacks a language: %+v", name, id, text)
			}
			if n := strings.Count(text.EN, "%"); strings.Count(text.KK, "%") != n || strings.Count(text.RU, "%") != n {
				t.Errorf("%s %s has other places in other languages: %+v", name, id, text)
			}
		}
	}
	unnamed := regexp.MustCompile(`[>"](x|h|c|status|change|covers|when|kind)\.[a-z]|%!|<no value>|<script`)
	for _, i := range []report.Indication{report.TotalPassed, report.TotalFailed, report.Indeterminate, "ELSE"} {
		for _, l := range languages() {
			v := sample(i)
			page, err := HTML(v, l)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := HTML(v, l); !bytes.Equal(page, again) {
				t.Error("equal verdicts give other bytes")
			}
			if found := unnamed.FindString(string(page)); found != "" {
				t.Errorf("%s %s: the page has %q", i, l, found)
			}
			for _, need := range []string{`<html lang="` + string(l) + `">`, "<h1>", "<details", "№500/НҚ 18", "EN 319 102-1 5.2.6", v.DocumentSHA256, "ocsp.pki.gov.kz"} {
				if !strings.Contains(html.UnescapeString(string(page)), need) {
					t.Errorf("%s %s: the page lacks %s", i, l, need)
				}
			}
		}
	}
}

func TestPlainWords(t *testing.T) {
	for lang, want := range map[report.Lang][]string{
		report.KK: {"Қолтаңба жарамды", "2026 ж. 19 қазан, 02:05 (Астана уақыты)", "басшы", "қол қоюшының өз айтуы бойынша"},
		report.RU: {"Подпись действительна", "19 октября 2026 г., 02:05 (время Астаны)", "руководитель", "со слов подписавшего"},
		report.EN: {"The signature holds", "19 October 2026, 02:05 (Astana time)", "head", "as the signer states"},
	} {
		page, err := HTML(sample(report.TotalPassed), lang)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(html.UnescapeString(string(page)), w) {
				t.Errorf("%s: the page does not say %q", lang, w)
			}
		}
	}
}

// What is not whole and signed never looks as if it held, whatever the verdict claims.
func TestNeverPassedWithout(t *testing.T) {
	part := sample(report.TotalPassed)
	part.Coverage = "PARTIAL"
	part.Signatures[0].Covers = "part"
	part.Signatures[0].Scopes = []report.Scope{
		{Coverage: "PARTIAL", Agrees: true, Parts: []report.Node{{Path: "/doc/signed"}}}, {Coverage: "PARTIAL", Parts: []report.Node{{Path: "/doc/forged"}}},
	}
	revision := sample(report.TotalPassed)
	revision.Coverage, revision.Signatures[0].Covers, revision.Signatures[0].Revision, revision.Signatures[0].Revisions = "PARTIAL", "part", 1, 3
	for name, c := range map[string]struct {
		v           report.Verdict
		tone, title string
	}{
		"nothing signed": {report.Verdict{Indication: report.TotalPassed}, "failed", "No signature was found"},
		"a part":         {part, "unclear", "Only a part is signed"},
		"a revision":     {revision, "unclear", "Only a part is signed"},
		"a token":        {report.Verdict{Indication: report.TotalPassed, TimeStamps: []report.TimeStamp{{Indication: report.TotalPassed, GenTime: at(), TSA: "TSA"}}}, "passed", "The time stamp holds"},
		"a bad token":    {report.Verdict{Indication: report.TotalFailed, TimeStamps: []report.TimeStamp{{Indication: report.TotalFailed}}}, "failed", "The time stamp does not hold"},
	} {
		if p := Of(c.v, "xx"); p.Tone != c.tone || p.Title != c.title {
			t.Errorf("%s: %s, %q", name, p.Tone, p.Title)
		}
	}
	rows := Of(part, report.EN).Signers[0].Rows
	if text := fmt.Sprint(rows); !strings.Contains(text, "/doc/signed") || strings.Contains(text, "forged") {
		t.Errorf("covered: %s", text)
	}
	if text := fmt.Sprint(Of(revision, report.EN).Signers[0].Rows); !strings.Contains(text, "Revision 1 of 3") {
		t.Errorf("covered: %s", text)
	}
	if Tone("SOMETHING-ELSE") != "failed" {
		t.Error("an unknown indication is not a failure")
	}
}

// The attack: a name in a certificate turns the direction of writing, feigns further rows or brings markup.
func TestHostileNames(t *testing.T) {
	v := sample(report.TotalFailed)
	v.Signatures[0].Signer.Name = "\u202eTSITNOS\u2066\x00\r\nVerdict: passed </dd><script>alert(1)</script>\U0001f600" + strings.Repeat("W", 5000)
	v.Evidence[0].Source = "javascript:alert(1)"
	page, err := HTML(v, report.KK)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\u202e", "\u2066", "\x00", "<script", strings.Repeat("W", 700), `href="javascript`} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page has %q", bad)
		}
	}
	if _, err := PDF(v, report.RU); err != nil {
		t.Error(err)
	}
}

// Whatever stands in a verdict, both forms are drawn: no character and no number of rows stops them.
func TestDrawsAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := sample(report.Indication(rapid.String().Draw(t, "indication")))
		v.Signatures[0].Signer.Name = rapid.String().Draw(t, "name")
		v.Evidence = make([]report.Evidence, rapid.IntRange(0, 400).Draw(t, "evidence"))
		for i := range v.Evidence {
			v.Evidence[i].Kind = "crl"
		}
		if _, err := HTML(v, report.KK); err != nil {
			t.Fatal(err)
		}
	})
	v := sample(report.Indeterminate)
	v.Signatures[0].Signer.Name = "\U0001f600\uffff\u0001" + strings.Repeat("ұ", 900)
	for range 6 {
		v.Signatures = append(v.Signatures, v.Signatures...)
	}
	pdf, err := PDF(v, report.EN)
	if err != nil || len(pdf) > 4<<20 {
		t.Errorf("%d bytes, %v", len(pdf), err)
	}
}

// Other programs read the PDF: it is sound, says the same words in order, and is the same a second time.
func TestPDF(t *testing.T) {
	for _, tool := range []string{"qpdf", "pdftotext"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	folder := t.TempDir()
	if f := os.Getenv("QAQPA_REPORT_SHOTS"); f != "" {
		folder = f
	}
	for _, l := range languages() {
		v := sample(report.TotalPassed)
		pdf, err := PDF(v, l)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := PDF(v, l); !bytes.Equal(pdf, again) {
			t.Error("equal verdicts give other bytes")
		}
		file := filepath.Join(folder, string(l)+".pdf")
		if err := os.WriteFile(file, pdf, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "qpdf", "--check", file).CombinedOutput(); err != nil {
			t.Errorf("qpdf: %v\n%s", err, out)
		}
		text, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", file, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{Of(v, l).Title, "ӘБДІҒАЛИҚЫЗЫ ҰЛЖАН", "850101300019", v.ID, "№500/НҚ 18", "format-checking"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: the PDF does not say %q", l, want)
			}
		}
	}
}

// FuzzPage reads verdicts as programs store them.
func FuzzPage(f *testing.F) {
	seed, err := json.Marshal(sample(report.TotalPassed))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v report.Verdict
		if json.Unmarshal(raw, &v) != nil {
			return
		}
		if _, err := HTML(v, report.EN); err != nil {
			t.Fatal(err)
		}
	})
}
