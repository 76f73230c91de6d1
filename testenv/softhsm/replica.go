package softhsm

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Replica makes another token with the same keys and PINs, as the vendors of HSMs let two of theirs do. SoftHSM has no such
// thing: the folder is copied, and label and serial number are exchanged in it. The token must not be written to meanwhile.
func (t *Token) Replica(label string) (*Token, error) {
	if label == "" || len(label) > 32 || strings.ContainsAny(label, `/\`) {
		return nil, fmt.Errorf("label %q can't name a token", label)
	}
	folder := make([]byte, 16)
	_, _ = rand.Read(folder) // never fails, crypto/rand ends the process instead
	r := *t
	r.Label, r.folder = label, hex.EncodeToString(folder)
	from, to := filepath.Join(t.Dir, "tokens", t.folder), filepath.Join(t.Dir, "tokens", r.folder)
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return nil, fmt.Errorf("couldn't copy the token: %w", err)
	}
	path := filepath.Join(to, "token.object")
	object, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the copied token: %w", err)
	}
	serial := []byte(serialOf(t.folder))
	if bytes.Count(object, padded(t.Label)) != 1 || bytes.Count(object, serial) != 1 {
		return nil, errors.New("couldn't find label and serial number in the copied token")
	}
	object = bytes.Replace(object, padded(t.Label), padded(label), 1)
	object = bytes.Replace(object, serial, []byte(hex.EncodeToString(folder[8:])), 1)
	if err := writeFile(path, object); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(record{Label: r.Label, PIN: r.PIN, SOPIN: r.SOPIN, Folder: r.folder})
	if err != nil {
		return nil, fmt.Errorf("couldn't encode the token's record: %w", err)
	}
	return &r, writeFile(filepath.Join(t.Dir, "token-"+label+".json"), raw)
}

// padded is a label as CK_TOKEN_INFO has it.
func padded(label string) []byte { return fmt.Appendf(nil, "%-32s", label) }

// serialOf is the serial number of a token: SoftHSM names its folder so, as a UUID of which the serial is the last part.
func serialOf(folder string) string {
	digits := strings.ReplaceAll(folder, "-", "")
	return digits[max(0, len(digits)-16):]
}
