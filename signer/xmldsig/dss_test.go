package xmldsig_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// dssRow is a row of the DSS corpus.
type dssRow struct {
	Format   string   `json:"format"`
	Document string   `json:"document"`
	Others   []string `json:"others"`
	Expect   string   `json:"expect"`
	Test     string   `json:"test"`
}

func dssRows(tb testing.TB) (rows []dssRow) {
	tb.Helper()
	f, err := os.Open(filepath.Join(corpora(tb, "dss"), "cases.jsonl"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	seen := map[string]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		var row dssRow
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			tb.Fatal(err)
		}
		if row.Format != "xades" || seen[row.Document+row.Expect] {
			continue
		}
		seen[row.Document+row.Expect] = true
		rows = append(rows, row)
	}
	return rows
}

var testFile = regexp.MustCompile(`^testFile_(\d+)\.txt$`)

// dssSources are the originals of a row: files beside the document, those that it names, and the ones that the
// reference tests make in memory.
func dssSources(tb testing.TB, row dssRow, s *xmldsig.Signature) xmldsig.Sources {
	tb.Helper()
	top := corpora(tb, "dss")
	return func(uri string, _ bool) (xmldsig.Content, bool) {
		if m := testFile.FindStringSubmatch(uri); m != nil {
			return xmldsig.Content{Octets: []byte("test content " + m[1])}, true
		}
		for _, o := range row.Others {
			if uri == "" || filepath.Base(o) == filepath.Base(uri) {
				return xmldsig.Content{Octets: readFile(tb, filepath.Join(top, o))}, true
			}
		}
		for _, dir := range []string{filepath.Dir(filepath.Join(top, row.Document)), filepath.Join(top, "xades")} {
			if b, err := os.ReadFile(filepath.Join(dir, filepath.Base(uri))); err == nil && uri != "" {
				return xmldsig.Content{Octets: b}, true
			}
		}
		if strings.HasPrefix(filepath.Base(row.Document), "sig_bundle") && row.Expect == "intact" {
			// The test knows the digest alone, and takes it from the signature.
			r := s.References[0]
			return xmldsig.Content{Digests: map[algo.Hash][]byte{r.Digest: r.Value}}, true
		}
		return xmldsig.Content{}, false
	}
}

// dssDeviations are rows that the reference finds intact and we do not.
var dssDeviations = map[string]string{
	"XSW-enveloped-fake-content.xml": "the element lies in the signature that the enveloped transform takes away, so nothing is left to digest " +
		"(XMLDSig 6.6.4); xmlsec1 refuses it too. The reference looks at the element alone",
}

// dssRefused are rows called intact whose test asserts that the reference refuses the document.
var dssRefused = map[string]string{
	"xades-unsupported-signature-algorithm.xml": "validation ends with an exception: SignatureMethod is the OID of a curve",
}

// dssGood are rows without "intact" that the reference test asserts to be good (facts/validation.md 5.1).
var dssGood = map[string]bool{
	"xades-with-counter-sig-type.xml":               true,
	"dss1770.xml":                                   true,
	"dss1770rootAndRefs.xml":                        true,
	"xades-with-enveloped-manifest.xml":             true,
	"xades-with-manifest-with-object-reference.xml": true,
	"Signature-X-EE-3.ddoc":                         true,
	"qes-xades111-filter2.xml":                      true,
}

// dssElsewhere are rows that the reference does not call valid for a reason that lies outside the rules of this package;
// references and mathematics hold.
var dssElsewhere = map[string]string{
	"xades-t-copied-sigtst.xml":                            "time-stamp",
	"xades-enveloping-arcTst132-add-object.xml":            "time-stamp",
	"xades-counter-signature-with-type-invalid.xml":        "counter-signature of something else, which Countersigns tells",
	"xades-counter-signature-no-type-invalid.xml":          "counter-signature of something else, which Countersigns tells",
	"X-E-ERS-MANIFEST.xml":                                 "evidence record",
	"X-B-B-DETACHED-1-extended-xades-baseline-lt.xml":      "evidence record",
	"X-E-ERS-DETACHED-LT-sig-not-covered.xml":              "evidence record",
	"X-E-ERS-basic-chain-renewal-master-sig-not-found.xml": "evidence record",
	"XAdES-B_ER_Renewed_no_can.xml":                        "evidence record",
	"X-E-ERS-two-parallel-ers-one-tst-invalid.xml":         "evidence record",
	"xades-detached.xml":                                   "the reference hands in another file, or none; here the right one is given",
	"Signature-X-AT-1.xml":                                 "xmlsec1 finds references and mathematics to hold as well",
}

