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
	// statementWithdrawn was taken back by two people.
	statementWithdrawn = "withdrawn"
)

// booking is one statement on its way into ledger and exceptions. Its lines are stored already.
type booking struct {
	*intake
	parsedStatement
	tx     *sqlx.Tx
	sum    []byte // of the file
	ladder int    // version of the rules in force

	report   StatementReport
	postings []postingRequest
	// cause tells postings about the account's opening apart from those that the statement made when it was booked.
	cause string
}

func (b *booking) publicID() string { return statementPublicID(b.account.Bucket, b.id) }

// begin admits the statement and stores it.
func (b *booking) begin(ctx context.Context) error {
	if b.untold {
		if err := b.balances(ctx); err != nil {
			return err
		}
	}
	b.report = StatementReport{
		ID: b.publicID(), Bank: b.account.Bank, Account: b.account.Account, Number: b.number, Page: b.page,
		From: b.from.Format(time.DateOnly), To: b.to.Format(time.DateOnly), State: statementBooked, Opening: b.opening, Closing: b.closing,
		Credit: b.credit, Debit: b.debit, Lines: b.lines, Rules: []RuleCount{}, Exceptions: []KindCount{}, Warnings: []string{},
	}
	if b.untold {
		b.report.warn(noticeUntold, "", "the table tells no balances: it opens with what the statement before it closed with")
	}
	if b.noted {
		b.report.State = statementNoted
	} else if err := b.admit(ctx); err != nil {
		return err
	}
	return b.insert(ctx)
}

// balances takes the closing balance before a table for its opening one.
func (b *booking) balances(ctx context.Context) error {
	var before []int64
	if err := all(ctx, b.tx, &before, `SELECT closing FROM statements WHERE bucket = $1 AND account = $2 AND state = 'booked'
			AND (closed_on, opened_on, number, page, id) < ($3, $4, $5, $6, $7) ORDER BY `+statementOrder("DESC")+` LIMIT 1`,
		b.account.Bucket, b.account.Account, b.to, b.from, b.number, b.page, b.id); err != nil {
		return err
	}
	if len(before) > 0 {
		b.opening = before[0]
	}
	b.closing = b.opening + b.credit - b.debit
	return nil
}

