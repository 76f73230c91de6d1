//go:build !release

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/testenv/postgres"

	"qaqpa/payment"
	"qaqpa/payment/register"
	"qaqpa/signer"
)

// TestRegisterCommands: the commands reach the database, refuse what makes no sense, and overwrite nothing. What registers hold is tested
// in payment.
func TestRegisterCommands(t *testing.T) {
	dsn := postgres.DSNForTest(t, payment.Migrate, signer.Migrate)
	dir := t.TempDir()
	answer := filepath.Join(dir, "answer.json")
	disclose := []string{"register", "disclose", "--request=R-1", "--requester=Court 1", "--ground=276", "--from=2026-11-01", "--to=2026-11-30", "--output=" + answer}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"register", "payments", "--bank=HSBKKZKX", "--day=2026-11-20", "--output=" + dir}, 0, ""},
		{[]string{"register", "payments", "--bank=HSBKKZKX", "--day=20.11.2026"}, 1, "YYYY-MM-DD"},
		{[]string{"register", "payments", "--bank=HSBKKZKX", "--day=2026-11-20", "--format=doc"}, 2, "--format"},
		{[]string{"register", "owed", "--bank=HSBKKZKX", "--from=2026-11-01", "--to=2026-11-20", "--output=" + filepath.Join(dir, "owed.xlsx")}, 0, "owed in all: 0.00 KZT"},
		{[]string{"register", "owed", "--bank=HSBKKZKX", "--from=2026-11-20", "--to=2026-11-01"}, 1, "the first first"},
		{[]string{"register", "daily", "--bank=HSBKKZKX", "--day=2026-11-20", "--output=" + dir}, 0, "daily-HSBKKZKX-2026-11-20.xlsx"},
		{[]string{"register", "daily", "--bank=HSBKKZKX", "--day=2026-11-20", "--output=" + dir}, 1, "exists"},
		{[]string{"register", "daily", "--bank=HSBKKZKX", "--day=yesterday", "--output=" + dir}, 1, "the day of a report"},
		{append(disclose, "--payer=770707300260"), 0, "0\t0.00"},
		{append(disclose, "--payer=770707300260"), 1, "exists"},
		{append(disclose, "--payer=770707300261"), 1, register.ErrInvalid.Error()},
	} {
		var out bytes.Buffer
		code := run(t.Context(), append(c.args, "--database="+dsn), streams{strings.NewReader(""), &out, &out})
		if code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%q: exit code %d\n%s", c.args, code, out.String())
		}
	}
	var told struct {
		Request string    `json:"request"`
		MadeAt  time.Time `json:"made_at"`
		Count   int       `json:"count"`
	}
	b, err := os.ReadFile(answer)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &told); err != nil || told.Request != "R-1" || told.Count != 0 || told.MadeAt.IsZero() {
		t.Errorf("%s: %v", b, err)
	}
}
