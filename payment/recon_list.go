package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// BankStatement is one statement of a bank in a list. Amounts are tiyn.
type BankStatement struct {
	ID      string `json:"id"`
	Bank    string `json:"bank"`
	Account string `json:"account"`
	Number  int64  `json:"number"`
	Page    int    `json:"page"`
	From    string `json:"from"`
	To      string `json:"to"`
	// State is booked, noted (a notice or copy: nothing is booked), replaced or withdrawn.
	State   string `json:"state"`
	Lines   int64  `json:"lines"`
	Opening int64  `json:"opening"`
	Closing int64  `json:"closing"`
	// Open counts the exceptions about it that are not settled, up to [OpenCountMax].
	Open       int       `json:"open"`
	ReceivedAt time.Time `json:"received_at"`
	// ProposedBy asks to withdraw or replace it, and Comment says why. They stay once it is done.
	ProposedBy string `json:"proposed_by,omitempty"`
	Comment    string `json:"comment,omitempty"`
}

// Bounds of a list of statements.
const (
	// OpenCountMax is where counting the open exceptions of one statement ends, so that a list costs the same whatever is in it.
	OpenCountMax = 1000
	// BankStatementsMax is how many statements a list has.
	BankStatementsMax = 50
)

// StatementQuery selects statements of a bank, the newest first.
type StatementQuery struct {
	Bank string
	// Account narrows; Waiting leaves those whose withdrawal waits for a second person.
	Account string
	Waiting bool
	// After is the id behind which to continue; empty starts.
	After string
	// Limit is 1 to [BankStatementsMax]; 0 means that.
	Limit int
}

// BankStatementPage is a page of statements.
type BankStatementPage struct {
	Items   []BankStatement `json:"items"`
	HasMore bool            `json:"has_more"`
}

// bankStatementRow is a row of statements as a list has it.
type bankStatementRow struct {
	Bucket  int       `db:"bucket"`
	ID      int64     `db:"id"`
	Bank    string    `db:"bank_bic"`
	Account string    `db:"account"`
	Number  int64     `db:"number"`
	Page    int       `db:"page"`
	From    time.Time `db:"opened_on"`
	To      time.Time `db:"closed_on"`
	State   string    `db:"state"`
	Lines   int64     `db:"lines"`
	Opening int64     `db:"opening"`
	Closing int64     `db:"closing"`
	Open    int       `db:"open"`
	At      time.Time `db:"created_at"`
	By      string    `db:"withdraw_by"`
	Why     string    `db:"withdraw_why"`
}

func (r bankStatementRow) public() BankStatement {
	return BankStatement{
		ID: statementPublicID(r.Bucket, r.ID), Bank: r.Bank, Account: r.Account, Number: r.Number, Page: r.Page, From: r.From.Format(time.DateOnly),
		To: r.To.Format(time.DateOnly), State: r.State, Lines: r.Lines, Opening: r.Opening, Closing: r.Closing, Open: r.Open, ReceivedAt: r.At.UTC(),
		ProposedBy: r.By, Comment: r.Why,
	}
}

const bankStatementSelect = `
	SELECT s.bucket, s.id, s.bank_bic, s.account, s.number, s.page, s.opened_on, s.closed_on, s.state, s.lines, s.opening, s.closing, s.created_at, s.withdraw_by, s.withdraw_why,
		(SELECT count(*) FROM (SELECT 1 FROM recon_exceptions e
			WHERE e.bucket = s.bucket AND e.statement = s.id AND e.state NOT IN ` + settledStates + ` LIMIT $1) AS o)::integer AS open
	FROM statements s WHERE `

