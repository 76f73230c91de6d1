package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/cms"
	"qaqpa/testenv/suites"
)

// dssRow is a row of dss/cases.jsonl.
type dssRow struct {
	Format   string   `json:"format"`
	Document string   `json:"document"`
	Others   []string `json:"others"`
	Expect   string   `json:"expect"`
	Test     string   `json:"test"`
}

// name is the class of the reference test.
func (r dssRow) name() string { return r.Test[strings.LastIndex(r.Test, ".")+1:] }

func dssRows(t *testing.T, format string) (out []dssRow) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(readFile(t, suites.Corpora(t, "dss", "cases.jsonl"))))
	for lines.Scan() {
		var r dssRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if r.Format == format {
			out = append(out, r)
		}
	}
	return out
}

// documentQuery is a body of POST /v1/validations.
type documentQuery struct {
	Document []byte            `json:"document"`
	Detached *[]byte           `json:"detached,omitempty"`
	Digests  map[string][]byte `json:"detached_digests,omitempty"`
	Evidence [][]byte          `json:"evidence,omitempty"`
	Policy   string            `json:"policy,omitempty"`
	At       *time.Time        `json:"at,omitempty"`
}

const documentsPath = "/v1/validations"

// dssTexts are originals that the tests of DSS make in memory; an empty one stands for the digest inside the signature.
var dssTexts = map[string]string{
	"CAdESBESDetachedSignedDataContentTypeTest":      "Hello World",
	"CAdESLevelERSDetachedOriginalNotCoveredTest":    "Hello World!",
	"DoubleCAdESLevelERSDetachedHashtreeRenewalTest": "Hello World !!!",
	"CAdESDetachedTstV2WithDigestDocTest":            "aaa",
	"CAdESDetachedTstV2Test":                         "aaa",
	"CAdESWithInvalidOCSPResponsesEncodingTest":      "",
	"CAdESWithDuplicatedSignedAttrsTest":             "",
}

// dssIntact are the rows whose reference test expects something else, while the signature itself is not contested: the defect is in a
// time stamp or an evidence record, or the test asserts the signature to be good.
var dssIntact = map[string]string{
	"CAdESLevelLTAWithCopiedATSTTest":                                                 "time stamp",
	"CAdESLevelTWithCopiedSigTstTest":                                                 "time stamp",
	"CAdESLevelERSDetachedOriginalNotCoveredTest":                                     "evidence record",
	"CAdESLevelERSRenewedHashtreeInvalidTest":                                         "evidence record",
	"CAdESEnvelopingValidationTest":                                                   "asserted good",
	"XAdESWithCounterSignatureTypeTest":                                               "asserted good",
	"DSS1770Test":                                                                     "asserted good",
	"DSS1770RootAndRefsCoveredtest":                                                   "asserted good",
	"XAdESEnvelopedManifestTest":                                                      "asserted good",
	"XAdESWithManifestObjectReferenceTest":                                            "asserted good",
	"XAdESWithManifestDuplicatedReferenceTest":                                        "asserted good",
	"XAdES111EETest":                                                                  "asserted good",
	"XAdES111ATQesTest":                                                               "asserted good",
	"XAdES111ValidationTest":                                                          "xmlsec1 finds references and mathematics to hold as well",
	"XAdESLevelTWithCopiedSigTstTest":                                                 "time stamp",
	"XAdESLevelLTA132EnvelopingAdditionalObjectTest":                                  "time stamp",
	"XAdESLevelBWithManifestWithEmbeddedEvidenceRecordNoDataProvidedTest":             "evidence record",
	"XAdESLevelLTDetachedWithXmlEvidenceRecordCoversOnlySigValidationTest":            "evidence record",
	"XAdESLevelLTDetachedWithEmbeddedEvidenceRecordSigNotCoveredTest":                 "evidence record",
	"XAdESLevelBEnvelopedWithEmbeddedEvidenceRecordChainRenewalInvalidTest":           "evidence record",
	"XAdESLevelBEnvelopingWithEmbeddedEvidenceRecordTstRenewalNoCanonicalizationTest": "evidence record",
	"XAdESLevelBWithTwoParallelEmbeddedEvidenceRecordOneInvalidTstTest":               "evidence record",
	"PAdESLevelLTAWithCopiedDocTstTest":                                               "time stamp",
	"DSS1538Test":                                                                     "asserted good",
}

// dssBroken are the rows called intact whose document is refused by the reference as well, or in which it finds no signature.
var dssBroken = map[string]string{
	"BadEncodedCMSTest":         "DSS finds no signature",
	"PAdESWithRemovedPagesTest": "DSS: FORMAT_FAILURE",
}

