// Package canon reads and writes the canonical JSON in which the gateway keeps what is signed or hashed: order
// documents, journal leaves, receipts, and the messages exchanged with banks.
//
// The canonical form is UTF-8 without spaces, object keys sorted by bytes, integers only, strings escaped no more
// than JSON demands. [Indent] gives the same order of keys with two spaces of indentation and a final newline, for
// documents that a person reads before signing.
//
// Reading is strict: sizes and depth are limited, keys are lower case snake_case (encoding/json matches names
// without regard to case, so a second spelling of a field could otherwise slip past), duplicate keys, unknown
// fields, fractions and trailing data are refused. All functions are pure.
package canon
