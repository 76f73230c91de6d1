package signer_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"

	"codeberg.org/go-pdf/fpdf"
)

// page is a PDF document of two pages.
func page(tb testing.TB) []byte {
	tb.Helper()
	f := fpdf.New("P", "mm", "A4", "")
	f.SetFont("Helvetica", "", 14)
	for i := range 2 {
		f.AddPage()
		f.Cell(40, 10, fmt.Sprintf("Page %d: 540 600 tenge", i+1))
	}
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// objectStreams writes a document anew with object streams and a cross-reference stream.
func objectStreams(tb testing.TB, document []byte, args ...string) []byte {
	tb.Helper()
	dir := tb.TempDir()
	in, out := filepath.Join(dir, "in.pdf"), filepath.Join(dir, "out.pdf")
	if err := os.WriteFile(in, document, 0o600); err != nil {
		tb.Fatal(err)
	}
	if b, err := exec.CommandContext(tb.Context(), "qpdf", append(append([]string{"--object-streams=generate"}, args...), in, out)...).CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, b)
	}
	return read(tb, out)
}

func (b *bench) signPDF(req signer.SignPDFRequest) []byte {
	b.Helper()
	out, err := b.svc.SignPDF(b.Context(), req)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// outside lets qpdf and poppler judge a signed document; signatures is how many poppler must find and hold for valid.
func (b *bench) outside(document []byte, signatures int) {
	b.Helper()
	file := filepath.Join(b.TempDir(), "signed.pdf")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.CommandContext(b.Context(), "qpdf", "--check", file).CombinedOutput(); err != nil {
		b.Errorf("qpdf: %v: %s", err, out)
	}
	out, _ := exec.CommandContext(b.Context(), "pdfsig", "-nocert", file).CombinedOutput() // it does not know time stamps
	if n := strings.Count(string(out), "Signature is Valid."); n != signatures {
		b.Errorf("pdfsig: %d valid, not %d: %s", n, signatures, out)
	}
	if keep := os.Getenv("QAQPA_KEEP"); keep != "" {
		if err := os.WriteFile(filepath.Join(keep, strings.ReplaceAll(b.Name(), "/", "_")+".pdf"), document, 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

func needsPrograms(tb testing.TB, names ...string) {
	tb.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			tb.Skipf("%s is not here", name)
		}
	}
}

// TestSignPDF: what we sign, at each level and in both forms of sections, passes our own validation, pdfsig's and qpdf's; with
// evidence inside it passes when nobody can be asked any more.
func TestSignPDF(t *testing.T) {
	needsPrograms(t, "qpdf", "pdfsig")
	all := []pki.Family{pki.RSA, pki.ECDSA, pki.GOST2015}
	b := setup(t, all, withTSA)
	for _, family := range all {
		id := b.issue(pki.Profile{Family: family, Name: "signer_" + string(family), Organisation: "Қазақстан ұлттық банкі"})
		key := b.key(id)
		for i, level := range []signer.PDFLevel{signer.PDFBasic, signer.PDFTime, signer.PDFLongTerm, signer.PDFAvailable} {
			t.Run(string(family)+"/"+string(level), func(t *testing.T) {
				b := *b
				b.TB = t
				in := page(t)
				if i%2 == 1 {
					in = objectStreams(t, in)
				}
				o := signer.PDFOptions{Level: level, Reason: "Бекіту", Location: "Астана"}
				if level == signer.PDFBasic || level == signer.PDFAvailable {
					o.Mark = &signer.PDFMark{Page: -1, X: 56, Y: 640, Code: "https://qaqpa.example/verify?code=ABCD-EFGH-JKLM-NPQR"}
				}
				out := b.signPDF(signer.SignPDFRequest{Document: in, PDFOptions: o, Key: key})
				if !bytes.HasPrefix(out, in) {
					t.Fatal("the document was changed")
				}
				v := b.validate(out, nil)
				b.want(v, report.TotalPassed, "", "")
				s := v.Signatures[0]
				if want := "PAdES-B-" + string(level); s.Level != want || !v.Passed() || v.Coverage != "FULL" || s.TimeProven != (i > 0) {
					t.Errorf("level %s, coverage %s, time proven %v, changes %+v", s.Level, v.Coverage, s.TimeProven, s.Changes)
				}
				if family != pki.GOST2015 {
					b.outside(out, 1)
				}
				b.checkOffline(out, nil, i >= 2, i >= 1)
			})
		}
	}
}

// TestSignPDFAgain: several signatures in one document, a field that was prepared, and what certifications forbid.
func TestSignPDFAgain(t *testing.T) {
	needsPrograms(t, "qpdf", "pdfsig")
	b := setup(t, []pki.Family{pki.RSA, pki.ECDSA}, withTSA)
	one, two := b.key(b.issue(pki.Profile{Family: pki.RSA})), b.key(b.issue(pki.Profile{Family: pki.ECDSA}))
	sign := func(doc []byte, key signer.SigningKey, o signer.PDFOptions) ([]byte, error) {
		return b.svc.SignPDF(b.Context(), signer.SignPDFRequest{Document: doc, PDFOptions: o, Key: key})
	}
	doc := page(t)
	for i, key := range []signer.SigningKey{one, two, one} {
		doc = b.signPDF(signer.SignPDFRequest{Document: doc, Key: key, PDFOptions: signer.PDFOptions{Level: []signer.PDFLevel{"B", "LTA", "T"}[i]}})
	}
	v := b.validate(doc, nil)
	b.want(v, report.TotalPassed, "", "")
	if len(v.Signatures) != 3 || !v.Passed() {
		t.Errorf("%d signatures, coverage %s", len(v.Signatures), v.Coverage)
	}
	b.outside(doc, 3)

	visible := b.signPDF(signer.SignPDFRequest{Document: doc, Key: two, PDFOptions: signer.PDFOptions{Mark: &signer.PDFMark{X: 50, Y: 50, Code: "x"}}})
	v = b.validate(visible, nil)
	b.want(v, report.TotalPassed, "", "")
	if v.Passed() || v.Coverage != "PARTIAL" || v.Signatures[3].Covers != "content" {
		t.Errorf("a visible signature over others: coverage %s", v.Coverage)
	}

	for permission, allowed := range map[int]bool{1: false, 2: true, 3: true} {
		certified, err := sign(page(t), one, signer.PDFOptions{Permission: permission})
		if err != nil {
			t.Fatal(err)
		}
		b.want(b.validate(certified, nil), report.TotalPassed, "", "")
		again, err := sign(certified, two, signer.PDFOptions{})
		if allowed != (err == nil) || !allowed && (!errors.Is(err, signer.ErrRequest) || !errors.Is(err, pades.ErrForbidden)) {
			t.Errorf("certification %d: %v", permission, err)
		}
		if allowed {
			b.want(b.validate(again, nil), report.TotalPassed, "", "")
		}
		if _, err := sign(certified, two, signer.PDFOptions{Permission: 2}); !errors.Is(err, pades.ErrForbidden) {
			t.Errorf("certified twice: %v", err)
		}
	}
}

// TestSignPDFRefuses: no key is asked for what cannot be signed.
func TestSignPDFRefuses(t *testing.T) {
	needsPrograms(t, "qpdf")
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	key := b.key(b.issue(pki.Profile{Family: pki.ECDSA}))
	asked := &counting{Signer: key.Key}
	key.Key = asked
	good := page(t)
	for name, c := range map[string]struct {
		document []byte
		options  signer.PDFOptions
		want     error
	}{
		"no PDF":             {[]byte("text"), signer.PDFOptions{}, pdf.ErrNotPDF},
		"cut":                {good[:len(good)-20], signer.PDFOptions{}, pdf.ErrBroken},
		"trailing octets":    {append(bytes.Clone(good), "9 0 obj<<>>endobj"...), signer.PDFOptions{}, pdf.ErrBroken},
		"encrypted":          {objectStreams(t, good, "--encrypt", "", "o", "256", "--"), signer.PDFOptions{}, pdf.ErrEncrypted},
		"locked":             {objectStreams(t, good, "--encrypt", "u", "o", "256", "--"), signer.PDFOptions{}, pades.ErrEncrypted},
		"no such field":      {good, signer.PDFOptions{Field: "x"}, pades.ErrField},
		"no such page":       {good, signer.PDFOptions{Mark: &signer.PDFMark{Page: 7, Code: "x"}}, pades.ErrField},
		"code too long":      {good, signer.PDFOptions{Mark: &signer.PDFMark{Code: strings.Repeat("x", 301)}}, signer.ErrRequest},
		"no such level":      {good, signer.PDFOptions{Level: "X"}, signer.ErrRequest},
		"no such permission": {good, signer.PDFOptions{Permission: 4}, signer.ErrRequest},
		"no authority":       {good, signer.PDFOptions{Level: signer.PDFTime}, signer.ErrTimeStamp},
	} {
		out, err := b.svc.SignPDF(b.Context(), signer.SignPDFRequest{Document: c.document, PDFOptions: c.options, Key: key})
		if out != nil || !errors.Is(err, c.want) || c.want != signer.ErrTimeStamp && !errors.Is(err, signer.ErrRequest) { //nolint:errorlint // a sentinel of the table
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := asked.used.Load(); n != 0 {
		t.Errorf("the key was asked %d times", n)
	}
}

// TestSealPDF: the gateway's own key, with the audit entry.
func TestSealPDF(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(system(pki.ECDSA))
	key := b.key(id)
	b.svc = b.service(sealer(id, key.Key))
	out, err := b.svc.SealPDF(b.Context(), signer.SealPDFRequest{
		Document: page(t), Actor: "test", PDFOptions: signer.PDFOptions{Mark: &signer.PDFMark{X: 56, Y: 640, Code: "https://qaqpa.example/"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := b.validate(out, nil)
	b.want(v, report.TotalPassed, "", "")
	if v.Signatures[0].Revision != 2 || v.Signatures[0].ClaimedAt == nil {
		t.Errorf("%+v", v.Signatures[0])
	}
	var n int
	if err := b.db.Get(&n, "SELECT count(*) FROM audit_entries WHERE action = 'document.signed'"); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Errorf("%d audit entries", n)
	}
	if _, err := b.svc.SealPDF(b.Context(), signer.SealPDFRequest{Document: page(t)}); !errors.Is(err, signer.ErrRequest) {
		t.Errorf("without an actor: %v", err)
	}
}
