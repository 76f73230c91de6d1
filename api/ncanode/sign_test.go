package ncanode_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/testenv/pki"
)

var data = []byte("қаулы № 5406")

// TestCMS: what is signed here is valid here, in each form and with each way to ask for revocation, and openssl agrees.
func TestCMS(t *testing.T) {
	b := setup(t, pki.GOST2015, pki.RSA)
	gost, rsa := b.issue(pki.Profile{Family: pki.GOST2015, Name: "gost"}), b.issue(pki.Profile{Family: pki.RSA, Name: "rsa"})
	for _, detached := range []bool{false, true} {
		for _, stamped := range []bool{false, true} {
			in := M{"data": b64(data), "signers": []any{b.key(gost), b.key(rsa)}, "detached": detached, "withTsp": stamped}
			signed := b.post("/cms/sign", in)["cms"]
			verify := M{"cms": signed, "revocationCheck": []string{"OCSP"}}
			if detached {
				verify["data"] = b64(data)
			}
			v := b.post("/cms/verify", verify)
			b.verdict(v, true, "")
			for i := range 2 {
				if got := at(t, v, "signers", i, "certificates", 0, "subject", "iin"); got != pki.IIN(7) {
					t.Errorf("IIN %v", got)
				}
				if got := at(t, v, "signers", i, "tsp") != nil; got != stamped {
					t.Errorf("signer %d: time stamp %v, want %v", i, got, stamped)
				}
			}
			if stamped && at(t, v, "signers", 0, "tsp", "tspHashAlgorithm") != "GOST3411-2015-512" {
				t.Errorf("stamp over %v", at(t, v, "signers", 0, "tsp"))
			}
		}
	}
	one := b.post("/cms/sign", M{"data": b64(data), "signers": []any{b.key(rsa)}})["cms"]
	opensslTakes(t, b.pki, unb64(t, one))
	for _, check := range [][]string{nil, {}, {"CRL"}, {"OCSP"}, {"OCSP", "CRL"}} {
		v := b.post("/cms/verify", M{"cms": one, "revocationCheck": check})
		b.verdict(v, true, "")
		states, _ := at(t, v, "signers", 0, "certificates", 0, "revocations").([]any)
		if len(states) != len(check) {
			t.Fatalf("%v: %v", check, states)
		}
		for i, state := range states {
			if at(t, state, "revoked") != false || at(t, state, "status") != "GOOD" || len(check) == 2 && at(t, state, "by") != []string{"CRL", "OCSP"}[i] {
				t.Errorf("%v: %v", check, state)
			}
		}
	}
	if got := unb64(t, b.post("/cms/extract", M{"cms": one})["data"]); string(got) != string(data) {
		t.Errorf("extracted %q", got)
	}
}

// opensslTakes lets openssl judge an attached CMS and its chain.
func opensslTakes(t *testing.T, p *pki.PKI, cms []byte) {
	t.Helper()
	dir := t.TempDir()
	chain := append(p.AnchorsPEM(pki.RSA), p.IntermediatesPEM(pki.RSA)...)
	for name, content := range map[string][]byte{"cms": cms, "chain.pem": chain} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "cms", "-CAfile", "chain.pem",
		"-purpose", "any", "-attime", "1790845200")
	cmd.Dir = dir
	var faults strings.Builder
	cmd.Stderr = &faults
	if out, err := cmd.Output(); err != nil || string(out) != string(data) {
		t.Errorf("openssl: %q, %v, %s", out, err, faults.String())
	}
}

// TestCMSAdd: signatures are added in either form; those that are there, and their time stamps, stay.
func TestCMSAdd(t *testing.T) {
	b := setup(t, pki.RSA, pki.GOST2015)
	first, second := b.key(b.issue(pki.Profile{Family: pki.RSA, Name: "first"})), b.key(b.issue(pki.Profile{Family: pki.GOST2015, Name: "second"}))
	for _, was := range []bool{false, true} {
		for _, becomes := range []bool{false, true} {
			one := b.post("/cms/sign", M{"data": b64(data), "signers": []any{first}, "detached": was, "withTsp": true})["cms"]
			add := M{"cms": one, "signers": []any{second}, "detached": becomes}
			if was {
				b.refused("/cms/sign/add", add, "request_unusable")
				add["data"] = b64(data)
			}
			two := b.post("/cms/sign/add", add)["cms"]
			verify := M{"cms": two}
			if becomes {
				verify["data"] = b64(data)
				b.refused("/cms/extract", M{"cms": two}, "content_missing")
			}
			v := b.post("/cms/verify", verify)
			b.verdict(v, true, "")
			if at(t, v, "signers", 0, "tsp") == nil || at(t, v, "signers", 1, "tsp") != nil {
				t.Errorf("%v, %v", at(t, v, "signers", 0, "tsp"), at(t, v, "signers", 1, "tsp"))
			}
		}
	}
	one := b.post("/cms/sign", M{"data": b64(data), "signers": []any{first}})["cms"]
	b.refused("/cms/sign/add", M{"cms": one, "data": b64([]byte("another")), "signers": []any{second}}, "request_unusable")
}

const order = `<order xmlns="urn:test">
	<fee id="f1">5406</fee>  <fee id="f2">1</fee>
</order>`

