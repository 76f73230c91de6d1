package conformance

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"qaqpa/testenv/suites"
)

// xmlsecRow is a row of the xmlsec corpus.
type xmlsecRow struct {
	Document string `json:"document"`
	Expect   string `json:"expect"`
	Options  string `json:"verify_options"`
}

// certificates are the certificate files that a row names, as evidence; a bare public key gets a certificate.
func (r xmlsecRow) certificates(t *testing.T, a *authority, top string) (out [][]byte) {
	t.Helper()
	for _, b := range r.files(top, "$pub_key_option") {
		out = append(out, a.keyCertificate(t, b))
	}
	for _, b := range r.files(top, "--crl-") {
		out = append(out, bare(b))
	}
	return slices.Concat(out, r.files(top, "--pubkey-cert-", "--trusted-", "--untrusted-"))
}

// files are those that follow options which begin so.
func (r xmlsecRow) files(top string, options ...string) (out [][]byte) {
	format := "pem"
	if strings.HasPrefix(r.Document, "phaos") {
		format = "der"
	}
	dir := filepath.Join(top, filepath.Dir(r.Document))
	words := strings.Fields(strings.ReplaceAll(r.Options, "$topfolder", top))
	for i, w := range words {
		if i+1 == len(words) || !slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(w, o) }) {
			continue
		}
		path := strings.NewReplacer("$cert_format", format, "$rsa_pub_key_suffix", "", "$pub_key_format", "pem").Replace(words[i+1])
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// under opens a service that trusts what a row trusts: whether a document that is whole passes is then for anchors, lists and times.
func (r xmlsecRow) under(t *testing.T, h *house, top string) *service {
	t.Helper()
	anchors := [][]byte{unrelatedAnchor(t)}
	for _, b := range r.files(top, "--trusted-") {
		anchors = append(anchors, armour(b))
	}
	s, err := h.open(t, setting{anchors: anchors, now: at(t, "2026-10-01T00:00:00Z")})
	if err != nil { // what the row trusts is no authority
		return h.must(t, setting{anchors: anchors[:1], now: at(t, "2026-10-01T00:00:00Z")})
	}
	return s
}

// xmlsecOutside are the reasons, by the code of the gateway, for which a row that xmlsec verifies is none of ours.
var xmlsecOutside = map[string]string{
	"algorithm_not_supported":    "HMAC, DSA, post-quantum and others that are none of ours",
	"signer_certificate_missing": "no certificate and no key of a kind that is ours: a name of a key, a secret, DSA, post-quantum",
	"content_missing":            "a reference to another file or the network: nothing is fetched",
	"xml_reference_refused":      "XSLT, relationship transforms and others that are refused",
	"xml_doctype_refused":        "a document type is refused",
}

