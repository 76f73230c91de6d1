package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"

	"qaqpa/signer"
)

// What a caller demands of a certificate decides; what cannot be demanded is refused with the member's name.
func TestDemandsOfCertificates(t *testing.T) {
	g, p, id := judgingFront(t)
	body := func(more map[string]any) map[string]any {
		out := map[string]any{"certificate": b64(id.PEM()), "policy": "standard", "evidence": []string{b64(p.IntermediatesPEM())}}
		maps.Copy(out, more)
		return out
	}
	for name, row := range map[string]struct {
		demand map[string]any
		want   string
	}{
		"nothing":          {nil, "TOTAL-PASSED"},
		"its use":          {map[string]any{"key_usage": []string{"digitalSignature"}}, "TOTAL-PASSED"},
		"another use":      {map[string]any{"key_usage": []string{"keyCertSign"}}, "INDETERMINATE"},
		"another purpose":  {map[string]any{"purposes": []string{"1.3.6.1.5.5.7.3.8"}}, "INDETERMINATE"},
		"a shorter path":   {map[string]any{"path_length_max": 0}, "INDETERMINATE"},
		"long enough":      {map[string]any{"path_length_max": 1}, "TOTAL-PASSED"},
		"a foreign policy": {map[string]any{"certificate_policies": map[string]any{"acceptable": []string{"1.2.3.4"}, "explicit": true}}, "INDETERMINATE"},
		"no revocation":    {map[string]any{"revocation": "off", "authority_revocation": "off"}, "TOTAL-PASSED"},
	} {
		v := in[signer.CertificateVerdict](t, g.json("", "/v1/certificates/validations", body(row.demand)), http.StatusOK)
		if string(v.Indication) != row.want {
			t.Errorf("%s: %s %s %+v", name, v.Indication, v.Sub, v.Reasons)
		}
	}
	for field, demand := range map[string]map[string]any{
		"/key_usage":            {"key_usage": []string{"everything"}},
		"/path_length_max":      {"path_length_max": -1},
		"/revocation":           {"revocation": "sometimes"},
		"/authority_revocation": {"authority_revocation": "never"},
	} {
		a := g.do(call{method: http.MethodPost, path: "/v1/certificates/validations", contentType: typeJSON, body: marshal(t, body(demand)), bad: true})
		if got := a.want(t, http.StatusUnprocessableEntity, "invalid_request"); got.Field != field {
			t.Errorf("%s: %+v", field, got)
		}
	}
	bad := g.do(call{method: http.MethodPost, path: "/v1/certificates/validations", contentType: typeJSON, body: marshal(t, body(map[string]any{"policy": "lenient"})), bad: true})
	bad.want(t, http.StatusUnprocessableEntity, codeDocument)
	bad = g.do(call{method: http.MethodPost, path: "/v1/certificates/validations", contentType: typeJSON, body: marshal(t, body(map[string]any{"colour": 1})), bad: true})
	bad.want(t, http.StatusBadRequest, "json_unknown_field")
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
