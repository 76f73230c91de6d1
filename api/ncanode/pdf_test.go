package ncanode_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/testenv/pki"
)

// signedPDF writes a small PDF document with one signature, by hand.
func signedPDF(t *testing.T, id *pki.Identity) []byte {
	t.Helper()
	const hole = 8192
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 3>>>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Annots[4 0 R]>>",
		"<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/Rect[0 0 0 0]/F 132/P 3 0 R/V 5 0 R>>",
		"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Reason(test)/M(D:20261001090000Z)/ByteRange[0 1111111111 2222222222 3333333333]/Contents<" +
			strings.Repeat("0", hole) + ">>>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	file := b.Bytes()
	from := bytes.Index(file, []byte("/Contents<")) + len("/Contents")
	to := from + hole + 2
	for mark, n := range map[string]int{"1111111111": from, "2222222222": to, "3333333333": len(file) - to} {
		file = bytes.Replace(file, []byte(mark), fmt.Appendf(nil, "%-10d", n), 1)
	}
	cms, err := id.SignCMS(append(bytes.Clone(file[:from]), file[to:]...), pki.CMSOptions{Detached: true, NoSigningTime: true})
	if err != nil {
		t.Fatal(err)
	}
	copy(file[from+1:], hex.EncodeToString(cms))
	return file
}

// TestSignPDF: the sample of the national CA's package, signed twice, with time stamps, with national keys, is valid; poppler reads what RSA
// signed.
func TestSignPDF(t *testing.T) {
	b := setup(t, pki.RSA, pki.GOST2015)
	sample := read(t, corpora(t, "kz", "testkeys-2027", "pdf", "sample.pdf"))
	rsa, gost := b.key(b.issue(pki.Profile{Family: pki.RSA, Name: "rsa"})), b.key(b.issue(pki.Profile{Family: pki.GOST2015, Name: "gost"}))
	for _, stamped := range []bool{false, true} {
		signed := b.post("/pdf/sign", M{"pdf": b64(sample), "withTsp": stamped, "signers": []any{
			M{"signer": rsa, "reason": "Келісілді", "location": "Астана", "contactInfo": "a@b.kz"}, M{"signer": gost},
		}})["pdf"]
		v := b.post("/pdf/verify", M{"pdf": signed, "revocationCheck": []string{"OCSP"}})
		b.verdict(v, true, "")
		if at(t, v, "signers", 0, "reason") != "Келісілді" || at(t, v, "signers", 1, "location") != nil || at(t, v, "signers", 1, "digestAlgorithm") != "GOST3411-2015-512" {
			t.Errorf("%v", v["signers"])
		}
		file := filepath.Join(t.TempDir(), "signed.pdf")
		if err := os.WriteFile(file, unb64(t, signed), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "pdfsig", "-nocert", file).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Signature is Valid") {
			t.Errorf("pdfsig: %v\n%s", err, out)
		}
	}
	b.refused("/pdf/sign", M{"pdf": b64(sample), "signers": []any{}}, "signers_missing")
	b.refused("/pdf/sign", M{"pdf": b64(data), "signers": []any{M{"signer": rsa}}}, "pdf_unreadable")
}

// TestPDF: a signed document is valid, a changed one is not, one without signatures is 404.
func TestPDF(t *testing.T) {
	b := setup(t, pki.RSA)
	file := signedPDF(t, b.issue(pki.Profile{Family: pki.RSA, Name: "signer"}))
	v := b.post("/pdf/verify", M{"pdf": b64(file), "revocationCheck": []string{"OCSP"}})
	b.verdict(v, true, "")
	one := at(t, v, "signers", 0)
	for name, want := range map[string]any{
		"valid": true, "reason": "test", "location": nil, "signDate": "2026-10-01T09:00:00.000+00:00", "signatureAlgorithm": "ETSI.CAdES.detached", "digestAlgorithm": "SHA256",
	} {
		if got := at(t, one, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if at(t, one, "certificate", "subject", "iin") != pki.IIN(7) || at(t, one, "certificate", "revocations", 0, "status") != "GOOD" {
		t.Errorf("%v", at(t, one, "certificate"))
	}
	b.verdict(b.post("/pdf/verify", M{"pdf": b64(bytes.Replace(file, []byte("0 0 200 200"), []byte("0 0 200 201"), 1))}), false, "content_changed")
	// Octets behind the signed ones: NCANode does not look there.
	more := append(bytes.Clone(file), fmt.Sprintf("3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Annots[4 0 R]>>\nendobj\nxref\n3 1\n%010d 00000 n \ntrailer\n<</Size 6/Root 1 0 R/Prev %s>>\nstartxref\n%d\n%%%%EOF\n",
		len(file), lastXref(file), len(file)+len("3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Annots[4 0 R]>>\nendobj\n"))...)
	if v := b.post("/pdf/verify", M{"pdf": b64(more)}); v["valid"] != false {
		t.Errorf("a document that was changed after signing is valid: %v", v)
	}
	b.refused("/pdf/verify", M{"pdf": b64([]byte("%PDF-1.7 nothing"))}, "pdf_unreadable")
	sample := read(t, corpora(t, "kz", "testkeys-2027", "pdf", "sample.pdf"))
	b.refused("/pdf/verify", M{"pdf": b64(sample)}, "pdf_unsigned")
}

func lastXref(file []byte) string {
	_, tail, _ := bytes.Cut(file, []byte("startxref\n"))
	at, _, _ := bytes.Cut(tail, []byte("\n"))
	return string(at)
}
