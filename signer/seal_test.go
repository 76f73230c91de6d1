package signer_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// system is the profile of the gateway's own certificate.
func system(family pki.Family) pki.Profile {
	return pki.Profile{
		Name: "gateway_" + string(family), Family: family, Kind: pki.InformationSystem, SystemName: "Төлем шлюзі",
		Organisation: "ҚР", BIN: pki.BIN(1),
	}
}

// sealer makes a service that seals with an identity and its key.
func sealer(id *pki.Identity, key crypto.Signer) func(*bench, *signer.Config) {
	return func(b *bench, cfg *signer.Config) {
		withDB(b, cfg)
		sealWith(b, cfg, id, key)
	}
}

func (b *bench) seal(doc []byte, detached bool) []byte {
	b.Helper()
	out, err := b.svc.Seal(b.Context(), signer.SealRequest{Document: doc, Detached: detached, Actor: "test"})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// opensslVerify lets openssl check a seal against the root alone.
func (b *bench) opensslVerify(sealed, original []byte) ([]byte, error) {
	b.Helper()
	dir := b.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			b.Fatal(err)
		}
		return file
	}
	args := []string{"cms", "-verify", "-binary", "-inform", "DER", "-in", write("seal", sealed), "-CAfile", write("root", b.pki.AnchorsPEM()), "-purpose", "any", "-cades", "-attime", "1790845200"}
	if original != nil {
		args = append(args, "-content", write("content", original))
	}
	cmd := exec.CommandContext(context.Background(), "openssl", args...)
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, errors.New(msg.String())
	}
	return out.Bytes(), nil
}

// TestSealsVerify: what is sealed passes our own validation and openssl's, attached and detached.
func TestSealsVerify(t *testing.T) {
	b := setup(t, []pki.Family{pki.RSA, pki.ECDSA}, nil)
	for _, family := range b.pki.Families() {
		t.Run(string(family), func(t *testing.T) {
			b := *b
			b.TB = t
			b.db = nil
			id := b.issue(system(family))
			b.svc = b.service(sealer(id, id.Key))
			for _, detached := range []bool{false, true} {
				sealed := b.seal(content, detached)
				original := content
				if !detached {
					original = nil
				}
				v := b.validate(sealed, original)
				b.want(v, report.TotalPassed, "", "")
				if s := v.Signatures[0]; s.Level != "CAdES-B" || len(s.Remarks) > 1 || s.Signer.Kind != "information_system" {
					t.Errorf("level %s, remarks %v", s.Level, s.Remarks)
				}
				out, err := b.opensslVerify(sealed, original)
				if err != nil || !bytes.Equal(out, content) {
					t.Errorf("openssl: %q, %v", out, err)
				}
				changed := bytes.Clone(sealed)
				changed[len(changed)-1] ^= 1
				if _, err := b.opensslVerify(changed, original); err == nil {
					t.Error("openssl takes a changed seal")
				}
			}
			b.checkAudit(2)
		})
	}
}

// counting tells how often a key was used.
type counting struct {
	crypto.Signer
	used atomic.Int32
	err  error
}

func (c *counting) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	c.used.Add(1)
	if c.err != nil {
		return nil, c.err
	}
	return c.Signer.Sign(r, digest, opts)
}

// TestSealRefusesBeforeSigning: with an unfit certificate the key is not even asked.
func TestSealRefusesBeforeSigning(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	now := b.clk.now()
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*pki.Profile)
		before func(*pki.Identity)
		key    crypto.Signer
	}{
		"expired":          {change: func(p *pki.Profile) { p.NotAfter = now.Add(-time.Minute) }},
		"not yet valid":    {change: func(p *pki.Profile) { p.NotBefore = now.Add(time.Minute) }},
		"of another key":   {key: stranger},
		"encryption":       {change: func(p *pki.Profile) { p.KeyUsage = x509.KeyUsageKeyEncipherment }},
		"authentication":   {change: func(p *pki.Profile) { p.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment }},
		"untrusted issuer": {change: func(p *pki.Profile) { p.Impostor = true }},
		"revoked": {before: func(id *pki.Identity) {
			if err := b.pki.Revoke(id, pki.KeyCompromise, now.Add(-time.Minute)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.TB = t
			p := system(pki.ECDSA)
			p.Name = strings.ReplaceAll(name, " ", "_")
			if c.change != nil {
				c.change(&p)
			}
			id := b.issue(p)
			if c.before != nil {
				c.before(id)
			}
			key := &counting{Signer: id.Key}
			if c.key != nil {
				key.Signer = c.key
			}
			b.svc = b.service(sealer(id, key))
			out, err := b.svc.Seal(t.Context(), signer.SealRequest{Document: content, Actor: "test"})
			if !errors.Is(err, signer.ErrSealCertificate) || out != nil || key.used.Load() != 0 {
				t.Errorf("%v; the key was used %d times", err, key.used.Load())
			}
			b.checkAudit(0)
		})
	}
}

