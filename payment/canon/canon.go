package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"

	json2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Limits of what is read.
const (
	// SizeMax is the largest document, in bytes.
	SizeMax = 1 << 20
	// depthMax is the deepest nesting.
	depthMax = 16
	// nodesMax bounds the number of values in a document.
	nodesMax = 50_000
)

// Errors of this package, for errors.Is.
var (
	// ErrSyntax says that bytes are not JSON of the accepted kind; the text says why.
	ErrSyntax = errors.New("not acceptable JSON")
	// ErrNotCanonical says that bytes are good JSON in another than the canonical form.
	ErrNotCanonical = errors.New("not in canonical form")
)

// Marshal renders a value in canonical form. The value is one that encoding/json takes; floats are refused.
func Marshal(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode %T: %w", v, err)
	}
	tree, err := parse(raw)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := write(&out, tree); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Indent renders a value with sorted keys, two spaces of indentation and a final newline.
func Indent(v any) ([]byte, error) {
	compact, err := Marshal(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		return nil, fmt.Errorf("couldn't indent: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// Decode reads JSON strictly into v, in any order and spacing. Errors wrap [ErrSyntax].
func Decode(data []byte, v any) error {
	if err := acceptable(data); err != nil {
		return err
	}
	return into(data, v)
}

// into reads what is acceptable by now.
func into(data []byte, v any) error {
	if err := json2.Unmarshal(data, v, json2.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return nil
}

// DecodeCanonical is [Decode] for bytes that must be in canonical form; any other form is [ErrNotCanonical], so
// that one value has one digest.
func DecodeCanonical(data []byte, v any) error {
	tree, err := parse(data)
	if err != nil {
		return err
	}
	var again bytes.Buffer
	if err := write(&again, tree); err != nil {
		return err
	}
	if !bytes.Equal(again.Bytes(), data) {
		return ErrNotCanonical
	}
	return into(data, v)
}

// DecodeExact is [DecodeCanonical] for documents whose every field must be stated: v, rendered again, has the same bytes.
// A field that is left out, null, or empty where the type omits it, is [ErrNotCanonical].
func DecodeExact(data []byte, v any) error {
	if err := DecodeCanonical(data, v); err != nil {
		return err
	}
	again, err := Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return fmt.Errorf("%w: a field is missing or empty", ErrNotCanonical)
	}
	return nil
}

// object keeps the members of a JSON object.
type object map[string]any

// parse reads JSON into object, []any, string, int64, bool and nil.
func parse(data []byte) (any, error) {
	if err := acceptable(data); err != nil {
		return nil, err
	}
	p := parser{d: jsontext.NewDecoder(bytes.NewBuffer(data))}
	return p.value()
}

// acceptable walks once over data and keeps nothing: JSON text of bounded size, depth and number of values, with plain
// member names, none of them twice in an object, and whole numbers.
func acceptable(data []byte) error {
	if len(data) > SizeMax {
		return fmt.Errorf("%w: larger than %d bytes", ErrSyntax, SizeMax)
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(data)) // refuses what is not UTF-8, and a name that comes twice
	for nodes := 0; ; {
		depth := d.StackDepth()
		kind, read := d.StackIndex(depth)
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF) && nodes > 0:
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", ErrSyntax, err)
		case token.Kind() == '}' || token.Kind() == ']':
			continue
		case kind == '{' && read%2 == 0:
			if name := token.String(); !plainKey(name) {
				return fmt.Errorf("%w: member name %q", ErrSyntax, name)
			}
			continue
		case depth == 0 && nodes > 0:
			return fmt.Errorf("%w: data after the value", ErrSyntax)
		case token.Kind() == '0':
			if _, err := integer(token.String()); err != nil {
				return err
			}
		}
		if nodes++; depth > depthMax || nodes > nodesMax {
			return fmt.Errorf("%w: nested too deeply or too many values", ErrSyntax)
		}
	}
}

// parser reads what is acceptable into a tree.
type parser struct{ d *jsontext.Decoder }

func (p parser) value() (any, error) {
	token, err := p.d.ReadToken()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	switch token.Kind() { //nolint:exhaustive // what ends an object or a list is read by them
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '0':
		return integer(token.String())
	case '"':
		return token.String(), nil
	case 't', 'f':
		return token.Bool(), nil
	default:
		return nil, nil //nolint:nilnil // null is a value
	}
}

func (p parser) object() (any, error) {
	members := object{}
	for p.d.PeekKind() != '}' {
		token, err := p.d.ReadToken()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
		}
		key := token.String()
		if members[key], err = p.value(); err != nil {
			return nil, err
		}
	}
	_, err := p.d.ReadToken()
	return members, err
}

func (p parser) array() (any, error) {
	items := []any{}
	for p.d.PeekKind() != ']' {
		item, err := p.value()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := p.d.ReadToken()
	return items, err
}

func plainKey(key string) bool {
	for i := range len(key) {
		c := key[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return key != ""
}

// integer takes a JSON number that is a whole int64 in its only spelling: no fraction, exponent or "-0".
func integer(text string) (any, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return nil, fmt.Errorf("%w: number %.24s is not a whole number", ErrSyntax, text)
	}
	return n, nil
}

func write(out *bytes.Buffer, v any) error {
	switch t := v.(type) {
	case object:
		keys := make([]string, 0, len(t))
		for key := range t {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		out.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString(`"` + key + `":`)
			if err := write(out, t[key]); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range t {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := write(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case string:
		return writeString(out, t)
	case int64:
		out.WriteString(strconv.FormatInt(t, 10))
	case bool:
		out.WriteString(strconv.FormatBool(t))
	case nil:
		out.WriteString("null")
	default:
		return fmt.Errorf("%w: unexpected %T", ErrSyntax, v)
	}
	return nil
}

func writeString(out *bytes.Buffer, text string) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return fmt.Errorf("couldn't encode text: %w", err)
	}
	out.Truncate(out.Len() - 1) // the encoder's newline
	return nil
}
