package path

import (
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/pkix"
)

type pkitsCase struct {
	ID            string
	Name          string
	Cert          string
	Notice        string
	OtherCerts    []string `json:"other_certs"`
	CRLs          []string
	PathLen       int `json:"path_len"`
	Revocation    *bool
	Intermediates []string `json:"path_intermediates"`
	Params        struct {
		Initial  []string `json:"user_initial_policy_set"`
		Explicit bool     `json:"initial_explicit_policy"`
		Mapping  bool     `json:"initial_policy_mapping_inhibit"`
		Any      bool     `json:"initial_any_policy_inhibit"`
	}
	Error *struct {
		Class string
		Regex string `json:"msg_regex"`
	}
}

func (c *pkitsCase) inputs(t *testing.T) Inputs {
	t.Helper()
	in := Inputs{
		Leaf:    readCert(t, "pkits/certs/"+c.Cert),
		Anchors: []Anchor{{Certificate: readCert(t, "pkits/certs/TrustAnchorRootCertificate.crt")}},
		At:      time.Date(2022, 5, 1, 0, 0, 0, 0, time.UTC),
		Policy: PolicyInputs{
			Initial: c.Params.Initial, Explicit: c.Params.Explicit, MappingInhibited: c.Params.Mapping, AnyInhibited: c.Params.Any,
		},
		CRLs: []*pkix.CRL{readCRL(t, "pkits/crls/TrustAnchorRootCRL.crl")},
	}
	for _, name := range c.OtherCerts {
		in.Pool = append(in.Pool, readCert(t, "pkits/certs/"+name))
	}
	for _, name := range c.CRLs {
		in.CRLs = append(in.CRLs, readCRL(t, "pkits/crls/"+name))
	}
	if c.Revocation != nil && !*c.Revocation {
		in.Revocation = Revocation{Leaf: IfAvailable, CA: IfAvailable}
	}
	return in
}

// pkitsNotAllowed are the cases whose algorithm is refused: DSA (NIST FIPS 186-5 withdrew it).
var pkitsNotAllowed = []string{"valid_dsa_signatures_test4", "valid_dsa_parameter_inheritance_test5"}

// TestPKITS runs the Public Key Interoperability Test Suite of NIST. Revocation is demanded as the suite demands it; the
// class of failure must agree as well.
func TestPKITS(t *testing.T) {
	var cases []pkitsCase
	readJSON(t, "pkits/cases.json", &cases)
	agreed := 0
	for _, c := range cases {
		ok := t.Run(c.Name, func(t *testing.T) {
			r := Validate(c.inputs(t))
			if slices.Contains(pkitsNotAllowed, c.Name) {
				if r.Sub != CryptoConstraintsFailure || r.Problems[0].Code != CodeAlgorithm {
					t.Error("want: algorithm not allowed; got " + explain(r))
				}
				return
			}
			if c.Error == nil {
				if r.Indication != Passed || len(r.Chain) != c.PathLen {
					t.Errorf("want PASSED over %d certificates, got %d: %s", c.PathLen, len(r.Chain), explain(r))
				}
				return
			}
			if !slices.Contains(pkitsSubs(&c), r.Sub) {
				t.Errorf("want %s (%s), got %s", c.Error.Class, c.Error.Regex, explain(r))
			}
		})
		if ok {
			agreed++
		}
	}
	t.Logf("PKITS: %d/%d agreed, DSA as algorithm not allowed", agreed, len(cases))
}

// pkitsSubs are the sub-indications that the class of an expected failure stands for.
func pkitsSubs(c *pkitsCase) []SubIndication {
	switch c.Error.Class {
	case "RevokedError":
		return []SubIndication{RevokedNoPOE, RevokedCANoPOE, TryLater} // TRY_LATER: on hold
	case "InsufficientRevinfoError", "StaleRevinfoError":
		return []SubIndication{TryLater}
	}
	return []SubIndication{
		ChainGeneralFailure, NoChainFound, OutOfBoundsNoPOE, OutOfBoundsNotRevoked, CryptoConstraintsFailure,
	}
}

func TestPKITSUserNotices(t *testing.T) {
	var cases []pkitsCase
	readJSON(t, "pkits/pkits-user-notice.json", &cases)
	agreed := 0
	for _, c := range cases {
		ok := t.Run(c.Name, func(t *testing.T) {
			r := Validate(c.inputs(t))
			if r.Indication != Passed {
				t.Fatal(explain(r))
			}
			var shown []string
			for _, p := range r.Policies {
				for _, q := range p.Qualifiers {
					if q.Notice != nil {
						shown = append(shown, q.Notice.Text)
					}
				}
			}
			if !slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, c.Notice) }) {
				t.Errorf("want %q, shown %q", c.Notice, shown)
			}
		})
		if ok {
			agreed++
		}
	}
	t.Logf("PKITS user notices: %d/%d agreed", agreed, len(cases))
}
