package c14n_test

import (
	"io"
	"strings"
	"testing"

	"qaqpa/signer/c14n"
	"qaqpa/signer/xmltree"
)

func BenchmarkWrite(b *testing.B) {
	documents := map[string]string{
		"tiny elements": "<a>" + strings.Repeat("<r><c x='1'>text</c></r>", 40_000) + "</a>",
		"prefixed":      `<p:a xmlns:p="urn:p" xmlns:q="urn:q">` + strings.Repeat(`<p:row q:x="1" id="2"><p:name>some longer text of a document</p:name></p:row>`, 14_000) + "</p:a>",
		"text":          "<a>" + strings.Repeat("a longer run of text without anything to replace, ", 20_000) + "</a>",
	}
	for name, document := range documents {
		doc, err := xmltree.Parse([]byte(document), xmltree.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+" parse", func(b *testing.B) {
			b.SetBytes(int64(len(document)))
			for b.Loop() {
				if _, err := xmltree.Parse([]byte(document), xmltree.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		for form, m := range map[string]c14n.Method{"inclusive": {Form: c14n.Inclusive10}, "exclusive": {Form: c14n.Exclusive10}} {
			b.Run(name+" "+form, func(b *testing.B) {
				b.SetBytes(int64(len(document)))
				for b.Loop() {
					if err := c14n.Write(io.Discard, doc.All(), m); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
