package ncanode_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"qaqpa/api/ncanode"
	"qaqpa/signer/p12"
	"qaqpa/signer/pkix"
	"qaqpa/testenv/pki"
)

// TestFalseWhereNCANodeSaysTrue: each document that NCANode takes wrongly is not valid here, and the reason is told.
func TestFalseWhereNCANodeSaysTrue(t *testing.T) {
	b := setup(t, pki.RSA)
	id := b.issue(pki.Profile{Family: pki.RSA, Name: "signer"})
	sign := func(id *pki.Identity, o pki.CMSOptions) string {
		doc, err := id.SignCMS(data, o)
		if err != nil {
			t.Fatal(err)
		}
		return b64(doc)
	}
	good := sign(id, pki.CMSOptions{})
	b.verdict(b.post("/cms/verify", M{"cms": good}), true, "")
	none, err := pki.CoSign(data, pki.CMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in     M
		reason string
	}{
		"no signers":              {M{"cms": b64(none)}, "no_signature"},
		"certificate missing":     {M{"cms": sign(id, pki.CMSOptions{NoCertificate: true})}, "signer_certificate_missing"},
		"data of another":         {M{"cms": good, "data": b64([]byte("another"))}, "content_changed"},
		"detached, without data":  {M{"cms": sign(id, pki.CMSOptions{Detached: true})}, "content_missing"},
		"detached, data changed":  {M{"cms": sign(id, pki.CMSOptions{Detached: true}), "data": b64([]byte("x"))}, "content_changed"},
		"issued by nobody":        {M{"cms": sign(b.issue(pki.Profile{Family: pki.RSA, Name: "impostor", Impostor: true}), pki.CMSOptions{})}, "certificate_signature"},
		"issued by an end entity": {M{"cms": sign(b.issue(pki.Profile{Family: pki.RSA, Name: "below", Issuer: id}), pki.CMSOptions{Chain: true})}, "not_a_ca"},
		"for authentication only": {M{"cms": sign(b.issue(pki.Profile{Family: pki.RSA, Name: "auth", Use: pki.Auth}), pki.CMSOptions{})}, "key_not_for_signing"},
		"out of date": {M{"cms": sign(b.issue(pki.Profile{
			Family: pki.RSA, Name: "old", NotBefore: b.clk.now().Add(-48 * time.Hour), NotAfter: b.clk.now().Add(-time.Hour),
		}), pki.CMSOptions{})}, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.TB = t
			b.verdict(b.post("/cms/verify", c.in), false, c.reason)
		})
	}
	// A time-stamp token has a signer and is no signed document. It once made 500 of that.
	token, err := b.pki.StampFor(pki.RSA, []byte("signature"))
	if err != nil {
		t.Fatal(err)
	}
	b.verdict(b.post("/cms/verify", M{"cms": b64(token)}), false, "no_signature")
	// The same content given beside the attached one is fine.
	b.verdict(b.post("/cms/verify", M{"cms": good, "data": b64(data)}), true, "")
}

// TestWrappedXML: the signed element is moved aside, and another stands where a program reads.
func TestWrappedXML(t *testing.T) {
	b := setup(t, pki.RSA)
	key := b.key(b.issue(pki.Profile{Family: pki.RSA, Name: "signer"}))
	key["referenceUri"] = "#f1"
	signed := text(b.post("/xml/sign", M{"xml": order, "signers": []any{key}})["xml"])
	wrapped := strings.Replace(signed, `<fee id="f1">5406</fee>`, `<fee id="f0">1</fee><old><fee id="f1">5406</fee></old>`, 1)
	b.verdict(b.post("/xml/verify", M{"xml": wrapped}), false, "document_partly_covered")
	b.verdict(b.post("/xml/verify", M{"xml": wrapped, "referenceUri": "#f0"}), false, "document_partly_covered")
	doubled := strings.Replace(signed, `<fee id="f2">1</fee>`, `<fee id="f1">1</fee>`, 1)
	b.verdict(b.post("/xml/verify", M{"xml": doubled, "referenceUri": "#f1"}), false, "")

	in := b.key(b.issue(pki.Profile{Family: pki.RSA, Name: "message"}))
	in["xml"] = envelope
	message := text(b.post("/wsse/sign", in)["xml"])
	from, to := strings.Index(message, "<S:Body"), strings.Index(message, "</S:Body>")+len("</S:Body>")
	body := message[from:to]
	moved := strings.Replace(message, body, "<S:Body><pay>9</pay></S:Body>", 1)
	moved = strings.Replace(moved, "</S:Header>", "<x>"+body+"</x></S:Header>", 1)
	if v := b.post("/wsse/verify", M{"xml": moved}); v["valid"] != false {
		t.Errorf("a wrapped Body is valid: %v", v)
	}
	// Under another prefix than ds it is a signature all the same.
	plain := b.key(b.issue(pki.Profile{Family: pki.RSA, Name: "prefix"}))
	whole := text(b.post("/xml/sign", M{"xml": order, "signers": []any{plain}})["xml"])
	other := strings.NewReplacer("<ds:", "<q:", "</ds:", "</q:", "xmlns:ds=", "xmlns:q=").Replace(whole)
	b.verdict(b.post("/xml/verify", M{"xml": other}), false, "signature_wrong")
}

