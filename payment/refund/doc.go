// Package refund holds the pure rules of refunds and corrections of executed payments: the states with their table, what may
// still be given back, and the transfers of every step.
//
// # What there is
//
// A refund pays money back to the payer through the bank that executed the payment. A correction moves money that was
// executed under a wrong budget code or for a wrong payer; a return notes that the treasury has sent money back. The last
// three are booked as soon as a second person agrees; a refund is then an instruction to the bank, whose outcome is yes, no or
// unknown, as that of a payment is.
//
// # Money
//
// A refund moves money in two phases. Approval holds it: from what the beneficiary is due to what the bank holds for refunds.
// The bank's signed "executed" posts it, its signed "refused" releases it. Nothing is edited; each phase is a posting of its own.
//
// What is given back never exceeds what was paid: a [Share] counts both, and its amounts are taken when a refund is asked for,
// so that two people who ask at once cannot spend the same money.
package refund
