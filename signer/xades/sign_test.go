package xades_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

func TestSign(t *testing.T) {
	id, _ := holders(t)
	for name, c := range map[string]struct {
		in       func(*xades.SignInput)
		p        xades.Packaging
		document string
		original []byte
	}{
		"enveloped":          {nil, xades.Enveloped, order, nil},
		"one element":        {func(in *xades.SignInput) { in.Element = "o1" }, xades.Enveloped, "<a>" + order + "</a>", nil},
		"enveloping":         {nil, xades.Enveloping, "\x00\x01 бұл мәтін емес", nil},
		"enveloping nothing": {nil, xades.Enveloping, " ", nil},
		"detached":           {func(in *xades.SignInput) { in.URI, in.MIMEType = "бұйрық & co.pdf", "application/pdf" }, xades.Detached, "%PDF", []byte("%PDF")},
		"detached unnamed":   {nil, xades.Detached, "%PDF", []byte("%PDF")},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, c.p, c.document)
			if c.in != nil {
				c.in(&in)
			}
			out := sign(t, in)
			checks := judge(t, out, c.original)
			if w := checks.Worst(); w.Status != cms.Passed {
				t.Fatalf("%s\n%s", checks, out)
			}
			checked, p := read(t, out, c.original)
			if !p.Believed || p.Level() != xades.LevelB || !p.SigningTime.Equal(at) || !p.Binds(id.cert) || !checked.Covers(p.Signed) {
				t.Errorf("%+v: %s", p.Level(), out)
			}
			byXMLSec(t, out, c.p == xades.Detached)
		})
	}
}

// byXMLSec lets xmlsec1 judge the signature itself; it does not follow references to files here.
func byXMLSec(t *testing.T, document string, detached bool) {
	t.Helper()
	if _, err := exec.LookPath("xmlsec1"); err != nil {
		t.Log("xmlsec1 is not here")
		return
	}
	if detached {
		return
	}
	id, _ := holders(t)
	dir := t.TempDir()
	file, cert := filepath.Join(dir, "d.xml"), filepath.Join(dir, "c.der")
	if err := errors.Join(os.WriteFile(file, []byte(document), 0o600), os.WriteFile(cert, id.cert.Raw, 0o600)); err != nil {
		t.Fatal(err)
	}
	args := []string{"--verify", "--pubkey-cert-der", cert}
	for _, element := range []string{"order", "http://www.w3.org/2000/09/xmldsig#:Object", xades.Space132 + ":SignedProperties"} {
		args = append(args, "--id-attr:Id", element)
	}
	if out, err := exec.CommandContext(t.Context(), "xmlsec1", append(args, file)...).CombinedOutput(); err != nil {
		t.Errorf("xmlsec1: %v: %s\n%s", err, out, document)
	}
}

func TestSignRefuses(t *testing.T) {
	_, other := holders(t)
	for name, change := range map[string]func(*xades.SignInput){
		"no packaging":      func(in *xades.SignInput) { in.Packaging = "" },
		"identifier":        func(in *xades.SignInput) { in.ID = "1 x" },
		"no identifier":     func(in *xades.SignInput) { in.ID = "" },
		"taken identifier":  func(in *xades.SignInput) { in.Document = []byte(`<a Id="s1-signed"/>`) },
		"no such element":   func(in *xades.SignInput) { in.Element = "none" },
		"two such elements": func(in *xades.SignInput) { in.Document, in.Element = []byte(`<a><b Id="x"/><c Id="x"/></a>`), "x" },
		"not XML":           func(in *xades.SignInput) { in.Document = []byte("%PDF") },
		"no certificate":    func(in *xades.SignInput) { in.Certificate = nil },
	} {
		in := input(t, xades.Enveloped, order)
		change(&in)
		if out, err := xades.Sign(in); err == nil {
			t.Errorf("%s: %s", name, out)
		}
	}
	_ = other
}

