// Package softhsm makes private SoftHSM tokens for tests, the demonstration and local runs.
//
// A token folder holds everything: its own softhsm2.conf, the token's objects and the PINs (random, readable by the
// owner only). Nothing of the machine's own SoftHSM configuration is read or written.
//
//   - [New] opens a folder that stays, and at the first time makes the token in it.
//   - [ForTest] gives a test a token that lives as long as a test of the binary uses it.
//   - [Token.Remove], [Token.Restore] and [Token.Reinitialise] are the faults: a token pulled out, put back, wiped.
//
// SoftHSM reads SOFTHSM2_CONF when a process calls C_Initialize, and the variable belongs to the whole process.
// Therefore a process uses one folder at a time: New and ForTest set the variable, and whoever uses PKCS#11 must have
// finalised the library before a second folder takes effect. Package hsm does so by itself when its last token is
// closed, and when it does not find the token it was asked for.
//
// A token made here protects nothing: its PIN lies beside it.
package softhsm
