package pki_test

import (
	"context"
	"crypto"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/testenv/pki"
)

// bench is a PKI of the families that OpenSSL knows, with its services and a scratch folder.
type bench struct {
	*pki.PKI
	server *pki.Server
	dir    string
}

func newBench(t *testing.T, families ...pki.Family) *bench {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl program here")
	}
	p := pki.ForTest(t, families...)
	s, err := p.Serve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{p, s, t.TempDir()}
}

func (b *bench) file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (b *bench) issue(t *testing.T, prof pki.Profile) *pki.Identity {
	t.Helper()
	id, err := b.Issue(prof)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func citizen(f pki.Family, name string) pki.Profile {
	return pki.Profile{
		Name: name, Family: f, Kind: pki.Citizen, Surname: "САҒАТОВА", Given: "АЙЛИН", Patronymic: "ЕРЛАНҚЫЗЫ", IIN: pki.IIN(7),
	}
}

// openssl runs the program and returns its output and whether it exited with 0.
func openssl(t *testing.T, args ...string) (string, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	return string(out), err == nil
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	out, ok := openssl(t, args...)
	if !ok {
		t.Fatalf("openssl %s\n%s", strings.Join(args, " "), out)
	}
	return out
}

func mustFail(t *testing.T, want string, args ...string) {
	t.Helper()
	out, ok := openssl(t, args...)
	if ok || !strings.Contains(out, want) {
		t.Errorf("openssl %s: ok=%v, wanted failure with %q\n%s", strings.Join(args, " "), ok, want, out)
	}
}

func TestOpenSSLVerifiesChainsAndLists(t *testing.T) {
	for _, f := range []pki.Family{pki.RSA, pki.ECDSA} {
		t.Run(string(f), func(t *testing.T) {
			b := newBench(t, f)
			now := time.Now()
			good := b.issue(t, citizen(f, "good"))
			expired := citizen(f, "expired")
			expired.NotAfter = now.AddDate(0, -1, 0)
			future := citizen(f, "future")
			future.NotBefore = now.AddDate(0, 1, 0)
			impostor := citizen(f, "impostor")
			impostor.Impostor = true
			broken := citizen(f, "broken")
			broken.CorruptSignature = true
			revoked := b.issue(t, citizen(f, "revoked"))
			if err := b.Revoke(revoked, pki.KeyCompromise, time.Time{}); err != nil {
				t.Fatal(err)
			}
			lists := append(b.list(t, b.Root(f), pki.CRLOptions{}), b.list(t, b.NCA(f), pki.CRLOptions{})...)
			base := []string{
				"verify", "-crl_check_all", "-CAfile", b.file(t, "root.pem", b.AnchorsPEM()), "-untrusted",
				b.file(t, "nca.pem", b.IntermediatesPEM()), "-CRLfile", b.file(t, "crl.pem", lists),
			}
			check := func(id *pki.Identity) []string {
				return append(slices.Clip(base), b.file(t, id.Name+".pem", id.PEM()))
			}
			must(t, check(good)...)
			mustFail(t, "certificate has expired", check(b.issue(t, expired))...)
			mustFail(t, "certificate is not yet valid", check(b.issue(t, future))...)
			mustFail(t, "certificate signature failure", check(b.issue(t, impostor))...)
			mustFail(t, "certificate signature failure", check(b.issue(t, broken))...)
			mustFail(t, "certificate revoked", check(revoked)...)

			b.file(t, "crl.pem", append(b.list(t, b.Root(f), pki.CRLOptions{}), b.list(t, b.NCA(f), pki.CRLOptions{CorruptSignature: true})...))
			mustFail(t, "CRL signature failure", check(good)...)
			if err := b.RevokeCA(b.NCA(f), pki.CACompromise, time.Time{}); err != nil {
				t.Fatal(err)
			}
			b.file(t, "crl.pem", append(b.list(t, b.Root(f), pki.CRLOptions{}), b.list(t, b.NCA(f), pki.CRLOptions{})...))
			mustFail(t, "certificate revoked", check(good)...)
		})
	}
}

func (b *bench) list(t *testing.T, ca *pki.CA, o pki.CRLOptions) []byte {
	t.Helper()
	der, err := b.CRLWith(ca, o)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(must(t, "crl", "-inform", "DER", "-in", b.file(t, "list.crl", der)))
}

func TestOpenSSLReadsDeltaList(t *testing.T) {
	b := newBench(t, pki.RSA)
	early, late := b.issue(t, citizen(pki.RSA, "early")), b.issue(t, citizen(pki.RSA, "late"))
	if err := b.Revoke(early, pki.CertificateHold, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := b.HoldCRL(b.NCA(pki.RSA)); err != nil {
		t.Fatal(err)
	}
	if err := b.Revoke(late, pki.Superseded, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := b.Unrevoke(early); err != nil {
		t.Fatal(err)
	}
	text := func(der []byte) string {
		return must(t, "crl", "-inform", "DER", "-noout", "-text", "-CAfile", b.file(t, "nca.pem", b.IntermediatesPEM()),
			"-in", b.file(t, "list.crl", der))
	}
	full := text(get(t, b.server.URL+"/crl/nca_rsa.crl"))
	serial := func(id *pki.Identity) string { return fmt.Sprintf("Serial Number: %X", id.Serial()) }
	if !strings.Contains(full, serial(early)) || strings.Contains(full, serial(late)) {
		t.Errorf("full list:\n%s", full)
	}
	delta := text(get(t, b.server.URL+"/crl/nca_d_rsa.crl"))
	for _, want := range []string{serial(early), serial(late), "Remove From CRL", "Superseded", "Delta CRL Indicator: critical"} {
		if !strings.Contains(delta, want) {
			t.Errorf("delta list lacks %q:\n%s", want, delta)
		}
	}
}

func TestOpenSSLAsksOCSP(t *testing.T) {
	for _, f := range []pki.Family{pki.RSA, pki.ECDSA} {
		t.Run(string(f), func(t *testing.T) {
			b := newBench(t, f)
			good, bad := b.issue(t, citizen(f, "good")), b.issue(t, citizen(f, "bad"))
			if err := b.Revoke(bad, pki.KeyCompromise, time.Time{}); err != nil {
				t.Fatal(err)
			}
			ask := func(cert *pki.Identity) []string {
				return []string{
					"ocsp", "-sha256", "-issuer", b.file(t, "nca.pem", b.IntermediatesPEM()), "-cert", b.file(t, cert.Name+".pem", cert.PEM()),
					"-url", b.server.URL + "/ocsp/", "-CAfile", b.file(t, "root.pem", b.AnchorsPEM()), "-verify_other", b.file(t, "nca.pem", b.IntermediatesPEM()),
				}
			}
			expect := func(id *pki.Identity, want ...string) {
				t.Helper()
				out, _ := openssl(t, ask(id)...)
				for _, w := range want {
					if !strings.Contains(out, w) {
						t.Errorf("no %q in\n%s", w, out)
					}
				}
			}
			arm := func(kind string) {
				t.Helper()
				if err := b.server.Faults.Add(faultOf(kind)); err != nil {
					t.Fatal(err)
				}
			}
			expect(good, "Response verify OK", ": good")
			expect(bad, "Response verify OK", ": revoked", "keyCompromise")
			arm(pki.FaultTryLater)
			expect(good, "trylater")
			arm(pki.FaultWrongSignature)
			expect(good, "Response Verify Failure")
			arm(pki.FaultWrongResponder)
			expect(good, "Response Verify Failure")
			arm(pki.FaultStale)
			expect(good, "WARNING: Status times invalid")
			arm(pki.FaultFuture)
			expect(good, "WARNING: Status times invalid")
			arm(pki.FaultWrongNonce)
			expect(good, "Nonce Verify error")
			arm(pki.FaultUnknown)
			expect(good, ": unknown")
			arm(pki.FaultOtherSerial)
			expect(good, "ERROR: No Status found")
			arm(pki.FaultDown)
			expect(good, "503")
			expect(good, "Response verify OK", ": good")
		})
	}
}

func TestOCSPUnknownSerialIsRevokedHold1970(t *testing.T) {
	b := newBench(t, pki.RSA)
	id := b.issue(t, citizen(pki.RSA, "someone"))
	der, err := b.OCSPFor(id, pki.OCSPOptions{Status: pki.Unissued})
	if err != nil {
		t.Fatal(err)
	}
	out := must(t, "ocsp", "-respin", b.file(t, "r.der", der), "-resp_text", "-noverify")
	for _, want := range []string{"Cert Status: revoked", "Jan  1 00:00:00 1970", "certificateHold", "OCSP RESPONDER"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "Next Update") {
		t.Error("the national responder gives no nextUpdate")
	}
	out, _ = openssl(t, "ocsp", "-issuer", b.file(t, "nca.pem", b.IntermediatesPEM()), "-serial", "0x1234", "-url", b.server.URL+"/ocsp/", "-noverify")
	if !strings.Contains(out, "0x1234: revoked") {
		t.Errorf("a serial never issued:\n%s", out)
	}
}

func TestOpenSSLVerifiesCMS(t *testing.T) {
	content := []byte(`{"order":"ord_1","amount":540600}`)
	b := newBench(t, pki.RSA, pki.ECDSA)
	alice, bob := b.issue(t, citizen(pki.RSA, "alice")), b.issue(t, citizen(pki.ECDSA, "bob"))
	verify := func(t *testing.T, cms []byte, more ...string) (string, bool) {
		t.Helper()
		args := append([]string{
			"cms", "-verify", "-inform", "DER", "-in", b.file(t, "m.p7m", cms), "-purpose", "any", "-CAfile",
			b.file(t, "authorities.pem", append(b.AnchorsPEM(), b.IntermediatesPEM()...)),
		}, more...)
		return openssl(t, args...)
	}
	for _, v := range []struct {
		name   string
		id     *pki.Identity
		opts   pki.CMSOptions
		more   []string
		refuse string
	}{
		{name: "attached", id: alice, more: []string{"-cades"}},
		{name: "ECDSA", id: bob, more: []string{"-cades"}},
		{name: "detached", id: alice, opts: pki.CMSOptions{Detached: true}, more: []string{"-cades", "-content", b.file(t, "content", content), "-binary"}},
		{name: "PSS SHA-512", id: alice, opts: pki.CMSOptions{PSS: true, Hash: crypto.SHA512}},
		{name: "ECDSA SHA-384", id: bob, opts: pki.CMSOptions{Hash: crypto.SHA384}},
		{name: "key identifier", id: alice, opts: pki.CMSOptions{SubjectKeyIdentifier: true}},
		{name: "key algorithm", id: alice, opts: pki.CMSOptions{KeyAlgorithm: true}},
		{name: "indefinite", id: alice, opts: pki.CMSOptions{Indefinite: true}},
		{name: "no signed attributes", id: alice, opts: pki.CMSOptions{NoSignedAttributes: true}},
		{name: "chain inside", id: bob, opts: pki.CMSOptions{Chain: true}},
		{name: "time-stamped", id: alice, opts: pki.CMSOptions{TimeStamp: true}},
		{name: "not CAdES", id: alice, opts: pki.CMSOptions{NoSigningCertificateV2: true}, more: []string{"-cades"}, refuse: "missing signing certificate attribute"},
		{name: "other ESS certificate", id: alice, opts: pki.CMSOptions{SigningCertificateOf: bob}, more: []string{"-cades"}, refuse: "ess cert id not found"},
		{name: "corrupt", id: alice, opts: pki.CMSOptions{CorruptSignature: true}, refuse: "verification failure"},
		{name: "no certificate", id: alice, opts: pki.CMSOptions{NoCertificate: true}, refuse: "signer certificate not found"},
		{name: "no message digest", id: alice, opts: pki.CMSOptions{NoMessageDigest: true}, refuse: "attribute error"},
	} {
		t.Run(v.name, func(t *testing.T) {
			cms, err := v.id.SignCMS(content, v.opts)
			if err != nil {
				t.Fatal(err)
			}
			out, ok := verify(t, cms, v.more...)
			switch {
			case v.refuse == "" && (!ok || !strings.Contains(out, string(content))):
				t.Errorf("refused:\n%s", out)
			case v.refuse != "" && (ok || !strings.Contains(strings.ToLower(out), v.refuse)):
				t.Errorf("ok=%v, wanted %q:\n%s", ok, v.refuse, out)
			}
		})
	}
	both, err := pki.CoSign(content, pki.CMSOptions{}, alice, bob)
	if err != nil {
		t.Fatal(err)
	}
	if out, ok := verify(t, both); !ok {
		t.Errorf("two signers refused:\n%s", out)
	}
	changed := []byte(strings.Replace(string(both), "540600", "540601", 1))
	if _, ok := verify(t, changed); ok {
		t.Error("changed content accepted")
	}
}

func TestOpenSSLVerifiesTimeStamps(t *testing.T) {
	for _, f := range []pki.Family{pki.RSA, pki.ECDSA} {
		t.Run(string(f), func(t *testing.T) {
			b := newBench(t, f)
			data := b.file(t, "data", []byte("қақпа"))
			query := filepath.Join(b.dir, "q.tsq")
			must(t, "ts", "-query", "-data", data, "-sha256", "-cert", "-out", query)
			answer := func() string {
				return b.file(t, "r.tsr", post(t, b.server.URL+"/tsp/", "application/timestamp-query", readFile(t, query)))
			}
			verify := func(reply string) []string {
				return []string{
					"ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", b.file(t, "root.pem", b.AnchorsPEM()),
					"-untrusted", b.file(t, "nca.pem", b.IntermediatesPEM()),
				}
			}
			must(t, verify(answer())...)
			for kind, want := range map[string]string{
				pki.FaultWrongSignature: "signature failure", pki.FaultWrongNonce: "nonce mismatch",
				pki.FaultWrongImprint: "message imprint mismatch", pki.FaultReject: "response not received", pki.FaultWrongResponder: "",
			} {
				if err := b.server.Faults.Add(faultOn(kind, "tsp")); err != nil {
					t.Fatal(err)
				}
				if kind == pki.FaultReject {
					want = "" // the wording depends on the version
				}
				mustFail(t, want, verify(answer())...)
			}
		})
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	p := pki.ForTest(t, pki.ECDSA)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := p.Serve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f := faultOn(pki.FaultSlow, "crl")
	f.DelayMS = 60_000
	if err := s.Faults.Add(f); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if r, err := request(t, s.URL+"/crl/nca_ecdsa.crl", "", nil); err == nil {
			r.Body.Close()
		}
	}()
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	cancel()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-done
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("shutdown took %v", took)
	}
	again, err := p.Serve(t.Context())
	if err != nil {
		t.Fatalf("the port isn't free again: %v", err)
	}
	again.Close()
}
