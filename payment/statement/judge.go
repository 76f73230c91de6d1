package statement

import "fmt"

// Known is what a caller remembers of an earlier statement of the same account.
type Known struct {
	// Digest is that of the file, Index the statement's place in it.
	Digest string
	Index  int
	ID     string
	Number int64
	Page   int
	// From and To are its days, Year that in which its number counts.
	From, To Date
	Year     int
	// Closing is its closing balance in hundredths, if HasClosing.
	Closing    int64
	HasClosing bool
}

// Verdict says what a statement is beside those that are known.
type Verdict struct {
	Checks []Check
	// Duplicate says that it is known already and posts nothing; Replaces is the place in known of the one that it replaces, -1 for none.
	Duplicate bool
	Replaces  int
}

// Judge holds a new statement against those of its account that are known, ordered by number or time, the latest last. Numbers
// start anew each year, as many banks do: a 1 after a higher number in a later year is no gap, neither are pages of one number.
//
//	numbering   the next number, the next page of the same, or 1 in a later year; absent where numbers are not told
//	duplicate   fails for the same file and place, or the same number, page and days with the same closing balance
//	replaced    fails for the same number and page in one year, or else the same days and id, with other content
//	continuity  the opening balance is the closing one of the statement before
func Judge(fresh Known, opening *Balance, known []Known) Verdict {
	v := Verdict{Replaces: -1}
	duplicate, replaced := Check{Name: CheckDuplicate, Result: Passed}, Check{Name: CheckReplaced, Result: Passed}
	for i, k := range known {
		if !sameStatement(fresh, k) {
			continue
		}
		if fresh.Digest == k.Digest || (fresh.HasClosing && k.HasClosing && fresh.Closing == k.Closing && fresh.From == k.From && fresh.To == k.To) {
			duplicate.Result, duplicate.Got = Failed, k.Digest
			v.Duplicate = true
			continue
		}
		replaced.Result, replaced.Got = Failed, k.Digest
		v.Replaces = i
	}
	v.Checks = []Check{numbering(fresh, known), duplicate, replaced, continuity(fresh, opening, known)}
	return v
}

func sameStatement(a, b Known) bool {
	if a.Digest == b.Digest {
		return a.Index == b.Index
	}
	if a.Number != 0 || b.Number != 0 {
		return a.Number == b.Number && a.Page == b.Page && a.Year == b.Year
	}
	return a.ID == b.ID && a.From == b.From && a.To == b.To && a.Page == b.Page
}

// before is the latest known statement that is not the fresh one itself.
func before(fresh Known, known []Known) *Known {
	for i := len(known) - 1; i >= 0; i-- {
		if !sameStatement(fresh, known[i]) {
			return &known[i]
		}
	}
	return nil
}

func numbering(fresh Known, known []Known) Check {
	last := before(fresh, known)
	if last == nil || fresh.Number == 0 || last.Number == 0 {
		return Check{Name: CheckNumbering, Result: Absent}
	}
	switch {
	case fresh.Year > last.Year && fresh.Number == 1:
	case fresh.Number == last.Number+1 && fresh.Page <= 1:
	case fresh.Number == last.Number && fresh.Page == last.Page+1:
	default:
		return Check{
			Name: CheckNumbering, Result: Failed,
			Want: fmt.Sprintf("%d behind %d/%d", last.Number+1, last.Number, last.Page), Got: fmt.Sprintf("%d/%d", fresh.Number, fresh.Page),
		}
	}
	return Check{Name: CheckNumbering, Result: Passed}
}

func continuity(fresh Known, opening *Balance, known []Known) Check {
	last := before(fresh, known)
	if last == nil || opening == nil || !last.HasClosing {
		return Check{Name: CheckContinuity, Result: Absent}
	}
	if last.Closing != opening.Amount.Tiyn {
		return Check{
			Name: CheckContinuity, Result: Failed, Line: opening.Line,
			Want: fmt.Sprintf("%d", last.Closing), Got: fmt.Sprintf("%d", opening.Amount.Tiyn),
		}
	}
	return Check{Name: CheckContinuity, Result: Passed}
}
