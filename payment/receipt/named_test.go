package receipt

import (
	"bytes"
	"testing"
)

// A receipt's PDF names its code; other files, and titles that are no code, name none.
func TestCodeOfPDF(t *testing.T) {
	core, _ := issue(t, 1)
	pdf, err := PDF(core)
	if err != nil {
		t.Fatal(err)
	}
	if code, ok := CodeOfPDF(pdf); !ok || code != core.Code {
		t.Errorf("%q, %v; want %q", code, ok, core.Code)
	}
	for name, file := range map[string][]byte{
		"no PDF":   bytes.TrimPrefix(pdf, []byte("%PDF-")),
		"no title": []byte("%PDF-1.4 nothing"),
		"Latin":    []byte("%PDF-1.4 /Title (ABCD)"),
		"no code":  []byte("%PDF-1.4 /Title (\xfe\xff\x00A\x00B)"),
		"cut":      []byte("%PDF-1.4 /Title (\xfe\xff\x00A\\"),
		"empty":    []byte("%PDF-1.4 /Title (\xfe\xff)"),
	} {
		if code, ok := CodeOfPDF(file); ok {
			t.Errorf("%s: %q", name, code)
		}
	}
}

// FuzzCodeOfPDF: whatever is uploaded, what comes out is a code in its printed form.
func FuzzCodeOfPDF(f *testing.F) {
	f.Add([]byte("%PDF-1.4 /Title (\xfe\xff\x00A\\)\\r\\"))
	f.Fuzz(func(t *testing.T, pdf []byte) {
		code, ok := CodeOfPDF(pdf)
		if !ok {
			return
		}
		if again, _, err := ParseCode(code); err != nil || again != code {
			t.Errorf("%q: %q, %v", code, again, err)
		}
	})
}
