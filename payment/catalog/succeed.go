package catalog

import "time"

// Succeeded is the service with t in force from its first day until further notice, or until its own last day: what was in force on that
// day ends the day before, and what was to begin later is dropped. A tariff takes the discounts of the one before it where it has none of
// its own and is of the same kind; those whose last day comes before its first one are over with the old tariff.
func (s ServiceSpec) Succeeded(t Tariff) ServiceSpec {
	var kept []Tariff
	before := t.ValidFrom.dayBefore()
	for _, old := range s.Tariffs {
		if old.ValidFrom >= t.ValidFrom {
			continue
		}
		if old.ValidTo == "" || old.ValidTo >= t.ValidFrom {
			if old.Kind == t.Kind && len(t.Discounts) == 0 {
				t.Discounts = old.discountsFrom(t.ValidFrom)
			}
			old.ValidTo = before
		}
		kept = append(kept, old)
	}
	s.Tariffs = append(kept, t)
	return s
}

// discountsFrom are those that can still be had of a fee that arises on a day or later.
func (t Tariff) discountsFrom(day Date) (kept []Discount) {
	for _, d := range t.Discounts {
		if d.Until == "" || d.Until >= day {
			kept = append(kept, d)
		}
	}
	return kept
}

// dayBefore of a valid date; of no date, none.
func (d Date) dayBefore() Date {
	day, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return ""
	}
	return Date(day.AddDate(0, 0, -1).Format(time.DateOnly))
}
