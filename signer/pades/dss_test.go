package pades_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qaqpa/signer/cms"
	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsp"
)

func corpora(tb testing.TB) string {
	tb.Helper()
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	path := filepath.Join(root, "dss")
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("corpora not here (set QAQPA_CORPORA): %v", err)
	}
	return path
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func open(tb testing.TB, b []byte) *pades.Document {
	tb.Helper()
	d, err := pades.Open(b, pdf.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// certificates are all that a document carries.
func certificates(d *pades.Document) (pool []*pkix.Certificate) {
	add := func(list [][]byte) {
		for _, raw := range list {
			if c, err := pkix.ParseCertificate(raw); err == nil {
				pool = append(pool, c)
			}
		}
	}
	add(d.Store.Certificates)
	for _, s := range d.Signatures {
		add(s.Certificates)
		if s.CMS != nil {
			add(s.CMS.Certificates)
		}
	}
	return pool
}

// verify judges the cryptography of all signers of a signature, each with the best certificate of the document.
func verify(d *pades.Document, s *pades.Signature) cms.Checks {
	var checks cms.Checks
	for n := range s.Signers() {
		var cert *pkix.Certificate
		if found := s.Candidates(n, certificates(d)); len(found) > 0 {
			cert = found[0]
		}
		if s.Token != nil {
			return s.Token.Verify(tsp.Expectation{Content: s.Content()}, cert)
		}
		checks = append(checks, s.Verify(n, cert)...)
	}
	return checks
}

// fault is what keeps a signature from being intact, by structure or mathematics; empty when it is.
func fault(d *pades.Document, s *pades.Signature) string {
	if s.CMS == nil && s.SubFilter != pades.RSAOverSHA1 {
		return "no CMS: " + s.Structure().String()
	}
	if s.Revision == 0 {
		return s.Structure().String()
	}
	if checks := verify(d, s); checks.Worst().Status > cms.Noted {
		return checks.String()
	}
	return ""
}

type dssRow struct {
	Format   string `json:"format"`
	Document string `json:"document"`
	Expect   string `json:"expect"`
	Test     string `json:"test"`
}

func dssRows(tb testing.TB) (rows []dssRow) {
	tb.Helper()
	lines := bufio.NewScanner(bytes.NewReader(readFile(tb, filepath.Join(corpora(tb), "cases.jsonl"))))
	for lines.Scan() {
		var r dssRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			tb.Fatal(err)
		}
		if r.Format == "pades" {
			rows = append(rows, r)
		}
	}
	return rows
}

// dssNotIntact are the documents that the tests of DSS do not call intact, and what is wrong in our words. Empty: nothing.
var dssNotIntact = map[string]string{
	"pdf-byterange-overlap.pdf":                "ByteRange does not leave out exactly the Contents",
	"pdf-signed-out-of-byteRange.pdf":          "ByteRange is not four numbers within the file",
	"Signature-P-HU_NET-2.pdf":                 "digest: unknown algorithm",
	"pdf-eof.pdf":                              "ByteRange does not leave out one part of the file",
	"pades-lta-copied-doctst.pdf":              "imprint of something else",
	"pdf-signed-corrupted.pdf":                 "ByteRange does not leave out one part of the file",
	"AD-RB.pdf":                                "not DER", // the second signature; DSS takes attributes signed as they are written
	"siwa.pdf":                                 "ByteRange does not end where a revision of the file ends",
	"encrypted.pdf":                            "",
	"pades-enveloping-empty-bytes-cms.pdf":     "the content is not what was signed",
	"PAdES-BpB-att-SHA256-SHA3_224withRSA.pdf": "digest algorithm SHA-256",
}

// dssNoSignature are documents in which DSS finds no signature, so that its "intact" says nothing: the one that is there
// must not be called intact.
var dssNoSignature = map[string]string{
	"BadEncodedCMS.pdf": "INTEGER not minimal",
}

type deviation struct {
	Case string `json:"case"`
	Why  string `json:"why"`
}

type conformance struct {
	Suite           string      `json:"suite"`
	Agreed          int         `json:"agreed"`
	Total           int         `json:"total"`
	OutOfScope      int         `json:"out_of_scope"`
	WronglyAccepted int         `json:"wrongly_accepted"`
	Deviations      []deviation `json:"deviations"`
}

func (c *conformance) deviate(name, why string) {
	c.Deviations = append(c.Deviations, deviation{name, why})
}

// write prints the counts and appends them to the file that make conformance names.
func (c *conformance) write(tb testing.TB) {
	tb.Helper()
	tb.Logf("%s: %d of %d agree, %d out of scope, %d wrongly accepted, %d deviations", c.Suite, c.Agreed, c.Total, c.OutOfScope,
		c.WronglyAccepted, len(c.Deviations))
	for _, d := range c.Deviations {
		tb.Logf("  %s: %s", d.Case, d.Why)
	}
	path := os.Getenv("QAQPA_CONFORMANCE")
	if path == "" {
		return
	}
	line, err := json.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(line, '\n')); err != nil {
		tb.Fatal(err)
	}
}

