package ncanode

import (
	"errors"
	"strings"

	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// parseXML reads a document that came as a JSON string. It is UTF-8, so a declaration that names another encoding would make
// other readers see another document.
func parseXML(text string) (*xmltree.Document, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "\ufeff")
	if !strings.HasPrefix(text, "<") {
		return nil, refuse(CodeXML, "Cannot read XML")
	}
	tree, err := xmltree.Parse([]byte(text), xmltree.Limits{})
	switch {
	case errors.Is(err, xmltree.ErrEncoding), err == nil && tree.Encoding() != "UTF-8":
		return nil, refuse(CodeEncoding, "xml declares another encoding than UTF-8")
	case err != nil:
		return nil, refuse(CodeXML, "Cannot read XML").because(err)
	}
	return tree, nil
}

// preparation is what is done to a document before it is signed.
type preparation struct{ clear, trim bool }

// cut is a range of octets that goes.
type cut struct{ from, to int }

// prepare takes signatures and white space between elements out of a document. Nothing else changes. White space is signed,
// so it is not taken out of a document whose signatures stay.
func prepare(text string, what preparation) ([]byte, error) {
	tree, err := parseXML(text)
	if err != nil {
		return nil, err
	}
	if !what.clear && !what.trim {
		return []byte(tree.Text()), nil
	}
	var cuts []cut
	end := 0 // of the signature that was cut last
	for n := range tree.Element().Descendants() {
		from, to := n.Range()
		switch {
		case from < end: // inside it
		case n.Kind() == xmltree.Element && n.Is(xmldsig.Space, "Signature"):
			if !what.clear {
				return nil, refuse(CodeTrim, "trimXml would break the signatures in the document; use clearSignatures, or sign it as it is")
			}
			cuts, end = append(cuts, cut{from, to}), to
		case what.trim && n.Kind() == xmltree.Text && blank(n):
			cuts = append(cuts, cut{from, to})
		}
	}
	return without(tree.Text(), cuts), nil
}

// blank tells a text node of white space alone, however it is written. CDATA is content that somebody meant.
func blank(n xmltree.Node) bool {
	return strings.IndexFunc(n.Value(), func(c rune) bool { return c > ' ' }) < 0 && !strings.Contains(n.Raw(), "<![CDATA[")
}

// without is a text without some ranges, which are in order and apart.
func without(text string, cuts []cut) []byte {
	out := make([]byte, 0, len(text))
	at := 0
	for _, c := range cuts {
		out = append(out, text[at:c.from]...)
		at = c.to
	}
	return append(out, text[at:]...)
}
