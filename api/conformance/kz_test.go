package conformance

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/trust"
	"qaqpa/testenv/suites"
)

// national are the signed samples, with the original where it is apart.
var national = []struct {
	file, original string
	signatures     int
}{
	{"CmsServiceTest.SIGNED_CMS.bin", "", 2},
	{"CmsServiceTest.SIGNED_DETACHED_CMS.bin", "test123", 2},
	{"CmsServiceTest.SIGNED_CMS_ONE_SIGNER.bin", "", 1},
	{"CmsIntegrationTest.SIGNED_CMS.bin", "", 1},
	{"XmlServiceTest.XML_SIGNED_VALID_STRING.xml", "", 1},
	{"XmlServiceTest.XML_SIGNED_VALID_STRING_TWO_SIGNERS.xml", "", 2},
	{"WsseServiceTest.XML_SIGNED_STRING.xml", "", 1},
}

// TestConformanceNational judges the national samples in the time of their certificates, today, and where their test authority is
// not trusted; files that are no signed documents are never passed. Certificates, lists, keys and single bits are judged by
// make conformance-kz.
func TestConformanceNational(t *testing.T) {
	today := at(t, "2026-10-01T00:00:00Z")
	h := newHouse(t)
	test := h.must(t, setting{mode: trust.Test, now: today, revocation: signer.RevocationOff})
	production := h.must(t, setting{mode: trust.Production, now: today, revocation: signer.RevocationOff})
	suite := suites.Start(t, "HTTP: national samples")
	dir := suites.Corpora(t, "kz", "ncanode", "groovy")
	for _, d := range national {
		q := documentQuery{Document: readFile(t, dir, d.file)}
		if d.original != "" {
			b := []byte(d.original)
			q.Detached = &b
		}
		now, strange := test.post(t, documentsPath, q), production.post(t, documentsPath, q)
		if len(now.verdict.Signatures) != d.signatures || len(strange.verdict.Signatures) != d.signatures {
			t.Fatalf("%s: %d signatures", d.file, len(now.verdict.Signatures))
		}
		for i, sig := range now.verdict.Signatures {
			name := fmt.Sprintf("%s, signature %d", d.file, i+1)
			middle := sig.Signer.NotBefore.Add(sig.Signer.NotAfter.Sub(sig.Signer.NotBefore) / 2)
			then := q
			then.At = &middle
			was := test.post(t, documentsPath, then).verdict.Signatures[i]
			elsewhere := strange.verdict.Signatures[i]
			suite.Judge(t, name+", in its time", outcome(was), "TOTAL-PASSED", false)
			suite.Judge(t, name+", today", outcome(sig), "TOTAL-FAILED EXPIRED", sig.Sub == "")
			suite.Judge(t, name+", in production", outcome(elsewhere), "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND", elsewhere.Sub == "")
		}
	}
	root := suites.Corpora(t, "kz")
	err := filepath.WalkDir(root, func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() || strings.Contains(path, "CMS") || strings.Contains(path, "SIGNED") {
			return err
		}
		if info, err := f.Info(); err != nil || info.Size() > 4<<20 || info.Size() == 0 {
			return err
		}
		a := test.post(t, documentsPath, documentQuery{Document: readFile(t, path)})
		passed := a.verdict.Indication == "TOTAL-PASSED"
		got := map[bool]string{true: "passed", false: "refused"}[passed]
		suite.Judge(t, f.Name(), got, "refused", passed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	suite.Close(t)
}

// outcome is the result of a signature in a word or two.
func outcome(s signature) string { return strings.TrimSpace(s.Indication + " " + s.Sub) }
