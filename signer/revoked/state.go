package revoked

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	stateFile    = "state.json"
	stateVersion = 1
	// stateMax bounds the state that is read: some hundred points.
	stateMax = 4 << 20
)

// state is what is known about points, apart from the lists.
type state struct {
	Version int      `json:"version"`
	Points  []record `json:"points"`
}

// record is one point.
type record struct {
	Name      string          `json:"name"`
	Learnt    bool            `json:"learnt,omitempty"`
	Delta     bool            `json:"delta,omitempty"`
	URLs      []string        `json:"urls"`
	Issuers   []string        `json:"issuers"` // SHA-256 of certificates, hexadecimal
	SHA256    string          `json:"sha256,omitempty"`
	Tags      map[string]Tags `json:"tags,omitempty"` // by address
	CheckedAt time.Time       `json:"checked_at"`
	AskedAt   time.Time       `json:"asked_at"` // of learnt points
}

// save replaces the state. A crash leaves the old or the new one.
func (f *folder) save(st state) error {
	b, err := json.MarshalIndent(st, "", "\t")
	if err != nil {
		return fmt.Errorf("couldn't write down the state of lists: %w", err)
	}
	name := stateFile + partSuffix
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", errFolder, err)
	}
	if _, err = file.Write(b); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = f.root.Rename(name, stateFile)
	}
	if err == nil {
		err = f.sync(".")
	}
	if err != nil {
		return fmt.Errorf("%w: couldn't write the state: %w", errFolder, err)
	}
	return nil
}

// load reads the state; a folder without one has none.
func (f *folder) load() (st state, err error) {
	file, err := f.root.Open(stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return st, fmt.Errorf("%w: %w", errFolder, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	d := json.NewDecoder(io.LimitReader(file, stateMax))
	d.DisallowUnknownFields()
	if err := d.Decode(&st); err != nil {
		return state{}, fmt.Errorf("couldn't read the state of lists: %w", err)
	}
	if st.Version != stateVersion {
		return state{}, fmt.Errorf("couldn't read the state of lists: version %d", st.Version)
	}
	return st, nil
}
