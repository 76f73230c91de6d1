package payment

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"qaqpa/payment/recon"
	"qaqpa/payment/recon/probe"
	"qaqpa/payment/statement"
)

// Tables that a file is copied into. Lines that the first rule leaves, and what it matches, are written beside the lines.
const (
	copyLines = iota
	copyMatches
	copyRest
)

var copyQueries = [...]string{
	copyLines:   `COPY statement_lines (` + lineColumns + `) FROM STDIN`,
	copyMatches: `COPY recon_matches (bucket, statement, no, part, expectation, paid, owed, turn, rule, ladder, whole) FROM STDIN`,
	copyRest:    `COPY rest_probed (statement, no, part, amount, booked_on, count, reverses, reference, uip, bank_reference, batch, payer, kbk, foreign_amount) FROM STDIN`,
}

const (
	// probeMax bounds the open payments that are held in memory while a file is read, 60 bytes each; of a bank with more the database
	// matches all.
	probeMax = 1_500_000
	// probeEarlyDays is how long before its first entry a statement without days of its own may have begun.
	probeEarlyDays = 5
)

// errUnprobed says that a file has statements from before what it began with: open payments of those days were not read.
var errUnprobed = errors.New("a statement begins before the first")

// unprobed reports whether the file is to be taken in once more by the database alone: what was read was too little, or two files with the
// same banks in another order have waited for each other.
func unprobed(err error) bool {
	return errors.Is(err, errUnprobed) || pq.As(err, pqerror.TRDeadlockDetected) != nil
}

// firstSeen is what a file begins with, and how it is to be read.
type firstSeen struct {
	options statement.Options
	// account of the first statement, nil for a file whose lines the database alone matches.
	account *accountRow
	from    recon.Day
}

// errSeen ends the first look at a file.
var errSeen = errors.New("seen enough")

// peeker reads the beginning of a file: the account of the first statement, and the day it begins.
type peeker struct {
	id    string
	from  recon.Day
	noted bool // nothing will be booked
}

// Statement implements statement.Handler.
func (p *peeker) Statement(h *statement.Header) error {
	p.id = h.Account.ID
	p.noted = h.Format.Kind() != statement.Booked || h.Copy != ""
	if h.From != 0 {
		p.from = dayOf(h.From)
		return errSeen
	}
	return nil
}

// Entry implements statement.Handler.
func (p *peeker) Entry(e *statement.Entry) error {
	for _, day := range [...]statement.Date{e.BookDate, e.ValueDate} {
		if day != 0 {
			p.from = dayOf(day).AddDate(0, 0, -probeEarlyDays)
			break
		}
	}
	return errSeen
}

// End implements statement.Handler.
func (p *peeker) End(*statement.Trailer) error { return errSeen }

// peek looks at the beginning of a file. A file that replaces a statement is matched by the database alone, for it takes matches back before it is
// matched itself. What is wrong with the file is told when it is read.
func (s *Service) peek(ctx context.Context, f StatementFile, body io.ReadSeeker) (*firstSeen, error) {
	readings, err := s.readings(ctx, f.Bank)
	if err != nil {
		return nil, err
	}
	seen := &firstSeen{}
	if seen.options, err = readings.ofTable(body); err != nil {
		return nil, err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("couldn't read the file from its beginning: %w", err)
	}
	p := &peeker{}
	if _, err := statement.Read(body, p, seen.options); !errors.Is(err, errSeen) {
		return seen, nil // whatever is wrong is found again and told when the file is read
	}
	if r, particular := readings[p.id]; particular && seen.options.Mapping == nil {
		seen.options = r.Options()
	}
	if f.Replace || s.probeMax == 0 || p.noted || p.from.IsZero() {
		return seen, nil
	}
	in := &intake{Service: s, file: f}
	if account, err := in.accountOf(ctx, p.id); err == nil {
		seen.account, seen.from = &account, p.from
	}
	return seen, nil
}

