// Package sealing says what a client may have sealed: formats, packagings and levels of seals, the policy of a client, and the
// window in which its seals of a minute are counted.
//
// It is a pure leaf: values in, decisions out. Package signer keeps policies and windows in the database, so that they hold for all
// instances of the gateway at once.
package sealing