// judgeDSS tells what does not hold of the signatures of a row.
func judgeDSS(tb testing.TB, row dssRow, doc *xmldsig.Document) (bad []string) {
	tb.Helper()
	var pool []*pkix.Certificate
	for _, o := range row.Others {
		if all, err := pkix.ParsePEMOrDER(readFile(tb, filepath.Join(corpora(tb, "dss"), o))); err == nil {
			pool = append(pool, all...)
		}
	}
	work := doc.NewWork()
	for i, s := range doc.Signatures {
		checked := s.Check(xmldsig.Inputs{Sources: dssSources(tb, row, s), Work: work})
		checks := checked.Verify(nil)
		if signers := s.Candidates(append(offered(s), pool...)); len(signers) > 0 {
			checks = checked.Verify(signers[0])
		} else if s.KeyInfo != nil && len(s.KeyInfo.Keys) > 0 { // the test alone takes a key out of the document
			checks = append(checked.Checks(), s.VerifyKey(s.KeyInfo.Keys[0]))
		}
		if !passes(checks) {
			bad = append(bad, fmt.Sprintf("%d: %s", i, checks))
		}
	}
	return bad
}

func TestConformanceDSSXAdES(t *testing.T) {
	top := corpora(t, "dss")
	rep := report{Suite: "dss-xades: references and mathematics"}
	for _, row := range dssRows(t) {
		name := filepath.Base(row.Document)
		rep.Total++
		tree, err := xmltree.Parse(readFile(t, filepath.Join(top, row.Document)), xmltree.Limits{})
		if err != nil {
			if row.Expect == "intact" {
				t.Errorf("%s: %v", row.Document, err)
			}
			rep.Agreed++
			continue
		}
		doc, err := xmldsig.Open(tree, xmldsig.Limits{})
		if err != nil {
			t.Errorf("%s: %v", row.Document, err)
			continue
		}
		bad := judgeDSS(t, row, doc)
		_, good := dssGood[name]
		switch {
		case good && len(bad) == 0:
			rep.Agreed++
		case good:
			t.Errorf("%s: %s", row.Document, strings.Join(bad, " | "))
		case dssRefused[name] != "" && len(bad) > 0, row.Expect == "intact" && len(bad) == 0, row.Expect != "intact" && len(bad) > 0:
			rep.Agreed++
		case row.Expect == "intact" && dssDeviations[name] != "":
			rep.deviate(name, dssDeviations[name])
		case row.Expect == "intact" && strings.HasPrefix(row.Test, "DSS1788") && strings.Contains(strings.Join(bad, ""), "no certificate of the signer"):
			rep.leaveOut("no certificate anywhere")
		case row.Expect == "intact":
			t.Errorf("%s: %s", row.Document, strings.Join(bad, " | "))
		case dssElsewhere[name] != "":
			rep.leaveOut(dssElsewhere[name])
		default:
			rep.WronglyAccepted++
			t.Errorf("%s: accepted", row.Document)
		}
	}
	rep.write(t)
}

// A counter-signature must cover the value of the signature that it lies in; two documents have one that does not.
func TestCountersigns(t *testing.T) {
	dir := filepath.Join(corpora(t, "dss"), "xades", "validation")
	for name, want := range map[string]bool{
		"xades-counter-signature-with-type-invalid.xml":       false,
		"xades-counter-signature-no-type-invalid.xml":         false,
		"evidence-record/X-B-LT-with-counter-sig-X-E-ERS.xml": true,
	} {
		doc := open(t, readFile(t, filepath.Join(dir, name)))
		nested := 0
		for _, s := range doc.Signatures {
			checked := s.Check(xmldsig.Inputs{})
			if s.Parent == nil {
				if checked.Countersigns() {
					t.Errorf("%s: the outer signature countersigns", name)
				}
				continue
			}
			nested++
			if got := checked.Countersigns(); got != want {
				t.Errorf("%s: %v", name, got)
			}
		}
		if nested == 0 {
			t.Errorf("%s: no counter-signature", name)
		}
	}
}
