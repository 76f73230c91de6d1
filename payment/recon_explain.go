package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// StatementLine is a line with what became of it.
type StatementLine struct {
	recon.Line
	// Matches are its live matches, each with the rule that made it.
	Matches []LineMatch `json:"matches"`
	// Exception is the id of its exception, if it ever had one.
	Exception string `json:"exception,omitempty"`
	// Status says how it stands, Archived that it is settled and its period closed.
	Status   recon.Status `json:"status"`
	Archived bool         `json:"archived"`
}

// LineMatch says which expectation a line pays, and why.
type LineMatch struct {
	Expectation string `json:"expectation"`
	// Paid is what the line carries of it, Owed what it settles, in tiyn.
	Paid int64 `json:"paid"`
	Owed int64 `json:"owed"`
	// Kept is what of the difference the bank has kept back of the commission that the agency bears.
	Kept int64 `json:"kept_back,omitempty"`
	// Rule is the name of the rule, or "person"; Fields are what the rule compared.
	Rule   string        `json:"rule"`
	Fields []recon.Field `json:"fields"`
	// Own says that somebody made the rule himself; see [recon.Rule.Own].
	Own bool `json:"-"`
}

// StatementPage is a page of a statement's lines, in the order of the file.
type StatementPage struct {
	Items   []StatementLine `json:"items"`
	HasMore bool            `json:"has_more"`
}

// RulePerson is the name under which decisions of people stand among rules.
const RulePerson = "person"

// StatementLines lists lines of a statement from after the given entry and part. Errors: [ErrStatementUnknown], [ErrInvalid].
func (s *Service) StatementLines(ctx context.Context, id string, afterNo, afterPart, limit int) (StatementPage, error) {
	const limitMax, limitDefault = 100, 50
	if limit == 0 {
		limit = limitDefault
	}
	if limit < 1 || limit > limitMax || afterNo < 0 || afterPart < 0 {
		return StatementPage{}, ErrInvalid.with("1 to 100").at("limit")
	}
	bucket, key, ok := statementKey(id)
	if !ok {
		return StatementPage{}, ErrStatementUnknown
	}
	e := explaining{Service: s, k: exceptionKey{Bucket: bucket, Statement: key}, at: map[[2]int]int{}}
	if err := orMissing(one(ctx, s.db, &e.of, `SELECT s.bank_bic, s.state, EXISTS (
			SELECT 1 FROM recon_periods p WHERE p.bucket = $1 AND p.account = s.account AND p.through >= s.closed_on) AS closed
		FROM statements s WHERE s.bucket = $1 AND s.id = $2`, bucket, key), ErrStatementUnknown); err != nil {
		return StatementPage{}, err
	}
	var rows []lineRow
	err := all(ctx, s.db, &rows, `SELECT `+lineSelect+` FROM statement_lines WHERE bucket = $1 AND statement = $2 AND (no, part) > ($3, $4) ORDER BY no, part LIMIT $5`,
		bucket, key, afterNo, afterPart, limit+1)
	if err != nil {
		return StatementPage{}, err
	}
	page := StatementPage{Items: []StatementLine{}, HasMore: len(rows) > limit}
	if len(rows) == 0 {
		return page, nil
	}
	rows = rows[:min(len(rows), limit)]
	for i, r := range rows {
		page.Items = append(page.Items, StatementLine{Line: r.line(), Matches: []LineMatch{}})
		e.at[[2]int{r.No, r.Part}] = i
	}
	e.items, e.standing = page.Items, make([]recon.Standing, len(page.Items))
	if err := errors.Join(e.matches(ctx), e.exceptions(ctx)); err != nil {
		return StatementPage{}, err
	}
	for i, standing := range e.standing {
		standing.Booked, standing.Tiyn = e.of.State == statementBooked, page.Items[i].Tiyn
		page.Items[i].Status = recon.StatusOf(standing)
		page.Items[i].Archived = e.of.Closed && standing.Booked && page.Items[i].Status != recon.Listed
	}
	return page, nil
}

// explaining adds to the lines of a page what became of them.
type explaining struct {
	*Service
	k  exceptionKey // of the statement
	of struct {
		Bank   string `db:"bank_bic"`
		State  string `db:"state"`
		Closed bool   `db:"closed"`
	}
	items    []StatementLine
	standing []recon.Standing
	at       map[[2]int]int // places of lines by entry and part
}

