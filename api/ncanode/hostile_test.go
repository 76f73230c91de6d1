package ncanode_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"qaqpa/api/ncanode"
	"qaqpa/api/strictjson"
	"qaqpa/testenv/pki"
)

// answered tells whether an outcome is one that clients may see: JSON, or an error that is theirs to mend.
func answered(tb testing.TB, path string, body, got []byte, err error) {
	tb.Helper()
	if err == nil {
		if !json.Valid(got) {
			tb.Errorf("%s: the answer is not JSON: %.200s", path, got)
		}
		return
	}
	var own *ncanode.Error
	var form *strictjson.Error
	switch {
	case errors.As(err, &form):
	case errors.As(err, &own) && own.Status < 500:
	default:
		tb.Errorf("%s: %.200s: %v", path, body, err)
	}
}

// TestHostileBodies: whatever comes is answered, and nothing is a failure of ours.
func TestHostileBodies(t *testing.T) {
	b := setup(t, pki.ECDSA)
	good := b.key(b.issue(pki.Profile{Family: pki.ECDSA, Name: "signer"}))
	key := fmt.Sprintf(`{"key":"%s","password":"%s"}`, good["key"], password)
	xml := func(s string) string {
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	signed := text(b.post("/xml/sign", M{"xml": order, "signers": []any{good}})["xml"])
	cms := unb64(t, b.post("/cms/sign", M{"data": b64(data), "signers": []any{good}})["cms"])
	deep := strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000)
	bodies := map[string]string{
		"empty": "", "nothing": "null", "list": "[]", "deep": strings.Repeat(`{"a":`, 100_000), "wide": `{"a":[` + strings.Repeat("1,", 100_000) + `1]}`,
		"twice": `{"cms":"AA==","cms":"AA==","xml":"<a/>","xml":"<b/>"}`, "not UTF-8": "{\"xml\":\"\xff\"}", "long number": `{"a":` + strings.Repeat("9", 1<<20) + `}`,
		"many keys":      `{"data":"AA==","xml":"<a/>","signers":[` + strings.Repeat(key+",", 40) + key + `],"keys":[` + strings.Repeat(key+",", 40) + key + `]}`,
		"many bad keys":  `{"data":"AA==","xml":"<a/>","signers":[` + strings.Repeat(`{"key":"MAA=","password":""},`, 31) + `{"key":"MAA=","password":""}]}`,
		"many certs":     `{"certs":[` + strings.Repeat(`"MAA=",`, 31) + `"MAA="]}`,
		"deep XML":       `{"signers":[` + key + `],"key":"","password":"","xml":` + xml(deep) + `}`,
		"DOCTYPE":        `{"signers":[` + key + `],"key":"","password":"","xml":` + xml(`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`) + `}`,
		"doubled":        `{"signers":[` + key + `],"key":"","password":"","xml":` + xml(`<a b="1" b="2"/>`) + `}`,
		"other encoding": `{"signers":[` + key + `],"key":"","password":"","xml":` + xml(`<?xml version="1.0" encoding="windows-1251"?><a/>`) + `}`,
		"two byte text":  `{"signers":[` + key + `],"key":"","password":"","xml":` + xml(`<?xml version="1.0" encoding="UTF-16"?><a/>`) + `}`,
		"signature only": `{"signers":[` + key + `],"key":"","password":"","clearSignatures":true,"xml":` + xml(`<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>`) + `}`,
		"CMS as XML":     `{"xml":"` + b64(cms) + `"}`, "XML as CMS": `{"cms":"` + b64([]byte(signed)) + `"}`, "XML as such": `{"cms":` + xml(signed) + `}`,
		"token": `{"jwt":"` + strings.Repeat("A", 1<<20) + `..","key":"MAA="}`, "no token": `{"jwt":{"header":{"alg":"HS256"},"payload":{}},"key":"","password":""}`,
	}
	for n := 0; n < len(cms); n += max(1, len(cms)/16) {
		bodies[fmt.Sprintf("%d octets of CMS", n)] = `{"cms":"` + b64(cms[:n]) + `"}`
	}
	for n := 0; n < len(signed); n += max(1, len(signed)/16) {
		bodies[fmt.Sprintf("%d octets of XML", n)] = `{"xml":` + xml(signed[:n]) + `}`
	}
	for name, body := range bodies {
		for path := range b.operations {
			got, err := b.call(path, []byte(body))
			answered(t, name+" at "+path, []byte(body), got, err)
			if strings.Contains(name, "octets") && err == nil && !strings.Contains(string(got), `"valid":false`) && path != "/cms/extract" {
				t.Errorf("%s at %s: %.300s", name, path, got)
			}
		}
	}
}

// FuzzOperations: any body gets an answer from each operation, without a panic and without the network.
func FuzzOperations(f *testing.F) {
	b := national(f, "2026-09-01T00:00:00Z")
	var paths []string
	for path := range b.operations {
		paths = append(paths, path)
	}
	for _, s := range []string{
		`{"cms":"MAA=","data":"AA==","revocationCheck":["OCSP"]}`, `{"xml":"<a><b id=\"x\"/></a>","signers":[],"trimXml":true,"clearSignatures":true}`,
		`{"certs":["MAA="],"certificate":"","signature":"AA==","data":"x"}`, `{"keys":[{"key":"MAA=","password":"x","keyAlias":null}]}`,
		`{"jwt":"e30.e30.AA","key":"MAA="}`, `{"jwt":{"header":{"alg":"GG2015","typ":"JWT"},"payload":{"a":[1.5]}},"key":"MAA=","password":""}`,
		`{"xml":"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo/></ds:Signature>"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range paths {
			got, err := b.operations[path].Serve(t.Context(), ncanode.Call{Body: body, Actor: "fuzz"})
			answered(t, path, body, got, err)
		}
	})
}
