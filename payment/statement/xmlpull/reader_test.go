package xmlpull

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// tokens writes a document as lines of tokens.
func tokens(r *Reader) (string, error) {
	var out strings.Builder
	for {
		kind, err := r.Next()
		if err != nil {
			return out.String(), err
		}
		switch kind {
		case Start:
			fmt.Fprintf(&out, "<%s|%s", r.Space(), r.Local())
			for _, a := range r.attrs {
				if !strings.HasPrefix(string(a.name), "xmlns") {
					fmt.Fprintf(&out, " %s=%q", a.name[bytes.IndexByte(a.name, ':')+1:], a.value)
				}
			}
			out.WriteString(">\n")
		case End:
			fmt.Fprintf(&out, "</%s>\n", r.Local())
		case Text:
			fmt.Fprintf(&out, "%q\n", r.Text())
		case EOF:
			return out.String(), nil
		}
	}
}

// standard does the same with encoding/xml.
func standard(document []byte) (string, error) {
	var out strings.Builder
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			return out.String(), err
		}
		switch t := t.(type) {
		case xml.StartElement:
			fmt.Fprintf(&out, "<%s|%s", t.Name.Space, t.Name.Local)
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && !strings.HasPrefix(a.Name.Local, "xmlns") {
					fmt.Fprintf(&out, " %s=%q", a.Name.Local, a.Value)
				}
			}
			out.WriteString(">\n")
		case xml.EndElement:
			fmt.Fprintf(&out, "</%s>\n", t.Name.Local)
		case xml.CharData:
			if !blank(t) {
				fmt.Fprintf(&out, "%q\n", string(t))
			}
		}
	}
}

var good = []string{
	`<a/>`, `<a></a>`, "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b='1>2' c=\"x&amp;y\"> t </a >\n<!-- end -->\n",
	`<a xmlns="u:1"><b xmlns="u:2"/><p:c xmlns:p="u:3" p:d="1"><p:e/></p:c><f/></a>`,
	`<a>1&lt;2&#x416;&#1046;<![CDATA[<&]]]>x<!-- c -->y</a>`,
	`<a><b>text</b>tail<c/>more</a>`, `<ә қ="ү">ұ</ә>`, `<a xml:lang="kk"/>`,
}

func TestReadsWhatTheStandardReaderReads(t *testing.T) {
	for _, document := range good {
		want, err := standard([]byte(strings.TrimPrefix(document, string(byteOrderMark))))
		if err != nil {
			t.Fatal(err)
		}
		for name, src := range map[string]io.Reader{"whole": strings.NewReader(document), "by bytes": iotest.OneByteReader(strings.NewReader(document))} {
			got, err := tokens(New(src, Limits{}))
			// The standard reader joins text over a CDATA section; ours tells two texts.
			if err != nil || strings.ReplaceAll(got, "\"\n\"", "") != strings.ReplaceAll(want, "\"\n\"", "") {
				t.Errorf("%s, %s: %v\n%s\nwant\n%s", document, name, err, got, want)
			}
		}
	}
}

// Each is refused for the reason that stands beside it.
func TestRefuses(t *testing.T) {
	for document, want := range map[string]error{
		``: ErrSyntax, ` `: ErrSyntax, `<a>`: ErrSyntax, `<a`: ErrSyntax, `<a></b>`: ErrSyntax, `</a>`: ErrSyntax, `<a/><b/>`: ErrSyntax,
		`<a/>x`: ErrSyntax, `x<a/>`: ErrSyntax, `<>`: ErrSyntax, `<a b=1/>`: ErrSyntax, `<a b="1"c="2"/>`: ErrSyntax, `<a b="<"/>`: ErrSyntax,
		`<a b="1" b="2"/>`: ErrSyntax, `<p:a/>`: ErrSyntax, `<a p:b="1"/>`: ErrSyntax, `<a>&x;</a>`: ErrSyntax, `<a>&#0;</a>`: ErrSyntax,
		`<a>&#xD800;</a>`: ErrSyntax, `<a>& </a>`: ErrSyntax, `<a>]]></a>`: ErrSyntax, `<a><!-- -- --></a>`: ErrSyntax, `<a xmlns:p=""/>`: ErrSyntax,
		"<a>\x01</a>": ErrEncoding, "<a>\xff</a>": ErrEncoding, "<a>\xef\xbf\xbe</a>": ErrEncoding, "<a>\xd0": ErrEncoding,
		`<?xml version="1.0" encoding="windows-1251"?><a/>`: ErrEncoding, ` <?xml version="1.0"?><a/>`: ErrSyntax, `<?xml version="1.1"?><a/>`: ErrSyntax,
		// Entity expansion and external entities need a document type; there is none.
		`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`: ErrDoctype, `<a><!ELEMENT b></a>`: ErrDoctype,
		strings.Repeat("<a>", 65):                            ErrLimit,
		"<a>" + strings.Repeat("x", 300<<10) + "</a>":        ErrLimit,
		"<a b='" + strings.Repeat("x", 300<<10) + "'></a>":   ErrLimit,
		"<a><!--" + strings.Repeat("x", 600<<10) + "--></a>": ErrLimit,
	} {
		_, err := tokens(New(strings.NewReader(document), Limits{}))
		if !errors.Is(err, want) {
			t.Errorf("%.40q: got %v, want %v", document, err, want)
		}
	}
}

