package tsp

import (
	"fmt"
	"strings"

	"qaqpa/signer/asn1ber"
)

// Status of a response (RFC 3161 2.4.2, PKIStatus).
type Status int64

// Statuses.
const (
	Granted         Status = 0
	GrantedWithMods Status = 1
	Rejection       Status = 2
	Waiting         Status = 3
	RevocationWarn  Status = 4
	Revoked         Status = 5
)

var statusNames = map[Status]string{
	Granted: "granted", GrantedWithMods: "granted with modifications", Rejection: "rejection", Waiting: "waiting",
	RevocationWarn: "revocation warning", Revoked: "revocation notification",
}

// String names the status.
func (s Status) String() string {
	if name, ok := statusNames[s]; ok {
		return name
	}
	return fmt.Sprintf("status %d", int64(s))
}

// failureNames are the bits of PKIFailureInfo.
var failureNames = map[int]string{
	0: "algorithm not recognised", 2: "request not permitted", 5: "data has the wrong format",
	14: "time source not available", 15: "policy not accepted", 16: "extension not accepted",
	17: "additional information not available", 25: "system failure",
}

// Response is TimeStampResp. Token is nil unless the status grants it.
type Response struct {
	Status   Status
	Text     string // what the authority says, several lines joined by "; "
	Failures []string
	RawToken []byte
	Token    *Token
}

// RefusedError is the error of a response without a token.
type RefusedError struct{ Response *Response }

// Error says what the authority said.
func (r *RefusedError) Error() string {
	parts := append([]string{r.Response.Status.String()}, r.Response.Failures...)
	if r.Response.Text != "" {
		parts = append(parts, fmt.Sprintf("%q", r.Response.Text))
	}
	return "time-stamp refused: " + strings.Join(parts, ", ")
}

// maxTexts bounds the free text of a response.
const maxTexts = 16

// ParseResponse reads a TimeStampResp (DER or BER) and nothing after it. A response that grants no token is a Response
// together with *[RefusedError]; a malformed one is asn1ber.ErrSyntax or ErrLimit, or an error of [ParseToken].
func ParseResponse(b []byte) (*Response, error) {
	lim := limits()
	e, err := asn1ber.Parse(b, asn1ber.BER, asn1ber.Limits{Bytes: lim.Bytes, Depth: lim.Depth, Elements: lim.Elements})
	if err != nil {
		return nil, fmt.Errorf("couldn't read time-stamp response: %w", err)
	}
	p := &Response{}
	if err := p.parse(e); err != nil {
		return nil, fmt.Errorf("couldn't read time-stamp response: %w", err)
	}
	if p.Status != Granted && p.Status != GrantedWithMods {
		p.RawToken = nil
		return p, &RefusedError{p}
	}
	if p.RawToken == nil {
		return nil, fmt.Errorf("couldn't read time-stamp response: %w: granted without a token", asn1ber.ErrSyntax)
	}
	if p.Token, err = ParseToken(p.RawToken); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Response) parse(e asn1ber.Element) error {
	if e.Tag != asn1ber.Sequence {
		return fmt.Errorf("%w: %s", asn1ber.ErrSyntax, e.Tag)
	}
	r, err := e.Children()
	if err != nil {
		return err
	}
	info, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if err := p.parseStatus(&info); err != nil {
		return err
	}
	token, ok, err := r.Optional(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if ok {
		p.RawToken = token.Raw
	}
	return r.End()
}

// parseStatus reads PKIStatusInfo.
func (p *Response) parseStatus(r *asn1ber.Reader) error {
	status, err := r.Read(asn1ber.Integer)
	if err != nil {
		return err
	}
	v, err := status.Int64()
	if err != nil {
		return err
	}
	p.Status = Status(v)
	text, ok, err := r.Optional(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if ok {
		if p.Text, err = joinTexts(text); err != nil {
			return err
		}
	}
	failures, ok, err := r.Optional(asn1ber.BitString)
	if err != nil {
		return err
	}
	if ok {
		bits, _, err := failures.BitString()
		if err != nil {
			return err
		}
		p.Failures = failuresOf(bits)
	}
	return r.End()
}

func joinTexts(e asn1ber.Element) (string, error) {
	r, err := e.Children()
	if err != nil {
		return "", err
	}
	var texts []string
	for !r.Empty() {
		t, err := r.Next()
		if err != nil {
			return "", err
		}
		s, err := t.Text()
		if err != nil {
			return "", err
		}
		if len(texts) == maxTexts {
			return "", fmt.Errorf("%w: more than %d texts", asn1ber.ErrLimit, maxTexts)
		}
		texts = append(texts, s)
	}
	return strings.Join(texts, "; "), nil
}

func failuresOf(bits []byte) []string {
	var out []string
	for i := range min(len(bits)*8, 32) {
		if bits[i/8]&(0x80>>(i%8)) == 0 {
			continue
		}
		name, ok := failureNames[i]
		if !ok {
			name = fmt.Sprintf("failure %d", i)
		}
		out = append(out, name)
	}
	return out
}
