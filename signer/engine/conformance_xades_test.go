package engine_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// dssXAdESDeviations are rows in which we differ from the reference test, with the reason.
var dssXAdESDeviations = map[string]string{
	"XAdESEnvelopedFakeContentTest": "the element lies in the signature that the enveloped transform takes away (XMLDSig 6.6.4); xmlsec1 refuses it too",
}

// dssXAdESRefused are rows called intact whose test asserts that the reference refuses the document.
var dssXAdESRefused = map[string]string{
	"XAdESWithUnsupportedSignatureAlgorithmTest": "validation ends with an exception: SignatureMethod is the OID of a curve",
}

// dssXAdESSound are rows of another expectation that are intact all the same.
var dssXAdESSound = map[string]string{
	"XAdESWithCounterSignatureTypeTest":              "asserted good",
	"DSS1770Test":                                    "asserted good",
	"DSS1770RootAndRefsCoveredtest":                  "asserted good",
	"XAdESEnvelopedManifestTest":                     "asserted good",
	"XAdESWithManifestObjectReferenceTest":           "asserted good",
	"XAdES111EETest":                                 "asserted good",
	"XAdES111ATQesTest":                              "asserted good",
	"XAdES111ValidationTest":                         "xmlsec1 finds references and mathematics to hold as well",
	"XAdESLevelTWithCopiedSigTstTest":                "the defect is in a time stamp",
	"XAdESLevelLTA132EnvelopingAdditionalObjectTest": "the defect is in a time stamp",
	"XAdESLevelBWithManifestWithEmbeddedEvidenceRecordNoDataProvidedTest":             "the defect is in an evidence record",
	"XAdESLevelLTDetachedWithXmlEvidenceRecordCoversOnlySigValidationTest":            "the defect is in an evidence record",
	"XAdESLevelLTDetachedWithEmbeddedEvidenceRecordSigNotCoveredTest":                 "the defect is in an evidence record",
	"XAdESLevelBEnvelopedWithEmbeddedEvidenceRecordChainRenewalInvalidTest":           "the defect is in an evidence record",
	"XAdESLevelBEnvelopingWithEmbeddedEvidenceRecordTstRenewalNoCanonicalizationTest": "the defect is in an evidence record",
	"XAdESLevelBWithTwoParallelEmbeddedEvidenceRecordOneInvalidTstTest":               "the defect is in an evidence record",
}

// dssXAdESOutside are rows that a document and one original do not make.
var dssXAdESOutside = map[string]string{
	"XAdESTooManyDataObjectFormatValidationTest": "900 originals; digests and mathematics are in the suite of xmldsig",
	"XAdESManyDataObjectFormatValidationTest":    "500 originals; digests and mathematics are in the suite of xmldsig",
	"DSS1524Test":               "the original is known by its digest alone; in the suite of xmldsig",
	"DSS1788Test":               "no certificate of the signer anywhere",
	"DSS1788NoCertProvidedTest": "no certificate of the signer anywhere",
	"XMLDSigOnlyValidationTest": "a key in KeyValue and no certificate: keys of documents are never believed",
}

// dssXAdESLevels are levels of documents that tell theirs by name or make.
var dssXAdESLevels = map[string]string{
	"xades-t-with-tsvd.xml": "XAdES-B-T", "xades-extended-xl.xml": "XAdES-XL", "xades-x-level.xml": "XAdES-X",
	"xades-x-level-v2-wrong-sigAndRefsTst-type.xml": "XAdES-X", "xades-extended-epes-with-sigPolStore.xml": "XAdES-EPES", "Signature-X-PT-4.xml": "XAdES-A",
	"xades-t-copied-sigtst.xml": "XAdES-B-T", "xades-lta-corrupted-cert.xml": "XAdES-B-LTA", "xades-ocsp-before-cert-validity.xml": "XAdES-B-LTA",
	"xades-lta-with-additional-cert-in-keyinfo.xml": "XAdES-B-LTA", "xades-lt-with-expired-ocsp-responder.xml": "XAdES-B-LT",
	"xades-enveloped-arcTst132.xml": "XAdES-A", "BaselineBWithCertificateValues.xml": "XAdES-B-B", "X-E-ERS-two-ers.xml": "XAdES-B-B",
	"Signature-X-HR_FIN-1.xml": "XAdES-A", "dss-signed.xml": "XAdES-B-B", "xmldsig-only.xml": "XMLDSig", "xades-sign-cert-v1-wrong-serialnumber.xml": "XAdES-B-B",
	"xades-level-b-sig-policy-invalid-digest-algo.xml": "XAdES-B-B",
}

// dssXAdESStamps are the documents in which a time stamp is not over what stands there; in all others every imprint agrees.
var dssXAdESStamps = map[string]string{
	"xades-t-copied-sigtst.xml":                     "the time stamp of another signature",
	"Signature-X-CZ_ICZ-1.xml":                      "it names data in place of a reference",
	"xades-lta-with-additional-cert-in-keyinfo.xml": "a certificate was added to KeyInfo after the archive time stamp",
	"xades-lta-corrupted-cert.xml":                  "a certificate was changed after the archive time stamp",
	"XSW-enveloping-fake-object.xml":                "the object was moved",
	"xades-enveloping-arcTst132-add-object.xml":     "an object was added after the archive time stamp",
}

