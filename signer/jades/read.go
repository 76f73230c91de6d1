package jades

import (
	"bytes"
	"fmt"
	"strings"

	"qaqpa/signer/cms"
	"qaqpa/signer/jws"
)

// Bounds of one document; beyond them it is not read.
const (
	signaturesMax   = 64
	elementsMax     = 256  // of one etsiU, and names of one sigD
	objectsMax      = 1024 // that the elements of one etsiU hold
	headerMax       = 256 << 10
	depthMax        = 16
	certificatesMax = 16
	countersDepth   = 2 // counter-signatures of counter-signatures
)

// Form is how a JWS is written (RFC 7515 3, 7).
type Form uint8

// Forms.
const (
	Compact   Form = iota + 1
	Flattened      // JSON with one signature
	General        // JSON with a list of them
)

// Document is a JWS with its signatures.
type Document struct {
	Form Form
	// Attached tells that the payload stands in it; an empty one looks detached.
	Attached   bool
	Signatures []*Signed

	payload string // as it stands
	octets  []byte // the same; one copy, however many signatures are over it
	// plain is the last original that was put into base64url, and base64 the result: it may be over a hundred megabytes for each of many signatures.
	plain, base64 []byte
	others        []jws.Member // of the object, which say nothing to us
}

// Is tells documents that can only be a JWS, or JSON: an object, or a compact JWS by the beginning of its header.
func Is(document []byte) bool {
	b := bytes.TrimLeft(document, " \t\r\n")
	if len(b) > 0 && b[0] == '{' {
		return true
	}
	end := bytes.IndexByte(b[:min(len(b), 2*headerMax)], '.')
	if end < 4 || bytes.IndexByte(b[end+1:], '.') < 0 {
		return false
	}
	start, err := jws.Decode64(string(b[:4]))
	return err == nil && bytes.HasPrefix(bytes.TrimLeft(start, " \t\r\n"), []byte("{")) || err == nil && len(bytes.TrimSpace(start)) == 0
}

// Parse reads a JWS in any of its forms; white space around it is left out. Errors: jws.ErrSyntax for what is none, or has more than one
// reading; jws.ErrLimit. What is wrong with one signature stands with that.
func Parse(document []byte) (*Document, error) {
	d, err := parse(bytes.Trim(document, " \t\r\n"), 0)
	if err != nil {
		return nil, fmt.Errorf("couldn't read JWS: %w", err)
	}
	return d, nil
}

func parse(text []byte, depth int) (*Document, error) {
	d := &Document{}
	var err error
	if len(text) > 0 && text[0] == '{' {
		err = d.readJSON(text, depth)
	} else {
		err = d.readCompact(string(text), depth)
	}
	if err != nil {
		return nil, err
	}
	d.attach(d.payload)
	for _, s := range d.Signatures {
		// RFC 7797 3: one payload cannot be signed as it is and encoded.
		if s.unencoded != d.Signatures[0].unencoded {
			s.fail("RFC 7797 3", "the signatures disagree on b64")
		}
	}
	return d, nil
}

// attach makes a payload that of the document; an empty one is none.
func (d *Document) attach(payload string) {
	d.payload, d.octets, d.Attached = payload, []byte(payload), payload != ""
}

func (d *Document) readCompact(text string, depth int) error {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return fmt.Errorf("%w: three parts are due", jws.ErrSyntax)
	}
	d.Form, d.payload = Compact, parts[1]
	if len(parts[0]) > 2*headerMax {
		return fmt.Errorf("%w: header", jws.ErrLimit)
	}
	d.Signatures = []*Signed{d.read(parts[0], nil, parts[2], depth)}
	return nil
}

// readJSON reads the flattened form (RFC 7515 7.2.2) or the general one (7.2.1). Members without meaning are kept, as 7.2.1 asks.
func (d *Document) readJSON(text []byte, depth int) error {
	members, err := jws.ReadObject(text, depthMax)
	if err != nil {
		return err
	}
	var flat, list []jws.Member
	for _, m := range members {
		switch m.Name {
		case "payload":
			if d.payload, err = m.Text(); err != nil {
				return err
			}
		case "signatures":
			list = append(list, m)
		case "protected", "header", "signature":
			flat = append(flat, m)
		default:
			d.others = append(d.others, m)
		}
	}
	switch {
	case len(list)+len(flat) == 0:
		return fmt.Errorf("%w: an object without signatures", jws.ErrSyntax)
	case len(list) > 0 && len(flat) > 0: // two programs would see two signers
		return fmt.Errorf("%w: flattened and general at once", jws.ErrSyntax)
	case len(flat) > 0:
		d.Form = Flattened
		return d.readSignature(flat, depth)
	}
	d.Form = General
	objects, err := arrayOf(list[0].Value, signaturesMax)
	if err != nil {
		return err
	}
	for _, o := range objects {
		inner, err := jws.ReadObject(o, depthMax)
		if err != nil {
			return err
		}
		if err := d.readSignature(inner, depth); err != nil {
			return err
		}
	}
	if len(d.Signatures) == 0 {
		return fmt.Errorf("%w: no signatures", jws.ErrSyntax)
	}
	return nil
}

// readSignature takes the members of one signature.
func (d *Document) readSignature(members []jws.Member, depth int) (err error) {
	var protected, value string
	var header []jws.Member
	for _, m := range members {
		switch m.Name {
		case "protected":
			protected, err = m.Text()
		case "signature":
			value, err = m.Text()
		case "header":
			header, err = jws.ReadObject(m.Value, depthMax)
		}
		if err != nil {
			return err
		}
	}
	if len(protected) > 2*headerMax {
		return fmt.Errorf("%w: header", jws.ErrLimit)
	}
	d.Signatures = append(d.Signatures, d.read(protected, header, value, depth))
	return nil
}

// read reads one signature. It never fails: what is wrong is a finding.
func (d *Document) read(protected string, header []jws.Member, value string, depth int) *Signed {
	s := &Signed{doc: d, protected: protected, text: value, depth: depth, scheme: errUnread}
	s.readProtected()
	s.readUnprotected(header)
	s.checkCritical()
	var err error
	if s.Value, err = jws.Decode64(value); err != nil || len(s.Value) == 0 {
		s.fail("RFC 7515 2", "the signature is no base64url")
	}
	return s
}

// Beside is what came beside a detached signature: octets, or only their digests. The zero Beside is nothing.
type Beside struct {
	Octets []byte // an empty original is a non-nil empty slice
	Digest cms.Content
	// Named finds one of several originals by a name of sigD; nil: there is one, which is what every name means.
	Named func(name string) (Beside, bool)
	// Work is how many octets may still be hashed for the document: each signature and each archive time stamp is over all of it. nil: any
	// number. Whoever shares it between calls makes them one after the other.
	Work *int64
}

// spend takes octets off the work; false when there is not so much left.
func (b Beside) spend(octets int) bool {
	if b.Work == nil {
		return true
	}
	*b.Work -= int64(octets)
	return *b.Work >= 0
}

func (b Beside) given() bool { return b.Octets != nil || b.Digest.Present() || b.Named != nil }

// called is the original that a name means.
func (b Beside) called(name string) (Beside, bool) {
	if b.Named == nil {
		return b, b.given()
	}
	return b.Named(name)
}
