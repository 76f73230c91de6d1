package api

import (
	"fmt"
	"testing"

	"qaqpa/testenv/ncalayer"
)

// The agency's people look at their services, a form, debts and documents in bulk, in each language, at both widths.
func TestBrowserAgencyWork(t *testing.T) {
	c := endToEnd(t)
	c.owes(t, "AGENCY-1")
	c.twoEditors()
	c.layer.Behave(ncalayer.Signs, c.signs(c.head))
	for i, lang := range []string{"kk", "ru", "en"} {
		width := []int64{360, 1280, 360}[i]
		v := c.visit(t, fmt.Sprintf("agency %s %d", lang, width), width)
		v.open("/?lang=" + lang)
		v.enters()
		for _, path := range []string{"/services", "/services/driving-licence", "/new-service", "/debts", "/verify", ""} {
			v.open("/console/agency/" + c.agencyID + path)
			v.accessible(path)
			v.fits()
			v.shot(path)
		}
		v.clean()
	}
}
