package jsononce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// yamlBytesMax bounds a document in YAML, whose reader takes some hundred times its length.
const yamlBytesMax = 256 << 10

// FromYAML writes a document in YAML, an object with names, as JSON; Check has to judge that. It takes what each reader of YAML understands alike: objects,
// lists, texts, true and false, and whole numbers in decimals. Refused are anchors and aliases (a few lines of which become
// gigabytes, and which hide the rule from who looks it over), tags, merged objects, more than one document, absent values, octets that are not UTF-8, and texts without
// quotation marks that one reader takes for a text and another for something else: no, off, 1.10, 0x1f, 010, 12:30. Every error is ErrReading.
func FromYAML(document []byte, depthMax int) (text []byte, err error) {
	// A fault of the library is no reason to end: the document cannot be read.
	defer func() {
		if fault := recover(); fault != nil {
			text, err = nil, fmt.Errorf("%w: %v", ErrReading, fault)
		}
	}()
	switch {
	case len(document) > yamlBytesMax:
		return nil, fmt.Errorf("%w: YAML is longer than %d bytes", ErrReading, yamlBytesMax)
	case !utf8.Valid(document) || bytes.HasPrefix(document, []byte("\ufeff")):
		return nil, fmt.Errorf("%w: YAML is no UTF-8 without a mark", ErrReading)
	}
	d := yaml.NewDecoder(bytes.NewReader(document))
	var root, more yaml.Node
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReading, err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the document", ErrReading)
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%w: it is no object", ErrReading)
	}
	return appendYAML(nil, root.Content[0], depthMax)
}

// appendYAML writes one value.
func appendYAML(to []byte, n *yaml.Node, depth int) ([]byte, error) {
	brackets := "[]"
	switch {
	case n.Anchor != "" || n.Kind == yaml.AliasNode || n.Style&yaml.TaggedStyle != 0:
		return nil, fmt.Errorf("%w: line %d: anchors, aliases and tags are not taken", ErrReading, n.Line)
	case n.Kind == yaml.ScalarNode:
		return appendScalar(to, n)
	case n.Kind == yaml.MappingNode:
		brackets = "{}"
	case n.Kind != yaml.SequenceNode:
		return nil, fmt.Errorf("%w: line %d: it is no value", ErrReading, n.Line)
	}
	if depth == 0 {
		return nil, fmt.Errorf("%w: it is too deep", ErrReading)
	}
	to = append(to, brackets[0])
	for i, c := range n.Content {
		name := n.Kind == yaml.MappingNode && i%2 == 0
		switch {
		case name && (c.Kind != yaml.ScalarNode || c.ShortTag() != "!!str"):
			return nil, fmt.Errorf("%w: line %d: a name is no text", ErrReading, c.Line)
		case n.Kind == yaml.MappingNode && !name:
			to = append(to, ':')
		case i > 0:
			to = append(to, ',')
		}
		var err error
		if to, err = appendYAML(to, c, depth-1); err != nil {
			return nil, err
		}
	}
	return append(to, brackets[1]), nil
}

var (
	// decimal is a whole number that is the same one in each version of YAML.
	decimal = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,18})$`)
	// date is a day or an instant, which is handed on as it is written.
	date = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2}))?$`)
	// sexagesimal is a number to YAML 1.1 and a text to 1.2.
	sexagesimal = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-9_.]+)+$`)
)

// appendScalar writes a text, a number or a truth value.
func appendScalar(to []byte, n *yaml.Node) ([]byte, error) {
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	tag, taken := n.ShortTag(), false
	switch {
	case quoted:
		taken = true
	case tag == "!!str":
		switch strings.ToLower(n.Value) { // YAML 1.1 says that these are true, false and nothing
		case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "":
		default:
			taken = !sexagesimal.MatchString(n.Value)
		}
	case tag == "!!timestamp":
		taken = date.MatchString(n.Value)
	case tag == "!!bool" && (n.Value == "true" || n.Value == "false"), tag == "!!int" && decimal.MatchString(n.Value):
		return append(to, n.Value...), nil
	}
	if !taken {
		return nil, fmt.Errorf("%w: line %d: %.64q is no text to each reader; put it into quotation marks", ErrReading, n.Line, n.Value)
	}
	text, err := json.Marshal(n.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReading, err)
	}
	return append(to, text...), nil
}
