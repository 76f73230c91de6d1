package xmldsig_test

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmldsig"
)

// keyInfo reads a KeyInfo with the given content, and a document around it.
func keyInfo(tb testing.TB, content, around string) *xmldsig.KeyInfo {
	tb.Helper()
	document := `<a xmlns:ds="` + xmldsig.Space + `" xmlns:ds11="` + xmldsig.Space11 + `" xmlns:wsse="` + xmldsig.SpaceWSSE + `" xmlns:wsu="` +
		`http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">` + around +
		strings.Replace(unsigned(reference("", "")), "</ds:Signature>", "<ds:KeyInfo Id='ki'>"+content+"</ds:KeyInfo></ds:Signature>", 1) + "</a>"
	return open(tb, []byte(document)).Signatures[0].KeyInfo
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

const tokenProfile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#"

// Every way to name a certificate names it, and not another one.
func TestKeyInfoNames(t *testing.T) {
	cert, other := named(t, "RSA").cert, named(t, "P-256").cert
	token := func(kind string, value []byte) string {
		return `<wsse:BinarySecurityToken wsu:Id="tok" ValueType="` + tokenProfile + kind + `">` + b64(value) + `</wsse:BinarySecurityToken>`
	}
	str := func(inside string) string {
		return `<wsse:SecurityTokenReference>` + inside + `</wsse:SecurityTokenReference>`
	}
	issuerSerial := fmt.Sprintf(`<ds:X509IssuerSerial><ds:X509IssuerName>%s</ds:X509IssuerName><ds:X509SerialNumber> %d </ds:X509SerialNumber></ds:X509IssuerSerial>`,
		cert.Issuer, new(big.Int).SetBytes(cert.Serial))
	digest := func(uri string, h algo.Hash) string {
		return `<ds:X509Data><ds11:X509Digest Algorithm="` + uri + `">` + b64(h.Sum(nil, cert.Raw)) + `</ds11:X509Digest></ds:X509Data>`
	}
	for name, c := range map[string][2]string{
		"X509Certificate":    {`<ds:X509Data><ds:X509Certificate>` + b64(cert.Raw) + `</ds:X509Certificate></ds:X509Data>`, ""},
		"X509IssuerSerial":   {`<ds:X509Data>` + issuerSerial + `</ds:X509Data>`, ""},
		"X509SubjectName":    {`<ds:X509Data><ds:X509SubjectName>` + cert.Subject.String() + `</ds:X509SubjectName></ds:X509Data>`, ""},
		"X509SKI":            {`<ds:X509Data><ds:X509SKI>` + b64(cert.SubjectKeyID) + `</ds:X509SKI></ds:X509Data>`, ""},
		"X509Digest":         {digest("http://www.w3.org/2001/04/xmlenc#sha256", algo.SHA256), ""},
		"X509Digest GOST":    {digest(xmldsig.DigestURI(algo.Streebog512), algo.Streebog512), ""},
		"RetrievalMethod":    {`<ds:RetrievalMethod URI="#there"/>`, `<ds:X509Data Id="there"><ds:X509Certificate>` + b64(cert.Raw) + `</ds:X509Certificate></ds:X509Data>`},
		"KeyInfoReference":   {`<ds11:KeyInfoReference URI="#there"/>`, `<ds:KeyInfo Id="there"><ds:X509Data>` + issuerSerial + `</ds:X509Data></ds:KeyInfo>`},
		"KeyIdentifier":      {str(`<wsse:KeyIdentifier ValueType="` + tokenProfile + `X509v3">` + b64(cert.Raw) + `</wsse:KeyIdentifier>`), ""},
		"KeyIdentifier SKI":  {str(`<wsse:KeyIdentifier ValueType="` + tokenProfile + `X509SubjectKeyIdentifier">` + b64(cert.SubjectKeyID) + `</wsse:KeyIdentifier>`), ""},
		"thumbprint":         {str(`<wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1">` + b64(algo.SHA1.Sum(nil, cert.Raw)) + `</wsse:KeyIdentifier>`), ""},
		"IssuerSerial":       {str(`<ds:X509Data>` + issuerSerial + `</ds:X509Data>`), ""},
		"IssuerSerial alone": {str(issuerSerial), ""},
		"token":              {str(`<wsse:Reference URI="#tok"/>`), token("X509v3", cert.Raw)},
		"token path":         {str(`<wsse:Reference URI="#tok"/>`), token("X509PKIPathv1", asn1ber.Wrap(asn1ber.Sequence, cert.Raw))},
		"embedded":           {str(`<wsse:Embedded>` + token("X509v3", cert.Raw) + `</wsse:Embedded>`), ""},
	} {
		k := keyInfo(t, c[0], c[1])
		if !k.Names(cert) || k.Names(other) || len(k.Faults) > 0 {
			t.Errorf("%s: names %v, another %v, faults %q", name, k.Names(cert), k.Names(other), k.Faults)
		}
	}
}

// What cannot be read, leads out of the document or is ambiguous names nothing, and is told.
func TestKeyInfoRefuses(t *testing.T) {
	cert := named(t, "RSA").cert
	tok := `<wsse:BinarySecurityToken wsu:Id="tok" ValueType="` + tokenProfile + `X509v3">` + b64(cert.Raw) + `</wsse:BinarySecurityToken>`
	pointer := `<wsse:SecurityTokenReference><wsse:Reference URI="#tok"/></wsse:SecurityTokenReference>`
	for name, c := range map[string][2]string{
		"not base64":            {`<ds:X509Data><ds:X509Certificate>???</ds:X509Certificate></ds:X509Data>`, ""},
		"comment inside":        {`<ds:X509Data><ds:X509Certificate>` + b64(cert.Raw) + `<!-- --></ds:X509Certificate></ds:X509Data>`, ""},
		"remote key":            {`<ds:RetrievalMethod URI="http://127.0.0.1:1/key"/>`, ""},
		"transformed key":       {`<ds:RetrievalMethod URI="#there"><ds:Transforms/></ds:RetrievalMethod>`, `<ds:X509Data Id="there"/>`},
		"loop":                  {`<ds:RetrievalMethod URI="#ki"/>`, ""},
		"remote token":          {strings.Replace(pointer, "#tok", "http://127.0.0.1:1/", 1), tok},
		"two tokens":            {pointer, tok + tok},
		"no token":              {pointer, ""},
		"token of another kind": {pointer, `<x wsu:Id="tok">` + b64(cert.Raw) + `</x>`},
		"token type":            {pointer, strings.Replace(tok, "X509v3", "X509v1", 1)},
		"token encoding":        {pointer, strings.Replace(tok, "ValueType", "EncodingType='HexBinary' ValueType", 1)},
		"path":                  {pointer, strings.Replace(strings.Replace(tok, "X509v3", "X509PKIPathv1", 1), ">M", ">A", 1)},
		"serial":                {`<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=a</ds:X509IssuerName><ds:X509SerialNumber>0x1</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>`, ""},
		"long serial":           {`<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=a</ds:X509IssuerName><ds:X509SerialNumber>` + strings.Repeat("9", 1000) + `</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>`, ""},
		"no issuer":             {`<ds:X509Data><ds:X509IssuerSerial/></ds:X509Data>`, ""},
		"digest":                {`<ds:X509Data><ds11:X509Digest Algorithm="x">AAAA</ds11:X509Digest></ds:X509Data>`, ""},
		"explicit curve":        {`<ds:KeyValue><ECKeyValue xmlns="` + xmldsig.Space11 + `"><ECParameters/><PublicKey>AAAA</PublicKey></ECKeyValue></ds:KeyValue>`, ""},
		"point off the curve":   {`<ds:KeyValue><ECKeyValue xmlns="` + xmldsig.Space11 + `"><NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/><PublicKey>` + b64(append([]byte{4}, make([]byte, 64)...)) + `</PublicKey></ECKeyValue></ds:KeyValue>`, ""},
		"small RSA":             {`<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>` + b64(append([]byte{1}, make([]byte, 62)...)) + `</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>`, ""},
		"DSA":                   {`<ds:KeyValue><ds:DSAKeyValue/></ds:KeyValue>`, ""},
	} {
		k := keyInfo(t, c[0], c[1])
		if k.Names(cert) || len(k.Keys) > 0 || len(k.Faults) == 0 {
			t.Errorf("%s: names %v, %d keys, faults %q", name, k.Names(cert), len(k.Keys), k.Faults)
		}
	}
}

// Names as programs write them, against the names of national certificates.
func TestWrittenNames(t *testing.T) {
	cas, err := pkix.ParsePEMOrDER(readFile(t, filepath.Join(corpora(t, "kz", "ncanode", "groovy"), "WithTestData.NCA_2004_RSA_CERT.bin")))
	if err != nil {
		t.Fatal(err)
	}
	ca := cas[0]
	serial := new(big.Int).SetBytes(ca.Serial).String()
	names := func(written string) bool {
		k := keyInfo(t, `<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>`+written+`</ds:X509IssuerName><ds:X509SerialNumber>`+serial+
			`</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>`, "")
		return k.Names(ca)
	}
	t.Log(ca.Issuer)
	parts := strings.Split(ca.Issuer.String(), ",")
	reversed := ""
	for _, p := range parts {
		reversed = p + ", " + reversed
	}
	for _, written := range []string{
		ca.Issuer.String(), strings.Join(parts, ", "), strings.TrimSuffix(reversed, ", "), strings.ReplaceAll(ca.Issuer.String(), "CN=", "2.5.4.3="),
		strings.ReplaceAll(ca.Issuer.String(), "CN=", "oid.2.5.4.3="), strings.ReplaceAll(ca.Issuer.String(), "CN=", " cn = "), strings.ToLower(ca.Issuer.String()),
		strings.ReplaceAll(ca.Issuer.String(), ",", ";"), strings.Replace(ca.Issuer.String(), "T", `\54`, 1),
	} {
		if !names(written) {
			t.Errorf("%s does not name %s", written, ca.Issuer)
		}
	}
	for _, written := range []string{"", "CN=a", ca.Issuer.String() + ",O=x", parts[0], "=", "CN", `CN="open`, "CN=a\\", "CN=#zz", ",", ca.Issuer.String() + ","} {
		if names(written) {
			t.Errorf("%q names %s", written, ca.Issuer)
		}
	}
}

// Written names never make trouble.
func FuzzWrittenName(f *testing.F) {
	for _, s := range []string{"CN=a, O=b+OU=c", `CN="x, y";C=KZ`, `CN=\,\41#`, "1.2.3=#0403010203", "CN=a\\"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		k := xmldsig.KeyInfo{Selectors: []xmldsig.Selector{{Issuer: s, Serial: big.NewInt(1)}, {Subject: s}}}
		k.Names(&pkix.Certificate{Serial: []byte{1}})
	})
}
