package signer_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"

	"github.com/google/go-cmp/cmp"
)

// TestNCANodeXML: XML and SOAP messages signed with keys of the national test authority, as NCANode made them. The RSA
// certificate was good from 2021-01-18 to 2022-01-18, that of GOST-2015 from 2022-07-28 for a year; the list of revoked
// certificates is of 2022-09 and covers the GOST-2015 authority alone.
func TestNCANodeXML(t *testing.T) {
	dir := corpora(t, "kz", "ncanode")
	crl := read(t, filepath.Join(dir, "crl", "nca_gost2022_test.crl"))
	const rsaTime, gostTime, late = "2021-06-01T00:00:00Z", "2022-09-28T12:00:00Z", "2026-10-01T00:00:00Z"
	type subs = []report.SubIndication
	for _, c := range []struct {
		file, now, format, coverage string
		subs                        subs // of the signatures, in document order
	}{
		{"XmlServiceTest.XML_SIGNED_VALID_STRING_TWO_SIGNERS.xml", gostTime, "XMLDSig", "FULL", subs{report.Expired, ""}},
		{"XmlServiceTest.XML_SIGNED_VALID_STRING_TWO_SIGNERS.xml", rsaTime, "XMLDSig", "FULL", subs{report.TryLater, report.NotYetValid}},
		{"XmlServiceTest.XML_SIGNED_VALID_STRING_TWO_SIGNERS.xml", late, "XMLDSig", "FULL", subs{report.Expired, report.Expired}},
		{"XmlServiceTest.XML_SIGNED_VALID_STRING.xml", gostTime, "XMLDSig", "FULL", subs{report.Expired}},
		{"XmlServiceTest.XML_SIGNED_VALID_STRING.xml", rsaTime, "XMLDSig", "FULL", subs{report.TryLater}},
		{"WsseServiceTest.XML_SIGNED_STRING.xml", gostTime, "WSSE", "PARTIAL", subs{report.Expired}},
		{"WsseServiceTest.XML_SIGNED_STRING.xml", rsaTime, "WSSE", "PARTIAL", subs{report.TryLater}},
		{"WsseServiceTest.XML_VALID_STRING.xml", gostTime, "UNKNOWN", "", nil},
		{"WsseIntegrationTest.XML_STRING.xml", gostTime, "UNKNOWN", "", nil},
	} {
		t.Run(c.file+" "+c.now, func(t *testing.T) {
			b := national(t, trust.Test, c.now, "")
			v := b.validateRequest(signer.ValidateRequest{Document: read(t, filepath.Join(dir, "groovy", c.file)), Evidence: [][]byte{crl}})
			if v.Format != c.format || v.Coverage != c.coverage || v.Passed() || len(v.Signatures) != len(c.subs) {
				t.Fatalf("%s/%s, %s, %d signatures", v.Format, v.Coverage, v.Indication, len(v.Signatures))
			}
			for i, s := range v.Signatures {
				if s.Sub != c.subs[i] || s.Signer == nil || len(s.Chain) != 3 || len(s.Scopes) != 1 || !s.Scopes[0].Agrees {
					t.Errorf("signature %d: %s/%s (%s)", i+1, s.Indication, s.Sub, reasonCodes(s.Reasons))
				}
			}
			if len(c.subs) == 0 && reasonCodes(v.Reasons) != "no_signature" {
				t.Errorf("unsigned: %s", reasonCodes(v.Reasons))
			}
		})
	}
	// With revocation left aside each passes at the time of its certificate.
	for file, now := range map[string]string{"XmlServiceTest.XML_SIGNED_VALID_STRING.xml": rsaTime, "WsseServiceTest.XML_SIGNED_STRING.xml": rsaTime} {
		b := national(t, trust.Test, now, signer.RevocationOff)
		doc := read(t, filepath.Join(dir, "groovy", file))
		b.want(b.validate(doc, nil), report.TotalPassed, "", "")
		b.flipsNational(doc)
	}
}

// flipsNational changes a bit of octets of what is signed, of the value and of the certificate: nothing of it passes.
func (b *bench) flipsNational(doc []byte) {
	b.Helper()
	tried := 0
	for _, part := range []string{"<b>test", "SendMessage", "DigestValue>", "SignatureValue>\n", "X509Certificate>\n", "X509v3\">"} {
		at := bytes.Index(doc, []byte(part))
		if at < 0 {
			continue
		}
		for i := at + len(part) - 2; i < at+len(part)+40; i++ {
			changed := bytes.Clone(doc)
			changed[i] ^= 1
			tried++
			if v := b.validate(changed, nil); v.Indication == report.TotalPassed && doc[i] != '\n' {
				b.Errorf("%q: octet %d, %q, can be changed", part, i, doc[i])
			}
		}
	}
	if tried < 120 {
		b.Errorf("only %d changes were tried", tried)
	}
}

