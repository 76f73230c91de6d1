package api

import (
	"testing"

	"qaqpa/api/portal"
)

// The handbooks are read on a phone, in each language.
func TestBrowserReadsHandbooks(t *testing.T) {
	c := endToEnd(t)
	v := c.visit(t, "handbook", 360)
	for _, lang := range []string{"kk", "ru", "en"} {
		for _, role := range portal.HandbookRoles() {
			v.open("/handbook/" + role + "?lang=" + lang)
			v.accessible(role)
			v.fits()
			v.shot(lang + "-" + role)
		}
	}
	v.light(120_000)
	v.clean()
}
