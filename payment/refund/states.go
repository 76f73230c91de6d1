package refund

import "qaqpa/payment/flow"

// State of a refund, correction or return.
type State string

// States.
const (
	// Requested waits for a second person. What it asks for is taken from the share already.
	Requested State = "requested"
	// Approved holds the money; the bank has not been asked yet.
	Approved State = "approved"
	// Sent was, or is just being, handed to the bank.
	Sent State = "sent"
	// Unknown lost the bank's answer; it is looked up, and is never taken for "no".
	Unknown State = "unknown"
	// Absent is one that the bank has signed not to know; it is sent again under the same id.
	Absent State = "absent"
	// Executed: the payer has the money. Final.
	Executed State = "executed"
	// Refused: the bank could not pay it out; the money went back to the beneficiary's due. Final.
	Refused State = "refused"
	// Booked is a correction or return that stands in the ledger. Final.
	Booked State = "booked"
	// Rejected was turned down by the second person. Final.
	Rejected State = "rejected"
	// Withdrawn was given up by who asked. Final.
	Withdrawn State = "withdrawn"
)

// Events.
const (
	// Ask makes the request.
	Ask flow.Event = "ask"
	// Approve is the second person's yes to a refund; the money is held from then on.
	Approve flow.Event = "approve"
	// Book is the second person's yes to a correction or a return.
	Book flow.Event = "book"
	// Reject is the second person's no.
	Reject flow.Event = "reject"
	// Withdraw is the first person's second thought.
	Withdraw flow.Event = "withdraw"
	// Send is stored before the bank is called, Resend likewise after the bank has signed that it does not know the refund.
	Send   flow.Event = "send"
	Resend flow.Event = "resend"
	// Lose notes that the bank's answer did not come or cannot be believed.
	Lose flow.Event = "lose"
	// Deny is the bank's signed word that it does not know the refund.
	Deny flow.Event = "deny"
	// Confirm applies the bank's signed "executed", Refuse its "refused".
	Confirm flow.Event = "confirm"
	Refuse  flow.Event = "refuse"

	// Contradict notes a signed message that does not agree with what is stored. It changes no state: a person decides.
	Contradict flow.Event = "contradict"
)

// Transitions returns the table. A refund reaches the bank only through approval; unknown is left by the bank's signed word
// alone, and a message may overtake the answer to a look-up.
func Transitions() (flow.Table[State], error) {
	return flow.New("refund", Requested, []flow.Edge[State]{
		{From: Requested, Event: Approve, To: Approved},
		{From: Requested, Event: Book, To: Booked},
		{From: Requested, Event: Reject, To: Rejected},
		{From: Requested, Event: Withdraw, To: Withdrawn},
		{From: Approved, Event: Send, To: Sent},
		{From: Sent, Event: Confirm, To: Executed},
		{From: Sent, Event: Refuse, To: Refused},
		{From: Sent, Event: Lose, To: Unknown},
		{From: Sent, Event: Deny, To: Absent},
		{From: Unknown, Event: Confirm, To: Executed},
		{From: Unknown, Event: Refuse, To: Refused},
		{From: Unknown, Event: Deny, To: Absent},
		{From: Absent, Event: Resend, To: Sent},
		{From: Absent, Event: Confirm, To: Executed},
		{From: Absent, Event: Refuse, To: Refused},
	})
}

// Holds reports whether a refund in this state holds money in the ledger.
func (s State) Holds() bool { return s == Approved || s == Sent || s == Unknown || s == Absent }

// Failed reports whether what was taken from the share went back to it.
func (s State) Failed() bool { return s == Refused || s == Rejected || s == Withdrawn }
