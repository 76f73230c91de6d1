package catalog

import (
	"fmt"
	"time"
)

// Date is a civil date, YYYY-MM-DD, in the Almaty time zone. Dates compare as strings.
type Date string

// almatyOffsetSeconds is UTC+5, the single time of Kazakhstan since 1 March 2024.
const almatyOffsetSeconds = 5 * 60 * 60

// Almaty is the time zone of banking days.
func Almaty() *time.Location { return time.FixedZone("Asia/Almaty", almatyOffsetSeconds) }

// DateOf returns the civil date of an instant in Almaty.
func DateOf(at time.Time) Date { return Date(at.In(Almaty()).Format(time.DateOnly)) }

// Valid reports whether the date exists in the calendar and is written as YYYY-MM-DD.
func (d Date) Valid() bool {
	at, err := time.Parse(time.DateOnly, string(d))
	return err == nil && at.Format(time.DateOnly) == string(d)
}

// within reports whether d lies in [from, to], an empty to being open.
func (d Date) within(from, to Date) bool { return from <= d && (to == "" || d <= to) }

// checkPeriod refuses dates that do not exist and periods that end before they start.
func checkPeriod(from, to Date) error {
	if !from.Valid() || (to != "" && !to.Valid()) {
		return fmt.Errorf("%w: dates are YYYY-MM-DD", ErrInvalid)
	}
	if to != "" && to < from {
		return fmt.Errorf("%w: valid_to is before valid_from", ErrInvalid)
	}
	return nil
}
