package strictjson

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// kind says how a Go type is read.
type kind uint8

const (
	kindString kind = iota
	kindBool
	kindInt
	kindUint
	kindText  // encoding.TextUnmarshaler
	kindTime  // RFC 3339
	kindBytes // base64 (RFC 4648 §4)
	kindSlice
	kindMap
	kindStruct
	kindRaw // json.RawMessage: any value, well-formed and with each member once
)

// plan is the shape of one Go type, computed once.
type plan struct {
	kind    kind
	typ     reflect.Type
	pointer bool // the field is a pointer to typ
	elem    *plan
	fields  []field
	byName  map[string]int
}

type field struct {
	name     string
	index    int
	optional bool
	limit    int // runes of a string, items of an array or object, bytes of binary data; 0: none
	plan     *plan
}

// membersMax keeps the "seen" set of a struct in one machine word.
const membersMax = 64

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	timeType        = reflect.TypeFor[time.Time]()
	bytesType       = reflect.TypeFor[[]byte]()
	rawType         = reflect.TypeFor[json.RawMessage]()
)

// newPlan reports Go types that cannot be read strictly; it runs at start only.
func newPlan(t reflect.Type, depth int) (*plan, error) {
	if depth > 16 {
		return nil, fmt.Errorf("type %s is nested too deep or refers to itself", t)
	}
	if t.Kind() == reflect.Pointer {
		p, err := newPlan(t.Elem(), depth+1)
		if err != nil {
			return nil, err
		}
		if p.pointer {
			return nil, fmt.Errorf("type %s is a pointer to a pointer", t)
		}
		p.pointer = true
		return p, nil
	}
	p := &plan{typ: t}
	switch {
	case t == timeType:
		p.kind = kindTime
		return p, nil
	case t == bytesType:
		p.kind = kindBytes
		return p, nil
	case t == rawType:
		p.kind = kindRaw
		return p, nil
	case reflect.PointerTo(t).Implements(textUnmarshaler):
		p.kind = kindText
		return p, nil
	}
	return p, p.fill(depth)
}

// fill completes the plan of a type that has no form of its own.
func (p *plan) fill(depth int) (err error) {
	switch p.typ.Kind() { //nolint:exhaustive // kinds without a strict reading are refused together, by default
	case reflect.String:
		p.kind = kindString
	case reflect.Bool:
		p.kind = kindBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.kind = kindInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		p.kind = kindUint
	case reflect.Slice:
		p.kind = kindSlice
		p.elem, err = newPlan(p.typ.Elem(), depth+1)
	case reflect.Map:
		if p.typ.Key().Kind() != reflect.String {
			return fmt.Errorf("map %s has keys that are not strings", p.typ)
		}
		p.kind = kindMap
		p.elem, err = newPlan(p.typ.Elem(), depth+1)
	case reflect.Struct:
		p.kind = kindStruct
		err = p.fillFields(depth)
	default:
		return fmt.Errorf("type %s cannot be read strictly", p.typ)
	}
	return err
}

func (p *plan) fillFields(depth int) error {
	p.byName = make(map[string]int, p.typ.NumField())
	for i := range p.typ.NumField() {
		sf := p.typ.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if !sf.IsExported() || sf.Anonymous || name == "" {
			return fmt.Errorf("field %s.%s needs to be exported, named by a json tag and not embedded", p.typ, sf.Name)
		}
		elem, err := newPlan(sf.Type, depth+1)
		if err != nil {
			return fmt.Errorf("field %s.%s: %w", p.typ, sf.Name, err)
		}
		f := field{name: name, index: i, plan: elem}
		f.optional = elem.pointer || strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		if tag, ok := sf.Tag.Lookup("limit"); ok {
			if f.limit, err = strconv.Atoi(tag); err != nil || f.limit <= 0 {
				return fmt.Errorf("field %s.%s has limit %q", p.typ, sf.Name, tag)
			}
		}
		if _, twice := p.byName[name]; twice {
			return fmt.Errorf("struct %s has two members named %q", p.typ, name)
		}
		p.byName[name] = len(p.fields)
		p.fields = append(p.fields, f)
	}
	if len(p.fields) > membersMax {
		return fmt.Errorf("struct %s has more than %d members", p.typ, membersMax)
	}
	return nil
}
