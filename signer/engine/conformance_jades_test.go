package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/engine"
	"qaqpa/signer/report"
)

// jadesRefused are the documents that the tests of DSS call intact and that are refused here, with the clause. Every one has a header that
// programs read differently.
var jadesRefused = map[string]string{
	"JAdESWithDoubleSigTTest":                 "RFC 7515 4: names in a header are unique; one program takes the first sigT, another the last",
	"JAdESWithCritStringTypeTest":             "RFC 7515 4.1.11: crit is an array",
	"JAdESWithWrongCritEntryType":             "RFC 7515 4.1.11: crit is an array of names",
	"JAdESBLevelWithEtsiUInCritTest":          "RFC 7515 4.1.11: crit lists what is not there",
	"JAdESWithExpirationTimeHeaderInCritTest": "RFC 7515 4.1.11: exp is no header of JWS, and whoever does not understand it refuses",
}

// jadesSound are the rows of another expectation whose signature is intact all the same: the defect is in a time stamp.
var jadesSound = map[string]string{
	"JAdESLevelLTAWithCopiedATSTTest": "time stamp", "JAdESLevelTWithCopiedSigTstTest": "time stamp",
	"JAdESParallelSigWithCopiedTstTest": "time stamp", "JAdESLevelTBrokenSigTstTest": "time stamp",
}

// jadesLevels are the levels of documents that tell theirs by name.
var jadesLevels = map[string]string{
	"jades-triple-LTA.json": "JAdES-B-LTA", "jades-lta.json": "JAdES-B-LTA", "jades-t-copied-sigtst.json": "JAdES-B-T",
	"jades-level-b-full-type.json": "JAdES-B-B", "jades-double-sig-different-etsiU.json": "JAdES-B-LT", "jades-with-notBefore-header.json": "JAdES-B-B",
}

// TestConformanceDSSJAdES judges the JAdES documents of DSS: whether every signature is cryptographically intact and finds what it covers, and
// its level. No anchors are given, so none may pass.
func TestConformanceDSSJAdES(t *testing.T) {
	dir := filepath.Join(corporaDir(t), "dss")
	a := newArchive(t)
	line := conformanceLine{Suite: "JAdES documents of DSS", Deviations: []deviation{}}
	for _, row := range dssRows(t, dir, "jades") {
		name := row.Test[strings.LastIndex(row.Test, ".")+1:]
		line.Total++
		var others []string
		if strings.HasPrefix(name, "JWSSimpleDetached") {
			others = []string{"jades/sample.json"}
		}
		row.Others = append(row.Others, others...)
		v := a.judgeRow(dir, row, name)
		intact, said := len(v.Signatures) > 0, ""
		for i := range v.Signatures {
			s := &v.Signatures[i]
			intact = intact && isIntact(s)
			for _, r := range s.Reasons {
				said += " " + string(r.Code) + ":" + r.Detail
			}
			if want := jadesLevels[filepath.Base(row.Document)]; i == 0 && want != "" && s.Level != want {
				t.Errorf("%s: level %s, want %s", name, s.Level, want)
			}
			for _, ts := range s.TimeStamps {
				copied := strings.Contains(name, "Copied") || strings.Contains(name, "BrokenSigTst") || s.Level == "JWS"
				for _, r := range ts.Reasons {
					if r.Code == report.ReasonTimeStampImprint && !copied {
						t.Errorf("%s: %s covers something else: %s", name, ts.Kind, r.Detail)
					}
				}
			}
		}
		if v.Indication == report.TotalPassed || v.Format != "JWS" {
			t.Errorf("%s: %s %s", name, v.Format, v.Indication)
		}
		want := row.Expect == "intact" || jadesSound[name] != ""
		refused := jadesRefused[name]
		switch {
		case name == "JAdESDetachedByUriByHashWithURLEncodedParsTest": // two originals: see TestConformanceJAdESOriginals
			line.OutOfScope++
		case intact == want && refused == "":
			line.Agreed++
		case !intact && refused != "":
			line.Deviations = append(line.Deviations, deviation{name, refused})
		default:
			t.Errorf("%s: intact %v, want %v: %s%s", name, intact, want, v.Sub, said)
		}
		line.WronglyAccepted += count(intact && !want)
	}
	line.write(t)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestConformanceJAdESOriginals: the document over two originals by their digests finds each by its name, and says which is missing or another.
func TestConformanceJAdESOriginals(t *testing.T) {
	dir := filepath.Join(corporaDir(t), "dss", "jades")
	a := newArchive(t)
	read := func(name string) engine.Original {
		b, err := os.ReadFile(filepath.Join(dir, name))
		a.Must(err)
		return engine.Original{Octets: b}
	}
	doc := read("validation/jades-detached-by-uri-hash-encoded-pars.json").Octets
	const at = "https://signature-plugtests.etsi.org/pub/JAdES/"
	one, two := read("ObjectIdByURIHash-1.html"), read("ObjectIdByURIHash-2.html")
	name1, name2 := at+"ObjectIdByURIHash-1.html", at+"ObjectIdByURIHash-2.html"
	for name, c := range map[string]struct {
		original engine.Original
		want     report.SubIndication
	}{
		"one alone":       {one, report.SignedDataNotFound},
		"the other alone": {two, report.SignedDataNotFound},
		"another":         {read("sample.json"), report.HashFailure},
		"one by its name": {engine.Original{Named: map[string]engine.Original{name1: one}}, report.SignedDataNotFound},
		"exchanged":       {engine.Original{Named: map[string]engine.Original{name1: two, name2: one}}, report.HashFailure},
		"both":            {engine.Original{Named: map[string]engine.Original{name1: one, name2: two}}, ""},
		"and a third":     {engine.Original{Named: map[string]engine.Original{name1: one, name2: two, "x": one}}, ""},
	} {
		v := engine.OpenWith(doc, c.original, nil).Assess(a.set, engine.Evidence{}).Verdict
		whole := v.Signatures[0].Integrity.References == report.ReferencesIntact
		if c.want != "" && (v.Sub != c.want || v.Coverage != "NOTHING") || whole != (c.want == "") {
			t.Errorf("%s: %s/%s %s, references %s", name, v.Indication, v.Sub, v.Coverage, v.Signatures[0].Integrity.References)
		}
		if stray := len(v.Reasons) > 0; stray != (name == "and a third") {
			t.Errorf("%s: %v", name, v.Reasons)
		}
	}
}