// TestRevocation: what each service says, and what it does not say.
func TestRevocation(t *testing.T) {
	b := setup(t, pki.RSA)
	revoked, held := b.issue(pki.Profile{Family: pki.RSA, Name: "revoked"}), b.issue(pki.Profile{Family: pki.RSA, Name: "good"})
	doc, err := revoked.SignCMS(data, pki.CMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at1 := b.clk.now().Add(-time.Minute)
	if err := b.pki.Revoke(revoked, pki.KeyCompromise, at1); err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"OCSP", "CRL"} {
		v := b.post("/cms/verify", M{"cms": b64(doc), "revocationCheck": []string{by}})
		b.verdict(v, false, "revoked")
		r := at(t, v, "signers", 0, "certificates", 0, "revocations", 0)
		want := M{"revoked": true, "by": by, "status": "REVOKED", "reason": "KEY_COMPROMISE", "revocationTime": "2026-10-01T08:59:00.000+00:00"}
		for k, w := range want {
			if at(t, r, k) != w {
				t.Errorf("%s: %v, want %v", k, r, want)
			}
		}
	}
	// Nobody is asked unless the client says so, as in NCANode.
	b.verdict(b.post("/cms/verify", M{"cms": b64(doc)}), true, "")
	b.refused("/cms/sign", M{"data": b64(data), "signers": []any{b.key(revoked)}}, "certificate_refused")

	info := func(check ...string) (M, any) {
		v := b.post("/x509/info", M{"certs": []string{b64(held.PEM())}, "revocationCheck": check})
		return v, at(t, v, "signers", 0, "revocations")
	}
	for kind, status := range map[string]string{
		pki.FaultDown: "UNAVAILABLE", pki.FaultTryLater: "UNAVAILABLE", pki.FaultEmpty: "UNAVAILABLE",
		pki.FaultWrongSignature: "UNAVAILABLE", pki.FaultWrongResponder: "UNAVAILABLE", pki.FaultOtherSerial: "UNAVAILABLE",
		pki.FaultStale: "UNAVAILABLE", pki.FaultWrongNonce: "UNAVAILABLE", pki.FaultUnknown: "UNKNOWN",
	} {
		b.fault("ocsp", kind)
		v, all := info("OCSP")
		if v["valid"] != false || at(t, all, 0, "status") != status || (at(t, all, 0, "revoked") == nil) != (status == "UNAVAILABLE") {
			t.Errorf("%s: valid %v, %v", kind, v["valid"], all)
		}
		if status == "UNAVAILABLE" { // one good answer is enough
			v, all = info("OCSP", "CRL")
			b.verdict(v, true, "")
			if at(t, all, 0, "by") != "CRL" || at(t, all, 0, "revoked") != false || at(t, all, 1, "revoked") != nil {
				t.Errorf("%s, both: %v", kind, all)
			}
		}
		b.srv.Faults.Clear()
	}
}

