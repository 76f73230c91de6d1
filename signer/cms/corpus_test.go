package cms_test

import (
	"os"
	"path/filepath"
	"testing"

	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
)

// corpora is the folder of real test data; tests that need it are skipped plainly where it is absent.
func corpora(tb testing.TB, parts ...string) string {
	tb.Helper()
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
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

func certificates(tb testing.TB, sd *cms.SignedData) []*pkix.Certificate {
	tb.Helper()
	var out []*pkix.Certificate
	for _, der := range sd.Certificates {
		c, err := pkix.ParseCertificate(der)
		if err != nil {
			tb.Fatalf("embedded certificate: %v", err)
		}
		out = append(out, c)
	}
	return out
}

// The national samples: two generations of GOST and RSA, attached and detached.
func TestNationalSamplesVerify(t *testing.T) {
	dir := corpora(t, "kz", "ncanode", "groovy")
	for name, content := range map[string]string{
		"CmsIntegrationTest.SIGNED_CMS.bin":        "lol_kek",
		"CmsServiceTest.SIGNED_CMS.bin":            "test123",
		"CmsServiceTest.SIGNED_CMS_ONE_SIGNER.bin": "test123",
		"CmsServiceTest.SIGNED_DETACHED_CMS.bin":   "test123",
	} {
		t.Run(name, func(t *testing.T) {
			sd, err := cms.ParseArmoured(readFile(t, filepath.Join(dir, name)), cms.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			pool := certificates(t, sd)
			for i := range sd.Signers {
				si := &sd.Signers[i]
				signers := si.Candidates(pool)
				if len(signers) == 0 {
					t.Fatal("no certificate of the signer")
				}
				checks := si.Verify(cms.ContentOf([]byte(content)), signers[0])
				t.Logf("%s: %s", si.SignatureAlgorithm.Name, checks)
				if checks.Worst().Status > cms.Noted {
					t.Error(checks)
				}
				if wrong := si.Verify(cms.ContentOf([]byte(content+" ")), signers[0]); wrong.Worst().Status != cms.Failed {
					t.Errorf("other content: %s", wrong)
				}
			}
		})
	}
}
