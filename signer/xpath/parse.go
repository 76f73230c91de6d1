package xpath

import (
	"fmt"
	"strconv"
	"strings"

	"qaqpa/signer/xmltree"
)

// Bounds of one expression.
const (
	maxLength = 16 << 10
	maxDepth  = 32
	maxTokens = 4096
)

// Expression is a compiled expression. It is immutable and safe to share.
type Expression struct {
	source string
	top    expr
}

// String is the source.
func (e *Expression) String() string { return e.source }

// Compile reads an expression. namespaces tells what prefixes mean where the expression stands; nil: none. Errors wrap
// [ErrSyntax].
func Compile(source string, namespaces func(prefix string) (string, bool)) (*Expression, error) {
	if len(source) > maxLength {
		return nil, fmt.Errorf("couldn't read expression: %w: longer than %d octets", ErrSyntax, maxLength)
	}
	tokens, err := scan(source)
	if err != nil {
		return nil, fmt.Errorf("couldn't read expression: %w", err)
	}
	if len(tokens) > maxTokens {
		return nil, fmt.Errorf("couldn't read expression: %w: more than %d tokens", ErrSyntax, maxTokens)
	}
	p := &parser{tokens: tokens, namespaces: namespaces}
	top, err := p.or()
	if err == nil && p.peek().kind != tokenEnd {
		err = syntax(p.peek().at, "unexpected %s", p.peek().text)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read expression: %w", err)
	}
	return &Expression{source: source, top: top}, nil
}

type parser struct {
	tokens     []token
	pos        int
	depth      int
	namespaces func(string) (string, bool)
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) ahead() token { return p.tokens[min(p.pos+1, len(p.tokens)-1)] }

func (p *parser) take(symbol string) bool {
	if p.peek().is(symbol) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) need(symbol string) error {
	if !p.take(symbol) {
		return syntax(p.peek().at, "%s is due", symbol)
	}
	return nil
}

// levels are the binary operators from the loosest to the tightest (XPath 3.4, 3.5).
var levels = [][]string{{"or"}, {"and"}, {"=", "!="}, {"<=", "<", ">=", ">"}, {"+", "-"}, {"*", "div", "mod"}}

// or reads a whole expression. It is the one place where the grammar comes back to itself.
func (p *parser) or() (expr, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, syntax(p.peek().at, "nested deeper than %d", maxDepth)
	}
	return p.binary(0)
}

func (p *parser) binary(level int) (expr, error) {
	if level == len(levels) {
		return p.unary()
	}
	left, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		op := p.operator(levels[level])
		if op == "" {
			return left, nil
		}
		right, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		left = operation(op, left, right)
	}
}

func (p *parser) operator(names []string) string {
	for _, name := range names {
		if p.peek().isOperator(name) {
			p.pos++
			return name
		}
	}
	return ""
}

func (p *parser) unary() (expr, error) {
	minus := 0
	for p.take("-") {
		minus++
	}
	e, err := p.union()
	if err != nil || minus == 0 {
		return e, err
	}
	return negation{e, minus%2 == 1}, nil
}