// dssOutside are rows that a document and one original do not make.
var dssOutside = map[string]string{
	"XAdESTooManyDataObjectFormatValidationTest": "hundreds of originals: digests and mathematics are compared inside the process",
	"XAdESManyDataObjectFormatValidationTest":    "hundreds of originals: digests and mathematics are compared inside the process",
	"DSS1524Test":                            "the original of an XML signature by its digest alone: compared inside the process",
	"DSS1788NoCertProvidedTest":              "no certificate of the signer anywhere",
	"DSS1788CertInCertValuesNoPublicKeyTest": "no certificate of the signer where signers put it",
	"XMLDSigOnlyValidationTest":              "a bare key in the document and no certificate: such keys are never believed",
}

// namedOriginal finds the one place outside a document to which a reference of XML leads.
var namedOriginal = regexp.MustCompile(`Reference\s[^>]*URI="([^"#][^"]*)"`)

// notHandedIn are documents whose manifests name the original, and reference tests that hand in none or another.
var notHandedIn = regexp.MustCompile(`<[\w:]*Manifest|WrongDetached|NotProvided|NoFile`)

func (r dssRow) query(t *testing.T, dir string) documentQuery {
	t.Helper()
	q := documentQuery{Document: readFile(t, dir, r.Document), Policy: "standard"}
	for _, other := range r.Others {
		b := readFile(t, dir, other)
		switch {
		case filepath.Ext(other) == ".cer":
			q.Evidence = append(q.Evidence, b)
		case r.Format == "cades", r.name() == "DSS1334CryptoValidation":
			q.Detached = &b
		}
	}
	m := namedOriginal.FindSubmatch(q.Document)
	if r.Format == "xades" && q.Detached == nil && m != nil && !notHandedIn.Match(q.Document) && !notHandedIn.MatchString(r.Test) {
		for _, folder := range []string{filepath.Dir(r.Document), "xades"} {
			if b, err := os.ReadFile(filepath.Join(dir, folder, filepath.Base(string(m[1])))); err == nil {
				q.Detached = &b
				break
			}
		}
	}
	if text, ok := dssTexts[r.name()]; ok && text != "" {
		b := []byte(text)
		q.Detached = &b
	} else if ok {
		sd, err := cms.ParseArmoured(q.Document, cms.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		q.Digests = map[string][]byte{sd.Signers[0].DigestAlgorithm.Name(): sd.Signers[0].MessageDigest}
	}
	return q
}

// TestConformanceDSS judges the documents of DSS. No anchors are given: what is compared is whether every signature is
// cryptographically intact and finds what it covers. Nothing may pass.
func TestConformanceDSS(t *testing.T) {
	dir := suites.Corpora(t, "dss")
	s := newHouse(t).must(t, setting{anchors: [][]byte{unrelatedAnchor(t)}, now: at(t, "2026-10-01T00:00:00Z")})
	for _, format := range []string{"cades", "xades", "pades", "jades", "asic-cades", "asic-xades"} {
		suite := suites.Start(t, "HTTP: DSS "+format)
		rows := dssRows(t, format)
		for i := 0; i < len(rows); i += suites.Every(8) {
			row := rows[i]
			a := s.post(t, documentsPath, row.query(t, dir))
			passed := a.verdict.Indication == "TOTAL-PASSED"
			if passed || a.status != 200 {
				t.Errorf("%s: %d %s without an anchor", row.name(), a.status, a.verdict.Indication)
			}
			if a.verdict.Format == "UNKNOWN" && !slices.Contains([]string{"cades", "xades", "pades"}, format) {
				suite.LeaveOut("the format is not judged yet: TOTAL-FAILED FORMAT_FAILURE")
				continue
			}
			if why := dssOutside[row.name()]; why != "" {
				suite.LeaveOut(why)
				continue
			}
			want := row.Expect == "intact" && dssBroken[row.name()] == "" || dssIntact[row.name()] != ""
			suite.Judge(t, row.name()+" "+row.Document, intactness(a.verdict.intact()), intactness(want), a.verdict.intact() && !want)
		}
		suite.Close(t)
	}
}

func intactness(intact bool) string {
	if intact {
		return "intact"
	}
	return "not intact"
}

// unrelatedAnchor is a root that none of the documents leads to: a trust store is not empty.
func unrelatedAnchor(t *testing.T) []byte {
	t.Helper()
	return armour(readFile(t, suites.Corpora(t, "pkits", "certs", "TrustAnchorRootCertificate.crt")))
}

// A signature that names no certificate is not called wrong because the keys of strangers do not fit.
func TestNobodyIsTakenForTheSigner(t *testing.T) {
	s := newHouse(t).must(t, setting{anchors: [][]byte{unrelatedAnchor(t)}, now: at(t, "2026-10-01T00:00:00Z")})
	doc := readFile(t, suites.Corpora(t, "dss", "xades", "validation", "xmldsig-only.xml"))
	if v := s.post(t, documentsPath, documentQuery{Document: doc, Policy: "standard"}).verdict; v.outcome() != "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND" {
		t.Errorf("%s %v", v.outcome(), v.codes())
	}
}