// TestXML: XML with several signers, parts of it, and what is done to it before it is signed.
func TestXML(t *testing.T) {
	b := setup(t, pki.GOST2015, pki.RSA)
	gost, rsa := b.key(b.issue(pki.Profile{Family: pki.GOST2015, Name: "gost"})), b.key(b.issue(pki.Profile{
		Family: pki.RSA, Name: "rsa", Kind: pki.Employee, Role: pki.Head, Surname: "ОМАРОВА", Given: "АЙША", IIN: pki.IIN(8), BIN: pki.BIN(3), Organisation: `"ЖШС" «Тест»`,
	}))
	both := text(b.post("/xml/sign", M{"xml": order, "signers": []any{gost, rsa}})["xml"])
	v := b.post("/xml/verify", M{"xml": both, "revocationCheck": []string{"CRL", "OCSP"}})
	b.verdict(v, true, "")
	// The last signature comes first.
	if at(t, v, "signers", 0, "subject", "bin") != pki.BIN(3) || at(t, v, "signers", 1, "subject", "bin") != nil {
		t.Errorf("signers %v", at(t, v, "signers"))
	}
	b.verdict(b.post("/xml/verify", M{"xml": strings.Replace(both, "5406", "5407", 1)}), false, "content_changed")

	again := text(b.post("/xml/sign", M{"xml": both, "signers": []any{rsa}, "clearSignatures": true, "trimXml": true})["xml"])
	if strings.Count(again, "<ds:Signature ") != 1 || !strings.HasPrefix(again, `<order xmlns="urn:test"><fee id="f1">5406</fee><fee id="f2">1</fee><ds:Signature`) {
		t.Errorf("not cleared or trimmed: %.300s", again)
	}
	b.verdict(b.post("/xml/verify", M{"xml": again}), true, "")
	b.refused("/xml/sign", M{"xml": both, "signers": []any{rsa}, "trimXml": true}, "trim_breaks_signatures")

	rsa["referenceUri"] = "#f1"
	part := text(b.post("/xml/sign", M{"xml": order, "signers": []any{rsa}})["xml"])
	b.verdict(b.post("/xml/verify", M{"xml": part, "referenceUri": "#f1"}), true, "")
	b.verdict(b.post("/xml/verify", M{"xml": part}), false, "document_partly_covered")
	b.verdict(b.post("/xml/verify", M{"xml": part, "referenceUri": "#f2"}), false, "document_partly_covered")
}

func text(v any) string { s, _ := v.(string); return s }

const envelope = `<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"> <S:Body><pay>5406</pay></S:Body></S:Envelope>`

// TestWSSE: a SOAP message is valid when its Body is signed.
func TestWSSE(t *testing.T) {
	b := setup(t, pki.GOST2015)
	in := b.key(b.issue(pki.Profile{Family: pki.GOST2015, Name: "system", Kind: pki.InformationSystem, SystemName: "БАНК", Organisation: "БАНК", BIN: pki.BIN(4)}))
	in["xml"], in["trimXml"] = envelope, true
	signed := text(b.post("/wsse/sign", in)["xml"])
	if strings.Contains(signed, "> <S:Body") {
		t.Error("not trimmed")
	}
	v := b.post("/wsse/verify", M{"xml": signed, "revocationCheck": []string{"OCSP"}})
	b.verdict(v, true, "")
	if at(t, v, "signers", 0, "subject", "bin") != pki.BIN(4) {
		t.Errorf("%v", at(t, v, "signers", 0))
	}
	b.verdict(b.post("/wsse/verify", M{"xml": strings.Replace(signed, "5406", "5407", 1)}), false, "content_changed")
	// As XML, a message is signed in part.
	b.verdict(b.post("/xml/verify", M{"xml": signed}), false, "document_partly_covered")
	b.verdict(b.post("/wsse/verify", M{"xml": envelope}), false, "no_signature")
	in["xml"] = order
	b.refused("/wsse/sign", in, "request_unusable")
}

// TestJWT: tokens of all kinds of keys, of those for authentication too.
func TestJWT(t *testing.T) {
	b := setup(t, pki.GOST2015, pki.RSA, pki.ECDSA)
	payload := M{"sub": "850101300019", "exp": b.clk.now().Unix() + 600, "list": []any{1.5, nil, "ә"}}
	for family, alg := range map[pki.Family]string{pki.GOST2015: "GG2015", pki.RSA: "RS256", pki.ECDSA: "ES256"} {
		id := b.issue(pki.Profile{Family: family, Name: "auth_" + string(family), Use: pki.Auth})
		in := b.key(id)
		in["jwt"] = M{"header": M{"alg": alg, "typ": "JWT"}, "payload": payload}
		token := text(b.post("/jwt/encode", in)["jwt"])
		decode := M{"jwt": token, "key": b64(id.Certificate), "revocationCheck": []string{"OCSP"}}
		v := b.post("/jwt/decode", decode)
		b.verdict(v, true, "")
		if at(t, v, "jwt", "header", "alg") != alg || at(t, v, "jwt", "payload", "list", 2) != "ә" {
			t.Errorf("%v", v["jwt"])
		}
		last := len(token) - 10
		decode["jwt"] = token[:last] + string(token[last]^1) + token[last+1:]
		if _, err := b.call("/jwt/decode", []byte(`{"jwt":"`+text(decode["jwt"])+`","key":"`+b64(id.Certificate)+`"}`)); err == nil {
			b.verdict(b.post("/jwt/decode", decode), false, "signature_wrong")
		}
		in["jwt"] = M{"header": M{"alg": "ES512"}, "payload": payload}
		b.refused("/jwt/encode", in, "request_unusable")
	}
}
