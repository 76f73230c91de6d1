//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"golang.org/x/sys/unix"
)

// TestPINSources: the PIN comes from a file, the environment or the terminal, in this order, and shows nowhere: not on the terminal
// while it is typed, not in what is printed or logged. There is no flag for it, as arguments of a process can be read by every user.
func TestPINSources(t *testing.T) {
	soft := softhsm.ForTest(t)
	token, err := hsm.Open(t.Context(), hsm.Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Generate(t.Context(), "pin-sources", hsm.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(file, []byte(soft.PIN+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := func(in *os.File, args ...string) (code int, shown string) {
		out, err := os.Create(filepath.Join(t.TempDir(), "shown")) // a file, since lines of the log may come at any time
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		args = append([]string{"--log-level=debug", "keys", "list", "--hsm-module", soft.Module, "--hsm-token", soft.Label}, args...)
		code = run(t.Context(), args, streams{in: in, out: out, err: out})
		text, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		if shown = string(text); strings.Contains(shown, soft.PIN) {
			t.Errorf("the PIN shows in %s", shown)
		}
		return code, shown
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	well := func(how string, code int, shown string) {
		t.Helper()
		if code != 0 || !strings.Contains(shown, "pin-sources") {
			t.Errorf("PIN from %s: exit code %d, %s", how, code, shown)
		}
	}

	t.Setenv("QAQPA_HSM_PIN", "")
	code, shown := list(nothing, "--hsm-pin-file", file)
	well("a file", code, shown)
	if code, shown = list(nothing); code == 0 || !strings.Contains(shown, "no PIN: give --hsm-pin-file") {
		t.Errorf("without a PIN: exit code %d, %s", code, shown)
	}
	if code, shown = list(nothing, "--hsm-pin=1"); code == 0 || !strings.Contains(shown, "unknown flag") {
		t.Errorf("a PIN as a flag: exit code %d, %s", code, shown)
	}
	master, slave := terminal(t)
	if _, err := master.WriteString(soft.PIN + "\n"); err != nil { // the kernel keeps the line until it is read
		t.Fatal(err)
	}
	code, shown = list(slave)
	well("the terminal", code, shown)
	if !strings.Contains(shown, "PIN of token "+soft.Label) {
		t.Errorf("nobody was asked: %s", shown)
	}
	t.Setenv("QAQPA_HSM_PIN", soft.PIN)
	code, shown = list(nothing)
	well("the environment", code, shown)
	t.Setenv("QAQPA_HSM_PIN", "not-the-pin")
	code, shown = list(nothing, "--hsm-pin-file", file)
	well("a file, which goes before the environment", code, shown)
}

// TestTypedPINIsNotEchoed types at a terminal and reads what a person would see on it.
func TestTypedPINIsNotEchoed(t *testing.T) {
	master, slave := terminal(t)
	prompt := promptThen{then: func() {
		for silent := false; !silent; time.Sleep(time.Millisecond) {
			mode, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
			if err != nil {
				t.Error(err)
				return
			}
			silent = mode.Lflag&unix.ECHO == 0
		}
		if _, err := master.WriteString("typed-pin\n"); err != nil {
			t.Error(err)
		}
	}}
	pin, err := tokenSettings{Label: "t"}.pin(streams{in: slave, err: &prompt})
	if err != nil || pin != "typed-pin" {
		t.Errorf("PIN %q, %v", pin, err)
	}
	if _, err := slave.WriteString("the end"); err != nil {
		t.Fatal(err)
	}
	seen := make([]byte, 256)
	n, err := master.Read(seen)
	if err != nil || strings.Contains(string(seen[:n]), "typed-pin") || !strings.Contains(string(seen[:n]), "the end") {
		t.Errorf("the terminal shows %q, %v", seen[:n], err)
	}
}

// promptThen does something once the question was asked.
type promptThen struct{ then func() }

func (p *promptThen) Write(b []byte) (int, error) {
	if then := p.then; then != nil {
		p.then = nil
		go then()
	}
	return len(b), nil
}

// terminal is a pseudo-terminal: what is written to master is typed at slave.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}
