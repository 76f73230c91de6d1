package payment

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"qaqpa/payment/recon"
)

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
	case r.Members > recon.JoinedMembersMax:
		err = m.chosenOfMany(ctx, place, r)
	case r.Members > 0:
		err = m.someOfMany(ctx, place, r)
	default:
		err = m.oneToMany(ctx, place, r)
	}
	if err != nil {
		return err
	}
	if r.KeptBack {
		if err := m.keep(ctx); err != nil {
			return fmt.Errorf("couldn't see what agencies owe: %w", err)
		}
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

// reach joins the window of a rule.
func reach(r recon.Rule) string {
	if r.Window == nil {
		return ""
	}
	return " JOIN rest_reach d ON d.booked_on = l.booked_on AND x.paid_on BETWEEN d.from_on AND d.to_on"
}

// free is the condition under which a rule may look at a line and an expectation: rules without a reference keep away from
// what a reference has told something about.
func free(r recon.Rule) string {
	if r.Identifies() {
		return "l.kind IN ('', 'ambiguous') AND " + ofSide("x.", r)
	}
	return "l.kind = '' AND " + unnamed("x.", r)
}

// ofSide is the condition under which an expectation is one that the rule is about: money to be sent on, or anything else.
func ofSide(prefix string, r recon.Rule) string {
	if r.Forward {
		return prefix + "forward"
	}
	return "NOT " + prefix + "forward"
}

// unnamed is the condition under which a rule without a reference may take an expectation.
func unnamed(prefix string, r recon.Rule) string {
	return "NOT " + prefix + "named AND " + ofSide(prefix, r)
}

// oneToOne finds pairs and decides which of them fit.
func (m *matcher) oneToOne(ctx context.Context, place int, r recon.Rule) error {
	amounts := "l.amount = " + credited("x.", r)
	if r.KeptBack {
		amounts += " AND x.charged > 0"
	}
	if r.Tolerance > 0 {
		amounts = fmt.Sprintf("abs(l.amount - x.amount) <= %d AND sign(l.amount) = sign(x.amount)", r.Tolerance)
	}
	fits := "p.agree AND p.of_line = 1 AND p.of_expected = 1"
	if r.Identifies() {
		fits = "p.agree AND p.of_line = 1 AND p.place = 1" // the first of doubles
	}
	steps := []string{
		`INSERT INTO rest_pairs
		SELECT line, expectation, paid, owed, agree, false,
			count(*) FILTER (WHERE agree) OVER (PARTITION BY line), count(*) FILTER (WHERE agree) OVER (PARTITION BY expectation),
			row_number() OVER (PARTITION BY expectation, agree ORDER BY line)
		FROM (
			SELECT l.line, x.no AS expectation, l.amount AS paid, x.amount AS owed, (` + agrees(r) + `) AS agree
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
		FROM (SELECT p.line, min(p.expectation) AS related FROM rest_pairs p WHERE %s GROUP BY p.line) AS p
		WHERE p.line = l.line AND l.kind = ''`, kind, place, condition)
}

// manyToOne finds expectations whose amount several lines with their reference add up to.
func (m *matcher) manyToOne(ctx context.Context, r recon.Rule) error {
	return m.exec(ctx, `
		WITH pairs AS (
			SELECT l.line, x.no AS expectation, l.amount, x.amount AS owed, (`+agrees(r)+`) AS agree, count(*) OVER (PARTITION BY l.line) AS of_line
			FROM rest_lines l JOIN rest_expected x ON `+on(r)+` AND sign(l.amount) = sign(x.amount)`+reach(r)+`
			WHERE `+free(r)+`),
		whole AS (
			SELECT expectation FROM pairs GROUP BY expectation, owed HAVING count(*) > 1 AND sum(amount) = owed AND bool_and(agree) AND max(of_line) = 1)
		INSERT INTO rest_pairs (line, expectation, paid, owed, fit)
		SELECT p.line, p.expectation, p.amount, p.amount, true FROM pairs p JOIN whole w ON w.expectation = p.expectation`)
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
			SELECT paid_on, sign(amount) AS direction, `+group("", r)+`, count(*) AS members, sum(`+credited("", r)+`) AS total
			FROM rest_expected WHERE `+unnamed("", r)+` GROUP BY paid_on, sign(amount), `+group("", r)+` HAVING count(*) > 1`+someCharged(r, "sum(charged)")+`),
		hits AS (
			SELECT l.line, x.paid_on, x.direction, `+group("x.", r)+`, count(*) OVER (PARTITION BY l.line) AS of_line,
				count(*) OVER (PARTITION BY x.paid_on, x.direction, `+group("x.", r)+`) AS of_group
			FROM rest_lines l JOIN x ON `+on(r)+` AND l.amount = x.total AND `+counted(r, "x.members")+reach(r)+`
			WHERE l.kind = '')
		INSERT INTO rest_pairs (line, expectation, paid, owed, agree, fit)
		SELECT h.line, x.no, `+credited("x.", r)+`, x.amount, true, h.of_line = 1 AND h.of_group = 1
		FROM hits h JOIN rest_expected x ON x.paid_on = h.paid_on AND sign(x.amount) = h.direction AND `+unnamed("x.", r)+` AND (`+group("x.", r)+`) = (`+group("h.", r)+`)`)
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
	names, total, joins, unnest := "x.no AS a, x2.no AS b", credited("x.", r)+" + "+credited("x2.", r), "", "h.a, h.b"
	charged := "x.charged + x2.charged"
	if r.Members == 3 {
		charged += " + x3.charged"
	}
	for i := 2; i <= r.Members; i++ {
		before := "x"
		if i == 3 {
			before, names, total, unnest = "x2", names+", x3.no AS c", total+" + "+credited("x3.", r), unnest+", h.c"
		}
		joins += fmt.Sprintf(" JOIN candidates x%[1]d ON (%[2]s) = (%[3]s) AND x%[1]d.no > %[4]s.no AND sign(x%[1]d.amount) = sign(x.amount)",
			i, group(fmt.Sprintf("x%d.", i), r), group("x.", r), before)
	}
	err := m.exec(ctx, `
		WITH few AS (
			SELECT `+group("", r)+` FROM rest_expected WHERE `+unnamed("", r)+` GROUP BY `+group("", r)+` HAVING count(*) BETWEEN `+fmt.Sprint(r.Members)+` AND `+fmt.Sprint(choicesMax)+`),
		candidates AS MATERIALIZED (
			SELECT e.no, e.amount, e.charged, e.paid_on, `+group("e.", r)+` FROM rest_expected e JOIN few ON (`+group("few.", r)+`) = (`+group("e.", r)+`) WHERE `+unnamed("e.", r)+`),
		hits AS (
			SELECT l.line, l.amount, `+names+`, count(*) OVER (PARTITION BY l.line) AS of_line
			FROM rest_lines l JOIN candidates x ON `+on(r)+reach(r)+joins+`
			WHERE l.kind = '' AND `+counted(r, fmt.Sprint(r.Members))+` AND `+total+` = l.amount`+someCharged(r, charged)+`),
		legs AS (
			SELECT h.line, h.of_line, e.expectation, count(*) OVER (PARTITION BY e.expectation) AS of_expected
			FROM hits h CROSS JOIN LATERAL unnest(ARRAY[`+unnest+`]) AS e (expectation))
		INSERT INTO rest_pairs (line, expectation, paid, owed, agree, fit)
		SELECT g.line, g.expectation, `+credited("x.", r)+`, x.amount, true, bool_and(g.of_line = 1 AND g.of_expected = 1) OVER (PARTITION BY g.line)
		FROM legs g JOIN rest_expected x ON x.no = g.expectation`)
	if err != nil {
		return err
	}
	return m.exec(ctx, markLines(place, "ambiguous", "NOT p.fit"))
}

// take notes the pairs that fit as matches and takes them out of what is left.
func (m *matcher) take(ctx context.Context, place int, whole bool) error {
	if err := m.exec(ctx, `
		INSERT INTO rest_made
		SELECT p.line, l.statement, l.no, l.part, p.expectation, p.paid, p.owed, $1::smallint, $2::boolean FROM rest_pairs p JOIN rest_lines l ON l.line = p.line WHERE p.fit`,
		place, whole); err != nil {
		return err
	}
	for _, q := range []string{
		`DELETE FROM rest_lines l USING rest_pairs p WHERE p.fit AND p.line = l.line`,
		`DELETE FROM rest_expected x USING rest_pairs p WHERE p.fit AND p.expectation = x.no`,
	} {
		if err := m.exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
