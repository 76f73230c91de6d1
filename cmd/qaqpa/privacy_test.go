//go:build !release

package main

import (
	"strings"
	"testing"
)

// The command goes over the database with keys of the token, and with no others.
func TestDataSealCommand(t *testing.T) {
	s := newSigning(t)
	s.run(t, "keys", "generate", "data-1", "--algorithm=aes-256")
	s.run(t, "keys", "generate", "payers-1", "--algorithm=hmac-sha256")
	out := s.run(t, "data", "seal", "--data-key=data-1", "--payer-key=payers-1")
	if !strings.Contains(out, "debts.payer_id\t0") || !strings.Contains(out, "receipts.pdf\t0") {
		t.Errorf("printed %q", out)
	}
	s.refused(t, "go together", "data", "seal", "--data-key=data-1")
	s.refused(t, "no keys", "data", "seal")
	s.refused(t, "none", "data", "seal", "--data-key=none", "--payer-key=payers-1")
	s.refused(t, "payers-1", "data", "seal", "--data-key=payers-1", "--payer-key=payers-1") // a key of another kind
}
