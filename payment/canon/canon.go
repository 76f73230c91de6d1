package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"unicode/utf8"
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
	if _, err := parse(data); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
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
	return Decode(data, v)
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
	if len(data) > SizeMax {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrSyntax, SizeMax)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrSyntax)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	p := parser{d: d}
	tree, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: data after the value", ErrSyntax)
	}
	return tree, nil
}

type parser struct {
	d     *json.Decoder
	nodes int
}

func (p *parser) value(depth int) (any, error) {
	p.nodes++
	if depth > depthMax || p.nodes > nodesMax {
		return nil, fmt.Errorf("%w: nested too deeply or too many values", ErrSyntax)
	}
	token, err := p.d.Token()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case json.Number:
		return integer(t.String())
	default:
		return token, nil
	}
}

func (p *parser) object(depth int) (any, error) {
	members := object{}
	for p.d.More() {
		token, err := p.d.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
		}
		key, ok := token.(string)
		if !ok || !plainKey(key) {
			return nil, fmt.Errorf("%w: member name %q", ErrSyntax, token)
		}
		if _, twice := members[key]; twice {
			return nil, fmt.Errorf("%w: member %q twice", ErrSyntax, key)
		}
		if members[key], err = p.value(depth + 1); err != nil {
			return nil, err
		}
	}
	if _, err := p.d.Token(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return members, nil
}

func (p *parser) array(depth int) (any, error) {
	items := []any{}
	for p.d.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if _, err := p.d.Token(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return items, nil
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
