// Package password keeps passwords so that a copy of the database does not give them away, nor what they protect.
//
// A password is stretched by Argon2id (RFC 9106) to two halves: one is kept to compare with, the other is the key under
// which a further secret is sealed. So the seed of a second factor cannot be read by whoever has the database alone.
//
// Everything here is pure: randomness comes in as an io.Reader.
package password
