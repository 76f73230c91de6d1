// Package report is the form in which a verdict on a signed document reaches people and programs: the JSON
// verdict, and the catalogue of reasons that says in Kazakh, Russian and English what failed and what to do.
//
// The package holds values and texts only. It decides nothing: signer/engine fills a Verdict.
//
// # Indications
//
// A verdict and each of its signatures carry an indication and, unless passed, a sub-indication of
// ETSI EN 319 102-1. The verdict's own indication is the worst of its signatures. A document without
// any signature is never passed.
package report
