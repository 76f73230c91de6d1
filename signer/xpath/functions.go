package xpath

import (
	"errors"
	"math"
	"strings"
	"unicode/utf8"

	"qaqpa/signer/xmltree"
)

// function is one of the core library (XPath 4) or here().
type function struct {
	least, most int // arguments; most -1: any number
	do          func(c *evaluation, args []expr) (value, error)
}

type call struct {
	do      func(c *evaluation, args []expr) (value, error)
	args    []expr
	logical bool // not, boolean, true or false
}

func (e call) eval(c *evaluation) (value, error) {
	if err := c.spend(1); err != nil {
		return value{}, err
	}
	return e.do(c, e.args)
}

var functions = map[string]function{
	"last":             {0, 0, func(c *evaluation, _ []expr) (value, error) { return numberValue(float64(c.size)), nil }},
	"position":         {0, 0, func(c *evaluation, _ []expr) (value, error) { return numberValue(float64(c.position)), nil }},
	"count":            {1, 1, count},
	"id":               {1, 1, byID},
	"here":             {0, 0, here},
	"local-name":       {0, 1, nameFunction(func(n xmltree.Name) string { return n.Local })},
	"namespace-uri":    {0, 1, nameFunction(func(n xmltree.Name) string { return n.Space })},
	"name":             {0, 1, nameFunction(xmltree.Name.String)},
	"string":           {0, 1, stringFunction},
	"concat":           {2, -1, concat},
	"starts-with":      {2, 2, twoTexts(func(a, b string) value { return boolValue(strings.HasPrefix(a, b)) })},
	"contains":         {2, 2, twoTexts(func(a, b string) value { return boolValue(strings.Contains(a, b)) })},
	"substring-before": {2, 2, twoTexts(substringBefore)},
	"substring-after":  {2, 2, twoTexts(substringAfter)},
	"substring":        {2, 3, substring},
	"string-length":    {0, 1, textFunction(func(s string) value { return numberValue(float64(utf8.RuneCountInString(s))) })},
	"normalize-space":  {0, 1, textFunction(normalizeSpace)},
	"translate":        {3, 3, translate},
	"boolean":          {1, 1, func(c *evaluation, a []expr) (value, error) { b, err := testOf(a[0], c); return boolValue(b), err }},
	"not":              {1, 1, func(c *evaluation, a []expr) (value, error) { b, err := testOf(a[0], c); return boolValue(!b), err }},
	"true":             {0, 0, func(*evaluation, []expr) (value, error) { return boolValue(true), nil }},
	"false":            {0, 0, func(*evaluation, []expr) (value, error) { return boolValue(false), nil }},
	"lang":             {1, 1, lang},
	"number":           {0, 1, numberFunction},
	"sum":              {1, 1, sum},
	"floor":            {1, 1, rounding(math.Floor)},
	"ceiling":          {1, 1, rounding(math.Ceil)},
	"round":            {1, 1, rounding(round)},
}

func count(c *evaluation, args []expr) (value, error) {
	nodes, err := nodesOf(args[0], c)
	return numberValue(float64(len(nodes))), err
}

// here is the node that bears the expression (XMLDSig 6.6.3), which must be of the document at hand.
func here(c *evaluation, _ []expr) (value, error) {
	if c.here.IsZero() || c.here.Document() != c.node.Document() {
		return value{}, ErrHere
	}
	return value{nodes: []xmltree.Node{c.here}}, nil
}

// byID finds elements by identifiers parted by white space, in a string or in each node of a set (XPath 4.1).
func byID(c *evaluation, args []expr) (value, error) {
	v, err := args[0].eval(c)
	if err != nil {
		return v, err
	}
	var lists []string
	if v.kind == nodeSet {
		for _, n := range v.nodes {
			s, err := c.textOf(n)
			if err != nil {
				return value{}, err
			}
			lists = append(lists, s)
		}
	} else {
		s, err := v.asString(c)
		if err != nil {
			return value{}, err
		}
		lists = append(lists, s)
	}
	var out []xmltree.Node
	for _, list := range lists {
		for id := range strings.FieldsSeq(list) {
			n, err := c.node.Document().ByID(id)
			switch {
			case errors.Is(err, xmltree.ErrNoID):
				continue
			case err != nil:
				return value{}, err
			}
			out = append(out, n)
		}
	}
	return value{nodes: ordered(out)}, c.spend(len(out))
}

// nameFunction tells about the first node of a set, or the context node.
func nameFunction(part func(xmltree.Name) string) func(*evaluation, []expr) (value, error) {
	return func(c *evaluation, args []expr) (value, error) {
		n := c.node
		if len(args) > 0 {
			nodes, err := nodesOf(args[0], c)
			if err != nil || len(nodes) == 0 {
				return textValue(""), err
			}
			n = nodes[0]
		}
		return textValue(part(n.Name())), nil
	}
}

