package pades_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
)

// TestAttachments: files come with the signature, which covers them; poppler finds them where it looks for attachments. No name comes twice, and what is put behind the
// signature is a change.
func TestAttachments(t *testing.T) {
	k := newKey(t)
	files := []pades.Attachment{
		{Name: "receipt.json", MIMEType: "application/json", Description: "Түбіртек", Content: []byte(`{"сома":540600}`)},
		{Name: "empty.txt", MIMEType: "text/plain", Content: nil},
	}
	signed := k.sign(t, paper(), pades.SignInput{Permission: 1, Attachments: files})
	if s := first(t, signed); s.Coverage() != pades.Whole {
		t.Fatalf("coverage %d: %v", s.Coverage(), s.Changes)
	}
	got, err := pades.Attachments(signed)
	if err != nil || len(got) != 2 || got[0].Name != "receipt.json" || got[0].MIMEType != "application/json" || !bytes.Equal(got[0].Content, files[0].Content) || len(got[1].Content) != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := pades.Prepare(signed, pades.SignInput{SubFilter: pades.CAdESDetached, Attachments: files}); !errors.Is(err, pades.ErrForbidden) {
		t.Errorf("behind a certification: %v", err)
	}
	uncertified := k.sign(t, paper(), pades.SignInput{Attachments: files})
	if _, err := pades.Prepare(uncertified, pades.SignInput{SubFilter: pades.CAdESDetached, Attachments: files}); !errors.Is(err, pades.ErrAttachments) {
		t.Errorf("a second time: %v", err)
	}
	more := k.sign(t, uncertified, pades.SignInput{Attachments: []pades.Attachment{{Name: "more.txt", MIMEType: "text/plain", Content: []byte("x")}}})
	if got, err := pades.Attachments(more); err != nil || len(got) != 3 {
		t.Errorf("%d attachments, %v", len(got), err)
	}
	if s := openLast(t, more); s.Coverage() != pades.Whole {
		t.Errorf("the newest signature: %v", s.Changes)
	}
	// An attacker exchanges the file in an update: it is another one for whoever reads the newest revision, and the signature says so.
	changed := update(t, uncertified, func(l *later) {
		l.set(catalogNo, "Names", pdf.NewDict(nil))
	})
	if s := first(t, changed); s.Coverage() == pades.Whole {
		t.Error("attachments are gone, and the signature covers the whole")
	}
	if got, err := pades.Attachments(changed); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	if _, err := pades.Attachments([]byte("%PDF")); err == nil {
		t.Error("a stub has attachments")
	}
	if _, err := exec.LookPath("pdfdetach"); err != nil {
		t.Skip("pdfdetach is not here")
	}
	path := filepath.Join(t.TempDir(), "signed.pdf")
	if err := os.WriteFile(path, signed, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "pdfdetach", "-list", path).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "receipt.json") {
		t.Errorf("pdfdetach: %v: %s", err, out)
	}
}

// openLast is the newest signature of a document.
func openLast(t *testing.T, document []byte) *pades.Signature {
	t.Helper()
	d, err := pades.Open(document, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Signatures[len(d.Signatures)-1]
}
