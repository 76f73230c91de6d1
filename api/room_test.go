package api

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/signer/audit"
	"qaqpa/signer/dual"
	"qaqpa/signer/trust"
)

// furnished gives the gateway's pages keys, requests and a trust store.
func (w *whole) furnished(t *testing.T) *dual.Book {
	t.Helper()
	store := must[*trust.Store](t)(trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{w.pki.AnchorsPEM()}, Intermediates: [][]byte{w.pki.IntermediatesPEM()}}))
	trail := must[*audit.Log](t)(audit.New(audit.Config{Now: time.Now}))
	book := dual.New(w.db, trail, time.Now)
	w.cfg.Room = Room{
		Keys:     []portal.HeldKey{{Purpose: "seal", Token: "main", Label: "seal", ID: "0a0b", Algorithm: "ECDSA P-256", Certificate: w.bankID.Certificate}},
		Requests: book, Trust: store,
	}
	return book
}

const opsKeys = "/console/operator/aigul/keys"

// One operator asks, and only another one approves: not the same person under another role, nobody without the role, and no
// other site's form.
func TestFourEyesOnKeys(t *testing.T) {
	w := start(t)
	book := w.furnished(t)
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	w.grant(auth.Operator, "second-name", auth.Editor, w.head)
	w.grant(auth.Operator, "dauren", auth.Editor, w.employee)
	asker, other := w.browser(), w.browser()
	asker.enter(w.head)
	other.enter(w.employee)
	if got := other.get("/cabinet"); got.location != "/console" {
		t.Errorf("an employee without the right to pay is sent to %q, %d", got.location, got.status)
	}
	asker.get(opsKeys).want(t, 200, "0a0b", "ECDSA P-256", "АО «Көпір Банк»", "No request is open")
	for name, fields := range map[string]url.Values{
		"an unknown key": {"what": {"destroy"}, "held": {"ffff"}}, "an unknown deed": {"what": {"export"}, "held": {"0a0b"}}, "markup": {"what": {"<script>"}, "held": {"0a0b"}},
	} {
		if got := asker.submit(opsKeys+"/ask", fields); got.status != 400 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	asker.site = "cross-site"
	asker.submit(opsKeys+"/ask", url.Values{"what": {"destroy"}, "held": {"0a0b"}}).want(t, 403)
	asker.site = "same-origin"
	if got := asker.submit(opsKeys+"/ask", url.Values{"what": {"destroy"}, "held": {"0a0b"}}); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	page := asker.get(opsKeys + "?done=asked")
	page.want(t, 200, "The request is written down", "Destroy", "ЖҮНІСОВ", "(aigul)", "You asked for this")
	open, err := book.Open(t.Context())
	if err != nil || len(open) != 1 {
		t.Fatalf("%+v, %v", open, err)
	}
	id := url.Values{"request": {open[0].ID}}
	asker.submit(opsKeys+"/approve", id).want(t, 403, "A second operator is needed")
	asker.submit("/console/operator/second-name/keys/approve", id).want(t, 403, "A second operator is needed") // the same person
	other.submit(opsKeys+"/approve", id).want(t, 404)                                                          // no role under this name
	other.submit("/console/operator/dauren/keys/approve", url.Values{"request": {"kr_none"}}).want(t, 409, "There is no such request")
	page = other.get("/console/operator/dauren/keys")
	if got := other.submit("/console/operator/dauren/keys/approve", url.Values{"request": {page.field(t, "request")}}); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	other.get("/console/operator/dauren/keys?done=approved").want(t, 200, "The request is approved", "ӘБДІРОВА", "(dauren)", "--request="+open[0].ID)
	other.submit("/console/operator/dauren/keys/approve", id).want(t, 403)
	if open, err = book.Open(t.Context()); err != nil || open[0].Approved == nil || !strings.HasPrefix(*open[0].Approved, "operator:dauren/mbr_") {
		t.Errorf("%+v, %v", open, err)
	}
}

// Those who look do not act, and those of others do not even look.
func TestRoomIsForOperators(t *testing.T) {
	w := start(t)
	w.furnished(t)
	w.grant(auth.Operator, "aigul", auth.Viewer, w.head)
	w.grant(auth.Agency, w.agencyID, auth.Editor, w.employee)
	viewer, stranger := w.browser(), w.browser()
	viewer.enter(w.head)
	stranger.enter(w.employee)
	viewer.submit(opsKeys+"/ask", url.Values{"what": {"destroy"}, "held": {"0a0b"}}).want(t, 403)
	if strings.Contains(viewer.get(opsKeys).body, "<form class=\"card\"") {
		t.Error("who only looks has a form")
	}
	for _, path := range []string{"keys", "trust", "audit", "audit/1/1"} {
		stranger.get("/console/operator/aigul/"+path).want(t, 404)
		if got := w.browser().get("/console/operator/aigul/" + path); got.location != "/sign-in" {
			t.Errorf("%s: %d %s", path, got.status, got.location)
		}
		h := viewer.get("/console/operator/aigul/" + path).header
		if csp := h.Get("Content-Security-Policy"); csp != pagePolicy || h.Get("X-Frame-Options") != "DENY" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, h)
		}
	}
	viewer.get("/console/operator/aigul/trust").want(t, 200, "authorities that the operator chose", "trust anchor", "No lists are kept at hand")
}

// The log is read by subject, actor and action; what is asked for is text, and each entry has its proof.
func TestAuditPages(t *testing.T) {
	w := start(t)
	w.furnished(t)
	w.grant(auth.Operator, "aigul", auth.Viewer, w.head)
	if _, err := w.cfg.Signer.SealAudit(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	b.enter(w.head)
	const at = "/console/operator/aigul/audit"
	page := b.get(at)
	page.want(t, 200, "operator “test” (by key)")
	b.get(at+"?actor=operator:test&action="+url.QueryEscape("nothing.*")).want(t, 200, "Nothing was found")
	for _, odd := range []string{`"><script>alert(1)</script>`, `%' OR 1=1 --`, `\`} {
		got := b.get(at + "?subject=" + url.QueryEscape(odd) + "&action=" + url.QueryEscape(odd))
		got.want(t, 200, "Nothing was found")
		if strings.Contains(got.body, "<script>") {
			t.Errorf("%s came back as it was", odd)
		}
	}
	if iin := w.head.IIN(); strings.Contains(page.body, iin) || !strings.Contains(page.text, "citizen:********"+iin[8:]) {
		t.Error("the log shows the numbers of persons")
	}
	b.get(at+"?subject="+w.citizen.IIN()).want(t, 400)
	b.get(at+"?actor=citizen:"+w.citizen.IIN()).want(t, 400)
	first := strings.Index(page.body, at+"/")
	proof := page.body[first : first+strings.IndexByte(page.body[first:], '"')]
	b.get(proof).want(t, 200, "The entry is in its place")
	if _, err := w.db.ExecContext(t.Context(), `UPDATE audit_entries SET actor = 'operator:nobody'`); err != nil {
		t.Fatal(err)
	}
	b.get(proof).want(t, 200, "The log was changed")
	for _, none := range []string{"/999/1", "/1/999999", "/-1/1", "/a/b", "/1/99999999999999999999"} {
		b.get(at+none).want(t, 404)
	}
}
