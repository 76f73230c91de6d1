package payment

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/recon"
)

// horizonDays is how long after its term a payment is still sought by every rule; later it is found by references only.
const horizonDays = 10

// matcher runs the ladder for one statement, as set operations inside the transaction that holds the bank's lock. Nothing
// but the database sees the lines; what a rule may compare comes from a closed list, never from a text of a user.
//
// Two temporary tables hold what is not matched yet: rest_lines and rest_expected. Most lines are matched by the first rule
// straight from the big tables and never enter them.
type matcher struct {
	tx        *sqlx.Tx
	head      headRow
	statement int64
	// from and to are the days of the statement.
	from, to recon.Day
	ladder   recon.Ladder
	days     recon.Calendar
}

// column of a field, the same on both sides; "" for what is no field, which [recon.Ladder.Check] refuses.
func column(f recon.Field) string {
	switch f {
	case recon.ByReference, recon.ByUIP, recon.ByBankReference, recon.ByBatch, recon.ByPayer, recon.ByKBK:
		return string(f)
	}
	return ""
}

// on is the condition under which a line l and an expectation x are compared by the rule.
func on(r recon.Rule) string {
	parts := make([]string, len(r.On))
	for i, f := range r.On {
		parts[i] = fmt.Sprintf("l.%[1]s = x.%[1]s AND l.%[1]s <> ''", column(f))
	}
	return strings.Join(parts, " AND ")
}

// agrees is the condition under which they do not contradict each other.
func agrees(r recon.Rule) string {
	parts := []string{"true"}
	for _, f := range r.Agree {
		parts = append(parts, fmt.Sprintf("(l.%[1]s = x.%[1]s OR l.%[1]s = '' OR x.%[1]s = '')", column(f)))
	}
	return strings.Join(parts, " AND ")
}

// reach joins the window of a rule.
func reach(r recon.Rule) string {
	if r.Window == nil {
		return ""
	}
	return " JOIN rest_reach d ON d.booked_on = l.booked_on AND x.paid_on BETWEEN d.from_on AND d.to_on"
}

// run executes the ladder and marks what stays over.
func (m *matcher) run(ctx context.Context) error {
	for _, statement := range []string{
		// The planner knows nothing of a table that was filled a moment ago in this transaction; hash joins are right for it.
		`SET LOCAL enable_nestloop = off`, `SET LOCAL enable_mergejoin = off`, `SET LOCAL work_mem = '192MB'`,
		// Plans that were talked out of a method look dear, and would be compiled for seconds.
		`SET LOCAL jit = off`,
	} {
		if err := m.exec(ctx, statement); err != nil {
			return err
		}
	}
	first := 0
	if len(m.ladder) > 0 && bulk(m.ladder[0]) {
		first = 1
		if err := m.bulk(ctx, m.ladder[0]); err != nil {
			return err
		}
	}
	if err := m.collect(ctx, first); err != nil {
		return err
	}
	diagnosed := false
	for i, r := range m.ladder[first:] {
		if !r.Identifies() && !diagnosed {
			// Before a rule without a reference: lines whose reference is known stay away from other people's payments.
			diagnosed = true
			if err := m.diagnose(ctx); err != nil {
				return err
			}
		}
		if err := m.rule(ctx, first+i+1, r); err != nil {
			return fmt.Errorf("couldn't match by %s: %w", r.Name, err)
		}
	}
	if !diagnosed {
		return m.diagnose(ctx)
	}
	return nil
}

func (m *matcher) exec(ctx context.Context, query string, args ...any) error {
	_, err := m.tx.ExecContext(ctx, query, args...)
	return err
}

// bulk reports whether a rule can be run over the big tables in one pass.
func bulk(r recon.Rule) bool {
	return r.Shape == recon.OneToOne && len(r.On) == 1 && r.Identifies() && r.Window == nil && r.Tolerance == 0
}

// horizon is the first payment day that every rule looks at.
func (m *matcher) horizon() recon.Day { return m.days.Add(m.from, -m.head.TermDays-horizonDays) }

