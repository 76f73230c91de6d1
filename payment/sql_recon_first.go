package payment

import (
	"context"
	"strings"

	"github.com/lib/pq"

	"qaqpa/payment/recon"
)

// Columns of a line that rules compare, and those that they look at besides.
var (
	comparedColumns = []string{"reference", "uip", "bank_reference", "batch", "payer", "kbk"}
	lineRestColumns = append([]string{"booked_on", "count", "reverses", "foreign_amount"}, comparedColumns...)
)

// unmatched is the condition under which an expectation x within the horizon has no live match; $1 is the bucket, $4 [matcher.since]. People
// match with lines of statements of long ago, and what they have written off with none.
const unmatched = `NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.statement >= $4 AND m.expectation = x.no AND m.undone_at IS NULL)
	AND NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.rule = 0 AND m.expectation = x.no AND m.undone_at IS NULL)`

// bulk reports whether a rule can be run over the big tables in one pass.
func bulk(r recon.Rule) bool {
	return r.Shape == recon.OneToOne && len(r.On) == 1 && r.Identifies() && r.Window == nil && r.Tolerance == 0 && !r.Forward && !r.KeptBack
}

// first joins all lines of the statements with the open expectations by the first rule, stores what belongs together, and gathers the
// rest on both sides. It returns how many lines are left.
func (m *matcher) first(ctx context.Context) (left int64, err error) {
	if m.probe != nil {
		if err := m.rest(ctx); err != nil {
			return 0, err
		}
		return m.gather(ctx)
	}
	if err := m.steps(ctx, step{`SET LOCAL enable_nestloop = off`, nil}); err != nil {
		return 0, err
	}
	joined, err := m.join(ctx)
	if err != nil {
		return 0, err
	}
	if err := m.lose(ctx, joined > m.lines); err != nil {
		return 0, err
	}
	if err := m.exec(ctx, `
		INSERT INTO recon_matches (bucket, statement, no, part, expectation, paid, owed, turn, rule, ladder, whole)
		SELECT $1, statement, no, part, expectation, amount, amount, 0, 1, $2, true
		FROM rest_first WHERE expectation IS NOT NULL ORDER BY statement, no, part`, m.head.Bucket, m.head.LadderVersion); err != nil {
		return 0, err
	}
	return m.gather(ctx)
}

