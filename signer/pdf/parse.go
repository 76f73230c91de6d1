package pdf

import (
	"bytes"
	"errors"
	"fmt"
)

// errSyntax is what the parser gives inside; lookups make faults of it.
var errSyntax = errors.New("not a PDF object")

// parser reads objects within the budget of a file.
type parser struct {
	scanner
	budget *budget
	// inside an object stream octets have no place in the file
	inside bool
}

// budget bounds what one file may make the reader do, over all its objects.
type budget struct {
	values  int // objects read
	decoded int // octets that filters may still give
	scanned int // octets that searches may still pass
	depth   int
	spent   bool
}

func (b *budget) value() error {
	if b.values--; b.values < 0 {
		b.spent = true
		return fmt.Errorf("%w: too many objects", ErrLimit)
	}
	return nil
}

// object reads one object; references are recognised.
func (p *parser) object(depth int) (Object, error) {
	if depth > p.budget.depth {
		p.budget.spent = true
		return nil, fmt.Errorf("%w: nested too deeply", ErrLimit)
	}
	if err := p.budget.value(); err != nil {
		return nil, err
	}
	p.skip()
	if p.at >= len(p.data) {
		return nil, errSyntax
	}
	switch c := p.data[p.at]; {
	case c == '/':
		p.at++
		return p.name(), nil
	case c == '[':
		p.at++
		return p.array(depth)
	case p.has("<<"):
		p.at += 2
		return p.dict(depth)
	case c == '<' || c == '(':
		return p.text(c)
	case isDigit(c) || c == '+' || c == '-' || c == '.':
		return p.numberOrRef()
	}
	switch string(p.regular()) {
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, errSyntax
}

func (p *parser) text(open byte) (Object, error) {
	read := p.hexString
	if open == '(' {
		read = p.literalString
	}
	s, ok := read()
	if !ok {
		return nil, errSyntax
	}
	if p.inside {
		s.From, s.To = 0, 0
	}
	return s, nil
}

func (p *parser) array(depth int) (Object, error) {
	out := Array{}
	for {
		p.skip()
		if p.at < len(p.data) && p.data[p.at] == ']' {
			p.at++
			return out, nil
		}
		o, err := p.object(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
}

func (p *parser) dict(depth int) (*Dict, error) {
	out := &Dict{entries: map[Name]Object{}}
	for {
		p.skip()
		if p.has(">>") {
			p.at += 2
			return out, nil
		}
		if p.at >= len(p.data) || p.data[p.at] != '/' {
			return nil, errSyntax
		}
		p.at++
		key := p.name()
		value, err := p.object(depth + 1)
		if err != nil {
			return nil, err
		}
		if _, doubled := out.entries[key]; doubled {
			if out.Doubled == "" {
				out.Doubled = key
			}
			continue
		}
		out.entries[key] = value
	}
}

// numberOrRef reads a number, or "12 0 R".
func (p *parser) numberOrRef() (Object, error) {
	from := p.at
	first, ok := number(p.regular())
	if !ok {
		return nil, errSyntax
	}
	n, isInteger := first.(int64)
	if !isInteger || n < 0 || n > objectMax || !isDigit(p.data[from]) {
		return first, nil
	}
	rest := scanner{p.data, p.at}
	rest.skip()
	if rest.at == p.at {
		return first, nil
	}
	g, ok := number(rest.regular())
	generation, isInteger := g.(int64)
	if !ok || !isInteger || generation < 0 || generation > generationMax {
		return first, nil
	}
	rest.skip()
	if !rest.word("R") {
		return first, nil
	}
	p.at = rest.at
	return Ref{int(n), int(generation)}, nil
}

const (
	objectMax     = 8_388_607 // ISO 32000-1 table C.1
	generationMax = 65_535
)

// indirect reads "N G obj … endobj" at an offset. length resolves a Length that is a reference. strict false: the end of a
// stream had to be searched, or there is no endobj.
func (p *parser) indirect(length func(Object) (int, bool)) (number, generation int, o Object, strict bool, err error) {
	p.spaces()
	number, ok := p.integer()
	generation, also := p.integer()
	p.skip()
	if !ok || !also || !p.word("obj") {
		return 0, 0, nil, false, errSyntax
	}
	if o, err = p.object(0); err != nil {
		return 0, 0, nil, false, err
	}
	p.skip()
	strict = true
	if d, isDict := o.(*Dict); isDict && p.has("stream") {
		p.at += len("stream")
		raw, exact, err := p.streamOctets(d, length)
		if err != nil {
			return 0, 0, nil, false, err
		}
		strict = exact
		o = &Stream{Dict: d, Raw: raw, number: number, generation: generation}
		p.skip()
	}
	return number, generation, o, p.word("endobj") && strict, nil
}

// streamOctets takes the octets between stream and endstream. Length decides where endstream stands behind it; else the
// next endstream does, and exact is false: another reader may see something else.
func (p *parser) streamOctets(d *Dict, length func(Object) (int, bool)) (raw []byte, exact bool, err error) {
	switch {
	case p.has("\r\n"):
		p.at += 2
	case p.has("\n"), p.has("\r"):
		p.at++
	}
	from := p.at
	if n, ok := length(d.Get("Length")); ok && n >= 0 && n <= len(p.data)-from {
		end := scanner{p.data, from + n}
		end.spaces()
		if end.at-from-n <= 2 && end.word("endstream") {
			p.at = end.at
			return p.data[from : from+n], true, nil
		}
	}
	if p.budget.scanned < 0 {
		p.budget.spent = true
		return nil, false, fmt.Errorf("%w: too many streams without an end", ErrLimit)
	}
	end := bytes.Index(p.data[from:], []byte("endstream"))
	if end < 0 {
		p.budget.scanned -= len(p.data) - from
		return nil, false, errSyntax
	}
	p.budget.scanned -= end
	p.at = from + end + len("endstream")
	raw = p.data[from : from+end]
	raw = bytes.TrimSuffix(raw, []byte("\n"))
	return bytes.TrimSuffix(raw, []byte("\r")), false, nil
}
