// Package signer validates signed documents and seals documents with the gateway's own key.
//
// A Service owns what is not pure: it gathers evidence over the network, asks the key for signatures, and keeps
// verdicts and the audit trail in PostgreSQL. What a verdict says is decided by signer/engine, a pure function of the
// document, the evidence, the trust snapshot and the time, so that a verdict can be made again from what was stored.
//
// An invalid signature is a result, never an error. An error from Validate means that it could not be decided: the
// request is unusable, the context ended, or the database did not take the verdict.
package signer
