package xmldsig_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

const order = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<order xmlns=\"urn:qaqpa:order\">\n\t<payer id='a&amp;b'>Әлия</payer><!-- fee --><sum>5406.00</sum>\n</order>\n"

func (id identity) input(document string) xmldsig.SignInput {
	return xmldsig.SignInput{
		Document: []byte(document), Certificate: id.cert, Signer: id.key, Algorithm: id.algorithm, Rand: rand.Reader,
	}
}

func mustSign(tb testing.TB, b []byte, err error) []byte {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// signedParts signs elements of a document by their identifiers.
func signedParts(tb testing.TB, document string, ids ...string) []byte {
	tb.Helper()
	in := named(tb, "P-256").input(document)
	for _, id := range ids {
		in.References = append(in.References, xmldsig.ReferenceInput{URI: "#" + id, Transforms: []string{c14n.URIExclusive10}})
	}
	b, err := xmldsig.Sign(in)
	return mustSign(tb, b, err)
}

// verifyAll demands that every signature of a document holds for its certificate and returns the scopes.
func verifyAll(tb testing.TB, b []byte, pool ...*pkix.Certificate) (scopes []string) {
	tb.Helper()
	for i, s := range open(tb, b).Signatures {
		checked := s.Check(xmldsig.Inputs{})
		signers := s.Candidates(append(offered(s), pool...))
		if len(signers) == 0 {
			tb.Fatalf("signature %d: no signer: %v", i, s.KeyInfo.Faults)
		}
		if checks := checked.Verify(signers[0]); !passes(checks) {
			tb.Fatalf("signature %d: %s", i, checks)
		}
		for _, o := range checked.References {
			scopes = append(scopes, o.Scope.String())
		}
	}
	return scopes
}

func TestSignEnvelopedWithEveryKey(t *testing.T) {
	for _, id := range allIdentities(t) {
		t.Run(id.name, func(t *testing.T) {
			b, err := xmldsig.SignEnveloped(id.input(order))
			signed := string(mustSign(t, b, err))
			if scopes := verifyAll(t, b); len(scopes) != 1 || scopes[0] != "FULL / without /order/ds:Signature" {
				t.Errorf("scopes %q", scopes)
			}
			at := strings.Index(signed, "<ds:Signature")
			end := strings.Index(signed, "</ds:Signature>") + len("</ds:Signature>")
			if signed[:at]+signed[end:] != order {
				t.Error("the document was changed")
			}
			if strings.ContainsAny(signed[at:end], "\r\n\t") || strings.Contains(signed[at:end], "> <") {
				t.Error("white space in the signature")
			}
			if holdsAfter(t, signed, "5406.00", "1.00") || holdsAfter(t, signed, "a&amp;b", "a") || holdsAfter(t, signed, "</order>", " </order>") {
				t.Error("a changed document holds")
			}
			if !holdsAfter(t, signed, "fee", "free") { // a reference to the document has no comments (XMLDSig 4.4.3.3)
				t.Error("a comment matters")
			}
		})
	}
}

func holdsAfter(tb testing.TB, signed, old, new string) bool {
	tb.Helper()
	changed := strings.Replace(signed, old, new, 1)
	if changed == signed {
		tb.Fatalf("nothing replaced by %q", new)
	}
	for _, s := range open(tb, []byte(changed)).Signatures {
		checked := s.Check(xmldsig.Inputs{})
		for _, c := range offered(s) {
			if passes(checked.Verify(c)) {
				return true
			}
		}
	}
	return false
}

// The national way: each signer signs the document with the signatures that are there. All hold, the older ones with a note.
func TestSeveralNationalSigners(t *testing.T) {
	document := order
	for _, name := range []string{"GOST-2015-512", "RSA", "GOST-2004"} {
		b, err := xmldsig.SignEnveloped(named(t, name).input(document))
		document = string(mustSign(t, b, err))
	}
	want := []string{
		"FULL / without /order/ds:Signature[1], /order/ds:Signature[2], /order/ds:Signature[3]",
		"FULL / without /order/ds:Signature[2], /order/ds:Signature[3]",
		"FULL / without /order/ds:Signature[3]",
	}
	if got := verifyAll(t, []byte(document)); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("scopes %q", got)
	}
	// Without the middle one the last signature, which covers it, does not hold; the first one does.
	from := strings.Index(document, "</ds:Signature>") + len("</ds:Signature>")
	to := from + strings.Index(document[from:], "</ds:Signature>") + len("</ds:Signature>")
	doc := open(t, []byte(document[:from]+document[to:]))
	for i, want := range []bool{true, false} {
		if got := passes(doc.Signatures[i].Check(xmldsig.Inputs{}).Checks()); got != want {
			t.Errorf("signature %d holds: %v", i, got)
		}
	}
}

