package api

import (
	"strings"
	"testing"

	"qaqpa/api/portal"
)

// Each handbook is there in each language, complete, and nothing else is.
func TestHandbooks(t *testing.T) {
	j := newJudging(t)
	wanted := map[string]int{"citizen": 9, "agency": 8, "bank": 7, "operator": 8}
	for _, lang := range []string{"kk", "ru", "en"} {
		for _, role := range append([]string{""}, portal.HandbookRoles()...) {
			path := strings.TrimSuffix("/handbook/"+role, "/") + "?lang=" + lang
			a := j.do(call{method: "GET", path: path, page: true})
			if a.status != 200 || strings.Contains(string(a.body), "handbook.") || !strings.Contains(string(a.body), `<html lang="`+lang+`">`) {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
			if sections := strings.Count(string(a.body), "<section"); sections != wanted[role] {
				t.Errorf("%s: %d sections", path, sections)
			}
		}
	}
	for _, none := range []string{"/handbook/admin", "/handbook/%3Cscript%3E"} {
		if a := j.do(call{method: "GET", path: none, page: true}); a.status != 404 {
			t.Errorf("%s: %d", none, a.status)
		}
	}
}