// probing matches the lines of one bank in a file by the first rule while they are read, and gathers the others.
type probing struct {
	bank    string
	from    recon.Day
	table   *probe.Table
	key     int // places of the fields among comparedColumns
	agree   int // -1 for none
	ladder  string
	current *parsedStatement // nil for one of another bank, or one that books nothing
	sums    map[int64]*[2]matchedSum
	order   []int64
}

// probeFor locks the bank and reads its open payments. It returns nil when the database has to match: the first rule is of another kind, or
// there are too many open payments for the memory.
func (s *Service) probeFor(ctx context.Context, tx *sqlx.Tx, first *firstSeen) (*probing, error) {
	if first.account == nil {
		return nil, nil
	}
	head, err := lockHead(ctx, tx, first.account.Bucket, first.account.Bank)
	if err != nil {
		return nil, err
	}
	ladder, err := head.rules()
	if err != nil {
		return nil, err
	}
	days, err := calendar(ctx, tx)
	if err != nil {
		return nil, err
	}
	rule := ladder[0]
	if !bulk(rule) || len(rule.Agree) > 1 {
		return nil, nil
	}
	m := &matcher{tx: tx, head: head, from: first.from, ladder: ladder, days: days}
	if err := m.settings(ctx); err != nil {
		return nil, err
	}
	p := &probing{
		bank: head.Bank, from: first.from, key: placeOf(rule.On[0]), agree: -1, ladder: strconv.Itoa(head.LadderVersion), sums: map[int64]*[2]matchedSum{},
		table: probe.New(probe.Config{First: maphash.MakeSeed(), Second: maphash.MakeSeed()}),
	}
	if len(rule.Agree) == 1 {
		p.agree = placeOf(rule.Agree[0])
	}
	whole, err := p.load(ctx, m, s.probeMax)
	if err != nil || !whole {
		return nil, err
	}
	return p, m.exec(ctx, `CREATE TEMP TABLE rest_probed (statement bigint, no integer, part integer, amount bigint, expectation bigint, booked_on date, count integer,
		reverses boolean, reference text, uip text, bank_reference text, batch text, payer text, kbk text, foreign_amount text) ON COMMIT DROP`)
}

func placeOf(f recon.Field) int {
	for i, c := range comparedColumns {
		if c == column(f) {
			return i
		}
	}
	return -1
}

