// Package specimen makes signed documents whose fate is known: a laboratory of authorities and a signer whose clock moves, and a document
// for each sub-indication of EN 319 102-1 5.1.3 with the trust, policy, evidence and time under which it comes to that.
package specimen
