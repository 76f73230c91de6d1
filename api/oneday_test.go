package api

import (
	"testing"
	"time"

	"qaqpa/payment/catalog"

	"github.com/jmoiron/sqlx"
)

// oneDay returns today in Astana, and keeps what a test does within the next minutes within that day: near its end it waits for the next one. For
// tests that ask for the payments of a day, or what was spent in a month.
func oneDay(t *testing.T) catalog.Date {
	t.Helper()
	const enough = 2 * time.Minute
	now := time.Now().In(catalog.Almaty())
	midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
	if left := midnight.Sub(now); left < enough {
		t.Logf("waiting %s for the next day", left)
		time.Sleep(left + time.Second)
	}
	return catalog.DateOf(time.Now())
}

// everyYear gives the МРП of 2026, by which tests know their amounts, to the years behind it: what has no МРП cannot be loaded, and these
// tests live by the real clock.
func everyYear(t *testing.T, db *sqlx.DB) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), `INSERT INTO mrp (valid_from, valid_to, amount, source)
		SELECT make_date(y, 1, 1), make_date(y, 12, 31), 432500, 'as in 2026' FROM generate_series(2027, $1) AS t (y) ON CONFLICT DO NOTHING`, time.Now().Year()+1); err != nil {
		t.Fatal(err)
	}
}
