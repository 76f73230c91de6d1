package api

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"qaqpa/signer"
	"qaqpa/testenv/pki"
)

// Several originals come as members of JSON or as parts of a form, whose file names are their names, folders included. What is sent
// twice, or nobody signed, does not pass.
func TestSeveralOriginals(t *testing.T) {
	g, _, id := judgingFront(t)
	document := must[[]byte](t)(id.SignCMS([]byte("бұйрық"), pki.CMSOptions{Detached: true}))
	member := func(name string, content any) map[string]any { return map[string]any{"name": name, "content": content} }
	ask := func(originals ...map[string]any) answered {
		body := must[[]byte](t)(json.Marshal(map[string]any{"document": b64(document), "originals": originals}))
		return g.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeJSON, body: body, bad: true})
	}
	if v := in[signer.Verdict](t, ask(member("a", b64([]byte("бұйрық")))), http.StatusOK); v.Indication != "TOTAL-PASSED" {
		t.Errorf("%s %s", v.Indication, v.Sub)
	}
	if v := in[signer.Verdict](t, ask(member("a", b64([]byte("бұйрық"))), member("b", "")), http.StatusOK); v.Sub != "SIGNED_DATA_NOT_FOUND" {
		t.Errorf("two for a signature that names none: %s %s", v.Indication, v.Sub)
	}
	for name, bad := range map[string][]map[string]any{
		"twice":    {member("a", ""), member("a", "")},
		"nameless": {member("", "")},
		"nothing":  {{"name": "a"}},
		"both":     {{"name": "a", "content": "", "digests": map[string]string{"SHA-256": b64(make([]byte, 32))}}},
		"no hash":  {{"name": "a", "digests": map[string]string{"MD2": ""}}},
	} {
		if a := ask(bad...); a.status != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), "/originals/") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	xml := []byte(`<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>` +
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>` +
		`<ds:Reference URI="folder/a.txt"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=</ds:DigestValue></ds:Reference>` +
		`<ds:Reference URI="b.txt"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</ds:DigestValue></ds:Reference>` +
		`</ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>`)
	send := func(names ...string) answered {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part := func(disposition string, content []byte) {
			p := must[interface{ Write([]byte) (int, error) }](t)(w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}}))
			must[int](t)(p.Write(content))
		}
		part(`form-data; name="document"; filename="s.xml"`, xml)
		for i, name := range names {
			part(`form-data; name="original"`+name, [][]byte{[]byte("a"), nil}[i%2])
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return g.upload("", w.FormDataContentType(), &body)
	}
	v := in[signer.Verdict](t, send(`; filename="folder/a.txt"`, `; filename="b.txt"`), http.StatusOK)
	if got := v.Signatures[0].Integrity; got.References != "intact" || got.Value != "undecided" || got.Key != "" {
		t.Errorf("%+v", got)
	}
	if v = in[signer.Verdict](t, send(`; filename="a.txt"`, `; filename="b.txt"`), http.StatusOK); v.Signatures[0].Integrity.References != "missing" {
		t.Errorf("another name: %+v", v.Signatures[0].Integrity)
	}
	for name, names := range map[string][]string{"twice": {`; filename="b.txt"`, `; filename="b.txt"`}, "nameless": {""}, "empty name": {`; filename=""`}} {
		if a := send(names...); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}
