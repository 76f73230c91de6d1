package pdf

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
)

// Object is a PDF object: nil (null), bool, int64, Real, Name, *String, Array, *Dict, *Stream or Ref. Objects are
// immutable once read and may be shared.
type Object any

// Name is a name without its solidus, #xx decoded.
type Name string

// Real is a number as it is written, when it is not an integer of 64 bits.
type Real string

// Array is a list of objects.
type Array []Object

// Ref is an indirect reference.
type Ref struct {
	Number, Generation int
}

// String is a string as it stands in the file.
type String struct {
	Value []byte // decoded; still encrypted in an encrypted file
	Hex   bool   // written as <…>
	// From and To are the octets of the file that it takes, delimiters included; 0 in an object stream.
	From, To int
}

// Dict is a dictionary.
type Dict struct {
	entries map[Name]Object
	// Doubled is the first key that stands in it twice: two readers see two dictionaries. The first value counts here.
	Doubled Name
}

// Stream is a dictionary with octets.
type Stream struct {
	Dict *Dict
	Raw  []byte // as they stand in the file, filtered and encrypted
	// number and generation are those of the object, which encryption needs.
	number, generation int
}

// NewDict makes a dictionary of keys and values.
func NewDict(entries map[Name]Object) *Dict { return &Dict{entries: maps.Clone(entries)} }

// Get is the value of a key, references not followed; nil when it is absent. A nil dictionary is empty.
func (d *Dict) Get(key Name) Object {
	if d == nil {
		return nil
	}
	return d.entries[key]
}

// Has tells whether a key is there.
func (d *Dict) Has(key Name) bool {
	if d == nil {
		return false
	}
	_, ok := d.entries[key]
	return ok
}

// Len is the number of keys.
func (d *Dict) Len() int {
	if d == nil {
		return 0
	}
	return len(d.entries)
}

// Keys are all keys, sorted.
func (d *Dict) Keys() []Name {
	if d == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(d.entries))
}

// With returns a copy with a key set; a nil value removes it.
func (d *Dict) With(key Name, value Object) *Dict {
	out := &Dict{entries: map[Name]Object{}}
	if d != nil {
		maps.Copy(out.entries, d.entries)
	}
	if out.entries[key] = value; value == nil {
		delete(out.entries, key)
	}
	return out
}

// Equal tells whether two objects are the same value: references are compared, not followed, and streams octet by octet.
// A key with null is an absent key (ISO 32000-1 7.3.7).
func Equal(a, b Object) bool {
	switch x := a.(type) {
	case Array:
		y, ok := b.(Array)
		return ok && slices.EqualFunc(x, y, Equal)
	case *Dict:
		y, ok := b.(*Dict)
		return ok && equalDicts(x, y)
	case *Stream:
		y, ok := b.(*Stream)
		return ok && (x == y || bytes.Equal(x.Raw, y.Raw) && equalDicts(x.Dict, y.Dict))
	case *String:
		y, ok := b.(*String)
		return ok && bytes.Equal(x.Value, y.Value)
	case Real:
		return equalNumbers(x, b)
	case int64:
		if y, ok := b.(Real); ok {
			return equalNumbers(y, a)
		}
		return a == b
	default:
		return a == b
	}
}

func equalDicts(x, y *Dict) bool {
	if x == y {
		return true
	}
	// A doubled key is read differently by different programs: such dictionaries equal nothing.
	if x.Doubled != "" || y.Doubled != "" {
		return false
	}
	for key, value := range x.entries {
		if !Equal(value, y.Get(key)) {
			return false
		}
	}
	for key, value := range y.entries {
		if value != nil && !x.Has(key) {
			return false
		}
	}
	return true
}

func equalNumbers(x Real, b Object) bool {
	if y, ok := b.(Real); ok && x == y {
		return true
	}
	p, ok := Number(x)
	q, also := Number(b)
	return ok && also && p == q
}

// Number is the value of an integer or real.
func Number(o Object) (float64, bool) {
	switch x := o.(type) {
	case int64:
		return float64(x), true
	case Real:
		v, err := strconv.ParseFloat(string(x), 64)
		return v, err == nil
	}
	return 0, false
}

// References calls found for every reference inside an object, those of one occurrence each.
func References(o Object, found func(Ref)) {
	switch x := o.(type) {
	case Ref:
		found(x)
	case Array:
		for _, e := range x {
			References(e, found)
		}
	case *Dict:
		for _, e := range x.entries {
			References(e, found)
		}
	case *Stream:
		References(x.Dict, found)
	}
}
