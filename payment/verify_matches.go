package payment

import (
	"context"
	"fmt"

	"qaqpa/payment/recon"
)

// matches holds every live match of a rule against the rule as its ladder had it: the fields that the rule compares are there on both sides
// and equal, those that must not contradict do not, amounts, number and kind are as its shape says. Windows are not compared again: days
// on which banks work are data that may have been told since.
func (w *walk) matches(ctx context.Context, bucket int) error {
	var used []struct {
		Bank    string `db:"bank_bic"`
		Version int    `db:"ladder"`
		Rule    int    `db:"rule"`
		Lines   int64  `db:"lines"`
	}
	if err := all(ctx, w.tx, &used, `
		SELECT s.bank_bic, m.ladder, m.rule, count(*) AS lines FROM recon_matches m JOIN statements s ON s.bucket = $1 AND s.id = m.statement
		WHERE m.bucket = $1 AND m.undone_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`, bucket); err != nil {
		return err
	}
	for _, u := range used {
		w.report.Matches += u.Lines
		if u.Rule == 0 {
			continue // people's
		}
		ladder, err := ladderOf(ctx, w.tx, bucket, u.Bank, u.Version)
		if err != nil || u.Rule > len(ladder) || u.Rule < 0 || ladder.Check() != nil {
			w.report.problem("bucket %d: matches of %s name rule %d of rules %d, which do not stand", bucket, u.Bank, u.Rule, u.Version)
			continue
		}
		var bad []string
		if err := all(ctx, w.tx, &bad, matchesOutside(ladder[u.Rule-1]), bucket, u.Bank, u.Version, u.Rule); err != nil {
			return err
		}
		for _, line := range bad {
			w.report.problem("bucket %d: line %s is not matched as rule %s says", bucket, line, ladder[u.Rule-1].Name)
		}
	}
	return nil
}

// matchesOutside selects the lines whose match the rule does not cover. $1 is the bucket, $2 the bank, $3 the ladder, $4 the place of the rule.
func matchesOutside(r recon.Rule) string {
	forward := map[bool]string{true: "=", false: "<>"}[r.Forward]
	shape := map[recon.Shape]string{
		recon.OneToOne:  fmt.Sprintf("whole AND legs = 1 AND paid = line AND owed = amount AND abs(paid - owed) <= %d", r.Tolerance),
		recon.OneToMany: "whole AND legs > 1 AND paid = owed AND owed = amount AND carried = line",
		recon.ManyToOne: "NOT whole AND legs = 1 AND lines > 1 AND paid = owed AND paid = line AND settled = amount",
	}[r.Shape]
	if r.KeptBack {
		shape = map[recon.Shape]string{
			recon.OneToOne:  "whole AND legs = 1 AND paid = line AND owed = amount AND charged > 0 AND kept = charged AND paid = owed - kept",
			recon.OneToMany: "whole AND legs > 1 AND owed = amount AND kept = charged AND paid = owed - kept AND carried = line AND kept_in_all > 0",
		}[r.Shape]
	} else {
		shape += " AND kept = 0"
	}
	if r.Members > 0 {
		shape += fmt.Sprintf(" AND legs = %d", r.Members)
	}
	return `
		SELECT name FROM (
			SELECT ` + lineName + ` AS name, m.whole, m.paid, m.owed, l.amount AS line, x.amount,
				count(*) OVER of_line AS legs, sum(m.paid) OVER of_line AS carried, count(*) OVER of_payment AS lines, sum(m.owed) OVER of_payment AS settled,
				x.charged, coalesce(k.amount, 0) AS kept, sum(k.amount) OVER of_line AS kept_in_all,
				l.foreign_amount = '' AND sign(l.amount) = sign(x.amount) AND x.kind ` + forward + ` 'forward' AND ` + on(r) + ` AND ` + agrees(r) + ` AS agrees
			FROM recon_matches m JOIN statements s ON s.bucket = $1 AND s.id = m.statement AND s.bank_bic = $2
			JOIN statement_lines l ON l.bucket = $1 AND l.statement = m.statement AND l.no = m.no AND l.part = m.part
			JOIN expectations x ON x.bucket = $1 AND x.no = m.expectation ` + withKept + `
			WHERE m.bucket = $1 AND m.undone_at IS NULL AND m.ladder = $3 AND m.rule = $4
			WINDOW of_line AS (PARTITION BY m.statement, m.no, m.part), of_payment AS (PARTITION BY m.expectation)) AS t
		WHERE NOT (agrees AND ` + shape + `) LIMIT 100`
}