// TestConformanceXMLSec hands in the documents of xmlsec with the certificates, keys and lists that their rows name. Those that must
// fail do not pass under the anchors that their rows trust, and those that are broken in themselves are not said to be intact; those
// that verify are, unless they turn on what we do not take. A bare key of the document proves the document whole, and nobody.
func TestConformanceXMLSec(t *testing.T) {
	top := suites.Corpora(t, "xmlsec")
	h := newHouse(t)
	s := h.must(t, setting{anchors: [][]byte{unrelatedAnchor(t)}, now: at(t, "2026-10-01T00:00:00Z")})
	suite, ca := suites.Start(t, "HTTP: xmlsec"), newAuthority(t)
	var rows []xmlsecRow
	for lines := bufio.NewScanner(bytes.NewReader(readFile(t, top, "cases.jsonl"))); lines.Scan(); {
		var r xmlsecRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	for i := 0; i < len(rows); i += suites.Every(10) {
		r := rows[i]
		q := documentQuery{Document: readFile(t, top, r.Document), Evidence: r.certificates(t, ca, top), Policy: "standard"}
		if r.Expect == "fail" {
			v := r.under(t, h, top).post(t, documentsPath, q).verdict
			broken := strings.Contains(r.Document, "bad")
			accepted := v.Indication == "TOTAL-PASSED" || broken && v.sound() || v.Indication == ""
			suite.Judge(t, r.Document, map[bool]string{true: "accepted: " + v.outcome(), false: "refused"}[accepted], "refused", accepted)
			continue
		}
		v := s.post(t, documentsPath, q).verdict
		got, codes := v.sound(), v.codes()
		outside := ""
		for _, code := range []string{"algorithm_not_supported", "signer_certificate_missing", "content_missing", "xml_reference_refused", "xml_doctype_refused"} {
			if !got && outside == "" && slices.Contains(codes, code) {
				outside = xmlsecOutside[code]
			}
		}
		if outside != "" {
			suite.LeaveOut(outside)
			continue
		}
		suite.Judge(t, r.Document, intactness(got)+strings.Repeat(" "+strings.Join(codes, " "), btoi(!got)), intactness(true), false)
	}
	suite.Close(t)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sound: references and mathematics of every signature hold, whoever signed.
func (v *verdict) sound() bool {
	for i := range v.Signatures {
		s := &v.Signatures[i]
		if s.block("format-checking") != "PASSED" || s.Integrity.Value != "correct" || s.Integrity.References != "intact" {
			return false
		}
	}
	return len(v.Signatures) > 0
}

// codes are those of all reasons.
func (v *verdict) codes() (out []string) {
	for _, r := range v.Reasons {
		out = append(out, r.Code)
	}
	for i := range v.Signatures {
		for _, r := range v.Signatures[i].Reasons {
			out = append(out, r.Code)
		}
	}
	return out
}

// forged tells whether a verdict says that all of a document is signed and holds.
func (v *verdict) forged() bool { return v.sound() && v.Coverage == "FULL" }

// wrappings move what was signed to where a reader does not look, and put something else where he does.
func wrappings(doc []byte) map[string][]byte {
	body := prolog.ReplaceAll(doc, nil)
	start, end := rootTag.FindIndex(body), bytes.LastIndex(body, []byte("</"))
	if start == nil || end < start[1] || body[start[1]-2] == '/' {
		return nil
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	evil := []byte(`<evil xmlns="urn:evil">pay 5406</evil>`)
	return map[string][]byte{
		"under another root":     join([]byte(`<evil xmlns="urn:evil">pay 5406`), body, []byte(`</evil>`)),
		"beside something first": join(body[:start[1]], evil, body[start[1]:]),
		"beside something last":  join(body[:end], evil, body[end:]),
		"within itself":          join(body[:start[1]], evil, body, body[end:]),
	}
}

var (
	prolog  = regexp.MustCompile(`^\s*(\x{FEFF})?\s*<\?xml[^>]*\?>\s*`)
	rootTag = regexp.MustCompile(`<[A-Za-z][^!?>]*>`)
)

// TestConformanceWrapping: no document in which the signed part was moved is said to be signed as a whole.
func TestConformanceWrapping(t *testing.T) {
	s := newHouse(t).must(t, setting{anchors: [][]byte{unrelatedAnchor(t)}, now: at(t, "2026-10-01T00:00:00Z")})
	suite := suites.Start(t, "HTTP: signature wrapping")
	judge := func(name string, doc []byte) {
		a := s.post(t, documentsPath, documentQuery{Document: doc, Policy: "standard"})
		got := map[bool]string{true: "FULL", false: "refused"}[a.verdict.forged()]
		suite.Judge(t, name, got, "refused", got == "FULL")
	}
	saml := suites.Corpora(t, "xsw")
	files, err := os.ReadDir(saml)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		doc, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(readFile(t, saml, f.Name()))), ""))
		if err != nil {
			t.Fatal(err)
		}
		judge(f.Name(), doc)
	}
	dss := suites.Corpora(t, "dss", "xades", "validation")
	for _, name := range []string{"XSW-enveloped-fake-content.xml", "XSW-enveloped-fake-signedProperties.xml", "XSW-enveloping-fake-manifest.xml", "XSW-enveloping-fake-object.xml"} {
		judge(name, readFile(t, dss, "xsw", name))
	}
	n := 0
	err = filepath.WalkDir(dss, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".xml" || d.IsDir() {
			return err
		}
		if n++; n%suites.Every(12) != 0 {
			return nil
		}
		doc := readFile(t, path)
		if a := s.post(t, documentsPath, documentQuery{Document: doc, Policy: "standard"}); !a.verdict.sound() {
			return nil // nothing to forge with
		}
		for how, changed := range wrappings(doc) {
			judge(filepath.Base(path)+" "+how, changed)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	suite.Close(t)
}
