package xmldsig

import (
	"encoding/base64"
	"fmt"
	"strings"

	"qaqpa/signer/xmltree"
)

// elementsOnly demands that an element holds no text but white space: what the schema does not foresee could be read as
// something by another program.
func elementsOnly(n xmltree.Node) error {
	for c := range n.Children() {
		if c.Kind() == xmltree.Text && strings.Trim(c.Value(), " \t\r\n") != "" {
			return fmt.Errorf("%w: text in %s", ErrMalformed, n.Name())
		}
	}
	return nil
}

// TextOf is the text of an element that holds nothing else. A comment or instruction inside a value is refused: there
// are programs that read only what stands before it. The error is [ErrMalformed].
func TextOf(n xmltree.Node) (string, error) {
	if n.IsZero() {
		return "", fmt.Errorf("%w: element is missing", ErrMalformed)
	}
	first := n.FirstChild()
	if first.IsZero() {
		return "", nil
	}
	if first.Kind() != xmltree.Text || !first.NextSibling().IsZero() {
		return "", fmt.Errorf("%w: markup inside %s", ErrMalformed, n.Name())
	}
	return first.Value(), nil
}

// Base64Of decodes the text of an element (XML Schema base64Binary): white space anywhere, no other
// freedom. The error is [ErrMalformed], for an empty value too.
func Base64Of(n xmltree.Node) ([]byte, error) {
	text, err := TextOf(n)
	if err != nil {
		return nil, err
	}
	b, err := decodeBase64(text)
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("%w: empty value", ErrMalformed)
	}
	return b, err
}

func decodeBase64(text string) ([]byte, error) {
	packed := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			packed = append(packed, c)
		}
	}
	// Strict: the last character has one form only.
	out := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Strict().Decode(out, packed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return out[:n], nil
}
