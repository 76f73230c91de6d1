package ncanode_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/p12"
)

// TestSamplesOfNCANode: documents that NCANode itself has signed, at a time when the certificate of the signer in question was in
// date. Documents of two signers hold one of each generation; the two were never in date together.
func TestSamplesOfNCANode(t *testing.T) {
	dir := corpora(t, "kz", "ncanode", "groovy")
	const ofRSA, of2015 = "2021-12-01T00:00:00Z", "2022-09-28T12:00:00Z"
	for _, c := range []struct {
		path, file, now string
		data            string
		signers         string // valid or not, in the order of the answer
		valid           bool
	}{
		{"/cms/verify", "CmsServiceTest.SIGNED_CMS.bin", of2015, "", "true false", false},
		{"/cms/verify", "CmsServiceTest.SIGNED_DETACHED_CMS.bin", of2015, "test123", "true false", false},
		{"/cms/verify", "CmsServiceTest.SIGNED_CMS.bin", ofRSA, "", "false true", false},
		{"/cms/verify", "CmsServiceTest.SIGNED_CMS_ONE_SIGNER.bin", ofRSA, "", "true", true},
		{"/cms/verify", "CmsIntegrationTest.SIGNED_CMS.bin", ofRSA, "", "true", true},
		{"/xml/verify", "XmlServiceTest.XML_SIGNED_VALID_STRING.xml", ofRSA, "", "true", true},
		{"/xml/verify", "XmlServiceTest.XML_SIGNED_VALID_STRING_TWO_SIGNERS.xml", of2015, "", "true false", false},
		{"/wsse/verify", "WsseServiceTest.XML_SIGNED_STRING.xml", ofRSA, "", "true", true},
	} {
		t.Run(c.file+" "+c.now, func(t *testing.T) {
			b := national(t, c.now)
			doc := read(t, filepath.Join(dir, c.file))
			in := M{"xml": string(doc)}
			if c.path == "/cms/verify" {
				in = M{"cms": b64(doc)}
			}
			if c.data != "" {
				in["data"] = b64([]byte(c.data))
			}
			v := b.post(c.path, in)
			var got []string
			list, _ := v["signers"].([]any)
			for _, s := range list {
				if c.path == "/cms/verify" {
					s = at(t, s, "certificates", 0)
				}
				got = append(got, fmt.Sprint(at(t, s, "valid")))
				if at(t, s, "subject", "country") != "KZ" || len(text(at(t, s, "subject", "iin"))) != 12 {
					t.Errorf("%v", at(t, s, "subject"))
				}
			}
			if strings.Join(got, " ") != c.signers || v["valid"] != c.valid {
				t.Errorf("signers %v, valid %v: %v", got, v["valid"], codes(t, v))
			}
		})
	}
}

// TestNationalKeyFiles: every key file of the national CA that is in date, of each role, in what it is for.
func TestNationalKeyFiles(t *testing.T) {
	dir := corpora(t, "kz", "testkeys-2027")
	b := national(t, "2026-09-01T00:00:00Z")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.p12"))
	if err != nil || len(files) != 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	roles := map[string]string{
		"individual_valid": "INDIVIDUAL", "head": "CEO ORGANIZATION", "employee": "EMPLOYEE ORGANIZATION", "employee_signright": "CAN_SIGN ORGANIZATION",
		// infosystem.p12 and treasury_client.p12 are swapped in the package; NCANode has no name for either role.
		"treasury_client": "ORGANIZATION", "infosystem": "ORGANIZATION",
	}
	for _, file := range files {
		key := M{"key": b64(read(t, file)), "password": password}
		name := strings.Replace(strings.TrimSuffix(filepath.Base(file), ".p12"), "revoked", "valid", 1)
		t.Run(filepath.ToSlash(strings.TrimPrefix(file, dir)), func(t *testing.T) {
			b := *b
			b.TB = t
			v := b.post("/pkcs12/info", M{"keys": []any{key}})
			b.verdict(v, true, "")
			one := at(t, v, "signers", 0)
			if got := strings.Trim(fmt.Sprint(at(t, one, "keyUser")), "[]"); got != roles[name] || at(t, one, "signAlg") != "ECGOST3410-2015-512" || at(t, one, "keyUsage") != "SIGN" {
				t.Errorf("%s: %s, %v, %v", name, got, at(t, one, "signAlg"), at(t, one, "keyUsage"))
			}
			cms := b.post("/cms/sign", M{"data": b64(data), "signers": []any{key}})["cms"]
			b.verdict(b.post("/cms/verify", M{"cms": cms}), true, "")
			xml := b.post("/xml/sign", M{"xml": order, "signers": []any{key}})["xml"]
			b.verdict(b.post("/xml/verify", M{"xml": xml}), true, "")
			soap := b.post("/wsse/sign", M{"xml": envelope, "key": key["key"], "password": password})["xml"]
			b.verdict(b.post("/wsse/verify", M{"xml": soap}), true, "")
			jwt := b.post("/jwt/encode", M{"key": key["key"], "password": password, "jwt": M{"header": M{"alg": "GG2015", "typ": "JWT"}, "payload": M{"cbin": "1"}}})["jwt"]
			b.verdict(b.post("/jwt/decode", M{"jwt": jwt, "key": certificateIn(t, read(t, file))}), true, "")
			// A list that nobody can fetch here is no good news.
			v = b.post("/cms/verify", M{"cms": cms, "revocationCheck": []string{"CRL"}})
			b.verdict(v, false, "revocation_unavailable")
		})
	}
}

func certificateIn(t *testing.T, file []byte) string {
	t.Helper()
	s, err := p12.Open(file, password, p12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return b64(s.Entries[0].Certificate.Raw)
}

// TestShapeOfTheHead is the answer about the head of a legal entity, member by member, as NCANode gives it.
func TestShapeOfTheHead(t *testing.T) {
	b := national(t, "2026-09-01T00:00:00Z")
	file := read(t, corpora(t, "kz", "testkeys-2027", "legal", "valid", "head.p12"))
	one := at(t, b.post("/pkcs12/info", M{"keys": []any{M{"key": b64(file), "password": password}}}), "signers", 0)
	for path, want := range map[string]any{
		"subject.iin": "123456789011", "subject.bin": "123456789021", "subject.country": "KZ",
		"subject.surName": "ТЕСТОВ", "subject.commonName": "ТЕСТОВ ТЕСТ",
	} {
		v := one
		for step := range strings.SplitSeq(path, ".") {
			v = at(t, v, step)
		}
		if v != want {
			t.Errorf("%s is %v, want %v", path, v, want)
		}
	}
	want := `GIVENNAME=ТЕСТОВИЧ, OU=BIN123456789021, O="АО \"ТЕСТ\"", C=KZ, SERIALNUMBER=IIN123456789011, SURNAME=ТЕСТОВ, CN=ТЕСТОВ ТЕСТ`
	if dn := at(t, one, "subject", "dn"); dn != want {
		t.Errorf("dn %s, want %s", dn, want)
	}
}
