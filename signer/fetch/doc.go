// Package fetch brings evidence over HTTP: OCSP responses, CRLs and issuer certificates. It knows addresses, limits
// and how long an answer may be used again; what an answer says is judged elsewhere.
//
// A fetch that fails is evidence of absence, not an error: Do always returns an Object, with a Failure that names the kind.
//
// # Whom it calls
//
// The addresses come out of certificates, so out of the hands of whoever sent a document. A Client therefore speaks only
// http and https, on ports 80 and 443, through no proxy, and looks at the address that a connection is really
// made to: loopback, private, link-local, shared and multicast ranges are refused, whatever name resolved to them
// and however many redirects led there. Config.AllowPrivate lifts this where the services stand beside the gateway.
// Sizes, time and redirects are bounded.
//
// # Concurrency
//
// A Client is safe for concurrent use. Equal requests in flight are made once.
package fetch
