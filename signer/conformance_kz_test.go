package signer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/cms"
	"qaqpa/signer/p12"
	"qaqpa/signer/pkix"
	"qaqpa/signer/trust"
)

// The conformance tests of the national corpus take minutes: make conformance-kz runs them. What a plain test run needs of
// them stands in national_test.go, xml_test.go and the tests of the leaves.

// kzSuite is one line of conformance.jsonl.
type kzSuite struct {
	*testing.T      `json:"-"`
	Suite           string        `json:"suite"`
	Agreed          int           `json:"agreed"`
	Total           int           `json:"total"`
	OutOfScope      int           `json:"out_of_scope"`
	WronglyAccepted int           `json:"wrongly_accepted"`
	Deviations      []kzDeviation `json:"deviations"`
}

// kzDeviation is a case whose verdict is not what its name calls for, and why it is right all the same.
type kzDeviation struct {
	Case string `json:"case"`
	Why  string `json:"why"`
}

// kzConformance starts a suite, or skips it where nobody asked for it.
func kzConformance(t *testing.T, suite string) *kzSuite {
	t.Helper()
	if os.Getenv("QAQPA_CONFORMANCE") == "" {
		t.Skip("minutes of work: make conformance-kz runs it")
	}
	s := &kzSuite{T: t, Suite: suite, Deviations: []kzDeviation{}}
	t.Cleanup(s.write)
	return s
}

// kzSlip is a verdict that differs from the name of its case, and why.
type kzSlip struct{ verdict, why string }

// verdict counts one case and prints it. A difference is a failure unless this very verdict is explained.
func (s *kzSuite) verdict(name, got, want string, explained map[string]kzSlip) {
	s.Helper()
	s.Total++
	mark := "as called for"
	switch slip := explanation(name, explained); {
	case slip.verdict == "" && got == want:
		s.Agreed++
	case slip.verdict == got:
		mark = "DEVIATION: " + slip.why
		s.Deviations = append(s.Deviations, kzDeviation{name + ": " + got, slip.why})
	default:
		mark = "WRONG, want " + want
		s.Errorf("%s: %s, want %s", name, got, want)
	}
	s.Logf("  %-40s %s  (%s)", got, name, mark)
}

// explanation finds the known deviation of a case by a part of its name.
func explanation(name string, explained map[string]kzSlip) kzSlip {
	for part, slip := range explained {
		if strings.Contains(name, part) {
			return slip
		}
	}
	return kzSlip{}
}

// flips counts the one-bit changes of a place and prints them. Each must be refused.
func (s *kzSuite) flips(name, place string, tried int, taken []int) {
	s.Helper()
	s.Total += tried
	s.Agreed += tried - len(taken)
	s.WronglyAccepted += len(taken)
	s.Logf("  %7d refused of %7d  %s: %s", tried-len(taken), tried, name, place)
	if len(taken) > 0 {
		s.Errorf("%s: %s: taken with bits %v changed", name, place, taken[:min(len(taken), 16)])
	}
}

