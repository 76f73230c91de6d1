package payment

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"qaqpa/payment/recon"
)

// Sources of statement files.
const (
	SourceAPI    = "api"
	SourceFolder = "folder"
	SourceCLI    = "cli"
)

// StatementFile is a file of a bank.
type StatementFile struct {
	// Body is read from its beginning, and again when the file turns out to be signed.
	Body io.ReadSeeker
	// Name is what the sender calls it, for people; up to 200 bytes are kept.
	Name string
	// Source is one of the sources.
	Source string
	// Actor brings it, for the audit log. Also are further names under which the same person acts; see Replace.
	Actor string
	Also  []string
	// Bank limits the file to accounts at one bank, by its BIC; empty means any.
	Bank string
	// Replace admits a statement whose number is booked already, when another person than Actor has proposed to withdraw the booked one, which
	// is taken back with all its matches that rules made: who sends the replacement is the second person.
	Replace bool
	// Instead, an id, is the only statement that may be replaced, and has to be; empty leaves it to the numbers.
	Instead string
}

// FileReport says what became of a file. The same file again gets the same report.
type FileReport struct {
	// SHA256 of the file, hex.
	SHA256     string            `json:"sha256"`
	Format     string            `json:"format"`
	SizeBytes  int64             `json:"size_bytes"`
	Signer     string            `json:"signer,omitempty"`
	VerdictID  string            `json:"verdict_id,omitempty"`
	ReceivedAt time.Time         `json:"received_at"`
	Statements []StatementReport `json:"statements"`
}

// StatementReport says what became of one statement. Amounts are tiyn.
type StatementReport struct {
	ID      string `json:"id"`
	Bank    string `json:"bank"`
	Account string `json:"account"`
	Number  int64  `json:"number"`
	Page    int    `json:"page"`
	From    string `json:"from"`
	To      string `json:"to"`
	// State is booked, noted (a notice or copy: nothing is booked), replaced or withdrawn.
	State   string `json:"state"`
	Opening int64  `json:"opening"`
	Closing int64  `json:"closing"`
	Credit  int64  `json:"credit"`
	Debit   int64  `json:"debit"`
	Lines   int64  `json:"lines"`
	// Matched counts lines that rules matched; Rules says by which.
	Matched int64       `json:"matched"`
	Rules   []RuleCount `json:"rules"`
	// Exceptions counts those that this statement opened, by kind.
	Exceptions []KindCount `json:"exceptions"`
	// LedgerBalance is the account's cash in the ledger after this statement, and Listed what open exceptions add to it:
	// together they are Closing.
	LedgerBalance int64 `json:"ledger_balance"`
	Listed        int64 `json:"listed"`
	// Warnings name what was noticed without being an exception, such as a gap in the numbers.
	Warnings []string `json:"warnings"`
	// Notices are the same in codes, in the same order; statements of long ago have none.
	Notices []Notice `json:"notices,omitempty"`
}

// Notice is a warning for those who branch on it, or tell it in another language.
type Notice struct {
	// Code is one of [NoticeCodes].
	Code string `json:"code"`
	// About is a year, an id or a range of numbers; empty where the code says all.
	About string `json:"about,omitempty"`
}

// Codes of notices.
const (
	noticeCalendar = "calendar_lacks_year"
	noticeUntold   = "balances_untold"
	noticeReplaced = "statement_replaced"
	noticeNumbers  = "numbers_missing"
)

// NoticeCodes lists the codes of notices.
func NoticeCodes() []string {
	return []string{noticeCalendar, noticeUntold, noticeReplaced, noticeNumbers}
}

// warn notes what is no exception, in English and as a code.
func (r *StatementReport) warn(code, about, english string) {
	r.Warnings, r.Notices = append(r.Warnings, english), append(r.Notices, Notice{code, about})
}

// RuleCount is how many lines a rule matched.
type RuleCount struct {
	Rule   string        `json:"rule"`
	Fields []recon.Field `json:"fields"`
	Lines  int64         `json:"lines"`
	Amount int64         `json:"amount"`
}

