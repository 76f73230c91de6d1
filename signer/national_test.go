package signer_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
)

// national makes a service of a trust mode at a time, which fetches nothing.
func national(t *testing.T, mode trust.Mode, now string, revocation signer.Revocation) *bench {
	t.Helper()
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	store, err := trust.New(trust.Config{Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	svc, err := signer.New(signer.Config{Trust: store, Revocation: revocation, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{TB: t, svc: svc}
}

func reasonCodes(reasons []signer.Reason) string {
	var codes []string
	for _, r := range reasons {
		codes = append(codes, string(r.Code))
	}
	return strings.Join(codes, " ")
}

// TestNCANodeDocuments: documents signed with keys of the national test authority, as NCANode made them. One signer holds a
// GOST-2015 certificate of 2022, the other an RSA certificate that had expired when it signed.
func TestNCANodeDocuments(t *testing.T) {
	dir := corpora(t, "kz", "ncanode")
	crl, unknown := read(t, filepath.Join(dir, "crl", "nca_gost2022_test.crl")), read(t, filepath.Join(dir, "ocsp", "ocsp_response_individual_2015.bin"))
	original := []byte("test123")
	for _, c := range []struct {
		name, file, now string
		original        []byte
		evidence        [][]byte
		gost, rsa       report.SubIndication
	}{
		{"two signers, list", "CmsServiceTest.SIGNED_CMS.bin", "2022-09-28T12:00:00Z", nil, [][]byte{crl}, "", report.Expired},
		{"detached, list", "CmsServiceTest.SIGNED_DETACHED_CMS.bin", "2022-09-28T12:00:00Z", original, [][]byte{crl}, "", report.Expired},
		{"nothing known", "CmsServiceTest.SIGNED_CMS.bin", "2022-09-28T12:00:00Z", nil, nil, report.TryLater, report.Expired},
		{"list too old", "CmsServiceTest.SIGNED_CMS.bin", "2023-02-01T00:00:00Z", nil, [][]byte{crl}, report.TryLater, report.Expired},
		{"responder does not know", "CmsServiceTest.SIGNED_CMS.bin", "2022-09-02T17:00:00Z", nil, [][]byte{unknown, crl}, report.ChainConstraintsFailure, report.Expired},
		{"years later", "CmsServiceTest.SIGNED_CMS.bin", "2026-10-01T00:00:00Z", nil, [][]byte{crl}, report.Expired, report.Expired},
		{"original missing", "CmsServiceTest.SIGNED_DETACHED_CMS.bin", "2022-09-28T12:00:00Z", nil, [][]byte{crl}, report.SignedDataNotFound, report.Expired},
		{"original changed", "CmsServiceTest.SIGNED_DETACHED_CMS.bin", "2022-09-28T12:00:00Z", []byte("test124"), [][]byte{crl}, report.HashFailure, report.HashFailure},
		{"one signer", "CmsServiceTest.SIGNED_CMS_ONE_SIGNER.bin", "2022-09-28T12:00:00Z", nil, nil, "-", report.Expired},
		{"integration", "CmsIntegrationTest.SIGNED_CMS.bin", "2022-10-02T00:00:00Z", nil, nil, "-", report.Expired},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := national(t, trust.Test, c.now, "")
			v := b.validateRequest(signer.ValidateRequest{Document: read(t, filepath.Join(dir, "groovy", c.file)), Detached: c.original, Evidence: c.evidence})
			if v.Indication != report.TotalFailed {
				t.Errorf("%s/%s although one certificate had expired", v.Indication, v.Sub)
			}
			seen := 0
			for _, s := range v.Signatures {
				want := c.rsa
				if strings.HasPrefix(s.Algorithm, "GOST") {
					want = c.gost
				}
				seen++
				if s.Sub != want {
					t.Errorf("%s: %s/%q (%s), want %q", s.Algorithm, s.Indication, s.Sub, reasonCodes(s.Reasons), want)
				}
				if s.Signer == nil || s.Signer.IdentifiersValid || s.Signer.KeyUse != "SIGN" || len(s.Chain) != 3 {
					t.Errorf("signer %+v, chain of %d", s.Signer, len(s.Chain))
				}
			}
			if want := map[bool]int{true: 1, false: 2}[c.gost == "-"]; seen != want {
				t.Errorf("%d signatures", seen)
			}
			if c.original == nil && v.Content != nil && string(v.Content) != "test123" && string(v.Content) != "lol_kek" {
				t.Errorf("content %q", v.Content)
			}
		})
	}
}

// TestTestKeysAreNothingInProduction: the same document, when production authorities are trusted.
func TestTestKeysAreNothingInProduction(t *testing.T) {
	b := national(t, trust.Production, "2022-09-28T12:00:00Z", signer.RevocationOff)
	v := b.validate(read(t, corpora(t, "kz", "ncanode", "groovy", "CmsServiceTest.SIGNED_CMS.bin")), nil)
	for _, s := range v.Signatures {
		if s.Indication != report.Indeterminate || s.Sub != report.NoCertificateChainFound {
			t.Errorf("%s/%s", s.Indication, s.Sub)
		}
	}
}

func (b *bench) certificate(cert []byte, at time.Time, evidence ...[]byte) signer.CertificateVerdict {
	b.Helper()
	v, err := b.svc.ValidateCertificate(b.Context(), signer.CertificateRequest{Certificate: cert, At: at, Evidence: evidence})
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range append(v.Reasons, v.Remarks...) {
		if !report.Known(r.Code) {
			b.Errorf("the catalogue does not know %q", r.Code)
		}
	}
	return v
}

// pkcs12Certificate takes the certificate out of a national key file.
func pkcs12Certificate(t *testing.T, file string) []byte {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "openssl", "pkcs12", "-legacy", "-nokeys", "-passin", "pass:Qwerty12", "-in", file).Output()
	if err != nil {
		t.Fatalf("openssl couldn't read %s: %v", file, err)
	}
	return out
}

// TestNationalKeysByFolder: the keys of the national CA's packages lie in folders that say what they are; the list of the
// same package must agree, but for the slips that are known.
func TestNationalKeysByFolder(t *testing.T) {
	sdk, fresh := corpora(t, "kz", "sdk"), corpora(t, "kz", "testkeys-2027")
	lists := func(pattern string) (out [][]byte) {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no lists at %s: %v", pattern, err)
		}
		for _, f := range files {
			out = append(out, read(t, f))
		}
		return out
	}
	slips := map[string]string{
		// In the list as superseded, although the folder says valid.
		"testkeys-2027/legal/valid/employee.p12":   "revoked",
		"testkeys-2027/legal/valid/infosystem.p12": "revoked",
		// Issued by ҰКО 3.0 of the older test hierarchy, whose name differs by one letter from ҰҚО 3.0 and whose list is not in the package.
		"GOSTKNCA_c0f94276a64698a3e011ce3216335caf5913854f.p12": "unavailable",
		// Newer than the list of its package.
		"GOST512_6dba535d60e55c61d30ec7ec8984b1b332f12027.p12": "good",
	}
	for _, pack := range []struct {
		dir, now string
		depth    []string
		crls     [][]byte
	}{
		{sdk, "2023-12-10T00:00:00Z", []string{"*/*/*/*/*.p12", "*/*/*/*/*/*.p12"}, lists(filepath.Join(sdk, "CRL", "*.crl"))},
		{fresh, "2026-09-01T00:00:00Z", []string{"*/*/*.p12"}, lists(filepath.Join(fresh, "*.crl"))},
	} {
		b := national(t, trust.Test, pack.now, "")
		var files []string
		for _, d := range pack.depth {
			found, err := filepath.Glob(filepath.Join(pack.dir, d))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, found...)
		}
		counted := map[string]int{}
		for _, f := range files {
			want := "good"
			if strings.Contains(strings.ToLower(f), string(filepath.Separator)+"revoked"+string(filepath.Separator)) {
				want = "revoked"
			}
			for end, real := range slips {
				if strings.HasSuffix(filepath.ToSlash(f), end) {
					want = real
				}
			}
			v := b.certificate(pkcs12Certificate(t, f), time.Time{}, pack.crls...)
			counted[v.Revocation[0].Status]++
			passed := v.Indication == report.TotalPassed
			if v.Revocation[0].Status != want || passed != (want == "good") || len(v.Chain) != 3 || !v.Chain[2].Anchor {
				t.Errorf("%s: %s %s/%s, want %s (%s)", f, v.Revocation[0].Status, v.Indication, v.Sub, want, reasonCodes(v.Reasons))
			}
		}
		t.Logf("%s: %d keys, %v", filepath.Base(pack.dir), len(files), counted)
		if len(files) < 10 {
			t.Errorf("only %d keys found", len(files))
		}
	}
}