func (p *parser) union() (expr, error) {
	first, err := p.path()
	if err != nil || !p.peek().is("|") {
		return first, err
	}
	parts := []expr{first}
	for p.take("|") {
		part, err := p.path()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return union(parts), nil
}

// path reads PathExpr: a location path, or a primary expression with predicates and steps behind it (XPath 3.3).
func (p *parser) path() (expr, error) {
	if !p.primaryAhead() {
		return p.locationPath()
	}
	base, err := p.primary()
	if err != nil {
		return nil, err
	}
	predicates, err := p.predicates()
	if err != nil {
		return nil, err
	}
	if len(predicates) > 0 {
		base = filtered{base, predicates}
	}
	out := path{base: base}
	switch {
	case p.take("/"):
	case p.take("//"):
		out.steps = append(out.steps, anywhere)
	default:
		return base, nil
	}
	return p.steps(out)
}

func (p *parser) primaryAhead() bool {
	t := p.peek()
	switch t.kind {
	case tokenLiteral, tokenNumber:
		return true
	case tokenSymbol:
		return t.is("(")
	case tokenName:
		return p.ahead().is("(") && !isNodeType(t.text)
	case tokenEnd:
	}
	return false
}

func isNodeType(name string) bool {
	return name == "node" || name == "text" || name == "comment" || name == "processing-instruction"
}

func (p *parser) primary() (expr, error) {
	t := p.peek()
	p.pos++
	switch t.kind {
	case tokenLiteral:
		return literal(t.text), nil
	case tokenNumber:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, syntax(t.at, "wrong number")
		}
		return number(f), nil
	case tokenName:
		return p.call(t)
	case tokenSymbol, tokenEnd:
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	return e, p.need(")")
}

func (p *parser) call(name token) (expr, error) {
	f, ok := functions[name.text]
	if !ok {
		return nil, syntax(name.at, "unknown function %s", name.text)
	}
	p.pos++ // the parenthesis that primaryAhead saw
	var args []expr
	for !p.take(")") {
		if len(args) > 0 {
			if err := p.need(","); err != nil {
				return nil, err
			}
		}
		arg, err := p.or()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	if len(args) < f.least || f.most >= 0 && len(args) > f.most {
		return nil, syntax(name.at, "wrong number of arguments of %s", name.text)
	}
	logical := name.text == "not" || name.text == "boolean" || name.text == "true" || name.text == "false"
	return call{f.do, args, logical}, nil
}

func (p *parser) locationPath() (expr, error) {
	out := path{}
	switch {
	case p.take("//"):
		out.absolute = true
		out.steps = append(out.steps, anywhere)
	case p.take("/"):
		out.absolute = true
		if !p.stepAhead() {
			return out, nil
		}
	}
	return p.steps(out)
}

func (p *parser) stepAhead() bool {
	t := p.peek()
	return t.kind == tokenName && !t.operator || t.is("*") || t.is("@") || t.is(".") || t.is("..")
}

func (p *parser) steps(out path) (expr, error) {
	for {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		out.steps = append(out.steps, s)
		switch {
		case p.take("//"):
			out.steps = append(out.steps, anywhere)
		case !p.take("/"):
			return out.simplified(), nil
		}
	}
}

func (p *parser) step() (s step, err error) {
	switch {
	case p.take("."):
		return step{axis: axisSelf, test: nodeTest{any: true}}, nil
	case p.take(".."):
		return step{axis: axisParent, test: nodeTest{any: true}}, nil
	case p.take("@"):
		s.axis = axisAttribute
	case p.peek().kind == tokenName && p.ahead().is("::"):
		a, ok := axes[p.peek().text]
		if !ok {
			return s, syntax(p.peek().at, "unknown axis %s", p.peek().text)
		}
		s.axis = a
		p.pos += 2
	default:
		s.axis = axisChild
	}
	if s.test, err = p.nodeTest(); err != nil {
		return s, err
	}
	s.predicates, err = p.predicates()
	return s, err
}

func (p *parser) predicates() (out []expr, err error) {
	for p.take("[") {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		if err := p.need("]"); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (p *parser) nodeTest() (nodeTest, error) {
	t := p.peek()
	p.pos = min(p.pos+1, len(p.tokens)-1)
	if t.is("*") {
		return nodeTest{local: "*"}, nil
	}
	if t.kind != tokenName || t.operator {
		return nodeTest{}, syntax(t.at, "a step is due")
	}
	if isNodeType(t.text) && p.take("(") {
		return p.typeTest(t)
	}
	prefix, local, ok := strings.Cut(t.text, ":")
	if !ok {
		return nodeTest{local: prefix}, nil
	}
	space, known := xmltree.SpaceXML, prefix == "xml"
	if !known && p.namespaces != nil {
		space, known = p.namespaces(prefix)
	}
	if !known {
		return nodeTest{}, syntax(t.at, "prefix %s is not declared", prefix)
	}
	return nodeTest{space: space, local: local, qualified: true}, nil
}

func (p *parser) typeTest(t token) (nodeTest, error) {
	test := nodeTest{}
	switch t.text {
	case "node":
		test.any = true
	case "text":
		test.kind = xmltree.Text
	case "comment":
		test.kind = xmltree.Comment
	case "processing-instruction":
		test.kind = xmltree.Instruction
		if p.peek().kind == tokenLiteral {
			test.local = p.peek().text
			p.pos++
		}
	}
	return test, p.need(")")
}