// TestXMLIsReplayed: a stored verdict of XML follows again from its document and its evidence.
func TestXMLIsReplayed(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	doc := b.xmlsec(b.issue(pki.Profile{Name: "signer"}), fee+signature("ecdsa-sha256", "#f1", exclusive, x509Data)+`</order>`)
	v := b.validateRequest(signer.ValidateRequest{Document: doc, Store: true, Actor: "test"})
	b.want(v, report.TotalPassed, "", "")
	again, err := b.svc.Replay(t.Context(), v.ID, doc, nil)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := b.svc.Verdict(t.Context(), v.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stored, again); diff != "" {
		t.Errorf("stored and replayed differ:\n%s", diff)
	}
}

const (
	dsNS   = "http://www.w3.org/2000/09/xmldsig#"
	excC14 = "http://www.w3.org/2001/10/xml-exc-c14n#"
	soapNS = "http://schemas.xmlsoap.org/soap/envelope/"
	wsseNS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsuNS  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	tokens = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#"
)

// signature is a template for xmlsec1: one reference to uri, and what KeyInfo holds.
func signature(method, uri, transform, keyInfo string) string {
	return `<ds:Signature xmlns:ds="` + dsNS + `"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="` + excC14 + `"/>` +
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#` + method + `"/><ds:Reference URI="` + uri + `"><ds:Transforms>` +
		transform + `</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue></ds:DigestValue>` +
		`</ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue><ds:KeyInfo>` + keyInfo + `</ds:KeyInfo></ds:Signature>`
}

const (
	enveloped = `<ds:Transform Algorithm="` + dsNS + `enveloped-signature"/><ds:Transform Algorithm="` + excC14 + `"/>`
	exclusive = `<ds:Transform Algorithm="` + excC14 + `"/>`
	x509Data  = `<ds:X509Data><ds:X509Certificate></ds:X509Certificate></ds:X509Data>`
)

// xmlsec lets xmlsec1 sign a template with an identity's key.
func (b *bench) xmlsec(id *pki.Identity, template string) []byte {
	b.Helper()
	dir := b.TempDir()
	key, err := id.PKCS8()
	if err != nil {
		b.Fatal(err)
	}
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			b.Fatal(err)
		}
		return file
	}
	keyFile := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	args := append([]string{"--sign", "--privkey-pem", keyFile + "," + write("cert.pem", id.PEM())}, ids...)
	cmd := exec.CommandContext(context.Background(), "xmlsec1", append(args, write("template.xml", []byte(template)))...)
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		b.Fatalf("xmlsec1 couldn't sign: %v\n%s", err, msg.String())
	}
	return out.Bytes()
}

// ids tells xmlsec1 which attributes are identifiers.
var ids = []string{"--id-attr:Id", "fee", "--id-attr:Id", soapNS + ":Body", "--id-attr:Id", soapNS + ":Header"}

const fee = `<order xmlns="urn:kz:order" Id="all"><fee Id="f1">5406</fee><payer>ӘЛИЕВ</payer>`

// TestXMLSec: what xmlsec1 signs passes here, however it is wrapped; each change of an octet is seen.
func TestXMLSec(t *testing.T) {
	b := setup(t, []pki.Family{pki.RSA, pki.ECDSA}, nil)
	for family, method := range map[pki.Family]string{pki.RSA: "rsa-sha256", pki.ECDSA: "ecdsa-sha256"} {
		id := b.issue(pki.Profile{Family: family, Name: "signer_" + string(family)})
		doc := b.xmlsec(id, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+fee+signature(method, "", enveloped, x509Data)+`</order>`)
		wrapped := base64.StdEncoding.EncodeToString(doc)
		for name, d := range map[string][]byte{
			"plain": doc, "byte order mark": append([]byte("\xef\xbb\xbf"), doc...), "base64": []byte(wrapped),
			"base64 in lines": []byte(wrapped[:76] + "\r\n" + wrapped[76:] + "\r\n"),
		} {
			v := b.validate(d, nil)
			b.want(v, report.TotalPassed, "", "")
			s := v.Signatures[0]
			if v.Format != "XMLDSig" || v.Coverage != "FULL" || !v.Passed() || s.Covers != "content" || s.Level != "XMLDSig" ||
				s.Signer.IIN != id.IIN() || s.Scopes[0].Coverage != "FULL" || v.Detached || v.ContentSHA256 != "" {
				t.Errorf("%s: %s, %s, covers %s, signer %+v", name, v.Format, v.Coverage, s.Covers, s.Signer)
			}
		}
		b.flips(doc, 3)
	}
}