// TestOCSPSamples: the national responder's answers of 2022 about its test certificates.
func TestOCSPSamples(t *testing.T) {
	dir := corpora(t, "kz", "ncanode")
	for _, c := range []struct {
		cert, answer, now, status string
		sub                       report.SubIndication
	}{
		{"groovy/WithTestData.KEY_CEO_REVOKED_2015.bin", "ocsp_response_ceo_2015_revoked.bin", "2022-09-02T17:00:00Z", "revoked", report.Revoked},
		{"groovy/WithTestData.KEY_CEO_SIGN_REVOKED_2004.bin", "ocsp_response_ceo_sign_2004_revoked.bin", "2022-09-02T17:00:00Z", "revoked", report.Revoked},
		{"groovy/WithTestData.KEY_INDIVIDUAL_VALID_2015.bin", "ocsp_response_individual_2015.bin", "2022-09-02T17:00:00Z", "unknown", report.ChainConstraintsFailure},
		// The certificate had expired when the answer was made: good is then no proof (RFC 6960 4.4.4).
		{"groovy/WithTestData.KEY_INDIVIDUAL_VALID_SIGN_2004.bin", "ocsp_response_individual_sign_2004.bin", "2022-09-02T17:00:00Z", "unavailable", report.Expired},
	} {
		b := national(t, trust.Test, c.now, "")
		password := "Qwerty12"
		if strings.Contains(c.cert, "2015") {
			password = "Aa123456"
		}
		cert, err := exec.CommandContext(t.Context(), "openssl", "pkcs12", "-legacy", "-nokeys", "-passin", "pass:"+password, "-in", filepath.Join(dir, c.cert)).Output()
		if err != nil {
			t.Fatal(err)
		}
		v := b.certificate(cert, time.Time{}, read(t, filepath.Join(dir, "ocsp", c.answer)))
		if v.Revocation[0].Status != c.status || v.Sub != c.sub {
			t.Errorf("%s: %s, %s/%s (%s)", c.cert, v.Revocation[0].Status, v.Indication, v.Sub, reasonCodes(v.Reasons))
		}
	}
}