func (s *kzSuite) write() {
	s.Logf("%s: %d of %d agree, %d deviations explained, %d wrongly accepted", s.Suite, s.Agreed, s.Total, len(s.Deviations), s.WronglyAccepted)
	line, err := json.Marshal(s)
	if err != nil {
		s.Error(err)
		return
	}
	f, err := os.OpenFile(os.Getenv("QAQPA_CONFORMANCE"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		s.Error(err)
		return
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		s.Error(err)
	}
	if err := f.Close(); err != nil {
		s.Error(err)
	}
}

// kzFile is a file of the national corpus.
type kzFile struct {
	name string // below the folder kz
	body []byte
}

// kzFiles are the files that a rule picks, by their names.
func kzFiles(tb testing.TB, pick func(base string) bool) (out []kzFile) {
	tb.Helper()
	root := corpora(tb, "kz")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !pick(filepath.Base(path)) {
			return err
		}
		name, err := filepath.Rel(root, path)
		out = append(out, kzFile{filepath.ToSlash(name), read(tb, path)})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func isKeyFile(base string) bool {
	return strings.HasSuffix(base, ".p12") || strings.HasPrefix(base, "WithTestData.KEY_")
}

func isCertificateFile(base string) bool {
	return slices.Contains([]string{".cer", ".crt", ".pem"}, filepath.Ext(base)) || strings.Contains(base, "CERT") && !isKeyFile(base)
}

func isCMSFile(base string) bool {
	return strings.Contains(base, "CMS") && !strings.Contains(base, "CERT")
}

// kzKey is a national key with its certificate.
type kzKey struct {
	name  string
	entry p12.Entry
}

// kzKeys opens all national key files with their published passwords.
func kzKeys(tb testing.TB) (out []kzKey) {
	tb.Helper()
	for _, f := range kzFiles(tb, isKeyFile) {
		store, err := p12.Open(f.body, kzPassword(f.name), p12.Limits{})
		if err != nil || len(store.Entries) != 1 {
			tb.Fatalf("%s: %v", f.name, err)
		}
		out = append(out, kzKey{f.name, store.Entries[0]})
	}
	return out
}

func kzPassword(name string) string {
	if strings.Contains(name, ".KEY_") && strings.HasSuffix(name, "_2015.bin") {
		return "Aa123456"
	}
	return "Qwerty12"
}

// kzCertificate is a certificate of the corpus, with the first place where it was found.
type kzCertificate struct {
	name string
	*pkix.Certificate
}

// kzCertificates are all certificates of the corpus, each once: of files, key files, documents, tokens and answers.
func kzCertificates(tb testing.TB) (out []kzCertificate) {
	tb.Helper()
	seen := map[[32]byte]bool{}
	add := func(name string, certs ...*pkix.Certificate) {
		for _, c := range certs {
			if !seen[c.Fingerprint()] {
				seen[c.Fingerprint()] = true
				out = append(out, kzCertificate{name, c})
			}
		}
	}
	for _, f := range kzFiles(tb, isCertificateFile) {
		certs, err := pkix.ParsePEMOrDER(f.body)
		if err != nil {
			tb.Errorf("%s: %v", f.name, err)
		}
		add(f.name, certs...)
	}
	for _, k := range kzKeys(tb) {
		add(k.name, k.entry.Certificate)
	}
	for _, f := range kzFiles(tb, func(base string) bool { return isCMSFile(base) || base == "tsp_token.bin" }) {
		sd, err := cms.ParseArmoured(f.body, cms.Limits{})
		if err != nil {
			tb.Fatalf("%s: %v", f.name, err)
		}
		add(f.name, parse(tb, sd.Certificates...)...)
	}
	for _, f := range kzFiles(tb, func(base string) bool { return strings.HasPrefix(base, "ocsp_response") }) {
		o, err := pkix.ParseOCSPResponse(f.body)
		if err != nil {
			tb.Fatalf("%s: %v", f.name, err)
		}
		add(f.name, o.Certificates...)
	}
	for _, f := range kzFiles(tb, func(base string) bool { return strings.HasSuffix(base, ".xml") }) {
		for _, m := range kzEmbedded.FindAllSubmatch(f.body, -1) {
			der, err := base64.StdEncoding.DecodeString(kzSpaces.ReplaceAllString(string(m[1]), ""))
			if err != nil {
				tb.Fatalf("%s: %v", f.name, err)
			}
			add(f.name, parse(tb, der)...)
		}
	}
	return out
}

// Certificates inside XML, found without the parser under test.
var (
	kzEmbedded = regexp.MustCompile(`(?s)(?:X509Certificate|X509v3"?[^>]*)>(\s*MII[^<]*)<`)
	kzSpaces   = regexp.MustCompile(`&#13;|\s`)
)

// kzService is a service that trusts the authorities of a mode, fetches nothing, and lives at a time.
func kzService(t *testing.T, mode trust.Mode, at time.Time, revocation signer.Revocation) *bench {
	t.Helper()
	return national(t, mode, at.UTC().Format(time.RFC3339), revocation)
}

// outcomeOf is a verdict in one line.
func outcomeOf[I, S ~string](indication I, sub S) string {
	return strings.TrimSuffix(string(indication)+" "+string(sub), " ")
}

// flipEach gives a place of a document with each of its bits changed, one after the other, and collects those that pass, which is
// asked side by side.
func flipEach(doc []byte, from, to int, passes func(changed []byte) bool) (tried int, taken []int) {
	var work sync.WaitGroup
	var mu sync.Mutex
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		work.Go(func() {
			changed := bytes.Clone(doc)
			for bit := from*8 + w; bit < to*8; bit += workers {
				changed[bit/8] ^= 1 << (bit % 8)
				if passes(bytes.Clone(changed)) {
					mu.Lock()
					taken = append(taken, bit)
					mu.Unlock()
				}
				changed[bit/8] ^= 1 << (bit % 8)
			}
		})
	}
	work.Wait()
	slices.Sort(taken)
	return (to - from) * 8, taken
}

// place is where a part of a document stands in it.
func place(tb testing.TB, doc, part []byte) (from, to int) {
	tb.Helper()
	from = bytes.Index(doc, part)
	if from < 0 || len(part) == 0 {
		tb.Fatal("the part is not in the document")
	}
	return from, from + len(part)
}
