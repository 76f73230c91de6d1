package jws

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Member is one member of a JSON object: its name as decoded and its value as it stands.
type Member struct {
	Name  string
	Value json.RawMessage
}

// decode64 reads base64url as RFC 7515 2 defines it. One string of octets has one encoding: no padding, no line breaks,
// which Go's decoder skips, and no bits set that do not count.
func decode64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, fmt.Errorf("%w: line break in base64url", ErrSyntax)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: base64url", ErrSyntax)
	}
	return b, nil
}

// encode64 writes base64url.
func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// decodeStandard64 reads the base64 of x5c (RFC 7515 4.1.6), with padding.
func decodeStandard64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, fmt.Errorf("%w: base64", ErrSyntax)
	}
	return b, nil
}

// membersMax bounds the members of an object, which take some hundred octets each.
const membersMax = 1024

// readObject reads a JSON object that has but one reading (RFC 8259 4, RFC 7515 10.12): UTF-8, no name twice in it or in
// any object inside, no lone surrogates, at most depth levels and membersMax members, nothing around it but white space.
func readObject(b []byte, depth int) ([]Member, error) {
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("%w: JSON is not UTF-8", ErrSyntax)
	}
	if !json.Valid(b) {
		return nil, fmt.Errorf("%w: JSON", ErrSyntax)
	}
	s := &scanner{b: b, depth: depth}
	if s.skip(); s.b[s.at] != '{' {
		return nil, fmt.Errorf("%w: JSON object is due", ErrSyntax)
	}
	return s.object()
}

// scanner walks JSON that is known to be valid.
type scanner struct {
	b     []byte
	at    int
	depth int
}

// skip goes to the next octet that is not white space.
func (s *scanner) skip() {
	for s.at < len(s.b) && strings.IndexByte(" \t\r\n", s.b[s.at]) >= 0 {
		s.at++
	}
}

func (s *scanner) enter() error {
	s.at++
	if s.depth--; s.depth < 0 {
		return fmt.Errorf("%w: JSON is too deep", ErrLimit)
	}
	s.skip()
	return nil
}

// leave is called at a comma or at the end of an object or array, and tells whether it was the end.
func (s *scanner) leave() bool {
	s.skip()
	end := s.b[s.at] != ','
	s.at++
	if end {
		s.depth++
	}
	s.skip()
	return end
}

func (s *scanner) object() ([]Member, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	if s.b[s.at] == '}' {
		s.leave()
		return nil, nil
	}
	var members []Member
	seen := make(map[string]struct{})
	for {
		name, err := s.text()
		if err != nil {
			return nil, err
		}
		if _, twice := seen[name]; twice {
			return nil, fmt.Errorf("%w: name %.40q twice in one object", ErrSyntax, name)
		}
		if seen[name] = struct{}{}; len(seen) > membersMax {
			return nil, fmt.Errorf("%w: more than %d members of an object", ErrLimit, membersMax)
		}
		s.skip()
		s.at++ // the colon
		s.skip()
		from := s.at
		if err := s.value(); err != nil {
			return nil, err
		}
		members = append(members, Member{name, json.RawMessage(bytes.TrimRight(s.b[from:s.at], " \t\r\n"))})
		if s.leave() {
			return members, nil
		}
	}
}

func (s *scanner) array() error {
	if err := s.enter(); err != nil {
		return err
	}
	if s.b[s.at] == ']' {
		s.leave()
		return nil
	}
	for {
		if err := s.value(); err != nil {
			return err
		}
		if s.leave() {
			return nil
		}
	}
}

func (s *scanner) value() error {
	switch s.b[s.at] {
	case '{':
		_, err := s.object()
		return err
	case '[':
		return s.array()
	case '"':
		_, err := s.text()
		return err
	}
	for s.at < len(s.b) && strings.IndexByte(",]} \t\r\n", s.b[s.at]) < 0 {
		s.at++
	}
	return nil
}

// text reads a string.
func (s *scanner) text() (string, error) {
	from := s.at
	for s.at++; s.b[s.at] != '"'; s.at++ {
		if s.b[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
	return unquote(s.b[from:s.at])
}

// unquote decodes a valid JSON string. Lone surrogates are refused: decoders disagree on what they are.
func unquote(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	for i := 0; i < len(quoted); i++ {
		if quoted[i] != '\\' {
			continue
		}
		i++
		if quoted[i] != 'u' {
			continue
		}
		unit := hex4(quoted[i+1:])
		i += 4
		if !utf16.IsSurrogate(unit) {
			continue
		}
		if !bytes.HasPrefix(quoted[i+1:], []byte(`\u`)) || utf16.DecodeRune(unit, hex4(quoted[i+3:])) == utf8.RuneError {
			return "", fmt.Errorf("%w: lone surrogate in a JSON string", ErrSyntax)
		}
		i += 6
	}
	var out string
	if err := json.Unmarshal(quoted, &out); err != nil {
		return "", fmt.Errorf("%w: JSON string", ErrSyntax)
	}
	return out, nil
}

func hex4(b []byte) rune {
	if len(b) < 4 {
		return utf8.RuneError
	}
	v, err := strconv.ParseUint(string(b[:4]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(v)
}

// text is the value of a member that must be a string.
func (m Member) text() (string, error) {
	if len(m.Value) == 0 || m.Value[0] != '"' {
		return "", fmt.Errorf("%w: %.40q is not a string", ErrSyntax, m.Name)
	}
	return unquote(m.Value)
}

// texts is the value of a member that must be an array of strings.
func (m Member) texts() ([]string, error) {
	var raw []json.RawMessage
	if len(m.Value) == 0 || m.Value[0] != '[' || json.Unmarshal(m.Value, &raw) != nil {
		return nil, fmt.Errorf("%w: %.40q is not an array of strings", ErrSyntax, m.Name)
	}
	out := make([]string, len(raw))
	for i, v := range raw {
		s, err := Member{m.Name, v}.text()
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// quote writes a JSON string, without the escapes that HTML would need.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
