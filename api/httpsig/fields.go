package httpsig

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Bounds of what a client may send.
const (
	fieldMax      = 8 << 10 // bytes of Signature-Input or Signature
	componentsMax = 32
	stringMax     = 256
)

// scanner reads structured fields (RFC 9651), as much of them as signatures use.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) done() bool { return s.pos >= len(s.text) }

func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.text[s.pos]
}

// take passes over c, if it stands here.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.done() {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) spaces() {
	for s.take(' ') {
	}
}

// key reads a name: lower case letters, digits and "_-.*" (RFC 9651 3.1.2).
func (s *scanner) key() (string, bool) {
	start := s.pos
	for !s.done() {
		c := s.text[s.pos]
		letter := (c >= 'a' && c <= 'z') || c == '*'
		if !letter && (s.pos == start || ((c < '0' || c > '9') && c != '_' && c != '-' && c != '.')) {
			break
		}
		s.pos++
	}
	return s.text[start:s.pos], s.pos > start && s.pos-start <= stringMax
}

// str reads a quoted string of printable ASCII (RFC 9651 3.3.3).
func (s *scanner) str() (string, bool) {
	if !s.take('"') {
		return "", false
	}
	var out strings.Builder
	for !s.done() && out.Len() <= stringMax {
		c := s.text[s.pos]
		s.pos++
		switch {
		case c == '"':
			return out.String(), true
		case c == '\\':
			c = s.peek()
			if c != '"' && c != '\\' {
				return "", false
			}
			s.pos++
		case c < ' ' || c > '~':
			return "", false
		}
		out.WriteByte(c)
	}
	return "", false
}

// integer reads at most 15 digits (RFC 9651 3.3.1).
func (s *scanner) integer() (int64, bool) {
	start := s.pos
	s.take('-')
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	if s.pos-start > 15 {
		return 0, false
	}
	n, err := strconv.ParseInt(s.text[start:s.pos], 10, 64)
	return n, err == nil
}

// binary reads a byte sequence between colons (RFC 9651 3.3.5).
func (s *scanner) binary() ([]byte, bool) {
	if !s.take(':') {
		return nil, false
	}
	end := strings.IndexByte(s.text[s.pos:], ':')
	if end < 0 {
		return nil, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(s.text[s.pos : s.pos+end])
	s.pos += end + 1
	return raw, err == nil
}

// input is a member of Signature-Input.
type input struct {
	label      string
	components []string
	params     params
	raw        string // the inner list with its parameters, exactly as it came: this is what is signed
}

// params are those of a signature.
type params struct {
	created, expires             int64
	hasCreated, hasExpires       bool
	nonce, keyID, algorithm, tag string
	hasNonce, hasKeyID, hasAlg   bool
}

// readInput reads a Signature-Input field of exactly one member.
func readInput(field string) (input, error) {
	var in input
	if len(field) > fieldMax {
		return in, malformed("Signature-Input is too long")
	}
	s := &scanner{text: strings.Trim(field, " ")}
	var ok bool
	if in.label, ok = s.key(); !ok || !s.take('=') {
		return in, malformed("Signature-Input has no label")
	}
	start := s.pos
	if err := s.components(&in); err != nil {
		return in, err
	}
	if err := s.params(&in.params); err != nil {
		return in, err
	}
	in.raw = s.text[start:s.pos]
	s.spaces()
	if s.peek() == ',' {
		return in, malformed("more than one signature")
	}
	if !s.done() {
		return in, malformed("Signature-Input goes on behind its end")
	}
	return in, nil
}

func (s *scanner) components(in *input) error {
	if !s.take('(') {
		return malformed("Signature-Input has no list of components")
	}
	seen := make(map[string]bool, 8)
	for {
		s.spaces()
		if s.take(')') {
			return nil
		}
		name, ok := s.str()
		switch {
		case !ok || len(in.components) == componentsMax:
			return malformed("the list of components is broken or too long")
		case !plainName(name):
			return malformed("a component is no name of a field in lower case")
		case s.peek() == ';':
			return malformed("component " + name + " has parameters, which are not taken")
		case seen[name]: // RFC 9421 2: each once, or two readers could sign different things
			return malformed("component " + name + " stands twice")
		case s.peek() != ' ' && s.peek() != ')':
			return malformed("components are not separated")
		}
		seen[name] = true
		in.components = append(in.components, name)
	}
}

// plainName: a name goes into what is signed between quotes, so it must not bring any, nor a line's end.
func plainName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '@'
	})
}

func (s *scanner) params(p *params) error {
	for s.take(';') {
		s.spaces()
		name, ok := s.key()
		if !ok || !s.take('=') {
			return malformed("a parameter has no value")
		}
		var twice bool
		switch name {
		case "created":
			twice, p.hasCreated = p.hasCreated, true
			p.created, ok = s.integer()
		case "expires":
			twice, p.hasExpires = p.hasExpires, true
			p.expires, ok = s.integer()
		case "nonce":
			twice, p.hasNonce = p.hasNonce, true
			p.nonce, ok = s.str()
		case "keyid":
			twice, p.hasKeyID = p.hasKeyID, true
			p.keyID, ok = s.str()
		case "alg":
			twice, p.hasAlg = p.hasAlg, true
			p.algorithm, ok = s.str()
		case "tag":
			twice = p.tag != ""
			p.tag, ok = s.str()
		default:
			return malformed("parameter " + name + " is not known")
		}
		if !ok || twice {
			return malformed("parameter " + name + " is broken or stands twice")
		}
	}
	return nil
}

// readSignature reads a Signature field of exactly one member with the label.
func readSignature(field, label string) ([]byte, error) {
	if len(field) > fieldMax {
		return nil, malformed("Signature is too long")
	}
	s := &scanner{text: strings.Trim(field, " ")}
	name, ok := s.key()
	if !ok || name != label || !s.take('=') {
		return nil, malformed("Signature has not the label of Signature-Input")
	}
	raw, ok := s.binary()
	if !ok || !s.done() {
		return nil, malformed("Signature is not one byte sequence")
	}
	return raw, nil
}
