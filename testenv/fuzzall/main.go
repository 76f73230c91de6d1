// Command fuzzall runs every fuzz test of the module, one after the other, each for the given time.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

func main() {
	each := flag.Duration("time", time.Minute, "how long each fuzz test runs")
	flag.Parse()
	if err := run(*each); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(each time.Duration) error {
	packages, err := exec.Command("go", "list", "./...").Output()
	if err != nil {
		return fmt.Errorf("couldn't list the packages: %w", err)
	}
	count, failed := 0, 0
	for pkg := range strings.FieldsSeq(string(packages)) {
		names, err := exec.Command("go", "test", "-list", "^Fuzz", pkg).Output()
		if err != nil {
			return fmt.Errorf("couldn't list the fuzz tests of %s: %w", pkg, err)
		}
		for name := range strings.FieldsSeq(string(names)) {
			if !strings.HasPrefix(name, "Fuzz") {
				continue
			}
			count++
			fmt.Printf("%s %s for %s\n", pkg, name, each)
			cmd := exec.Command("go", "test", "-run=^$", "-fuzz=^"+name+"$", "-fuzztime="+each.String(), pkg)
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Run(); err != nil {
				failed++
			}
		}
	}
	fmt.Printf("%d passed, %d failed\n", count-failed, failed)
	if failed > 0 {
		return errors.New("a fuzz test failed: the input is kept under testdata/fuzz of its package")
	}
	return nil
}
