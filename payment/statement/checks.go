package statement

import (
	"fmt"
	"math"

	"qaqpa/payment/money"
)

// CheckName names a check. Its values are kept in the database and never change.
type CheckName string

// Checks of one statement, made by [Read].
const (
	// CheckBalance: opening balance + booked credits − booked debits = closing balance, all in one currency.
	CheckBalance CheckName = "balance"
	// CheckTotals: counts and sums that the file declares are those of its entries.
	CheckTotals CheckName = "totals"
	// CheckCurrency: every entry is in the currency of the account.
	CheckCurrency CheckName = "currency"
	// CheckBatch: declared number and sum of a batch are those of its transactions, and these sum up to the entry.
	CheckBatch CheckName = "batch"
	// CheckCopy: the statement does not call itself a copy or duplicate.
	CheckCopy CheckName = "copy"
	// CheckRepeated: no other statement of the file has the same account, number and page.
	CheckRepeated CheckName = "repeated"
	// CheckComplete: the parts that mark the end of the file or statement are there.
	CheckComplete CheckName = "complete"
)

// Checks that need earlier statements, made by [Judge].
const (
	// CheckNumbering: the number follows the last known one.
	CheckNumbering CheckName = "numbering"
	// CheckDuplicate: the statement is not one that is known, byte for byte.
	CheckDuplicate CheckName = "duplicate"
	// CheckReplaced: no known statement has the same account, period and number with other content.
	CheckReplaced CheckName = "replaced"
	// CheckContinuity: the opening balance is the closing balance of the statement before.
	CheckContinuity CheckName = "continuity"
)

// CheckNames lists the checks of [Read] in the order of their results.
func CheckNames() []CheckName {
	return []CheckName{CheckBalance, CheckTotals, CheckCurrency, CheckBatch, CheckCopy, CheckRepeated, CheckComplete}
}

// Result is the outcome of a check.
type Result string

// Results. Absent says that the file does not tell what the check needs.
const (
	Passed Result = "passed"
	Failed Result = "failed"
	Absent Result = "absent"
)

// Check is the result of one check.
type Check struct {
	Name   CheckName
	Result Result
	// Line is where a failed check failed, 0 if nowhere in particular.
	Line int
	// Want and Got are what was declared and what was found, for a person.
	Want, Got string
}

// totals are running sums of a statement.
type totals struct {
	currency money.Currency
	sum      int64 // of all booked entries, whatever direction
	count    int64
	foreign  Check
	batch    batchTotals
	batches  Check
	lost     string // the end mark that is missing
}

type batchTotals struct {
	count, sum int64
	uncounted  bool // a detail without amount or in another currency
}

// addTo adds without overflow.
func addTo(sum *int64, n int64) bool {
	if n > 0 && *sum > math.MaxInt64-n {
		return false
	}
	*sum += n
	return true
}

func (c *collector) overflow() error {
	return c.fail(c.entry.Line, "", ErrValue, "the sum of the amounts is too large")
}

// addEntry counts the entry that was handed out.
func (c *collector) addEntry() error {
	e := &c.entry
	c.checkBatch()
	if e.Status != StatusBooked || e.Amount.Currency == "" {
		if e.Status != StatusBooked {
			c.trailer.Pending++
		}
		return nil
	}
	if c.totals.currency == "" {
		c.totals.currency = e.Amount.Currency
	}
	c.totals.count++
	if !addTo(&c.totals.sum, e.Amount.Tiyn) {
		return c.overflow()
	}
	if want := c.currency(); e.Amount.Currency != want {
		if c.totals.foreign.Result == "" {
			c.totals.foreign = Check{Result: Failed, Line: e.Line, Want: string(want), Got: string(e.Amount.Currency)}
		}
		return nil
	}
	total := &c.trailer.Credit
	if e.Direction == Debit {
		total = &c.trailer.Debit
	}
	total.Count++
	if !addTo(&total.Sum, e.Amount.Tiyn) {
		return c.overflow()
	}
	return nil
}

func (c *collector) addDetail(d *Detail) error {
	b := &c.totals.batch
	b.count++
	if d.Amount.Currency == "" || d.Amount.Currency != c.entry.Amount.Currency {
		b.uncounted = true
		return nil
	}
	amount := d.Amount.Tiyn
	if d.Direction != c.entry.Direction {
		amount = -amount
	}
	if !addTo(&b.sum, amount) {
		return c.overflow()
	}
	return nil
}

// checkBatch holds an entry against its transactions. Batches without details tell nothing to hold against.
func (c *collector) checkBatch() {
	e, b := &c.entry, &c.totals.batch
	if c.totals.batches.Result == Failed || b.count == 0 || (!e.Batch.Present && b.count == 1) || e.Amount.Currency == "" {
		return
	}
	c.totals.batches.Result = Passed
	fault := func(want, got string) { c.totals.batches = Check{Result: Failed, Line: e.Line, Want: want, Got: got} }
	switch {
	case e.Batch.Count >= 0 && e.Batch.Count != b.count:
		fault(fmt.Sprintf("%d transactions", e.Batch.Count), fmt.Sprintf("%d", b.count))
	case b.uncounted:
		if e.Batch.Count < 0 {
			c.totals.batches.Result = ""
		}
	case e.Batch.Total.Currency == e.Amount.Currency && e.Batch.Total.Tiyn != b.sum:
		fault(e.Batch.Total.Decimal(), money.FromTiyn(b.sum).Decimal())
	case b.sum != e.Amount.Tiyn:
		fault(e.Amount.Decimal(), money.FromTiyn(b.sum).Decimal())
	}
}

