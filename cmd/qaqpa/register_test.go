//go:build !release

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
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
	disclose := []string{"register", "disclose", "--request=R-1", "--requester=Court 1", "--ground=276", "--from=2026-11-01", "--to=2026-11-30", "--unsealed", "--output=" + answer}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"register", "payments", "--bank=HSBKKZKX", "--day=2026-11-20", "--output=" + dir}, 0, ""},
		{[]string{"register", "payments", "--bank=HSBKKZKX", "--day=20.11.2026"}, 1, "YYYY-MM-DD"},
		{[]string{"register", "payments", "--bank=HSBKKZKX", "--day=2026-11-20", "--format=doc"}, 2, "--format"},
		{[]string{"register", "owed", "--bank=HSBKKZKX", "--from=2026-11-01", "--to=2026-11-20", "--unsealed", "--output=" + filepath.Join(dir, "owed.xlsx")}, 0, "owed in all: 0.00 KZT"},
		{[]string{"register", "owed", "--bank=HSBKKZKX", "--from=2026-11-20", "--to=2026-11-01"}, 1, "the first first"},
		{[]string{"register", "daily", "--bank=HSBKKZKX", "--day=2026-11-20", "--output=" + dir}, 1, "--unsealed"}, // there is no token
		{[]string{"register", "daily", "--bank=HSBKKZKX", "--day=2026-11-20", "--unsealed", "--output=" + dir}, 0, "daily-HSBKKZKX-2026-11-20.xlsx"},
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

// registersAreSealed: the registers of the day on which something was paid, what is owed of it, its reports and an answer to a court lie beside
// seals of the gateway's key, which our validator and openssl accept for these bytes and for no others.
func registersAreSealed(t *testing.T, w *world) {
	t.Helper()
	run := func(args ...string) string {
		t.Helper()
		out, err := w.qaqpa(t.Context(), args...)
		if err != nil && !strings.Contains(err.Error(), "exit status 4") { // something is owed
			t.Fatal(err)
		}
		return out
	}
	dir, today := t.TempDir(), time.Now()
	day := func(days int) string { return today.AddDate(0, 0, days).Format(time.DateOnly) }
	const weekends = 12 // what is paid on a holiday belongs to the banking day after it
	var files []string
	for i := -1; i < weekends && len(files) == 0; i++ {
		for _, format := range []string{"csv", "pain.001"} {
			if out := run("register", "payments", "--bank", bankBIC, "--day", day(i), "--format", format, "--account", plainAccount, "-o", dir); out != "" {
				files = append(files, strings.SplitN(out, "\t", 2)[0])
			}
		}
	}
	if len(files) != 2 {
		t.Fatalf("registers %q", files)
	}
	owed, answer := filepath.Join(dir, "owed.xlsx"), filepath.Join(dir, "answer.json")
	run("register", "owed", "--bank", bankBIC, "--from", day(-1), "--to", day(weekends), "-o", owed)
	run("register", "disclose", "--request=R-1", "--requester=Court", "--ground=276", "--payer=770707300260", "--from", day(-1), "--to", day(1), "-o", answer)
	files = append(files, strings.Fields(run("register", "daily", "--bank", bankBIC, "--day", day(0), "-o", dir))...)
	for _, file := range append(files, owed, answer) {
		seal := file + ".p7s"
		if out := run("validate", seal, "--detached", file); !strings.Contains(out, "TOTAL-PASSED") {
			t.Errorf("%s: %s", file, out)
		}
		check := func(content string) error {
			return exec.CommandContext(t.Context(), "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", seal, "-content", content, "-noverify", "-out", os.DevNull).Run()
		}
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(dir, "other")
		if err := os.WriteFile(other, append(body, ' '), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := check(file); err != nil {
			t.Errorf("openssl does not accept the seal of %s: %v", file, err)
		}
		if err := check(other); err == nil {
			t.Errorf("openssl accepts the seal of %s for other bytes", file)
		}
	}
	if _, err := w.qaqpa(t.Context(), "register", "owed", "--bank", bankBIC, "--from", day(-1), "--to", day(1), "-o", owed); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("overwritten: %v", err)
	}
}
