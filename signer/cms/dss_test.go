package cms_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
)

// dssCase is a row of dss/cases.jsonl: documents of EU DSS's own tests.
type dssCase struct {
	Format   string   `json:"format"`
	Document string   `json:"document"`
	Others   []string `json:"others"`
	Expect   string   `json:"expect"`
	Test     string   `json:"test"`
}

// dssOriginals are detached contents that the tests of DSS make in memory (facts/validation.md §5.1), and the digests
// they give in place of content.
var dssOriginals = map[string]string{
	"CAdESBESDetachedSignedDataContentTypeTest":      "Hello World",
	"CAdESLevelERSDetachedOriginalNotCoveredTest":    "Hello World!",
	"DoubleCAdESLevelERSDetachedHashtreeRenewalTest": "Hello World !!!",
	"CAdESDetachedTstV2WithDigestDocTest":            "aaa",
	"CAdESDetachedTstV2Test":                         "aaa",
	// digest only: the one found inside the signature
	"CAdESWithInvalidOCSPResponsesEncodingTest": "",
	"CAdESWithDuplicatedSignedAttrsTest":        "",
}

// dssNotIntact are the rows that do not assert an intact signature: what we say of them, and why. Rows with status
// Passed have their defect elsewhere: in a time-stamp or an evidence record.
var dssNotIntact = map[string]struct {
	status cms.Status
	sub    string
	why    string
}{
	"CAdESLevelLTAWithCopiedATSTTest":             {cms.Passed, "", "the archive time-stamp is copied, the signature is sound"},
	"CAdESLevelTWithCopiedSigTstTest":             {cms.Passed, "", "the signature time-stamp is copied, the signature is sound"},
	"CAdESLevelERSDetachedOriginalNotCoveredTest": {cms.Passed, "", "the evidence record does not cover the original, the signature is sound"},
	"CAdESLevelERSRenewedHashtreeInvalidTest":     {cms.Passed, "", "the evidence record is broken, the signature is sound"},
	"CAdESEnvelopingValidationTest":               {cms.Passed, "", "asserted good"},
	"CAdESWithDuplicatedSignedAttrsTest":          {cms.Failed, cms.SubFormat, "signing-time with two values (RFC 5652 11.3)"},
	"DSS3507ValidationTest":                       {cms.Failed, cms.SubSignature, "DigestInfo without the NULL that RFC 8017 B.1 demands; OpenSSL refuses it too, DSS takes it"},
	"CAdESDEREncodedTst2Test":                     {cms.Failed, cms.SubSignature, "attributes signed as written, not in DER (RFC 5652 5.4); OpenSSL takes them, DSS does not"},
	"DSS1419Sha512RsaTest":                        {cms.Failed, cms.SubSignature, "digest SHA-256 under a signature with SHA-512"},
	"DSS1419Sha256RsaTest":                        {cms.Failed, cms.SubSignature, "digest SHA3-256 under a signature with SHA-256"},
	"CAdESEnvelopingBrokenSigTest":                {cms.Failed, cms.SubHash, "the content was changed"},
	"DSS1188NoDetachedProvidedTest":               {cms.Undecided, cms.SubNoSignedData, "the content is not given"},
	"CAdESDetachedTstV2NoFileTest":                {cms.Undecided, cms.SubNoSignedData, "the content is not given"},
	"DSS2011WithContentTstTest":                   {cms.Undecided, cms.SubNoSignedData, "the content is not given"},
}

func dssCases(tb testing.TB, dir string) []dssCase {
	tb.Helper()
	var out []dssCase
	lines := bufio.NewScanner(bytes.NewReader(readFile(tb, filepath.Join(dir, "cases.jsonl"))))
	for lines.Scan() {
		var c dssCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			tb.Fatal(err)
		}
		if c.Format == "cades" {
			c.Test = c.Test[strings.LastIndex(c.Test, ".")+1:]
			out = append(out, c)
		}
	}
	return out
}

// inputs of a row: certificates beside those inside, and the detached content.
func (c dssCase) inputs(tb testing.TB, dir string, sd *cms.SignedData) (pool []*pkix.Certificate, content cms.Content) {
	tb.Helper()
	pool = certificates(tb, sd)
	for _, other := range c.Others {
		b := readFile(tb, filepath.Join(dir, other))
		if filepath.Ext(other) == ".cer" {
			more, err := pkix.ParsePEMOrDER(b)
			if err != nil {
				tb.Fatal(err)
			}
			pool = append(pool, more...)
			continue
		}
		content = cms.ContentOf(b)
	}
	if text, ok := dssOriginals[c.Test]; ok {
		content = cms.ContentOf([]byte(text))
		if text == "" {
			content = cms.ContentDigests(map[algo.Hash][]byte{sd.Signers[0].DigestAlgorithm: sd.Signers[0].MessageDigest})
		}
	}
	return pool, content
}

func TestDSSDocuments(t *testing.T) {
	dir := corpora(t, "dss")
	rows, signers, counters := 0, 0, 0
	for _, c := range dssCases(t, dir) {
		rows++
		t.Run(c.Test, func(t *testing.T) {
			sd, err := cms.ParseArmoured(readFile(t, filepath.Join(dir, c.Document)), cms.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			pool, content := c.inputs(t, dir, sd)
			want, listed := dssNotIntact[c.Test]
			if listed == (c.Expect == "intact") {
				t.Fatalf("expect %s, listed %v", c.Expect, listed)
			}
			for i := range sd.Signers {
				signers++
				worst := verifyWith(t, &sd.Signers[i], content, pool)
				if worst.Status == cms.Noted {
					t.Log(worst.Detail)
					worst.Status = cms.Passed
				}
				if worst.Status != want.status || worst.Sub != want.sub {
					t.Errorf("%s: %+v, want %s %s", c.Document, worst, want.status, want.sub)
				}
				counter, err := sd.Signers[i].CounterSignatures()
				if err != nil {
					t.Fatal(err)
				}
				for j := range counter {
					counters++
					if worst := verifyWith(t, &counter[j], cms.ContentOf(sd.Signers[i].Signature), pool); worst.Status > cms.Noted {
						t.Errorf("counter-signature: %+v", worst)
					}
				}
			}
		})
	}
	t.Logf("%d rows, %d signatures, %d counter-signatures", rows, signers, counters)
}

func verifyWith(tb testing.TB, si *cms.SignerInfo, content cms.Content, pool []*pkix.Certificate) cms.Check {
	tb.Helper()
	var cert *pkix.Certificate
	if found := si.Candidates(pool); len(found) > 0 {
		cert = found[0]
	}
	return si.Verify(content, cert).Worst()
}
