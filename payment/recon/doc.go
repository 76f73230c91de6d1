// Package recon holds the pure rules of reconciliation: the ladder of matching rules as data, the banking calendar,
// kinds, severity, ageing and states of exceptions, the ranking of suggestions, and what a resolution does to the
// ledger. It does no I/O; the payment service executes the ladder as set operations in the database.
//
// # Words
//
// A line is one movement of a statement: a booked entry, or one transaction of a batch that the bank itemised. An
// expectation is money that a statement should show, such as an executed payment. A match ties lines to expectations
// and names its rule. What stays over on either side becomes an exception, which a person resolves.
//
// # The ladder
//
// Rules are tried in order. A rule that finds exactly one partner on both sides matches; one that finds several never
// guesses: the line becomes ambiguous and only a rule that identifies a payment by itself may still take it. Of several
// lines that carry the same identifying reference and amount the first in the file is matched and the others are doubles,
// because which of equal sums is meant makes no difference to any account.
//
// # Deviations
//
// Two to six payments are sought for a line that a bank counts as so many, in groups that are bounded; without the bank's count no part of
// a group is: it would be found by chance. What goes on to a treasury is expected of banks with which that was agreed, and otherwise listed.
package recon