// Statements lists statements of a bank. Errors: [ErrInvalid].
func (s *Service) Statements(ctx context.Context, q StatementQuery) (BankStatementPage, error) {
	if q.Limit == 0 {
		q.Limit = BankStatementsMax
	}
	before := int64(1<<63 - 1)
	if q.After != "" {
		_, id, ok := statementKey(q.After)
		if !ok {
			return BankStatementPage{}, ErrInvalid.with("no statement has this id").at("starting_after")
		}
		before = id
	}
	switch {
	case q.Bank == "":
		return BankStatementPage{}, ErrInvalid.with("whose statements?").at("bank")
	case q.Limit < 1 || q.Limit > BankStatementsMax:
		return BankStatementPage{}, ErrInvalid.with("1 to 50").at("limit")
	}
	var rows []bankStatementRow
	// Ids begin with the time, so that the order of the primary key is that of arrival.
	if err := all(ctx, s.db, &rows, bankStatementSelect+`s.bucket = $2 AND s.bank_bic = $3 AND s.id < $4 AND (s.account = $5 OR $5 = '')
			AND (NOT $6 OR (s.state = 'booked' AND s.withdraw_by <> '')) ORDER BY s.id DESC LIMIT $7`,
		OpenCountMax, bucketOf(q.Bank), q.Bank, before, q.Account, q.Waiting, q.Limit+1); err != nil {
		return BankStatementPage{}, err
	}
	page := BankStatementPage{Items: []BankStatement{}, HasMore: len(rows) > q.Limit}
	for _, r := range rows[:min(len(rows), q.Limit)] {
		page.Items = append(page.Items, r.public())
	}
	return page, nil
}

// waitingMax is the most statements that are listed as waiting for a second person.
const waitingMax = 100

// WaitingStatements lists the statements of all banks whose withdrawal waits for a second person, the newest first, at most 100.
func (s *Service) WaitingStatements(ctx context.Context) ([]BankStatement, error) {
	var rows []bankStatementRow
	if err := all(ctx, s.db, &rows, bankStatementSelect+`s.bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND s.state = 'booked' AND s.withdraw_by <> ''
		ORDER BY s.created_at DESC, s.id DESC LIMIT $2`, OpenCountMax, waitingMax); err != nil {
		return nil, err
	}
	out := make([]BankStatement, len(rows))
	for i, r := range rows {
		out[i] = r.public()
	}
	return out, nil
}

// BankStatements lists the statements of a bank that came last, the newest first, at most [BankStatementsMax].
func (s *Service) BankStatements(ctx context.Context, bank string) ([]BankStatement, error) {
	page, err := s.Statements(ctx, StatementQuery{Bank: bank})
	return page.Items, err
}

// Statement returns one statement, or [ErrStatementUnknown].
func (s *Service) Statement(ctx context.Context, id string) (BankStatement, error) {
	bucket, key, ok := statementKey(id)
	if !ok {
		return BankStatement{}, ErrStatementUnknown
	}
	var row bankStatementRow
	err := one(ctx, s.db, &row, bankStatementSelect+`s.bucket = $2 AND s.id = $3`, OpenCountMax, bucket, key)
	return row.public(), orMissing(err, ErrStatementUnknown)
}

// StatementReport returns what was told of a statement when its file came: what rules matched, and the exceptions that it opened.
// Errors: [ErrStatementUnknown].
func (s *Service) StatementReport(ctx context.Context, id string) (StatementReport, error) {
	bucket, key, ok := statementKey(id)
	if !ok {
		return StatementReport{}, ErrStatementUnknown
	}
	var result []byte
	err := one(ctx, s.db, &result, `SELECT f.result FROM statements s JOIN statement_files f ON f.bucket = get_byte(s.sha256, 0) AND f.sha256 = s.sha256
		WHERE s.bucket = $1 AND s.id = $2`, bucket, key)
	if err != nil {
		return StatementReport{}, orMissing(err, ErrStatementUnknown)
	}
	var file FileReport
	if err := json.Unmarshal(result, &file); err != nil {
		return StatementReport{}, fmt.Errorf("couldn't read a stored report: %w", err)
	}
	i := slices.IndexFunc(file.Statements, func(r StatementReport) bool { return r.ID == id })
	if i < 0 {
		return StatementReport{}, ErrStatementUnknown // its file was given up and taken in anew, under another id
	}
	return file.Statements[i], nil
}