// KindCount sums exceptions of one kind.
type KindCount struct {
	Kind  recon.Kind `json:"kind"`
	Count int64      `json:"count"`
	// Amount is the sum in tiyn, money that came positive.
	Amount int64 `json:"amount"`
}

// MatchRate is the share of lines that rules matched, in per mille; 1000 when there are none.
func (r StatementReport) MatchRate() int64 {
	if r.Lines == 0 {
		return 1000
	}
	return r.Matched * 1000 / r.Lines
}

// statementPublicID is the id of a statement outside.
func statementPublicID(bucket int, id int64) string { return fmt.Sprintf("stm_%02x%016x", bucket, id) }

func statementKey(public string) (bucket int, id int64, ok bool) {
	rest, found := strings.CutPrefix(public, "stm_")
	if !found || len(rest) != 18 || strings.ToLower(rest) != rest {
		return 0, 0, false
	}
	b, err1 := strconv.ParseUint(rest[:2], 16, 8)
	n, err2 := strconv.ParseUint(rest[2:], 16, 63)
	return int(b), int64(n), err1 == nil && err2 == nil
}

// exceptionKey is the primary key of an exception.
type exceptionKey struct {
	Bucket    int   `db:"bucket"`
	Statement int64 `db:"statement"`
	No        int   `db:"no"`
	Part      int   `db:"part"`
	Missing   int64 `db:"missing"`
}

func (k exceptionKey) String() string {
	return fmt.Sprintf("exc_%02x%016x%08x%08x%016x", k.Bucket, uint64(k.Statement), uint32(k.No), uint32(k.Part), uint64(k.Missing)) //nolint:gosec // G115: bits as they are
}

// parseExceptionID reads the id of an exception; ok is false when the text cannot be one.
func parseExceptionID(id string) (k exceptionKey, ok bool) {
	rest, found := strings.CutPrefix(id, "exc_")
	if !found || len(rest) != 2+16+8+8+16 || strings.ToLower(rest) != rest {
		return k, false
	}
	var parts [5]uint64
	for i, width := range [5]int{2, 16, 8, 8, 16} {
		n, err := strconv.ParseUint(rest[:width], 16, 64)
		if err != nil {
			return k, false
		}
		parts[i], rest = n, rest[width:]
	}
	k = exceptionKey{Bucket: int(parts[0]), Statement: int64(parts[1]), No: int(int32(parts[2])), Part: int(int32(parts[3])), Missing: int64(parts[4])} //nolint:gosec // G115: bits as they were
	return k, k.String() == id
}

// accountRow is an account of ours with the terms of its bank.
type accountRow struct {
	Bucket  int    `db:"bucket"`
	Account string `db:"account"`
	Bank    string `db:"bank_bic"`
	Signed  bool   `db:"signed"`
}

// headRow is the row of a bank that orders the work on it.
type headRow struct {
	Bucket        int        `db:"bucket"`
	Bank          string     `db:"bank_bic"`
	Ladder        string     `db:"ladder"`
	LadderVersion int        `db:"ladder_version"`
	CutOff        int        `db:"cut_off_minute"`
	TermDays      int        `db:"term_days"`
	AgedOn        *time.Time `db:"aged_on"`
	Forwards      bool       `db:"forwards"`
}

const headColumns = `bucket, bank_bic, ladder, ladder_version, cut_off_minute, term_days, aged_on, forwards`

func (h headRow) terms() recon.Terms { return recon.Terms{CutOffMinute: h.CutOff, Days: h.TermDays} }

func (h headRow) rules() (recon.Ladder, error) {
	var l recon.Ladder
	if err := json.Unmarshal([]byte(h.Ladder), &l); err != nil {
		return nil, fmt.Errorf("couldn't read the rules of %s: %w", h.Bank, err)
	}
	return l, l.Check()
}
