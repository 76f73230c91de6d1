package xmldsig_test

import (
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// corpora is the folder of real test data; tests that need it are skipped plainly where it is absent.
func corpora(tb testing.TB, parts ...string) string {
	tb.Helper()
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(append([]string{root}, parts...)...)
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

// open parses a document that must be readable.
func open(tb testing.TB, b []byte) *xmldsig.Document {
	tb.Helper()
	tree, err := xmltree.Parse(b, xmltree.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

// offered are the certificates that a signature carries and that can be read.
func offered(s *xmldsig.Signature) (out []*pkix.Certificate) {
	if s.KeyInfo == nil {
		return nil
	}
	for _, o := range s.KeyInfo.Certificates {
		if c, err := pkix.ParseCertificate(o.DER); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// passes tells that no check is worse than noted.
func passes(c cms.Checks) bool { return c.Worst().Status <= cms.Noted }

// publicKey reads a key or certificate file of the corpus; ok false: of an algorithm that we do not know.
func publicKey(tb testing.TB, path string) (key algo.PublicKey, ok bool) {
	tb.Helper()
	b := readFile(tb, path)
	if block, _ := pem.Decode(b); block != nil {
		b = block.Bytes
	}
	if key, err := algo.ParsePublicKey(b); err == nil {
		return key, true
	}
	c, err := pkix.ParseCertificate(b)
	if err != nil {
		return key, false
	}
	return c.PublicKey, c.PublicKeyErr == nil
}

// deviation is a case in which we differ from the corpus, with the reason.
type deviation struct {
	Case string `json:"case"`
	Why  string `json:"why"`
}

// report is one line of conformance.jsonl.
type report struct {
	Suite            string      `json:"suite"`
	Agreed           int         `json:"agreed"`
	Total            int         `json:"total"`
	OutOfScope       int         `json:"out_of_scope"`
	WronglyAccepted  int         `json:"wrongly_accepted"`
	Deviations       []deviation `json:"deviations"`
	outOfScopeReason map[string]int
}

func (r *report) deviate(name, why string) { r.Deviations = append(r.Deviations, deviation{name, why}) }

func (r *report) leaveOut(why string) {
	if r.outOfScopeReason == nil {
		r.outOfScopeReason = map[string]int{}
	}
	r.OutOfScope++
	r.outOfScopeReason[why]++
}

// write prints the counts and appends them to the file that make conformance names.
func (r *report) write(tb testing.TB) {
	tb.Helper()
	tb.Logf("%s: %d of %d agree, %d out of scope %v, %d wrongly accepted", r.Suite, r.Agreed, r.Total, r.OutOfScope, r.outOfScopeReason, r.WronglyAccepted)
	for _, d := range r.Deviations {
		tb.Logf("  %s: %s", d.Case, d.Why)
	}
	path := os.Getenv("QAQPA_CONFORMANCE")
	if path == "" {
		return
	}
	if r.Deviations == nil {
		r.Deviations = []deviation{}
	}
	line, err := json.Marshal(r)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(string(line) + "\n"); err != nil {
		tb.Fatal(err)
	}
}

// folder hands out the files beside a document, and local copies of what the suites have on the web.
func folder(tb testing.TB, dir string) xmldsig.Sources {
	tb.Helper()
	web := map[string]string{
		"http://www.w3.org/TR/xml-stylesheet":                    "external-data/xml-stylesheet-2018",
		"http://www.w3.org/Signature/2002/04/xml-stylesheet.b64": "external-data/xml-stylesheet-2005.b64",
		"http://www.ietf.org/rfc/rfc3161.txt":                    "external-data/rfc3161.txt",
	}
	return func(uri string, _ bool) (xmldsig.Content, bool) {
		if strings.Contains(uri, "..") {
			return xmldsig.Content{}, false
		}
		path := filepath.Join(dir, filepath.FromSlash(uri))
		if local, ok := web[uri]; ok {
			path = filepath.Join(corpora(tb, "xmlsec"), local)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return xmldsig.Content{}, false
		}
		return xmldsig.Content{Octets: b}, true
	}
}
