package xpath

import "math"

// comparison is =, !=, <, <=, > or >= (XPath 3.4): over node-sets, whether it holds for some node.
type comparison struct {
	op          string
	left, right expr
}

func (e comparison) eval(c *evaluation) (value, error) {
	if err := c.spend(1); err != nil {
		return value{}, err
	}
	l, err := e.left.eval(c)
	if err != nil {
		return value{}, err
	}
	r, err := e.right.eval(c)
	if err != nil {
		return value{}, err
	}
	b, err := e.compare(c, l, r)
	return boolValue(b), err
}

func (e comparison) compare(c *evaluation, l, r value) (bool, error) {
	switch {
	case l.kind == nodeSet && r.kind == nodeSet:
		return e.sets(c, l, r)
	case l.kind == nodeSet && r.kind != boolean:
		return e.some(c, l, func(s string) (bool, error) { return e.simple(c, typed(s, r.kind), r) })
	case r.kind == nodeSet && l.kind != boolean:
		return e.some(c, r, func(s string) (bool, error) { return e.simple(c, l, typed(s, l.kind)) })
	}
	return e.simple(c, l, r)
}

// typed is a node's string-value as the other side of the comparison needs it.
func typed(s string, as valueKind) value {
	if as == numeric {
		return numberValue(parseNumber(s))
	}
	return textValue(s)
}

func (e comparison) some(c *evaluation, set value, holds func(string) (bool, error)) (bool, error) {
	for _, n := range set.nodes {
		s, err := c.textOf(n)
		if err != nil {
			return false, err
		}
		if ok, err := holds(s); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// sets compares each node of one set with each of the other. Equality goes through a table and order through the extremes,
// so that it is not quadratic.
func (e comparison) sets(c *evaluation, l, r value) (bool, error) {
	texts := make(map[string]bool, len(r.nodes))
	least, most := math.Inf(1), math.Inf(-1)
	for _, n := range r.nodes {
		s, err := c.textOf(n)
		if err != nil {
			return false, err
		}
		texts[s] = true
		if v := parseNumber(s); !math.IsNaN(v) {
			least, most = min(least, v), max(most, v)
		}
	}
	return e.some(c, l, func(s string) (bool, error) {
		switch e.op {
		case "=":
			return texts[s], nil
		case "!=":
			return len(texts) > 1 || len(texts) == 1 && !texts[s], nil
		case "<", "<=":
			return least <= most && numbers(e.op, parseNumber(s), most), nil
		}
		return least <= most && numbers(e.op, parseNumber(s), least), nil
	})
}

// simple compares two values of which none is a node-set, or one is a boolean.
func (e comparison) simple(c *evaluation, l, r value) (bool, error) {
	if e.op == "=" || e.op == "!=" {
		equal, err := same(c, l, r)
		return equal == (e.op == "="), err
	}
	if l.kind == nodeSet {
		l = boolValue(l.asBool())
	}
	if r.kind == nodeSet {
		r = boolValue(r.asBool())
	}
	a, err := l.asNumber(c)
	if err != nil {
		return false, err
	}
	b, err := r.asNumber(c)
	return numbers(e.op, a, b), err
}

func same(c *evaluation, l, r value) (bool, error) {
	switch {
	case l.kind == boolean || r.kind == boolean:
		return l.asBool() == r.asBool(), nil
	case l.kind == numeric || r.kind == numeric:
		a, err := l.asNumber(c)
		if err != nil {
			return false, err
		}
		b, err := r.asNumber(c)
		return a == b, err
	}
	return l.s == r.s, nil
}

func numbers(op string, a, b float64) bool {
	switch op {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case ">=":
		return a >= b
	}
	return false
}
