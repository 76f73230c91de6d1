package xmltree_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"qaqpa/signer/xmltree"
)

// What we take is well-formed to the standard library too, with the same elements; every node lies inside its parent; the
// limits hold.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		family, `<a xmlns:p="u"><p:b p:c="&#65;&lt;">x<![CDATA[y]]></p:b><!--c--><?q r?></a>`, "<a>\r\n</a>", "<!DOCTYPE a><a/>",
		`<?xml version="1.0" encoding="windows-1251"?><a>` + "\xcf</a>", "\xff\xfe<\x00a\x00/\x00>\x00", "<?>0", `<a Id="x"><b id="x"/></a>`,
	} {
		f.Add([]byte(s))
	}
	lim := xmltree.Limits{Bytes: 1 << 16, Depth: 32, Nodes: 1 << 12, Attributes: 16, Namespaces: 16}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := xmltree.Parse(b, lim)
		if err != nil {
			return
		}
		if d.Len() > lim.Nodes {
			t.Fatalf("%d nodes", d.Len())
		}
		elements := 0
		for n := range d.All().Tree() {
			from, to := n.Range()
			if parent := n.Parent(); !parent.IsZero() {
				outer, end := parent.Range()
				if from < outer || to > end || from >= to {
					t.Fatalf("%s: %d to %d in %d to %d", n.Path(), from, to, outer, end)
				}
			}
			if n.Kind() == xmltree.Element {
				elements++
			}
		}
		if got := standardElements(t, d); got >= 0 && got != elements {
			t.Fatalf("%d elements, encoding/xml has %d", elements, got)
		}
		again, err := xmltree.Parse([]byte(d.Text()), lim)
		if d.Encoding() == "UTF-8" && (err != nil || show(again.Root()) != show(d.Root())) {
			t.Fatalf("read again: %v", err)
		}
	})
}

// standardElements is -1 where encoding/xml does not know a character: it has the names of XML 1.0's fourth edition.
func standardElements(t *testing.T, d *xmltree.Document) (n int) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(d.Text()))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil && strings.Contains(err.Error(), "invalid XML name") {
			return -1
		}
		if err != nil {
			t.Fatalf("encoding/xml: %v", err)
		}
		if _, ok := token.(xml.StartElement); ok {
			n++
		}
	}
}

func FuzzNCName(f *testing.F) {
	for _, s := range []string{"a", "a:b", "1", "-", "қ.1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := xmltree.NCNameLength(s)
		if n < 0 || n > len(s) || n > 0 && n <= 4096 && !xmltree.IsNCName(s[:n]) {
			t.Fatalf("%q: %d", s, n)
		}
	})
}
