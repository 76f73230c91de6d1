// Package egovqr has the messages by which the application eGov Mobile signs what a QR code points to. They are that
// application's own, so unknown members are passed over.
//
// The code holds mobileSign: and an address. The phone asks there what is to be signed and for whom ([Invitation]), then
// fetches the documents ([Documents]) under a token of the first answer, and puts the same message back with the signatures in
// the place of the documents.
package egovqr
