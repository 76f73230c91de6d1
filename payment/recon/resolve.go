package recon

import (
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// Way is how an exception is resolved.
type Way string

// Ways to resolve an exception.
const (
	// Link ties the line to expectations, or the missing expectation to a line; the amounts must be equal.
	Link Way = "link"
	// KeptBack ties the line to payments less the commissions that their agencies bear, and nothing else: the bank has kept them back.
	KeptBack Way = "kept-back"
	// Force ties them although amounts or data differ; a difference is written off.
	Force Way = "force"
	// Park moves the line's money to suspense until it is explained.
	Park Way = "park"
	// GiveBack returns the line's money to who sent it: the bank has to pay it out, which its statement will show.
	GiveBack Way = "give-back"
	// WriteOff takes the loss or the gain.
	WriteOff Way = "write-off"
	// Forward: the bank sent the line's money on to the beneficiaries' treasury, or had it back from there.
	Forward Way = "forward"
	// Owe: the bank took back what it had shown, so it owes the payment again.
	Owe Way = "owe"
	// Prove: the line shows that a payment was executed of which the bank never said so. The payment counts as executed, and the line settles it.
	Prove Way = "prove"
	// Accept: nothing moves, because nothing is wrong with the money.
	Accept Way = "accept"
)

// Ways lists all ways.
func Ways() []Way {
	return []Way{Link, KeptBack, Force, Park, GiveBack, Forward, WriteOff, Owe, Prove, Accept}
}

// Links reports whether the way ties a line to expectations.
func (w Way) Links() bool { return w == Link || w == KeptBack || w == Force }

// Item is an exception as its resolution sees it.
type Item struct {
	Kind Kind
	// Bank and Account are where the line stands, or for a missing payment the bank that owes it.
	Bank, Account string
	// Tiyn is the line's amount, money that came positive; for a missing payment what is expected.
	Tiyn int64
	// Linked is the sum of what the line is tied to, or of the lines that the expectation is tied to.
	Linked int64
	// Kept is what of the linked payments agencies bear as commissions, and owe the bank still.
	Kept []Kept
	// Forward says that what it is linked to, or what is missing, is money to be sent on.
	Forward bool
}

// Kept is what a bank has kept back of the commissions that an agency bears.
type Kept struct {
	Agency string `db:"agency"`
	Tiyn   int64  `db:"amount"`
}

// KeptLegs books commissions that a bank kept back: it owes that much less of what it has collected, which the agency has to make good, and
// the agency owes the bank no more of the commission, as when it had paid it.
func KeptLegs(bank string, kept []Kept) []Leg {
	var legs []Leg
	for _, k := range kept {
		legs = append(legs, Leg{ledger.AgencyKept(k.Agency, bank), ledger.BankDue(bank), k.Tiyn},
			Leg{ledger.BankCharged(bank), ledger.AgencyCommission(k.Agency, bank), k.Tiyn})
	}
	return legs
}

// Leg is one transfer of a resolution.
type Leg struct {
	Debit, Credit ledger.Account
	Tiyn          int64
}

// ReceivedLegs books lines that belong to expectations: the bank has delivered what it owed. paid is what the lines carry
// and owed what was expected; a difference goes to the write-offs. Both are positive.
func ReceivedLegs(bank, account string, paid, owed int64) []Leg {
	return tied(ledger.BankCash(bank, account), ledger.BankDue(bank), paid, owed)
}

// ReturnedLegs books lines that pay out what was to be given back. Both amounts are positive.
func ReturnedLegs(bank, account string, paid, owed int64) []Leg {
	return left(ledger.BankCash(bank, account), ledger.BankRefunds(bank), paid, owed)
}

// ForwardedLegs books lines that send on what was to be sent on. Both amounts are positive.
func ForwardedLegs(bank, account string, paid, owed int64) []Leg {
	return left(ledger.BankCash(bank, account), ledger.BankForwarding(bank), paid, owed)
}

// left is money that left the cash for what was promised.
func left(cash, promised ledger.Account, paid, owed int64) []Leg {
	var legs []Leg
	if common := min(paid, owed); common > 0 {
		legs = append(legs, Leg{promised, cash, common})
	}
	switch {
	case paid > owed:
		legs = append(legs, Leg{ledger.OperatorWriteOffs, cash, paid - owed})
	case owed > paid:
		legs = append(legs, Leg{promised, ledger.OperatorWriteOffs, owed - paid})
	}
	return legs
}

func tied(cash, due ledger.Account, paid, owed int64) []Leg {
	var legs []Leg
	if common := min(paid, owed); common > 0 {
		legs = append(legs, Leg{cash, due, common})
	}
	switch {
	case paid > owed:
		legs = append(legs, Leg{cash, ledger.OperatorWriteOffs, paid - owed})
	case owed > paid:
		legs = append(legs, Leg{ledger.OperatorWriteOffs, due, owed - paid})
	}
	return legs
}

// move is one leg that brings tiyn, if positive, from the counter account to cash, or back if negative.
func move(cash, counter ledger.Account, tiyn int64) []Leg {
	if tiyn < 0 {
		return []Leg{{counter, cash, -tiyn}}
	}
	return []Leg{{cash, counter, tiyn}}
}

// Legs is what a resolution moves. Errors are a [*MisfitError]. Whatever the way, an exception about a line moves exactly
// the line's amount over the account's cash, so that ledger and statement agree once nothing is open.
func Legs(way Way, it Item) ([]Leg, error) {
	if it.Tiyn == 0 || it.Tiyn == -it.Tiyn {
		return nil, misfit(WhyNoAmount)
	}
	if it.Kind == Missing {
		return missingLegs(way, it)
	}
	cash := ledger.BankCash(it.Bank, it.Account)
	switch way {
	case Link, Force, Prove:
		if way == Prove && (it.Kind != Surplus || it.Tiyn < 0) {
			return nil, misfit(WhyNotReceived)
		}
		if way != Force && it.Linked != it.Tiyn {
			return nil, &MisfitError{WhyAmountsDiffer, money.FromTiyn(it.Tiyn).Decimal() + ", " + money.FromTiyn(it.Linked).Decimal()}
		}
		if it.Linked == 0 || (it.Linked < 0) != (it.Tiyn < 0) || it.Linked == -it.Linked {
			return nil, misfit(WhyDirection)
		}
		switch {
		case it.Tiyn < 0 && it.Forward:
			return ForwardedLegs(it.Bank, it.Account, -it.Tiyn, -it.Linked), nil
		case it.Tiyn < 0:
			return ReturnedLegs(it.Bank, it.Account, -it.Tiyn, -it.Linked), nil
		}
		return ReceivedLegs(it.Bank, it.Account, it.Tiyn, it.Linked), nil
	case KeptBack:
		return keptLegs(it)
	case Park:
		return move(cash, ledger.BankSuspense(it.Bank), it.Tiyn), nil
	case GiveBack:
		if it.Tiyn < 0 || it.Kind == Gap {
			return nil, misfit(WhyNothingToReturn)
		}
		return move(cash, ledger.BankRefunds(it.Bank), it.Tiyn), nil
	case Forward:
		if it.Kind == Gap {
			return nil, misfit(WhyNoLine)
		}
		return move(cash, ledger.BankForwarding(it.Bank), it.Tiyn), nil
	case WriteOff:
		return move(cash, ledger.OperatorWriteOffs, it.Tiyn), nil
	case Owe:
		if it.Kind != Reversal || it.Tiyn > 0 {
			return nil, misfit(WhyNothingTaken)
		}
		return move(cash, ledger.BankDue(it.Bank), it.Tiyn), nil
	case Accept:
		if it.Kind != Gap {
			return nil, misfit(WhyMoneyStays)
		}
		return move(cash, ledger.OperatorOpenings, it.Tiyn), nil
	}
	return nil, misfit(WhyWay)
}

// keptLegs: to the tiyn what the signed documents name, or it is another difference.
func keptLegs(it Item) ([]Leg, error) {
	if it.Tiyn < 0 || it.Forward || it.Kind == Gap || it.Linked <= 0 {
		return nil, misfit(WhyDirection)
	}
	sum := int64(0)
	for _, k := range it.Kept {
		if sum += k.Tiyn; k.Tiyn <= 0 || sum <= 0 {
			return nil, misfit(WhyNoCommission)
		}
	}
	if sum == 0 || it.Linked-sum != it.Tiyn {
		return nil, &MisfitError{WhyNoCommission, money.FromTiyn(it.Linked-it.Tiyn).Decimal() + ", " + money.FromTiyn(sum).Decimal()}
	}
	return append(ReceivedLegs(it.Bank, it.Account, it.Tiyn, it.Tiyn), KeptLegs(it.Bank, it.Kept)...), nil
}

// Fitting lists the ways by which an exception can be resolved as far as it alone tells: whether the expectations that a line is tied to fit
// is known once they are chosen.
func Fitting(it Item) []Way {
	if it.Kind == ForeignCurrency { // a line in another currency moves no tenge
		return []Way{Accept}
	}
	if it.Kind != Gap && it.Kind != Missing {
		it.Linked = it.Tiyn
	}
	var out []Way
	for _, way := range Ways() {
		it := it
		if way == KeptBack && it.Tiyn > 0 { // as if the payments had some
			it.Linked, it.Kept = it.Tiyn+1, []Kept{{Tiyn: 1}}
		}
		if _, err := Legs(way, it); err == nil {
			out = append(out, way)
		}
	}
	return out
}

// missingLegs: a payment that no statement shows moves no cash of ours; it may only stop being owed.
func missingLegs(way Way, it Item) ([]Leg, error) {
	if way != WriteOff {
		return nil, misfit(WhyMissing)
	}
	if it.Forward {
		return nil, nil // it was to leave cash, which it has not
	}
	if it.Tiyn < 0 {
		return []Leg{{ledger.BankRefunds(it.Bank), ledger.OperatorWriteOffs, -it.Tiyn}}, nil
	}
	return []Leg{{ledger.OperatorWriteOffs, ledger.BankDue(it.Bank), it.Tiyn}}, nil
}
