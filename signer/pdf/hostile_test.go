package pdf_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/pdf"
)

// walk looks up all that a file says it has.
func walk(f *pdf.File) {
	for i, r := range f.Revisions() {
		v := f.At(i)
		for _, n := range r.Numbers {
			_, _ = v.Decoded(v.Stream(v.Get(n)))
			v.Octets(n)
		}
	}
}

func deflated(n int) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range n >> 20 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	return b.String()
}

func stream(dict, octets string) string {
	return fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", dict, len(octets), octets)
}

// Files that are made to be expensive end in an error or a fault, soon.
func TestHostile(t *testing.T) {
	bomb := deflated(512 << 20)
	twice := func(s string) string {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
		return b.String()
	}
	catalog := "<</Type/Catalog>>"
	cycle := build(catalog)
	cycle = bytes.Replace(cycle, []byte("/Root"), fmt.Appendf(nil, "/Prev %d/Root", bytes.Index(cycle, []byte("xref\n0"))), 1)
	xref := func(dict, octets string) []byte {
		out := []byte("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n")
		at := len(out)
		return append(out, fmt.Sprintf("2 0 obj %s endobj\nstartxref\n%d\n%%%%EOF", stream("/Type/XRef/Root 1 0 R"+dict, octets), at)...)
	}
	for name, file := range map[string][]byte{
		"deep arrays":             build(catalog, strings.Repeat("[", 1<<20)),
		"deep dictionaries":       build(catalog, strings.Repeat("<</A", 1<<20)),
		"open strings":            build(catalog, strings.Repeat("(", 1<<20)),
		"open hex":                build(catalog, strings.Repeat("<", 1<<20)),
		"many values":             build(catalog, "["+strings.Repeat("0 ", 8<<20)+"]"),
		"gigantic numbers":        build(catalog, strings.Repeat("9", 1<<20), "-"+strings.Repeat("9", 1<<10)+"."+strings.Repeat("9", 1<<20)),
		"gigantic name":           build(catalog, "/"+strings.Repeat("#41", 1<<20)),
		"cycle of sections":       cycle,
		"length needs itself":     build(catalog, "<</Length 2 0 R>>stream\nx\nendstream"),
		"lengths need each other": build(catalog, "<</Length 3 0 R>>stream\nx\nendstream", "<</Length 2 0 R>>stream\nx\nendstream"),
		"references in a ring":    build(catalog, "3 0 R", "2 0 R"),
		"stream in itself":        xref("/Size 9/W[1 1 1]/Index[5 1]", "\x02\x05\x00"),
		"no widths":               xref("/Size 999999999/W[0 0 0]", ""),
		"entries for nothing":     xref("/Size 9/W[0 1 0]/Index[0 8000000 0 8000000]", ""),
		"wide numbers":            xref("/Size 9/W[1 8 8]/Index[1 1]", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		"bomb":                    build(catalog, stream("/Filter/FlateDecode", bomb)),
		"bomb in bombs":           build(catalog, stream("/Filter[/Fl/Fl/Fl]", twice(twice(bomb)))),
		"bomb for a section":      xref("/Size 9/W[1 1 1]/Filter/FlateDecode", bomb),
		"filters in a chain":      build(catalog, stream("/Filter["+strings.Repeat("/AHx", 1<<16)+"]", "00")),
		"streams without an end":  build(slices.Concat([]string{catalog}, slices.Repeat([]string{"<</Length 9>>stream\nendstrea"}, 4096))...),
		"headers only":            append([]byte("%PDF-1.7\n"), strings.Repeat("1 0 obj ", 1<<18)...),
		"trailers only":           append([]byte("%PDF-1.7\n"), strings.Repeat("trailer<<", 1<<18)...),
		"table of a billion":      []byte("%PDF-1.7\nxref\n0 8388607\n0000000000 65535 f \nstartxref\n9\n%%EOF"),
		"hollow object stream":    build(catalog, stream("/Type/ObjStm/N 2147483647/First 2147483647", "")),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			f, err := pdf.Open(file, pdf.Limits{})
			if err == nil {
				walk(f)
			} else if !errors.Is(err, pdf.ErrLimit) && !errors.Is(err, pdf.ErrStructure) {
				t.Errorf("%v", err)
			}
			// Guards against hanging; a run without the race detector takes well under a second.
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// A file that was cut anywhere, or has an octet changed anywhere, gives an error or faults, and never a panic.
func TestCutAndFlipped(t *testing.T) {
	file := update(build("<</Type/Catalog/A 2 0 R>>", "(old)", stream("", "q Q")))
	for i := range file {
		if f, err := pdf.Open(file[:i], pdf.Limits{}); err == nil {
			walk(f)
		}
		changed := bytes.Clone(file)
		for _, c := range []byte{0, ' ', '<', '(', '9', 0xff, 'R'} {
			changed[i] = c
			if f, err := pdf.Open(changed, pdf.Limits{}); err == nil {
				walk(f)
			}
		}
	}
}

// Faults by which two readers see two documents.
func TestFaults(t *testing.T) {
	plain := string(build("<</Type/Catalog/A 2 0 R>>", "(old)", stream("", "q Q")))
	second := strings.Index(plain, "2 0 obj")
	for name, c := range map[string]struct {
		file string
		want pdf.FaultCode
	}{
		"octets behind the end": {plain + "3 0 obj(evil)endobj", pdf.FaultTrailing},
		"wrong offset":          {strings.Replace(plain, fmt.Sprintf("%010d", second), fmt.Sprintf("%010d", second+2), 1), pdf.FaultOffset},
		"wrong length":          {strings.Replace(plain, "/Length 3", "/Length 2", 1), pdf.FaultStream},
		"no section":            {strings.Replace(plain, "xref\n0", "xxxx\n0", 1), pdf.FaultRebuilt},
		"other generation":      {strings.Replace(plain, "/A 2 0 R", "/A 2 1 R", 1), pdf.FaultFree},
		"beyond Size":           {strings.Replace(plain, "/Size 4", "/Size 3", 1), pdf.FaultSize},
		"no end":                {strings.Replace(plain, "%%EOF", "%%FOE", 1), pdf.FaultEnd},
		"doubled entry":         {strings.Replace(plain, "trailer", "2 1\n0000000009 00000 n \ntrailer", 1), pdf.FaultDoubled},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, []byte(c.file))
			walk(f)
			f.Last().Resolve(f.Last().Dict(f.Last().Trailer().Get("Root")).Get("A"))
			if !slices.ContainsFunc(f.Faults(), func(x pdf.Fault) bool { return x.Code == c.want }) {
				t.Errorf("faults %v, want %s", f.Faults(), c.want)
			}
		})
	}
	for _, file := range []string{"MZ" + plain, "<x/>" + plain, ""} {
		if _, err := pdf.Open([]byte(file), pdf.Limits{}); !errors.Is(err, pdf.ErrNotPDF) {
			t.Errorf("%.6q: %v", file, err)
		}
	}
}

