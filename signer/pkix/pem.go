package pkix

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"qaqpa/signer/asn1ber"
)

// ErrNoCertificate means that the input holds none.
var ErrNoCertificate = errors.New("no certificate")

const maxPEMCertificates = 4096

// ParsePEMOrDER reads certificates as people keep them: one DER certificate, PEM blocks with anything between them, or
// bare base64. PEM blocks of other types are passed over. The error is ErrNoCertificate when there is none, and that of
// ParseCertificate when one cannot be read.
func ParsePEMOrDER(b []byte) ([]*Certificate, error) {
	if looksLikeDER(b) {
		c, err := ParseCertificate(bytes.Clone(b))
		if err != nil {
			return nil, err
		}
		return []*Certificate{c}, nil
	}
	var out []*Certificate
	for rest := b; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" {
			continue
		}
		if len(out) == maxPEMCertificates {
			return nil, fmt.Errorf("%w: more than %d certificates", asn1ber.ErrLimit, maxPEMCertificates)
		}
		c, err := ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if out == nil {
		return parseBareBase64(b)
	}
	return out, nil
}

func looksLikeDER(b []byte) bool { return len(b) > 4 && b[0] == 0x30 && b[1] >= 0x80 }

func parseBareBase64(b []byte) ([]*Certificate, error) {
	if len(b) > 2*maxCertificateBytes {
		return nil, ErrNoCertificate
	}
	stripped := bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, b)
	der, err := base64.StdEncoding.DecodeString(string(stripped))
	if err != nil || !looksLikeDER(der) {
		return nil, ErrNoCertificate
	}
	c, err := ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return []*Certificate{c}, nil
}
