package xpath

import (
	"math"
	"strconv"
	"strings"

	"qaqpa/signer/xmltree"
)

type valueKind uint8

const (
	nodeSet valueKind = iota
	boolean
	numeric
	text
)

// value is one of the four types of XPath (1). Node-sets are without duplicates; where their order matters they are in
// document order.
type value struct {
	kind  valueKind
	nodes []xmltree.Node
	b     bool
	n     float64
	s     string
}

func boolValue(b bool) value      { return value{kind: boolean, b: b} }
func numberValue(n float64) value { return value{kind: numeric, n: n} }
func textValue(s string) value    { return value{kind: text, s: s} }

// asBool is the boolean function (XPath 4.3).
func (v value) asBool() bool {
	switch v.kind {
	case nodeSet:
		return len(v.nodes) > 0
	case boolean:
		return v.b
	case numeric:
		return v.n != 0 && !math.IsNaN(v.n)
	case text:
	}
	return v.s != ""
}

// asString is the string function (XPath 4.2).
func (v value) asString(c *evaluation) (string, error) {
	switch v.kind {
	case nodeSet:
		if len(v.nodes) == 0 {
			return "", nil
		}
		return c.textOf(v.nodes[0])
	case boolean:
		return strconv.FormatBool(v.b), nil
	case numeric:
		return formatNumber(v.n), nil
	case text:
	}
	return v.s, nil
}

// asNumber is the number function (XPath 4.4).
func (v value) asNumber(c *evaluation) (float64, error) {
	switch v.kind {
	case boolean:
		if v.b {
			return 1, nil
		}
		return 0, nil
	case numeric:
		return v.n, nil
	case nodeSet, text:
	}
	s, err := v.asString(c)
	return parseNumber(s), err
}

func formatNumber(n float64) string {
	switch {
	case math.IsNaN(n):
		return "NaN"
	case math.IsInf(n, 1):
		return "Infinity"
	case math.IsInf(n, -1):
		return "-Infinity"
	case n == 0:
		return "0"
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// parseNumber reads white space, a sign, digits with at most one point, white space; everything else is not a number.
func parseNumber(s string) float64 {
	s = strings.Trim(s, " \t\r\n")
	digits := strings.TrimPrefix(s, "-")
	n := numberLength(digits)
	if n == 0 || n != len(digits) || digits == "." {
		return math.NaN()
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}