// TestConformanceDSSXAdES judges the XAdES documents of DSS as TestConformanceDSSCAdES does: intact, levels, and the imprint of every time
// stamp.
func TestConformanceDSSXAdES(t *testing.T) {
	dir := filepath.Join(corporaDir(t), "dss")
	a := newArchive(t)
	line := conformanceLine{Suite: "XAdES documents of DSS", Deviations: []deviation{}}
	levels, stamps := map[string]int{}, 0
	for _, row := range dssRows(t, dir, "xades") {
		name := row.Test[strings.LastIndex(row.Test, ".")+1:]
		line.Total++
		v := a.judgeXAdES(dir, row)
		if why, ok := dssXAdESOutside[name]; ok {
			line.OutOfScope++
			t.Logf("  out of scope: %s: %s", name, why)
			continue
		}
		intact := len(v.Signatures) > 0
		for i := range v.Signatures {
			s := &v.Signatures[i]
			intact = intact && isWhole(s)
			if unbound := strings.Contains(name, "SignCertV2WrongDigest"); unbound != (s.Sub == report.NoSigningCertificateFound) && intact {
				t.Errorf("%s: identification of the signing certificate: %s", name, s.Sub)
			}
			levels[s.Level]++
			stamps += a.imprints(filepath.Base(row.Document), s)
			if want, ok := dssXAdESLevels[filepath.Base(row.Document)]; ok && s.Level != want {
				t.Errorf("%s: level %s, want %s", name, s.Level, want)
			}
			if s.Indication == report.TotalPassed {
				t.Errorf("%s passes without an anchor", name)
			}
		}
		want := row.Expect == "intact" && dssXAdESRefused[name] == "" || dssXAdESSound[name] != ""
		why := dssXAdESDeviations[name]
		switch {
		case intact == want && why == "":
			line.Agreed++
		case intact != want && why != "":
			line.Deviations = append(line.Deviations, deviation{name, why})
		default:
			t.Errorf("%s: %s: intact %v, want %v: %s", name, row.Document, intact, want, v.Sub)
		}
	}
	t.Logf("levels: %v; %d time stamps", levels, stamps)
	line.write(t)
}

// isWhole is what the reference tests assert of a document that is intact: format and cryptography hold, in counter-signatures too. Whose it
// is is another question.
func isWhole(s *report.Signature) bool {
	for _, b := range s.Blocks {
		if (b.Name == "format-checking" || b.Name == "cryptographic-verification") && b.Indication != "PASSED" {
			return false
		}
	}
	return !slices.ContainsFunc(s.CounterSignatures, func(c report.Signature) bool { return !isWhole(&c) })
}

// imprints compares what the time stamps are over with what is known of the document.
func (a *archive) imprints(document string, s *report.Signature) int {
	a.Helper()
	wrong := false
	for i := range s.TimeStamps {
		wrong = wrong || slices.ContainsFunc(s.TimeStamps[i].Reasons, func(r report.Reason) bool {
			return r.Code == report.ReasonTimeStampImprint || r.Code == report.ReasonTimeStampMalformed
		})
	}
	if why := dssXAdESStamps[document]; wrong != (why != "") {
		a.Errorf("%s: a time stamp of something else: %v, want %q", document, wrong, why)
	}
	return len(s.TimeStamps)
}

// judgeXAdES judges one document with the original that it names, where there is one.
func (a *archive) judgeXAdES(dir string, row dssRow) report.Verdict {
	a.Helper()
	doc, err := os.ReadFile(filepath.Join(dir, row.Document))
	a.Must(err)
	var original engine.Original
	var ev engine.Evidence
	for _, other := range row.Others {
		b, err := os.ReadFile(filepath.Join(dir, other))
		a.Must(err)
		if more, err := engine.ParseEvidence(b); err == nil {
			ev = ev.Join(more)
		}
	}
	if wanted := outsideOf(doc); len(wanted) == 1 && !strings.Contains(row.Test, "Wrong") && !strings.Contains(row.Test, "NotProvided") && !strings.Contains(row.Test, "NoFile") &&
		(wanted[0] != "" || len(row.Others) > 0) {
		for _, at := range []string{filepath.Join(dir, filepath.Dir(row.Document)), filepath.Join(dir, "xades")} {
			if wanted[0] == "" {
				original.Octets, err = os.ReadFile(filepath.Join(dir, row.Others[0]))
				a.Must(err)
				break
			}
			if b, err := os.ReadFile(filepath.Join(at, filepath.Base(wanted[0]))); err == nil {
				original.Octets = b
				break
			}
		}
	}
	set := a.set
	set.At = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	set.Now = set.At
	return engine.OpenWith(doc, original, nil).Assess(set, ev).Verdict
}

// outsideOf are the places outside a document that its signatures cover.
func outsideOf(text []byte) (out []string) {
	tree, err := xmltree.Parse(text, xmltree.Limits{})
	if err != nil {
		return nil
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil {
		return nil
	}
	for _, s := range doc.Signatures {
		for _, r := range s.References {
			if (r.URI != "" || !r.HasURI) && !strings.HasPrefix(r.URI, "#") && !slices.Contains(out, r.URI) {
				out = append(out, r.URI)
			}
		}
	}
	return out
}
