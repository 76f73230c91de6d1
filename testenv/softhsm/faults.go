package softhsm

import (
	"fmt"
	"os"
	"path/filepath"
)

// Remove takes the token's folder away, as if the token was pulled out or its disk was lost. A process that has the
// library initialised keeps what it holds in memory, and fails at the next access to an object.
func (t *Token) Remove() error { return t.move("tokens", "removed") }

// Restore puts back what Remove took away, with all keys.
func (t *Token) Restore() error { return t.move("removed", "tokens") }

// Reinitialise wipes the token and sets it up again under the same label and PINs, with no keys.
func (t *Token) Reinitialise() error {
	return t.util("--init-token", "--token", t.Label, "--label", t.Label, "--so-pin", t.SOPIN, "--pin", t.PIN)
}

// Twin makes a second token under the same label and PINs, as a careless ceremony may leave it.
func (t *Token) Twin() error {
	return t.util("--init-token", "--free", "--label", t.Label, "--so-pin", t.SOPIN, "--pin", t.PIN)
}

func (t *Token) move(from, to string) error {
	err := os.Rename(filepath.Join(t.Dir, from, t.folder), filepath.Join(t.Dir, to, t.folder))
	if err != nil {
		return fmt.Errorf("couldn't move the token from %s to %s: %w", from, to, err)
	}
	return nil
}