// join makes rest_first: a row for every pair that the first rule finds, which needs no more than its keys, and a whole row for every
// line that it does not. It counts them.
func (m *matcher) join(ctx context.Context) (int64, error) {
	condition := "false" // for a ladder that begins otherwise
	if r := m.ladder[0]; bulk(r) {
		condition = on(r) + " AND l.amount = x.amount AND " + agrees(r)
	}
	columns := make([]string, len(lineRestColumns))
	for i, c := range lineRestColumns {
		columns[i] = "CASE WHEN x.no IS NULL THEN l." + c + " END AS " + c
	}
	result, err := m.tx.ExecContext(ctx, `
		CREATE TEMP TABLE rest_first ON COMMIT DROP AS
		SELECT l.statement, l.no, l.part, l.amount, x.no AS expectation, `+strings.Join(columns, ", ")+`
		FROM statement_lines l LEFT JOIN (
			SELECT x.no, x.amount, `+strings.Join(comparedColumns, ", ")+` FROM expectations x WHERE x.bucket = $1 AND x.bank_bic = $2 AND x.paid_on >= $3 AND x.kind <> 'forward' AND `+unmatched+`
		) AS x ON `+condition+`
		WHERE l.bucket = $1 AND l.statement = ANY($5)`, m.head.Bucket, m.head.Bank, m.horizon(), m.since(), pq.Array(m.statements))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// lose takes the pairs that do not hold out of rest_first and notes their lines in rest_lost: of several lines with one reference the
// first in the file has the payment, and a line that fits several payments has none of them.
func (m *matcher) lose(ctx context.Context, several bool) error {
	steps := []step{{`CREATE TEMP TABLE rest_lost (statement bigint, no integer, part integer) ON COMMIT DROP`, nil}}
	if several {
		steps = append(steps, step{`
			WITH gone AS (DELETE FROM rest_first f USING (
					SELECT statement, no, part FROM rest_first GROUP BY statement, no, part HAVING count(*) > 1) AS t
				WHERE t.statement = f.statement AND t.no = f.no AND t.part = f.part RETURNING f.statement, f.no, f.part)
			INSERT INTO rest_lost SELECT DISTINCT statement, no, part FROM gone`, nil})
	}
	return m.steps(ctx, append(steps, step{`
		WITH again AS (
			SELECT statement, no, part, row_number() OVER (PARTITION BY expectation ORDER BY statement, no, part) AS place
			FROM rest_first WHERE expectation IN (SELECT expectation FROM rest_first WHERE expectation IS NOT NULL GROUP BY expectation HAVING count(*) > 1)),
		gone AS (DELETE FROM rest_first f USING again a
			WHERE a.place > 1 AND a.statement = f.statement AND a.no = f.no AND a.part = f.part RETURNING f.statement, f.no, f.part)
		INSERT INTO rest_lost SELECT statement, no, part FROM gone`, nil})...)
}

// lineByKey selects the line of a row by its key. OFFSET keeps the planner, who knows nothing of the lines that were just copied, from
// reading all of them for it.
func lineByKey(row string) string {
	return strings.ReplaceAll(`SELECT * FROM statement_lines l WHERE l.bucket = $1 AND l.statement = row.statement AND l.no = row.no AND l.part = row.part OFFSET 0`, "row.", row+".")
}

// gather makes the tables of what is left. Lines are those of the statements, and earlier ones that nobody has taken up: what was
// ambiguous yesterday may be clear today. They are numbered in the order of time, so that the first of doubles is the same in every run.
func (m *matcher) gather(ctx context.Context) (left int64, err error) {
	rest := strings.Join(lineRestColumns, ", ")
	ofLine := "l." + strings.Join(lineRestColumns, ", l.")
	if err := m.steps(ctx,
		step{`ANALYZE rest_lost`, nil},
		step{`SET LOCAL enable_nestloop = on`, nil},
		step{`CREATE TEMP TABLE rest_lines ON COMMIT DROP AS
			SELECT row_number() OVER (ORDER BY statement, no, part) AS line, statement, no, part, amount, ` + rest + `,
				CASE WHEN foreign_amount <> '' THEN 'foreign-currency' ELSE '' END AS kind, 0::bigint AS related, 0::smallint AS rule
			FROM (
				SELECT statement, no, part, amount, ` + rest + ` FROM rest_first WHERE expectation IS NULL
				UNION ALL SELECT l.statement, l.no, l.part, l.amount, ` + ofLine + `
				FROM rest_lost k CROSS JOIN LATERAL (` + lineByKey("k") + `) AS l
				UNION ALL SELECT l.statement, l.no, l.part, l.amount, ` + ofLine + `
				FROM recon_exceptions e CROSS JOIN LATERAL (` + lineByKey("e") + `) AS l
				WHERE e.bucket = $1 AND e.bank_bic = $2 AND e.opened_on >= $3 AND e.state = 'open' AND e.kind IN ('surplus', 'ambiguous', 'under') AND e.no > 0
			) AS t`, []any{m.head.Bucket, m.head.Bank, m.horizon()}},
		step{`ANALYZE rest_lines`, nil},
		step{`CREATE TEMP TABLE rest_pairs (line bigint, expectation bigint, paid bigint, owed bigint, agree boolean, fit boolean,
			of_line bigint, of_expected bigint, place bigint) ON COMMIT DROP`, nil},
		step{`CREATE TEMP TABLE rest_reach (booked_on date, from_on date, to_on date) ON COMMIT DROP`, nil},
		step{`CREATE TEMP TABLE rest_made (line bigint, statement bigint, no integer, part integer, expectation bigint, paid bigint, owed bigint,
			rule smallint, whole boolean) ON COMMIT DROP`, nil},
		step{`CREATE TEMP TABLE rest_named (line bigint, expectation bigint, owed bigint, paid_on date) ON COMMIT DROP`, nil},
	); err != nil {
		return 0, err
	}
	if err := one(ctx, m.tx, &left, `SELECT count(*) FROM rest_lines`); err != nil {
		return 0, err
	}
	within := "AND " + unmatched
	if left == 0 {
		within = "AND false" // nobody will look for them
	}
	return left, m.steps(ctx,
		step{`SET LOCAL enable_nestloop = off`, nil},
		step{
			`CREATE TEMP TABLE rest_expected ON COMMIT DROP AS
			SELECT x.no, x.amount, x.paid_on, ` + strings.Join(comparedColumns, ", ") + `, false AS named, x.kind = 'forward' AS forward, x.charged, x.charged_to
			FROM expectations x WHERE x.bucket = $1 AND x.bank_bic = $2 AND x.paid_on >= $3 AND $4::bigint IS NOT NULL ` + within,
			[]any{m.head.Bucket, m.head.Bank, m.horizon(), m.since()},
		},
		step{`ANALYZE rest_expected`, nil})
}
