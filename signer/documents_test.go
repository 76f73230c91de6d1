package signer_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
)

// certificatesOnly makes a SignedData without signers, as authorities publish certificates.
func certificatesOnly(tb testing.TB, der []byte) []byte {
	tb.Helper()
	dir := tb.TempDir()
	in, out := filepath.Join(dir, "c.pem"), filepath.Join(dir, "c.p7")
	if err := os.WriteFile(in, pemOf(der), 0o600); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), "openssl", "crl2pkcs7", "-nocrl", "-certfile", in, "-outform", "DER", "-out", out)
	if msg, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("openssl: %v\n%s", err, msg)
	}
	return read(tb, out)
}

func pemOf(der []byte) []byte { return (&pki.Identity{Certificate: der}).PEM() }

// withIntermediates lists the national CAs in the trust store too.
func withIntermediates(b *bench, cfg *signer.Config) {
	b.Helper()
	store, err := trust.New(trust.Config{
		Mode: trust.Custom, Anchors: [][]byte{b.pki.AnchorsPEM()}, Intermediates: [][]byte{b.pki.IntermediatesPEM()},
	})
	if err != nil {
		b.Fatal(err)
	}
	cfg.Trust = store
}
