//go:build !release

package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/testenv/pki"
)

// A court verifies a receipt with the files, the anchors and published keys, while the gateway is gone; whatever is changed or
// missing is told.
func TestReceiptVerify(t *testing.T) {
	w := newTestWorld(t)
	s := newStory(w)
	debt, err := s.publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.order(t.Context(), debt)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sign(t.Context(), o.ID, s.people.citizen); err != nil {
		t.Fatal(err)
	}
	if o, err = s.await(t.Context(), o.ID, "executed"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sealed, err := s.receipt(t.Context(), o, dir)
	if err != nil {
		t.Fatal(err)
	}
	document, err := s.portal.get(t.Context(), "/v1/orders/"+o.ID+"/document")
	if err != nil || document.status != http.StatusOK {
		t.Fatal(document, err)
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var lists []string
	for name, ca := range map[string]*pki.CA{"root.crl": w.pki.Root(pki.ECDSA), "nca.crl": w.pki.NCA(pki.ECDSA)} {
		crl, err := w.pki.CRL(ca)
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, "--evidence="+write(name, crl))
	}
	english, err := s.portal.get(t.Context(), "/v1/receipts/"+o.ID+"/pdf?lang=en")
	if err != nil || english.status != http.StatusOK {
		t.Fatal(english, err)
	}
	court, err := s.portal.post(t.Context(), "/v1/receipts/"+o.ID+"/court-copy", map[string]string{"reason": "claim 2-1017"})
	if err != nil || court.status != http.StatusOK {
		t.Fatal(court, err)
	}
	agreed := courtCopyByAgreement(t, s, dir)
	if err := w.killGateway(); err != nil {
		t.Fatal(err)
	}
	verify := func(args ...string) (int, string) {
		var out bytes.Buffer
		all := append([]string{"receipt", "verify", "--trust=custom", "--trust-anchors=" + w.anchorsFile()}, args...)
		return run(t.Context(), all, streams{strings.NewReader(""), &out, &out}), out.String()
	}
	receiptFile, pdf, pdfSeal := filepath.Join(dir, "receipt.p7m"), filepath.Join(dir, "receipt.pdf"), filepath.Join(dir, "receipt.pdf.p7s")
	key := "--checkpoint-public-key=" + w.keyFile("checkpoint")
	everything := append([]string{receiptFile, "--pdf=" + pdf, "--pdf-seal=" + pdfSeal, "--document=" + write("order.json", document.body), key}, lists...)
	changed := bytes.Replace(sealed, []byte(`"amount":`), []byte(`"amounT":`), 1)
	more := bytes.Replace(sealed, []byte(`"kbk":"1`), []byte(`"kbk":"2`), 1)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"everything":            {everything, 0, "holds: inclusion in the journal, under a signed checkpoint"},
		"as JSON":               {append(everything, "--json"), 0, `"holds":true`},
		"the receipt alone":     {append([]string{receiptFile}, lists...), 0, "not checked: signature of the checkpoint"},
		"without evidence":      {[]string{receiptFile, key}, exitIndeterminate, "undecided: seal of the receipt"},
		"another issuer":        {append([]string{receiptFile, "--issuer-bin=990140000017"}, lists...), exitFailed, "it is not by the issuer"},
		"the PDF alone":         {append([]string{pdf, key}, lists...), 0, "holds: the PDF is the page of the receipt"},
		"the PDF and its seal":  {everything, 0, "holds: seal in the PDF"},
		"a PDF changed":         {append([]string{receiptFile, "--pdf=" + write("changed.pdf", append(read(pdf), "\n% more\n"...))}, lists...), exitFailed, "seal in the PDF"},
		"a PDF changed, alone":  {append([]string{filepath.Join(dir, "changed.pdf")}, lists...), 1, "holds no receipt"},
		"another PDF":           {append([]string{receiptFile, "--pdf=" + receiptFile}, lists...), exitFailed, "digest of the PDF: it is another document"},
		"another PDF, its seal": {append([]string{receiptFile, "--pdf=" + receiptFile, "--pdf-seal=" + pdfSeal}, lists...), exitFailed, "seal of the PDF"},
		"another document":      {append([]string{receiptFile, "--document=" + pdf}, lists...), exitFailed, "it is another document"},
		"another key":           {append([]string{receiptFile, "--checkpoint-public-key=" + w.keyFile("webhook")}, lists...), exitFailed, "inclusion in the journal"},
		"a member changed":      {append([]string{write("changed.p7m", changed)}, lists...), 1, "holds no receipt"},
		"a value changed":       {append([]string{write("more.p7m", more)}, lists...), exitFailed, "seal of the receipt"},
		"a translation":         {append([]string{write("english.pdf", english.body), key}, lists...), 0, "holds: the receipt in the copy is the sealed one"},
		"a court's copy":        {append([]string{write("court.pdf", court.body), key}, lists...), 0, "holds: the bank's confirmation"},
		"its payer's signature": {append([]string{write("court.pdf", court.body), key}, lists...), 0, "holds: authorisation 1 by eds"},
		"an agreement":          {append([]string{agreed, key}, lists...), 0, "holds: signature under the agreement for repeated payments"},
		"what it covers":        {append([]string{agreed, key}, lists...), 0, "holds: the agreement for repeated payments covers the payment"},
		"a copy without lists":  {[]string{write("court.pdf", court.body), key}, exitIndeterminate, "undecided: seal of the copy"},
		"a copy changed":        {append([]string{write("more.pdf", append(bytes.Clone(court.body), "\n% more\n"...)), key}, lists...), 1, "holds no receipt"},
		"a copy as the page":    {append([]string{receiptFile, "--pdf=" + write("english.pdf", english.body)}, lists...), exitFailed, "it is another document"},
		"no receipt":            {append([]string{pdfSeal}, lists...), 1, ""},
		"a seal without a PDF":  {[]string{receiptFile, "--pdf-seal=" + pdfSeal}, 1, "goes with --pdf"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := verify(c.args...)
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, out)
			}
		})
	}
}
