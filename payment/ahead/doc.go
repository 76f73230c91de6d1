// Package ahead reads in one goroutine what another works on, so that reading, hashing and parsing of a large file take place at once.
//
// A [Reader] belongs to the goroutine that made it; the source is touched by the reading goroutine alone until [Reader.Stop] has
// returned. Memory is the block size times the number of blocks.
package ahead
