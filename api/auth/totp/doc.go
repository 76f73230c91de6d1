// Package totp makes and checks time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, steps of 30 seconds,
// which is what every authenticator application speaks. Pure: the time comes in.
package totp
