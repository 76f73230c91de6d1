package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/postgres"
)

// judgingFront is a gateway whose signer asks running test authorities, with a citizen's identity.
func judgingFront(t *testing.T) (*gateway, *pki.PKI, *pki.Identity) {
	t.Helper()
	db := postgres.ForTest(t, signer.Migrate, auth.Migrate)
	p := must[*pki.PKI](t)(pki.New(pki.Options{Dir: t.TempDir(), Families: []pki.Family{pki.ECDSA}}))
	g := serveFront(t, db, &payment.Service{}, newSigner(t, p, db), nil)
	id := must[*pki.Identity](t)(p.Issue(pki.Profile{Family: pki.ECDSA, Kind: pki.Citizen, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(7)}))
	for id.Serial()[0] == 0 { // 1 in 128: the stand-in's responder does not find such a number
		id = must[*pki.Identity](t)(p.Issue(pki.Profile{Family: pki.ECDSA, Kind: pki.Citizen, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(7)}))
	}
	return g, p, id
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func (g *gateway) json(key, path string, body any) answered {
	g.t.Helper()
	return g.do(call{method: http.MethodPost, path: path, key: key, contentType: typeJSON, body: must[[]byte](g.t)(json.Marshal(body))})
}

// A batch gives each document its own verdict or problem, in order, and keeps the verdicts.
func TestBatchOfValidations(t *testing.T) {
	g, _, id := judgingFront(t)
	attached := must[[]byte](t)(id.SignCMS([]byte("бұйрық"), pki.CMSOptions{}))
	detached := must[[]byte](t)(id.SignCMS([]byte("бұйрық"), pki.CMSOptions{Detached: true}))
	digest := sha256.Sum256([]byte("бұйрық"))
	items := []map[string]any{
		{"reference": "a", "document": b64(attached)},
		{"reference": "b", "document": b64(bytes.Replace(attached, []byte("бұйрық"), []byte("бұйрыў"), 1)), "policy": "standard"},
		{"reference": "c", "document": b64(detached), "detached": b64([]byte("бұйрық"))},
		{"reference": "d", "document": b64(detached), "detached_digests": map[string]string{"SHA-256": b64(digest[:])}},
		{"reference": "e", "document": b64(attached), "at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)},
		{"reference": "f", "document": b64([]byte("no signature"))},
		{"document": b64(detached), "detached_digests": map[string]string{"SHA-256": b64(digest[:5])}},
	}
	key := g.key(auth.Operator, "operator", auth.ValidationsWrite, auth.ValidationsRead)
	got := in[batchResults](t, g.json(key, "/v1/validations/batch", map[string]any{"items": items}), http.StatusOK)
	want := []string{"TOTAL-PASSED", "TOTAL-FAILED", "TOTAL-PASSED", "TOTAL-PASSED", "", "TOTAL-FAILED", ""}
	for i, r := range got.Items {
		reference, _ := items[i]["reference"].(string)
		switch {
		case r.Reference != reference:
			t.Errorf("%d is %q", i, r.Reference)
		case want[i] == "":
			var p problem
			if err := json.Unmarshal(r.Problem, &p); err != nil || p.Status != http.StatusUnprocessableEntity || p.Field == "" || r.Verdict != nil {
				t.Errorf("%d: %s, %v", i, r.Problem, err)
			}
		case r.Verdict == nil || string(r.Verdict.Indication) != want[i]:
			t.Errorf("%d: %+v, %s", i, r.Verdict, r.Problem)
		default:
			kept := in[signer.Verdict](t, g.do(call{method: http.MethodGet, path: "/v1/validations/" + r.Verdict.ID, key: key}), http.StatusOK)
			if kept.Indication != r.Verdict.Indication {
				t.Errorf("%d: kept as %s", i, kept.Indication)
			}
		}
	}
	if len(got.Items) != len(items) || got.Items[1].Verdict.Policy != "standard" {
		t.Errorf("%d items", len(got.Items))
	}
	g.post("", "/v1/validations/batch", "", `{"items":[]}`).want(t, http.StatusUnauthorized, codeUnauthorised)
	g.post(key, "/v1/validations/batch", "", `{"items":[]}`).problem(t)
	many := make([]map[string]any, 101)
	for i := range many {
		many[i] = items[0]
	}
	g.post(key, "/v1/validations/batch", "", string(must[[]byte](t)(json.Marshal(map[string]any{"items": many})))).want(t, http.StatusBadRequest, "json_too_long")
}

// A certificate alone: chain, dates and revocation, for anybody; and nothing but a certificate is taken.
func TestCertificateAlone(t *testing.T) {
	g, p, id := judgingFront(t)
	for _, form := range [][]byte{id.Certificate, id.PEM()} {
		v := in[signer.CertificateVerdict](t, g.json("", "/v1/certificates/validations", map[string]any{"certificate": b64(form)}), http.StatusOK)
		if v.Indication != report.TotalPassed || v.Subject.IIN != pki.IIN(7) || len(v.Chain) != 3 || v.Revocation[0].Status != "good" {
			t.Errorf("%s/%s: %+v", v.Indication, v.Sub, v.Revocation)
		}
	}
	if err := p.Revoke(id, pki.KeyCompromise, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	list := must[[]byte](t)(p.CRL(p.NCA(pki.ECDSA)))
	v := in[signer.CertificateVerdict](t, g.json("", "/v1/certificates/validations", map[string]any{"certificate": b64(id.Certificate), "evidence": []string{b64(list)}}), http.StatusOK)
	if v.Indication != report.TotalFailed || v.Sub != report.Revoked {
		t.Errorf("%s/%s", v.Indication, v.Sub)
	}
	g.post("", "/v1/certificates/validations", "", `{"certificate":"AAAA"}`).want(t, http.StatusUnprocessableEntity, codeDocument)
	g.post("", "/v1/certificates/validations", "", `{}`).want(t, http.StatusBadRequest, "json_missing_field")
	g.post("", "/v1/certificates/validations", "", `{"certificate":"AAAA","at":"2099-01-01T00:00:00Z"}`).problem(t)
}

// A time-stamp token alone, over its original; and a document under a policy of the caller's choice, or a wrong one.
func TestStampsAndPolicies(t *testing.T) {
	g, p, id := judgingFront(t)
	token := must[[]byte](t)(p.StampFor(pki.ECDSA, []byte("бұйрық")))
	v := in[signer.Verdict](t, g.json("", "/v1/validations", map[string]any{"document": b64(token), "detached": b64([]byte("бұйрық"))}), http.StatusOK)
	if v.Format != "TST" || v.Indication != report.TotalPassed || len(v.TimeStamps) != 1 {
		t.Errorf("%s %s/%s", v.Format, v.Indication, v.Sub)
	}
	v = in[signer.Verdict](t, g.json("", "/v1/validations", map[string]any{"document": b64(token), "detached": b64([]byte("another"))}), http.StatusOK)
	if v.Indication == report.TotalPassed {
		t.Error("a token over something else passes")
	}
	doc := must[[]byte](t)(id.SignCMS([]byte("бұйрық"), pki.CMSOptions{}))
	for _, policy := range []string{"kz-2026", "standard", "strict"} {
		if v := in[signer.Verdict](t, g.json("", "/v1/validations", map[string]any{"document": b64(doc), "policy": policy}), http.StatusOK); v.Policy != policy {
			t.Errorf("%s was applied for %s", v.Policy, policy)
		}
	}
	g.post("", "/v1/validations", "", `{"document":"`+b64(doc)+`","policy":"lenient"}`).want(t, http.StatusUnprocessableEntity, codeDocument)
	g.post("", "/v1/validations", "", `{"document":"`+b64(doc)+`","policy_document":{"name":"mine"}}`).want(t, http.StatusUnprocessableEntity, codeDocument)
	g.post("", "/v1/validations", "", `{"document":"`+b64(doc)+`","detached":"AA==","detached_digests":{"SHA-256":"`+b64(make([]byte, 32))+`"}}`).want(t, http.StatusUnprocessableEntity, codeDocument)
	g.post("", "/v1/validations", "", `{"document":"`+b64(doc)+`","detached_digests":{"MD5":"AA=="}}`).problem(t)
}
