package signer_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/big"
	"os/exec"
	"strings"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/pkix"
	"qaqpa/signer/trust"
)

// opensslCertificate is what OpenSSL reads of a certificate: a second opinion on its dates and number.
func opensslCertificate(tb testing.TB, der []byte) (serial string, from, until time.Time) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "openssl", "x509", "-inform", "der", "-noout", "-serial", "-startdate", "-enddate")
	cmd.Stdin = bytes.NewReader(der)
	out, err := cmd.Output()
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "serial":
			serial = value
		case "notBefore":
			from, err = time.Parse("Jan _2 15:04:05 2006 MST", value)
		case "notAfter":
			until, err = time.Parse("Jan _2 15:04:05 2006 MST", value)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return serial, from, until
}

// kzList is a complete list of the corpus as OpenSSL reads it.
type kzList struct {
	name    string
	crl     *pkix.CRL // for issuer and times
	revoked map[string]bool
}

func kzLists(tb testing.TB) (lists []kzList, all [][]byte) {
	tb.Helper()
	for _, f := range kzFiles(tb, func(base string) bool { return strings.HasSuffix(base, ".crl") }) {
		crl, err := pkix.ParseCRL(f.body)
		if err != nil {
			tb.Fatalf("%s: %v", f.name, err)
		}
		all = append(all, f.body)
		if crl.Delta {
			continue
		}
		l := kzList{f.name, crl, map[string]bool{}}
		cmd := exec.CommandContext(tb.Context(), "openssl", "crl", "-inform", "der", "-noout", "-text")
		cmd.Stdin = bytes.NewReader(f.body)
		text, err := cmd.Output()
		if err != nil {
			tb.Fatalf("%s: %v", f.name, err)
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			if serial, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "Serial Number: "); ok {
				l.revoked[number(serial)] = true
			}
		}
		lists = append(lists, l)
	}
	return lists, all
}

// number brings the ways to print a serial number together.
func number(hex string) string {
	n, ok := new(big.Int).SetString(hex, 16)
	if !ok {
		return hex
	}
	return n.String()
}

// kzState is when a certificate of a person or system is judged, and what OpenSSL's reading of the list of that time calls for.
func kzState(tb testing.TB, c kzCertificate, lists []kzList) (at time.Time, want, by string) {
	tb.Helper()
	serial, from, until := opensslCertificate(tb, c.Raw)
	if !from.Equal(c.NotBefore) || !until.Equal(c.NotAfter) {
		tb.Errorf("%s: OpenSSL reads other dates", c.name)
	}
	at, want, by = from.Add(24*time.Hour), "INDETERMINATE TRY_LATER", "no list of its time is there"
	for _, l := range lists {
		t := l.crl.ThisUpdate.Add(time.Minute)
		if t.Before(from) { // the list does not know it yet, and is current all the same
			t = from.Add(time.Minute)
		}
		if !bytes.Equal(l.crl.RawIssuer, c.RawIssuer) || t.After(until) || t.After(l.crl.NextUpdate) {
			continue
		}
		if at, want, by = t, "TOTAL-PASSED", l.name; l.revoked[number(serial)] {
			return at, "TOTAL-FAILED REVOKED", by
		}
	}
	return at, want, by
}

// Where the name of a key's folder and the state of its certificate differ.
var kzSlips = map[string]kzSlip{
	"testkeys-2027/legal/valid/employee.p12":   {"TOTAL-FAILED REVOKED", "the authority's own list names it as superseded, although its folder says valid"},
	"testkeys-2027/legal/valid/infosystem.p12": {"TOTAL-FAILED REVOKED", "the authority's own list names it as superseded, although its folder says valid"},
	"c0f94276a64698a3e011ce3216335caf5913854f": {"INDETERMINATE TRY_LATER", "revoked, says its folder; issued by ҰКО 3.0 of the hierarchy of 2019, whose list is not in the corpus (its name differs by one letter from ҰҚО 3.0)"},
	"6dba535d60e55c61d30ec7ec8984b1b332f12027": {"TOTAL-PASSED", "revoked, says its folder; newer than the list of its package, which cannot name it yet"},
	"KEY_INDIVIDUAL_VALID_SIGN_2004":           {"INDETERMINATE TRY_LATER", "no list of its time is in the corpus: unknown is not good"},
}

