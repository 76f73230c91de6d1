// Package paper shows a verdict to people: first what anybody understands (does it hold, who signed, with which authority, when, what is
// covered, what to do), then, one click away, what an expert asks for (every rule with its clause and outcome, chains, revocation,
// time stamps, evidence and digests). The same model is drawn as HTML and as PDF, in Kazakh, Russian or English.
//
// It is pure: it decides nothing, reads nothing, and equal verdicts give equal bytes. Everything that comes out of a document or
// a certificate is hostile text here; see clean.
package paper
