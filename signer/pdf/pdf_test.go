package pdf_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"qaqpa/signer/pdf"
)

func corpus(tb testing.TB) []string {
	tb.Helper()
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	files, _ := filepath.Glob(filepath.Join(root, "dss", "pades", "validation", "*.pdf"))
	more, _ := filepath.Glob(filepath.Join(root, "dss", "pades", "validation", "*", "*.pdf"))
	if files = append(files, more...); len(files) == 0 {
		tb.Skip("the corpora are not here (set QAQPA_CORPORA)")
	}
	return files
}

func program(tb testing.TB, name string) {
	tb.Helper()
	if _, err := exec.LookPath(name); err != nil {
		tb.Skipf("%s is not here", name)
	}
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func open(tb testing.TB, b []byte) *pdf.File {
	tb.Helper()
	f, err := pdf.Open(b, pdf.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// build writes objects (number 1 first; 1 is the catalog) as a file with a table.
func build(objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	table := fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", table, len(objects)+1, start)
	return b.Bytes()
}

// update appends object 2 anew, with a table of its own.
func update(file []byte) []byte {
	at := bytes.LastIndex(file, []byte("startxref"))
	previous, _ := strconv.Atoi(string(bytes.Fields(file[at:])[1]))
	out := bytes.Clone(file)
	offset := len(out)
	out = append(out, "2 0 obj\n(new)\nendobj\n"...)
	start := len(out)
	return append(out, fmt.Sprintf("xref\n2 1\n%010d 00000 n \ntrailer\n<</Size 9/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", offset, previous, start)...)
}

func TestObjects(t *testing.T) {
	f := open(t, build("<</Type/Catalog/A(a\\(b\\)\\101\\\n(c))/B<4 14 2>/C[1 -2 +3. .5 true null/N#41 2 0 R 3]/D<</E 99999999999999999999>>>>", "7", "8"))
	v := f.Last()
	root := v.Dict(v.Trailer().Get("Root"))
	if s := v.String(root.Get("A")); string(s.Value) != "a(b)A(c)" || string(f.Data()[s.From:s.To]) != "(a\\(b\\)\\101\\\n(c))" {
		t.Errorf("%q", s.Value)
	}
	if s := v.String(root.Get("B")); string(s.Value) != "AB" {
		t.Errorf("%q", s.Value)
	}
	want := pdf.Array{int64(1), int64(-2), pdf.Real("+3."), pdf.Real(".5"), true, nil, pdf.Name("NA"), pdf.Ref{Number: 2}, int64(3)}
	if got := root.Get("C"); !pdf.Equal(got, want) {
		t.Errorf("%#v", got)
	}
	if got := v.Resolve(v.Array(root.Get("C"))[7]); got != int64(7) {
		t.Errorf("%v", got)
	}
	if len(f.Faults()) != 0 {
		t.Error(f.Faults())
	}
}

// Every object of the corpus is where qpdf finds it, and every revision but those of broken files ends with its own %%EOF.
func TestObjectsAgainstQPDF(t *testing.T) {
	program(t, "qpdf")
	for _, path := range corpus(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := open(t, readFile(t, path))
			if slices.ContainsFunc(f.Faults(), func(x pdf.Fault) bool { return x.Code == pdf.FaultRebuilt }) {
				t.Skip("the cross-reference sections are unusable")
			}
			out, err := exec.CommandContext(t.Context(), "qpdf", "--show-xref", path).Output()
			if err != nil && len(out) == 0 {
				t.Skipf("qpdf: %v", err)
			}
			v := f.Last()
			for line := range strings.Lines(string(out)) {
				var number, generation, a, b int
				if n, _ := fmt.Sscanf(line, "%d/%d: uncompressed; offset = %d", &number, &generation, &a); n == 3 {
					from, _, ok := v.Octets(number)
					if v.Get(number); !ok || from != a {
						t.Errorf("object %d: at %d, qpdf says %d", number, from, a)
					}
				} else if n, _ := fmt.Sscanf(line, "%d/%d: compressed; stream = %d, index = %d", &number, &generation, &a, &b); n == 4 {
					if c, ok := v.Inner(number); !ok || c != a {
						t.Errorf("object %d: in %d, qpdf says %d", number, c, a)
					}
				}
			}
		})
	}
}

// qpdf encrypts the same document in every way that opens without a password; the objects must be the same in all.
func TestEncrypted(t *testing.T) {
	program(t, "qpdf")
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.pdf")
	if err := os.WriteFile(plain, build("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Title(the title)>>", "<</Length 5>>stream\nq Q q\nendstream"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"40", "128 --use-aes=n", "128 --use-aes=y", "128 --cleartext-metadata", "256", "256 --force-R5"} {
		t.Run(how, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.pdf")
			args := slices.Concat([]string{"--allow-weak-crypto", "--object-streams=generate", "--encrypt", "", "owner"}, strings.Fields(how), []string{"--", plain, out})
			if b, err := exec.CommandContext(t.Context(), "qpdf", args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			f := open(t, readFile(t, out))
			if !f.Encrypted() || f.Locked() != nil {
				t.Fatalf("encrypted %v, locked: %v", f.Encrypted(), f.Locked())
			}
			v := f.Last()
			page, ok := v.Array(v.Dict(v.Dict(v.Trailer().Get("Root")).Get("Pages")).Get("Kids"))[0].(pdf.Ref)
			if !ok {
				t.Fatal("the page is no reference")
			}
			title := v.String(v.Dict(page).Get("Title"))
			if got := v.Text(title, page.Number); string(got) != "the title" {
				t.Errorf("%q", got)
			}
			content, err := v.Decoded(v.Stream(v.Dict(page).Get("Contents")))
			if err != nil || !strings.HasPrefix(string(content), "q Q q") {
				t.Errorf("%q, %v", content, err)
			}
		})
	}
	locked := filepath.Join(dir, "locked.pdf")
	if b, err := exec.CommandContext(t.Context(), "qpdf", "--object-streams=generate", "--encrypt", "secret", "owner", "256", "--", plain, locked).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	f := open(t, readFile(t, locked))
	if f.Locked() == nil {
		t.Error("opened without the password")
	}
	f.Last().Get(1)
}

func TestRevisions(t *testing.T) {
	one := build("<</Type/Catalog/A 2 0 R>>", "(old)")
	two := update(one)
	f := open(t, two)
	if n := len(f.Revisions()); n != 2 {
		t.Fatalf("%d revisions", n)
	}
	if end := f.Revisions()[0].End; end != len(one)-1 || f.Revisions()[1].End != len(two)-1 {
		t.Errorf("ends at %d of %d", end, len(one))
	}
	for i, want := range []string{"old", "new"} {
		if got := f.At(i).String(pdf.Ref{Number: 2}); string(got.Value) != want {
			t.Errorf("revision %d: %q", i, got.Value)
		}
	}
	if len(f.Faults()) != 0 {
		t.Error(f.Faults())
	}
}