// TestConformanceKZCertificates drives every certificate of the corpus to the verdict that its state calls for, at the time of
// the list of its authority, after its end, and before its beginning.
func TestConformanceKZCertificates(t *testing.T) {
	s := kzConformance(t, "national certificates")
	lists, evidence := kzLists(t)
	certificates := kzCertificates(t)
	families := map[string]int{}
	for _, c := range certificates {
		families[c.PublicKey.Family.String()]++
		mode := trust.Test
		if strings.HasPrefix(c.name, "ca-production") || strings.HasPrefix(c.name, "ncanode/certs/root") || strings.HasPrefix(c.name, "ncanode/certs/trusted") {
			mode = trust.Production
		}
		revocation := signer.RevocationRequired
		at, want, by := kzState(t, c, lists)
		if c.IsCA { // whose state the trust list knows
			// Four years on at most: RSA-4096 is good enough until 2030, and what comes after is not known.
			half := min(c.NotAfter.Sub(c.NotBefore)/2, 4*365*24*time.Hour)
			at, want, by, revocation = c.NotBefore.Add(half), "TOTAL-PASSED", "an authority of the trust list", signer.RevocationOff
		}
		judge := func(at time.Time) string {
			v := kzService(t, mode, at, revocation).certificate(c.Raw, time.Time{}, evidence...)
			return outcomeOf(v.Indication, v.Sub)
		}
		name := fmt.Sprintf("%s, %s at %s, %s", c.name, c.PublicKey.Family, at.Format(time.DateOnly), by)
		s.verdict(name, judge(at), want, nil)
		if got := judge(c.NotAfter.Add(time.Second)); !strings.HasPrefix(got, "TOTAL-FAILED") {
			s.Errorf("%s after its end: %s", c.name, got)
		}
		if got := judge(c.NotBefore.Add(-time.Second)); !strings.HasSuffix(got, "NOT_YET_VALID") && !strings.HasSuffix(got, "NO_CERTIFICATE_CHAIN_FOUND") {
			s.Errorf("%s before its beginning: %s", c.name, got)
		}
	}
	s.Logf("%d certificates, %v", len(certificates), families)
	if len(certificates) < 94 {
		s.Errorf("only %d certificates were found", len(certificates))
	}
}

// TestConformanceKZFolders holds the state of the certificates of all key files against the names of their folders and files.
func TestConformanceKZFolders(t *testing.T) {
	s := kzConformance(t, "national key files by name")
	lists, evidence := kzLists(t)
	for _, k := range kzKeys(t) {
		at, _, _ := kzState(t, kzCertificate{k.name, k.entry.Certificate}, lists)
		want := "TOTAL-PASSED"
		if strings.Contains(strings.ToLower(k.name), "revoked") {
			want = "TOTAL-FAILED REVOKED"
		}
		v := kzService(t, trust.Test, at, "").certificate(k.entry.Certificate.Raw, time.Time{}, evidence...)
		s.verdict(k.name, outcomeOf(v.Indication, v.Sub), want, kzSlips)
	}
	if s.Total != 70 {
		s.Errorf("%d key files", s.Total)
	}
}

// TestConformanceKZAnswers judges the certificates that the four OCSP answers are about by them alone.
func TestConformanceKZAnswers(t *testing.T) {
	s := kzConformance(t, "national OCSP answers")
	keys := map[string]*pkix.Certificate{}
	for _, k := range kzKeys(t) {
		keys[k.name] = k.entry.Certificate
	}
	for answer, about := range map[string]struct{ key, want string }{
		"ceo_2015_revoked":      {"KEY_CEO_REVOKED_2015", "revoked TOTAL-FAILED REVOKED"},
		"ceo_sign_2004_revoked": {"KEY_CEO_SIGN_REVOKED_2004", "revoked TOTAL-FAILED REVOKED"},
		"individual_2015":       {"KEY_INDIVIDUAL_VALID_2015", "good TOTAL-PASSED"},
		"individual_sign_2004":  {"KEY_INDIVIDUAL_VALID_SIGN_2004", "good TOTAL-PASSED"},
	} {
		name := "ncanode/ocsp/ocsp_response_" + answer + ".bin"
		body := read(t, corpora(t, "kz", name))
		o, err := pkix.ParseOCSPResponse(body)
		if err != nil {
			t.Fatal(err)
		}
		c := keys["ncanode/groovy/WithTestData."+about.key+".bin"]
		v := kzService(t, trust.Test, o.ProducedAt.Add(time.Minute), signer.RevocationRequired).certificate(c.Raw, time.Time{}, body)
		s.verdict(name, v.Revocation[0].Status+" "+outcomeOf(v.Indication, v.Sub), about.want, map[string]kzSlip{
			"individual_2015":      {"unknown TOTAL-FAILED CHAIN_CONSTRAINTS_FAILURE", "the responder says certificateHold since 1970 with the extended-revoke extension, which is its form of unknown (RFC 6960 2.2): negative by №500/НҚ 19"},
			"individual_sign_2004": {"unavailable TOTAL-FAILED EXPIRED", "the certificate had expired when the answer was made: good is then no proof (RFC 6960 4.4.4)"},
		})
	}
}
