package main

import (
	"fmt"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints module version, revision and toolchain.
func (versionCmd) Run(io streams) error { //nolint:unparam // kong wants an error
	info, ok := debug.ReadBuildInfo()
	if !ok {
		fmt.Fprintln(io.out, "qaqpa, built without module information")
		return nil
	}
	revision, modified := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", modified"
		}
	}
	fmt.Fprintf(io.out, "qaqpa %s (revision %s%s, %s)\n", info.Main.Version, revision, modified, info.GoVersion)
	return nil
}
