package trust

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"qaqpa/signer/pkix"
)

// data holds, for each mode, the list of authorities and their certificates. root.gov.kz publishes both.
//
//go:embed data/*.json data/*.pem
var data embed.FS

// list is data/MODE.json: the times of trust, apart from the certificates themselves.
type list struct {
	Mode        Mode `json:"mode"`
	Authorities []struct {
		Name         string    `json:"name"`
		Role         Role      `json:"role"`
		SHA256       string    `json:"sha256"`
		TrustedFrom  time.Time `json:"trusted_from"`
		TrustedUntil time.Time `json:"trusted_until"`
		Source       string    `json:"source"`
	} `json:"authorities"`
}

// shippedFor reads the list of a mode. The list alone decides: a certificate that it does not name is an error.
func shippedFor(mode Mode) ([]Authority, error) {
	certs, err := shippedCertificates(mode)
	if err != nil {
		return nil, err
	}
	raw, err := data.ReadFile("data/" + string(mode) + ".json")
	if err != nil {
		return nil, fmt.Errorf("couldn't read the list of authorities: %w", err)
	}
	var l list
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("couldn't read the list of authorities: %w", err)
	}
	if len(l.Authorities) != len(certs) || l.Mode != mode {
		return nil, fmt.Errorf("the list of %s authorities does not fit its certificates", mode)
	}
	out := make([]Authority, len(l.Authorities))
	for i, a := range l.Authorities {
		c, ok := certs[a.SHA256]
		if !ok || (a.Role != RoleAnchor && a.Role != RoleIntermediate) {
			return nil, fmt.Errorf("the list of authorities names %s, which is not there or has no role", a.Name)
		}
		out[i] = Authority{
			Name: a.Name, Role: a.Role, Certificate: c, TrustedFrom: a.TrustedFrom, TrustedUntil: a.TrustedUntil, Source: a.Source,
			Profile: National,
		}
	}
	return out, nil
}

func shippedCertificates(mode Mode) (map[string]*pkix.Certificate, error) {
	raw, err := data.ReadFile("data/" + string(mode) + ".pem")
	if err != nil {
		return nil, fmt.Errorf("couldn't read the authorities: %w", err)
	}
	certs, err := pkix.ParsePEMOrDER(raw)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the authorities: %w", err)
	}
	byPrint := make(map[string]*pkix.Certificate, len(certs))
	for _, c := range certs {
		print := c.Fingerprint()
		byPrint[hex.EncodeToString(print[:])] = c
	}
	return byPrint, nil
}