// TestTimeStamps: one over something else is none, and one that holds is the time of validation.
func TestTimeStamps(t *testing.T) {
	b := setup(t, pki.RSA, pki.GOST2015)
	id := b.issue(pki.Profile{Family: pki.RSA, Name: "signer", NotBefore: b.clk.now().Add(-time.Hour), NotAfter: b.clk.now().Add(time.Hour)})
	stamped := b.post("/cms/sign", M{"data": b64(data), "signers": []any{b.key(id)}, "withTsp": true})["cms"]
	plain := b.post("/cms/sign", M{"data": b64(data), "signers": []any{b.key(id)}})["cms"]
	b.fault("tsp", pki.FaultWrongImprint)
	b.refused("/cms/sign", M{"data": b64(data), "signers": []any{b.key(id)}, "withTsp": true}, "tsa_failed")
	b.srv.Faults.Clear()
	b.clk.add(24 * time.Hour) // the certificate is out of date now
	v := b.post("/cms/verify", M{"cms": stamped})
	b.verdict(v, true, "")
	if at(t, v, "signers", 0, "tsp", "genTime") != "2026-10-01T09:00:00.000+00:00" {
		t.Errorf("%v", at(t, v, "signers", 0, "tsp"))
	}
	b.verdict(b.post("/cms/verify", M{"cms": plain}), false, "expired")
	// The stamp of one signature moved to another proves nothing.
	forged := moveStamp(t, unb64(t, stamped), unb64(t, plain))
	v = b.post("/cms/verify", M{"cms": b64(forged)})
	b.verdict(v, false, "expired")
	if at(t, v, "signers", 0, "tsp") != nil {
		t.Error("a stamp over another signature is shown")
	}
}

