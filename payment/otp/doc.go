// Package otp holds the pure rules of one-time codes, by which small payments may be authorised where the law allows it (R32): how a code
// is drawn and kept, what a phone number is, what a message says, and what a policy lets through.
//
// A code has six digits, lives for five minutes, serves once, for one order, and dies after five wrong tries. What is kept of it is a
// salted, stretched digest: who reads the database does not have the code before it is dead.
package otp
