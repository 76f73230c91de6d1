package payment

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/money"
	"qaqpa/payment/recon"
)

// Exception is something between ledger and statements that does not fit.
type Exception struct {
	ID      string      `json:"id"`
	Version int         `json:"version"`
	Kind    recon.Kind  `json:"kind"`
	State   recon.State `json:"state"`
	Bank    string      `json:"bank"`
	// Account is empty for a missing payment.
	Account string `json:"account,omitempty"`
	// Statement is empty for a missing payment.
	Statement string `json:"statement,omitempty"`
	// Amount is the money at risk: positive when it came, or should come.
	money.Amount
	// Related is the expectation that it is about, if one is known.
	Related string `json:"related,omitempty"`
	// Rule is the place of the rule that saw it, 0 for none.
	Rule     int            `json:"rule"`
	Severity recon.Severity `json:"severity"`
	OpenedOn string         `json:"opened_on"`
	Days     int            `json:"days"`
	Age      string         `json:"age"`
	Owner    string         `json:"owner,omitempty"`
	// Proposal waits for a second person, ProposedBy made it.
	Proposal   string `json:"proposal,omitempty"`
	ProposedBy string `json:"proposed_by,omitempty"`
	Resolution string `json:"resolution,omitempty"`
	Posting    string `json:"posting,omitempty"`
	AnswerBy   string `json:"answer_by,omitempty"`
}

// ExceptionDetail is an exception with everything that a person needs to decide.
type ExceptionDetail struct {
	Exception
	// Line is what the bank shows; nil for a missing payment and for a gap.
	Line *recon.Line `json:"line,omitempty"`
	// Expected is the payment that is missing, or that the line names.
	Expected    *Expectation       `json:"expected,omitempty"`
	Suggestions []recon.Suggestion `json:"suggestions"`
	Notes       []ExceptionNote    `json:"notes"`
}

// Expectation is a payment that a statement should show.
type Expectation struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Source    string `json:"source"`
	Reference string `json:"reference"`
	money.Amount
	// Open is what no match has settled, in tiyn.
	Open   int64  `json:"open"`
	PaidOn string `json:"paid_on"`
	DueOn  string `json:"due_on"`
	Payer  string `json:"payer,omitempty"`
	KBK    string `json:"kbk,omitempty"`
}

// ExceptionNote is something that happened to an exception.
type ExceptionNote struct {
	Version  int       `json:"version"`
	Event    string    `json:"event"`
	Actor    string    `json:"actor"`
	Comment  string    `json:"comment,omitempty"`
	FileName string    `json:"file_name,omitempty"`
	At       time.Time `json:"at"`
}

// ExceptionQuery selects exceptions, the oldest first.
type ExceptionQuery struct {
	// Bank, Owner, Kind, Severity, Age (the name of a bucket) and State narrow; empty means all. Without a state those that are not
	// settled are listed.
	Bank, Owner string
	Kind        recon.Kind
	Severity    recon.Severity
	Age         string
	State       recon.State
	// After is the id after which to continue; empty starts.
	After string
	// Limit is 1 to 100; 0 means 50.
	Limit int
}

// ExceptionPage is a page of the queue.
type ExceptionPage struct {
	Items   []Exception `json:"items"`
	HasMore bool        `json:"has_more"`
}

// exceptionRow is a row of recon_exceptions.
type exceptionRow struct {
	exceptionKey
	Bank       string      `db:"bank_bic"`
	Account    string      `db:"account"`
	Kind       recon.Kind  `db:"kind"`
	State      recon.State `db:"state"`
	Tiyn       int64       `db:"amount"`
	Related    *int64      `db:"related"`
	Rule       int         `db:"rule"`
	Owner      string      `db:"owner"`
	OpenedOn   time.Time   `db:"opened_on"`
	Version    int         `db:"version"`
	Proposal   string      `db:"proposal"`
	ProposedBy string      `db:"proposed_by"`
	Resolution string      `db:"resolution"`
	Posting    string      `db:"posting_id"`
	AnswerBy   *time.Time  `db:"answer_by"`
}

// settledStates are the states in which nothing stands between ledger and statement any more; see [recon.State.Unsettled].
const settledStates = `('resolved', 'void', 'archived')`

const exceptionColumns = `bucket, statement, no, part, missing, bank_bic, account, kind, state, amount, related, rule, owner, opened_on, version,
	proposal, proposed_by, resolution, posting_id, answer_by`

func (r exceptionRow) exception(now time.Time) Exception {
	days := recon.DaysOpen(r.OpenedOn.UTC(), now)
	e := Exception{
		ID: r.String(), Version: r.Version, Kind: r.Kind, State: r.State, Bank: r.Bank, Account: r.Account, Amount: money.FromTiyn(r.Tiyn), Rule: r.Rule,
		Severity: recon.SeverityOf(r.Kind, r.Tiyn, days), OpenedOn: r.OpenedOn.Format(time.DateOnly), Days: days, Age: recon.AgeOf(days).String(),
		Owner: r.Owner, Proposal: r.Proposal, ProposedBy: r.ProposedBy, Resolution: r.Resolution, Posting: r.Posting,
	}
	if r.Statement != 0 {
		e.Statement = statementPublicID(r.Bucket, r.Statement)
	}
	if r.Related != nil {
		e.Related = expectationID(r.Bucket, *r.Related)
	}
	if r.AnswerBy != nil {
		e.AnswerBy = r.AnswerBy.Format(time.DateOnly)
	}
	return e
}

