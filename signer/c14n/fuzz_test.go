package c14n_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"qaqpa/signer/c14n"
	"qaqpa/signer/xmltree"
)

// A canonical form is well-formed, is its own canonical form, and says the same of every subtree however it is reached.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		`<a xmlns="urn:a" xmlns:p="urn:p"><p:b p:c="1" d="&#10;&lt;"/><!--x--><?y z?></a>`,
		"<?p?><a>&#13;<b xmlns=''/></a><!--q-->", `<a xml:base="x/"><b xml:base="../y"/></a>`,
	} {
		f.Add([]byte(s), uint8(0))
	}
	f.Fuzz(func(t *testing.T, b []byte, choice uint8) {
		d, err := xmltree.Parse(b, xmltree.Limits{Nodes: 1 << 12, Depth: 64})
		if err != nil {
			return
		}
		m := c14n.Method{Form: c14n.Form(choice%3) + 1, Comments: choice&4 != 0}
		if choice&8 != 0 && m.Form == c14n.Exclusive10 {
			m.Prefixes = []string{"p", "#default"}
		}
		once, err := c14n.Canonical(d.All(), m)
		if err != nil {
			return
		}
		again, err := xmltree.Parse(once, xmltree.Limits{Bytes: 1 << 30, Namespaces: 1 << 12, Attributes: 1 << 12})
		if err != nil {
			t.Fatalf("canonical form %q: %v", once, err)
		}
		twice, err := c14n.Canonical(again.All(), m)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q, %v", once, twice, err)
		}
		whole, err := c14n.Canonical(xmltree.Subtree(d.Element()), m)
		if err != nil || !bytes.Contains(once, whole) {
			t.Fatalf("document element %q in %q, %v", whole, once, err)
		}
	})
}

// Documents of namespaces put at random come out as xmllint writes them.
func TestRandomDocumentsAsXmllint(t *testing.T) {
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not here")
	}
	file := filepath.Join(t.TempDir(), "in.xml")
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		element(t, &b, 0)
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := xmltree.Parse(b.Bytes(), xmltree.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", &b, err)
		}
		for option, method := range oracles {
			want, err := exec.CommandContext(t.Context(), lint, option, file).Output()
			if err != nil {
				t.Fatalf("xmllint %s: %v: %s", option, err, &b)
			}
			if got, err := c14n.Canonical(d.All(), method); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: %v\n%s\n%s\nwant\n%s", option, err, &b, got, want)
			}
		}
	})
}

func element(t *rapid.T, b *bytes.Buffer, depth int) {
	name := rapid.SampledFrom([]string{"a", "p:b", "q:c"}).Draw(t, "name")
	b.WriteString("<" + name)
	if depth == 0 {
		b.WriteString(` xmlns:p="urn:p0" xmlns:q="urn:q0"`)
	} else {
		for _, prefix := range []string{":p", ":q", ":r", ""} {
			if rapid.IntRange(0, 3).Draw(t, "declare") == 0 {
				space := rapid.SampledFrom([]string{"urn:p0", "urn:q0", "urn:x"}).Draw(t, "space")
				if prefix == "" && rapid.Bool().Draw(t, "undo") {
					space = ""
				}
				b.WriteString(" xmlns" + prefix + `="` + space + `"`)
			}
		}
	}
	if rapid.Bool().Draw(t, "attributes") {
		b.WriteString(` z="1&#9;" a="2" p:k="3" xml:lang="kk"`)
	}
	b.WriteString(">")
	for range rapid.IntRange(0, max(0, 4-depth)).Draw(t, "children") {
		if rapid.IntRange(0, 3).Draw(t, "text") == 0 {
			b.WriteString("t&amp;<!-- c -->")
			continue
		}
		element(t, b, depth+1)
	}
	b.WriteString("</" + name + ">")
}
