package jws

import (
	"fmt"
	"slices"
)

// Header is a JOSE header (RFC 7515 4). All of it is covered by the signature.
type Header struct {
	Algorithm   Algorithm
	Type        string // typ
	ContentType string // cty
	KeyID       string // kid: a hint for the caller, never a proof
	// Certificates are x5c: DER, the signer's first. They prove nothing before a path to an anchor is found.
	Certificates [][]byte
	// CertificateSHA1 and CertificateSHA256 are x5t and x5t#S256, nil when absent.
	CertificateSHA1, CertificateSHA256 []byte
	// Unencoded is b64:false (RFC 7797): the payload is signed as it is.
	Unencoded bool
	Critical  []string // crit
	Members   []Member // all of them, in order
	Raw       []byte   // the JSON
}

// Member finds a member by its exact name.
func (h *Header) Member(name string) (Member, bool) {
	for _, m := range h.Members {
		if m.Name == name {
			return m, true
		}
	}
	return Member{}, false
}

// parseHeader reads a header and refuses what no token may have. critical are the extensions that the caller processes.
func parseHeader(b []byte, lim Limits, critical []string) (Header, error) {
	if len(b) > lim.HeaderBytes {
		return Header{}, fmt.Errorf("%w: header of %d octets", ErrLimit, len(b))
	}
	h := Header{Raw: b}
	var err error
	if h.Members, err = readObject(b, lim.Depth); err != nil {
		return Header{}, err
	}
	for _, m := range h.Members {
		if err := h.read(m, lim); err != nil {
			return Header{}, err
		}
	}
	if h.Algorithm == "" {
		return Header{}, fmt.Errorf("%w: no algorithm", ErrSyntax)
	}
	if _, _, err := h.Algorithm.signature(); err != nil {
		return Header{}, err
	}
	return h, h.checkCritical(critical)
}

// read takes over one member.
func (h *Header) read(m Member, lim Limits) (err error) {
	switch m.Name {
	case "alg":
		var s string
		s, err = m.text()
		h.Algorithm = Algorithm(s)
	case "typ":
		h.Type, err = m.text()
	case "cty":
		h.ContentType, err = m.text()
	case "kid":
		h.KeyID, err = m.text()
	case "x5c":
		h.Certificates, err = m.certificates(lim)
	case "x5t":
		h.CertificateSHA1, err = m.thumbprint(20)
	case "x5t#S256":
		h.CertificateSHA256, err = m.thumbprint(32)
	case "crit":
		h.Critical, err = m.texts()
	case "b64":
		switch string(m.Value) {
		case "true":
		case "false":
			h.Unencoded = true
		default:
			err = fmt.Errorf("%w: b64 is not a boolean", ErrSyntax)
		}
	case "jwk", "jku", "x5u":
		// The signer must not choose the key that it is verified with (RFC 7515 10.10; CVE-2018-0114).
		err = fmt.Errorf("%w: it brings its own key (%s)", ErrHeader, m.Name)
	}
	return err
}

func (m Member) certificates(lim Limits) ([][]byte, error) {
	texts, err := m.texts()
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%w: x5c is empty", ErrSyntax)
	}
	if len(texts) > lim.Certificates {
		return nil, fmt.Errorf("%w: %d certificates", ErrLimit, len(texts))
	}
	out := make([][]byte, len(texts))
	for i, s := range texts {
		if out[i], err = decodeStandard64(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m Member) thumbprint(size int) ([]byte, error) {
	s, err := m.text()
	if err != nil {
		return nil, err
	}
	b, err := decode64(s)
	if err == nil && len(b) != size {
		err = fmt.Errorf("%w: %s of %d octets", ErrSyntax, m.Name, len(b))
	}
	return b, err
}

// registered are the names that crit may not list (RFC 7515 4.1.11): those of RFC 7515 itself.
var registered = []string{"alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit"}

// checkCritical applies RFC 7515 4.1.11 and RFC 7797 6: crit is not empty, names no one twice, names only extensions
// that are there, and each is understood; b64 is of effect only when listed.
func (h *Header) checkCritical(understood []string) error {
	_, hasCrit := h.Member("crit")
	if hasCrit && len(h.Critical) == 0 {
		return fmt.Errorf("%w: crit is empty", ErrHeader)
	}
	for i, name := range h.Critical {
		if slices.Contains(h.Critical[:i], name) || slices.Contains(registered, name) {
			return fmt.Errorf("%w: crit lists %.40q wrongly", ErrHeader, name)
		}
		if _, ok := h.Member(name); !ok {
			return fmt.Errorf("%w: crit lists %.40q, which is not there", ErrHeader, name)
		}
		if name != "b64" && !slices.Contains(understood, name) {
			return fmt.Errorf("%w: critical extension %.40q is not understood", ErrHeader, name)
		}
	}
	if _, ok := h.Member("b64"); ok && !slices.Contains(h.Critical, "b64") {
		return fmt.Errorf("%w: b64 is not critical", ErrHeader)
	}
	return nil
}
