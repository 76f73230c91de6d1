// Package sealed turns the number of a payer (IIN or BIN) into the form in which it is stored, and back (R42).
//
// The form is the same for the same number under the same secret, so that rows are found by it (a blind index), and it can be
// opened by who holds the secret, so that no second column is needed: a synthetic initialisation vector, 128 bits of HMAC-SHA256
// over the number, followed by the number encrypted with AES-256-CTR under it (the construction of RFC 5297 with another PRF).
// The secret is made by a key of the token and stands in memory alone: a stolen database tells only which rows belong together.
//
// # Deviations
//
// RFC 5297 derives the vector by CMAC; HMAC-SHA256 is used, cut to 128 bits, because the standard library has it.
package sealed
