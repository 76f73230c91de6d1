//go:build !release

package main

import (
	"strings"
	"testing"
)

// One kind of key without the other seals half of a person, and none seals nothing. (The settings of the world name both.)
func TestDataKeysGoTogether(t *testing.T) {
	for _, labels := range []privacyLabels{{DataKeys: []string{"data-1"}}, {PayerKeys: []string{"payers-1"}}} {
		if _, err := privacyOf(t.Context(), nil, labels); err == nil || !strings.Contains(err.Error(), "go together") {
			t.Errorf("%+v: %v", labels, err)
		}
	}
	if err := new(dataSealCmd).Run(t.Context(), streams{}); err == nil || !strings.Contains(err.Error(), "no keys") {
		t.Errorf("without keys: %v", err)
	}
}

// The command goes over the database with keys of the token, and with no others.
func TestDataSealCommand(t *testing.T) {
	s := newSigning(t)
	s.run(t, "keys", "generate", "data-1", "--algorithm=aes-256")
	s.run(t, "keys", "generate", "payers-1", "--algorithm=hmac-sha256")
	out := s.run(t, "data", "seal", "--data-key=data-1", "--payer-key=payers-1")
	if !strings.Contains(out, "debts.payer_id\t0") || !strings.Contains(out, "receipts.pdf\t0") {
		t.Errorf("printed %q", out)
	}
	s.refused(t, "none", "data", "seal", "--data-key=none", "--payer-key=payers-1")
	s.refused(t, "payers-1", "data", "seal", "--data-key=payers-1", "--payer-key=payers-1") // a key of another kind
}