// expectationID is the id of an expectation outside.
func expectationID(bucket int, no int64) string {
	return fmt.Sprintf("exp_%02x%016x", bucket, uint64(no)) //nolint:gosec // G115: bits as they are
}

func parseExpectationID(id string) (bucket int, no int64, ok bool) {
	rest, found := strings.CutPrefix(id, "exp_")
	if !found || len(rest) != 18 || strings.ToLower(rest) != rest {
		return 0, 0, false
	}
	b, err1 := strconv.ParseUint(rest[:2], 16, 8)
	n, err2 := strconv.ParseUint(rest[2:], 16, 64)
	return int(b), int64(n), err1 == nil && err2 == nil //nolint:gosec // G115: bits as they were
}

// findException reads one, locked when suffix is FOR UPDATE.
func findException(ctx context.Context, q sqlx.QueryerContext, k exceptionKey, suffix string) (exceptionRow, error) {
	var row exceptionRow
	err := one(ctx, q, &row, `SELECT `+exceptionColumns+` FROM recon_exceptions
		WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4 AND missing = $5 `+suffix, k.Bucket, k.Statement, k.No, k.Part, k.Missing)
	return row, orMissing(err, ErrExceptionUnknown)
}

// Exception returns one with its line, its payment, suggestions and notes, or [ErrExceptionUnknown].
func (s *Service) Exception(ctx context.Context, id string) (ExceptionDetail, error) {
	k, ok := parseExceptionID(id)
	if !ok {
		return ExceptionDetail{}, ErrExceptionUnknown
	}
	row, err := findException(ctx, s.db, k, "")
	if err != nil {
		return ExceptionDetail{}, err
	}
	d := ExceptionDetail{Exception: row.exception(s.now()), Suggestions: []recon.Suggestion{}, Notes: []ExceptionNote{}}
	if d.Line, err = lineOf(ctx, s.db, k); err != nil {
		return d, err
	}
	if no := row.subject(); no != 0 {
		found, err := expectationsOf(ctx, s.db, k.Bucket, row.Bank, no)
		if err != nil {
			return d, err
		}
		if len(found) == 1 {
			e := found[0].public()
			d.Expected = &e
		}
	}
	if row.State.Unsettled() {
		if d.Suggestions, err = s.suggest(ctx, row, d); err != nil {
			return d, err
		}
	}
	d.Notes, err = notesOf(ctx, s.db, k)
	return d, err
}

// subject is the expectation that an exception is about, 0 for none.
func (r exceptionRow) subject() int64 {
	if r.Missing != 0 {
		return r.Missing
	}
	if r.Related != nil {
		return *r.Related
	}
	return 0
}

const lineSelect = `no, part, amount, booked_on, count, reverses, reference, uip, bank_reference, batch, payer, kbk, purpose, foreign_amount`

type lineRow struct {
	No            int       `db:"no"`
	Part          int       `db:"part"`
	Tiyn          int64     `db:"amount"`
	Booked        time.Time `db:"booked_on"`
	Count         int       `db:"count"`
	Reverses      bool      `db:"reverses"`
	Reference     string    `db:"reference"`
	UIP           string    `db:"uip"`
	BankReference string    `db:"bank_reference"`
	Batch         string    `db:"batch"`
	Payer         string    `db:"payer"`
	KBK           string    `db:"kbk"`
	Purpose       string    `db:"purpose"`
	Foreign       string    `db:"foreign_amount"`
}

func (r lineRow) line() recon.Line {
	return recon.Line{
		No: r.No, Part: r.Part, Tiyn: r.Tiyn, Foreign: r.Foreign, Booked: r.Booked.UTC(), Reference: r.Reference, UIP: r.UIP, BankReference: r.BankReference,
		Batch: r.Batch, Payer: r.Payer, KBK: r.KBK, Purpose: r.Purpose, Count: r.Count, Reverses: r.Reverses,
	}
}

// lineOf is the line of an exception, nil when it is about none.
func lineOf(ctx context.Context, q sqlx.QueryerContext, k exceptionKey) (*recon.Line, error) {
	var rows []lineRow
	if err := all(ctx, q, &rows, `SELECT `+lineSelect+` FROM statement_lines WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4`,
		k.Bucket, k.Statement, k.No, k.Part); err != nil || len(rows) == 0 {
		return nil, err
	}
	l := rows[0].line()
	return &l, nil
}