// flips changes a bit of one octet in step. What still passes lies in octets that nobody signs: of the signature element
// outside SignedInfo, and of the XML declaration.
func (b *bench) flips(doc []byte, step int) {
	b.Helper()
	first, last := bytes.Index(doc, []byte("<ds:Signature ")), bytes.Index(doc, []byte("</ds:Signature>"))
	root := bytes.Index(doc, []byte("<order"))
	passed := 0
	for i := 0; i < len(doc); i += step {
		changed := bytes.Clone(doc)
		changed[i] ^= 1 << (i % 7)
		v := b.validate(changed, nil)
		if v.Indication != report.TotalPassed {
			continue
		}
		passed++
		if i >= root && (i < first || i > last) {
			b.Errorf("octet %d of %d, outside the signature, can be changed", i, len(doc))
		}
	}
	b.Logf("%d octets, one in %d changed by a bit: %d changes pass", len(doc), step, passed)
	if passed > 12 {
		b.Errorf("%d changes pass", passed)
	}
}

// TestXMLParts: what covers a part says which, and does not pass for the whole.
func TestXMLParts(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(pki.Profile{Name: "signer"})
	part := string(b.xmlsec(id, fee+signature("ecdsa-sha256", "#f1", exclusive, x509Data)+`</order>`))
	v := b.validate([]byte(part), nil)
	b.want(v, report.TotalPassed, "", "")
	s := v.Signatures[0]
	if v.Passed() || v.Coverage != "PARTIAL" || s.Covers != "part" || len(s.Scopes) != 1 || s.Scopes[0].Coverage != "PARTIAL" ||
		len(s.Scopes[0].Parts) != 1 || s.Scopes[0].Parts[0] != (report.Node{Path: "/order/fee", ID: "f1"}) ||
		!strings.Contains(reasonCodes(s.Remarks), string(report.ReasonPartial)) {
		t.Errorf("%s %s: %+v", v.Coverage, s.Covers, s.Scopes)
	}
	// What is not covered can be changed; the verdict still names the part alone.
	other := strings.Replace(part, "ӘЛИЕВ", "БӨТЕН", 1)
	if v := b.validate([]byte(other), nil); v.Passed() || v.Signatures[0].Scopes[0].Parts[0].Path != "/order/fee" {
		t.Errorf("%s, %+v", v.Coverage, v.Signatures[0].Scopes)
	}
	// Wrapping: the signed fee is moved away and another put in its place. The verdict says where the signed one lies.
	wrapped := strings.Replace(part, `<fee Id="f1">5406</fee>`, `<fee>1</fee><x><fee Id="f1">5406</fee></x>`, 1)
	if v := b.validate([]byte(wrapped), nil); v.Passed() || v.Coverage != "PARTIAL" || v.Signatures[0].Scopes[0].Parts[0].Path != "/order/x/fee" {
		t.Errorf("wrapped: %s, %+v", v.Coverage, v.Signatures[0].Scopes)
	}
	whole := string(b.xmlsec(id, fee+signature("ecdsa-sha256", "", enveloped, x509Data)+`</order>`))
	for name, c := range map[string]struct {
		doc    string
		i      report.Indication
		sub    report.SubIndication
		reason report.Code
	}{
		"two with one identifier": {strings.Replace(part, `<fee Id="f1">`, `<fee Id="f1">1</fee><fee Id="f1">`, 1), report.TotalFailed, report.FormatFailure, report.ReasonXMLStructure},
		"identifier gone":         {strings.Replace(part, `<fee Id="f1">`, `<fee Id="f2">`, 1), report.Indeterminate, report.SignedDataNotFound, report.ReasonContentMissing},
		"part changed":            {strings.Replace(part, "5406", "5407", 1), report.TotalFailed, report.HashFailure, report.ReasonContentChanged},
		"whole changed":           {strings.Replace(whole, "5406", "5407", 1), report.TotalFailed, report.HashFailure, report.ReasonContentChanged},
		"element added":           {strings.Replace(whole, "<payer>", "<payer/><payer>", 1), report.TotalFailed, report.HashFailure, report.ReasonContentChanged},
		"in another document":     {"<y>" + strings.TrimPrefix(whole, "<?xml version=\"1.0\"?>\n") + "</y>", report.TotalFailed, report.HashFailure, report.ReasonContentChanged},
		"DOCTYPE":                 {strings.Replace(whole, "<order", `<!DOCTYPE order [<!ENTITY e "1">]><order`, 1), report.TotalFailed, report.FormatFailure, report.ReasonDoctype},
		"no signature":            {fee + "</order>", report.TotalFailed, report.FormatFailure, report.ReasonNotSigned},
		"not XML":                 {"<order", report.TotalFailed, report.FormatFailure, report.ReasonUnreadable},
		"second SignedInfo":       {strings.Replace(whole, "<ds:SignatureValue>", "<ds:SignedInfo/><ds:SignatureValue>", 1), report.TotalFailed, report.FormatFailure, report.ReasonXMLStructure},
		"external reference":      {strings.Replace(part, `URI="#f1"`, `URI="http://127.0.0.1/f1"`, 1), report.TotalFailed, report.SigCryptoFailure, report.ReasonContentMissing},
		"transform not allowed":   {strings.Replace(part, excC14+`"/></ds:Transforms>`, `http://www.w3.org/TR/1999/REC-xslt-19991116"/></ds:Transforms>`, 1), report.TotalFailed, report.SigCryptoFailure, report.ReasonReferenceRefused},
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.TB = t
			v := b.validate([]byte(c.doc), nil)
			b.want(v, c.i, c.sub, c.reason)
			if v.Passed() {
				t.Error("passed")
			}
		})
	}
	// An original that came along and is not what is signed must not seem to be.
	b.want(b.validate([]byte(whole), []byte("original")), report.Indeterminate, report.SigConstraintsFailure, report.ReasonNotCovered)
}

