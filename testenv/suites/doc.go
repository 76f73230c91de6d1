// Package suites counts how a run agrees with outside corpora, and holds it against what was recorded before.
//
// recorded.jsonl is the one place of the recorded numbers: a line per suite as in conformance.jsonl, every deviation with its
// reason. A run that agrees less, accepts what it must not, or deviates where nothing is recorded, fails; the command in
// folder compare does the same for all lines of a whole run.
package suites
