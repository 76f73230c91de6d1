package conformance

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/testenv/suites"
)

// armour writes a certificate as PEM, which it may be already.
func armour(raw []byte) []byte {
	if block, _ := pem.Decode(raw); block != nil {
		return raw
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}

// bare takes PEM or base64 off.
func bare(b []byte) []byte {
	if block, _ := pem.Decode(b); block != nil {
		return block.Bytes
	}
	if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(b)), "")); err == nil {
		return der
	}
	return b
}

// certificateQuery is a body of POST /v1/certificates/validations.
type certificateQuery struct {
	Certificate []byte         `json:"certificate"`
	Evidence    [][]byte       `json:"evidence,omitempty"`
	At          *time.Time     `json:"at,omitempty"`
	Policy      string         `json:"policy,omitempty"`
	Rules       map[string]any `json:"policy_document,omitempty"`
	Revocation  string         `json:"revocation"`
	Authority   string         `json:"authority_revocation"`
	KeyUsage    []string       `json:"key_usage,omitempty"`
	Purposes    []string       `json:"purposes,omitempty"`
	PathLength  *int           `json:"path_length_max,omitempty"`
	IssuerRules bool           `json:"issuer_rules,omitempty"`
	Policies    map[string]any `json:"certificate_policies,omitempty"`
}

const certificatesPath = "/v1/certificates/validations"

type pkitsCase struct {
	Name       string   `json:"name"`
	Cert       string   `json:"cert"`
	OtherCerts []string `json:"other_certs"`
	CRLs       []string `json:"crls"`
	PathLen    int      `json:"path_len"`
	Revocation *bool    `json:"revocation"`
	Notice     string   `json:"notice"`
	Params     struct {
		Initial   []string `json:"user_initial_policy_set"`
		Explicit  bool     `json:"initial_explicit_policy"`
		Inhibited bool     `json:"initial_policy_mapping_inhibit"`
		Any       bool     `json:"initial_any_policy_inhibit"`
	} `json:"params"`
	Error *struct {
		Class string `json:"class"`
	} `json:"error"`
}

func (c *pkitsCase) query(t *testing.T, dir string) certificateQuery {
	t.Helper()
	moment := time.Date(2022, 5, 1, 0, 0, 0, 0, time.UTC)
	q := certificateQuery{
		Certificate: readFile(t, dir, "certs", c.Cert), At: &moment, Policy: "standard", Revocation: "required", Authority: "required",
		Evidence: [][]byte{readFile(t, dir, "crls", "TrustAnchorRootCRL.crl")},
		Policies: map[string]any{
			"explicit": c.Params.Explicit, "mapping_inhibited": c.Params.Inhibited, "any_inhibited": c.Params.Any,
		},
	}
	if c.Params.Initial != nil {
		q.Policies["acceptable"] = c.Params.Initial
	}
	if c.Revocation != nil && !*c.Revocation {
		q.Revocation, q.Authority = "if-available", "if-available"
	}
	for _, name := range c.OtherCerts {
		q.Evidence = append(q.Evidence, readFile(t, dir, "certs", name))
	}
	for _, name := range c.CRLs {
		q.Evidence = append(q.Evidence, readFile(t, dir, "crls", name))
	}
	return q
}

// pkitsNotAllowed are valid cases whose algorithm is refused: DSA (NIST FIPS 186-5 withdrew it).
var pkitsNotAllowed = []string{"valid_dsa_signatures_test4", "valid_dsa_parameter_inheritance_test5"}

// want is what a case has to come to, given what it came to.
func (c *pkitsCase) want(a answer) string {
	got := a.verdict.outcome()
	if slices.Contains(pkitsNotAllowed, c.Name) {
		if len(a.verdict.Reasons) > 0 && a.verdict.Reasons[0].Code == "algorithm_not_supported" && a.verdict.Indication != "TOTAL-PASSED" {
			return got
		}
		return "algorithm not allowed"
	}
	if c.Error == nil {
		return "TOTAL-PASSED"
	}
	subs := []string{
		"CERTIFICATE_CHAIN_GENERAL_FAILURE", "NO_CERTIFICATE_CHAIN_FOUND", "OUT_OF_BOUNDS_NO_POE", "OUT_OF_BOUNDS_NOT_REVOKED",
		"CRYPTO_CONSTRAINTS_FAILURE",
	}
	switch c.Error.Class {
	case "RevokedError":
		subs = []string{"REVOKED_NO_POE", "REVOKED_CA_NO_POE", "TRY_LATER"} // TRY_LATER: on hold
	case "InsufficientRevinfoError", "StaleRevinfoError":
		subs = []string{"TRY_LATER"}
	}
	if slices.Contains(subs, a.verdict.Sub) && a.verdict.Indication != "TOTAL-PASSED" {
		return got
	}
	return strings.Join(subs, " or ")
}

