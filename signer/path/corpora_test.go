package path

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/pkix"
)

// corpora is the folder of real data, or the test is skipped.
func corpora(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("real data is absent: %v (set QAQPA_CORPORA)", err)
	}
	return dir
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(corpora(tb), filepath.FromSlash(name)))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func readJSON(tb testing.TB, name string, into any) {
	tb.Helper()
	if err := json.Unmarshal(readFile(tb, name), into); err != nil {
		tb.Fatal(err)
	}
}

func readCert(tb testing.TB, name string) *pkix.Certificate {
	tb.Helper()
	certs, err := pkix.ParsePEMOrDER(readFile(tb, name))
	if err != nil || len(certs) != 1 {
		tb.Fatalf("%s: %d certificates, %v", name, len(certs), err)
	}
	return certs[0]
}

func readCRL(tb testing.TB, name string) *pkix.CRL {
	tb.Helper()
	crl, err := pkix.ParseCRL(unarmour(readFile(tb, name)))
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return crl
}

func readOCSP(tb testing.TB, name string) *pkix.OCSPResponse {
	tb.Helper()
	o, err := pkix.ParseOCSPResponse(unarmour(readFile(tb, name)))
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return o
}

// unarmour takes PEM or base64 off.
func unarmour(b []byte) []byte {
	if block, _ := pem.Decode(b); block != nil {
		return block.Bytes
	}
	if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(b)), "")); err == nil {
		return der
	}
	return b
}

func mustTime(tb testing.TB, s string) time.Time {
	tb.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return at.UTC()
}

// explain writes what a result rests on.
func explain(r Result) string {
	var b strings.Builder
	b.WriteString(string(r.Indication) + "/" + string(r.Sub))
	for _, p := range r.Problems {
		b.WriteString("\n  " + string(p.Code) + " " + p.Clause + ": " + p.Detail)
		if p.Certificate != nil {
			b.WriteString(" [" + p.Certificate.Subject.String() + "]")
		}
	}
	for _, info := range r.Revocation {
		b.WriteString("\n  " + string(info.Status) + " " + string(info.Source) + " [" + info.Certificate.Subject.String() + "]")
		for _, x := range info.Rejected {
			b.WriteString("\n    passed over: " + string(x.Problem.Code) + " " + x.Problem.Clause + ": " + x.Problem.Detail)
		}
	}
	return b.String()
}
