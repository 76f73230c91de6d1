package jsononce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// ErrReading says that a document is no JSON, or can be read in more than one way.
var ErrReading = errors.New("no JSON with one reading")

// Check refuses JSON that programs read differently: a member that stands twice in one object, of which one reader takes the first and
// another the last (two letter cases of one name are the same member to encoding/json), and whatever follows the document. Whoever
// looks a policy over must see the rule that is applied. Objects and arrays may lie in each other to a depth of depthMax. Every
// error is ErrReading.
func Check(document []byte, depthMax int) error {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := once(d, depthMax); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the document", ErrReading)
	}
	return nil
}

// folded is the first of the letters that encoding/json takes for one. It is more than lower case: to it \u017f is an s.
func folded(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

// once reads one value.
func once(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReading, err)
	}
	delimiter, compound := t.(json.Delim)
	switch {
	case !compound:
		return nil
	case depth == 0:
		return fmt.Errorf("%w: it is too deep", ErrReading)
	}
	seen := map[string]bool{}
	for d.More() {
		if delimiter == '{' {
			name, err := d.Token()
			if err != nil {
				return fmt.Errorf("%w: %w", ErrReading, err)
			}
			key := strings.Map(folded, fmt.Sprint(name))
			if seen[key] {
				return fmt.Errorf("%w: %.64q stands twice in one object", ErrReading, name)
			}
			seen[key] = true
		}
		if err := once(d, depth-1); err != nil {
			return err
		}
	}
	if _, err = d.Token(); err != nil { // the closing one
		return fmt.Errorf("%w: %w", ErrReading, err)
	}
	return nil
}
