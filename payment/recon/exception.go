package recon

import (
	"slices"

	"qaqpa/payment/flow"
)

// Kind says what is wrong.
type Kind string

// Kinds of exceptions.
const (
	// Surplus: the bank shows money that nobody expects.
	Surplus Kind = "surplus"
	// Missing: a payment is past its term and no statement shows it.
	Missing Kind = "missing"
	// Ambiguous: several payments fit a line, or several lines a payment.
	Ambiguous Kind = "ambiguous"
	// Doubled: a line repeats one that is matched.
	Doubled Kind = "doubled"
	// Over and Under: the right reference with too much or too little money.
	Over  Kind = "over"
	Under Kind = "under"
	// Data: reference and amount are right, another field such as the KBK is not.
	Data Kind = "data"
	// Reversal: the bank took back what it had shown.
	Reversal Kind = "reversal"
	// Withdrawal: money left the account and nobody expects it.
	Withdrawal Kind = "withdrawal"
	// ForeignCurrency: a line in another currency than the account's.
	ForeignCurrency Kind = "foreign-currency"
	// Gap: the opening balance is not the closing balance of the statement before.
	Gap Kind = "gap"
)

// Kinds lists all kinds.
func Kinds() []Kind {
	return []Kind{Surplus, Missing, Ambiguous, Doubled, Over, Under, Data, Reversal, Withdrawal, ForeignCurrency, Gap}
}

// Severity says how soon somebody has to look.
type Severity string

// Severities, the least first.
const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Amounts in tiyn from which an exception is one step more severe.
const (
	LargeTiyn = 1_000_000_00
	SmallTiyn = 1_000_00
)

// LateDays is from how many days on an exception is one step more severe: the first day of [Week].
const LateDays = 4

// Severities lists all severities, the least first.
func Severities() []Severity { return []Severity{Low, Medium, High, Critical} }

// ShortOf lists the kinds by which somebody is short of money: they are one step more severe.
func ShortOf() []Kind { return []Kind{Missing, Reversal, Withdrawal, Gap} }

// SeverityOf grades an exception by what it is, how much money is at risk (tiyn, the sign does not matter) and how many
// days it has been open. A search by severity computes the same in the database, by the same constants.
func SeverityOf(k Kind, tiyn int64, days int) Severity {
	grade := 1
	if slices.Contains(ShortOf(), k) {
		grade++
	}
	if tiyn >= LargeTiyn || tiyn <= -LargeTiyn {
		grade++
	}
	if tiyn < SmallTiyn && tiyn > -SmallTiyn {
		grade--
	}
	if days >= LateDays {
		grade++
	}
	return Severities()[min(max(grade, 0), 3)]
}

// Age is a bucket of ageing.
type Age int

// Buckets of ageing in days: 0–1, 2–3, 4–7, 8–30, more.
const (
	Fresh Age = iota
	Days
	Week
	Month
	Old
)

// AgeOf puts a number of days into its bucket.
func AgeOf(days int) Age {
	switch {
	case days <= 1:
		return Fresh
	case days <= 3:
		return Days
	case days <= 7:
		return Week
	case days <= 30:
		return Month
	}
	return Old
}

// String names the bucket by its days.
func (a Age) String() string {
	return [...]string{"0-1", "2-3", "4-7", "8-30", "30+"}[min(max(a, Fresh), Old)]
}

// Ages lists the buckets.
func Ages() []Age { return []Age{Fresh, Days, Week, Month, Old} }

// Bounds are the first and the last day of the bucket; the last has no end, and last is -1.
func (a Age) Bounds() (first, last int) {
	switch a {
	case Fresh:
		return 0, 1
	case Days:
		return 2, 3
	case Week:
		return LateDays, 7
	case Month:
		return 8, 30
	case Old:
	}
	return 31, -1
}

// ParseAge finds a bucket by its name; false for a text that names none.
func ParseAge(name string) (Age, bool) {
	for _, a := range Ages() {
		if a.String() == name {
			return a, true
		}
	}
	return 0, false
}

// State of an exception.
type State string

// States of an exception.
const (
	// Open: nobody has taken it.
	Open State = "open"
	// Assigned: somebody works on it.
	Assigned State = "assigned"
	// Proposed: a resolution waits for a second person.
	Proposed State = "proposed"
	// Asked: the bank was asked and has to answer.
	Asked State = "asked"
	// Resolved: its transfers stand in the ledger, or it needed none.
	Resolved State = "resolved"
	// Void: what it was about is gone, such as a missing payment that came late.
	Void State = "void"
	// Archived: it was settled when its period was closed.
	Archived State = "archived"
)

// States lists all states, in the order in which an exception may pass them.
func States() []State { return []State{Open, Assigned, Asked, Proposed, Resolved, Void, Archived} }

// Events of an exception.
const (
	Assign  flow.Event = "assign"
	Release flow.Event = "release"
	Ask     flow.Event = "ask"
	// Return is the answer to a question that nobody owns any more.
	Return  flow.Event = "return"
	Propose flow.Event = "propose"
	Reject  flow.Event = "reject"
	Resolve flow.Event = "resolve"
	Vanish  flow.Event = "vanish"
	// Archive is the closing of the period.
	Archive flow.Event = "archive"
	// Undo gives a line back to the person who has undone its match, Recur lists a payment anew that is missing again.
	Undo  flow.Event = "undo"
	Recur flow.Event = "recur"
)

// Transitions is the table of an exception's states. Only what two people have agreed on is resolved.
func Transitions() (flow.Table[State], error) {
	edges := []flow.Edge[State]{
		{From: Open, Event: Assign, To: Assigned},
		{From: Assigned, Event: Assign, To: Assigned},
		{From: Assigned, Event: Release, To: Open},
		{From: Asked, Event: Assign, To: Assigned},
		{From: Asked, Event: Return, To: Open},
		{From: Proposed, Event: Reject, To: Assigned},
		{From: Proposed, Event: Resolve, To: Resolved},
	}
	for _, from := range []State{Open, Assigned, Asked} {
		edges = append(edges,
			flow.Edge[State]{From: from, Event: Propose, To: Proposed},
			flow.Edge[State]{From: from, Event: Vanish, To: Void})
	}
	edges = append(edges,
		flow.Edge[State]{From: Open, Event: Ask, To: Asked},
		flow.Edge[State]{From: Assigned, Event: Ask, To: Asked},
		flow.Edge[State]{From: Proposed, Event: Vanish, To: Void},
		flow.Edge[State]{From: Resolved, Event: Archive, To: Archived},
		flow.Edge[State]{From: Void, Event: Archive, To: Archived},
		flow.Edge[State]{From: Void, Event: Undo, To: Assigned},
		flow.Edge[State]{From: Archived, Event: Undo, To: Assigned},
		flow.Edge[State]{From: Void, Event: Recur, To: Open})
	return flow.New("exception", Open, edges)
}

// From lists the states in which an event may happen to an exception, for what happens to many at once.
func From(event flow.Event) ([]State, error) {
	table, err := Transitions()
	if err != nil {
		return nil, err
	}
	var from []State
	for _, e := range table.Edges() {
		if e.Event == event {
			from = append(from, e.From)
		}
	}
	return from, nil
}

// Unsettled reports whether an exception in this state still stands between ledger and statement.
func (s State) Unsettled() bool { return s != Resolved && s != Void && s != Archived }