// TestXMLDetached: an original that a reference without a place in the document is over.
func TestXMLDetached(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(pki.Profile{Name: "signer"})
	template := strings.Replace(signature("ecdsa-sha256", "file:///dev/null", "", x509Data), "<ds:Transforms></ds:Transforms>", "", 1)
	doc := b.xmlsec(id, template) // over no octets
	b.want(b.validate(doc, []byte{}), report.TotalPassed, "", "")
	if v := b.validate(doc, []byte{}); v.Coverage != "DETACHED" || !v.Detached || v.Signatures[0].Covers != "detached" || v.ContentSHA256 == "" {
		t.Errorf("%s, %+v", v.Coverage, v.Signatures[0])
	}
	b.want(b.validate(doc, []byte("x")), report.TotalFailed, report.HashFailure, report.ReasonContentChanged)
	b.want(b.validate(doc, nil), report.Indeterminate, report.SignedDataNotFound, report.ReasonContentMissing)
}

// Of an original an expression may choose what is signed. The rest may be anything, so that the verdict is over a part, and a
// signature over nothing of it covers nothing.
func TestPartOfAnOriginal(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(pki.Profile{Name: "signer"})
	original := []byte(`<order><sum>540600</sum><to>KZ24</to><!-- note --></order>`)
	file := filepath.Join(t.TempDir(), "order.xml")
	if err := os.WriteFile(file, original, 0o600); err != nil {
		t.Fatal(err)
	}
	choosing := func(expression string) []byte {
		return b.xmlsec(id, signature("ecdsa-sha256", "file://"+file, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>`+expression+`</ds:XPath></ds:Transform>`, x509Data))
	}
	all, part, nothing := choosing("true()"), choosing("not(ancestor-or-self::to)"), choosing("false()")
	b.want(b.validate(all, original), report.TotalPassed, "", "")
	v := b.validate(all, original)
	if !v.Passed() || v.Coverage != "DETACHED" {
		t.Errorf("all of it: %s, %+v", v.Coverage, v.Signatures[0].Scopes)
	}
	forged := bytes.Replace(original, []byte("KZ24"), []byte("KZ66"), 1)
	for name, doc := range map[string][]byte{"as it was": original, "the rest is another": forged} {
		if v = b.validate(part, doc); v.Passed() || v.Coverage != "PARTIAL" || v.Signatures[0].Covers != "part" {
			t.Errorf("%s: passed %v, %s, %+v", name, v.Passed(), v.Coverage, v.Signatures[0].Scopes)
		}
	}
	b.want(b.validate(nothing, original), report.Indeterminate, report.SigConstraintsFailure, report.ReasonNotCovered)
}

// message is a SOAP message whose header holds a signature and a token.
func message(header, body string) string {
	return `<S:Envelope xmlns:S="` + soapNS + `"><S:Header Id="head"><wsse:Security xmlns:wsse="` + wsseNS + `" xmlns:wsu="` + wsuNS + `" S:mustUnderstand="1">` +
		header + `</wsse:Security></S:Header>` + body + `</S:Envelope>`
}

const soapBody = `<S:Body xmlns:wsu="` + wsuNS + `" wsu:Id="body"><pay>5406</pay></S:Body>`

// TestWSSE: the three ways to name a certificate; the Body must be signed, where it stands.
func TestWSSE(t *testing.T) {
	b := setup(t, []pki.Family{pki.RSA}, nil)
	id := b.issue(pki.Profile{Name: "system", Kind: pki.InformationSystem, SystemName: "Шлюз", Organisation: "ҚР", BIN: pki.BIN(4)})
	cert := base64.StdEncoding.EncodeToString(id.Certificate)
	issuer, serial := parse(t, id.Certificate)[0].Issuer.String(), new(big.Int).SetBytes(id.Serial()).String()
	reference := func(inside string) string {
		return `<wsse:SecurityTokenReference>` + inside + `</wsse:SecurityTokenReference>`
	}
	token := `<wsse:BinarySecurityToken wsu:Id="token" ValueType="` + tokens + `X509v3">` + cert + `</wsse:BinarySecurityToken>`
	for name, c := range map[string]struct{ before, keyInfo string }{
		"key identifier": {"", reference(`<wsse:KeyIdentifier ValueType="` + tokens + `X509v3">` + cert + `</wsse:KeyIdentifier>`)},
		"issuer serial": {"", reference(`<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>` + issuer + `</ds:X509IssuerName><ds:X509SerialNumber>` +
			serial + `</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>`)},
		"token": {token, reference(`<wsse:Reference URI="#token" ValueType="` + tokens + `X509v3"/>`)},
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.TB = t
			signed := string(b.xmlsec(id, message(c.before+signature("rsa-sha256", "#body", exclusive, c.keyInfo), soapBody)))
			judge := func(doc string) signer.Verdict {
				return b.validateRequest(signer.ValidateRequest{Document: []byte(doc), Evidence: [][]byte{id.Certificate}})
			}
			v := judge(signed)
			b.want(v, report.TotalPassed, "", "")
			if v.Format != "WSSE" || v.Signatures[0].Signer.BIN != id.BIN() || v.Signatures[0].Scopes[0].Parts[0].Path != "/S:Envelope/S:Body" {
				t.Errorf("%s, %+v", v.Format, v.Signatures[0].Scopes)
			}
			if name == "issuer serial" {
				b.want(b.validate([]byte(signed), nil), report.Indeterminate, report.NoSigningCertificateFound, report.ReasonSignerMissing)
			}
			b.want(judge(strings.Replace(signed, "5406", "5407", 1)), report.TotalFailed, report.HashFailure, report.ReasonContentChanged)
			// Wrapping: the signed body moves into the header, another one takes its place.
			moved := strings.Replace(signed, soapBody, `<S:Body><pay>1</pay></S:Body>`, 1)
			moved = strings.Replace(moved, `</S:Header>`, `<w>`+soapBody+`</w></S:Header>`, 1)
			b.want(judge(moved), report.Indeterminate, report.SigConstraintsFailure, report.ReasonBodyNotCovered)
			double := strings.Replace(signed, `</S:Envelope>`, `<S:Body/></S:Envelope>`, 1)
			b.want(judge(double), report.TotalFailed, report.FormatFailure, report.ReasonXMLStructure)
		})
	}
	// A signature that covers something else of the message.
	head := b.xmlsec(id, message(signature("rsa-sha256", "#part", exclusive, x509Data), `<S:Body><fee Id="part">1</fee></S:Body>`))
	b.want(b.validate(head, nil), report.Indeterminate, report.SigConstraintsFailure, report.ReasonBodyNotCovered)
	// One inside the body, over a part of it, does not sign the message.
	inner := b.xmlsec(id, message("", `<S:Body><fee Id="part">1</fee>`+signature("rsa-sha256", "#part", exclusive, x509Data)+`</S:Body>`))
	v := b.validate(inner, nil)
	b.want(v, report.Indeterminate, report.SigConstraintsFailure, report.ReasonBodyNotCovered)
	if v.Signatures[0].Indication != report.TotalPassed || v.Format != "XMLDSig" {
		t.Errorf("%s, the inner signature: %s", v.Format, v.Signatures[0].Indication)
	}
}
