package pain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/money"
)

// Word is what a report says of one payment.
type Word struct {
	// Outcome is executed, refused or pending; empty when the report says nothing of the payment.
	Outcome bank.Outcome
	// Amount is what the bank says it moved, or what it was told to move where it repeats no amount.
	money.Amount
	// Reference is the bank's, or our payment's where it has none. At is when it was executed.
	Reference string
	At        time.Time
	// Reason of a refusal, in plain words.
	Reason string
	// Doubt says why the report cannot be taken as it stands; the outcome is then pending and a person looks at it.
	Doubt string
}

// verdicts of the codes. A code that is not here says nothing.
func outcomeOf(s Status) (bank.Outcome, bool) {
	switch s {
	case "ACSC", "ACCC":
		return bank.Executed, true
	case "RJCT", "CANC":
		return bank.Refused, true
	case "ACCP", "ACTC", "ACSP", "ACWC", "ACWP", "ACFC", "PATC", "PDNG", "RCVD", "PART", "PRES":
		return bank.Pending, true
	}
	return "", false
}

// duplicate reports whether something was rejected because the bank has it already.
func duplicate(reasons []Reason) bool {
	return slices.ContainsFunc(reasons, func(r Reason) bool {
		switch r.Code {
		case "AM05", "DU01", "DU02", "DU03", "DU04", "DU05", "DUPL":
			return true
		}
		return false
	})
}

// Absent reports whether the bank says that it never had the file (NOOR), and nothing else: it may be handed over again
// under its name.
func (r Report) Absent() bool {
	return r.Status == "RJCT" && len(r.Payments) == 0 && len(r.Reasons) == 1 && r.Reasons[0].Code == "NOOR"
}

// Word says what a report means for a payment of its file. What stands with the transaction counts, else what stands with the
// payment, else what stands with the file.
func (r Report) Word(p Payment) Word {
	var told *Told
	for i := range r.Payments {
		if r.Payments[i].ID != p.ID {
			continue
		}
		if told != nil {
			return doubt("the report tells the payment twice")
		}
		told = &r.Payments[i]
	}
	whole := Told{ID: p.ID, Status: r.Status, Reasons: r.Reasons}
	if told == nil {
		if r.Status == "PART" || r.Status == "" || r.Absent() || (len(r.Payments) > 0 && r.Status != "RJCT") {
			return Word{} // others are told, this one is not
		}
		if r.Status == "RJCT" && !r.rejected() {
			return doubt("the report rejects the file and tells of payments in it that are not rejected")
		}
		told = &whole
	}
	if told.Status == "" && len(told.Credits) == 0 {
		return Word{}
	}
	lines, problem := told.lines(p)
	if problem != "" {
		return doubt(problem)
	}
	return r.fold(p, lines)
}

// rejected reports whether everything that the report tells of single payments is a rejection.
func (r Report) rejected() bool {
	said := func(s Status) bool {
		outcome, _ := outcomeOf(s)
		return s == "" || outcome == bank.Refused
	}
	return !slices.ContainsFunc(r.Payments, func(t Told) bool {
		return !said(t.Status) || slices.ContainsFunc(t.Credits, func(c ToldCredit) bool { return !said(c.Status) })
	})
}

func doubt(why string) Word { return Word{Outcome: bank.Pending, Doubt: why} }

// lines gives each credit of the payment what is said of it, in the order of the credits.
func (t *Told) lines(p Payment) ([]ToldCredit, string) {
	lines := make([]ToldCredit, len(p.Credits))
	for i, c := range p.Credits {
		lines[i] = ToldCredit{EndToEnd: c.EndToEnd, Status: t.Status, Reasons: t.Reasons}
	}
	seen := map[int]bool{}
	for _, c := range t.Credits {
		at := slices.IndexFunc(p.Credits, func(x Credit) bool { return x.EndToEnd == c.EndToEnd })
		switch {
		case at < 0:
			return nil, "the report names a credit that the payment does not have"
		case seen[at]:
			return nil, "the report tells a credit twice"
		case c.Instruction != "" && c.Instruction != p.ID:
			return nil, "the report names another payment with the credit"
		}
		seen[at] = true
		if c.Status == "" {
			c.Status = t.Status
		}
		if len(c.Reasons) == 0 {
			c.Reasons = t.Reasons
		}
		lines[at] = c
	}
	return lines, ""
}

// fold makes one word of all credits: executed or refused only when all of them are.
func (r Report) fold(p Payment, lines []ToldCredit) Word {
	word := Word{Amount: money.FromTiyn(0), Reference: p.ID, At: r.MadeAt}
	counts := map[bank.Outcome]int{}
	for i, line := range lines {
		outcome, known := outcomeOf(line.Status)
		switch {
		case line.Status == "": // told of its siblings only
			outcome = bank.Pending
		case !known:
			return doubt(fmt.Sprintf("status %q is not known", string(line.Status)))
		case outcome == bank.Refused && duplicate(line.Reasons):
			return doubt("rejected as a duplicate, which says nothing of the first")
		}
		counts[outcome]++
		amount := p.Credits[i].Amount
		if line.Amount != nil {
			amount = *line.Amount
		}
		if !amount.Positive() {
			return doubt("the report has another currency, or an amount that is none")
		}
		sum, err := word.Plus(amount)
		if err != nil {
			return doubt("the amounts of the report are too large")
		}
		word.Amount = sum
		if line.Reference != "" {
			word.Reference = line.Reference
		}
		if !line.AcceptedAt.IsZero() {
			word.At = line.AcceptedAt
		}
	}
	switch {
	case counts[bank.Executed] == len(lines):
		if instructed, err := p.Sum(); err == nil && word.Amount == instructed && !asInstructed(p, lines) {
			// The attack, or the mistake: the sum is right, and one beneficiary has got what another one is due.
			return doubt("the credits add up, but are not those that were instructed")
		}
		word.Outcome = bank.Executed
	case counts[bank.Refused] == len(lines):
		word.Outcome, word.Reason = bank.Refused, Words(lines[0].Reasons)
	case counts[bank.Executed] > 0 && counts[bank.Refused] > 0:
		// One debit pays all or nothing: a bank that splits it has made a mistake which nobody but a person can mend.
		return doubt("some credits of one payment are executed and others rejected")
	default:
		word.Outcome = bank.Pending
	}
	return word
}

// asInstructed reports whether no line tells another amount than its credit.
func asInstructed(p Payment, lines []ToldCredit) bool {
	for i, line := range lines {
		if line.Amount != nil && *line.Amount != p.Credits[i].Amount {
			return false
		}
	}
	return true
}

// Words tells reasons in Kazakh, Russian and English, with their codes and the bank's own text.
func Words(reasons []Reason) string {
	var parts []string
	for _, r := range reasons {
		text := r.Code
		if words, known := plain()[r.Code]; known {
			text += ": " + words
		}
		if r.Text != "" {
			text += " (" + r.Text + ")"
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	const most = 450 // bytes; a status has 500
	all := strings.Join(parts, "; ")
	if len(all) > most {
		all = strings.ToValidUTF8(all[:most], "") // a letter that the cut went through is left out
	}
	return all
}
