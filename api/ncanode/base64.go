package ncanode

import (
	"encoding/base64"
	"errors"
	"strings"

	"qaqpa/signer/pkix"
)

var errBase64 = errors.New("not base64")

// fromBase64 decodes base64 as Java's decoder takes it, without padding too, and with the line breaks that clients leave in.
func fromBase64(s string) ([]byte, error) {
	s = strings.TrimRight(strings.NewReplacer("\r", "", "\n", "", " ", "", "\t", "").Replace(s), "=")
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || len(b) == 0 {
		return nil, errBase64
	}
	return b, nil
}

const armour = "-----BEGIN"

// document reads CMS and certificates: base64 of DER or of PEM, and PEM as it is, which is what NCALayer gives.
func document(s, member string) ([]byte, error) {
	if strings.HasPrefix(strings.TrimSpace(s), armour) {
		return []byte(s), nil
	}
	b, err := fromBase64(s)
	if err != nil {
		return nil, refuse(CodeBase64, member+" is not base64")
	}
	return b, nil
}

// certificateOf reads one certificate; nil when it cannot be read.
func certificateOf(s string) *pkix.Certificate {
	b, err := document(s, "certificate")
	if err != nil {
		return nil
	}
	certs, err := pkix.ParsePEMOrDER(b)
	if err != nil {
		return nil
	}
	return certs[0]
}
