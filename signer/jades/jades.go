package jades

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Signature is a JWS on its way to flattened JSON. Copies share nothing that changes.
type Signature struct {
	protected, value string
	attached         bool
	covered          string   // the payload as it was signed
	elements         []string // of etsiU
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
	type header struct {
		Unsigned []string `json:"etsiU,omitempty"`
	}
	out := struct {
		Payload   string  `json:"payload,omitempty"`
		Protected string  `json:"protected"`
		Header    *header `json:"header,omitempty"`
		Signature string  `json:"signature"`
	}{Protected: s.protected, Signature: s.value}
	if s.attached {
		out.Payload = s.covered
	}
	if len(s.elements) > 0 {
		out.Header = &header{s.elements}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("couldn't write a signature: %w", err)
	}
	return text, nil
}