// between are the numbers of the first and the last entry.
func (e *explaining) between() (first, last int) { return e.items[0].No, e.items[len(e.items)-1].No }

// matches adds live matches, each with its rule.
func (e *explaining) matches(ctx context.Context) error {
	first, last := e.between()
	var legs []struct {
		No          int   `db:"no"`
		Part        int   `db:"part"`
		Expectation int64 `db:"expectation"`
		Paid        int64 `db:"paid"`
		Owed        int64 `db:"owed"`
		Rule        int   `db:"rule"`
		Ladder      int   `db:"ladder"`
		Kept        int64 `db:"kept"`
	}
	err := all(ctx, e.db, &legs, `SELECT m.no, m.part, m.expectation, m.paid, m.owed, m.rule, m.ladder, coalesce(k.amount, 0) AS kept FROM recon_matches m `+withKept+`
		WHERE m.bucket = $1 AND m.statement = $2 AND m.no BETWEEN $3 AND $4 AND m.undone_at IS NULL ORDER BY m.no, m.part, m.expectation`, e.k.Bucket, e.k.Statement, first, last)
	if err != nil {
		return err
	}
	ladders := map[int]recon.Ladder{}
	for _, l := range legs {
		i, shown := e.at[[2]int{l.No, l.Part}]
		if !shown {
			continue
		}
		m := LineMatch{Expectation: expectationID(e.k.Bucket, l.Expectation), Paid: l.Paid, Owed: l.Owed, Kept: l.Kept, Rule: RulePerson, Fields: []recon.Field{}}
		if l.Rule == 0 {
			e.standing[i].ByPeople += l.Paid
		} else {
			e.standing[i].ByRules += l.Paid
			if ladders[l.Ladder] == nil {
				if ladders[l.Ladder], err = ladderOf(ctx, e.db, e.k.Bucket, e.of.Bank, l.Ladder); err != nil {
					return err
				}
			}
			rule := ladders[l.Ladder][l.Rule-1]
			m.Rule, m.Fields, m.Own = rule.Name, rule.On, rule.Own()
		}
		e.items[i].Matches = append(e.items[i].Matches, m)
	}
	return nil
}

// exceptions adds what is, or was, listed.
func (e *explaining) exceptions(ctx context.Context) error {
	first, last := e.between()
	var listed []struct {
		exceptionKey
		State      recon.State `db:"state"`
		Resolution string      `db:"resolution"`
	}
	if err := all(ctx, e.db, &listed, `SELECT bucket, statement, no, part, missing, state, resolution FROM recon_exceptions
		WHERE bucket = $1 AND statement = $2 AND no BETWEEN $3 AND $4 AND no > 0`, e.k.Bucket, e.k.Statement, first, last); err != nil {
		return err
	}
	for _, x := range listed {
		i, shown := e.at[[2]int{x.No, x.Part}]
		if !shown {
			continue
		}
		e.items[i].Exception, e.standing[i].Exception = x.String(), x.State
		var plan resolutionPlan
		if json.Unmarshal([]byte(x.Resolution), &plan) == nil { // what became void tells why in words
			e.standing[i].Way = plan.Way
		}
	}
	return nil
}

// ladderOf reads a ladder that was in force.
func ladderOf(ctx context.Context, q sqlx.QueryerContext, bucket int, bank string, version int) (recon.Ladder, error) {
	var text string
	if err := one(ctx, q, &text, `SELECT ladder FROM recon_ladders WHERE bucket = $1 AND bank_bic = $2 AND version = $3`, bucket, bank, version); err != nil {
		return nil, err
	}
	var l recon.Ladder
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return nil, fmt.Errorf("couldn't read the rules of %s: %w", bank, err)
	}
	return l, nil
}

// UndoneMatch is what undoing gave back.
type UndoneMatch struct {
	// Exceptions are those about the lines, which belong to the person now.
	Exceptions []string `json:"exceptions"`
	Posting    string   `json:"posting"`
}

// MatchUndoing says which match is to be undone, and why.
type MatchUndoing struct {
	No      int    `json:"no"`
	Part    int    `json:"part"`
	Comment string `json:"comment"`
}