// bulk matches everything that one reference ties to one payment. Of several lines with one reference one is matched here,
// whichever comes first to the database; [matcher.collect] then gives the match to the first in the file.
func (m *matcher) bulk(ctx context.Context, r recon.Rule) error {
	err := m.exec(ctx, `
		INSERT INTO recon_matches (bucket, statement, no, part, expectation, paid, owed, turn, rule, ladder, whole)
		SELECT $1, $2, l.no, l.part, x.no, l.amount, x.amount, 0, 1, $5, true
		FROM statement_lines l JOIN expectations x ON `+on(r)+` AND l.amount = x.amount AND `+agrees(r)+`
		WHERE l.bucket = $1 AND l.statement = $2 AND x.bucket = $1 AND x.bank_bic = $3 AND x.paid_on >= $4
			AND NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = x.no AND m.undone_at IS NULL)
		ON CONFLICT (bucket, expectation) WHERE whole AND undone_at IS NULL DO NOTHING`,
		m.head.Bucket, m.statement, m.head.Bank, m.horizon(), m.head.LadderVersion)
	if err != nil {
		return fmt.Errorf("couldn't match by %s: %w", r.Name, err)
	}
	return nil
}

// restColumns are what rules compare.
const restColumns = `reference, uip, bank_reference, batch, payer, kbk`

// lookUp finds expectations by the references of all lines that are left, however old they are. Three joins rather than one,
// so that the planner picks an index for few lines and a hash for many.
const lookUp = `
	CREATE TEMP TABLE rest_named ON COMMIT DROP AS
	SELECT l.statement, l.no, l.part, l.amount, 1 AS rank, x.no AS expectation, x.amount AS owed, x.paid_on
	FROM rest_lines l JOIN expectations x ON x.bucket = $1 AND x.bank_bic = $2 AND x.reference = l.reference WHERE l.reference <> ''
	UNION ALL SELECT l.statement, l.no, l.part, l.amount, 2, x.no, x.amount, x.paid_on
	FROM rest_lines l JOIN expectations x ON x.bucket = $1 AND x.bank_bic = $2 AND x.uip = l.uip AND x.uip <> '' WHERE l.uip <> ''
	UNION ALL SELECT l.statement, l.no, l.part, l.amount, 3, x.no, x.amount, x.paid_on
	FROM rest_lines l JOIN expectations x ON x.bucket = $1 AND x.bank_bic = $2 AND x.bank_reference = l.bank_reference AND x.bank_reference <> ''
	WHERE l.bank_reference <> ''`

// open is the condition under which an expectation x is not matched.
const open = `NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = x.no AND m.undone_at IS NULL)`

// collect gathers what is not matched on either side. Lines are those of the statement, and earlier ones that nobody has
// taken up: what was ambiguous yesterday may be clear today. Expectations are those within the horizon, and older ones that
// a line names.
func (m *matcher) collect(ctx context.Context, first int) error {
	bank := []any{m.head.Bucket, m.head.Bank, m.horizon()}
	err := m.steps(ctx,
		step{
			`CREATE TEMP TABLE rest_lines ON COMMIT DROP AS
			SELECT l.statement, l.no, l.part, l.amount, l.booked_on, l.count, l.reverses, ` + restColumns + `,
				CASE WHEN foreign_amount <> '' THEN 'foreign-currency' ELSE '' END AS kind, 0::bigint AS related, 0::smallint AS rule
			FROM statement_lines l
			WHERE l.bucket = $1 AND l.statement = $2 AND NOT EXISTS (
				SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.statement = $2 AND m.no = l.no AND m.part = l.part AND m.undone_at IS NULL)`,
			[]any{m.head.Bucket, m.statement},
		},
		step{`ANALYZE rest_lines`, nil},
		step{`SET LOCAL enable_nestloop = on`, nil}) // for what is looked up by index
	if err != nil {
		return err
	}
	if first > 0 {
		if err := m.firstOfDoubles(ctx, m.ladder[0]); err != nil {
			return err
		}
	}
	return m.steps(ctx,
		step{`INSERT INTO rest_lines
			SELECT l.statement, l.no, l.part, l.amount, l.booked_on, l.count, l.reverses, ` + restColumns + `, '', 0, 0
			FROM recon_exceptions e
			JOIN statement_lines l ON l.bucket = $1 AND l.statement = e.statement AND l.no = e.no AND l.part = e.part
			WHERE e.bucket = $1 AND e.bank_bic = $2 AND e.opened_on >= $3 AND e.state = 'open' AND e.kind IN ('surplus', 'ambiguous', 'under') AND e.no > 0`, bank},
		step{`ANALYZE rest_lines`, nil},
		step{lookUp, bank[:2]},
		step{`ANALYZE rest_named`, nil},
		step{`SET LOCAL enable_nestloop = off`, nil},
		step{`CREATE TEMP TABLE rest_expected ON COMMIT DROP AS
			SELECT x.no, x.amount, x.paid_on, ` + restColumns + `, false AS named
			FROM expectations x WHERE x.bucket = $1 AND x.bank_bic = $2 AND x.paid_on >= $3 AND ` + open, bank},
		step{`SET LOCAL enable_nestloop = on`, nil},
		step{`INSERT INTO rest_expected
			SELECT x.no, x.amount, x.paid_on, ` + restColumns + `, false
			FROM expectations x JOIN (SELECT DISTINCT expectation FROM rest_named WHERE paid_on < $3) AS f ON f.expectation = x.no
			WHERE x.bucket = $1 AND x.bank_bic = $2 AND ` + open, bank},
		step{`SET LOCAL enable_nestloop = off`, nil},
		step{`ANALYZE rest_expected`, nil},
		step{`CREATE TEMP TABLE rest_pairs (statement bigint, no integer, part integer, expectation bigint, paid bigint, owed bigint, agree boolean, fit boolean,
			of_line bigint, of_expected bigint, place bigint) ON COMMIT DROP`, nil},
		step{`CREATE TEMP TABLE rest_reach (booked_on date, from_on date, to_on date) ON COMMIT DROP`, nil},
		step{`CREATE TEMP TABLE rest_made (statement bigint, no integer, part integer, expectation bigint, paid bigint, owed bigint) ON COMMIT DROP`, nil})
}

