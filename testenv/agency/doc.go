// Package agency is a stand-in of a state agency: it receives the gateway's webhooks, checks their
// Ed25519 signature and verifies the receipt inside with the openssl program alone, as an agency
// that trusts nothing of the gateway's software would.
//
//	POST   /webhooks        the gateway's notices
//	GET    /webhooks        what was received, with openssl's command and output
//	POST   /register        the gateway's questions to the agency's own register of debts; see Agency.Keep
//	/faults                 GET, POST, DELETE: knobs as JSON (see the Fault constants)
//
// A webhook is answered 200 if its signature and its receipt hold, 401 if the webhook's signature
// doesn't, 422 if the receipt doesn't or tells another story than the notice. The same webhook-id
// again is counted and answered as before.
//
// The folder beside Config.StateFile keeps ID.p7m and ID.json of each receipt and the anchors, so that
// the command in a Delivery can be repeated by hand, and a restarted agency knows what it had.
package agency