// TestSealWithoutRevocationService: a seal is not stopped because nobody answers.
func TestSealWithoutRevocationService(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(system(pki.ECDSA))
	b.svc = b.service(sealer(id, id.Key))
	b.fault(fault.Fault{Kind: pki.FaultDown, On: "ocsp", Count: -1})
	b.fault(fault.Fault{Kind: pki.FaultDown, On: "crl", Count: -1})
	b.seal(content, false)
	b.checkAudit(1)
}

// TestSealCertificateExpiresMeanwhile: the check that still holds does not cover a certificate that has just expired.
func TestSealCertificateExpiresMeanwhile(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	p := system(pki.ECDSA)
	p.NotAfter = b.clk.now().Add(10 * time.Second)
	id := b.issue(p)
	b.svc = b.service(sealer(id, id.Key))
	b.seal(content, false)
	b.clk.add(11 * time.Second)
	if _, err := b.svc.Seal(t.Context(), signer.SealRequest{Document: content, Actor: "test"}); !errors.Is(err, signer.ErrSealCertificate) {
		t.Error(err)
	}
}

// TestNoSealWithoutAudit: no signature leaves when its entry cannot be written, or when the key fails.
func TestNoSealWithoutAudit(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(system(pki.ECDSA))
	key := &counting{Signer: id.Key}
	b.svc = b.service(sealer(id, key))
	b.seal(content, false)
	key.err = errors.New("the token is gone")
	if out, err := b.svc.Seal(t.Context(), signer.SealRequest{Document: content, Actor: "test"}); !errors.Is(err, key.err) || out != nil {
		t.Errorf("%v", err)
	}
	key.err = nil
	if _, err := b.db.ExecContext(t.Context(), `ALTER TABLE audit_entries RENAME TO elsewhere`); err != nil {
		t.Fatal(err)
	}
	if out, err := b.svc.Seal(t.Context(), signer.SealRequest{Document: content, Actor: "test"}); err == nil || out != nil {
		t.Error("a seal left without its audit entry")
	}
	if _, err := b.db.ExecContext(t.Context(), `ALTER TABLE elsewhere RENAME TO audit_entries`); err != nil {
		t.Fatal(err)
	}
	b.checkAudit(1)
	for _, req := range []signer.SealRequest{{Document: content}, {Document: make([]byte, 64<<20+1), Actor: "test"}} {
		if _, err := b.svc.Seal(t.Context(), req); err == nil {
			t.Error("an unusable request was sealed")
		}
	}
	none := b.service(withDB)
	if _, err := none.Seal(t.Context(), signer.SealRequest{Document: content, Actor: "test"}); !errors.Is(err, signer.ErrNoSealKey) {
		t.Error(err)
	}
}

// TestConcurrentSeals: each has its entry, and the heads can be sealed meanwhile and verified after.
func TestConcurrentSeals(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(system(pki.ECDSA))
	b.svc = b.service(sealer(id, id.Key))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				if _, err := b.svc.Seal(t.Context(), signer.SealRequest{Document: content, Actor: "test"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		if _, err := b.svc.SealAudit(t.Context(), "test"); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if _, err := b.svc.SealAudit(t.Context(), "test"); err != nil {
		t.Error(err)
	}
	b.checkAudit(82)
	if rep, err := b.svc.VerifyAudit(t.Context()); err != nil || rep.Seals != 2 {
		t.Errorf("%+v, %v", rep, err)
	}
	if _, err := b.db.ExecContext(t.Context(), `UPDATE audit_seals SET sealed = set_byte(sealed, length(sealed) - 1, (get_byte(sealed, length(sealed) - 1) + 1) % 256)`); err != nil {
		t.Fatal(err)
	}
	if rep, err := b.svc.VerifyAudit(t.Context()); err != nil || len(rep.Faults) != 2 {
		t.Errorf("forged seals of heads: %+v, %v", rep, err)
	}
}
