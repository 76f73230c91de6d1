package xmldsig_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/xmldsig"
)

// xmlsec1 runs the program in a folder; the other implementation of everything here.
func xmlsec1(tb testing.TB, dir string, args ...string) (string, error) {
	tb.Helper()
	path, err := exec.LookPath("xmlsec1")
	if err != nil {
		tb.Skip("xmlsec1 is not installed")
	}
	cmd := exec.CommandContext(tb.Context(), path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func put(tb testing.TB, dir, name string, b []byte) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		tb.Fatal(err)
	}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// xmlsecKeys are the identities that xmlsec1 1.2 with OpenSSL knows.
var xmlsecKeys = []string{"RSA", "P-256", "P-384"}

// We sign, xmlsec1 verifies: enveloped, parts, WS-Security; and it refuses a changed document.
func TestXmlsec1VerifiesOurs(t *testing.T) {
	for _, key := range xmlsecKeys {
		id := named(t, key)
		soap := strings.Replace(envelope, "%s", "<SOAP-ENV:Header/>", 1)
		parts := id.input(`<a xmlns="urn:a" xml:lang="kk"><b Id="one"><!-- note -->x</b></a>`)
		for _, form := range []string{c14n.URIInclusive10, c14n.URIInclusive11, c14n.URIExclusive10, c14n.URIExclusive10 + "WithComments"} {
			parts.References = append(parts.References, xmldsig.ReferenceInput{URI: "#one", Transforms: []string{form}})
		}
		parts.Canonical = c14n.Method{Form: c14n.Exclusive10}
		made := map[string]func() ([]byte, error){
			"enveloped": func() ([]byte, error) { return xmldsig.SignEnveloped(id.input(order)) },
			"SHA-512": func() ([]byte, error) {
				in := id.input(order)
				in.Hash = algo.SHA512
				return xmldsig.SignEnveloped(in)
			},
			"parts": func() ([]byte, error) { return xmldsig.Sign(parts) },
			"WSS": func() ([]byte, error) {
				return xmldsig.SignWSS(xmldsig.WSSInput{SignInput: id.input(soap), Token: xmldsig.TokenIssuerSerial})
			},
		}
		for name, make := range made {
			t.Run(key+" "+name, func(t *testing.T) {
				dir := t.TempDir()
				b, err := make()
				put(t, dir, "doc.xml", mustSign(t, b, err))
				put(t, dir, "ca.pem", pemOf("CERTIFICATE", id.cert.Raw))
				args := []string{
					"--verify", "--verification-time", "2026-09-02 00:00:00", "--trusted-pem", "ca.pem",
					"--id-attr:Id", "urn:a:b", "--id-attr:Id", "http://schemas.xmlsoap.org/soap/envelope/:Body", "doc.xml",
				}
				if name == "WSS" { // xmlsec1 does not follow SecurityTokenReference
					args = append(args[:1], append([]string{"--pubkey-cert-pem", "ca.pem"}, args[1:]...)...)
				}
				if out, err := xmlsec1(t, dir, args...); err != nil {
					t.Errorf("%v: %s", err, out)
				}
				changed := strings.NewReplacer("5406.00", "5407.00", "x</b>", "y</b>", "123456789011", "123456789012").Replace(string(b))
				put(t, dir, "doc.xml", []byte(changed))
				if out, err := xmlsec1(t, dir, args...); err == nil {
					t.Errorf("xmlsec1 takes a changed document, the oracle is blind: %s", out)
				}
			})
		}
	}
}

// transformTemplates are what xmlsec1 is asked to sign: URI and the transforms of one reference each.
var transformTemplates = map[string][2]string{
	"enveloped":            {"", transform(xmldsig.TransformEnveloped, "")},
	"enveloped exc":        {"", transform(xmldsig.TransformEnveloped, "") + transform(c14n.URIExclusive10, "")},
	"part":                 {"#one", ""},
	"part 1.0":             {"#one", transform(c14n.URIInclusive10, "")},
	"part comments":        {"#one", transform(c14n.URIInclusive10+"#WithComments", "")},
	"part 1.1":             {"#one", transform(c14n.URIInclusive11, "")},
	"part exc":             {"#one", transform(c14n.URIExclusive10, "")},
	"part exc prefixes":    {"#one", transform(c14n.URIExclusive10, `<ec:InclusiveNamespaces xmlns:ec="`+c14n.URIExclusive10+`" PrefixList="q #default unknown"/>`)},
	"pointer":              {"#xpointer(id('one'))", transform(c14n.URIExclusive10+"WithComments", "")},
	"pointer root":         {"#xpointer(/)", transform(xmldsig.TransformEnveloped, "") + transform(c14n.URIInclusive10+"#WithComments", "")},
	"base64":               {"#b64", transform(xmldsig.TransformBase64, "")},
	"xpath":                {"", transform(xmldsig.TransformXPath, `<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath>`)},
	"xpath here":           {"", transform(xmldsig.TransformXPath, `<ds:XPath>count(ancestor-or-self::ds:Signature | here()/ancestor::ds:Signature[1]) &gt; count(ancestor-or-self::ds:Signature)</ds:XPath>`)},
	"xpath text":           {"", transform(xmldsig.TransformXPath, `<ds:XPath>ancestor-or-self::*[local-name()='b'] and not(self::text()[contains(., 'drop')]) and not(self::processing-instruction())</ds:XPath>`)},
	"xpath orphans":        {"", transform(xmldsig.TransformXPath, `<ds:XPath>ancestor-or-self::*[local-name()='leaf']</ds:XPath>`)},
	"xpath orphans 1.1":    {"", transform(xmldsig.TransformXPath, `<ds:XPath>ancestor-or-self::*[local-name()='leaf']</ds:XPath>`) + transform(c14n.URIInclusive11, "")},
	"xpath orphans exc":    {"", transform(xmldsig.TransformXPath, `<ds:XPath>ancestor-or-self::*[local-name()='leaf']</ds:XPath>`) + transform(c14n.URIExclusive10, "")},
	"xpath gaps":           {"", transform(xmldsig.TransformXPath, `<ds:XPath>not(ancestor-or-self::ds:Signature) and not(self::*[local-name()='hole'])</ds:XPath>`)},
	"xpath gaps exc":       {"", transform(xmldsig.TransformXPath, `<ds:XPath>not(ancestor-or-self::ds:Signature) and not(self::*[local-name()='hole'])</ds:XPath>`) + transform(c14n.URIExclusive10, "")},
	"xpath attributes":     {"", transform(xmldsig.TransformXPath, `<ds:XPath>not(ancestor-or-self::ds:Signature) and (self::* or self::text() or name() = 'p:x')</ds:XPath>`)},
	"filter intersect":     {"", filter2("intersect", "//*[@Id='one']")},
	"filter subtract":      {"", filter2("subtract", "/descendant::ds:Signature | //comment()")},
	"filter all":           {"", filter2("intersect", "//p:b") + ""},
	"two steps":            {"", transform(xmldsig.TransformEnveloped, "") + filter2("subtract", "//p:mid") + transform(c14n.URIInclusive11+"#WithComments", "")},
	"c14n, then octets":    {"#one", transform(c14n.URIExclusive10, "") + transform(xmldsig.TransformXPath, "<ds:XPath>not(self::comment())</ds:XPath>")},
	"position and strings": {"", transform(xmldsig.TransformXPath, `<ds:XPath>ancestor-or-self::p:b[position() = last()][not(@xml:lang)] and string-length(normalize-space(string(parent::*))) &gt; 2 and translate(name(..), 'lm', 'LM') != ''</ds:XPath>`)},
}

func transform(uri, inside string) string {
	return `<ds:Transform Algorithm="` + uri + `">` + inside + `</ds:Transform>`
}

func filter2(operation, expression string) string {
	return transform(xmldsig.TransformFilter2, `<f:XPath xmlns:f="`+xmldsig.TransformFilter2+`" xmlns:p="urn:p" Filter="`+operation+`">`+expression+`</f:XPath>`)
}

// intricate is a document with what makes canonical forms differ.
const intricate = `<?xml version="1.0"?>
<?style one?><!-- before -->
<root xmlns="urn:root" xmlns:p="urn:p" xmlns:q="urn:q" xml:lang="kk" xml:base="http://a.kz/x/" xml:space="preserve">
  <p:b Id="one" p:x="1" b="2" a="&lt;&#9;&quot;" q:y="3"><!-- inside -->text &amp; more&#13;
<mid xmlns="" p:z="1"><p:mid xmlns:p="urn:p2" xml:base="y/"><leaf xmlns="urn:leaf" c="d" xmlns:u="urn:unused"><p:n/>drop</leaf></p:mid></mid>
<?pi  data ?></p:b><p:b xml:lang="ru"><leaf xml:base="../z"/><![CDATA[<&]]></p:b><hole xmlns:h="urn:h" i="1" xml:lang="en"><in h:k="2"/></hole><b64 Id="b64"> cWFx
 cGE= </b64>%s</root>
<!-- after --><?style two?>`

func template(uri, transforms, canonical string) string {
	if transforms != "" {
		transforms = "<ds:Transforms>" + transforms + "</ds:Transforms>"
	}
	return fmt.Sprintf(intricate, `<ds:Signature xmlns:ds="`+xmldsig.Space+`"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="`+canonical+`"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
<ds:Reference URI="`+uri+`">`+transforms+`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue></ds:DigestValue></ds:Reference>
</ds:SignedInfo><ds:SignatureValue></ds:SignatureValue><ds:KeyInfo><ds:X509Data></ds:X509Data></ds:KeyInfo></ds:Signature>`)
}

// xmlsec1 signs with every transform, we verify: its digests are over the octets of libxml2.
func TestWeVerifyXmlsec1(t *testing.T) {
	id := named(t, "RSA")
	der, err := x509.MarshalPKCS8PrivateKey(id.key)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range transformTemplates {
		for _, canonical := range []string{c14n.URIInclusive10, c14n.URIInclusive11 + "#WithComments", c14n.URIExclusive10} {
			t.Run(name+" "+canonical[len(canonical)-8:], func(t *testing.T) {
				dir := t.TempDir()
				put(t, dir, "key.pem", pemOf("PRIVATE KEY", der))
				put(t, dir, "cert.pem", pemOf("CERTIFICATE", id.cert.Raw))
				put(t, dir, "in.xml", []byte(template(c[0], c[1], canonical)))
				out, err := xmlsec1(t, dir, "--sign", "--privkey-pem", "key.pem,cert.pem", "--id-attr:Id", "urn:p:b",
					"--id-attr:Id", "urn:root:b64", "--output", "out.xml", "in.xml")
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				doc := open(t, readFile(t, filepath.Join(dir, "out.xml")))
				checked := doc.Signatures[0].Check(xmldsig.Inputs{})
				if checks := checked.Verify(id.cert); !passes(checks) {
					octets, err := checked.References[0].Octets()
					t.Errorf("%s\n%s\n%v", checks, octets, err)
				}
			})
		}
	}
}