// legRow is a live leg of a match.
type legRow struct {
	No          int   `db:"no"`
	Part        int   `db:"part"`
	Statement   int64 `db:"statement"`
	Expectation int64 `db:"expectation"`
	Paid        int64 `db:"paid"`
	Owed        int64 `db:"owed"`
	Turn        int   `db:"turn"`
	Forward     bool  `db:"forward"`
	// Kept is what the bank has kept back of it for the commission that Agency bears.
	Kept   int64  `db:"kept"`
	Agency string `db:"agency"`
	// Account of the line: instalments of one payment may stand on several of a bank.
	Account string `db:"account"`
}

// UndoMatch takes back the match that rules made of one line, and nothing else: all legs of the line, and of an expectation that several
// lines pay together the legs of those lines. The ledger gets the opposite transfers; the lines become exceptions in the hands of the
// person, which no rule takes; so do payments that were missing until these lines came. Decisions of people are resolved exceptions and stand. Errors: [ErrMatchUnknown], [ErrStatementUnknown],
// [ErrInvalid].
func (s *Service) UndoMatch(ctx context.Context, idem Idem, statement string, u MatchUndoing) (UndoneMatch, bool, error) {
	bucket, key, ok := statementKey(statement)
	if !ok {
		return UndoneMatch{}, false, ErrStatementUnknown
	}
	if u.Comment == "" || len(u.Comment) > commentMax {
		return UndoneMatch{}, false, ErrInvalid.with("say why").at("comment")
	}
	out, repeated, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (UndoneMatch, error) {
		var account accountRow
		err := one(ctx, tx, &account, `SELECT bucket, account, bank_bic FROM statements WHERE bucket = $1 AND id = $2`, bucket, key)
		if err := orMissing(err, ErrStatementUnknown); err != nil {
			return UndoneMatch{}, err
		}
		if _, err := lockHead(ctx, tx, bucket, account.Bank); err != nil {
			return UndoneMatch{}, err
		}
		legs, err := matchOf(ctx, tx, bucket, key, u)
		if err != nil {
			return UndoneMatch{}, err
		}
		out, err := s.undo(ctx, tx, account, legs, idem.Caller)
		if err != nil {
			return UndoneMatch{}, err
		}
		if err := checkAccountsOf(ctx, tx, account, legs); err != nil {
			return UndoneMatch{}, err
		}
		return out, s.audit(ctx, tx, entry{idem.Caller, "match.undone", statement, map[string]any{"line": u, "undone": out}})
	})
	if err == nil && !repeated {
		s.kick(s.wakeCheckpoint)
	}
	return out, repeated, err
}

// checkAccountsOf proves each account on which legs stand; a line may have thousands of them.
func checkAccountsOf(ctx context.Context, tx *sqlx.Tx, of accountRow, legs []legRow) error {
	checked := map[string]bool{}
	for _, l := range legs {
		if checked[l.Account] {
			continue
		}
		checked[l.Account] = true
		if _, _, err := checkAccount(ctx, tx, of.Bucket, of.Bank, l.Account); err != nil {
			return err
		}
	}
	return nil
}

// matchOf is the match of a line with all that belongs to it.
func matchOf(ctx context.Context, tx *sqlx.Tx, bucket int, statement int64, u MatchUndoing) ([]legRow, error) {
	var legs []legRow
	err := all(ctx, tx, &legs, `
		SELECT DISTINCT m.no, m.part, m.statement, m.expectation, m.paid, m.owed, m.turn, coalesce(k.amount, 0) AS kept, coalesce(k.agency, '') AS agency,
			(SELECT x.kind = 'forward' FROM expectations x WHERE x.bucket = $1 AND x.no = m.expectation) AS forward,
			(SELECT s.account FROM statements s WHERE s.bucket = $1 AND s.id = m.statement) AS account
		FROM recon_matches l JOIN recon_matches m ON m.bucket = $1 AND m.undone_at IS NULL AND m.rule > 0 AND (
			(m.statement = l.statement AND m.no = l.no AND m.part = l.part) OR (NOT l.whole AND NOT m.whole AND m.expectation = l.expectation)) `+withKept+`
		WHERE l.bucket = $1 AND l.statement = $2 AND l.no = $3 AND l.part = $4 AND l.undone_at IS NULL AND l.rule > 0
		ORDER BY m.statement, m.no, m.part, m.expectation`, bucket, statement, u.No, u.Part)
	if err == nil && len(legs) == 0 {
		err = ErrMatchUnknown
	}
	return legs, err
}

