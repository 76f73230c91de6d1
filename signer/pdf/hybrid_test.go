package pdf_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"qaqpa/signer/pdf"
)

// hybrid gives a file of build a section of both kinds: its stream names an object (number) as standing where another one (of) stands. The
// table calls the number free where it is hidden from old readers.
func hybrid(file []byte, number, of int, hidden bool) []byte {
	place := func(n int) int { return bytes.Index(file, fmt.Appendf(nil, "\n%d 0 obj", n)) + 1 }
	at, to := bytes.Index(file, []byte("xref\n0")), place(of)
	section := fmt.Sprintf("4 0 obj\n%s\nendobj\n", stream(fmt.Sprintf("/Type/XRef/Size 5/W[1 2 1]/Index[%d 1]", number), string([]byte{1, byte(to >> 8), byte(to), 0})))
	rest := file[at:]
	if hidden {
		rest = bytes.Replace(rest, fmt.Appendf(nil, "%010d 00000 n", place(number)), []byte("0000000000 00000 f"), 1)
	}
	rest = bytes.Replace(rest, []byte("/Size 4"), fmt.Appendf(nil, "/Size 5/XRefStm %d", at), 1)
	rest = bytes.Replace(rest, fmt.Appendf(nil, "startxref\n%d", at), fmt.Appendf(nil, "startxref\n%d", at+len(section)), 1)
	return slices.Concat(file[:at], []byte(section), rest)
}

// TestHybridSections: objects that the stream of a hybrid section alone names are found and counted; when table and stream lead to different
// objects, old and new readers see two documents, and that is told.
func TestHybridSections(t *testing.T) {
	plain := build("<</Type/Catalog/A 3 0 R>>", "(old)", "(new)")
	for name, c := range map[string]struct {
		file   []byte
		hidden int
		fault  bool
	}{
		"hidden from old readers": {hybrid(plain, 3, 3, true), 1, false},
		"named by both":           {hybrid(plain, 3, 3, false), 0, false},
		"two documents":           {hybrid(plain, 3, 2, false), 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, c.file)
			v := f.Last()
			if got := v.Text(v.String(v.Dict(v.Trailer().Get("Root")).Get("A")), 3); string(got) != "new" {
				t.Errorf("the object is %q", got)
			}
			if n := f.Revisions()[0].HybridOnly; len(f.Revisions()) != 1 || n != c.hidden {
				t.Errorf("%d objects for new readers alone, %d revisions", n, len(f.Revisions()))
			}
			told := slices.ContainsFunc(f.Faults(), func(x pdf.Fault) bool { return x.Code == pdf.FaultHybrid })
			if told != c.fault || !c.fault && len(f.Faults()) > 0 {
				t.Errorf("faults: %v", f.Faults())
			}
		})
	}
}
