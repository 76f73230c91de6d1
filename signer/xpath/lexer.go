package xpath

import (
	"errors"
	"fmt"
	"strings"

	"qaqpa/signer/xmltree"
)

// Errors that callers tell apart.
var (
	// ErrSyntax: not an expression, or of unknown functions, variables or prefixes.
	ErrSyntax = errors.New("wrong XPath expression")
	// ErrType: a value of another type is needed, such as a node-set where the expression gives a number.
	ErrType = errors.New("XPath value of a wrong type")
	// ErrBudget: the evaluation asks for more work than it was given.
	ErrBudget = errors.New("XPath evaluation beyond its budget")
	// ErrHere: here() where the expression is not part of the document that it is evaluated over.
	ErrHere = errors.New("here() outside its document")
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenNumber
	tokenLiteral
	tokenSymbol
)

// token is one lexical token. A name may be "p:n" or "p:*".
type token struct {
	kind tokenKind
	text string
	// operator: a name or * that stands where an operator must (XPath 3.7).
	operator bool
	at       int
}

func (t token) is(symbol string) bool {
	return t.kind == tokenSymbol && !t.operator && t.text == symbol
}

func (t token) isOperator(text string) bool {
	return t.operator && t.text == text || t.kind == tokenSymbol && t.text == text && text != "*"
}

func syntax(at int, format string, args ...any) error {
	return fmt.Errorf("%w: at %d: %s", ErrSyntax, at, fmt.Sprintf(format, args...))
}

// symbols of two characters come first.
var symbols = []string{"::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=", "<", ">", "*"}

func scan(s string) ([]token, error) {
	var out []token
	for i := 0; ; {
		for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
			i++
		}
		if i == len(s) {
			return append(out, token{kind: tokenEnd, at: i}), nil
		}
		t, size, err := next(s, i)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 && afterOperand(out[len(out)-1]) {
			t.operator = t.kind == tokenName || t.text == "*"
		}
		if t.operator && t.kind == tokenName {
			// An operator name never has a colon; "a and b:c" is scanned name by name.
			switch t.text {
			case "and", "or", "mod", "div":
			default:
				return nil, syntax(i, "operator is due, found %s", t.text)
			}
		}
		out = append(out, t)
		i += size
	}
}

// afterOperand tells whether a name or * behind this token is an operator.
func afterOperand(t token) bool {
	if t.operator {
		return false
	}
	if t.kind != tokenSymbol {
		return true
	}
	switch t.text {
	case ")", "]", ".", "..", "*":
		return true
	}
	return false
}

func next(s string, i int) (token, int, error) {
	c := s[i]
	switch {
	case c == '"' || c == '\'':
		n := strings.IndexByte(s[i+1:], c)
		if n < 0 {
			return token{}, 0, syntax(i, "literal is not closed")
		}
		return token{kind: tokenLiteral, text: s[i+1 : i+1+n], at: i}, n + 2, nil
	case c >= '0' && c <= '9', c == '.' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
		n := numberLength(s[i:])
		return token{kind: tokenNumber, text: s[i : i+n], at: i}, n, nil
	case c == '$':
		return token{}, 0, syntax(i, "variables are unknown")
	}
	if n := nameLength(s[i:]); n > 0 {
		return token{kind: tokenName, text: s[i : i+n], at: i}, n, nil
	}
	for _, symbol := range symbols {
		if strings.HasPrefix(s[i:], symbol) {
			return token{kind: tokenSymbol, text: symbol, at: i}, len(symbol), nil
		}
	}
	return token{}, 0, syntax(i, "unexpected character")
}

func numberLength(s string) int {
	n, dots := 0, 0
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '.' && dots == 0) {
		if s[n] == '.' {
			dots++
		}
		n++
	}
	return n
}

// nameLength is the length of a QName or of "p:*" at the beginning of s, 0 when there is none. "a::b" is a name and an
// axis sign.
func nameLength(s string) int {
	n := xmltree.NCNameLength(s)
	if n == 0 || n+1 >= len(s) || s[n] != ':' || s[n+1] == ':' {
		return n
	}
	if s[n+1] == '*' {
		return n + 2
	}
	if m := xmltree.NCNameLength(s[n+1:]); m > 0 {
		return n + 1 + m
	}
	return n
}