func sign(n int64) int64 {
	if n < 0 {
		return -1
	}
	return 1
}

// undo takes legs back.
func (s *Service) undo(ctx context.Context, tx *sqlx.Tx, account accountRow, legs []legRow, actor string) (UndoneMatch, error) {
	out, now := UndoneMatch{Exceptions: []string{}}, s.now()
	lines, sums, accounts := map[exceptionKey]int64{}, map[exceptionKey]int64{}, map[exceptionKey]string{}
	var order []exceptionKey
	var back []recon.Leg
	for _, l := range legs {
		k := exceptionKey{Bucket: account.Bucket, Statement: l.Statement, No: l.No, Part: l.Part}
		if _, seen := lines[k]; !seen {
			order = append(order, k)
		}
		lines[k], accounts[k] = l.Expectation, l.Account
		sums[k] += l.Paid
		moved := matchedSum{Bank: account.Bank, Account: l.Account, Direction: sign(l.Owed), Paid: abs(l.Paid), Owed: abs(l.Owed), Forward: l.Forward, Kept: l.Kept}
		was := moved.legs()
		if l.Kept > 0 {
			was = append(was, recon.KeptLegs(account.Bank, []recon.Kept{{Agency: l.Agency, Tiyn: l.Kept}})...)
		}
		for _, m := range was {
			back = append(back, recon.Leg{Debit: m.Credit, Credit: m.Debit, Tiyn: m.Tiyn})
		}
		if err := exec(ctx, tx, 1, `UPDATE recon_matches SET undone_at = $7
			WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4 AND expectation = $5 AND turn = $6`,
			account.Bucket, l.Statement, l.No, l.Part, l.Expectation, l.Turn, now); err != nil {
			return out, err
		}
	}
	for _, k := range order {
		kind := recon.Surplus
		if sums[k] < 0 {
			kind = recon.Withdrawal
		}
		if err := exec(ctx, tx, 1, `
			INSERT INTO recon_exceptions (bucket, statement, no, part, missing, bank_bic, account, kind, state, amount, related, rule, owner, opened_on, version,
				proposal, proposed_by, resolution, posting_id, changed_at)
			VALUES ($1, $2, $3, $4, 0, $5, $6, $7, 'assigned', $8, $9, 0, $10, $11, 1, '', '', '', '', $12)
			ON CONFLICT (bucket, statement, no, part, missing) DO UPDATE SET state = 'assigned', kind = excluded.kind, amount = excluded.amount, related = excluded.related,
				owner = excluded.owner, resolution = '', changed_at = excluded.changed_at, version = recon_exceptions.version + 1`,
			k.Bucket, k.Statement, k.No, k.Part, account.Bank, accounts[k], string(kind), sums[k], lines[k], actor, recon.DayOf(now), now); err != nil {
			return out, err
		}
		out.Exceptions = append(out.Exceptions, k.String())
	}
	if err := missAgain(ctx, tx, legs, inHands{account.Bucket, actor, now}); err != nil {
		return out, err
	}
	first := legs[0]
	request, any := posting(account.Bucket, ledger.Correction, fmt.Sprintf("%s:%d.%d:undone:%d", statementPublicID(account.Bucket, first.Statement), first.No, first.Part, now.UnixMicro()), "match undone", back)
	if !any {
		return out, nil
	}
	ids, err := s.postAll(ctx, tx, []postingRequest{request})
	if err != nil {
		return out, err
	}
	out.Posting = ids[0]
	return out, nil
}

// inHands is who takes exceptions of a bucket up, and when.
type inHands struct {
	bucket int
	actor  string
	at     time.Time
}

// missAgain takes up what was listed as missing before its line came, and is unpaid again: nothing lists it a second time.
func missAgain(ctx context.Context, tx *sqlx.Tx, legs []legRow, in inHands) error {
	nos := make([]int64, len(legs))
	for i, l := range legs {
		nos[i] = l.Expectation
	}
	return exec(ctx, tx, -1, `
		UPDATE recon_exceptions SET state = 'assigned', owner = $3, resolution = '', changed_at = $4, version = version + 1
		WHERE bucket = $1 AND statement = 0 AND no = 0 AND part = 0 AND missing = ANY($2) AND (state = 'void' OR (state = 'archived' AND resolution NOT LIKE '{%'))`,
		in.bucket, int64Array(nos), in.actor, in.at)
}
