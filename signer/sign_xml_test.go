package signer_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/signer"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/xmldsig"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/softhsm"
)

// xmlsecVerify is the independent judgement of a signature and its chain. xmlsec1 reads one certificate of a file.
func (b *bench) xmlsecVerify(doc []byte) error {
	b.Helper()
	dir := b.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			b.Fatal(err)
		}
		return file
	}
	args := append([]string{"--verify", "--verification-gmt-time", "2026-10-01 09:00:00"}, ids...)
	for _, f := range b.pki.Families() {
		if f == pki.GOST2015 {
			continue // openssl without an engine does not read it
		}
		args = append(args, "--trusted-pem", write("root_"+string(f), b.pki.AnchorsPEM(f)),
			"--untrusted-pem", write("ca_"+string(f), b.pki.IntermediatesPEM(f)))
	}
	file := write("doc.xml", doc)
	out, err := exec.CommandContext(context.Background(), "xmlsec1", append(args, file)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (b *bench) signXML(req signer.SignXMLRequest) []byte {
	b.Helper()
	out, err := b.svc.SignXML(b.Context(), req)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func (b *bench) signWSSE(req signer.SignWSSERequest) []byte {
	b.Helper()
	out, err := b.svc.SignWSSE(b.Context(), req)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// verifiedElsewhere lets xmlsec1 judge what we signed, and what was changed in it.
func (b *bench) verifiedElsewhere(doc []byte) {
	b.Helper()
	if err := b.xmlsecVerify(doc); err != nil {
		b.Errorf("xmlsec1 refuses: %v", err)
	}
	if err := b.xmlsecVerify([]byte(strings.Replace(string(doc), "5406", "5407", 1))); err == nil {
		b.Error("xmlsec1 takes a changed document")
	}
}

// TestSignXML: our signatures of whole documents and of parts pass here, and at xmlsec1 where it knows the algorithms.
func TestSignXML(t *testing.T) {
	b := setup(t, []pki.Family{pki.RSA, pki.ECDSA, pki.GOST2015}, nil)
	document := []byte(fee + "</order>")
	for _, family := range b.pki.Families() {
		t.Run(string(family), func(t *testing.T) {
			b := *b
			b.TB = t
			key := b.key(b.issue(pki.Profile{Family: family, Name: "signer_" + string(family)}))
			whole := b.signXML(signer.SignXMLRequest{Document: document, Key: key})
			v := b.validate(whole, nil)
			b.want(v, report.TotalPassed, "", "")
			if !v.Passed() || v.Coverage != "FULL" {
				t.Errorf("%s, %+v", v.Coverage, v.Signatures[0].Scopes)
			}
			part := b.signXML(signer.SignXMLRequest{Document: document, ID: "f1", Key: key})
			v = b.validate(part, nil)
			b.want(v, report.TotalPassed, "", "")
			if v.Passed() || v.Signatures[0].Scopes[0].Parts[0].ID != "f1" {
				t.Errorf("%s, %+v", v.Coverage, v.Signatures[0].Scopes)
			}
			if family != pki.GOST2015 {
				b.verifiedElsewhere(whole)
				b.verifiedElsewhere(part)
			} else {
				key.Chain = key.Chain[:1] // the authority's certificate is found elsewhere, so nobody misses it
				b.flips(b.signXML(signer.SignXMLRequest{Document: document, Key: key}), 19)
			}
		})
	}
}

// TestSeveralXMLSigners: each signs the document with the signatures that are there, as the national software does.
func TestSeveralXMLSigners(t *testing.T) {
	b := setup(t, []pki.Family{pki.GOST2015, pki.RSA, pki.ECDSA}, nil)
	doc := []byte(fee + "</order>")
	for _, f := range b.pki.Families() {
		doc = b.signXML(signer.SignXMLRequest{Document: doc, Key: b.key(b.issue(pki.Profile{Family: f, Name: "signer_" + string(f)}))})
	}
	v := b.validate(doc, nil)
	b.want(v, report.TotalPassed, "", "")
	if len(v.Signatures) != 3 || !v.Passed() {
		t.Fatalf("%d signatures, %s", len(v.Signatures), v.Coverage)
	}
	for i, s := range v.Signatures {
		if got := s.Scopes[0].LaterSignaturesLeftOut; got != 2-i {
			t.Errorf("signature %d: %d later ones left out", i+1, got)
		}
	}
	// Taking the middle signature away breaks the later one, not the earlier.
	text := string(doc)
	from := strings.Index(text, "</ds:Signature>") + len("</ds:Signature>")
	to := from + strings.Index(text[from:], "</ds:Signature>") + len("</ds:Signature>")
	v = b.validate([]byte(text[:from]+text[to:]), nil)
	if len(v.Signatures) != 2 || v.Signatures[0].Indication != report.TotalPassed || v.Signatures[1].Sub != report.HashFailure {
		t.Errorf("%d signatures, %s", len(v.Signatures), v.Sub)
	}
}

// TestSignWSSE: messages signed with each kind of token pass here, and their mathematics at xmlsec1.
func TestSignWSSE(t *testing.T) {
	b := setup(t, []pki.Family{pki.RSA, pki.GOST2015}, nil)
	envelope := []byte(`<S:Envelope xmlns:S="` + soapNS + `"><S:Body><pay>5406</pay></S:Body></S:Envelope>`)
	for _, family := range b.pki.Families() {
		id := b.issue(system(family))
		key := b.key(id)
		for name, token := range map[string]xmldsig.Token{
			"key identifier": xmldsig.TokenKeyIdentifier, "issuer serial": xmldsig.TokenIssuerSerial, "token": xmldsig.TokenBinary,
		} {
			doc := b.signWSSE(signer.SignWSSERequest{Document: envelope, Token: token, Key: key})
			judge := func(doc string) signer.Verdict {
				return b.validateRequest(signer.ValidateRequest{Document: []byte(doc), Evidence: [][]byte{id.Certificate}})
			}
			v := judge(string(doc))
			b.want(v, report.TotalPassed, "", "")
			if v.Format != "WSSE" || v.Signatures[0].Signer.Kind != "information_system" {
				t.Errorf("%s %s: %s, %+v", family, name, v.Format, v.Signatures[0])
			}
			b.want(judge(strings.Replace(string(doc), "5406", "5407", 1)), report.TotalFailed, report.HashFailure, report.ReasonContentChanged)
			if family == pki.RSA {
				b.xmlsecMathematics(id, doc)
			}
		}
	}
}

// xmlsecMathematics lets xmlsec1 check a message with the key given, for it does not read the tokens of WS-Security.
func (b *bench) xmlsecMathematics(id *pki.Identity, doc []byte) {
	b.Helper()
	dir := b.TempDir()
	cert := filepath.Join(dir, "cert.pem")
	if err := os.WriteFile(cert, id.PEM(), 0o600); err != nil {
		b.Fatal(err)
	}
	verify := func(doc string) error {
		file := filepath.Join(dir, "doc.xml")
		if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
			b.Fatal(err)
		}
		args := append([]string{"--verify", "--pubkey-cert-pem", cert, "--enabled-key-data", "rsa"}, ids...)
		return exec.CommandContext(context.Background(), "xmlsec1", append(args, file)...).Run()
	}
	if err := verify(string(doc)); err != nil {
		b.Errorf("xmlsec1 refuses: %v\n%s", err, doc)
	}
	if err := verify(strings.Replace(string(doc), "5406", "5407", 1)); err == nil {
		b.Error("xmlsec1 takes a changed message")
	}
}

// TestSignInToken: a key that never leaves a PKCS#11 token signs CMS, XML and SOAP as one of a file does.
func TestSignInToken(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA, pki.RSA}, withTSA)
	soft := softhsm.ForTest(t)
	token, err := hsm.Open(t.Context(), hsm.Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	}()
	for family, algorithm := range map[pki.Family]hsm.Algorithm{pki.RSA: hsm.RSA2048, pki.ECDSA: hsm.ECDSAP256} {
		held, err := token.Generate(t.Context(), "sign-"+string(family), algorithm)
		if err != nil {
			t.Fatal(err)
		}
		key := b.held(system(family), held)
		b.want(b.validate(b.signCMS(signer.SignCMSRequest{Document: content, Key: key, TimeStamp: true, Evidence: true}), nil), report.TotalPassed, "", "")
		whole := b.signXML(signer.SignXMLRequest{Document: []byte(fee + "</order>"), Key: key})
		b.want(b.validate(whole, nil), report.TotalPassed, "", "")
		b.verifiedElsewhere(whole)
		b.want(b.validate(b.signWSSE(signer.SignWSSERequest{Document: []byte(message("", soapBody)), Key: key}), nil), report.TotalPassed, "", "")
	}
}