// load fills the table with the open payments within the horizon; false says that they are more than limit.
func (p *probing) load(ctx context.Context, m *matcher, limit int) (whole bool, err error) {
	agree := "''"
	if p.agree >= 0 {
		agree = comparedColumns[p.agree]
	}
	key := comparedColumns[p.key]
	rows, err := m.tx.QueryContext(ctx, `
		SELECT x.no || E'\t' || x.amount || E'\t' || `+agree+` || E'\t' || `+key+` FROM expectations x
		WHERE x.bucket = $1 AND x.bank_bic = $2 AND x.paid_on >= $3 AND x.kind <> 'forward' AND `+key+` <> '' AND `+unmatched+` LIMIT $5`,
		m.head.Bucket, m.head.Bank, m.horizon(), m.since(), limit+1)
	if err != nil {
		return false, fmt.Errorf("couldn't read open payments: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var row sql.RawBytes
	var text []byte
	for rows.Next() {
		if err := rows.Scan(&row); err != nil {
			return false, fmt.Errorf("couldn't read an open payment: %w", err)
		}
		if p.table.Len() >= limit {
			return false, nil
		}
		no, rest, _ := bytes.Cut(row, []byte{'\t'})
		amount, rest, _ := bytes.Cut(rest, []byte{'\t'})
		value, name, _ := bytes.Cut(rest, []byte{'\t'})
		n, err1 := strconv.ParseInt(string(no), 10, 64)
		tiyn, err2 := strconv.ParseInt(string(amount), 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return false, fmt.Errorf("couldn't read an open payment: %w", err)
		}
		// As a line is written, so that what is equal there is equal here.
		text = appendCopyText(text[:0], value, len(value))
		end := len(text)
		text = appendCopyText(text, name, len(name))
		p.table.Add(n, tiyn, text[end:], text[:end])
	}
	if err := rows.Err(); err != nil {
		return false, fmt.Errorf("couldn't read open payments: %w", err)
	}
	return true, nil
}

// begin begins a statement.
func (p *probing) begin(s *parsedStatement) {
	if p == nil {
		return
	}
	p.current = nil
	if s.account.Bank == p.bank && !s.noted {
		p.current = s
	}
}

// probedLine is a line as it was written for the database.
type probedLine struct {
	no       int64
	part     int
	tiyn     int64
	marks    []byte // booked_on, count, reverses
	compared []byte // comparedColumns
	foreign  []byte
}

// line matches a line, or notes it for the ladder.
func (p *probing) line(c *copyIn, l probedLine) error {
	if p == nil || p.current == nil {
		return nil
	}
	no, found := int64(0), false
	if l.tiyn != 0 {
		key, agree := cutField(l.compared, p.key), []byte(nil)
		if p.agree >= 0 {
			agree = cutField(l.compared, p.agree)
		}
		no, found = p.table.Take(l.tiyn, key, agree)
	}
	if found {
		p.count(l.tiyn)
		t := &c.tables[copyMatches]
		t.buf = p.match(t.buf, l, no)
		return c.row(copyMatches)
	}
	t := &c.tables[copyRest]
	b := appendInts(t.buf, p.current.id, l.no, int64(l.part), l.tiyn)
	b = append(append(b, l.marks...), l.compared...)
	t.buf = append(b, l.foreign...)
	return c.row(copyRest)
}

// match writes a row of recon_matches.
func (p *probing) match(b []byte, l probedLine, expectation int64) []byte {
	b = appendInts(b, int64(p.current.account.Bucket), p.current.id, l.no, int64(l.part), expectation, l.tiyn, l.tiyn)
	b = append(b, "0\t1\t"...)
	b = append(b, p.ladder...)
	return append(b, "\ttrue"...)
}

func appendInts(b []byte, values ...int64) []byte {
	for _, v := range values {
		b = append(strconv.AppendInt(b, v, 10), '\t')
	}
	return b
}

// cutField returns a field of a row.
func cutField(row []byte, place int) []byte {
	for range place {
		row = row[bytes.IndexByte(row, '\t')+1:]
	}
	return row[:bytes.IndexByte(row, '\t')]
}

func (p *probing) count(tiyn int64) {
	sums := p.sums[p.current.id]
	if sums == nil {
		sums = &[2]matchedSum{{Direction: 1}, {Direction: -1}}
		p.sums[p.current.id] = sums
		p.order = append(p.order, p.current.id)
		for i := range sums {
			sums[i].Statement, sums[i].Bank, sums[i].Account, sums[i].Rule = p.current.id, p.bank, p.current.account.Account, 1
		}
	}
	s := &sums[0]
	if tiyn < 0 {
		s, tiyn = &sums[1], -tiyn
	}
	s.Lines, s.Paid, s.Owed = s.Lines+1, s.Paid+tiyn, s.Owed+tiyn
}

// matched is what the first rule matched, statement by statement.
func (p *probing) matched() []matchedSum {
	var sums []matchedSum
	for _, id := range p.order {
		for _, s := range p.sums[id] {
			if s.Lines > 0 {
				sums = append(sums, s)
			}
		}
	}
	return sums
}

// rest takes the place of the first join for a bank whose lines were probed.
func (m *matcher) rest(ctx context.Context) error {
	if m.from.Before(m.probe.from) {
		return errUnprobed
	}
	return m.steps(ctx,
		step{`ALTER TABLE rest_probed RENAME TO rest_first`, nil},
		step{`CREATE TEMP TABLE rest_lost (statement bigint, no integer, part integer) ON COMMIT DROP`, nil})
}
