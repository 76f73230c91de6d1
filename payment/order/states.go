package order

import "qaqpa/payment/flow"

// Events of an order.
const (
	// Create makes the order and its document.
	Create flow.Event = "create"
	// Authorise takes the payer's signature; debts are reserved and the attempt is stored.
	Authorise flow.Event = "authorise"
	// Sign notes the first of two signatures. It changes no state.
	Sign flow.Event = "sign"
	// Expire ends an order that was not signed in time.
	Expire flow.Event = "expire"
	// Cancel ends an order that the payer gave up.
	Cancel flow.Event = "cancel"
	// Send is stored before the bank is called.
	Send flow.Event = "send"
	// Lose notes that the bank's answer did not come or cannot be trusted.
	Lose flow.Event = "lose"
	// Resend is Send after the bank has signed that it does not know the attempt.
	Resend flow.Event = "resend"
	// Confirm applies the bank's signed "executed".
	Confirm flow.Event = "confirm"
	// Refuse applies the bank's signed "refused".
	Refuse flow.Event = "refuse"

	// Issue notes that the receipt was made. It changes no state.
	Issue flow.Event = "issue-receipt"
	// Contradict notes a signed message of the bank that does not agree with what is stored. It changes no state: a
	// person decides.
	Contradict flow.Event = "contradict"
)

// Transitions returns the table of an order. Unknown leads to executed, refused or back to executing by the bank's
// signed word only: no time-out leads out of it.
func Transitions() (flow.Table[State], error) {
	return flow.New("order", Created, []flow.Edge[State]{
		{From: Created, Event: Authorise, To: Authorised},
		{From: Created, Event: Expire, To: Expired},
		{From: Created, Event: Cancel, To: Cancelled},
		{From: Authorised, Event: Send, To: Executing},
		{From: Executing, Event: Confirm, To: Executed},
		{From: Executing, Event: Refuse, To: Refused},
		{From: Executing, Event: Lose, To: Unknown},
		{From: Unknown, Event: Confirm, To: Executed},
		{From: Unknown, Event: Refuse, To: Refused},
		{From: Unknown, Event: Resend, To: Executing},
	})
}

// AttemptState is the state of a payment at the bank.
type AttemptState string

// States of an attempt.
const (
	// AttemptPrepared is stored and may be sent.
	AttemptPrepared AttemptState = "prepared"
	// AttemptSent was, or is just being, handed to the bank.
	AttemptSent AttemptState = "sent"
	// AttemptUnknown lost the bank's answer and is looked up.
	AttemptUnknown AttemptState = "unknown"
	// AttemptAbsent is one that the bank has signed not to know; it may be sent again under the same id.
	AttemptAbsent AttemptState = "absent"
	// AttemptExecuted is confirmed. Final.
	AttemptExecuted AttemptState = "executed"
	// AttemptRefused was declined. Final.
	AttemptRefused AttemptState = "refused"
)

// Deny is the bank's signed word that it does not know the attempt.
const Deny flow.Event = "deny"

// AttemptTransitions returns the table of an attempt. An attempt is sent only when prepared or absent. A message may
// overtake the answer to it, so that "executed" is taken from every state in which something was sent.
func AttemptTransitions() (flow.Table[AttemptState], error) {
	return flow.New("attempt", AttemptPrepared, []flow.Edge[AttemptState]{
		{From: AttemptPrepared, Event: Send, To: AttemptSent},
		{From: AttemptSent, Event: Confirm, To: AttemptExecuted},
		{From: AttemptSent, Event: Refuse, To: AttemptRefused},
		{From: AttemptSent, Event: Lose, To: AttemptUnknown},
		{From: AttemptSent, Event: Deny, To: AttemptAbsent},
		{From: AttemptUnknown, Event: Confirm, To: AttemptExecuted},
		{From: AttemptUnknown, Event: Refuse, To: AttemptRefused},
		{From: AttemptUnknown, Event: Deny, To: AttemptAbsent},
		{From: AttemptAbsent, Event: Resend, To: AttemptSent},
		{From: AttemptAbsent, Event: Confirm, To: AttemptExecuted},
		{From: AttemptAbsent, Event: Refuse, To: AttemptRefused},
	})
}
