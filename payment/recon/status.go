package recon

// Status says how a line of a statement stands.
type Status string

// Statuses of lines.
const (
	// PostedAuto: rules have matched it. PostedManual: people have tied it to payments, PostedForced although amounts or data differ.
	PostedAuto   Status = "posted-auto"
	PostedManual Status = "posted-manual"
	PostedForced Status = "posted-forced"
	// Partial: people have tied a part of it; the rest is parked.
	Partial Status = "partial"
	// Listed: its exception is not settled.
	Listed Status = "listed"
	// Settled: people have decided where its money is without a payment: parked, given back, sent on or written off.
	Settled Status = "settled"
	// NotBooked: its statement books nothing: a notice, a copy, one that was replaced or withdrawn.
	NotBooked Status = "void"
)

// Standing is what a status follows from.
type Standing struct {
	// Booked is whether the line's statement is.
	Booked bool
	// Tiyn is the line's amount, ByRules and ByPeople what live matches carry of it.
	Tiyn, ByRules, ByPeople int64
	// Exception is the state of the line's exception, empty for none. Way is how it was resolved.
	Exception State
	Way       Way
}

// StatusOf tells the status of a line.
func StatusOf(s Standing) Status {
	switch {
	case !s.Booked:
		return NotBooked
	case s.Exception != "" && s.Exception.Unsettled():
		return Listed
	case s.ByPeople != 0 && s.Way == Force:
		return PostedForced
	case s.ByPeople != 0 && s.ByPeople == s.Tiyn:
		return PostedManual
	case s.ByPeople != 0:
		return Partial
	case s.ByRules != 0:
		return PostedAuto
	}
	return Settled
}
