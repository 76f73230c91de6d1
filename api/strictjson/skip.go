package strictjson

// skip reads any value without keeping it, by the same rules as one that is kept: well-formed, each member once, within the
// limits. Numbers may have a fraction and an exponent here.
func (r *reader) skip() *Error {
	if r.pos >= len(r.data) {
		return r.fail(Syntax)
	}
	switch c := r.data[r.pos]; {
	case c == '{':
		seen := r.once()
		return r.members(func(name string, at int) *Error {
			if e := seen(name, at); e != nil {
				return e
			}
			return r.skip()
		})
	case c == '[':
		return r.elements(func(i int) *Error {
			if i == r.limits.Items {
				return &Error{Reason: TooLong, Offset: r.pos, Limit: r.limits.Items}
			}
			return r.skip()
		})
	case c == '"':
		_, e := r.stringValue()
		return e
	case c == '-' || c >= '0' && c <= '9':
		return r.anyNumber()
	case r.literal("true"), r.literal("false"), r.literal("null"):
		return nil
	}
	return r.fail(Syntax)
}

// once makes a check that no name comes twice, and that there are not too many.
func (r *reader) once() func(name string, at int) *Error {
	var seen map[string]bool
	return func(name string, at int) *Error {
		switch {
		case seen[name]:
			return &Error{Reason: Duplicate, Offset: at}
		case len(seen) == r.limits.Items:
			return &Error{Reason: TooLong, Offset: at, Limit: r.limits.Items}
		case seen == nil:
			seen = map[string]bool{}
		}
		seen[name] = true
		return nil
	}
}

// anyNumber steps over -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? (RFC 8259 6).
func (r *reader) anyNumber() *Error {
	r.take('-')
	if !r.take('0') && !r.digits() {
		return r.fail(Syntax)
	}
	if r.take('.') && !r.digits() {
		return r.fail(Syntax)
	}
	if r.take('e') || r.take('E') {
		if !r.take('+') {
			r.take('-')
		}
		if !r.digits() {
			return r.fail(Syntax)
		}
	}
	return nil
}

// digits steps over one digit or more.
func (r *reader) digits() bool {
	start := r.pos
	for r.pos < len(r.data) && r.data[r.pos] >= '0' && r.data[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > start
}