// TestRaise: stamps and evidence are added one after the other; each is over what stands before it, and nothing that was there changes.
func TestRaise(t *testing.T) {
	for _, packaging := range []xades.Packaging{xades.Enveloped, xades.Enveloping, xades.Detached} {
		document := sign(t, input(t, packaging, order))
		var original []byte
		if packaging == xades.Detached {
			original = []byte(order)
		}
		levels := []string{xades.LevelB}
		step := func(add func(*xades.Properties) ([]byte, error)) {
			t.Helper()
			_, p := read(t, document, original)
			out, err := add(p)
			if err != nil {
				t.Fatal(err)
			}
			if w := judge(t, string(out), original).Worst(); w.Status != cms.Passed {
				t.Fatal(w)
			}
			document = string(out)
			_, p = read(t, document, original)
			levels = append(levels, p.Level())
		}
		var want [][]byte
		digest := func(d []byte, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, d)
		}
		step(func(p *xades.Properties) ([]byte, error) {
			digest(p.SignatureDigest(algo.SHA256))
			return p.AddSignatureStamp([]byte{0x30, 1})
		})
		step(func(p *xades.Properties) ([]byte, error) {
			return p.AddEvidence(xades.Evidence{Certificates: [][]byte{{0x30, 2}, {0x30, 2}}, CRLs: [][]byte{{0x30, 3}}, OCSPs: [][]byte{{0x30, 4}}})
		})
		for i := range byte(2) {
			step(func(p *xades.Properties) ([]byte, error) {
				digest(p.ArchiveDigest(algo.SHA256))
				return p.AddArchiveStamp([]byte{0x30, 5 + i})
			})
			step(func(p *xades.Properties) ([]byte, error) {
				return p.AddEvidence(xades.Evidence{Certificates: [][]byte{{0x30, 2}}, CRLs: [][]byte{{0x30, 7 + i}}})
			})
		}
		if got := strings.Join(levels, " "); got != "XAdES-B-B XAdES-B-T XAdES-B-LT XAdES-B-LTA XAdES-B-LTA XAdES-B-LTA XAdES-B-LTA" {
			t.Error(packaging, got)
		}
		_, p := read(t, document, original)
		stamps, err := p.Stamps(16)
		if err != nil || len(stamps) != 3 {
			t.Fatal(err, len(stamps))
		}
		for i, s := range stamps {
			got, err := s.Over[0].Digest(algo.SHA256)
			if err != nil || !bytes.Equal(got, want[i]) || !s.CoversSignature || s.Fault != "" {
				t.Errorf("%s: stamp %d is over something else: %v %s", packaging, i, err, s.Fault)
			}
		}
		if n := len(stamps[1].Covers); n != 5 { // KeyInfo, the stamp before, and three values, of which one was given twice
			t.Errorf("%s: the archive time stamp covers %d objects", packaging, n)
		}
		if ev := p.Evidence(); len(ev.Certificates) != 1 || len(ev.CRLs) != 3 || len(ev.OCSPs) != 1 {
			t.Errorf("%d %d %d", len(ev.Certificates), len(ev.CRLs), len(ev.OCSPs))
		}
	}
}

func TestRaiseRefuses(t *testing.T) {
	good := sign(t, input(t, xades.Enveloped, order))
	for name, document := range map[string]string{
		"another version": strings.ReplaceAll(good, "v1.3.2", "v1.2.2"),
		"signed by none":  replaced(t, good, "2026-09-01T10:20:30Z", "2026-09-01T10:20:31Z"),
		"two sets":        replaced(t, good, "</ds:Signature>", `<ds:Object><x:QualifyingProperties xmlns:x="`+xades.Space132+`" Target="#s1"/></ds:Object></ds:Signature>`),
	} {
		_, p := read(t, document, nil)
		if _, err := p.SignatureDigest(algo.SHA256); !errors.Is(err, xades.ErrRaise) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.AddSignatureStamp([]byte{1}); !errors.Is(err, xades.ErrRaise) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.AddEvidence(xades.Evidence{}); !errors.Is(err, xades.ErrRaise) {
			t.Errorf("%s: %v", name, err)
		}
	}
	detached := sign(t, input(t, xades.Detached, order))
	if _, p := read(t, detached, nil); p != nil {
		if _, err := p.ArchiveDigest(algo.SHA256); err == nil {
			t.Error("an archive time stamp over content that is not at hand")
		}
	}
	tree, err := xmltree.Parse([]byte(order), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil || len(doc.Signatures) != 0 {
		t.Fatal(err)
	}
}

func TestFreeID(t *testing.T) {
	tree, err := xmltree.Parse([]byte(`<a><b Id="xades-1-signed"/><b Id="xades-2"/></a>`), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	random := func() string { n++; return string(rune('0' + n)) }
	if id := xades.FreeID(tree, random); id != "xades-3" {
		t.Error(id)
	}
	if id := xades.FreeID(nil, random); id != "xades-4" {
		t.Error(id)
	}
}