func (b *booking) insert(ctx context.Context) error {
	return exec(ctx, b.tx, 1, `
		INSERT INTO statements (bucket, id, bank_bic, account, format, name, number, year, page, opened_on, closed_on, opening, closing, credit, debit,
			lines, state, ladder, sha256, file_index, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		b.account.Bucket, b.id, b.account.Bank, b.account.Account, string(b.format), b.name, b.number, b.to.Year(), b.page, b.from, b.to,
		b.opening, b.closing, b.credit, b.debit, b.lines, b.report.State, b.ladder, b.sum, b.index, b.now)
}

// admit refuses a statement into a closed period, and one whose number, or without numbers whose period, is booked already;
// unless it is to replace that one.
func (b *booking) admit(ctx context.Context) error {
	if err := periodOpen(ctx, b.tx, b.account, b.to); err != nil {
		return err
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
			return ErrStatementNumber.with("number "+fmt.Sprint(b.number)+" is booked as "+statementPublicID(b.account.Bucket, id)).
				of(reasonNumberBooked, statementPublicID(b.account.Bucket, id))
		}
		by, err := b.replaceable(ctx, id)
		if err != nil {
			return err
		}
		if err := b.takeBack(ctx, id); err != nil {
			return err
		}
		replaced := statementPublicID(b.account.Bucket, id)
		b.replaced = append(b.replaced, replaced)
		b.report.warn(noticeReplaced, replaced, "replaced "+replaced+", as "+by+" proposed")
	}
	return b.numbering(ctx)
}

// replaceable refuses to replace a statement that nobody, or the sender alone, wants to be taken back: a file that any holder of a key could
// send would undo what is booked. It returns who has proposed it.
func (b *booking) replaceable(ctx context.Context, id int64) (by string, err error) {
	if err := one(ctx, b.tx, &by, `SELECT withdraw_by FROM statements WHERE bucket = $1 AND id = $2`, b.account.Bucket, id); err != nil {
		return "", err
	}
	switch public := statementPublicID(b.account.Bucket, id); {
	case b.file.Instead != "" && b.file.Instead != public:
		return "", ErrStatementNumber.with("the file would replace "+public).of(reasonOtherReplaced, public)
	case by == "":
		return "", ErrStatementState.with("propose the withdrawal of "+public+" first: another person sends what replaces it").of(reasonUnproposed, public)
	case anySame(by, append(b.file.Also, b.file.Actor)...):
		return "", ErrFourEyes
	}
	return by, nil
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
		b.report.warn(noticeNumbers, fmt.Sprintf("%d–%d", last+1, b.number-1), fmt.Sprintf("numbers %d to %d are missing", last+1, b.number-1))
	}
	return nil
}

// takeBack undoes a booked statement for its replacement: what rules matched is open again, its exceptions are void, and the
// ledger gets the opposite transfers. What a person decided is not undone by a file.
func (b *booking) takeBack(ctx context.Context, id int64) error {
	if err := untouched(ctx, b.tx, b.account.Bucket, id); err != nil {
		return err
	}
	if err := b.giveUp(ctx, id, ":replaced", "statement replaced"); err != nil {
		return err
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

// legsOfStatement is what the live matches of rules moved for a statement.
func legsOfStatement(ctx context.Context, tx *sqlx.Tx, bucket int, id int64) ([]recon.Leg, error) {
	var sums []matchedSum
	err := all(ctx, tx, &sums, `
		SELECT s.id AS statement, s.bank_bic, s.account, m.direction, m.paid, m.owed, m.forward, m.kept
		FROM (SELECT sign(m.owed)::bigint AS direction, sign(m.paid - m.owed + coalesce(k.amount, 0)) AS difference, x.kind = 'forward' AS forward,
				sum(abs(m.paid))::bigint AS paid, sum(abs(m.owed))::bigint AS owed, coalesce(sum(k.amount), 0)::bigint AS kept
			FROM recon_matches m JOIN expectations x ON x.bucket = $1 AND x.no = m.expectation `+withKept+`
			WHERE m.bucket = $1 AND m.statement = $2 AND m.rule > 0 AND m.undone_at IS NULL GROUP BY 1, 2, 3) AS m
		JOIN statements s ON s.bucket = $1 AND s.id = $2 ORDER BY m.direction, m.difference, m.forward`, bucket, id)
	if err != nil {
		return nil, err
	}
	var legs []recon.Leg
	kept := int64(0)
	for _, s := range sums {
		legs, kept = append(legs, s.legs()...), kept+s.Kept
	}
	if kept == 0 {
		return legs, nil
	}
	back, err := keptOfStatement(ctx, tx, bucket, id)
	if err != nil {
		return nil, err
	}
	return append(legs, recon.KeptLegs(sums[0].Bank, back)...), nil
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
		LEFT JOIN (SELECT statement, sum(amount) FILTER (WHERE state IN ('resolved', 'archived') AND posting_id <> '') AS fixed, sum(amount) FILTER (WHERE state NOT IN `+settledStates+`) AS open,
				count(*)::integer AS parts
			FROM recon_exceptions WHERE bucket = $1 AND kind = 'gap' AND account = $2 GROUP BY statement) AS g ON g.statement = s.id
		ORDER BY s.place`, b.account.Bucket, b.account.Account)
	if err != nil {
		return err
	}
	if len(rows) == 0 { // all were withdrawn
		return b.opened(ctx, 0)
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
				WHERE bucket = $1 AND statement = $2 AND kind = 'gap' AND state NOT IN `+settledStates, b.account.Bucket, r.ID, b.now)
		case r.Open != nil && *r.Open != gap:
			err = exec(ctx, b.tx, 1, `
				UPDATE recon_exceptions SET amount = $3, state = 'open', owner = '', proposal = '', proposed_by = '', changed_at = $4, version = version + 1
				WHERE bucket = $1 AND statement = $2 AND kind = 'gap' AND state NOT IN `+settledStates, b.account.Bucket, r.ID, gap, b.now)
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
	b.post(ledger.Correction, b.publicID()+":opening"+b.cause, "opening balance of the first statement", []recon.Leg{leg})
	return exec(ctx, b.tx, 1, `UPDATE bank_accounts SET opened = $3 WHERE bucket = $1 AND account = $2`, b.account.Bucket, b.account.Account, opening)
}
