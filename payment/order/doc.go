// Package order holds the pure rules of a payment order: its states and attempts as tables of transitions, the
// canonical document that the payer signs, and the check that a signer may pay for the payer.
//
// A table is data: each edge names the event that is stored when it is taken, [Draw] renders it, and the service
// changes a state only through [Machine.Next].
package order
