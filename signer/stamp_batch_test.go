package signer_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/ers"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// TestStampDigests: one token serves many documents; each record holds offline for its document alone, and openssl holds the token to be
// over the root.
func TestStampDigests(t *testing.T) {
	needsPrograms(t, "openssl")
	b := setup(t, []pki.Family{pki.RSA}, withTSA)
	var documents, digests [][]byte
	for i := range 9 {
		documents = append(documents, fmt.Appendf(nil, "құжат %d", i))
		sum := sha256.Sum256(documents[i])
		digests = append(digests, sum[:])
	}
	records, err := b.svc.StampDigests(t.Context(), algo.SHA256, digests)
	if err != nil {
		t.Fatal(err)
	}
	alone := b.service(func(_ *bench, cfg *signer.Config) { cfg.Revocation, cfg.Fetch = signer.RevocationOffline, nil })
	var token []byte
	for i, record := range records {
		got, err := alone.VerifyRecord(documents[i], record)
		if err != nil || !got.At.Equal(b.clk.now()) || got.Authority == "" || got.Policy == "" {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
		if _, err := alone.VerifyRecord(documents[(i+1)%len(documents)][1:], record); !errors.Is(err, signer.ErrRecord) {
			t.Errorf("%d holds for another document: %v", i, err)
		}
		r, err := ers.Parse(record)
		if err != nil || token != nil && !bytes.Equal(token, r.Token) {
			t.Fatalf("%d has another token: %v", i, err)
		}
		token = r.Token
	}
	tree, err := ers.NewTree(algo.SHA256, digests)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"token": token, "root": b.pki.AnchorsPEM(), "between": b.pki.IntermediatesPEM()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "openssl", "ts", "-verify", "-token_in", "-in", "token", "-digest", fmt.Sprintf("%x", tree.Root()),
		"-CAfile", "root", "-untrusted", "between", "-attime", "1790845200")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("openssl: %v: %s", err, out)
	}
	stranger := setup(t, []pki.Family{pki.RSA}, nil)
	if _, err := stranger.svc.VerifyRecord(documents[0], records[0]); !errors.Is(err, signer.ErrRecord) {
		t.Errorf("an authority that nobody trusts: %v", err)
	}
	b.clk.add(-time.Hour)
	if _, err := b.svc.VerifyRecord(documents[0], records[0]); !errors.Is(err, signer.ErrRecord) {
		t.Errorf("a time stamp of the future: %v", err)
	}
	b.clk.add(time.Hour)
	if _, err := b.svc.VerifyRecord(documents[0], []byte("text")); !errors.Is(err, signer.ErrRecord) {
		t.Errorf("text: %v", err)
	}
	if _, err := b.svc.StampDigests(t.Context(), algo.SHA256, [][]byte{digests[0][1:]}); !errors.Is(err, signer.ErrRequest) {
		t.Errorf("a short digest: %v", err)
	}
	b.fault(fault.Fault{Kind: pki.FaultDown, On: "tsp", Count: -1})
	if got, err := b.svc.StampDigests(t.Context(), algo.SHA256, digests); !errors.Is(err, signer.ErrTimeStamp) || got != nil {
		t.Errorf("the authority is down: %v", err)
	}
}

// TestAuditHeadsAreStamped: seals of the audit heads carry one time stamp over all of them; one that is exchanged, or over other heads,
// shows. Without the authority the seal is made all the same.
func TestAuditHeadsAreStamped(t *testing.T) {
	b, _ := sealBench(t, pki.ECDSA)
	for range 5 {
		b.seal(content, false)
	}
	seal := func() {
		t.Helper()
		if _, err := b.svc.SealAudit(t.Context(), "test"); err != nil {
			t.Fatal(err)
		}
	}
	check := func(seals, stamps, faults int) {
		t.Helper()
		rep, err := b.svc.VerifyAudit(t.Context())
		if err != nil || rep.Seals != seals || rep.Stamps != stamps || len(rep.Faults) != faults {
			t.Errorf("%+v, %v", rep, err)
		}
	}
	seal()
	b.seal(content, false)
	seal()
	check(2, 2, 0)
	b.fault(fault.Fault{Kind: pki.FaultDown, On: "tsp", Count: -1})
	seal()
	check(3, 2, 0)
	if _, err := b.db.ExecContext(t.Context(), `
		UPDATE audit_stamps SET token = (SELECT token FROM audit_stamps ORDER BY seal LIMIT 1)`); err != nil {
		t.Fatal(err)
	}
	check(3, 2, 1)
	if _, err := b.db.ExecContext(t.Context(), `UPDATE audit_stamps SET token = 'text'`); err != nil {
		t.Fatal(err)
	}
	check(3, 2, 2)
}
