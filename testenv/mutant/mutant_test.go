package mutant_test

import (
	"bytes"
	"testing"

	"qaqpa/testenv/mutant"
)

// Documents come together again, whatever the form of their lengths, and every change is another document.
func TestASN1(t *testing.T) {
	for _, document := range [][]byte{
		{0x30, 0x03, 0x02, 0x01, 0x05},
		{0x30, 0x80, 0x24, 0x80, 0x04, 0x01, 'a', 0, 0, 0, 0},
		{0x30, 0x82, 0x00, 0x03, 0x02, 0x01, 0x05},
		{0x30, 0x05, 0xbf, 0x81, 0x01, 0x01, 0x07},
		append([]byte{0x30, 0x81, 0x80, 0x04, 0x7e}, make([]byte, 0x7e)...),
	} {
		all, _, err := mutant.ASN1(document)
		if err != nil {
			if document[2] != 0xbf { // a constructed element that holds half an element
				t.Errorf("%x: %v", document, err)
			}
			continue
		}
		n := 0
		for _, e := range all {
			e.Changes(func(what string, write func() []byte) {
				if n++; bytes.Equal(write(), document) {
					t.Errorf("%x: %s: nothing changed", document, what)
				}
			})
		}
		if n < 9 {
			t.Errorf("%x: %d changes", document, n)
		}
	}
}

func TestXML(t *testing.T) {
	text := []byte(`<?xml version="1.0"?><a xmlns:p="u" Id='x'><!-- c --><b/>text<![CDATA[d]]></a>`)
	all, leftOut := mutant.XML(text)
	kinds := map[string]int{}
	for _, n := range all {
		kinds[n.Kind]++
		n.Changes(text, func(what string, write func() []byte) {
			if bytes.Equal(write(), text) {
				t.Errorf("%s %s: nothing changed", n.Kind, what)
			}
		})
	}
	if leftOut != 0 || kinds["element"] != 2 || kinds["text"] != 2 || kinds["attribute"] != 1 || kinds["namespace"] != 1 || kinds["comment"] != 1 || kinds["instruction"] != 1 {
		t.Errorf("%v, %d left out", kinds, leftOut)
	}
	if all[1].ID != "x" || all[1].To != len(text) {
		t.Errorf("%+v", all[1])
	}
	if all, leftOut = mutant.XML([]byte("<a>" + string(bytes.Repeat([]byte("<b/>"), 1000)) + "</a>")); leftOut == 0 || len(all) < 32 || len(all)+leftOut != 1001 {
		t.Errorf("%d of a list, %d left out", len(all), leftOut)
	}
}

func TestPDF(t *testing.T) {
	file := []byte("%PDF-1.7\n1 0 obj\n<</Type/Catalog/X(a\\)b)>>\nendobj\n2 0 obj\n<</Length 3>>\nstream\nabc\nendstream\nendobj\n" +
		"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n")
	all, _ := mutant.PDF(file)
	kinds := map[string]int{}
	for _, p := range all {
		kinds[p.Kind]++
		p.Changes(file, func(what string, write func() []byte) {
			if bytes.Equal(write(), file) {
				t.Errorf("%s %s: nothing changed", p.Kind, what)
			}
		})
	}
	if kinds["object"] != 2 || kinds["stream"] != 1 || kinds["cross-reference"] != 1 || kinds["trailer"] < 8 || kinds["token"] < 8 {
		t.Errorf("%v", kinds)
	}
}

// FuzzMutants: no octets bring the scanners out of step, and what is found lies in them.
func FuzzMutants(f *testing.F) {
	f.Add([]byte(`<a b="c">d</a>`))
	f.Add([]byte("1 0 obj<</A 1>>stream\nx\nendstream endobj xref 0000000000 65535 f"))
	f.Add([]byte{0x30, 0x80, 0x02, 0x01, 0x05, 0, 0})
	f.Fuzz(func(t *testing.T, document []byte) {
		nodes, _ := mutant.XML(document)
		for _, n := range nodes {
			if n.From < 0 || n.From > n.To || n.To > len(document) {
				t.Fatalf("%+v", n)
			}
		}
		parts, _ := mutant.PDF(document)
		for _, p := range parts {
			if p.From < 0 || p.From > p.To || p.To > len(document) {
				t.Fatalf("%+v", p)
			}
		}
		if all, _, err := mutant.ASN1(document); err == nil && len(all) == 0 {
			t.Fatal("taken apart into nothing")
		}
	})
}
