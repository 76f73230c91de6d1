package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"qaqpa/api/language"
)

// auditedActions are the actions that our code writes down, as far as they stand in it whole: what is put together of parts, such as
// "exception." and a step, is not found.
func auditedActions(t *testing.T) map[string]string {
	t.Helper()
	action := regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)*\.[a-z][a-z_-]*[a-z]$`)
	found := map[string]string{}
	note := func(where string, e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && action.MatchString(text) {
				found[text] = where
			}
		}
	}
	for _, folder := range []string{"../payment", "../signer", "auth", "watch"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CompositeLit: // entry{actor, action, subject, detail}
					if name, ok := n.Type.(*ast.Ident); ok && name.Name == "entry" && len(n.Elts) > 1 {
						note(path, n.Elts[1])
					}
				case *ast.CallExpr: // Append(ctx, tx, actor, action, subject, detail)
					if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Append" && len(n.Args) == 6 {
						note(path, n.Args[3])
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// Each action that stands in the audit log has words in each language beside its name.
func TestAuditedActionsHaveWords(t *testing.T) {
	texts, err := language.Load()
	if err != nil {
		t.Fatal(err)
	}
	actions := auditedActions(t)
	if len(actions) < 50 {
		t.Fatalf("only %d actions were found", len(actions))
	}
	for action, where := range actions {
		for _, lang := range language.All() {
			if !texts.Has(lang, "audit.did."+action) {
				t.Errorf("%s: no words for %s of %s", lang, action, where)
			}
		}
	}
}