// TestConformancePKITS runs the Public Key Interoperability Test Suite of NIST with its policy inputs, and its user notices.
func TestConformancePKITS(t *testing.T) {
	dir := suites.Corpora(t, "pkits")
	s := newHouse(t).must(t, setting{
		anchors: [][]byte{armour(readFile(t, dir, "certs", "TrustAnchorRootCertificate.crt"))}, now: at(t, "2026-11-01T00:00:00Z"),
	})
	var cases []pkitsCase
	readJSON(t, &cases, "pkits", "cases.json")
	suite := suites.Start(t, "HTTP: PKITS")
	for i := 0; i < len(cases); i += suites.Every(6) {
		c := &cases[i]
		a := s.post(t, certificatesPath, c.query(t, dir))
		got := a.verdict.outcome()
		if c.Error == nil && a.verdict.Indication == "TOTAL-PASSED" && len(a.verdict.Chain) != c.PathLen {
			got = "passed over another path"
		}
		suite.Judge(t, c.Name, got, c.want(a), c.Error != nil && a.verdict.Indication == "TOTAL-PASSED")
	}
	suite.Close(t)
	readJSON(t, &cases, "pkits", "pkits-user-notice.json")
	suite = suites.Start(t, "HTTP: PKITS user notices")
	for i := range cases {
		a := s.post(t, certificatesPath, cases[i].query(t, dir))
		got := a.verdict.outcome()
		for _, p := range a.verdict.Policies {
			for _, text := range p.Notices {
				if strings.Contains(text, cases[i].Notice) {
					got = "shown"
				}
			}
		}
		suite.Judge(t, cases[i].Name, got, "shown", false)
	}
	suite.Close(t)
}

type limboCase struct {
	ID            string   `json:"id"`
	Trusted       []string `json:"trusted_certs"`
	Intermediates []string `json:"untrusted_intermediates"`
	Peer          string   `json:"peer_certificate"`
	CRLs          []string `json:"crls"`
	Time          string   `json:"validation_time"`
	MaxDepth      *int     `json:"max_chain_depth"`
	KeyUsage      []string `json:"key_usage"`
	EKU           []string `json:"extended_key_usage"`
	Expected      string   `json:"expected_result"`
}

// limboStrict: the groups about what issuers must do are judged with their rules, as inside the process (signer/path).
func limboStrict(id string) bool {
	group, _, _ := strings.Cut(id, "::")
	return group == "rfc5280" || group == "webpki" || group == "crl"
}

func (c *limboCase) query(moment time.Time) certificateQuery {
	q := certificateQuery{
		Certificate: []byte(c.Peer), At: &moment, Policy: "standard", Revocation: "off", Authority: "off",
		KeyUsage: c.KeyUsage, PathLength: c.MaxDepth, IssuerRules: limboStrict(c.ID),
	}
	for _, text := range c.Intermediates {
		q.Evidence = append(q.Evidence, []byte(text))
	}
	for _, text := range c.CRLs {
		q.Evidence = append(q.Evidence, bare([]byte(text)))
		q.Revocation, q.Authority = "required", "required"
	}
	for _, u := range c.EKU {
		q.Purposes = append(q.Purposes, map[string]string{"serverAuth": "1.3.6.1.5.5.7.3.1", "clientAuth": "1.3.6.1.5.5.7.3.2"}[u])
	}
	return q
}

// limboOutside are cases that turn on questions which the gateway does not ask, by prefix or whole id.
var limboOutside = []struct{ prefix, reason string }{
	{"rfc5280::ca-as-leaf-wrong-san", "a host name is wanted: signers are not hosts"},
	{"webpki::cn::", "a host name is wanted"},
	{"webpki::san::mismatch-", "a host name is wanted"},
	{"webpki::san::wildcard-match-across-labels-san", "a host name is wanted"},
	{"webpki::san::no-san", "a host name is wanted"},
	{"webpki::san::public-suffix-", "the list of public suffixes binds web servers only"},
	{"webpki::san::san-critical-with-nonempty-subject", "CA/Browser Forum 7.1.2.7.12; RFC 5280 4.2.1.6 says SHOULD"},
	{"webpki::eku::", "CA/Browser Forum 7.1.2.7.10: the purposes of web servers"},
	{"webpki::aki::root-with-aki-", "CA/Browser Forum 7.1.2.1.3: how roots name their key"},
	{"webpki::nc::permitted-dns-match-noncritical", "contradicts RFC 5280 4.2.1.10, which the rfc5280 group wants kept"},
	{"webpki::forbidden-rsa-", "CA/Browser Forum 6.1.6: sizes of RSA keys that eight divides"},
	{"webpki::ee-basicconstraints-ca", "CA/Browser Forum 7.1.2.7.8; RFC 5280 4.2.1.9 lets users have it"},
	{"webpki::ca-as-leaf", "CA/Browser Forum: a CA may not be a web server"},
}