// textOr is the string of an optional argument, or of the context node.
func textOr(c *evaluation, args []expr) (string, error) {
	if len(args) == 0 {
		return c.textOf(c.node)
	}
	return textOf(args[0], c)
}

func stringFunction(c *evaluation, args []expr) (value, error) {
	s, err := textOr(c, args)
	return textValue(s), err
}

func textFunction(do func(string) value) func(*evaluation, []expr) (value, error) {
	return func(c *evaluation, args []expr) (value, error) {
		s, err := textOr(c, args)
		if err == nil {
			err = c.spend(len(s) / 16)
		}
		if err != nil {
			return value{}, err
		}
		return do(s), nil
	}
}

func normalizeSpace(s string) value {
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' })
	return textValue(strings.Join(fields, " "))
}

func concat(c *evaluation, args []expr) (value, error) {
	var b strings.Builder
	for _, a := range args {
		s, err := textOf(a, c)
		if err != nil {
			return value{}, err
		}
		if err := c.spend(len(s) / 16); err != nil {
			return value{}, err
		}
		b.WriteString(s)
	}
	return textValue(b.String()), nil
}

func twoTexts(do func(a, b string) value) func(*evaluation, []expr) (value, error) {
	return func(c *evaluation, args []expr) (value, error) {
		a, err := textOf(args[0], c)
		if err != nil {
			return value{}, err
		}
		b, err := textOf(args[1], c)
		if err != nil {
			return value{}, err
		}
		return do(a, b), c.spend((len(a) + len(b)) / 16)
	}
}

func substringBefore(a, b string) value {
	before, _, ok := strings.Cut(a, b)
	if !ok {
		return textValue("")
	}
	return textValue(before)
}

func substringAfter(a, b string) value {
	_, after, _ := strings.Cut(a, b)
	return textValue(after)
}

// substring counts characters from 1 and rounds its numbers (XPath 4.2).
func substring(c *evaluation, args []expr) (value, error) {
	s, err := textOf(args[0], c)
	if err != nil {
		return value{}, err
	}
	from, err := numberOf(args[1], c)
	if err != nil {
		return value{}, err
	}
	from = round(from)
	end := math.Inf(1)
	if len(args) == 3 {
		length, err := numberOf(args[2], c)
		if err != nil {
			return value{}, err
		}
		end = from + round(length)
	}
	var b strings.Builder
	position := 1.0
	for _, r := range s {
		if position >= from && position < end {
			b.WriteRune(r)
		}
		position++
	}
	return textValue(b.String()), c.spend(len(s) / 16)
}

func translate(c *evaluation, args []expr) (value, error) {
	var texts [3]string
	for i := range texts {
		s, err := textOf(args[i], c)
		if err != nil {
			return value{}, err
		}
		if err := c.spend(len(s) / 16); err != nil {
			return value{}, err
		}
		texts[i] = s
	}
	to := []rune(texts[2])
	table := map[rune]rune{}
	i := 0
	for _, r := range texts[1] {
		if _, ok := table[r]; !ok {
			table[r] = -1
			if i < len(to) {
				table[r] = to[i]
			}
		}
		i++
	}
	return textValue(strings.Map(func(r rune) rune {
		if t, ok := table[r]; ok {
			return t
		}
		return r
	}, texts[0])), nil
}

// lang tells whether the context node is in a language by the nearest xml:lang (XPath 4.3).
func lang(c *evaluation, args []expr) (value, error) {
	want, err := textOf(args[0], c)
	if err != nil {
		return value{}, err
	}
	for n := c.node; !n.IsZero(); n = n.Parent() {
		if err := c.spend(1); err != nil {
			return value{}, err
		}
		if n.Kind() != xmltree.Element {
			continue
		}
		if a, ok := n.Attribute(xmltree.SpaceXML, "lang"); ok {
			have := a.Value()
			return boolValue(len(have) >= len(want) && strings.EqualFold(have[:len(want)], want) &&
				(len(have) == len(want) || have[len(want)] == '-')), nil
		}
	}
	return boolValue(false), nil
}

func numberFunction(c *evaluation, args []expr) (value, error) {
	if len(args) > 0 {
		n, err := numberOf(args[0], c)
		return numberValue(n), err
	}
	s, err := c.textOf(c.node)
	return numberValue(parseNumber(s)), err
}

func sum(c *evaluation, args []expr) (value, error) {
	nodes, err := nodesOf(args[0], c)
	if err != nil {
		return value{}, err
	}
	total := 0.0
	for _, n := range nodes {
		s, err := c.textOf(n)
		if err != nil {
			return value{}, err
		}
		total += parseNumber(s)
	}
	return numberValue(total), nil
}

func rounding(do func(float64) float64) func(*evaluation, []expr) (value, error) {
	return func(c *evaluation, args []expr) (value, error) {
		n, err := numberOf(args[0], c)
		return numberValue(do(n)), err
	}
}

// round goes to the nearest integer, halves towards positive infinity (XPath 4.4).
func round(n float64) float64 {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return n
	}
	return math.Floor(n + 0.5)
}