// checks makes the results of the statement.
func (c *collector) checks() []Check {
	return []Check{c.balanceCheck(), c.totalsCheck(), c.currencyCheck(), named(CheckBatch, c.totals.batches), c.copyCheck(), c.repeatedCheck(), c.completeCheck()}
}

// named completes a check that only knows its faults.
func named(name CheckName, k Check) Check {
	k.Name = name
	if k.Result == "" {
		k.Result = Absent
	}
	return k
}

// Bounds returns the opening and the closing balance among the balances of a statement: OPBD, PRCD or the first interim one, and
// CLBD or the last interim one (a part of a statement that spans files begins or ends with interim balances).
func Bounds(balances []Balance) (opening, closing *Balance) {
	from, to := -1, -1
	for i := range balances {
		switch balances[i].Type {
		case "OPBD", "PRCD":
			if from < 0 || balances[from].Type == "ITBD" || (balances[from].Type == "PRCD" && balances[i].Type == "OPBD") {
				from = i
			}
		case "CLBD":
			if to < 0 || balances[to].Type == "ITBD" {
				to = i
			}
		case "ITBD":
			if from < 0 {
				from = i
			} else if to < 0 || balances[to].Type == "ITBD" {
				to = i
			}
		}
	}
	if from >= 0 {
		opening = &balances[from]
	}
	if to >= 0 {
		closing = &balances[to]
	}
	return opening, closing
}

func (c *collector) balanceCheck() Check {
	k := Check{Name: CheckBalance, Result: Absent}
	opening, closing := Bounds(c.trailer.Balances)
	if opening == nil || closing == nil {
		return k
	}
	k.Line = closing.Line
	k.Want = closing.Amount.Decimal() + " " + string(closing.Amount.Currency)
	if want := c.currency(); opening.Amount.Currency != want || closing.Amount.Currency != want {
		k.Result, k.Got = Failed, "balances in several currencies"
		return k
	}
	// Sums are below 2^63 each, so their difference fits; the opening balance may still push it over.
	movement := money.Amount{Tiyn: c.trailer.Credit.Sum - c.trailer.Debit.Sum, Currency: opening.Amount.Currency}
	sum, err := opening.Amount.Plus(movement)
	if err != nil || sum.Tiyn != closing.Amount.Tiyn {
		k.Result, k.Got = Failed, sum.Decimal()+" "+string(sum.Currency)
		return k
	}
	return Check{Name: CheckBalance, Result: Passed}
}

func (c *collector) totalsCheck() Check {
	k := Check{Name: CheckTotals, Result: Absent}
	d := c.header.Declared
	hold := func(told bool, want, got int64, show func(int64) string) {
		if !told || k.Result == Failed {
			return
		}
		k.Result = Passed
		if want != got {
			k.Result, k.Want, k.Got = Failed, show(want), show(got)
		}
	}
	count := func(n int64) string { return fmt.Sprintf("%d", n) }
	sum := func(n int64) string { return money.FromTiyn(n).Decimal() }
	hold(d.Count >= 0, d.Count, c.trailer.Entries, count)
	hold(d.HasSum, d.Sum, c.totals.sum, sum)
	hold(d.CreditCount >= 0, d.CreditCount, c.trailer.Credit.Count, count)
	hold(d.DebitCount >= 0, d.DebitCount, c.trailer.Debit.Count, count)
	hold(d.Credit.Currency != "", d.Credit.Tiyn, c.trailer.Credit.Sum, sum)
	hold(d.Debit.Currency != "", d.Debit.Tiyn, c.trailer.Debit.Sum, sum)
	return k
}

func (c *collector) currencyCheck() Check {
	if c.totals.foreign.Result == "" && c.totals.count > 0 {
		return Check{Name: CheckCurrency, Result: Passed}
	}
	return named(CheckCurrency, c.totals.foreign)
}

func (c *collector) copyCheck() Check {
	if c.header.Copy != "" {
		return Check{Name: CheckCopy, Result: Failed, Line: c.header.Line, Got: c.header.Copy}
	}
	return Check{Name: CheckCopy, Result: Passed}
}

// repeatedCheck remembers the statements of this file. Reports of a day often carry no number and tell nothing then.
func (c *collector) repeatedCheck() Check {
	h := &c.header
	if h.Account.ID == "" || (h.Number == 0 && h.ID == "") {
		return Check{Name: CheckRepeated, Result: Absent}
	}
	key := fmt.Sprintf("%s\n%s\n%d\n%d\n%s", h.Account.ID, h.ID, h.Number, h.Page, h.From)
	if opening, _ := Bounds(c.trailer.Balances); opening != nil {
		key += "\n" + opening.Date.String()
	}
	if line, ok := c.seen[key]; ok {
		return Check{Name: CheckRepeated, Result: Failed, Line: h.Line, Got: fmt.Sprintf("also at line %d", line)}
	}
	c.seen[key] = h.Line
	return Check{Name: CheckRepeated, Result: Passed}
}

func (c *collector) completeCheck() Check {
	if c.totals.lost != "" {
		return Check{Name: CheckComplete, Result: Failed, Line: c.trailer.Line, Want: c.totals.lost}
	}
	return Check{Name: CheckComplete, Result: Passed}
}
