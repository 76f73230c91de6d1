package cms_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"qaqpa/signer/cms"
	"qaqpa/signer/tsp"
)

// dssStamps are the time stamps of DSS documents that are not over what their place says, by test, kind and position among
// the document's stamps: copied from elsewhere, or with an index that names what is not there.
var dssStamps = map[string]string{
	"CAdESLevelLTAWithCopiedATSTTest/archive-time-stamp-v3":               "copied, without an index",
	"CAdESLevelTWithCopiedSigTstTest/signature-time-stamp":                "copied",
	"CAdESRevocationSourceMultipleRefOriginsTest/CAdES-C-time-stamp":      "no reading of RFC 5126 6.3.5 gives its imprint",
	"CAdESLevelLTAHashIndexRevValuesOCSPDigestTest/archive-time-stamp-v3": "the index names an OCSP response that is not there",
	"CAdESLevelLTAHashIndexWrongCertDigestTest/archive-time-stamp-v3":     "the index names a certificate that is not there",
	"CAdESLevelLTAHashIndexWrongOCSPDigestTest/archive-time-stamp-v3":     "the index names an OCSP response that is not there",
	"CAdESLevelLTAHashIndexWrongCRLDigestTest/archive-time-stamp-v3":      "the index names a CRL that is not there",
	"DSS1997Test/archive-time-stamp-v3":                                   "the index names an attribute that is not there",
	"DSS3507ValidationTest/archive-time-stamp-v3":                         "the index names a certificate that is not there",
	"CAdESDetachedTstV2NoFileTest/archive-time-stamp-v2":                  "the content is not given",
	"DSS2011WithContentTstTest/content-time-stamp":                        "the content is not given",
}

// holds reports whether a reading of what a stamp is over has the imprint of its token.
func holds(tb testing.TB, s cms.Stamp) bool {
	tb.Helper()
	token, err := tsp.ParseToken(s.Token)
	if err != nil {
		tb.Fatal(err)
	}
	for _, o := range s.Over {
		if d, err := o.Digest(token.Info.Hash); err == nil && bytes.Equal(d, token.Info.Imprint) {
			return s.Fault == ""
		}
	}
	return false
}

// TestDSSStamps holds every kind of time stamp against those that other programs made.
func TestDSSStamps(t *testing.T) {
	dir := corpora(t, "dss")
	seen := map[cms.StampKind]int{}
	for _, c := range dssCases(t, dir) {
		sd, err := cms.ParseArmoured(readFile(t, filepath.Join(dir, c.Document)), cms.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		_, content := c.inputs(t, dir, sd)
		for i := range sd.Signers {
			stamps, err := sd.Signers[i].Stamps(content, 100)
			if err != nil {
				t.Errorf("%s: %v", c.Test, err)
			}
			for _, s := range stamps {
				why, listed := dssStamps[c.Test+"/"+s.Kind.String()]
				if holds(t, s) == listed {
					t.Errorf("%s %s: holds %v, listed %q, fault %q", c.Test, s.Kind, !listed, why, s.Fault)
				}
				if !listed {
					seen[s.Kind]++
				}
			}
		}
	}
	for _, kind := range []cms.StampKind{
		cms.ContentStamp, cms.SignatureStamp, cms.SignatureRefStamp, cms.ArchiveStampV2, cms.ArchiveStampV3,
	} {
		if seen[kind] == 0 {
			t.Errorf("no %s", kind)
		}
		t.Logf("%s: %d", kind, seen[kind])
	}
}
