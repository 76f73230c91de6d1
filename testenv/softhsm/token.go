package softhsm

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// modulePaths are the places where Debian and its relatives install the library, the usual one first.
var modulePaths = []string{
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
}

// commandTimeout bounds one run of softhsm2-util, which takes milliseconds on an idle machine.
const commandTimeout = time.Minute

// Token is one initialised SoftHSM token. Its methods are for one goroutine at a time.
type Token struct {
	Module string // path of libsofthsm2.so
	Label  string // token label, unique in its folder
	PIN    string // user PIN
	SOPIN  string // security officer's PIN
	Dir    string // folder given to New

	folder string // name of the token's own folder in Dir/tokens
}

// record is what a token folder remembers of its token, in token-LABEL.json.
type record struct {
	Label  string `json:"label"`
	PIN    string `json:"pin"`
	SOPIN  string `json:"so_pin"`
	Folder string `json:"folder"`
}

// ModulePath finds libsofthsm2.so. The error names the package to install.
func ModulePath() (string, error) {
	for _, path := range modulePaths {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("couldn't find libsofthsm2.so: install the package softhsm2")
}

// New opens the token folder dir, made if it is not there, and sets SOFTHSM2_CONF for this process and its children.
// The same folder gives the same token again, with its label, PINs and keys.
func New(dir string) (*Token, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("couldn't name the token folder: %w", err)
	}
	if err := prepare(dir); err != nil {
		return nil, err
	}
	if err := os.Setenv("SOFTHSM2_CONF", confPath(dir)); err != nil {
		return nil, fmt.Errorf("couldn't set SOFTHSM2_CONF: %w", err)
	}
	return open(dir, "qaqpa")
}

// Another opens a second token in the same folder, made if no token has the label yet. A library that is already
// initialised in this process sees a new token only after it was finalised and initialised again.
func (t *Token) Another(label string) (*Token, error) { return open(t.Dir, label) }

// Env is the environment entry by which another process reaches this folder.
func (t *Token) Env() string { return "SOFTHSM2_CONF=" + confPath(t.Dir) }

func confPath(dir string) string { return filepath.Join(dir, "softhsm2.conf") }

// prepare makes the folder and its configuration. A folder that was moved gets a configuration with its new place.
func prepare(dir string) error {
	for _, d := range []string{filepath.Join(dir, "tokens"), filepath.Join(dir, "removed")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("couldn't make the token folder: %w", err)
		}
	}
	conf := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
		filepath.Join(dir, "tokens"))
	return writeFile(confPath(dir), []byte(conf))
}

// open finds the recorded token or makes it. The record is written last, so a token without a record is one whose
// making was interrupted; create throws it away before it makes another with the same label.
func open(dir, label string) (*Token, error) {
	if strings.ContainsAny(label, `/\`) || label == "" {
		return nil, fmt.Errorf("label %q can't name a file", label)
	}
	module, err := ModulePath()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "token-"+label+".json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return create(dir, module, label, path)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the token's record: %w", err)
	}
	r, err := parseRecord(raw)
	if err != nil {
		return nil, err
	}
	return &Token{Module: module, Label: r.Label, PIN: r.PIN, SOPIN: r.SOPIN, Dir: dir, folder: r.Folder}, nil
}

func parseRecord(raw []byte) (record, error) {
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("couldn't parse a token's record: %w", err)
	}
	return r, nil
}

func create(dir, module, label, path string) (*Token, error) {
	t := &Token{Module: module, Label: label, PIN: rand.Text(), SOPIN: rand.Text(), Dir: dir}
	before, err := t.sweep()
	if err != nil {
		return nil, err
	}
	if err := t.util("--init-token", "--free", "--label", label, "--so-pin", t.SOPIN, "--pin", t.PIN); err != nil {
		return nil, err
	}
	after, err := t.folders()
	if err != nil {
		return nil, err
	}
	for _, name := range after {
		if !slices.Contains(before, name) {
			t.folder = name
		}
	}
	if t.folder == "" {
		return nil, fmt.Errorf("softhsm2-util made no token in %s", dir)
	}
	raw, err := json.Marshal(record{Label: t.Label, PIN: t.PIN, SOPIN: t.SOPIN, Folder: t.folder})
	if err != nil {
		return nil, fmt.Errorf("couldn't encode the token's record: %w", err)
	}
	return t, writeFile(path, raw)
}

// sweep removes tokens without a record and returns the folders that remain.
func (t *Token) sweep() ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(t.Dir, "token-*.json"))
	if err != nil {
		return nil, fmt.Errorf("couldn't list the records: %w", err)
	}
	var recorded []string
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("couldn't read a token's record: %w", err)
		}
		r, err := parseRecord(raw)
		if err != nil {
			return nil, err
		}
		recorded = append(recorded, r.Folder)
	}
	names, err := t.folders()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if slices.Contains(recorded, name) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(t.Dir, "tokens", name)); err != nil {
			return nil, fmt.Errorf("couldn't remove a half-made token: %w", err)
		}
	}
	return recorded, nil
}

// folders lists the token folders, one for each token.
func (t *Token) folders() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(t.Dir, "tokens"))
	if err != nil {
		return nil, fmt.Errorf("couldn't list the tokens: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// util runs Debian's softhsm2-util on this folder.
func (t *Token) util(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "softhsm2-util", append([]string{"--module", t.Module}, args...)...)
	cmd.Env = append(os.Environ(), t.Env())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("couldn't run softhsm2-util %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// writeFile replaces a file in one step, so that a reader sees the old or the new one.
func writeFile(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("couldn't write %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("couldn't put %s in place: %w", path, err)
	}
	return nil
}