func (b *bench) held(p pki.Profile, key crypto.Signer) signer.SigningKey {
	b.Helper()
	id := b.issueFor(p, key.Public())
	return signer.SigningKey{Key: key, Chain: append(parse(b, id.Certificate), parse(b, id.Chain[:1]...)...)}
}

// TestSignXMLRefuses: what must not be signed is not.
func TestSignXMLRefuses(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	key := b.key(b.issue(pki.Profile{Name: "signer"}))
	auth := b.key(b.issue(pki.Profile{Name: "auth", Use: pki.Auth}))
	document := []byte(fee + "</order>")
	for name, c := range map[string]struct {
		req  signer.SignXMLRequest
		want error
	}{
		"no key":        {signer.SignXMLRequest{Document: document}, signer.ErrRequest},
		"empty":         {signer.SignXMLRequest{Key: key}, signer.ErrRequest},
		"not XML":       {signer.SignXMLRequest{Document: content, Key: key}, signer.ErrRequest},
		"DOCTYPE":       {signer.SignXMLRequest{Document: []byte("<!DOCTYPE a><a/>"), Key: key}, signer.ErrRequest},
		"no such id":    {signer.SignXMLRequest{Document: document, ID: "f9", Key: key}, signer.ErrRequest},
		"wrong key use": {signer.SignXMLRequest{Document: document, Key: auth}, signer.ErrSigningCertificate},
		"another's certificate": {signer.SignXMLRequest{
			Document: document, Key: signer.SigningKey{Key: key.Key, Chain: []*pkix.Certificate{auth.Chain[0]}},
		}, signer.ErrSigningCertificate},
	} {
		if out, err := b.svc.SignXML(t.Context(), c.req); !errors.Is(err, c.want) || out != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if out, err := b.svc.SignWSSE(t.Context(), signer.SignWSSERequest{Document: document, Key: key}); !errors.Is(err, signer.ErrRequest) || out != nil {
		t.Errorf("not a SOAP message: %v", err)
	}
}
