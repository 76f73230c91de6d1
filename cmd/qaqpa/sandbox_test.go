package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/api/sandbox"
)

// A gateway that believes real certificates is no sandbox, whatever it is told; a file that is too large is not read.
func TestSandboxNeedsInventedPeople(t *testing.T) {
	c := serveCmd{Trust: trustSettings{Mode: "production"}}
	if read, err := c.sandbox(); read != nil || err != nil {
		t.Errorf("without --sandbox: %v", err)
	}
	c.Sandbox = filepath.Join(t.TempDir(), "sandbox.json")
	if _, err := c.sandbox(); !errors.Is(err, errSandbox) {
		t.Errorf("in production: %v", err)
	}
	c.Trust.Mode = "custom"
	read, err := c.sandbox()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(c.Sandbox, []byte(strings.Repeat("x", sandbox.SizeMax+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); err == nil {
		t.Error("a large file was read")
	}
}