// step is a statement with its arguments.
type step struct {
	query string
	args  []any
}

func (m *matcher) steps(ctx context.Context, steps ...step) error {
	for _, s := range steps {
		if err := m.exec(ctx, s.query, s.args...); err != nil {
			return fmt.Errorf("couldn't gather what is not matched: %w", err)
		}
	}
	return nil
}

// firstOfDoubles gives the match of a reference that stands on several lines to the first of them, so that the result does
// not depend on the order in which the database joins.
func (m *matcher) firstOfDoubles(ctx context.Context, r recon.Rule) error {
	var swaps []struct {
		No          int   `db:"no"`
		Part        int   `db:"part"`
		Expectation int64 `db:"expectation"`
		OldNo       int   `db:"old_no"`
		OldPart     int   `db:"old_part"`
	}
	err := all(ctx, m.tx, &swaps, `
		SELECT DISTINCT ON (m.expectation) l.no, l.part, m.expectation, m.no AS old_no, m.part AS old_part
		FROM rest_lines l
		JOIN expectations x ON x.bucket = $1 AND x.bank_bic = $3 AND `+on(r)+` AND x.amount = l.amount AND `+agrees(r)+`
		JOIN recon_matches m ON m.bucket = $1 AND m.expectation = x.no AND m.whole AND m.undone_at IS NULL AND m.statement = $2
		WHERE l.statement = $2 AND (l.no, l.part) < (m.no, m.part)
		ORDER BY m.expectation, l.no, l.part`, m.head.Bucket, m.statement, m.head.Bank)
	if err != nil || len(swaps) == 0 {
		return err
	}
	n := len(swaps)
	var ints [5][]int64
	for _, s := range swaps {
		for j, v := range [5]int64{int64(s.No), int64(s.Part), s.Expectation, int64(s.OldNo), int64(s.OldPart)} {
			ints[j] = append(ints[j], v)
		}
	}
	const swapped = ` FROM unnest($3::integer[], $4::integer[], $5::bigint[], $6::integer[], $7::integer[]) AS t (no, part, expectation, old_no, old_part) `
	args := []any{m.head.Bucket, m.statement, pq.Array(ints[0]), pq.Array(ints[1]), pq.Array(ints[2]), pq.Array(ints[3]), pq.Array(ints[4])}
	if err := exec(ctx, m.tx, int64(n), `UPDATE recon_matches m SET no = t.no, part = t.part`+swapped+`
		WHERE m.bucket = $1 AND m.statement = $2 AND m.expectation = t.expectation AND m.no = t.old_no AND m.part = t.old_part AND m.undone_at IS NULL`, args...); err != nil {
		return err
	}
	// The line that lost the match stays over instead of the one that won it.
	return exec(ctx, m.tx, int64(n), `UPDATE rest_lines r SET no = l.no, part = l.part, booked_on = l.booked_on, count = l.count, reverses = l.reverses,
			reference = l.reference, uip = l.uip, bank_reference = l.bank_reference, batch = l.batch, payer = l.payer, kbk = l.kbk`+swapped+`
		JOIN statement_lines l ON l.bucket = $1 AND l.statement = $2 AND l.no = t.old_no AND l.part = t.old_part
		WHERE r.statement = $2 AND r.no = t.no AND r.part = t.part`, args...)
}

