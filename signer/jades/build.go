package jades

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qaqpa/signer/jws"
)

// Signature is a JWS on its way up, in flattened or general JSON. Copies share nothing that changes.
type Signature struct {
	protected, value string
	attached         bool
	covered          string       // the payload as it was signed; with sigD what its names stand for
	elements         []string     // of etsiU
	others           []jws.Member // of the unprotected header, which stay as they are
}

// ErrForm means what is no compact JWS, or one whose payload is missing or given twice.
var ErrForm = errors.New("not a compact JWS with its payload")

// New takes a compact JWS apart. payload is that of a detached one, and nil else; unencoded tells that it was signed as it is
// (RFC 7797). The signature is not verified.
func New(compact string, payload []byte, unencoded bool) (Signature, error) {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 || parts[0] == "" || parts[2] == "" || (payload != nil) == (parts[1] != "") {
		return Signature{}, fmt.Errorf("couldn't read a signature: %w", ErrForm)
	}
	s := Signature{protected: parts[0], value: parts[2], attached: payload == nil, covered: parts[1]}
	switch {
	case payload != nil && unencoded:
		s.covered = string(payload)
	case payload != nil:
		s.covered = base64.RawURLEncoding.EncodeToString(payload)
	}
	return s, nil
}

// SignatureOctets are what a signature time stamp covers: the value as it stands (5.3.4).
func (s Signature) SignatureOctets() []byte { return []byte(s.value) }

// ArchiveOctets are what an archive time stamp covers: all that is there (5.3.6.2.1).
func (s Signature) ArchiveOctets() []byte {
	return []byte(strings.Join([]string{s.covered, s.protected, s.value, strings.Join(s.elements, "")}, "."))
}

// value is an object that stands in base64.
type value struct {
	Value []byte `json:"val"`
}

func values(list [][]byte) []value {
	out := make([]value, len(list))
	for i, b := range list {
		out[i].Value = b
	}
	return out
}

type tokens struct {
	Tokens []value `json:"tstTokens"`
}

// WithStamp adds a signature time stamp (DER) over SignatureOctets.
func (s Signature) WithStamp(token []byte) (Signature, error) {
	return s.with("sigTst", tokens{values([][]byte{token})})
}

// WithArchiveStamp adds an archive time stamp (DER) over ArchiveOctets.
func (s Signature) WithArchiveStamp(token []byte) (Signature, error) {
	return s.with("arcTst", tokens{values([][]byte{token})})
}

// WithEvidence adds certificates, CRLs and OCSP responses, each whole in DER (5.3.5).
func (s Signature) WithEvidence(certificates, crls, ocsps [][]byte) (Signature, error) {
	type certificate struct {
		X509 value `json:"x509Cert"`
	}
	var err error
	if len(certificates) > 0 {
		list := make([]certificate, len(certificates))
		for i, v := range values(certificates) {
			list[i].X509 = v
		}
		if s, err = s.with("xVals", list); err != nil {
			return s, err
		}
	}
	if len(crls)+len(ocsps) == 0 {
		return s, nil
	}
	return s.with("rVals", struct {
		CRLs  []value `json:"crlVals,omitempty"`
		OCSPs []value `json:"ocspVals,omitempty"`
	}{values(crls), values(ocsps)})
}

func (s Signature) with(name string, content any) (Signature, error) {
	text, err := json.Marshal(map[string]any{name: content})
	if err != nil {
		return s, fmt.Errorf("couldn't add %s: %w", name, err)
	}
	s.elements = append(slices.Clip(s.elements), base64.RawURLEncoding.EncodeToString(text))
	return s, nil
}

// JSON is the signature in flattened form, without the payload where it is detached.
func (s Signature) JSON() ([]byte, error) {
	var w writer
	if s.attached {
		w.text("payload", s.covered)
	}
	s.write(&w)
	return w.close()
}

// write adds the members of one signature to an object.
func (s Signature) write(w *writer) {
	w.text("protected", s.protected)
	if len(s.elements)+len(s.others) > 0 {
		var header writer
		for _, m := range s.others {
			header.raw(m.Name, m.Value)
		}
		if len(s.elements) > 0 {
			list, err := json.Marshal(s.elements)
			header.err = errors.Join(header.err, err)
			header.raw("etsiU", list)
		}
		text, err := header.close()
		w.err = errors.Join(w.err, err)
		w.raw("header", text)
	}
	w.text("signature", s.value)
}

// writer writes an object member by member, in this order.
type writer struct {
	members []string
	err     error
}

func (w *writer) raw(name string, value []byte) {
	quoted, err := json.Marshal(name)
	w.err = errors.Join(w.err, err)
	w.members = append(w.members, string(quoted)+":"+string(value))
}

func (w *writer) text(name, value string) {
	quoted, err := json.Marshal(value)
	w.err = errors.Join(w.err, err)
	w.raw(name, quoted)
}

func (w *writer) close() ([]byte, error) {
	if w.err != nil {
		return nil, fmt.Errorf("couldn't write a signature: %w", w.err)
	}
	return []byte("{" + strings.Join(w.members, ",") + "}"), nil
}
