package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/daily"
	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// trendDays is how many days of statements the report of a day looks back.
const trendDays = 14

// ReportedDay asks for the report of one bank and banking day.
type ReportedDay struct {
	Bank string
	Day  catalog.Date
	// Issuer and At are who makes the report, and when.
	Issuer string
	At     time.Time
}

// DailyReport gathers the report of reconciliation on one bank and banking day from one snapshot of the database. A bank without
// statements has an empty report.
func DailyReport(ctx context.Context, db *sqlx.DB, q ReportedDay) (*daily.Report, error) {
	on, err := time.Parse(time.DateOnly, string(q.Day))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the day of a report: %w", err)
	}
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	r := &daily.Report{Issuer: q.Issuer, Bank: q.Bank, BankName: q.Bank, Day: q.Day, MadeAt: q.At}
	err = errAfter(func() error {
		// Numbers of one report come from one moment.
		_, err := tx.ExecContext(ctx, `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`)
		if err != nil {
			return fmt.Errorf("couldn't begin to read: %w", err)
		}
		return nil
	}, func() error { return bankName(ctx, tx, r) },
		func() error { return dailyAccounts(ctx, tx, r) },
		func() error { return dailyMatches(ctx, tx, r) },
		func() error { return dailyExceptions(ctx, tx, r, on) },
		func() error { return dailyOwed(ctx, tx, r) },
		func() error { return dailyCharged(ctx, tx, r) },
		func() error { return dailyTrend(ctx, tx, r) })
	if rollback := tx.Rollback(); err == nil && rollback != nil {
		err = fmt.Errorf("couldn't end the reading: %w", rollback)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// errAfter runs steps until one fails.
func errAfter(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func bankName(ctx context.Context, tx *sqlx.Tx, r *daily.Report) error {
	var names []string
	if err := all(ctx, tx, &names, `SELECT name FROM banks WHERE bic = $1`, r.Bank); err != nil {
		return err
	}
	if len(names) == 1 {
		r.BankName = names[0]
	}
	return nil
}

// dailyStatements are the booked statements that close on the day.
const dailyStatements = ` FROM statements s WHERE s.bucket = $1 AND s.bank_bic = $2 AND s.state = 'booked' AND s.closed_on = $3::date`

func dailyAccounts(ctx context.Context, tx *sqlx.Tx, r *daily.Report) error {
	var rows []struct {
		Account string `db:"account"`
		Opening int64  `db:"opening"`
		Credit  int64  `db:"credit"`
		Debit   int64  `db:"debit"`
		Closing int64  `db:"closing"`
		Lines   int64  `db:"lines"`
	}
	err := all(ctx, tx, &rows, `SELECT s.account, s.opening, s.credit, s.debit, s.closing, s.lines`+dailyStatements+
		` ORDER BY s.account, s.opened_on, s.year, s.number, s.page, s.id`, bucketOf(r.Bank), r.Bank, string(r.Day))
	for _, s := range rows {
		r.Lines.Count += s.Lines
		r.Lines.Tiyn += s.Credit - s.Debit
		if n := len(r.Accounts); n > 0 && r.Accounts[n-1].Number == s.Account {
			a := &r.Accounts[n-1]
			a.Credit, a.Debit, a.Lines, a.Closing = a.Credit+s.Credit, a.Debit+s.Debit, a.Lines+s.Lines, s.Closing
			continue
		}
		r.Accounts = append(r.Accounts, daily.Account{Number: s.Account, Opening: s.Opening, Credit: s.Credit, Debit: s.Debit, Closing: s.Closing, Lines: s.Lines})
	}
	return err
}

// dailyMatches counts lines by the rule that matched them. A line that several matches share counts once, under the first.
func dailyMatches(ctx context.Context, tx *sqlx.Tx, r *daily.Report) error {
	var rows []struct {
		Rule   int    `db:"rule"`
		Ladder string `db:"ladder"`
		Lines  int64  `db:"lines"`
		Amount int64  `db:"amount"`
	}
	err := all(ctx, tx, &rows, `
		SELECT m.rule, coalesce(l.ladder, '[]') AS ladder, count(*) AS lines, coalesce(sum(m.amount), 0)::bigint AS amount
		FROM (SELECT x.statement, x.no, x.part, min(x.rule) AS rule, min(x.ladder) AS ladder, min(t.amount) AS amount
			FROM recon_matches x JOIN statement_lines t ON t.bucket = x.bucket AND t.statement = x.statement AND t.no = x.no AND t.part = x.part
			WHERE x.bucket = $1 AND x.undone_at IS NULL AND x.statement IN (SELECT s.id`+dailyStatements+`)
			GROUP BY x.statement, x.no, x.part) AS m
		LEFT JOIN recon_ladders l ON l.bucket = $1 AND l.bank_bic = $2 AND l.version = m.ladder
		GROUP BY m.rule, l.ladder ORDER BY m.rule`, bucketOf(r.Bank), r.Bank, string(r.Day))
	if err != nil {
		return err
	}
	at := map[string]int{}
	for _, m := range rows {
		name, err := ruleName(m.Rule, m.Ladder)
		if err != nil {
			return err
		}
		i, known := at[name]
		if !known {
			i = len(r.Rules)
			at[name] = i
			r.Rules = append(r.Rules, daily.Row{Name: name})
		}
		for _, sum := range []*daily.Sum{&r.Rules[i].Sum, &r.Matched} {
			sum.Count += m.Lines
			sum.Tiyn += m.Amount
		}
	}
	return nil
}

// ruleName finds a rule by its place in a ladder; 0 is a person's decision.
func ruleName(rule int, ladder string) (string, error) {
	var rules recon.Ladder
	if err := json.Unmarshal([]byte(ladder), &rules); err != nil {
		return "", fmt.Errorf("couldn't read a ladder: %w", err)
	}
	switch {
	case rule == 0:
		return "қолмен · вручную", nil
	case rule <= len(rules):
		return rules[rule-1].Name, nil
	}
	return strconv.Itoa(rule), nil
}

func dailyExceptions(ctx context.Context, tx *sqlx.Tx, r *daily.Report, on time.Time) error {
	var rows []struct {
		Kind   string    `db:"kind"`
		Opened time.Time `db:"opened_on"`
		Count  int64     `db:"count"`
		Amount int64     `db:"amount"`
	}
	err := all(ctx, tx, &rows, `
		SELECT kind, opened_on, count(*) AS count, coalesce(sum(abs(amount)), 0)::bigint AS amount FROM recon_exceptions
		WHERE bucket = $1 AND bank_bic = $2 AND state NOT IN `+settledStates+` AND opened_on <= $3::date
		GROUP BY kind, opened_on ORDER BY kind, opened_on`, bucketOf(r.Bank), r.Bank, string(r.Day))
	for _, e := range rows {
		s := daily.Sum{Count: e.Count, Tiyn: e.Amount}
		r.AddAge(recon.DaysOpen(e.Opened, on), s)
		if n := len(r.Kinds); n > 0 && r.Kinds[n-1].Name == e.Kind {
			r.Kinds[n-1].Count += s.Count
			r.Kinds[n-1].Tiyn += s.Tiyn
			continue
		}
		r.Kinds = append(r.Kinds, daily.Row{Name: e.Kind, Sum: s})
	}
	return err
}

func dailyOwed(ctx context.Context, tx *sqlx.Tx, r *daily.Report) error {
	var row struct {
		Confirmed     int64 `db:"confirmed"`
		ConfirmedTiyn int64 `db:"confirmed_tiyn"`
		Settled       int64 `db:"settled"`
		SettledTiyn   int64 `db:"settled_tiyn"`
		Owed          int64 `db:"owed"`
		OwedTiyn      int64 `db:"owed_tiyn"`
	}
	err := one(ctx, tx, &row, `
		SELECT count(*) FILTER (WHERE e.today) AS confirmed, coalesce(sum(e.amount) FILTER (WHERE e.today), 0)::bigint AS confirmed_tiyn,
			count(*) FILTER (WHERE e.today AND e.settled) AS settled, coalesce(sum(e.amount) FILTER (WHERE e.today AND e.settled), 0)::bigint AS settled_tiyn,
			count(*) FILTER (WHERE NOT e.settled) AS owed, coalesce(sum(e.amount) FILTER (WHERE NOT e.settled), 0)::bigint AS owed_tiyn
		FROM (SELECT x.amount, x.paid_on = $3::date AS today,
				EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = x.bucket AND m.expectation = x.no AND m.undone_at IS NULL) AS settled
			FROM expectations x WHERE x.bucket = $1 AND x.bank_bic = $2 AND x.kind = 'payment' AND x.paid_on <= $3::date) AS e`,
		bucketOf(r.Bank), r.Bank, string(r.Day))
	r.Confirmed = daily.Sum{Count: row.Confirmed, Tiyn: row.ConfirmedTiyn}
	r.Settled = daily.Sum{Count: row.Settled, Tiyn: row.SettledTiyn}
	r.Owed = daily.Sum{Count: row.Owed, Tiyn: row.OwedTiyn}
	return err
}

// dailyCharged counts the payments of the day for which the bank took a commission, by who bears it. An expectation is of an allocation of an order.
func dailyCharged(ctx context.Context, tx *sqlx.Tx, r *daily.Report) error {
	var row struct {
		Charged     int64 `db:"charged"`
		ChargedTiyn int64 `db:"charged_tiyn"`
		Billed      int64 `db:"billed"`
		BilledTiyn  int64 `db:"billed_tiyn"`
	}
	err := one(ctx, tx, &row, `
		SELECT count(*) FILTER (WHERE payer > 0) AS charged, coalesce(sum(payer), 0)::bigint AS charged_tiyn,
			count(*) FILTER (WHERE agency > 0) AS billed, coalesce(sum(agency), 0)::bigint AS billed_tiyn
		FROM (SELECT sum(i.commission) AS payer, sum(i.agency_commission) AS agency
			FROM expectations e JOIN attempts a ON a.bucket = (e.no & $4)::integer AND a.id = e.source
			JOIN journal j ON j.bucket = a.bucket AND j.seq = e.no / ($4 + 1)
			JOIN order_items i ON i.bucket = a.bucket AND i.order_id = a.order_id AND i.part = j.part
			WHERE e.bucket = $1 AND e.bank_bic = $2 AND e.kind = 'payment' AND e.paid_on = $3::date GROUP BY e.no) AS taken`,
		bucketOf(r.Bank), r.Bank, string(r.Day), ledger.Buckets-1)
	r.Charged, r.Billed = daily.Sum{Count: row.Charged, Tiyn: row.ChargedTiyn}, daily.Sum{Count: row.Billed, Tiyn: row.BilledTiyn}
	return err
}

func dailyTrend(ctx context.Context, tx *sqlx.Tx, r *daily.Report) error {
	var rows []struct {
		Day     time.Time `db:"day"`
		Lines   int64     `db:"lines"`
		Matched int64     `db:"matched"`
	}
	err := all(ctx, tx, &rows, `
		SELECT s.closed_on AS day, sum(s.lines)::bigint AS lines, sum((SELECT count(DISTINCT (m.no, m.part)) FROM recon_matches m
			WHERE m.bucket = s.bucket AND m.statement = s.id AND m.undone_at IS NULL))::bigint AS matched
		FROM statements s WHERE s.bucket = $1 AND s.bank_bic = $2 AND s.state = 'booked' AND s.closed_on <= $3::date
		GROUP BY s.closed_on ORDER BY s.closed_on DESC LIMIT $4`, bucketOf(r.Bank), r.Bank, string(r.Day), trendDays)
	for i := range rows {
		d := rows[len(rows)-1-i]
		share := 1000
		if d.Lines > 0 {
			share = int(d.Matched * 1000 / d.Lines)
		}
		r.Trend = append(r.Trend, daily.Point{Day: catalog.Date(d.Day.Format(time.DateOnly)), Share: share})
	}
	return err
}
