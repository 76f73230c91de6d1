package report_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"qaqpa/signer/report"
)

// TestCatalogueIsComplete: each code says what failed and what to do in each language, and the languages differ.
func TestCatalogueIsComplete(t *testing.T) {
	for _, c := range report.Codes() {
		r := report.New(c, "", "")
		for name, text := range map[string]report.Text{"text": r.Text, "advice": r.Advice} {
			for _, l := range []report.Lang{report.KK, report.RU, report.EN} {
				s := text.In(l)
				if len(s) < 5 || !strings.HasSuffix(s, ".") || strings.TrimSpace(s) != s {
					t.Errorf("%s: the %s in %s is %q", c, name, l, s)
				}
			}
			if text.KK == text.RU || text.RU == text.EN {
				t.Errorf("%s: the %s is not translated", c, name)
			}
			if !strings.ContainsAny(text.KK, "әғқңөұүһіӘҒҚҢӨҰҮҺІ") {
				t.Errorf("%s: the %s in Kazakh has no Kazakh letter: %q", c, name, text.KK)
			}
			if strings.ContainsAny(text.RU, "әғқңөұүһіӘҒҚҢӨҰҮҺІ") || strings.ContainsAny(text.EN, "абвгдежзийклмнопрстуфхцчшщъыьэюя") {
				t.Errorf("%s: the %s is in another language", c, name)
			}
		}
	}
}

// TestUnknownCodesHaveWords: no report is without words.
func TestUnknownCodesHaveWords(t *testing.T) {
	if r := report.New("never_heard_of", "", ""); r.Text.KK == "" || r.Code != "never_heard_of" || report.Known(r.Code) {
		t.Errorf("%+v", r)
	}
	if (report.Text{EN: "x"}).In("de") != "x" {
		t.Error("an unknown language is not answered in English")
	}
}

// TestCodesOfPathAreKnown holds the catalogue against the codes that package path declares.
func TestCodesOfPathAreKnown(t *testing.T) {
	found := 0
	for _, value := range constantsOf(t, filepath.Join("..", "path", "result.go"), "Code") {
		found++
		if c := report.Code(strings.ReplaceAll(value, "-", "_")); !report.Known(c) {
			t.Errorf("the catalogue lacks %s", c)
		}
	}
	if found < 20 {
		t.Errorf("only %d codes were found", found)
	}
}

// TestSubIndicationsOfPath: what a path ends with is spelt as this package spells it.
func TestSubIndicationsOfPath(t *testing.T) {
	known := constantsOf(t, "verdict.go", "SubIndication")
	for _, value := range constantsOf(t, filepath.Join("..", "path", "result.go"), "SubIndication") {
		if !slices.Contains(known, value) {
			t.Errorf("%s is not declared here", value)
		}
	}
}

// constantsOf lists the string constants of a type in a file.
func constantsOf(t *testing.T, file, typeName string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typeName {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, s)
			}
		}
		return true
	})
	return out
}

func TestWorst(t *testing.T) {
	order := []report.Indication{report.TotalPassed, report.Indeterminate, report.TotalFailed}
	for i, a := range order {
		for j, b := range order {
			if a.Worse(b) != (i > j) {
				t.Errorf("%s worse than %s: %v", a, b, a.Worse(b))
			}
		}
	}
	if !report.Indication("").Worse(report.Indeterminate) {
		t.Error("an unknown indication is taken lightly")
	}
	if (report.Verdict{Indication: report.TotalPassed}).Passed() {
		t.Error("passed without a signature")
	}
}