// Octets of later revisions never give an object of an earlier one.
func TestRevisionEndsItsObjects(t *testing.T) {
	one := build("<</Type/Catalog/A 2 0 R>>", "(old)")
	offset := bytes.Index(one, []byte("2 0 obj"))
	// The signed table leads beyond its revision, where an update may put what it likes.
	one = bytes.Replace(one, fmt.Appendf(nil, "%010d", offset), fmt.Appendf(nil, "%010d", len(one)), 1)
	f := open(t, update(one))
	if o := f.At(0).Get(2); o != nil {
		t.Errorf("revision 0 sees %v", o)
	}
	if o := f.At(1).String(pdf.Ref{Number: 2}); o == nil || string(o.Value) != "new" {
		t.Errorf("revision 1 sees %v", o)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(build("<</Type/Catalog/A 2 0 R>>", "(old)", stream("/Filter/AHx", "00>")))
	f.Add(update(build("<</Type/Catalog/A 2 0 R>>", "[1 2 <</B<41>>>]")))
	f.Add([]byte("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n2 0 obj " + stream("/Type/XRef/Root 1 0 R/Size 3/W[1 1 1]", "\x00\x00\x00\x01\x09\x00\x01\x28\x00") + " endobj\nstartxref\n40\n%%EOF"))
	lim := pdf.Limits{Bytes: 1 << 16, Values: 1 << 12, Entries: 1 << 10, Revisions: 16, Decoded: 1 << 16}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := pdf.Open(b, lim)
		if err != nil {
			return
		}
		walk(file)
		for _, r := range file.Revisions() {
			if r.End > len(b) || r.From > len(b) {
				t.Fatalf("revision from %d to %d of %d", r.From, r.End, len(b))
			}
		}
	})
}
