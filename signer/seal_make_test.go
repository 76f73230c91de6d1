package signer_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/report"
	"qaqpa/signer/sealing"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// sealBench is a service that seals and can have its seals stamped.
func sealBench(t *testing.T, families ...pki.Family) (*bench, *counting) {
	t.Helper()
	b := setup(t, families, nil)
	id := b.issue(system(families[0]))
	key := &counting{Signer: id.Key}
	b.svc = b.service(func(b *bench, cfg *signer.Config) {
		withTSA(b, cfg)
		sealer(id, key)(b, cfg)
	})
	return b, key
}

func (b *bench) make(o signer.SealOrder) signer.MadeSeal {
	b.Helper()
	o.Actor = "test"
	out, err := b.svc.MakeSeal(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	if sum := sha256.Sum256(out.Document); out.SHA256 != hex.EncodeToString(sum[:]) || out.ID == "" || out.MediaType == "" {
		b.Errorf("%+v", out)
	}
	return out
}

// TestMakeCAdES: at each level, attached, detached and from the digest alone, a seal passes our own validation and openssl's, and from LT on
// without anybody to ask; an archive time stamp covers what it has to.
func TestMakeCAdES(t *testing.T) {
	for _, family := range []pki.Family{pki.RSA, pki.ECDSA} {
		b, _ := sealBench(t, family)
		digest, longer := sha256.Sum256(content), sha512.Sum512(content)
		for i, level := range sealing.Levels() {
			for name, o := range map[string]signer.SealOrder{
				"attached": {Document: content}, "detached": {Document: content, Packaging: sealing.Detached},
				"digest":  {Digest: digest[:], Hash: algo.SHA256, Packaging: sealing.Detached},
				"SHA-512": {Digest: longer[:], Hash: algo.SHA512, Packaging: sealing.Detached},
			} {
				t.Run(string(family)+"/"+string(level)+"/"+name, func(t *testing.T) {
					b := *b
					b.TB = t
					o.Format, o.Level = sealing.CAdES, level
					out := b.make(o)
					original := content
					if name == "attached" {
						original = nil
					}
					v := b.validate(out.Document, original)
					b.want(v, report.TotalPassed, "", "")
					s := v.Signatures[0]
					if s.Level != "CAdES-"+string(level) || s.TimeProven != (i > 0) || len(s.TimeStamps) != []int{0, 1, 1, 2}[i] {
						t.Errorf("level %s, time proven %v, %d time stamps", s.Level, s.TimeProven, len(s.TimeStamps))
					}
					for _, ts := range s.TimeStamps {
						if ts.Indication != report.TotalPassed || ts.Kind == "archive-time-stamp-v3" && ts.Objects < 6 {
							t.Errorf("%s: %s %s, %d objects", ts.Kind, ts.Indication, ts.Sub, ts.Objects)
						}
					}
					if got, err := b.opensslVerify(out.Document, original); err != nil || !bytes.Equal(got, content) {
						t.Errorf("openssl: %q, %v", got, err)
					}
					b.checkOffline(out.Document, original, i >= 2, i >= 1)
				})
			}
		}
		b.checkAudit(16)
	}
}

// TestArchiveStampIsBound: what an archive time stamp covers cannot be changed, and what it names cannot be taken away.
func TestArchiveStampIsBound(t *testing.T) {
	b, _ := sealBench(t, pki.ECDSA)
	made := b.make(signer.SealOrder{Document: content, Format: sealing.CAdES, Level: sealing.LTA}).Document
	archive := func(v signer.Verdict) report.Indication {
		for _, s := range v.Signatures {
			for _, ts := range s.TimeStamps {
				if ts.Kind == "archive-time-stamp-v3" {
					return ts.Indication
				}
			}
		}
		return ""
	}
	if i := archive(b.validate(made, nil)); i != report.TotalPassed {
		t.Fatalf("%s", i)
	}
	at := bytes.Index(made, content)
	for _, where := range []int{at, at + len(content) - 1} {
		changed := bytes.Clone(made)
		changed[where] ^= 1
		if v := b.validate(changed, nil); v.Indication == report.TotalPassed || archive(v) == report.TotalPassed {
			t.Errorf("changed at %d: %s, archive time stamp %s", where, v.Indication, archive(v))
		}
	}
}

// TestMakeOthers: PDF, JWS and raw seals.
func TestMakeOthers(t *testing.T) {
	needsPrograms(t, "openssl", "qpdf", "pdfsig")
	b, _ := sealBench(t, pki.ECDSA)
	for _, level := range sealing.Levels() {
		o := signer.SealOrder{Document: page(t), Format: sealing.PAdES, Level: level}
		o.PDF.Mark = &signer.PDFMark{Page: -1, X: 56, Y: 640, Code: "https://qaqpa.example/"}
		out := b.make(o)
		v := b.validate(out.Document, nil)
		b.want(v, report.TotalPassed, "", "")
		if v.Signatures[0].Level != "PAdES-B-"+string(level) || out.MediaType != "application/pdf" {
			t.Errorf("%s: %s", level, v.Signatures[0].Level)
		}
		b.outside(out.Document, 1)
	}
	digest := sha256.Sum256(content)
	for _, o := range []signer.SealOrder{{Document: content}, {Digest: digest[:], Hash: algo.SHA256}} {
		o.Format = sealing.Raw
		out := b.make(o)
		b.opensslRaw(out)
		if out.Algorithm == "" || out.Packaging != sealing.Detached {
			t.Errorf("%+v", out)
		}
	}
	b.checkAudit(8)
}

// opensslRaw lets openssl verify a raw signature over content with the key of the seal's certificate.
func (b *bench) opensslRaw(made signer.MadeSeal) {
	b.Helper()
	dir := b.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	// A seal of the same key carries the certificate.
	p7 := b.make(signer.SealOrder{Document: content, Format: sealing.CAdES}).Document
	run := func(args ...string) []byte {
		out, err := exec.CommandContext(b.Context(), "openssl", args...).CombinedOutput()
		if err != nil {
			b.Fatalf("openssl %s: %v: %s", args[0], err, out)
		}
		return out
	}
	run("cms", "-verify", "-binary", "-inform", "DER", "-in", file("p7", p7), "-noverify", "-signer", filepath.Join(dir, "cert"), "-out", filepath.Join(dir, "x"))
	key := file("key", run("x509", "-in", filepath.Join(dir, "cert"), "-pubkey", "-noout"))
	run("dgst", "-sha256", "-verify", key, "-signature", file("sig", made.Document), file("content", content))
}

// TestMakeRefuses: no key is asked for what cannot be sealed.
func TestMakeRefuses(t *testing.T) {
	b, key := sealBench(t, pki.ECDSA)
	digest := sha256.Sum256(content)
	for name, c := range map[string]struct {
		order signer.SealOrder
		want  error
	}{
		"no format":           {signer.SealOrder{Document: content}, signer.ErrRequest},
		"another packaging":   {signer.SealOrder{Document: content, Format: sealing.CAdES, Packaging: sealing.Enveloped}, signer.ErrRequest},
		"no such level":       {signer.SealOrder{Document: content, Format: sealing.CAdES, Level: "XL"}, signer.ErrRequest},
		"a raw level":         {signer.SealOrder{Document: content, Format: sealing.Raw, Level: sealing.T}, signer.ErrRequest},
		"a digest attached":   {signer.SealOrder{Digest: digest[:], Hash: algo.SHA256, Format: sealing.CAdES}, signer.ErrRequest},
		"a digest of a PDF":   {signer.SealOrder{Digest: digest[:], Hash: algo.SHA256, Format: sealing.PAdES}, signer.ErrRequest},
		"an empty payload":    {signer.SealOrder{Document: []byte{}, Format: sealing.JWS}, signer.ErrRequest},
		"both":                {signer.SealOrder{Document: content, Digest: digest[:], Hash: algo.SHA256, Format: sealing.Raw}, signer.ErrRequest},
		"a short digest":      {signer.SealOrder{Digest: digest[:31], Hash: algo.SHA256, Format: sealing.Raw}, signer.ErrRequest},
		"a digest of SHA-1":   {signer.SealOrder{Digest: digest[:20], Hash: algo.SHA1, Format: sealing.Raw}, signer.ErrRequest},
		"a digest of nothing": {signer.SealOrder{Digest: digest[:], Format: sealing.Raw}, signer.ErrRequest},
		"another key":         {signer.SealOrder{Document: content, Format: sealing.Raw, Key: "other"}, signer.ErrNoSealKey},
		"too large":           {signer.SealOrder{Document: make([]byte, 64<<20+1), Format: sealing.Raw}, signer.ErrTooLarge},
		"no PDF":              {signer.SealOrder{Document: content, Format: sealing.PAdES}, signer.ErrRequest},
	} {
		c.order.Actor = "test"
		if out, err := b.svc.MakeSeal(t.Context(), c.order); !errors.Is(err, c.want) || out.Document != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.svc.MakeSeal(t.Context(), signer.SealOrder{Document: content, Format: sealing.Raw}); !errors.Is(err, signer.ErrRequest) {
		t.Errorf("in nobody's name: %v", err)
	}
	if n := key.used.Load(); n != 0 {
		t.Errorf("the key was asked %d times", n)
	}
	b.checkAudit(0)
}

// TestMakeWithoutServices: with the authority or the responder down a level that needs them gives no seal, and says which it was; a seal
// without them goes on.
func TestMakeWithoutServices(t *testing.T) {
	b, _ := sealBench(t, pki.ECDSA)
	b.make(signer.SealOrder{Document: content, Format: sealing.CAdES, Level: sealing.LTA})
	for on, want := range map[string]error{"tsp": signer.ErrTimeStamp, "ocsp": signer.ErrEvidence} {
		b.srv.Faults.Clear()
		b.fault(fault.Fault{Kind: pki.FaultDown, On: on, Count: -1})
		b.fault(fault.Fault{Kind: pki.FaultDown, On: "crl", Count: -1})
		for _, o := range []signer.SealOrder{
			{Document: content, Format: sealing.CAdES, Level: sealing.LT}, {Document: page(t), Format: sealing.PAdES, Level: sealing.LT},
		} {
			o.Actor = "test"
			if out, err := b.svc.MakeSeal(t.Context(), o); !errors.Is(err, want) || out.Document != nil || out.ID != "" {
				t.Errorf("%s without %s: %v", o.Format, on, err)
			}
		}
	}
	b.make(signer.SealOrder{Document: content, Format: sealing.CAdES})
	b.checkAudit(2)
}

// TestSealKeys: a further key seals under its own certificate, and its own certificate is judged.
func TestSealKeys(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	first, p := b.issue(system(pki.ECDSA)), system(pki.ECDSA)
	p.Name = "fines"
	second := b.issue(p)
	p.Name, p.NotAfter = "ended", b.clk.now().Add(-time.Minute)
	ended := b.issue(p)
	keyOf := func(id *pki.Identity) signer.SigningKey {
		return signer.SigningKey{Key: id.Key, Chain: append(parse(t, id.Certificate), parse(t, id.Chain[:1]...)...)}
	}
	b.svc = b.service(func(b *bench, cfg *signer.Config) {
		sealer(first, first.Key)(b, cfg)
		cfg.SealKeys = map[string]signer.SigningKey{"fines": keyOf(second), "ended": keyOf(ended)}
	})
	seen := map[string]bool{}
	for _, name := range []string{"", "seal", "fines"} {
		out := b.make(signer.SealOrder{Document: content, Format: sealing.CAdES, Key: name})
		b.want(b.validate(out.Document, nil), report.TotalPassed, "", "")
		seen[out.CertificateSHA256] = true
	}
	if len(seen) != 2 {
		t.Errorf("%d certificates", len(seen))
	}
	if _, err := b.svc.MakeSeal(t.Context(), signer.SealOrder{Document: content, Format: sealing.CAdES, Key: "ended", Actor: "test"}); !errors.Is(err, signer.ErrSealCertificate) {
		t.Error(err)
	}
	var none crypto.Signer
	for name, keys := range map[string]map[string]signer.SigningKey{
		"seal": {"seal": keyOf(second)}, "empty": {"": keyOf(second)}, "keyless": {"x": {Key: none, Chain: keyOf(second).Chain}},
	} {
		cfg := signer.Config{Now: b.clk.now}
		withDB(b, &cfg)
		sealWith(b, &cfg, first, first.Key)
		cfg.SealKeys = keys
		if _, err := signer.New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
