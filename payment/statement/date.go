package statement

import (
	"fmt"
	"time"
)

// Date is a calendar day as a bank wrote it, year·10000 + month·100 + day; 0 is no day. Dates compare as numbers.
type Date int32

// NewDate returns the day, or false if there is none such.
func NewDate(year, month, day int) (Date, bool) {
	if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return Date(year*10000 + month*100 + day), true //nolint:gosec // G115: at most 99991231
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// DateOf returns the day of an instant in its own time zone.
func DateOf(at time.Time) Date {
	d, _ := NewDate(at.Year(), int(at.Month()), at.Day())
	return d
}

// Year is 1 to 9999.
func (d Date) Year() int { return int(d) / 10000 }

// Month is 1 to 12.
func (d Date) Month() int { return int(d) / 100 % 100 }

// Day is 1 to 31.
func (d Date) Day() int { return int(d) % 100 }

// Time returns the beginning of the day in loc.
func (d Date) Time(loc *time.Location) time.Time {
	return time.Date(d.Year(), time.Month(d.Month()), d.Day(), 0, 0, 0, 0, loc)
}

// String renders YYYY-MM-DD, or nothing for no day.
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year(), d.Month(), d.Day())
}

// Append appends YYYY-MM-DD to b.
func (d Date) Append(b []byte) []byte {
	if d == 0 {
		return b
	}
	y, m, day := d.Year(), d.Month(), d.Day()
	return append(b, digit(y/1000), digit(y/100), digit(y/10), digit(y), '-', digit(m/10), digit(m), '-', digit(day/10), digit(day))
}

func digit(n int) byte { return byte('0' + n%10) }

// number reads decimal digits; -1 if there is anything else or nothing.
func number(b []byte) int {
	if len(b) == 0 || len(b) > 9 {
		return -1
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// isoDate reads YYYY-MM-DD, also at the head of a date and time or with a time zone behind: the day as it is written.
func isoDate(b []byte) (Date, bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' || (len(b) > 10 && b[10] != 'T' && b[10] != 'Z' && b[10] != '+' && b[10] != '-') || len(b) > 40 {
		return 0, false
	}
	return NewDate(number(b[:4]), number(b[5:7]), number(b[8:10]))
}

// isoTime reads a date and time of XML Schema; without a zone it is the time of Almaty.
func isoTime(b []byte) (time.Time, bool) {
	text := string(b)
	if len(text) > 40 {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, almaty); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// almaty is UTC+5, the single time of Kazakhstan since 1 March 2024.
var almaty = time.FixedZone("Asia/Almaty", 5*60*60)

// dottedDate reads DD.MM.YYYY.
func dottedDate(b []byte) (Date, bool) {
	if len(b) != 10 || b[2] != '.' || b[5] != '.' {
		return 0, false
	}
	return NewDate(number(b[6:]), number(b[3:5]), number(b[:2]))
}

// centuryPivot is the first two-digit year that belongs to the last century: SWIFT began in 1973, and no statement is older.
const centuryPivot = 73

// shortDate reads YYMMDD.
func shortDate(b []byte) (Date, bool) {
	if len(b) != 6 {
		return 0, false
	}
	year := number(b[:2])
	switch {
	case year < 0:
		return 0, false
	case year >= centuryPivot:
		year += 1900
	default:
		year += 2000
	}
	return NewDate(year, number(b[2:4]), number(b[4:]))
}
