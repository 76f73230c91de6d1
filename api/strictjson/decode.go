package strictjson

import (
	"encoding"
	"encoding/base64"
	"reflect"
	"strconv"
	"time"
)

// Limits bound what a body may cost before its meaning is known. The size of the body itself is bounded by the
// HTTP server.
type Limits struct {
	Depth int // arrays and objects within each other; 0 means 16
	Items int // elements of one array or members of one map; 0 means 10,000
	// Tolerant is for interfaces of others, whose clients may send more than they are asked for: unknown members are passed
	// over and null is taken for an absent member. What is passed over is read strictly all the same, so that a body has one
	// reading.
	Tolerant bool
}

// Decoder reads values of type T. It is immutable and safe for concurrent use.
type Decoder[T any] struct {
	plan   *plan
	limits Limits
}

// New makes a Decoder for T, a struct whose fields carry `json` names. A field is obligatory unless it is a
// pointer or tagged omitempty or omitzero; `limit:"n"` bounds its length (runes of a string, items of an array,
// bytes of base64 data). New fails for types that have no strict reading, such as any or float64.
func New[T any](lim Limits) (*Decoder[T], error) {
	if lim.Depth == 0 {
		lim.Depth = 16
	}
	if lim.Items == 0 {
		lim.Items = 10_000
	}
	p, err := newPlan(reflect.TypeFor[T](), 0)
	if err != nil {
		return nil, err
	}
	return &Decoder[T]{plan: p, limits: lim}, nil
}

// Decode reads exactly one value of T from data, which may have white space around it. It keeps no reference to
// data. The error is always an [*Error]; the value is then meaningless.
func (d *Decoder[T]) Decode(data []byte) (T, error) {
	var v T
	r := &reader{data: data, limits: d.limits}
	r.space()
	if e := r.value(d.plan, reflect.ValueOf(&v).Elem(), 0); e != nil {
		return v, e
	}
	r.space()
	if r.pos < len(data) {
		return v, r.fail(Trailing)
	}
	return v, nil
}

// value reads one value into v. limit is the one of the field that v belongs to.
func (r *reader) value(p *plan, v reflect.Value, limit int) *Error {
	if p.pointer {
		v.Set(reflect.New(p.typ))
		v = v.Elem()
	}
	switch p.kind {
	case kindRaw:
		start := r.pos
		if e := r.skip(); e != nil {
			return e
		}
		v.SetBytes(append([]byte(nil), r.data[start:r.pos]...))
		return nil
	case kindStruct:
		return r.object(p, v)
	case kindMap:
		return r.dictionary(p, v, limit)
	case kindSlice:
		return r.array(p, v, limit)
	case kindBool:
		return r.boolean(v)
	case kindInt, kindUint:
		return r.integer(p, v)
	case kindString, kindText, kindTime, kindBytes:
	}
	start := r.pos
	s, e := r.stringValue()
	if e != nil {
		return e
	}
	return r.text(p, v, s, start, limit)
}

// text gives a string to a field that is written as one.
func (r *reader) text(p *plan, v reflect.Value, s string, start, limit int) *Error {
	failed := func(reason Reason, want string, limit int) *Error {
		return &Error{Reason: reason, Offset: start, Want: want, Limit: limit}
	}
	if limit > 0 && p.kind != kindBytes && longer(s, limit) {
		return failed(TooLong, "", limit)
	}
	switch p.kind {
	case kindText:
		u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
		if !ok || u.UnmarshalText([]byte(s)) != nil {
			return failed(InvalidValue, p.typ.Name(), 0)
		}
	case kindTime:
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || t.Year() < 1 || t.Year() > 9999 {
			return failed(InvalidValue, "RFC 3339 date-time", 0)
		}
		v.Set(reflect.ValueOf(t))
	case kindBytes:
		// DecodedLen is checked first: what is refused for its length is not decoded.
		if limit > 0 && base64.StdEncoding.DecodedLen(len(s)) > limit+2 {
			return failed(TooLong, "", limit)
		}
		b, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || base64.StdEncoding.EncodedLen(len(b)) != len(s) {
			return failed(InvalidValue, "base64", 0)
		}
		if limit > 0 && len(b) > limit {
			return failed(TooLong, "", limit)
		}
		v.SetBytes(b)
	case kindString, kindBool, kindInt, kindUint, kindSlice, kindMap, kindStruct, kindRaw: // of these, strings alone come here
		v.SetString(s)
	}
	return nil
}

