package debt

import "qaqpa/payment/flow"

// Events of a debt.
const (
	// Amend replaces an open debt by a newer statement of the agency.
	Amend flow.Event = "amend"
	// Reserve ties the debt to an authorised order.
	Reserve flow.Event = "reserve"
	// Release unties it, the bank having refused.
	Release flow.Event = "release"
	// Pay closes it, the bank having executed.
	Pay flow.Event = "pay"
	// Hold sets a part of it aside for an authorised order; the rest stays open.
	Hold flow.Event = "hold"
	// Free gives the part back, the bank having refused.
	Free flow.Event = "free"
	// PayPart notes the part as paid, the bank having executed; PayRest the part after which nothing is left.
	PayPart flow.Event = "pay-part"
	PayRest flow.Event = "pay-rest"
	// Restore makes a part owed again that was paid and given back.
	Restore flow.Event = "restore"
	// Recall takes it back.
	Recall flow.Event = "recall"
	// Reopen states a recalled debt again.
	Reopen flow.Event = "reopen"
)

// Transitions returns the table of a debt. Nothing leaves paid, and nothing but the order's outcome leaves reserved:
// a debt that somebody is paying is not changed under his hands. Instalments leave the debt open; amounts keep them within it.
func Transitions() (flow.Table[State], error) {
	return flow.New("debt", Open, []flow.Edge[State]{
		{From: Open, Event: Amend, To: Open},
		{From: Open, Event: Reserve, To: Reserved},
		{From: Open, Event: Hold, To: Open},
		{From: Open, Event: Free, To: Open},
		{From: Open, Event: PayPart, To: Open},
		{From: Open, Event: PayRest, To: Paid},
		{From: Open, Event: Restore, To: Open},
		{From: Open, Event: Recall, To: Recalled},
		{From: Recalled, Event: Reopen, To: Open},
		{From: Reserved, Event: Release, To: Open},
		{From: Reserved, Event: Pay, To: Paid},
	})
}
