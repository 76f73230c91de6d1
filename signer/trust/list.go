package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/jsononce"
	"qaqpa/signer/pkix"
)

// Profile is what kind of trust an anchor has.
type Profile string

// Profiles of anchors.
const (
	// National: certificates under it name persons and organisations by IIN and BIN, and carry the roles of the national profile.
	National Profile = "national"
	// ThirdParty: an authority of another state, believed as agreed through a trusted third party (R30). Signatures under it
	// hold, but nothing in a certificate is an IIN, a BIN or a national role, whatever it looks like.
	ThirdParty Profile = "trusted-third-party"
)

// ErrList says that a trust list breaks its rules.
var ErrList = errors.New("the trust list is not valid")

// Bounds of a trust list.
const (
	listBytesMax       = 1 << 20
	listAuthoritiesMax = 256
	listValuesMax      = 32
	listNameMax        = 200
	listDepthMax       = 8
)

// operatorList is a trust list of the operator: JSON, with the certificates in it.
type operatorList struct {
	Version     int              `json:"version"`
	Authorities []operatorAnchor `json:"authorities"`
}

type operatorAnchor struct {
	Name         string    `json:"name"`
	Profile      Profile   `json:"profile"`
	Territory    string    `json:"territory,omitempty"`
	Certificate  []byte    `json:"certificate"` // DER or PEM, in base64
	TrustedFrom  time.Time `json:"trusted_from"`
	TrustedUntil time.Time `json:"trusted_until"`
	Purposes     []string  `json:"purposes,omitempty"`
	Policies     []string  `json:"policies,omitempty"`
}

// readList reads a trust list. Every anchor in it has times of trust, which lie within its certificate; an authority of another
// state names that state.
func readList(file []byte) ([]Authority, error) {
	if len(file) > listBytesMax {
		return nil, fmt.Errorf("%w: it has more than %d octets", ErrList, listBytesMax)
	}
	if err := jsononce.Check(file, listDepthMax); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrList, err)
	}
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields() // a constraint with a typing error must not be passed over
	var l operatorList
	if err := d.Decode(&l); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrList, err)
	}
	if l.Version != 1 || len(l.Authorities) == 0 || len(l.Authorities) > listAuthoritiesMax {
		return nil, fmt.Errorf("%w: version 1 with 1 to %d authorities is read", ErrList, listAuthoritiesMax)
	}
	out := make([]Authority, len(l.Authorities))
	for i, a := range l.Authorities {
		var err error
		if out[i], err = a.authority(); err != nil {
			return nil, fmt.Errorf("%w: authority %d, %q: %w", ErrList, i+1, a.Name, err)
		}
	}
	return out, nil
}

// authority checks one entry.
func (a operatorAnchor) authority() (Authority, error) {
	certs, err := pkix.ParsePEMOrDER(a.Certificate)
	if err != nil {
		return Authority{}, err
	}
	if len(certs) != 1 {
		return Authority{}, fmt.Errorf("it has %d certificates, one is wanted", len(certs))
	}
	c := certs[0]
	switch {
	case a.Name == "" || len(a.Name) > listNameMax:
		err = fmt.Errorf("it needs a name of at most %d octets", listNameMax)
	case !c.IsCA:
		err = errors.New("its certificate is no authority's")
	case a.Profile != National && a.Profile != ThirdParty:
		err = fmt.Errorf("there is no profile %q", a.Profile)
	case (a.Profile == ThirdParty) != foreignState(a.Territory):
		err = errors.New("an authority of another state, and no other, names it by two capital letters (ISO 3166-1)")
	case a.TrustedFrom.Before(c.NotBefore) || a.TrustedUntil.After(c.NotAfter) || !a.TrustedFrom.Before(a.TrustedUntil):
		err = fmt.Errorf("it is trusted from %s until %s, its certificate is valid from %s until %s", a.TrustedFrom, a.TrustedUntil, c.NotBefore, c.NotAfter)
	case len(a.Purposes) > listValuesMax || len(a.Policies) > listValuesMax:
		err = fmt.Errorf("it has more than %d purposes or policies", listValuesMax)
	}
	return Authority{
		Name: a.Name, Role: RoleAnchor, Certificate: c, TrustedFrom: a.TrustedFrom, TrustedUntil: a.TrustedUntil,
		Profile: a.Profile, Territory: a.Territory, Purposes: a.Purposes, Policies: a.Policies,
	}, err
}

// foreignState tells whether a code of two capital letters is that of another state.
func foreignState(code string) bool {
	return len(code) == 2 && code != "KZ" && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z'
}
