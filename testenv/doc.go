// Package testenv is the home of everything that stands in for the world outside: a private PostgreSQL and SoftHSM,
// a test PKI, a bank and an agency, and the test that keeps the house in order. None of it reaches a release.
package testenv
