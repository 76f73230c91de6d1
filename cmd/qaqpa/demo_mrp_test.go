//go:build !release

package main

import (
	"testing"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/testenv/postgres"
)

// A demonstration runs in years for which no law on the budget is known yet, too.
func TestDemoHasTodaysMRP(t *testing.T) {
	db := postgres.ForTest(t, payment.Migrate)
	for _, c := range []struct {
		today catalog.Date
		years int
	}{{"2026-12-31", 0}, {"2028-02-29", 2}, {"2028-03-01", 2}} {
		if err := prolongMRP(t.Context(), db, c.today); err != nil {
			t.Fatal(err)
		}
		var years int
		if err := db.Get(&years, `SELECT count(*) FROM mrp WHERE valid_from > '2026-12-31' AND amount = 432500 AND valid_to = valid_from + interval '1 year' - interval '1 day'`); err != nil || years != c.years {
			t.Errorf("on %s: %d years, %v", c.today, years, err)
		}
	}
}
