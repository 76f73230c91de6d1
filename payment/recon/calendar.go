package recon

import "time"

// Day is a calendar day in the time of the banks, as midnight UTC.
type Day = time.Time

// almaty is the zone of banking days, UTC+5 all year since 1 March 2024.
var almaty = time.FixedZone("UTC+5", 5*60*60)

// DayOf is the banking clock's day of a moment.
func DayOf(at time.Time) Day {
	y, m, d := at.In(almaty).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Calendar knows banking days. The zero Calendar has weekends only. Holidays are data of the operator.
type Calendar struct {
	// Closed are holidays on days that would be worked.
	Closed map[Day]bool
	// Open are Saturdays and Sundays that are worked in exchange.
	Open map[Day]bool
}

// Knows reports whether any day of the year was told: without it every Monday to Friday counts as a banking day.
func (c Calendar) Knows(year int) bool {
	for _, days := range []map[Day]bool{c.Closed, c.Open} {
		for day := range days {
			if day.Year() == year {
				return true
			}
		}
	}
	return false
}

// Works reports whether banks work on the day.
func (c Calendar) Works(d Day) bool {
	if c.Open[d] {
		return true
	}
	return !c.Closed[d] && d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
}

// closedMax bounds the search for a banking day, should the data close every day.
const closedMax = 60

// Next is the day itself when banks work, else the first banking day after it. When the data know none within 60 days,
// the day itself is returned.
func (c Calendar) Next(d Day) Day {
	for next, i := d, 0; i < closedMax; next, i = next.AddDate(0, 0, 1), i+1 {
		if c.Works(next) {
			return next
		}
	}
	return d
}

// Add is the n-th banking day after d, or before it when n is negative; n = 0 is [Calendar.Next].
func (c Calendar) Add(d Day, n int) Day {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	if step > 0 {
		d = c.Next(d)
	}
	for ; n > 0; n-- {
		d = d.AddDate(0, 0, step)
		for i := 0; i < closedMax && !c.Works(d); i++ {
			d = d.AddDate(0, 0, step)
		}
	}
	return d
}

// Terms are what was agreed with a bank.
type Terms struct {
	// CutOffMinute is the minute of the bank's day from which a payment belongs to the next banking day; 1440 means none.
	CutOffMinute int
	// Days is how many banking days after its own a payment may take to stand on the account; then it is missing.
	Days int
}

// DefaultTerms are 24:00 and T+3.
func DefaultTerms() Terms { return Terms{CutOffMinute: 24 * 60, Days: 3} }

// PaymentDay is the banking day to which a payment of this moment belongs.
func (c Calendar) PaymentDay(at time.Time, t Terms) Day {
	local, day := at.In(almaty), DayOf(at)
	if local.Hour()*60+local.Minute() >= t.CutOffMinute {
		day = day.AddDate(0, 0, 1)
	}
	return c.Next(day)
}

// DueDay is the last day on which a payment of the banking day is in time.
func (c Calendar) DueDay(day Day, t Terms) Day { return c.Add(day, t.Days) }

// Reach is the range of payment days to which a line booked on a day can belong under the window: payments between
// window.To and window.From banking days before it. A line booked on a day without work belongs to the next.
func (c Calendar) Reach(booked Day, w Window) (from, to Day) {
	worked := c.Next(booked)
	from, to = c.Add(worked, -w.To), c.Add(worked, -w.From)
	if w.From == 0 {
		to = worked
	}
	if w.To == 0 {
		from = worked
	}
	return from, to
}
