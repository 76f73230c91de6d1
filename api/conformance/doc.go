// Package conformance has tests alone: they start the real front on loopback, with the real signer and a real database, and hand it
// the outside corpora over HTTP as any client would. Each suite has its own trust anchors and clock. What each came to is held against
// testenv/suites/recorded.jsonl. A plain test run takes a sample of the long suites, `make conformance` all of them.
package conformance
