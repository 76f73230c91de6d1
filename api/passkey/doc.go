// Package passkey asks passkeys and security keys (W3C Web Authentication, level 2) and judges their answers, by
// github.com/go-webauthn/webauthn. Questions and credentials are JSON that callers keep; nothing is kept here.
//
// # Deviations
//
//   - Attestation is not asked for: which maker's key an operator uses is his organisation's rule, not a matter of the protocol.
//   - User verification is preferred and not required: the passkey is the second factor beside a password.
package passkey