// longer reports whether s has more than n runes, without counting far beyond n.
func longer(s string, n int) bool {
	if len(s) <= n {
		return false
	}
	for range s {
		if n--; n < 0 {
			return true
		}
	}
	return false
}

func (r *reader) boolean(v reflect.Value) *Error {
	switch {
	case r.literal("true"):
		v.SetBool(true)
	case r.literal("false"):
		v.SetBool(false)
	default:
		return r.mismatch("boolean")
	}
	return nil
}

// integer accepts -?(0|[1-9][0-9]*) only: 1.0 and 1e3 are numbers to JSON, but not amounts.
func (r *reader) integer(p *plan, v reflect.Value) *Error {
	start := r.pos
	token, e := r.number()
	if e != nil {
		return e
	}
	var err error
	if p.kind == kindInt {
		var n int64
		if n, err = strconv.ParseInt(token, 10, p.typ.Bits()); err == nil {
			v.SetInt(n)
		}
	} else {
		var n uint64
		if n, err = strconv.ParseUint(token, 10, p.typ.Bits()); err == nil {
			v.SetUint(n)
		}
	}
	if err != nil {
		return &Error{Reason: OutOfRange, Offset: start}
	}
	return nil
}

// object reads the members of a struct.
func (r *reader) object(p *plan, v reflect.Value) *Error {
	var seen, nulls uint64
	var others func(name string, at int) *Error
	if r.limits.Tolerant {
		others = r.once()
	}
	e := r.members(func(name string, at int) *Error {
		i, known := p.byName[name]
		switch {
		case !known && !r.limits.Tolerant:
			return &Error{Reason: Unknown, Offset: at}
		case !known:
			if e := others(name, at); e != nil {
				return e
			}
			return r.skip()
		case (seen|nulls)&(1<<i) != 0:
			return &Error{Reason: Duplicate, Offset: at}
		case r.limits.Tolerant && r.literal("null"):
			nulls |= 1 << i
			return nil
		}
		seen |= 1 << i
		f := p.fields[i]
		return r.value(f.plan, v.Field(f.index), f.limit)
	})
	if e != nil {
		return e
	}
	for i, f := range p.fields {
		if !f.optional && seen&(1<<i) == 0 {
			return (&Error{Reason: Missing, Offset: r.pos}).under(f.name)
		}
	}
	return nil
}

// dictionary reads an object whose names are data, such as language codes.
func (r *reader) dictionary(p *plan, v reflect.Value, limit int) *Error {
	limit = r.items(limit)
	m := reflect.MakeMap(p.typ)
	e := r.members(func(name string, at int) *Error {
		key := reflect.ValueOf(name).Convert(p.typ.Key())
		if m.MapIndex(key).IsValid() {
			return &Error{Reason: Duplicate, Offset: at}
		}
		if m.Len() == limit {
			return &Error{Reason: TooLong, Offset: at, Limit: limit}
		}
		elem := reflect.New(p.typ.Elem()).Elem()
		if e := r.value(p.elem, elem, 0); e != nil {
			return e
		}
		m.SetMapIndex(key, elem)
		return nil
	})
	v.Set(m)
	return e
}

func (r *reader) array(p *plan, v reflect.Value, limit int) *Error {
	limit = r.items(limit)
	s := reflect.MakeSlice(p.typ, 0, 0)
	e := r.elements(func(i int) *Error {
		if i == limit {
			return &Error{Reason: TooLong, Offset: r.pos, Limit: limit}
		}
		s = reflect.Append(s, reflect.Zero(p.typ.Elem()))
		if e := r.value(p.elem, s.Index(i), 0); e != nil {
			return e.under(strconv.Itoa(i))
		}
		return nil
	})
	v.Set(s)
	return e
}

// items is the smaller of a field's own limit and the general one.
func (r *reader) items(limit int) int {
	if limit > 0 && limit < r.limits.Items {
		return limit
	}
	return r.limits.Items
}