// rule executes one step of the ladder over what is left.
func (m *matcher) rule(ctx context.Context, place int, r recon.Rule) error {
	if r.Window != nil {
		if err := m.window(ctx, *r.Window); err != nil {
			return err
		}
	}
	if err := m.exec(ctx, `TRUNCATE rest_pairs`); err != nil {
		return err
	}
	var err error
	switch {
	case r.Shape == recon.OneToOne:
		err = m.oneToOne(ctx, place, r)
	case r.Shape == recon.ManyToOne:
		err = m.manyToOne(ctx, r)
	case r.Members > 0:
		err = m.someOfMany(ctx, place, r)
	default:
		err = m.oneToMany(ctx, place, r)
	}
	if err != nil {
		return err
	}
	return m.take(ctx, place, r.Shape != recon.ManyToOne)
}

// window fills rest_reach for every day on which a line is left.
func (m *matcher) window(ctx context.Context, w recon.Window) error {
	var booked []time.Time
	if err := all(ctx, m.tx, &booked, `SELECT DISTINCT booked_on FROM rest_lines ORDER BY 1`); err != nil {
		return err
	}
	var texts [3][]string
	for _, day := range booked {
		from, to := m.days.Reach(day.UTC(), w)
		for i, d := range [3]time.Time{day.UTC(), from, to} {
			texts[i] = append(texts[i], d.Format(time.DateOnly))
		}
	}
	if err := m.exec(ctx, `TRUNCATE rest_reach`); err != nil {
		return err
	}
	return m.exec(ctx, `INSERT INTO rest_reach SELECT booked_on::date, from_on::date, to_on::date FROM unnest($1::text[], $2::text[], $3::text[]) AS t (booked_on, from_on, to_on)`,
		pq.Array(texts[0]), pq.Array(texts[1]), pq.Array(texts[2]))
}

// free is the condition under which a rule may look at a line and an expectation: rules without a reference keep away from
// what a reference has told something about.
func free(r recon.Rule) string {
	if r.Identifies() {
		return "l.kind IN ('', 'ambiguous')"
	}
	return "l.kind = '' AND NOT x.named"
}

