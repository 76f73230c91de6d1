//go:build !release

package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/testenv/postgres"
	"qaqpa/testenv/statements"
)

// TestReconcileCommands: a bank is set up and its statements are taken in at the command line, with the exit codes that a script reads.
func TestReconcileCommands(t *testing.T) {
	dsn := postgres.DSNForTest(t, payment.Migrate, signer.Migrate)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plan, err := statements.New(statements.Config{Seed: 3, Payments: 100, Days: 1, From: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	var camt, empty bytes.Buffer
	if err := errors.Join(plan.WriteCamt053Day(&camt, 0), plan.WriteCamt053Day(&empty, 1)); err != nil {
		t.Fatal(err)
	}
	full, quiet, garbage := write("full.xml", camt.String()), write("empty.xml", empty.String()), write("garbage.xml", "garbage")
	days, odd, rules := write("days.json", `[{"day":"2026-12-17","works":false,"name":"Holiday","source":"decree"}]`), write("odd.json", `[{"night":1}]`), write("rules.json", `[]`)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"reconcile", quiet}, 4, "statement_account_unknown"},
		{[]string{"clients", "add-bank", "--bic=HSBKKZKX", "--bin=990140000027", "--name=Bank", "--url=https://bank.example.kz"}, 0, "HSBKKZKX"},
		{[]string{"reconcile", "add-account", "--bank=KCJBKZKX", "--account=KZ916011700111350335"}, 1, "bank_unknown"},
		{[]string{"reconcile", "add-account", "--bank=HSBKKZKX", "--account=KZ 91"}, 1, "invalid_request"},
		{[]string{"reconcile", "add-account", "--bank=HSBKKZKX", "--account=KZ916011700111350335"}, 0, ""},
		{[]string{"reconcile", "set-terms", "--bank=HSBKKZKX", "--cut-off=17:30", "--term=2"}, 0, ""},
		{[]string{"reconcile", "set-terms", "--bank=HSBKKZKX", "--cut-off=25:00"}, 1, "cut-off"},
		{[]string{"reconcile", "set-terms", "--bank=HSBKKZKX", "--rules=" + rules}, 1, "rules"},
		{[]string{"reconcile", "set-terms", "--bank=HSBKKZKX", "--forwards=maybe"}, 2, "--forwards"},
		{[]string{"reconcile", "set-terms", "--bank=HSBKKZKX", "--forwards=yes"}, 0, ""},
		{[]string{"reconcile", "--replace", quiet}, 1, "--operator-key-file"},
		{[]string{"reconcile", "set-days", days}, 0, ""},
		{[]string{"reconcile", "set-days", odd}, 1, "unknown field"},
		{[]string{"reconcile", quiet}, 0, "[########################################]\n"},
		{[]string{"reconcile", garbage}, 4, "statement_unreadable"},
		{[]string{"reconcile", full}, 3, "surplus"},
		{[]string{"reconcile", "--json", full}, 3, `"sha256"`},
		{[]string{"reconcile", full}, 3, "taken in before"},
		{[]string{"reconcile", full, garbage, quiet}, 4, "surplus"}, // the worst of them
		{[]string{"reconcile", filepath.Join(dir, "nothing.xml")}, 2, "nothing.xml"},
	} {
		var out bytes.Buffer
		code := run(t.Context(), append(c.args, "--database="+dsn), streams{strings.NewReader(""), &out, &out})
		if code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%q: exit code %d\n%s", c.args, code, out.String())
		}
	}
}

// The inbox moves what was booked and what was refused, with the report beside it; what could not be decided stays.
func TestInbox(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Minute)
	for _, name := range []string{"good.xml", "bad.xml", "later.xml", ".hidden", "half.part"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(name), 0o600), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "fresh.xml"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var taken []string
	b := inbox{dir: dir, log: slog.New(slog.DiscardHandler), take: func(_ context.Context, f payment.StatementFile) (payment.FileReport, bool, error) {
		taken = append(taken, f.Name+" "+f.Source)
		switch f.Name {
		case "bad.xml":
			return payment.FileReport{}, false, payment.ErrStatementUnreadable
		case "later.xml":
			return payment.FileReport{}, false, payment.ErrVerifierUnavailable
		}
		return payment.FileReport{SHA256: "aa"}, false, nil
	}}
	if err := b.look(t.Context()); !errors.Is(err, payment.ErrVerifierUnavailable) {
		t.Fatal(err)
	}
	if got := strings.Join(taken, ","); got != "bad.xml folder,good.xml folder,later.xml folder" {
		t.Errorf("took %s", got)
	}
	for pattern, want := range map[string]int{"*.xml": 2, "done/*-good.xml": 1, "done/*-good.xml.json": 1, "refused/*-bad.xml": 1, "refused/*-bad.xml.json": 1} {
		if found, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(found) != want {
			t.Errorf("%s: %v %v", pattern, found, err)
		}
	}
}