// TestTokensOfNow: a token is valid while it says so, by its own certificate.
func TestTokensOfNow(t *testing.T) {
	b := setup(t, pki.RSA)
	id, other := b.issue(pki.Profile{Family: pki.RSA, Name: "one"}), b.issue(pki.Profile{Family: pki.RSA, Name: "other"})
	in := b.key(id)
	in["jwt"] = M{"header": M{"alg": "RS256"}, "payload": M{"exp": b.clk.now().Unix() + 600}}
	token := b.post("/jwt/encode", in)["jwt"]
	b.verdict(b.post("/jwt/decode", M{"jwt": token, "key": b64(other.PEM())}), false, "signature_wrong")
	b.verdict(b.post("/jwt/decode", M{"jwt": token, "key": string(id.PEM())}), true, "")
	if err := b.pki.Revoke(id, pki.Superseded, b.clk.now()); err != nil {
		t.Fatal(err)
	}
	b.verdict(b.post("/jwt/decode", M{"jwt": token, "key": string(id.PEM()), "revocationCheck": []string{"OCSP"}}), false, "revoked")
	b.clk.add(time.Hour)
	b.verdict(b.post("/jwt/decode", M{"jwt": token, "key": string(id.PEM())}), false, "other")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{}`)) + "."
	b.refused("/jwt/decode", M{"jwt": none, "key": string(id.PEM())}, "jwt_malformed")
	in["jwt"] = M{"header": M{"alg": "RS256"}, "payload": M{"exp": "soon"}}
	b.refused("/jwt/encode", in, "certificate_refused") // revoked by now
}

// TestKeys: what may be wrong with a key file is told by its message and code, and nothing of the secret.
func TestKeys(t *testing.T) {
	b := setup(t, pki.RSA)
	id := b.issue(pki.Profile{Family: pki.RSA, Name: "signer"})
	good := b.key(id)
	file := unb64(t, good["key"])
	aliases := b.post("/pkcs12/aliases", M{"keys": []any{good, good}})
	alias := at(t, aliases, "aliases", 1, 0)
	with := func(change M) M {
		k := M{"key": good["key"], "password": good["password"]}
		maps.Copy(k, change)
		return k
	}
	b.verdict(b.post("/pkcs12/info", M{"keys": []any{with(M{"keyAlias": alias}), with(M{"keyAlias": nil})}, "revocationCheck": []string{"CRL"}}), true, "")
	for code, change := range map[string]M{
		"key_password": {"password": "Qwerty13"}, "key_alias": {"keyAlias": "nobody"}, "key_base64": {"key": "%%%"},
		"key_damaged": {"key": b64(file[:len(file)/2])},
	} {
		for path, list := range map[string]string{"/pkcs12/info": "keys", "/cms/sign": "signers", "/xml/sign": "signers"} {
			body, err := json.Marshal(M{list: []any{good, with(change)}, "data": b64(data), "xml": order})
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.call(path, body)
			if err == nil || !strings.HasPrefix(err.Error(), list+"[1]: Key reading error: ") || strings.Contains(err.Error(), "Qwerty") {
				t.Errorf("%s, %s: %v", path, code, err)
			}
		}
	}
	b.refused("/cms/sign", M{"data": b64(data), "signers": []any{}}, "signers_missing")
	b.refused("/cms/sign", M{"data": "", "signers": []any{good}}, "data_missing")
	b.refused("/cms/sign", M{"data": b64(data), "signers": []any{good}, "tsaPolicy": "TSA"}, "tsa_policy")
	b.refused("/cms/verify", M{"cms": "AAAA", "revocationCheck": []string{"ldap"}}, "revocation_check")
}

// TestAliasChoosesTheKey: NCANode takes the first key of a file, whatever the client names.
func TestAliasChoosesTheKey(t *testing.T) {
	b := setup(t, pki.ECDSA)
	var entries []p12.Entry
	for i, name := range []string{"first", "second"} {
		id := b.issue(pki.Profile{
			Family: pki.ECDSA, Name: name, Kind: pki.Citizen, Surname: "ОМАРОВА", Given: "АЙША", Patronymic: "ҚЫЗЫ", IIN: pki.IIN(20 + i),
		})
		cert, err := pkix.ParseCertificate(id.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, p12.Entry{Alias: name, Key: id.Key, Certificate: cert})
	}
	file, err := p12.Write(p12.WriteInput{Entries: entries, Password: password, Scheme: p12.National, Iterations: 1024, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	for alias, iin := range map[string]string{"": pki.IIN(20), "first": pki.IIN(20), "second": pki.IIN(21)} {
		key := M{"key": b64(file), "password": password, "keyAlias": alias}
		v := b.post("/pkcs12/info", M{"keys": []any{key}})
		w := b.post("/cms/verify", M{"cms": b.post("/cms/sign", M{"data": b64(data), "signers": []any{key}})["cms"]})
		if at(t, v, "signers", 0, "subject", "iin") != iin || at(t, w, "signers", 0, "certificates", 0, "subject", "iin") != iin {
			t.Errorf("%q: %v", alias, at(t, v, "signers", 0, "subject"))
		}
	}
}

// TestXMLThatIsNotTaken: what two readers could see differently is refused before anything is signed or judged.
func TestXMLThatIsNotTaken(t *testing.T) {
	b := setup(t, pki.ECDSA)
	key := b.key(b.issue(pki.Profile{Family: pki.ECDSA, Name: "signer"}))
	for xml, want := range map[string]ncanode.Code{
		`<!DOCTYPE a><a/>`: "xml_unreadable", `<a`: "xml_unreadable", "": "xml_unreadable", b64([]byte(order)): "xml_unreadable",
		`<?xml version="1.0" encoding="windows-1251"?><a/>`: "xml_encoding", `<?xml version="1.0" encoding="UTF-16"?><a/>`: "xml_encoding",
	} {
		for _, path := range []string{"/xml/sign", "/xml/verify", "/wsse/sign", "/wsse/verify"} {
			b.refused(path, M{"xml": xml, "signers": []any{key}, "key": key["key"], "password": password}, want)
		}
	}
	key["referenceUri"] = "http://example.kz/a.xml"
	b.refused("/xml/sign", M{"xml": order, "signers": []any{key}}, "request_unusable")
}

// moveStamp puts the unsigned attributes of the only signer of one CMS into another: both are DER of one length of header.
func moveStamp(t *testing.T, from, to []byte) []byte {
	t.Helper()
	i := bytes.Index(from, []byte{0xa1, 0x82}) // [1] unsignedAttrs is the last such element of the document
	i = bytes.LastIndex(from, from[i:i+2])
	for ; i > 0; i = bytes.LastIndex(from[:i], []byte{0xa1, 0x82}) {
		if n := int(from[i+2])<<8 | int(from[i+3]); i+4+n == len(from) {
			break
		}
	}
	if i <= 0 {
		t.Fatal("no unsigned attributes found")
	}
	return grow(t, to, from[i:])
}

// grow appends octets to the innermost last element of a DER CMS: ContentInfo, [0], SignedData, signerInfos, SignerInfo.
func grow(t *testing.T, der, tail []byte) []byte {
	t.Helper()
	out := append(bytes.Clone(der), tail...)
	for i := 0; i+3 < len(der); i++ {
		if der[i+1] != 0x82 {
			continue
		}
		if n := int(der[i+2])<<8 | int(der[i+3]); i+4+n == len(der) {
			n += len(tail)
			out[i+2], out[i+3] = byte(n>>8), byte(n)
		}
	}
	return out
}
