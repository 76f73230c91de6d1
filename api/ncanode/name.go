package ncanode

import (
	"slices"
	"strings"

	"qaqpa/signer/pkix"
)

// subject is a distinguished name, taken apart. Members that are not in the name are left out.
type subject struct {
	CommonName   string `json:"commonName,omitempty"`
	SurName      string `json:"surName,omitempty"`
	IIN          string `json:"iin,omitempty"`
	BIN          string `json:"bin,omitempty"`
	Organization string `json:"organization,omitempty"`
	Email        string `json:"email,omitempty"`
	Country      string `json:"country,omitempty"`
	Locality     string `json:"locality,omitempty"`
	State        string `json:"state,omitempty"`
	DN           string `json:"dn"`
}

func subjectOf(n pkix.Name) *subject {
	s := &subject{
		CommonName: n.CommonName(), SurName: n.First(pkix.AttrSurname), Organization: n.First(pkix.AttrOrganization),
		Email: n.First(pkix.AttrEmail), Country: n.First(pkix.AttrCountry), Locality: n.First(pkix.AttrLocality),
		State: n.First(pkix.AttrState), DN: javaDN(n),
	}
	for _, number := range n.Attribute(pkix.AttrSerialNumber) {
		if iin, ok := strings.CutPrefix(number, "IIN"); ok {
			s.IIN = iin
		} else if bin, ok := strings.CutPrefix(number, "BIN"); ok {
			s.BIN = bin
		}
	}
	// An organisational unit that is not a number is no BIN.
	for _, unit := range n.Attribute(pkix.AttrOrgUnit) {
		if bin, ok := strings.CutPrefix(unit, "BIN"); ok {
			s.BIN = bin
		}
	}
	return s
}

// keywords are those of X500Principal.toString in Java.
var keywords = map[string]string{
	pkix.AttrCommonName: "CN", pkix.AttrSurname: "SURNAME", pkix.AttrSerialNumber: "SERIALNUMBER", pkix.AttrCountry: "C",
	pkix.AttrLocality: "L", pkix.AttrState: "ST", pkix.AttrStreet: "STREET", pkix.AttrOrganization: "O", pkix.AttrOrgUnit: "OU",
	pkix.AttrTitle: "T", pkix.AttrGivenName: "GIVENNAME", pkix.AttrUserID: "UID", pkix.AttrDomainComponent: "DC",
	pkix.AttrEmail: "EMAILADDRESS", "2.5.4.43": "INITIALS", "2.5.4.44": "GENERATION", "2.5.4.46": "DNQ",
}

// javaDN writes a name as Java does: the last part first, "GIVENNAME=…, OU=…, CN=…".
func javaDN(n pkix.Name) string {
	parts := make([]string, 0, len(n.RDNs))
	for _, rdn := range slices.Backward(n.RDNs) {
		values := make([]string, len(rdn))
		for i, a := range rdn {
			word, known := keywords[a.Type]
			if !known {
				word = "OID." + a.Type
			}
			values[i] = word + "=" + javaValue(a.Value)
		}
		parts = append(parts, strings.Join(values, " + "))
	}
	return strings.Join(parts, ", ")
}

// javaValue quotes a value that could be misread.
func javaValue(v string) string {
	if !strings.ContainsAny(v, ",+=\n<>#;\\\"") && strings.TrimSpace(v) == v && !strings.Contains(v, "  ") {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}
