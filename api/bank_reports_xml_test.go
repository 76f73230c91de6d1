package api

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/testenv/pki"
)

// A report with an XML signature in it, made by xmlsec1, ends a payment out of the folder as a CMS does; what the signature does not cover,
// or another bank has signed, is refused and changes nothing.
func TestBankReportWithXMLSignature(t *testing.T) {
	w := start(t)
	dir := t.TempDir()
	w.takesFiles("file://" + dir)
	w.owe("X-0", w.citizen.IIN()) // publishes the service
	id := w.authorisedOrder("X-1")
	file := w.leftIn(dir)
	raw := must[[]byte](t)(os.ReadFile(file))
	if err := w.bank.TakeSealed(raw); err != nil {
		t.Fatal(err)
	}
	plain := w.bank.Files().Report(strings.TrimSuffix(filepath.Base(file), ".p7m"), nil)
	good := xmlSigned(t, w.bankID, plain)
	send := func(key string, body []byte) answered {
		return w.do(call{method: http.MethodPost, path: "/v1/bank/reports", key: key, contentType: typeXML, body: body})
	}
	wrapped := bytes.Replace(good, []byte("<Document"), []byte(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><Wrapped><Document`), 1)
	wrapped = append(bytes.TrimSpace(wrapped), []byte("</Wrapped>"+inner(plain)+"</Document>")...)
	for name, c := range map[string]struct {
		body []byte
		code code
	}{
		"changed":           {bytes.Replace(good, []byte("ACSC"), []byte("RJCT"), 1), "signature_invalid"},
		"not signed":        {plain, "signature_invalid"},
		"signed by another": {xmlSigned(t, w.otherBankID, plain), "bank_message_signed_by_another"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := send(w.bankKey, c.body).problem(t); got.Code != c.code {
				t.Errorf("%s, want %s", got.Code, c.code)
			}
		})
	}
	if got := send(w.bankKey, wrapped); got.status < 400 || got.status >= 500 {
		t.Errorf("wrapped: %d %s", got.status, got.body)
	}
	// What is put into the signature, where the digest does not see it, is not read.
	hidden := bytes.Replace(good, []byte("</Signature>"), []byte("<Object>"+inner(bytes.ReplaceAll(plain, []byte("ACSC"), []byte("RJCT")))+"</Object></Signature>"), 1)
	if got := send(w.bankKey, hidden); got.status == http.StatusOK && !bytes.Contains(got.body, []byte(`"executed":1`)) {
		t.Errorf("hidden: %d %s", got.status, got.body)
	}
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "in", "report.xml"), good, 0o600); err != nil {
		t.Fatal(err)
	}
	w.executed(id)
	if got := send(w.otherBankKey, good); got.status != http.StatusForbidden {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := send(w.bankKey, good); got.status != http.StatusOK || !bytes.Contains(got.body, []byte(`"executed":1`)) {
		t.Errorf("again: %d %s", got.status, got.body)
	}
}

// inner is a message without its Document.
func inner(plain []byte) string {
	from, to := bytes.Index(plain, []byte("<CstmrPmtStsRpt")), bytes.Index(plain, []byte("</CstmrPmtStsRpt>"))
	return string(plain[from:to]) + "</CstmrPmtStsRpt>"
}

// xmlSigned puts an enveloped signature by xmlsec1 at the end of a message.
func xmlSigned(t *testing.T, id *pki.Identity, plain []byte) []byte {
	t.Helper()
	program, err := exec.LookPath("xmlsec1")
	if err != nil {
		t.Skip("xmlsec1 is not installed")
	}
	const (
		dsig, exclusive = "http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/10/xml-exc-c14n#"
		template        = `<Signature xmlns="` + dsig + `"><SignedInfo><CanonicalizationMethod Algorithm="` + exclusive + `"/>` +
			`<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/><Reference URI=""><Transforms><Transform Algorithm="` + dsig +
			`enveloped-signature"/><Transform Algorithm="` + exclusive + `"/></Transforms><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>` +
			`<DigestValue/></Reference></SignedInfo><SignatureValue/><KeyInfo><X509Data/></KeyInfo></Signature>`
	)
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"in.xml":   bytes.Replace(plain, []byte("</Document>"), []byte(template+"</Document>"), 1),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must[[]byte](t)(id.PKCS8())}),
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Certificate}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "--sign", "--privkey-pem", "key.pem,cert.pem", "--output", "out.xml", "in.xml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("xmlsec1: %v\n%s", err, out)
	}
	return must[[]byte](t)(os.ReadFile(filepath.Join(dir, "out.xml")))
}
