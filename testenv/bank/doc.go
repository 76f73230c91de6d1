// Package bank is a stand-in of a second-level bank. It executes the gateway's payment orders,
// answers its lookups and calls it back; every message is an attached CMS over JSON.
//
//	POST /payments            gateway's sealed payment-order → bank's signed payment-status
//	GET  /payments/{attempt}  → signed payment-status, or 404 with a signed outcome "absent"
//	PUT  /files/{name}        gateway's sealed pain.001; GET: the signed pain.002 about it (in memory only)
//	/faults                   GET, POST, DELETE: knobs as JSON (see the Fault constants)
//	GET  /state               accounts, payments, movements and callbacks as plain JSON
//
// Orders are idempotent by attempt: the same attempt again gets the same answer and moves nothing;
// with other content it gets 409. A seal that isn't the configured gateway's gets 401.
//
// It shares no code with the product: the gateway's seal is read by a small CMS reader of its own
// over crypto/x509 (RSA, RSA-PSS, ECDSA, Ed25519).
//
// # State
//
// With Config.StateFile, everything is written to it before a request is answered, so that a bank
// that is killed and started again knows what it has executed and whom it still has to call.
package bank