// oneToOne finds pairs and decides which of them fit.
func (m *matcher) oneToOne(ctx context.Context, place int, r recon.Rule) error {
	amounts := "l.amount = x.amount"
	if r.Tolerance > 0 {
		amounts = fmt.Sprintf("abs(l.amount - x.amount) <= %d AND sign(l.amount) = sign(x.amount)", r.Tolerance)
	}
	fits := "p.agree AND p.of_line = 1 AND p.of_expected = 1"
	if r.Identifies() {
		fits = "p.agree AND p.of_line = 1 AND p.place = 1" // the first of doubles
	}
	steps := []string{
		`INSERT INTO rest_pairs
		SELECT statement, no, part, expectation, paid, owed, agree, false,
			count(*) FILTER (WHERE agree) OVER (PARTITION BY statement, no, part), count(*) FILTER (WHERE agree) OVER (PARTITION BY expectation),
			row_number() OVER (PARTITION BY expectation, agree ORDER BY statement, no, part)
		FROM (
			SELECT l.statement, l.no, l.part, x.no AS expectation, l.amount AS paid, x.amount AS owed, (` + agrees(r) + `) AS agree
			FROM rest_lines l JOIN rest_expected x ON ` + on(r) + ` AND ` + amounts + reach(r) + `
			WHERE ` + free(r) + `) AS pairs`,
		`UPDATE rest_pairs p SET fit = true WHERE ` + fits,
	}
	if r.Identifies() {
		steps = append(steps,
			markLines(place, "data", "p.of_line = 0 AND NOT p.agree"),
			markLines(place, "doubled", "p.of_line = 1 AND p.agree AND p.place > 1"),
			markLines(place, "ambiguous", "p.of_line > 1 AND p.agree"))
	} else {
		steps = append(steps, markLines(place, "ambiguous", "NOT p.fit AND p.agree"))
	}
	for _, s := range steps {
		if err := m.exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// markLines notes on lines what a rule saw. The first candidate becomes the related one.
func markLines(place int, kind, condition string) string {
	return fmt.Sprintf(`
		UPDATE rest_lines l SET kind = '%s', rule = %d, related = p.related
		FROM (SELECT p.statement, p.no, p.part, min(p.expectation) AS related FROM rest_pairs p WHERE %s GROUP BY p.statement, p.no, p.part) AS p
		WHERE p.statement = l.statement AND p.no = l.no AND p.part = l.part AND l.kind = ''`, kind, place, condition)
}

// manyToOne finds expectations whose amount several lines with their reference add up to.
func (m *matcher) manyToOne(ctx context.Context, r recon.Rule) error {
	return m.exec(ctx, `
		WITH pairs AS (
			SELECT l.statement, l.no, l.part, x.no AS expectation, l.amount, x.amount AS owed, (`+agrees(r)+`) AS agree,
				count(*) OVER (PARTITION BY l.statement, l.no, l.part) AS of_line
			FROM rest_lines l JOIN rest_expected x ON `+on(r)+` AND sign(l.amount) = sign(x.amount)`+reach(r)+`
			WHERE `+free(r)+`),
		whole AS (
			SELECT expectation FROM pairs GROUP BY expectation, owed HAVING count(*) > 1 AND sum(amount) = owed AND bool_and(agree) AND max(of_line) = 1)
		INSERT INTO rest_pairs (statement, no, part, expectation, paid, owed, fit)
		SELECT p.statement, p.no, p.part, p.expectation, p.amount, p.amount, true FROM pairs p JOIN whole w ON w.expectation = p.expectation`)
}

// group lists the columns that a rule groups expectations by, each with the prefix.
func group(prefix string, r recon.Rule) string {
	names := make([]string, len(r.On))
	for i, f := range r.On {
		names[i] = prefix + column(f)
	}
	return strings.Join(names, ", ")
}

// counted is the condition on the number of payments that a line carries: unless the payer is compared, the bank must say it.
func counted(r recon.Rule, members string) string {
	if slices.Contains(r.On, recon.ByPayer) {
		return "(l.count = 0 OR l.count = " + members + ")"
	}
	return "l.count = " + members
}

// oneToMany finds lines that carry the whole of a group of expectations: all of one day that share the rule's fields.
func (m *matcher) oneToMany(ctx context.Context, place int, r recon.Rule) error {
	err := m.exec(ctx, `
		WITH x AS (
			SELECT paid_on, sign(amount) AS direction, `+group("", r)+`, count(*) AS members, sum(amount) AS total
			FROM rest_expected WHERE NOT named GROUP BY paid_on, sign(amount), `+group("", r)+` HAVING count(*) > 1),
		hits AS (
			SELECT l.statement, l.no, l.part, x.paid_on, x.direction, `+group("x.", r)+`,
				count(*) OVER (PARTITION BY l.statement, l.no, l.part) AS of_line,
				count(*) OVER (PARTITION BY x.paid_on, x.direction, `+group("x.", r)+`) AS of_group
			FROM rest_lines l JOIN x ON `+on(r)+` AND l.amount = x.total AND `+counted(r, "x.members")+reach(r)+`
			WHERE l.kind = '')
		INSERT INTO rest_pairs (statement, no, part, expectation, paid, owed, agree, fit)
		SELECT h.statement, h.no, h.part, x.no, x.amount, x.amount, true, h.of_line = 1 AND h.of_group = 1
		FROM hits h JOIN rest_expected x ON x.paid_on = h.paid_on AND sign(x.amount) = h.direction AND NOT x.named AND (`+group("x.", r)+`) = (`+group("h.", r)+`)`)
	if err != nil {
		return err
	}
	return m.exec(ctx, markLines(place, "ambiguous", "NOT p.fit"))
}

// choicesMax bounds the members of a group from which two or three are chosen: the choices grow with their square or cube.
const choicesMax = 60

// someOfMany finds lines that carry two or three payments of a group, when the bank counts as many, and exactly one choice
// of them adds up to the line.
func (m *matcher) someOfMany(ctx context.Context, place int, r recon.Rule) error {
	names, total, joins, unnest := "x.no AS a, x2.no AS b", "x.amount + x2.amount", "", "h.a, h.b"
	for i := 2; i <= r.Members; i++ {
		before := "x"
		if i == 3 {
			before, names, total, unnest = "x2", names+", x3.no AS c", total+" + x3.amount", unnest+", h.c"
		}
		joins += fmt.Sprintf(" JOIN candidates x%[1]d ON (%[2]s) = (%[3]s) AND x%[1]d.no > %[4]s.no AND sign(x%[1]d.amount) = sign(x.amount)",
			i, group(fmt.Sprintf("x%d.", i), r), group("x.", r), before)
	}
	err := m.exec(ctx, `
		WITH few AS (
			SELECT `+group("", r)+` FROM rest_expected WHERE NOT named GROUP BY `+group("", r)+` HAVING count(*) BETWEEN `+fmt.Sprint(r.Members)+` AND `+fmt.Sprint(choicesMax)+`),
		candidates AS MATERIALIZED (
			SELECT e.no, e.amount, e.paid_on, `+group("e.", r)+` FROM rest_expected e JOIN few ON (`+group("few.", r)+`) = (`+group("e.", r)+`) WHERE NOT e.named),
		hits AS (
			SELECT l.statement, l.no, l.part, l.amount, `+names+`, count(*) OVER (PARTITION BY l.statement, l.no, l.part) AS of_line
			FROM rest_lines l JOIN candidates x ON `+on(r)+reach(r)+joins+`
			WHERE l.kind = '' AND `+counted(r, fmt.Sprint(r.Members))+` AND `+total+` = l.amount),
		legs AS (
			SELECT h.statement, h.no, h.part, h.of_line, e.expectation,
				count(*) OVER (PARTITION BY e.expectation) AS of_expected
			FROM hits h CROSS JOIN LATERAL unnest(ARRAY[`+unnest+`]) AS e (expectation))
		INSERT INTO rest_pairs (statement, no, part, expectation, paid, owed, agree, fit)
		SELECT g.statement, g.no, g.part, g.expectation, x.amount, x.amount, true, bool_and(g.of_line = 1 AND g.of_expected = 1) OVER (PARTITION BY g.statement, g.no, g.part)
		FROM legs g JOIN rest_expected x ON x.no = g.expectation`)
	if err != nil {
		return err
	}
	return m.exec(ctx, markLines(place, "ambiguous", "NOT p.fit"))
}

// take stores the pairs that fit and takes them out of what is left.
func (m *matcher) take(ctx context.Context, place int, whole bool) error {
	if err := m.exec(ctx, `
		INSERT INTO recon_matches (bucket, statement, no, part, expectation, paid, owed, turn, rule, ladder, whole)
		SELECT $1, p.statement, p.no, p.part, p.expectation, p.paid, p.owed,
			(SELECT count(*) FROM recon_matches m WHERE m.bucket = $1 AND m.statement = p.statement AND m.no = p.no AND m.part = p.part AND m.expectation = p.expectation),
			$2, $3, $4
		FROM rest_pairs p WHERE p.fit`, m.head.Bucket, place, m.head.LadderVersion, whole); err != nil {
		return err
	}
	for _, q := range []string{
		`INSERT INTO rest_made SELECT statement, no, part, expectation, paid, owed FROM rest_pairs WHERE fit`,
		`DELETE FROM rest_lines l USING rest_pairs p WHERE p.fit AND p.statement = l.statement AND p.no = l.no AND p.part = l.part`,
		`DELETE FROM rest_expected x USING rest_pairs p WHERE p.fit AND p.expectation = x.no`,
	} {
		if err := m.exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// diagnose says of lines with a known reference why they were not matched: the payment is matched already, the amount is
// another, or the money goes the other way. Expectations that such a line names are kept from rules without a reference.
func (m *matcher) diagnose(ctx context.Context) error {
	if err := m.exec(ctx, `
		UPDATE rest_lines l SET kind = CASE l.kind WHEN '' THEN d.kind ELSE l.kind END, related = d.expectation FROM (
			SELECT DISTINCT ON (n.statement, n.no, n.part) n.statement, n.no, n.part, n.expectation,
				CASE WHEN sign(n.amount) <> sign(n.owed) THEN 'reversal'
					WHEN EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = n.expectation AND m.undone_at IS NULL) THEN 'doubled'
					WHEN abs(n.amount) > abs(n.owed) THEN 'over' WHEN abs(n.amount) < abs(n.owed) THEN 'under' ELSE 'ambiguous' END AS kind
			FROM rest_named n JOIN rest_lines l ON l.statement = n.statement AND l.no = n.no AND l.part = n.part AND l.related = 0
			ORDER BY n.statement, n.no, n.part, n.rank, n.expectation) AS d
		WHERE d.statement = l.statement AND d.no = l.no AND d.part = l.part`, m.head.Bucket); err != nil {
		return fmt.Errorf("couldn't look up references: %w", err)
	}
	if err := m.exec(ctx, `UPDATE rest_expected x SET named = true FROM rest_lines l WHERE l.related = x.no AND l.kind <> 'ambiguous'`); err != nil {
		return fmt.Errorf("couldn't keep named payments apart: %w", err)
	}
	return nil
}