func TestConformanceDSSPAdES(t *testing.T) {
	dir := corpora(t)
	out := conformance{Suite: "dss-pades", Deviations: []deviation{}}
	for _, row := range dssRows(t) {
		name := filepath.Base(row.Document)
		out.Total++
		d := open(t, readFile(t, filepath.Join(dir, row.Document)))
		var faults []string
		for _, s := range d.Signatures {
			if f := fault(d, s); f != "" {
				faults = append(faults, strings.Join(s.Fields, "=")+": "+f)
			}
		}
		said := strings.Join(faults, " | ")
		want, listed := dssNotIntact[name]
		switch {
		case listed == (row.Expect == "intact"):
			t.Errorf("%s: expected %s, listed %v", row.Document, row.Expect, listed)
		case len(d.Signatures) == 0:
			t.Errorf("%s: no signature was found", row.Document)
		case dssNoSignature[name] != "":
			if !strings.Contains(said, dssNoSignature[name]) {
				t.Errorf("%s: %s", row.Document, said)
			}
			out.Agreed++
		case !listed && said != "":
			t.Errorf("%s: %s", row.Document, said)
		case listed && want != "" && said == "":
			out.WronglyAccepted++
			t.Errorf("%s: nothing is wrong", row.Document)
		case listed && !strings.Contains(said, want):
			t.Errorf("%s: %s", row.Document, said)
		default:
			out.Agreed++
		}
	}
	if float64(out.Agreed) < 0.99*float64(out.Total) {
		t.Errorf("%d of %d agree", out.Agreed, out.Total)
	}
	out.write(t)
}

// pdfsigDeviations are the signatures of which pdfsig says something else.
var pdfsigDeviations = map[string]string{
	"AD-RB.pdf SignHere_827f69f3-6da4-46a7-b473-9ba175a32d41": "pdfsig does not know the SubFilter PBAD.PAdES, a CMS like others",
	"encrypted.pdf Signature1":                                "pdfsig reads the Contents of an encrypted file as encrypted, against ISO 32000-1 7.6.1",
	"pades-enveloping-empty-bytes-cms.pdf signature1":         "the CMS has a content, an empty one, and is not detached as the SubFilter says",
	"siwa.pdf Signature1":                                     "signature wrapping: the range ends where no revision ends, which pdfsig does not look at",
	"AD-RB.pdf ENVELOPEID_04E32142CACE4C9DAB875C0FC264F2CF":   "attributes signed as written, which is not DER (RFC 5652 5.4)",
}

