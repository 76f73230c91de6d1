package refund

import (
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// Subject names the posting of one phase of a refund: of each there is one, which the ledger itself makes sure of.
type Subject string

// Phases.
const (
	Hold    Subject = "hold"
	Post    Subject = "post"
	Release Subject = "release"
	Move    Subject = "move"
	// Arrive is the half of a move that lies with the other payer.
	Arrive Subject = "arrive"
	// Charge gives the commission back that a bank took for the payment.
	Charge Subject = "commission"
)

// Of is the subject of a posting for a refund.
func (s Subject) Of(refund string) string { return refund + ":" + string(s) }

func leg(debit, credit ledger.Account, debt string, tiyn int64) ledger.Transfer {
	return ledger.Transfer{Debt: debt, Debit: debit, Credit: credit, Amount: money.FromTiyn(tiyn)}
}

// HoldLeg sets money aside for a refund that is on its way: what the beneficiary is due shrinks by it.
func HoldLeg(due ledger.Account, bic, debt string, tiyn int64) ledger.Transfer {
	return leg(due, ledger.BankHeld(bic), debt, tiyn)
}

// PostLeg says that the bank has paid the held money out to the payer, and has it to get from our account there: its
// statement will show it.
func PostLeg(bic, debt string, tiyn int64) ledger.Transfer {
	return leg(ledger.BankHeld(bic), ledger.BankRefunds(bic), debt, tiyn)
}

// ReleaseLeg takes the hold back.
func ReleaseLeg(due ledger.Account, bic, debt string, tiyn int64) ledger.Transfer {
	return leg(ledger.BankHeld(bic), due, debt, tiyn)
}

// KBKLeg moves money to another budget code of the agency.
func KBKLeg(from, to ledger.Account, debt string, tiyn int64) ledger.Transfer {
	return leg(from, to, debt, tiyn)
}

// PayerLegs move money from one payer's debt to another's, over the operator's account of corrections: the debts may lie in
// two buckets, and a posting lies in one. The account is empty when all corrections are whole.
func PayerLegs(due ledger.Account, from, to string, tiyn int64) (out, in ledger.Transfer) {
	return leg(due, ledger.OperatorCorrections, from, tiyn), leg(ledger.OperatorCorrections, due, to, tiyn)
}

// ReturnLeg says that money which the treasury sent back, and which a statement has shown, is due to the beneficiary again.
func ReturnLeg(due ledger.Account, bic, debt string, tiyn int64) ledger.Transfer {
	return leg(ledger.BankSuspense(bic), due, debt, tiyn)
}

// ChargeLegs say that a bank has given a commission back: to the payer who paid it on top, and to the agency that owed it. A part of 0
// has no leg.
func ChargeLegs(bic, agency string, payer, owed int64) []ledger.Transfer {
	var legs []ledger.Transfer
	if payer > 0 {
		legs = append(legs, leg(ledger.BankCommission(bic), ledger.BankCharged(bic), "", payer))
	}
	if owed > 0 {
		legs = append(legs, leg(ledger.BankCommission(bic), ledger.AgencyCommission(agency, bic), "", owed))
	}
	return legs
}
