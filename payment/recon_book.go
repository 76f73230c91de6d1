package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/recon"
)

// States of statements.
const (
	statementBooked = "booked"
	statementNoted  = "noted"
)

// booking is one statement on its way into ledger and exceptions. Its lines are stored already.
type booking struct {
	*intake
	parsedStatement
	tx   *sqlx.Tx
	days recon.Calendar
	sum  []byte // of the file

	head     headRow
	ladder   recon.Ladder
	report   StatementReport
	postings []postingRequest
}

func (b *booking) publicID() string { return statementPublicID(b.account.Bucket, b.id) }

func (b *booking) run(ctx context.Context) error {
	var err error
	if b.head, err = lockHead(ctx, b.tx, b.account.Bucket, b.account.Bank); err != nil {
		return err
	}
	if b.ladder, err = b.head.rules(); err != nil {
		return err
	}
	b.report = StatementReport{
		ID: b.publicID(), Bank: b.account.Bank, Account: b.account.Account, Number: b.number, Page: b.page,
		From: b.from.Format(time.DateOnly), To: b.to.Format(time.DateOnly), State: statementBooked, Opening: b.opening, Closing: b.closing,
		Credit: b.credit, Debit: b.debit, Lines: b.lines, Rules: []RuleCount{}, Exceptions: []KindCount{}, Warnings: []string{},
	}
	if b.noted {
		b.report.State = statementNoted
		return b.insert(ctx)
	}
	if err := b.admit(ctx); err != nil {
		return err
	}
	if err := b.insert(ctx); err != nil {
		return err
	}
	m := &matcher{tx: b.tx, head: b.head, statement: b.id, from: b.from, to: b.to, ladder: b.ladder, days: b.days}
	if err := m.run(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{b.list, b.continuity, b.missing, b.count} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return m.drop(ctx)
}

// drop removes the temporary tables, for the next statement of the file.
func (m *matcher) drop(ctx context.Context) error {
	return m.exec(ctx, `DROP TABLE rest_lines, rest_expected, rest_pairs, rest_reach, rest_made, rest_named`)
}

func (b *booking) insert(ctx context.Context) error {
	return exec(ctx, b.tx, 1, `
		INSERT INTO statements (bucket, id, bank_bic, account, format, name, number, year, page, opened_on, closed_on, opening, closing, credit, debit,
			lines, state, ladder, sha256, file_index, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		b.account.Bucket, b.id, b.account.Bank, b.account.Account, string(b.format), b.name, b.number, b.to.Year(), b.page, b.from, b.to,
		b.opening, b.closing, b.credit, b.debit, b.lines, b.report.State, b.head.LadderVersion, b.sum, b.index, b.now)
}

// admit refuses a statement into a closed period, and one whose number, or without numbers whose period, is booked already;
// unless it is to replace that one.
func (b *booking) admit(ctx context.Context) error {
	var closed bool
	if err := one(ctx, b.tx, &closed, `SELECT EXISTS (SELECT 1 FROM recon_periods WHERE bucket = $1 AND account = $2 AND through >= $3)`,
		b.account.Bucket, b.account.Account, b.to); err != nil {
		return err
	}
	if closed {
		return ErrPeriodClosed.with(b.to.Format(time.DateOnly))
	}
	var same []int64
	err := all(ctx, b.tx, &same, `
		SELECT id FROM statements WHERE bucket = $1 AND account = $2 AND state = 'booked' AND
			CASE WHEN $3::bigint > 0 THEN number = $3 AND year = $4 AND page = $5 ELSE number = 0 AND opened_on = $6 AND closed_on = $7 END`,
		b.account.Bucket, b.account.Account, b.number, b.to.Year(), b.page, b.from, b.to)
	if err != nil {
		return err
	}
	for _, id := range same {
		if !b.file.Replace {
			return ErrStatementNumber.with("number " + fmt.Sprint(b.number) + " is booked as " + statementPublicID(b.account.Bucket, id))
		}
		if err := b.takeBack(ctx, id); err != nil {
			return err
		}
		b.report.Warnings = append(b.report.Warnings, "replaced "+statementPublicID(b.account.Bucket, id))
	}
	return b.numbering(ctx)
}

// numbering notes a gap in the numbers of a year.
func (b *booking) numbering(ctx context.Context) error {
	if b.number == 0 {
		return nil
	}
	var last int64
	if err := one(ctx, b.tx, &last, `
		SELECT coalesce(max(number), 0) FROM statements WHERE bucket = $1 AND account = $2 AND state = 'booked' AND year = $3 AND number < $4`,
		b.account.Bucket, b.account.Account, b.to.Year(), b.number); err != nil {
		return err
	}
	if last > 0 && last < b.number-1 {
		b.report.Warnings = append(b.report.Warnings, fmt.Sprintf("numbers %d to %d are missing", last+1, b.number-1))
	}
	return nil
}

// takeBack undoes a booked statement for its replacement: what rules matched is open again, its exceptions are void, and the
// ledger gets the opposite transfers. What a person decided is not undone by a file.
func (b *booking) takeBack(ctx context.Context, id int64) error {
	var touched bool
	if err := one(ctx, b.tx, &touched, `
		SELECT EXISTS (SELECT 1 FROM recon_matches WHERE bucket = $1 AND statement = $2 AND rule = 0 AND undone_at IS NULL)
			OR EXISTS (SELECT 1 FROM recon_exceptions WHERE bucket = $1 AND statement = $2 AND state IN ('resolved', 'proposed'))`,
		b.account.Bucket, id); err != nil {
		return err
	}
	if touched {
		return ErrStatementTouched.with(statementPublicID(b.account.Bucket, id))
	}
	legs, err := settledLegs(ctx, b.tx, b.account.Bucket, matchesOfStatement, id)
	if err != nil {
		return err
	}
	for i, l := range legs {
		legs[i].Debit, legs[i].Credit = l.Credit, l.Debit
	}
	b.post(ledger.Correction, statementPublicID(b.account.Bucket, id)+":replaced", "statement replaced", legs)
	for _, q := range []string{
		`UPDATE recon_matches SET undone_at = $3 WHERE bucket = $1 AND statement = $2 AND undone_at IS NULL`,
		`UPDATE recon_exceptions SET state = 'void', resolution = 'statement replaced', changed_at = $3, version = version + 1
			WHERE bucket = $1 AND statement = $2 AND state NOT IN ('resolved', 'void')`,
	} {
		if err := exec(ctx, b.tx, -1, q, b.account.Bucket, id, b.now); err != nil {
			return err
		}
	}
	return exec(ctx, b.tx, 1, `UPDATE statements SET state = 'replaced', replaced_by = $3 WHERE bucket = $1 AND id = $2 AND state = 'booked'`, b.account.Bucket, id, b.id)
}

// post notes a posting for the end of the transaction.
func (b *booking) post(kind ledger.PostingKind, subject, reason string, legs []recon.Leg) {
	if r, any := posting(b.account.Bucket, kind, subject, reason, legs); any {
		b.postings = append(b.postings, r)
	}
}

// posting makes the request of a posting; false when there is nothing to move.
func posting(bucket int, kind ledger.PostingKind, subject, reason string, legs []recon.Leg) (postingRequest, bool) {
	r := postingRequest{kind: kind, bucket: bucket, subject: subject, reason: reason}
	for _, l := range legs {
		if l.Tiyn != 0 {
			r.legs = append(r.legs, ledger.Transfer{Debit: l.Debit, Credit: l.Credit, Amount: money.FromTiyn(l.Tiyn)})
		}
	}
	return r, len(r.legs) > 0
}

// settledLegs is what matches of rules move, summed by account: the matches themselves say which payments. source selects them
// as statement, paid and owed.
func settledLegs(ctx context.Context, tx *sqlx.Tx, bucket int, source string, args ...any) ([]recon.Leg, error) {
	var sums []struct {
		Bank    string `db:"bank_bic"`
		Account string `db:"account"`
		Sign    int64  `db:"direction"`
		Paid    int64  `db:"paid"`
		Owed    int64  `db:"owed"`
	}
	// Matches with a difference are kept apart by its sign, or differences would cancel out.
	err := all(ctx, tx, &sums, `
		SELECT s.bank_bic, s.account, m.direction, sum(m.paid)::bigint AS paid, sum(m.owed)::bigint AS owed
		FROM (SELECT statement, sign(owed)::bigint AS direction, sign(paid - owed)::bigint AS difference, sum(abs(paid)) AS paid, sum(abs(owed)) AS owed
			FROM (`+source+`) AS m GROUP BY statement, sign(owed), sign(paid - owed)) AS m
		JOIN statements s ON s.bucket = $1 AND s.id = m.statement
		GROUP BY s.bank_bic, s.account, m.direction, m.difference ORDER BY s.bank_bic, s.account, m.direction, m.difference`, append([]any{bucket}, args...)...)
	if err != nil {
		return nil, err
	}
	var legs []recon.Leg
	for _, s := range sums {
		if s.Sign > 0 {
			legs = append(legs, recon.ReceivedLegs(s.Bank, s.Account, s.Paid, s.Owed)...)
		} else {
			legs = append(legs, recon.ReturnedLegs(s.Bank, s.Account, s.Paid, s.Owed)...)
		}
	}
	return legs, nil
}

// matchesOfStatement selects what rules matched of statement $2.
const matchesOfStatement = `SELECT statement, paid, owed FROM recon_matches WHERE bucket = $1 AND statement = $2 AND rule > 0 AND undone_at IS NULL`

// list makes exceptions of the lines that stay over, and books what was matched.
func (b *booking) list(ctx context.Context) error {
	if err := exec(ctx, b.tx, -1, `
		INSERT INTO recon_exceptions (bucket, statement, no, part, missing, bank_bic, account, kind, state, amount, related, rule, owner, opened_on, version,
			proposal, proposed_by, resolution, posting_id, changed_at)
		SELECT $1, $2, no, part, 0, $3, $4,
			CASE WHEN kind <> '' THEN kind WHEN amount > 0 THEN 'surplus' WHEN reverses THEN 'reversal' ELSE 'withdrawal' END,
			'open', amount, nullif(related, 0), rule, '', $5, 1, '', '', '', '', $6
		FROM rest_lines WHERE statement = $2`, b.account.Bucket, b.id, b.account.Bank, b.account.Account, b.to, b.now); err != nil {
		return err
	}
	legs, err := settledLegs(ctx, b.tx, b.account.Bucket, matchesOfStatement+` UNION ALL SELECT statement, paid, owed FROM rest_made WHERE statement <> $2`, b.id)
	if err != nil {
		return err
	}
	b.post(ledger.Settlement, b.publicID(), "matched by rules", legs)
	// Lines of earlier statements that became clear.
	return exec(ctx, b.tx, -1, `
		UPDATE recon_exceptions e SET state = 'void', resolution = 'matched since', changed_at = $3, version = version + 1
		FROM rest_made m WHERE m.statement <> $2 AND e.bucket = $1 AND e.statement = m.statement AND e.no = m.no AND e.part = m.part AND e.missing = 0
			AND e.state NOT IN ('resolved', 'void')`, b.account.Bucket, b.id, b.now)
}

// continuity compares each opening balance of the account with the closing balance before it. The first opening is booked
// against the operator's openings; later differences are exceptions, so that ledger and statements still agree.
func (b *booking) continuity(ctx context.Context) error {
	var rows []struct {
		ID      int64     `db:"id"`
		To      time.Time `db:"closed_on"`
		Opening int64     `db:"opening"`
		Before  *int64    `db:"before"`
		Fixed   int64     `db:"fixed"`
		Open    *int64    `db:"open"`
		Parts   int       `db:"parts"`
	}
	err := all(ctx, b.tx, &rows, `
		SELECT s.id, s.closed_on, s.opening, s.before, coalesce(g.fixed, 0)::bigint AS fixed, g.open::bigint AS open, coalesce(g.parts, 0) AS parts
		FROM (SELECT id, closed_on, opening, lag(closing) OVER w AS before, row_number() OVER w AS place
			FROM statements WHERE bucket = $1 AND account = $2 AND state = 'booked' WINDOW w AS (ORDER BY `+statementOrder("ASC")+`)) AS s
		LEFT JOIN (SELECT statement, sum(amount) FILTER (WHERE state = 'resolved') AS fixed, sum(amount) FILTER (WHERE state NOT IN ('resolved', 'void')) AS open,
				count(*)::integer AS parts
			FROM recon_exceptions WHERE bucket = $1 AND kind = 'gap' AND account = $2 GROUP BY statement) AS g ON g.statement = s.id
		ORDER BY s.place`, b.account.Bucket, b.account.Account)
	if err != nil {
		return err
	}
	for _, r := range rows {
		gap := int64(0)
		if r.Before != nil {
			gap = r.Opening - *r.Before - r.Fixed
		} else if err := b.opened(ctx, r.Opening-r.Fixed); err != nil {
			return err
		}
		switch {
		case r.Open == nil && gap != 0:
			err = exec(ctx, b.tx, 1, `
				INSERT INTO recon_exceptions (bucket, statement, no, part, missing, bank_bic, account, kind, state, amount, rule, owner, opened_on, version,
					proposal, proposed_by, resolution, posting_id, changed_at)
				VALUES ($1, $2, 0, $3, 0, $4, $5, 'gap', 'open', $6, 0, '', $7, 1, '', '', '', '', $8)`,
				b.account.Bucket, r.ID, r.Parts, b.account.Bank, b.account.Account, gap, r.To, b.now)
		case r.Open != nil && gap == 0:
			err = exec(ctx, b.tx, 1, `
				UPDATE recon_exceptions SET state = 'void', resolution = 'the statement between came', changed_at = $3, version = version + 1
				WHERE bucket = $1 AND statement = $2 AND kind = 'gap' AND state NOT IN ('resolved', 'void')`, b.account.Bucket, r.ID, b.now)
		case r.Open != nil && *r.Open != gap:
			err = exec(ctx, b.tx, 1, `
				UPDATE recon_exceptions SET amount = $3, state = 'open', owner = '', proposal = '', proposed_by = '', changed_at = $4, version = version + 1
				WHERE bucket = $1 AND statement = $2 AND kind = 'gap' AND state NOT IN ('resolved', 'void')`, b.account.Bucket, r.ID, gap, b.now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// opened books what stood on the account before its first statement, or corrects it when an earlier statement came later.
func (b *booking) opened(ctx context.Context, opening int64) error {
	var before int64
	if err := one(ctx, b.tx, &before, `SELECT opened FROM bank_accounts WHERE bucket = $1 AND account = $2 FOR UPDATE`, b.account.Bucket, b.account.Account); err != nil {
		return err
	}
	delta := opening - before
	if delta == 0 {
		return nil
	}
	leg := recon.Leg{Debit: ledger.BankCash(b.account.Bank, b.account.Account), Credit: ledger.OperatorOpenings, Tiyn: delta}
	if delta < 0 {
		leg.Debit, leg.Credit, leg.Tiyn = leg.Credit, leg.Debit, -delta
	}
	b.post(ledger.Correction, b.publicID()+":opening", "opening balance of the first statement", []recon.Leg{leg})
	return exec(ctx, b.tx, 1, `UPDATE bank_accounts SET opened = $3 WHERE bucket = $1 AND account = $2`, b.account.Bucket, b.account.Account, opening)
}

// missing lists payments past their term, up to the day that the statements of all accounts at the bank have reached, and
// voids those that have come since.
func (b *booking) missing(ctx context.Context) error {
	var reached time.Time
	if err := one(ctx, b.tx, &reached, `
		SELECT min(last) FROM (SELECT max(closed_on) AS last FROM statements WHERE bucket = $1 AND bank_bic = $2 AND state = 'booked' GROUP BY account) AS t`,
		b.account.Bucket, b.account.Bank); err != nil {
		return err
	}
	return b.ageing(ctx, b.tx, b.head, reached.UTC(), b.now)
}

// count fills the report.
func (b *booking) count(ctx context.Context) error {
	var rules []struct {
		Rule   int   `db:"rule"`
		Lines  int64 `db:"lines"`
		Amount int64 `db:"amount"`
	}
	err := all(ctx, b.tx, &rules, `
		SELECT rule, count(*) AS lines, sum(paid)::bigint AS amount FROM recon_matches
		WHERE bucket = $1 AND statement = $2 AND undone_at IS NULL GROUP BY rule ORDER BY rule`, b.account.Bucket, b.id)
	if err != nil {
		return err
	}
	for _, r := range rules {
		rule := b.ladder[r.Rule-1]
		if rule.Shape == recon.OneToMany { // one line has many legs
			if err := one(ctx, b.tx, &r.Lines, `
				SELECT count(*) FROM (SELECT DISTINCT no, part FROM recon_matches WHERE bucket = $1 AND statement = $2 AND rule = $3 AND undone_at IS NULL) AS t`,
				b.account.Bucket, b.id, r.Rule); err != nil {
				return err
			}
		}
		b.report.Rules = append(b.report.Rules, RuleCount{Rule: rule.Name, Fields: rule.On, Lines: r.Lines, Amount: r.Amount})
		b.report.Matched += r.Lines
	}
	var kinds []struct {
		Kind   recon.Kind `db:"kind"`
		Count  int64      `db:"count"`
		Amount int64      `db:"amount"`
	}
	if err := all(ctx, b.tx, &kinds, `
		SELECT kind, count(*) AS count, sum(amount)::bigint AS amount FROM recon_exceptions
		WHERE bucket = $1 AND bank_bic = $2 AND changed_at = $3 AND version = 1 AND state = 'open' AND (statement = $4 OR missing <> 0) GROUP BY kind ORDER BY kind`,
		b.account.Bucket, b.account.Bank, b.now, b.id); err != nil {
		return err
	}
	for _, k := range kinds {
		b.report.Exceptions = append(b.report.Exceptions, KindCount(k))
	}
	return nil
}

// ageing lists payments whose term ended on or before the day and that nothing has paid, and voids what has come since. A
// payment that a line names is not listed twice: the exception about the line stands for it.
func (s *Service) ageing(ctx context.Context, tx *sqlx.Tx, head headRow, day recon.Day, now time.Time) error {
	if err := exec(ctx, tx, -1, `
		UPDATE recon_exceptions e SET state = 'void', resolution = 'paid since', proposal = '', proposed_by = '', changed_at = $3, version = version + 1
		FROM recon_matches m
		WHERE e.bucket = $1 AND e.bank_bic = $2 AND e.missing <> 0 AND e.state NOT IN ('resolved', 'void')
			AND m.bucket = $1 AND m.expectation = e.missing AND m.whole AND m.undone_at IS NULL`, head.Bucket, head.Bank, now); err != nil {
		return err
	}
	if err := exec(ctx, tx, -1, `
		UPDATE recon_exceptions e SET state = 'void', resolution = 'paid since', proposal = '', proposed_by = '', changed_at = $3, version = version + 1
		FROM (SELECT m.expectation, sum(m.owed) AS owed FROM recon_matches m
			JOIN recon_exceptions e ON e.bucket = $1 AND e.missing = m.expectation AND e.missing <> 0 AND e.state NOT IN ('resolved', 'void')
			WHERE m.bucket = $1 AND NOT m.whole AND m.undone_at IS NULL GROUP BY m.expectation) AS p
		JOIN expectations x ON x.bucket = $1 AND x.no = p.expectation AND x.amount = p.owed
		WHERE e.bucket = $1 AND e.bank_bic = $2 AND e.missing = p.expectation AND e.state NOT IN ('resolved', 'void')`, head.Bucket, head.Bank, now); err != nil {
		return err
	}
	from := day.AddDate(0, 0, -ageingDaysBack)
	if head.AgedOn == nil {
		from = time.Time{}.AddDate(1, 0, 0)
	} else if aged := head.AgedOn.UTC().AddDate(0, 0, -ageingDaysBack); aged.Before(from) {
		from = aged
	}
	if err := exec(ctx, tx, -1, `
		INSERT INTO recon_exceptions (bucket, statement, no, part, missing, bank_bic, account, kind, state, amount, rule, owner, opened_on, version,
			proposal, proposed_by, resolution, posting_id, changed_at)
		SELECT $1, 0, 0, 0, x.no, $2, '', 'missing', 'open', x.amount, 0, '', $4, 1, '', '', '', '', $5
		FROM expectations x
		WHERE x.bucket = $1 AND x.bank_bic = $2 AND x.due_on >= $3 AND x.due_on <= $4
			AND NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = x.no AND m.undone_at IS NULL)
			AND NOT EXISTS (SELECT 1 FROM recon_exceptions e WHERE e.bucket = $1 AND e.related = x.no AND e.state NOT IN ('resolved', 'void')
				AND e.kind IN ('over', 'under', 'data', 'foreign-currency'))
		ON CONFLICT DO NOTHING`, head.Bucket, head.Bank, from, day, now); err != nil {
		return err
	}
	if head.AgedOn != nil && !day.After(head.AgedOn.UTC()) {
		return nil
	}
	return exec(ctx, tx, 1, `UPDATE recon_banks SET aged_on = $3 WHERE bucket = $1 AND bank_bic = $2`, head.Bucket, head.Bank, day)
}

// ageingDaysBack is how far behind the last ageing payments are looked at again: their expectations may have been made late.
const ageingDaysBack = 62
