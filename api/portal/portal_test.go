package portal

import (
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"qaqpa/api/language"
	"qaqpa/payment/catalog"
	"qaqpa/payment/recon"
	"qaqpa/signer/report"
)

func pages(tb testing.TB) *Pages {
	tb.Helper()
	texts, err := language.Load()
	if err != nil {
		tb.Fatal(err)
	}
	p, err := New(texts)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func at() time.Time { return time.Date(2026, 10, 18, 21, 5, 0, 0, time.UTC) }

func sample(i report.Indication) *report.Verdict {
	claimed := at()
	return &report.Verdict{
		Indication: i, Format: "CMS", At: at(), TrustMode: "production", DocumentSHA256: strings.Repeat("0", 64),
		Signatures: []report.Signature{{
			Indication: i, Algorithm: "RSA-2048 with SHA-256", ClaimedAt: &claimed, Covers: "content",
			Reasons: []report.Reason{{Text: report.Text{KK: "себеп", RU: "причина", EN: "why"}, Advice: report.Text{KK: "кеңес", RU: "совет", EN: "advice"}}},
			Signer: &report.Signer{
				Kind: "organisation", Name: "ӘЛІ", IIN: "850101300019", Organisation: "ЖШС", Serial: "1f", Issuer: "ҰКО", NotBefore: at(), NotAfter: at(),
				CertificateSHA256: "aa", Roles: []report.Role{{Name: report.Text{KK: "басшы", RU: "руководитель", EN: "head"}}},
			},
			Revocation: []report.Revocation{{CertificateSHA256: "aa", Status: "good"}},
		}},
	}
}

// partly is a verdict on an XML document of which one element is signed, and signed well.
func partly() *report.Verdict {
	v := sample(report.TotalPassed)
	v.Format, v.Coverage = "XMLDSig", "PARTIAL"
	v.Signatures[0].Covers = "part"
	v.Signatures[0].Scopes = []report.Scope{
		{Coverage: "PARTIAL", Agrees: true, Parts: []report.Node{{Path: "/doc/signed"}}}, {Coverage: "PARTIAL", Parts: []report.Node{{Path: "/doc/forged"}}},
	}
	return v
}

func views() map[string]View {
	receipt := &Receipt{
		Code: "ABCD-1234", Payer: "••••••••0019", Tiyn: 540_600, Currency: "KZT", Bank: "Bank", Executed: at(), Issued: at(), PDF: "ff",
		Items: []ReceiptItem{{Service: catalog.Names{KK: "қызмет", RU: "услуга", EN: "service"}, Beneficiary: "УГД", KBK: "108126", Tiyn: 540_600}},
	}
	views := map[string]View{
		"empty": {}, "passed": {Verdict: sample(report.TotalPassed)}, "failed": {Verdict: sample(report.TotalFailed)},
		"unclear": {Verdict: sample(report.Indeterminate)}, "partial": {Verdict: partly()}, "receipt": {Receipt: receipt, Code: "ABCD-1234"},
		"both": {Receipt: receipt, Verdict: sample(report.TotalPassed)}, "absent": {Verdict: &report.Verdict{Indication: report.TotalFailed, Format: "UNKNOWN"}},
		"stranger": {Verdict: &report.Verdict{Indication: report.TotalFailed, Signatures: []report.Signature{{Indication: report.TotalFailed}, {}}}},
	}
	for _, n := range Notices() {
		views["notice "+string(n)] = View{Notice: n, TraceID: "trace-1", Code: "x"}
	}
	return views
}

// Every page in every language is well-formed, complete (no message id shows) and has what a screen reader needs.
func TestPagesAreCompleteInEachLanguage(t *testing.T) {
	p := pages(t)
	for name, v := range views() {
		for _, l := range language.All() {
			v.Lang, v.SizeMB, v.Address = l, 16, "/verify"
			page, err := p.Render(v)
			if err != nil {
				t.Fatalf("%s %s: %v", name, l, err)
			}
			text := strings.Replace(string(page), `<script src="/verify/verify.js" type="module"></script>`, "", 1)
			wellFormed(t, name, text)
			for _, sign := range []string{"verify.", "<no value>", "%!", "{{", "<script", " style=", " onclick="} {
				if strings.Contains(text, sign) {
					t.Errorf("%s %s: the page has %q", name, l, sign)
				}
			}
			for _, need := range []string{`<html lang="` + string(l) + `">`, "<h1>", `<label for="document">`, `<label for="detached">`, `<label for="code">`, `<main id="main">`} {
				if !strings.Contains(text, need) {
					t.Errorf("%s %s: the page lacks %s", name, l, need)
				}
			}
		}
	}
}

// wellFormed parses the page as XML, with HTML's void elements closed: tags are balanced and attributes quoted.
func wellFormed(t *testing.T, name, page string) {
	t.Helper()
	page = strings.ReplaceAll(strings.Replace(page, "<!doctype html>", "", 1), " required", ` required=""`)
	page = regexp.MustCompile(` (hidden|disabled)([ >])`).ReplaceAllString(page, ` $1=""$2`)
	page = regexp.MustCompile(`<(meta|link|img|input|br)([^>]*)>`).ReplaceAllString(page, "<$1$2/>")
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity = xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func TestPlainWords(t *testing.T) {
	p := pages(t)
	for lang, want := range map[language.Lang][]string{
		language.KK: {"Қолтаңба жарамды", "2026 ж. 19 қазан, 02:05 (Астана уақыты)", "басшы", "қол қоюшының өз айтуы бойынша", "кері қайтарып алынбаған"},
		language.RU: {"Подпись действительна", "19 октября 2026 г., 02:05 (время Астаны)", "руководитель", "со слов подписавшего", "не отозван"},
		language.EN: {"The signature holds", "19 October 2026, 02:05 (Astana time)", "head", "as the signer states", "not revoked"},
	} {
		page, err := p.Render(View{Frame: Frame{Lang: lang}, Verdict: sample(report.TotalPassed)})
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

// A verdict without signatures never looks as if something held, whatever it claims.
func TestNothingSignedIsNeverPassed(t *testing.T) {
	page, err := pages(t).Render(View{Frame: Frame{Lang: language.EN}, Verdict: &report.Verdict{Indication: report.TotalPassed}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(page), "The signature holds") || !strings.Contains(string(page), "No signature was found") {
		t.Error("an unsigned document looks signed")
	}
}

func TestMoney(t *testing.T) {
	for _, row := range []struct {
		lang language.Lang
		tiyn int64
		want string
	}{
		{language.RU, 540_600, "5\u00a0406,00\u00a0₸"},
		{language.EN, 123_456_789_01, "123,456,789.01\u00a0₸"},
		{language.KK, 5, "0,05\u00a0₸"},
		{language.KK, 99_999, "999,99\u00a0₸"},
		{language.EN, -1 << 63, "−92,233,720,368,547,758.08\u00a0₸"},
	} {
		if got := (words{lang: row.lang}).Money(row.tiyn, "KZT"); got != row.want {
			t.Errorf("%d: got %q, want %q", row.tiyn, got, row.want)
		}
	}
}

// Whatever way of resolving there is has a name in each language.
func TestWaysHaveNames(t *testing.T) {
	texts := pages(t).texts
	for _, way := range recon.Ways() {
		for _, l := range language.All() {
			if !texts.Has(l, "recon.way."+string(way)) {
				t.Errorf("%s: %s has no name", l, way)
			}
		}
	}
}