func TestSignParts(t *testing.T) {
	b := signedParts(t, `<?xml version="1.0"?><a xmlns:p="urn:p"><p:b Id="one" p:x="1">x</p:b><c ID="two"/><d>free</d></a>`, "one", "two")
	want := "PARTIAL /a/p:b (id one)|PARTIAL /a/c (id two)"
	if got := strings.Join(verifyAll(t, b), "|"); got != want {
		t.Errorf("scopes %s", got)
	}
	if !holdsAfter(t, string(b), "free", "paid") {
		t.Error("what is not signed matters")
	}
	if holdsAfter(t, string(b), `p:x="1"`, `p:x="2"`) {
		t.Error("a changed attribute holds")
	}
}

// Without a document the signature stands alone, over its objects and content elsewhere.
func TestSignObjectsAndFiles(t *testing.T) {
	in := named(t, "P-384").input("")
	in.Document, in.ID = nil, "sig"
	in.Objects = []xmldsig.ObjectInput{{Content: `<note Id="n" xmlns="urn:n">hello</note>`}}
	in.References = []xmldsig.ReferenceInput{
		{URI: "#n", Transforms: []string{c14n.URIInclusive11}, ID: "r1"},
		{URI: "file.txt", Content: []byte("content")},
	}
	b, err := xmldsig.Sign(in)
	s := open(t, mustSign(t, b, err)).Signatures[0]
	if s.ID != "sig" {
		t.Errorf("ID %q", s.ID)
	}
	for content, want := range map[string]bool{"content": true, "Content": false} {
		checked := s.Check(xmldsig.Inputs{Sources: xmldsig.Files(map[string][]byte{"file.txt": []byte(content)})})
		if got := passes(checked.Verify(id2cert(t, "P-384"))); got != want {
			t.Errorf("%s: %s", content, checked.Checks())
		}
		if got := checked.References[1].Scope.String(); got != `DETACHED "file.txt"` {
			t.Errorf("scope %s", got)
		}
	}
	if out := s.Outside(); len(out) != 1 || out[0].URI != "file.txt" || out[0].Digest != algo.SHA384 {
		t.Errorf("outside: %v", out)
	}
	if w := s.Check(xmldsig.Inputs{}).Checks().Worst(); w.Sub != "SIGNED_DATA_NOT_FOUND" {
		t.Errorf("without the file: %+v", w)
	}
	digest := algo.SHA384.Sum(nil, []byte("content"))
	known := func(string, bool) (xmldsig.Content, bool) {
		return xmldsig.Content{Digests: map[algo.Hash][]byte{algo.SHA384: digest}}, true
	}
	if c := s.Check(xmldsig.Inputs{Sources: known}).Checks(); !passes(c) {
		t.Errorf("with the digest: %s", c)
	}
}

func id2cert(tb testing.TB, name string) *pkix.Certificate { tb.Helper(); return named(tb, name).cert }

