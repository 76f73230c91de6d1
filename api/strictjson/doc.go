// Package strictjson reads the JSON bodies of the API into Go structs and refuses everything that two readers
// could understand differently.
//
// encoding/json accepts a member twice (the last wins), matches names without regard to case, takes null for
// anything, and replaces invalid UTF-8: a body that is signed, logged or fingerprinted could then mean one
// thing to the gateway and another to the client. Here a value is either exactly what the contract says, or an
// [*Error] with a JSON pointer (RFC 6901) to the place that is to be mended.
//
// Refused: unknown members, repeated members (also when one is written with escapes), null, missing members,
// another type, numbers with a fraction or exponent (amounts are whole tiyn), numbers out of range, invalid
// UTF-8, lone surrogates, U+0000 (PostgreSQL cannot store it), anything after the value, nesting and
// sizes above [Limits] and the `limit` tags.
//
// Interfaces of others may be read with [Limits.Tolerant]: then unknown members are passed over and null is taken for an
// absent member, and all else holds.
//
// A [Decoder] is made once per Go type, at start, and is safe for concurrent use.
package strictjson