// What poppler says of each signature, apart from time stamps over documents, which it does not know.
func TestConformancePdfsig(t *testing.T) {
	if _, err := exec.LookPath("pdfsig"); err != nil {
		t.Skip("pdfsig is not here")
	}
	dir := corpora(t)
	out := conformance{Suite: "dss-pades against pdfsig", Deviations: []deviation{}}
	seen := map[string]bool{}
	for _, row := range dssRows(t) {
		if seen[row.Document] {
			continue
		}
		seen[row.Document] = true
		path := filepath.Join(dir, row.Document)
		said := pdfsig(t, path)
		d := open(t, readFile(t, path))
		for _, s := range d.Signatures {
			for _, field := range s.Fields {
				theirs, judged := said[field]
				if !judged || s.Token != nil {
					continue
				}
				out.Total++
				name := filepath.Base(row.Document) + " " + field
				ours := fault(d, s)
				switch {
				case (ours == "") == (theirs == "Signature is Valid."):
					out.Agreed++
				case pdfsigDeviations[name] != "":
					out.deviate(name, pdfsigDeviations[name])
				default:
					t.Errorf("%s: pdfsig says %q, we: %q", name, theirs, ours)
				}
			}
		}
	}
	out.write(t)
}

// pdfsig is what it says of the validity of each signature, by field.
func pdfsig(tb testing.TB, path string) map[string]string {
	tb.Helper()
	b, _ := exec.CommandContext(tb.Context(), "pdfsig", "-nocert", path).CombinedOutput() // its exit code tells of the worst signature
	out := map[string]string{}
	field := ""
	for line := range strings.Lines(string(b)) {
		if _, after, ok := strings.Cut(line, "Signature Field Name: "); ok {
			field = strings.TrimSpace(after)
		}
		if _, after, ok := strings.Cut(line, "Signature Validation: "); ok {
			out[field] = strings.TrimSpace(after)
		}
	}
	return out
}

// dssChanged are the documents of which a signature does not cover what readers see, with the kinds of changes after it.
// Every other intact signature covers the whole document.
var dssChanged = map[string]string{
	// What DSS does not call intact, and BadEncodedCMS, cover nothing.
	"BadEncodedCMS.pdf":                    "none",
	"pdf-byterange-overlap.pdf":            "none",
	"pdf-signed-out-of-byteRange.pdf":      "none",
	"pdf-eof.pdf":                          "none",
	"pdf-signed-corrupted.pdf":             "none",
	"siwa.pdf":                             "none",
	"pades-enveloping-empty-bytes-cms.pdf": "none",
	// Pages were taken out, and octets follow the CMS: DSS says FORMAT_FAILURE.
	"pdf-removed-pages.pdf": "none other",
	// The time stamp of revision 4 came with a new entry in the resources of the page itself.
	"Signature-P-DE_SCI-4.pdf": "other",
	// Filled in after signing, as the certifications allow.
	"replace.pdf":                  "form_fill metadata",
	"pades-signed-filled-form.pdf": "form_fill metadata",
	"DSS-3577.pdf":                 "form_fill metadata",
	// Several signers, who see the marks of those before them.
	"muestra-firmado-firmado.pdf":    "visible_signature",
	"pdf-structtreeroot-changes.pdf": "metadata structure visible_signature",
	"PAdES-LT.pdf":                   "visible_signature",
	"lt-short.pdf":                   "visible_signature",
	// XMP was written anew with the evidence or with a further signature.
	"DSS-2199.pdf": "metadata",
	"AD-RB.pdf":    "metadata",
}

func TestCoverageOfDSS(t *testing.T) {
	dir := corpora(t)
	seen := map[string]bool{}
	for _, row := range dssRows(t) {
		if seen[row.Document] {
			continue
		}
		seen[row.Document] = true
		d := open(t, readFile(t, filepath.Join(dir, row.Document)))
		var kinds []string
		for _, s := range d.Signatures {
			if s.Coverage() == pades.Whole {
				continue
			}
			if s.Coverage() == pades.None {
				kinds = append(kinds, "none")
			}
			for _, c := range s.Changes {
				if !c.Kind.Whole() {
					kinds = append(kinds, string(c.Kind))
				}
			}
		}
		slices.Sort(kinds)
		got := strings.Join(slices.Compact(kinds), " ")
		if want := dssChanged[filepath.Base(row.Document)]; got != want {
			t.Errorf("%s: %q, not %q", row.Document, got, want)
		}
	}
}