func TestSignRefuses(t *testing.T) {
	id, other := named(t, "P-256"), named(t, "RSA")
	enveloped := []xmldsig.ReferenceInput{{Transforms: []string{xmldsig.TransformEnveloped}}}
	for name, c := range map[string]struct {
		change func(*xmldsig.SignInput)
		want   error
	}{
		"key of another certificate": {func(in *xmldsig.SignInput) { in.Certificate = other.cert }, xmldsig.ErrKeyMismatch},
		"no references":              {func(in *xmldsig.SignInput) { in.References = nil }, xmldsig.ErrMalformed},
		"unknown element":            {func(in *xmldsig.SignInput) { in.References[0].URI = "#nobody" }, xmltree.ErrNoID},
		"unknown place":              {func(in *xmldsig.SignInput) { in.ParentID = "nobody" }, xmltree.ErrNoID},
		"XSLT": {func(in *xmldsig.SignInput) {
			in.References[0].Transforms = []string{"http://www.w3.org/TR/1999/REC-xslt-19991116"}
		}, xmldsig.ErrRefused},
		"content missing": {func(in *xmldsig.SignInput) {
			in.References = []xmldsig.ReferenceInput{{URI: "file"}}
		}, xmldsig.ErrNoContent},
		"GOST hash":     {func(in *xmldsig.SignInput) { in.Hash = algo.Streebog256 }, algo.ErrMismatch},
		"DOCTYPE":       {func(in *xmldsig.SignInput) { in.Document = []byte("<!DOCTYPE a><a/>") }, xmltree.ErrDoctype},
		"UTF-16":        {func(in *xmldsig.SignInput) { in.Document = []byte("\xff\xfe<\x00a\x00/\x00>\x00") }, xmltree.ErrEncoding},
		"wrong ID":      {func(in *xmldsig.SignInput) { in.ID = "1 2" }, xmldsig.ErrMalformed},
		"broken object": {func(in *xmldsig.SignInput) { in.Objects = []xmldsig.ObjectInput{{Content: "<a>"}} }, xmltree.ErrSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			in := id.input(order)
			in.References = append([]xmldsig.ReferenceInput(nil), enveloped...)
			c.change(&in)
			if _, err := xmldsig.Sign(in); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

const envelope = `<?xml version="1.0"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/">%s
<SOAP-ENV:Body>
    <m:SendMessage xmlns:m="http://bip.bee.kz/SyncChannel/v10/Types" xmlns=""><request><iin>123456789011</iin></request></m:SendMessage>
</SOAP-ENV:Body>
</SOAP-ENV:Envelope>
`

func TestSignWSS(t *testing.T) {
	headers := map[string]string{
		"no header": "", "empty header": "<SOAP-ENV:Header/>", "header": "<SOAP-ENV:Header><x/></SOAP-ENV:Header>",
		"security": `<SOAP-ENV:Header><w:Security xmlns:w="` + xmldsig.SpaceWSSE + `"/></SOAP-ENV:Header>`,
	}
	for name, header := range headers {
		for token := xmldsig.TokenKeyIdentifier; token <= xmldsig.TokenBinary; token++ {
			for _, key := range []string{"RSA", "GOST-2015-512"} {
				id := named(t, key)
				document := strings.Replace(envelope, "%s", header, 1)
				b, err := xmldsig.SignWSS(xmldsig.WSSInput{SignInput: id.input(document), Token: token})
				if err != nil {
					t.Fatalf("%s, token %d: %v", name, token, err)
				}
				scopes := verifyAll(t, b, id.cert)
				if len(scopes) != 1 || !strings.HasPrefix(scopes[0], "PARTIAL /SOAP-ENV:Envelope/SOAP-ENV:Body (id id-") {
					t.Errorf("%s: scopes %q", name, scopes)
				}
				s := open(t, b).Signatures[0]
				if want := "/SOAP-ENV:Envelope/SOAP-ENV:Header/"; !strings.HasPrefix(s.Element.Path(), want) {
					t.Errorf("%s: signature at %s", name, s.Element.Path())
				}
				if token != xmldsig.TokenIssuerSerial && len(s.KeyInfo.Certificates) != 1 {
					t.Errorf("%s, token %d: %d certificates, %v", name, token, len(s.KeyInfo.Certificates), s.KeyInfo.Faults)
				}
				if holdsAfter(t, string(b), "123456789011", "123456789012") {
					t.Errorf("%s: a changed body holds", name)
				}
			}
		}
	}
	if _, err := xmldsig.SignWSS(xmldsig.WSSInput{SignInput: named(t, "RSA").input(order)}); !errors.Is(err, xmldsig.ErrNoEnvelope) {
		t.Errorf("no envelope: %v", err)
	}
}
