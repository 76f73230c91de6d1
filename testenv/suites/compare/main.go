// Command compare prints a whole run of conformance, one line per suite and then every deviation with its reason, and fails where
// it is worse than the recorded one: a suite that is missing, less agreement, more that is wrongly accepted.
package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"qaqpa/testenv/suites"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: compare conformance.jsonl")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("couldn't read the results: %w", err)
	}
	now, err := suites.Read(text)
	if err != nil {
		return err
	}
	recorded, err := suites.Recorded()
	if err != nil {
		return err
	}
	var bad []string
	names := slices.Sorted(maps.Keys(now))
	overHTTP := func(name string) bool { return strings.HasPrefix(name, "HTTP: ") }
	fmt.Println("Over HTTP, at a running gateway:")
	for _, name := range names {
		if overHTTP(name) {
			show(now[name])
		}
	}
	fmt.Println("Inside the process: what is a function and no service (canonical forms, readers of statements), and the leaves by themselves:")
	for _, name := range names {
		if !overHTTP(name) {
			show(now[name])
		}
		if l := now[name]; l.WronglyAccepted > recorded[name].WronglyAccepted {
			bad = append(bad, fmt.Sprintf("%s: %d wrongly accepted", name, l.WronglyAccepted))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(recorded)) {
		l, ran := now[name]
		if !ran {
			bad = append(bad, name+": was not run")
			continue
		}
		bad = append(bad, recorded[name].Regressions(l)...)
	}
	for _, text := range bad {
		fmt.Println("REGRESSION " + text)
	}
	if len(bad) > 0 {
		return errors.New("the run is worse than the recorded one")
	}
	return nil
}

// show prints a suite: how much agrees, what is out of scope, what survives, cases that are shown, every deviation.
func show(l suites.Line) {
	fmt.Printf("  %-70s %d/%d", l.Suite, l.Agreed, l.Total)
	if l.OutOfScope > 0 {
		fmt.Printf(", %d out of scope", l.OutOfScope)
	}
	fmt.Println()
	for _, why := range slices.Sorted(maps.Keys(l.Outside)) {
		fmt.Printf("      out of scope %d: %s\n", l.Outside[why], why)
	}
	for _, place := range slices.Sorted(maps.Keys(l.Survivors)) {
		fmt.Printf("      survive %d in %s\n", l.Survivors[place], place)
	}
	for _, c := range l.Cases {
		fmt.Printf("      %s: expected %s, got %s\n", c.Case, c.Expected, c.Got)
	}
	for _, d := range l.Deviations {
		fmt.Printf("      %s: %s\n", d.Case, d.Why)
	}
}