func limboReason(id string) string {
	for _, o := range limboOutside {
		if strings.HasPrefix(id, o.prefix) {
			return o.reason
		}
	}
	return ""
}

// TestConformanceLimbo runs x509-limbo, each case with its own anchors in a gateway of its own.
func TestConformanceLimbo(t *testing.T) {
	var file struct{ Testcases []limboCase }
	readJSON(t, &file, "limbo", "limbo.json")
	h := newHouse(t)
	suite := suites.Start(t, "HTTP: x509-limbo")
	for i := 0; i < len(file.Testcases); i += suites.Every(10) {
		c := &file.Testcases[i]
		if why := limboReason(c.ID); why != "" {
			suite.LeaveOut(why)
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			moment := at(t, "2026-09-01T00:00:00Z")
			if c.Time != "" {
				moment = at(t, c.Time)
			}
			set := setting{now: moment}
			for _, text := range c.Trusted {
				set.anchors = append(set.anchors, []byte(text))
			}
			got := "FAILURE" // also where the anchors, the certificate or a list cannot be read
			if s, err := h.open(t, set); err == nil {
				if s.post(t, certificatesPath, c.query(moment)).verdict.Indication == "TOTAL-PASSED" {
					got = "SUCCESS"
				}
			}
			suite.Judge(t, c.ID, got, c.Expected, got == "SUCCESS")
		})
	}
	suite.Close(t)
}

// TestConformanceOCSP runs the OCSP tests of OpenSSL, each at its moment: 25 of 29 must not be accepted.
func TestConformanceOCSP(t *testing.T) {
	var cases []struct {
		Name       string
		Root       string
		Cert       string
		OtherCerts []string `json:"other_certs"`
		OCSPs      []string
		PathLen    int `json:"path_len"`
		Moment     string
		Error      *struct{}
	}
	readJSON(t, &cases, "ocsp", "openssl-ocsp.json")
	dir := suites.Corpora(t, "ocsp")
	h := newHouse(t)
	rules := lenientOnSHA1(t)
	suite := suites.Start(t, "HTTP: OCSP of OpenSSL")
	for i := 0; i < len(cases); i += suites.Every(4) {
		c := &cases[i]
		t.Run(c.Name, func(t *testing.T) {
			moment := at(t, c.Moment)
			roots := readFile(t, dir, c.Root)
			anchor, rest := pem.Decode(roots)
			s := h.must(t, setting{anchors: [][]byte{pem.EncodeToMemory(anchor)}, now: moment})
			q := certificateQuery{
				Certificate: readFile(t, dir, c.Cert), At: &moment, Rules: rules, Revocation: "required", Authority: "required",
			}
			if len(c.OCSPs) < c.PathLen-1 { // nothing is said about the CA
				q.Authority = "if-available"
			}
			if block, _ := pem.Decode(rest); block != nil {
				q.Evidence = append(q.Evidence, rest)
			}
			for _, name := range c.OtherCerts {
				q.Evidence = append(q.Evidence, readFile(t, dir, name))
			}
			for _, name := range c.OCSPs {
				q.Evidence = append(q.Evidence, bare(readFile(t, filepath.Join(dir, name))))
			}
			want := "TOTAL-PASSED"
			if c.Error != nil {
				want = "INDETERMINATE TRY_LATER"
			}
			a := s.post(t, certificatesPath, q)
			suite.Judge(t, c.Name, a.verdict.outcome(), want, c.Error != nil && a.verdict.Indication == "TOTAL-PASSED")
		})
	}
	suite.Close(t)
}

// lenientOnSHA1 is the standard policy with a table of algorithms in which SHA-1 lasts until 2014: the vectors are from the autumn of
// 2012, months after its end, and turn on other questions.
func lenientOnSHA1(t *testing.T) (rules map[string]any) {
	t.Helper()
	var table map[string]any
	for path, into := range map[string]*map[string]any{
		"../../signer/engine/policies/standard.json": &rules, "../../signer/algo/reliability.json": &table,
	} {
		if err := json.Unmarshal(readFile(t, path), into); err != nil {
			t.Fatal(err)
		}
	}
	hashes, _ := table["hashes"].([]any)
	for _, h := range hashes {
		if row, ok := h.(map[string]any); ok && row["name"] == "SHA-1" {
			row["end"] = "2014-01-01"
		}
	}
	rules["name"], rules["algorithms"] = "standard, SHA-1 until 2014", table
	return rules
}
