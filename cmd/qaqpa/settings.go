package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// settingsFile is the file of --config: one JSON object, its members named like the flags. One file serves all commands,
// so a member may be of no use to the command at hand; but one that no command knows is a mistake and is refused, so that a
// misspelt limit does not silently fall back to its default.
type settingsFile struct{ values map[string]any }

func loadSettings(r io.Reader) (kong.Resolver, error) {
	dec := json.NewDecoder(r)
	var s settingsFile
	if err := dec.Decode(&s.values); err != nil {
		return nil, fmt.Errorf("couldn't read the settings: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the settings have something behind the object")
	}
	return s, nil
}

// Validate refuses members that no command has a flag for.
func (s settingsFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	err := kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	if err != nil {
		return fmt.Errorf("couldn't list the settings: %w", err)
	}
	var unknown []string
	for name := range s.values {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("the settings file has members that no command knows: %s", strings.Join(unknown, ", "))
	}
	return nil
}

// Resolve gives the value of a flag, nil if the file has none.
func (s settingsFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	return s.values[flag.Name], nil
}