// TestProductionAuthorities: each shipped authority holds within its dates, fails outside, and is nothing in test mode.
func TestProductionAuthorities(t *testing.T) {
	production, test := national(t, trust.Production, "2026-10-01T00:00:00Z", signer.RevocationOff), national(t, trust.Test, "2026-10-01T00:00:00Z", signer.RevocationOff)
	store, err := trust.New(trust.Config{Mode: trust.Production})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range store.Authorities() {
		middle := a.TrustedFrom.Add(min(a.TrustedUntil.Sub(a.TrustedFrom), 4*365*24*time.Hour) / 2)
		if v := production.certificate(a.Certificate.Raw, middle); v.Indication != report.TotalPassed {
			t.Errorf("%s in %s: %s/%s (%s)", a.Name, middle, v.Indication, v.Sub, reasonCodes(v.Reasons))
		}
		if a.TrustedUntil.Before(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)) {
			if v := production.certificate(a.Certificate.Raw, time.Time{}); v.Indication != report.TotalFailed || v.Sub != report.Expired {
				t.Errorf("%s today: %s/%s", a.Name, v.Indication, v.Sub)
			}
		}
		if v := test.certificate(a.Certificate.Raw, time.Time{}); v.Indication != report.Indeterminate {
			t.Errorf("%s in test mode: %s/%s", a.Name, v.Indication, v.Sub)
		}
	}
}
