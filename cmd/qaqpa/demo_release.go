//go:build release

package main

// demoCommands is empty in a release: the demonstration and its stand-ins are left out.
type demoCommands struct{}
