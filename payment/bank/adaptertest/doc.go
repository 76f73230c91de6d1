// Package adaptertest is the conformance suite of the ways in which payments reach a bank. Whatever the way (messages, the bank's own
// counter, files), the same must hold: money moves at most once, an outcome is taken from the bank's own signed word alone, a lost answer
// is never taken for a refusal, and what contradicts is refused and changes nothing. A new adapter implements [Way] in a test and runs
// [Run].
package adaptertest