func TestLimitsOfAttributesAndNamespaces(t *testing.T) {
	var many, spaces strings.Builder
	many.WriteString("<a")
	spaces.WriteString("<a>")
	for i := range 100 {
		fmt.Fprintf(&many, " b%d='1'", i)
		fmt.Fprintf(&spaces, "<b xmlns='u:%d'/>", i)
	}
	many.WriteString("/>")
	spaces.WriteString("</a>")
	prefixes := "<a>" + strings.Repeat("<b xmlns:q='u:x' xmlns:r='u:x' xmlns:s='u:x'>", 60)
	for _, document := range []string{many.String(), spaces.String(), prefixes} {
		if _, err := tokens(New(strings.NewReader(document), Limits{})); !errors.Is(err, ErrLimit) {
			t.Errorf("%.30s: %v", document, err)
		}
	}
}

func TestLineOfAFault(t *testing.T) {
	var document strings.Builder
	document.WriteString("<a>\n")
	for range 50_000 {
		document.WriteString("<b>text &amp; more</b>\n\n")
	}
	document.WriteString("<c></d>")
	_, err := tokens(New(strings.NewReader(document.String()), Limits{}))
	var fault *SyntaxError
	if !errors.As(err, &fault) || fault.Line != 100_002 {
		t.Errorf("got %v", err)
	}
}

func TestReadTextAndSkip(t *testing.T) {
	r := New(strings.NewReader(`<a><b>x&amp;y</b><c/><d><e>1</e><f/></d><g>1<h/></g></a>`), Limits{})
	next := func(want string) {
		t.Helper()
		if kind, err := r.Next(); err != nil || kind != Start || string(r.Local()) != want {
			t.Fatalf("got %v %s, %v; want %s", kind, r.Local(), err, want)
		}
	}
	next("a")
	next("b")
	if text, err := r.ReadText(); string(text) != "x&y" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	next("c")
	if text, err := r.ReadText(); len(text) != 0 || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	next("d")
	if err := r.Skip(); err != nil {
		t.Error(err)
	}
	next("g")
	if _, err := r.ReadText(); !errors.Is(err, ErrSyntax) {
		t.Errorf("an element within text: %v", err)
	}
}

func TestSourceErrorIsNotTheDocuments(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := tokens(New(io.MultiReader(strings.NewReader("<a>"), iotest.ErrReader(broken)), Limits{}))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// FuzzReader: what is taken, encoding/xml takes too and reads the same in it; however it is cut, the tokens are the same.
func FuzzReader(f *testing.F) {
	for _, document := range good {
		f.Add([]byte(document))
	}
	files, _ := filepath.Glob(filepath.Join(cmp.Or(os.Getenv("QAQPA_CORPORA"), "../../../../shared/corpora"), "statements/camt/*.xml"))
	for _, name := range files {
		if document, err := os.ReadFile(name); err == nil {
			f.Add(document)
		}
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		got, err := tokens(New(bytes.NewReader(document), Limits{}))
		cut, errCut := tokens(New(iotest.OneByteReader(bytes.NewReader(document)), Limits{}))
		// Before a fault less may be told of what is read at once: bytes are checked ahead.
		if !strings.HasPrefix(cut, got) || (err == nil && cut != got) || (err == nil) != (errCut == nil) {
			t.Fatalf("cut to bytes: %v, %v\n%s\n%s", err, errCut, got, cut)
		}
		if err != nil {
			return
		}
		want, err := standard(bytes.TrimPrefix(document, byteOrderMark))
		if err != nil {
			if strings.Contains(err.Error(), "invalid") || strings.Contains(err.Error(), "expected") {
				return // names beyond ASCII and the like, which are not told apart here
			}
			t.Fatalf("the standard reader refuses: %v", err)
		}
		if !bytes.ContainsAny(document, "\r[:") && strings.ReplaceAll(got, "\"\n\"", "") != strings.ReplaceAll(want, "\"\n\"", "") {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	entry := `<Ntry><NtryRef>PSHEP000100000</NtryRef><Amt Ccy="KZT">5406.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><Nm>ОБРАЗЦОВА АЙГУЛЬ</Nm></Ntry>` + "\n"
	document := []byte("<a>" + strings.Repeat(entry, 50_000) + "</a>")
	b.SetBytes(int64(len(document)))
	for b.Loop() {
		r := New(bytes.NewReader(document), Limits{})
		for {
			kind, err := r.Next()
			if err != nil {
				b.Fatal(err)
			}
			if kind == EOF {
				break
			}
		}
	}
}
