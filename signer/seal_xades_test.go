package signer_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/report"
	"qaqpa/signer/sealing"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

const xmlOrder = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<order Id="o1"><payer>ӘЛИЕВ &amp; Ко</payer><sum>540600</sum></order>`

// byXMLSec lets xmlsec1 verify the signature itself with a certificate of its document's signer.
func (b *bench) byXMLSec(document []byte, id *pki.Identity) {
	b.Helper()
	if _, err := exec.LookPath("xmlsec1"); err != nil {
		b.Log("xmlsec1 is not here")
		return
	}
	dir := b.TempDir()
	file, cert := filepath.Join(dir, "d.xml"), filepath.Join(dir, "c.der")
	if err := errors.Join(os.WriteFile(file, document, 0o600), os.WriteFile(cert, id.Certificate, 0o600)); err != nil {
		b.Fatal(err)
	}
	args := []string{"--verify", "--pubkey-cert-der", cert}
	for _, element := range []string{"order", "http://www.w3.org/2000/09/xmldsig#:Object", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"} {
		args = append(args, "--id-attr:Id", element)
	}
	if out, err := exec.CommandContext(b.Context(), "xmlsec1", append(args, file)...).CombinedOutput(); err != nil {
		b.Errorf("xmlsec1: %v: %s", err, out)
	}
}

// TestMakeXAdES: at each level and in each packaging a seal passes our own validation and xmlsec1's, from LT on without anybody to ask.
func TestMakeXAdES(t *testing.T) {
	for _, family := range []pki.Family{pki.RSA, pki.ECDSA, pki.GOST2015} {
		b := setup(t, []pki.Family{family}, nil)
		id := b.issue(system(family))
		b.svc = b.service(func(b *bench, cfg *signer.Config) {
			withTSA(b, cfg)
			sealer(id, b.key(id).Key)(b, cfg)
		})
		for i, level := range sealing.Levels() {
			for _, packaging := range sealing.XAdES.Packagings() {
				t.Run(string(family)+"/"+string(level)+"/"+string(packaging), func(t *testing.T) {
					b := *b
					b.TB = t
					out := b.make(signer.SealOrder{Document: []byte(xmlOrder), Format: sealing.XAdES, Level: level, Packaging: packaging})
					var original []byte
					coverage := "FULL"
					if packaging == sealing.Detached {
						original, coverage = []byte(xmlOrder), "DETACHED"
					}
					v := b.validate(out.Document, original)
					b.want(v, report.TotalPassed, "", "")
					s := v.Signatures[0]
					if s.Level != "XAdES-B-"+string(level) || s.TimeProven != (i > 0) || len(s.TimeStamps) != []int{0, 1, 1, 2}[i] || v.Coverage != coverage {
						t.Errorf("level %s, time proven %v, %d time stamps, coverage %s", s.Level, s.TimeProven, len(s.TimeStamps), v.Coverage)
					}
					for _, ts := range s.TimeStamps {
						if ts.Indication != report.TotalPassed || ts.Kind == "archive-time-stamp" && ts.Objects < 6 {
							t.Errorf("%s: %s %s, %d objects", ts.Kind, ts.Indication, ts.Sub, ts.Objects)
						}
					}
					if family != pki.GOST2015 && packaging != sealing.Detached {
						b.byXMLSec(out.Document, id)
					}
					b.checkOffline(out.Document, original, i >= 2, i >= 1)
					if packaging == sealing.Enveloped && !strings.Contains(string(out.Document), "<payer>ӘЛИЕВ &amp; Ко</payer>") {
						t.Error("the document was changed")
					}
				})
			}
		}
		b.checkAudit(12)
	}
}

func (b *bench) signXAdES(req signer.SignXAdESRequest) []byte {
	b.Helper()
	out, err := b.svc.SignXAdES(b.Context(), req)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// TestSignXAdES: several people sign one document, and an element of it.
func TestSignXAdES(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA, pki.RSA}, withTSA)
	doc := []byte(xmlOrder)
	for i, f := range []pki.Family{pki.ECDSA, pki.RSA} {
		key := b.key(b.issue(pki.Profile{Family: f, Name: "signer_" + string(f)}))
		out, err := b.svc.SignXAdES(t.Context(), signer.SignXAdESRequest{Document: doc, Key: key, XAdESOptions: signer.XAdESOptions{Level: sealing.LTA}})
		if err != nil {
			t.Fatal(err)
		}
		v := b.validate(out, nil)
		b.want(v, report.TotalPassed, "", "")
		if len(v.Signatures) != i+1 || v.Signatures[i].Level != "XAdES-B-LTA" || v.Coverage != "FULL" {
			t.Errorf("%d signatures, %s, %s", len(v.Signatures), v.Signatures[i].Level, v.Coverage)
		}
		doc = out
	}
	raised := b.raise(signer.RaiseRequest{Document: doc, Level: sealing.LTA}).Document
	v := b.validate(raised, nil)
	b.want(v, report.TotalPassed, "", "")
	for _, sig := range v.Signatures {
		if len(sig.TimeStamps) != 3 || sig.TimeStamps[2].Indication != report.TotalPassed {
			t.Errorf("%d time stamps", len(sig.TimeStamps))
		}
	}
	key := b.key(b.issue(pki.Profile{Family: pki.RSA, Name: "part"}))
	out, err := b.svc.SignXAdES(t.Context(), signer.SignXAdESRequest{
		Document: []byte("<a>" + xmlOrder[strings.Index(xmlOrder, "<order"):] + "</a>"), Key: key, XAdESOptions: signer.XAdESOptions{Element: "o1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := b.validate(out, nil); v.Coverage != "PARTIAL" || v.Indication != report.TotalPassed {
		t.Errorf("%s %s", v.Indication, v.Coverage)
	}
}

// TestRaiseCovered: nothing is added to a signature that another one covers: that one would break.
func TestRaiseCovered(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withTSA)
	key := b.key(b.issue(pki.Profile{Name: "signer"}))
	first, err := b.svc.SignXAdES(t.Context(), signer.SignXAdESRequest{Document: []byte(xmlOrder), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(key.Chain[0].Raw)
	both, err := xmldsig.Sign(xmldsig.SignInput{
		Document: first, ID: "s2", Certificate: key.Chain[0], Signer: key.Key, Rand: rand.Reader,
		References: []xmldsig.ReferenceInput{
			{ID: "s2-data", Transforms: []string{xmldsig.TransformEnveloped}}, {URI: "#s2-signed", Type: xades.TypeSignedProperties},
		},
		Objects: []xmldsig.ObjectInput{{Content: `<x:QualifyingProperties xmlns:x="` + xades.Space132 + `" Target="#s2"><x:SignedProperties Id="s2-signed">` +
			`<x:SignedSignatureProperties><x:SigningTime>` + b.clk.now().UTC().Format(time.RFC3339) + `</x:SigningTime><x:SigningCertificateV2><x:Cert><x:CertDigest>` +
			`<ds:DigestMethod Algorithm="` + xmldsig.DigestURI(algo.SHA256) + `"/><ds:DigestValue>` + base64.StdEncoding.EncodeToString(digest[:]) +
			`</ds:DigestValue></x:CertDigest></x:Cert></x:SigningCertificateV2></x:SignedSignatureProperties><x:SignedDataObjectProperties>` +
			`<x:DataObjectFormat ObjectReference="#s2-data"><x:MimeType>text/xml</x:MimeType></x:DataObjectFormat></x:SignedDataObjectProperties>` +
			`</x:SignedProperties></x:QualifyingProperties>`}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := b.validate(both, nil)
	b.want(v, report.TotalPassed, "", "")
	if len(v.Signatures) != 2 || v.Signatures[1].Level != xades.LevelB {
		t.Fatalf("%d signatures, %s", len(v.Signatures), v.Signatures[1].Level)
	}
	if _, err := b.svc.Raise(t.Context(), signer.RaiseRequest{Document: both, Level: sealing.T, Actor: "test"}); !errors.Is(err, signer.ErrRequest) {
		t.Errorf("raised under a signature: %v", err)
	}
}

// TestRaiseMany: a document with very many signatures is not raised, before anybody is asked for a time stamp.
func TestRaiseMany(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withTSA)
	key := b.key(b.issue(pki.Profile{Name: "signer"}))
	doc := []byte(xmlOrder)
	for i := range 33 {
		in := xades.SignInput{Packaging: xades.Enveloped, Document: doc, ID: fmt.Sprintf("s%d", i), SigningTime: b.clk.now()}
		in.Certificate, in.Signer, in.Rand = key.Chain[0], key.Key, rand.Reader
		var err error
		if doc, err = xades.Sign(in); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.svc.Raise(t.Context(), signer.RaiseRequest{Document: doc, Level: sealing.T, Actor: "test"}); !errors.Is(err, signer.ErrRequest) || !strings.Contains(err.Error(), "more than 32") {
		t.Errorf("raised: %v", err)
	}
}

// TestRaiseXAdES: signatures reach each level from each lower one, in every packaging; at LTA they get a further time stamp.
func TestRaiseXAdES(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withTSA)
	key := b.key(b.issue(pki.Profile{Name: "signer"}))
	for _, packaging := range sealing.XAdES.Packagings() {
		var original []byte
		if packaging == sealing.Detached {
			original = []byte(xmlOrder)
		}
		doc, err := b.svc.SignXAdES(t.Context(), signer.SignXAdESRequest{
			Document: []byte(xmlOrder), Key: key, XAdESOptions: signer.XAdESOptions{Packaging: packaging, Name: map[bool]string{true: "o.xml"}[original != nil]},
		})
		if err != nil {
			t.Fatal(err)
		}
		basic := doc
		for i, level := range []sealing.Level{sealing.T, sealing.LT, sealing.LTA, sealing.LTA} {
			straight := b.raise(signer.RaiseRequest{Document: basic, Detached: original, Level: level})
			step := b.raise(signer.RaiseRequest{Document: doc, Detached: original, Level: level})
			for _, out := range [][]byte{straight.Document, step.Document} {
				v := b.validate(out, original)
				b.want(v, report.TotalPassed, "", "")
				if got := v.Signatures[0].Level; got != "XAdES-B-"+string(level) {
					t.Errorf("%s: %s, want %s", packaging, got, level)
				}
				for _, ts := range v.Signatures[0].TimeStamps {
					if ts.Indication != report.TotalPassed {
						t.Errorf("%s: %s %s", level, ts.Kind, ts.Sub)
					}
				}
			}
			if step.Format != sealing.XAdES || step.MediaType != "application/xml" || step.Packaging == sealing.Detached != (original != nil) {
				t.Errorf("%+v", step.Format)
			}
			if n := len(b.validate(step.Document, original).Signatures[0].TimeStamps); n != []int{1, 1, 2, 3}[i] {
				t.Errorf("%s: %d time stamps", level, n)
			}
			doc = step.Document
			b.checkOffline(doc, original, i >= 1, true)
			b.clk.add(time.Minute)
		}
		if _, err := b.svc.Raise(t.Context(), signer.RaiseRequest{Document: doc, Detached: original, Level: sealing.LT}); !errors.Is(err, signer.ErrRaised) {
			t.Errorf("raised to less: %v", err)
		}
		broken := bytes.Replace(basic, []byte("2026-"), []byte("2025-"), 1)
		var refusal *signer.NotRaisableError
		if _, err := b.svc.Raise(t.Context(), signer.RaiseRequest{Document: broken, Detached: original, Level: sealing.T}); !errors.As(err, &refusal) {
			t.Errorf("a broken signature: %v", err)
		}
	}
	plain := b.signXML(signer.SignXMLRequest{Document: []byte(xmlOrder), Key: key})
	if _, err := b.svc.Raise(t.Context(), signer.RaiseRequest{Document: plain, Level: sealing.T}); !errors.Is(err, signer.ErrRequest) {
		t.Errorf("a plain XML signature: %v", err)
	}
}

// TestMakeXAdESRefuses: no seal of what cannot be sealed, and nothing half-made where an authority is down.
func TestMakeXAdESRefuses(t *testing.T) {
	b, key := sealBench(t, pki.ECDSA)
	for name, o := range map[string]signer.SealOrder{
		"no XML":          {Document: []byte("%PDF-1.7")},
		"a DOCTYPE":       {Document: []byte("<!DOCTYPE a><a/>")},
		"nothing":         {},
		"another charset": {Document: append([]byte("\xff\xfe"), "<\x00a\x00/\x00>\x00"...)},
		"no such element": {Document: []byte(xmlOrder), XML: signer.XAdESOptions{Element: "o2"}},
		"a signature":     {Document: []byte(`<a><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="o2"/></a>`), XML: signer.XAdESOptions{Element: "o2"}},
		"attached":        {Document: []byte(xmlOrder), Packaging: sealing.Attached},
		"level":           {Document: []byte(xmlOrder), Level: "XL"},
	} {
		o.Format, o.Actor = sealing.XAdES, "test"
		if out, err := b.svc.MakeSeal(t.Context(), o); !errors.Is(err, signer.ErrRequest) || out.Document != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := key.used.Load(); n != 1 { // that there is nothing but a signature in an element shows when it is signed
		t.Errorf("the key was asked %d times", n)
	}
	b.fault(fault.Fault{Kind: pki.FaultDown, On: "tsp", Count: -1})
	for _, level := range sealing.Levels()[1:] {
		_, err := b.svc.MakeSeal(t.Context(), signer.SealOrder{Document: []byte(xmlOrder), Format: sealing.XAdES, Level: level, Actor: "test"})
		if !errors.Is(err, signer.ErrTimeStamp) {
			t.Errorf("%s without an authority: %v", level, err)
		}
	}
}
