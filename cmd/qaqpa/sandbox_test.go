package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/api/sandbox"
	"qaqpa/signer/pkix"
	"qaqpa/signer/trust"
)

// A gateway that believes real certificates is no sandbox, whatever it is told; a file that is too large is not read.
func TestSandboxNeedsInventedPeople(t *testing.T) {
	var c serveCmd
	if read, err := c.sandbox(nil); read != nil || err != nil {
		t.Errorf("without --sandbox: %v", err)
	}
	c.Sandbox = filepath.Join(t.TempDir(), "sandbox.json")
	believed := func(mode trust.Mode, anchors ...*pkix.Certificate) *trust.Store {
		cfg := trust.Config{Mode: mode}
		for _, a := range anchors {
			cfg.Anchors = append(cfg.Anchors, a.Raw)
		}
		store, err := trust.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	national := believed(trust.Production)
	for name, store := range map[string]*trust.Store{
		"production": national, "a national root by another way": believed(trust.Test, national.Anchors()[0].Certificate),
	} {
		if _, err := c.sandbox(store); !errors.Is(err, errSandbox) {
			t.Errorf("%s: %v", name, err)
		}
	}
	read, err := c.sandbox(believed(trust.Test))
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
