// Package download streams lists of revoked certificates over HTTP: tens of megabytes that go to disk as they come, asked for
// only when they have changed. Package fetch, its neighbour, brings small evidence whole and keeps it.
//
// # Whom it calls
//
// As package fetch: http and https on ports 80 and 443, through no proxy, and only hosts whose address, looked at when the
// connection is made, is public. Redirects are bounded and obey the same rules. Config.AllowPrivate lifts this where
// the services stand beside the gateway.
//
// # Concurrency
//
// A Client is safe for concurrent use.
package download
