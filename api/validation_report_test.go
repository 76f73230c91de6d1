package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/signer"
	"qaqpa/testenv/pki"
)

type wantedReport struct{ query, accept, media, begins, reproduced string }

func (w wantedReport) accepts() map[string]string {
	if w.accept == "" {
		return nil
	}
	return map[string]string{"Accept": w.accept}
}

// The report of a stored verdict in each form, for who asked and for the operator, and for nobody else.
func TestReportOnVerdict(t *testing.T) {
	j := newJudging(t)
	document := j.sign(j.citizen(), []byte("қаулы"), pki.CMSOptions{})
	judge := func(c call, members string) (v signer.Verdict) {
		t.Helper()
		c.method, c.path, c.contentType, c.body = http.MethodPost, "/v1/validations", typeJSON, fmt.Appendf(nil, `{"document":%q%s}`, base64.StdEncoding.EncodeToString(document), members)
		if a := j.do(c); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		} else if err := json.Unmarshal(a.body, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	agency := j.key(auth.Agency, "ag-1")
	v := judge(call{key: agency}, `,"keep_document":true`)
	at := "/v1/validations/" + v.ID + "/report"
	operator, other := j.key(auth.Operator, "ops"), j.key(auth.Agency, "ag-2")
	for _, c := range []wantedReport{
		{"", "", typeJSON, `{"id":"` + v.ID, "same"},
		{"", "text/html;q=0.9, application/json;q=0.1", typeHTML, "<!doctype html>", "same"},
		{"?format=html&lang=kk", "", typeHTML, "<!doctype html>\n<html lang=\"kk\">", "same"},
		{"?format=pdf&lang=ru", "", typePDF, "%PDF-1.", "same"},
		{"?format=xml", "", typeXML, "<?xml", "same"},
	} {
		first := j.do(call{method: http.MethodGet, path: at + c.query, key: agency, header: c.accepts()})
		again := j.do(call{method: http.MethodGet, path: at + c.query, key: operator, header: c.accepts()})
		media, _, _ := strings.Cut(first.header.Get("Content-Type"), ";")
		if first.status != http.StatusOK || media != c.media || !bytes.HasPrefix(first.body, []byte(c.begins)) || first.header.Get("Qaqpa-Reproduced") != c.reproduced {
			t.Errorf("%q: %d %s %s %.80s", c.query, first.status, media, first.header.Get("Qaqpa-Reproduced"), first.body)
		}
		if !bytes.Equal(first.body, again.body) {
			t.Errorf("%q: another time other bytes", c.query)
		}
	}
	page := j.do(call{method: http.MethodGet, path: at + "?format=html", key: agency})
	if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "style-src 'sha256-") || strings.Contains(csp, "script") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("policy of the page: %s", csp)
	}
	unkept := judge(call{key: agency}, "")
	if a := j.do(call{method: http.MethodGet, path: "/v1/validations/" + unkept.ID + "/report", key: agency}); a.header.Get("Qaqpa-Reproduced") != "not_kept" {
		t.Errorf("not kept: %d %s", a.status, a.header.Get("Qaqpa-Reproduced"))
	}
	for name, c := range map[string]struct {
		path   string
		call   call
		status int
	}{
		"another agency":      {at, call{key: other}, http.StatusNotFound},
		"nobody":              {at, call{}, http.StatusUnauthorized},
		"no such verdict":     {"/v1/validations/vrd_00/report", call{key: agency}, http.StatusNotFound},
		"no such form":        {at + "?format=doc", call{key: agency, bad: true}, http.StatusBadRequest},
		"a seal on HTML":      {at + "?format=html&sealed=1", call{key: agency, bad: true}, http.StatusBadRequest},
		"no seal key":         {at + "?format=pdf&sealed=1", call{key: agency}, http.StatusServiceUnavailable},
		"a form that is none": {at, call{key: agency, header: map[string]string{"Accept": "image/png"}}, http.StatusNotAcceptable},
	} {
		c.call.method, c.call.path = http.MethodGet, c.path
		if a := j.do(c.call); a.status != c.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	keep := call{method: http.MethodPost, path: "/v1/validations", contentType: typeJSON, body: fmt.Appendf(nil, `{"document":%q,"keep_document":true}`, base64.StdEncoding.EncodeToString(document))}
	if a := j.do(keep); a.status != http.StatusUnprocessableEntity {
		t.Errorf("kept for nobody: %d %s", a.status, a.body)
	}
}
