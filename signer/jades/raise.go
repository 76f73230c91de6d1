package jades

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/pkix"
)

// ErrRaise means a document to which nothing can be added: its etsiU is in clear, or its original is not at hand.
var ErrRaise = errors.New("the JWS cannot be raised")

// Raise is a signature of the document on its way up. original is that of a detached one, nil where only time stamps over the value are wanted.
// Errors: ErrRaise.
func (d *Document) Raise(i int, b Beside) (Signature, error) {
	s := d.Signatures[i]
	out := Signature{protected: s.protected, value: s.text, attached: d.Attached, covered: string(s.covered(b)), others: s.others}
	for _, e := range s.elements {
		if e.text == "" {
			return Signature{}, fmt.Errorf("%w: its etsiU is in clear", ErrRaise)
		}
		out.elements = append(out.elements, e.text)
	}
	return out, nil
}

// With is the document with its signatures as they are now, in JSON: a list where it was one. What it held stays as it was.
func (d *Document) With(signatures []Signature) ([]byte, error) {
	var w writer
	if d.Attached {
		w.text("payload", d.payload)
	}
	if d.Form != General {
		signatures[0].write(&w)
	} else {
		list := make([][]byte, len(signatures))
		for i, s := range signatures {
			var one writer
			var err error
			s.write(&one)
			if list[i], err = one.close(); err != nil {
				return nil, err
			}
		}
		w.raw("signatures", slices.Concat([]byte("["), bytes.Join(list, []byte(",")), []byte("]")))
	}
	for _, m := range d.others {
		w.raw(m.Name, m.Value)
	}
	return w.close()
}

// Signer is the certificate of the signer among those that a signature carries, then all of them; ErrRaise where it is not there.
func (s *Signed) Signer(pool []*pkix.Certificate) ([]*pkix.Certificate, error) {
	candidates := s.Candidates(pool)
	if len(candidates) == 0 || s.Nameless() {
		return nil, fmt.Errorf("%w: the certificate of a signer is not in the document", ErrRaise)
	}
	return append([]*pkix.Certificate{candidates[0]}, pool...), nil
}

// Tokens are the time stamps of a signature but for those over its content, DER.
func (s *Signed) Tokens() (out [][]byte) {
	for _, e := range s.elements {
		out = append(out, e.tokens...)
	}
	return out
}

// Extends tells that a signature is another one with elements added behind, if at all.
func (s *Signed) Extends(other *Signed) bool {
	if s.protected != other.protected || s.text != other.text || s.doc.payload != other.doc.payload || len(s.elements) < len(other.elements) {
		return false
	}
	for i, e := range other.elements {
		if s.elements[i].text != e.text || e.text == "" {
			return false
		}
	}
	return true
}