const expectationSelect = `
	SELECT x.bucket, x.no, x.amount, x.paid_on, x.due_on, x.bank_bic, x.kind, x.source, x.reference, x.uip, x.bank_reference, x.batch, x.payer, x.kbk, x.charged, x.charged_to,
		coalesce((SELECT sum(m.owed) FROM recon_matches m WHERE m.bucket = x.bucket AND m.expectation = x.no AND m.undone_at IS NULL), 0)::bigint AS settled
	FROM expectations x WHERE x.bucket = $1 AND x.bank_bic = $2 AND `

// expectationsOf reads expectations of a bank by number.
func expectationsOf(ctx context.Context, q sqlx.QueryerContext, bucket int, bank string, nos ...int64) ([]expectedRow, error) {
	var rows []expectedRow
	err := all(ctx, q, &rows, expectationSelect+`x.no = ANY($3) ORDER BY x.no`, bucket, bank, int64Array(nos))
	return rows, err
}

func (x expectedRow) public() Expectation {
	return Expectation{
		ID: expectationID(x.Bucket, x.No), Kind: x.Kind, Source: x.Source, Reference: x.Reference, Amount: money.FromTiyn(x.Tiyn), Open: x.Tiyn - x.Settled,
		PaidOn: x.PaidOn.Format(time.DateOnly), DueOn: x.DueOn.Format(time.DateOnly), Payer: x.Payer, KBK: x.KBK,
	}
}

func (x expectedRow) facts() recon.Facts {
	return recon.Facts{
		ID: expectationID(x.Bucket, x.No), Reference: x.Reference, BankReference: x.BankReference, UIP: x.UIP, Payer: x.Payer, KBK: x.KBK,
		Tiyn: x.Tiyn - x.Settled, Day: x.PaidOn.UTC(),
	}
}

// Limits of suggestions.
const (
	candidatesMax  = 200
	suggestionsMax = 5
)

// suggest ranks possible partners: open expectations for a line, open lines for a missing payment.
func (s *Service) suggest(ctx context.Context, row exceptionRow, d ExceptionDetail) ([]recon.Suggestion, error) {
	if d.Line != nil {
		l := d.Line
		var rows []expectedRow
		err := all(ctx, s.db, &rows, `SELECT * FROM (`+expectationSelect+`x.paid_on >= $3::date - 30 AND x.paid_on <= $3::date + 5
				AND (x.amount = $4 OR (x.payer = $5 AND $5 <> '') OR (x.reference = $6 AND $6 <> '') OR (x.uip = $7 AND $7 <> ''))
			ORDER BY abs(x.amount - $4), x.no LIMIT $8) AS x WHERE x.settled <> x.amount`,
			row.Bucket, row.Bank, l.Booked, l.Tiyn, l.Payer, l.Reference, l.UIP, candidatesMax)
		if err != nil {
			return nil, err
		}
		candidates := make([]recon.Facts, len(rows))
		for i, x := range rows {
			candidates[i] = x.facts()
		}
		of := recon.Facts{ID: row.String(), Reference: l.Reference, BankReference: l.BankReference, UIP: l.UIP, Payer: l.Payer, KBK: l.KBK, Tiyn: l.Tiyn, Day: l.Booked}
		return recon.Suggest(of, candidates, suggestionsMax), nil
	}
	if d.Expected == nil || row.Missing == 0 {
		return []recon.Suggestion{}, nil
	}
	found, err := expectationsOf(ctx, s.db, row.Bucket, row.Bank, row.Missing)
	if err != nil || len(found) != 1 {
		return []recon.Suggestion{}, err
	}
	x := found[0]
	var lines []struct {
		lineRow
		Statement int64 `db:"statement"`
	}
	err = all(ctx, s.db, &lines, `
		SELECT l.statement, l.no, l.part, l.amount, l.booked_on, l.count, l.reverses, l.reference, l.uip, l.bank_reference, l.batch, l.payer, l.kbk, l.purpose, l.foreign_amount
		FROM recon_exceptions e JOIN statement_lines l ON l.bucket = e.bucket AND l.statement = e.statement AND l.no = e.no AND l.part = e.part
		WHERE e.bucket = $1 AND e.bank_bic = $2 AND e.state NOT IN `+settledStates+` AND e.no > 0
			AND (l.amount = $3 OR (l.payer = $4 AND $4 <> '') OR l.reference = $5 OR (l.uip = $6 AND $6 <> ''))
		ORDER BY abs(l.amount - $3), l.statement, l.no, l.part LIMIT $7`,
		row.Bucket, row.Bank, x.Tiyn, x.Payer, x.Reference, x.UIP, candidatesMax)
	if err != nil {
		return nil, err
	}
	candidates := make([]recon.Facts, len(lines))
	for i, l := range lines {
		k := exceptionKey{Bucket: row.Bucket, Statement: l.Statement, No: l.No, Part: l.Part}
		candidates[i] = recon.Facts{ID: k.String(), Reference: l.Reference, BankReference: l.BankReference, UIP: l.UIP, Payer: l.Payer, KBK: l.KBK, Tiyn: l.Tiyn, Day: l.Booked.UTC()}
	}
	return recon.Suggest(x.facts(), candidates, suggestionsMax), nil
}

// int64Array is a parameter for = ANY.
func int64Array(nos []int64) any { return pq.Array(nos) }
