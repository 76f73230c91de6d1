package receipt

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// copied is a court's copy of a receipt of one item; its seals are of no matter here.
func copied(tb testing.TB, lang Language) Copy {
	tb.Helper()
	c, _ := issue(tb, 1)
	document := `{"order":"` + c.Order + `"}`
	c.DocumentSHA256 = digestOf([]byte(document))
	signed := []byte("a signature")
	return Copy{
		Type: CopyType, Version: CopyVersion, Language: lang, PageSHA256: strings.Repeat("0", 64), MadeAt: "2026-03-02T07:00:00Z",
		Receipt: c, ReceiptCMS: base64.StdEncoding.EncodeToString([]byte("a seal")),
		Court: &Court{
			ID: "ccp_0197f0c0ffee7a8b9c0d1e2f30415264", RequestedBy: "ҚҰРМАНҒАЛИЕВА ӘСЕЛ", Reason: "Талап арыз № 2-1017", Document: document, Attempt: "att_1",
			Authorisations: []Authorisation{{
				Method: "eds", Signer: c.Payer.ID, CertificateSHA256: strings.Repeat("a1b2c3d4", 8),
				Statement: Statement{
					At: "2026-03-01T06:59:00Z", SHA256: digestOf(signed), Message: base64.StdEncoding.EncodeToString(signed), Verdict: "vrd_1", Indication: "TOTAL-PASSED",
				},
			}},
			Confirmation: &Statement{At: c.ExecutedAt, SHA256: digestOf(signed), Message: base64.StdEncoding.EncodeToString(signed), Verdict: "vrd_2", Indication: "TOTAL-PASSED"},
			History:      []Step{{At: "2026-03-01T06:58:00Z", Event: "create", State: "created"}, {At: c.ExecutedAt, Event: "confirm", State: "executed"}},
		},
	}
}

// A copy reads back as it was written; whatever contradicts itself is refused.
func TestCopyHoldsItself(t *testing.T) {
	good := copied(t, Bilingual)
	raw, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := DecodeCopy(raw); err != nil || again.Court.Document != good.Court.Document {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(c *Copy){
		"another order's document": func(c *Copy) { c.Court.Document = "{}" },
		"document left out":        func(c *Copy) { c.Court.Document = "" },
		"withheld and there":       func(c *Copy) { c.Court.Withheld = true },
		"another message":          func(c *Copy) { c.Court.Authorisations[0].Message = "AAAA" },
		"another confirmation":     func(c *Copy) { c.Court.Confirmation.SHA256 = strings.Repeat("0", 64) },
		"no base64":                func(c *Copy) { c.Court.Authorisations[0].Message = "?" },
		"another attempt":          func(c *Copy) { c.Court.Attempt = "att_2" },
		"no reason":                func(c *Copy) { c.Court.Reason = "" },
		"no time":                  func(c *Copy) { c.MadeAt = "today" },
		"no page":                  func(c *Copy) { c.PageSHA256 = "" },
		"no seal":                  func(c *Copy) { c.ReceiptCMS = "" },
		"a language that is none":  func(c *Copy) { c.Language = "de" },
		"another type":             func(c *Copy) { c.Type = Type },
		"another sum":              func(c *Copy) { c.Receipt.Tiyn++ },
	} {
		t.Run(name, func(t *testing.T) {
			c := copied(t, Bilingual)
			spoil(&c)
			if _, err := c.Encode(); err == nil {
				t.Error("written")
			}
		})
	}
	for name, raw := range map[string][]byte{
		"more behind it": append(bytes.Clone(raw), '\n'),
		"a member more":  bytes.Replace(raw, []byte(`{"court"`), []byte(`{"a":1,"court"`), 1),
		"nothing":        nil,
	} {
		if _, err := DecodeCopy(raw); !errors.Is(err, ErrCopy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good.Court = nil
	if _, err := DrawCourt(good); !errors.Is(err, ErrCopy) {
		t.Errorf("a court's copy without its court was drawn: %v", err)
	}
}

// The pages say in letters what the copy says; in English no Cyrillic stands but in names.
func TestCopiesReadBack(t *testing.T) {
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext is not installed")
	}
	folder := os.Getenv("QAQPA_RECEIPT_OUT") // keeps the pages for the eye
	if folder == "" {
		folder = t.TempDir()
	}
	read := func(name string, d Drawing, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name+".pdf")
		if err := os.WriteFile(path, d.PDF, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", path, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		if code, own := CodeOfPDF(d.PDF); own != !strings.HasPrefix(name, "court") {
			t.Errorf("%s is taken for the page of %q", name, code)
		}
		return string(out)
	}
	for _, lang := range []Language{Bilingual, English} {
		c := copied(t, lang)
		d, err := DrawCourt(c)
		text := read("court-"+string(lang), d, err)
		wants := []string{c.Receipt.Payer.Name, c.Receipt.Payer.ID, c.Court.ID, c.Court.Reason, "TOTAL-PASSED", "vrd_1", "a1b2c3d4 a1b2c3d4", "qaqpa receipt verify", c.Receipt.BankReference, "att_1", "ccp_"}
		if lang == English {
			wants = append(wants, "Court's copy of a receipt of payment", "the signature is valid", "Signed text of the checkpoint", "executed (confirm)")
		} else {
			wants = append(wants, "Копия квитанции об оплате для суда", "қолтаңба жарамды", "Банктің растауы", "орындалды · исполнен (confirm)")
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not on the page:\n%s", lang, want, text)
			}
		}
	}
	c, _ := issue(t, 2)
	d, err := Draw(c, English)
	text := read("english", d, err)
	for _, want := range []string{"Receipt of payment", "Electronic Payments JSC", "Driving licence", "Ministry of Internal Affairs", "1.25 MCI", "Service 1 / 2", "translation of receipt " + c.Code} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the English page:\n%s", want, text)
		}
	}
	for _, not := range []string{"Төлем", "Плательщик", "АЕК"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is on the English page", not)
		}
	}
}

// FuzzDecodeCopy: what is read is what would be written.
func FuzzDecodeCopy(f *testing.F) {
	c := copied(f, English)
	raw, err := c.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCopy(b)
		if err != nil {
			return
		}
		if again, err := c.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%v: %s", err, b)
		}
	})
}
