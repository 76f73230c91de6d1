package payment

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"qaqpa/payment/recon"
)

// chosenLinesMax bounds the lines that one rule searches choices for; those behind them wait for the next statement or for a person.
const chosenLinesMax = 2000

// chosenOfMany finds lines that carry four or more payments of a group when the bank counts as many: joins would grow with the power
// of the members, so choices are searched here, in groups that are bounded.
func (m *matcher) chosenOfMany(ctx context.Context, place int, r recon.Rule) error {
	var rows []candidateRow
	err := all(ctx, m.tx, &rows, `
		WITH few AS (
			SELECT `+group("", r)+` FROM rest_expected WHERE `+unnamed("", r)+` GROUP BY `+group("", r)+` HAVING count(*) BETWEEN `+fmt.Sprint(r.Members)+` AND `+fmt.Sprint(recon.ChooseFromMax)+`),
		counted AS MATERIALIZED (SELECT * FROM rest_lines WHERE kind = '' AND count = `+fmt.Sprint(r.Members)+` ORDER BY line LIMIT `+fmt.Sprint(chosenLinesMax)+`)
		SELECT l.line, abs(l.amount)::bigint AS amount, x.no, abs(x.amount)::bigint AS owed
		FROM counted l JOIN rest_expected x ON `+on(r)+` AND sign(l.amount) = sign(x.amount) JOIN few ON (`+group("few.", r)+`) = (`+group("x.", r)+`)`+reach(r)+`
		WHERE `+unnamed("x.", r)+` ORDER BY l.line, x.no`)
	if err != nil {
		return err
	}
	lines, nos, sure := chooseFor(rows, r.Members)
	if err := m.exec(ctx, `
		INSERT INTO rest_pairs (line, expectation, paid, owed, agree, fit)
		SELECT t.line, x.no, x.amount, x.amount, true, t.sure
		FROM unnest($1::bigint[], $2::bigint[], $3::boolean[]) AS t (line, no, sure) JOIN rest_expected x ON x.no = t.no`,
		pq.Array(lines), pq.Array(nos), pq.Array(sure)); err != nil {
		return err
	}
	return m.exec(ctx, markLines(place, "ambiguous", "NOT p.fit"))
}

// candidateRow is a line with a member of its group; amounts are without sign.
type candidateRow struct {
	Line        int64 `db:"line"`
	Tiyn        int64 `db:"amount"`
	Expectation int64 `db:"no"`
	Owed        int64 `db:"owed"`
}

// chooseFor finds for each line of the rows, which are ordered by line, the expectations that it carries. A pair is sure when the choice is
// the only one and no other line wants a member of it; of a line with several choices the first of its group stands for all.
func chooseFor(rows []candidateRow, members int) (lines, nos []int64, sure []bool) {
	users := map[int64]int{} // how many lines want an expectation
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Line == rows[0].Line {
			n++
		}
		amounts := make([]int64, n)
		for i, x := range rows[:n] {
			amounts[i] = x.Owed
		}
		choice, several := recon.Choose(amounts, members, rows[0].Tiyn)
		if several {
			choice = []int{0}
		}
		for _, i := range choice {
			lines, nos, sure = append(lines, rows[0].Line), append(nos, rows[i].Expectation), append(sure, !several)
			if !several {
				users[rows[i].Expectation]++
			}
		}
		rows = rows[n:]
	}
	shared := map[int64]bool{} // lines of which a member is wanted by another line
	for i, no := range nos {
		shared[lines[i]] = shared[lines[i]] || users[no] > 1
	}
	for i := range sure {
		sure[i] = sure[i] && !shared[lines[i]]
	}
	return lines, nos, sure
}
