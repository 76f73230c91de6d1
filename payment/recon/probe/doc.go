// Package probe finds the one open expectation that a line of a statement names, while the statement is still being read.
//
// A [Table] holds a fixed 36 bytes or so for each open expectation, whatever the length of its texts: texts stand in it as keyed hashes. It
// decides as the join of the first matching rule does: a line that fits several expectations has none of them, and of several lines that fit
// one the first in the file has it. What it leaves goes to the ladder of rules in the database.
//
// A Table belongs to one goroutine.
package probe
