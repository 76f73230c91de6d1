package payment

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ahead"
	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
	"qaqpa/payment/statement"
)

// Limits of files.
const (
	// signedBytesMax bounds a signed file, which is held in memory while it is validated.
	signedBytesMax = 64 << 20
	fileNameMax    = 200
)

// xmldsigNamespace marks an XML signature; it stands in each one and nowhere else in a bank's file.
var xmldsigNamespace = []byte("http://www.w3.org/2000/09/xmldsig#")

// errSigned says that a file which was being read as it stands carries a signature and has to be validated first.
var errSigned = errors.New("the file is signed")

// Reconcile takes in a file of a bank: it is validated if it is signed, read as a stream, stored, matched and booked, all
// in one transaction of the database, so that a crash leaves the whole file or nothing of it. Memory does not grow with an
// unsigned file; a signed one may have 64 MiB. The same bytes again return the stored report and change nothing; the second
// value says so.
//
// Refusals: [ErrStatementUnreadable], [ErrStatementCheck], [ErrStatementAccount], [ErrStatementNumber],
// [ErrStatementUnsigned], [ErrSignatureInvalid], [ErrStatementSigner], [ErrPeriodClosed], [ErrVerifierUnavailable]; of a replacement
// [ErrStatementState] when nobody has proposed to withdraw the booked one, [ErrFourEyes] when the sender has, [ErrStatementTouched].
func (s *Service) Reconcile(ctx context.Context, f StatementFile) (FileReport, bool, error) {
	if err := f.check(); err != nil {
		return FileReport{}, false, err
	}
	// What was executed before the file came has to be expected when it is matched.
	if err := s.expect(ctx); err != nil {
		return FileReport{}, false, err
	}
	start := s.now()
	report, repeated, err := s.reconcilePlain(ctx, f)
	if errors.Is(err, errSigned) {
		report, repeated, err = s.reconcileSigned(ctx, f)
	}
	if err != nil {
		s.metrics.recon.files.WithLabelValues("refused").Inc()
		return FileReport{}, false, statementRefusal(err)
	}
	s.metrics.recon.observe(report, repeated, s.now().Sub(start))
	if !repeated {
		s.kick(s.wakeCheckpoint)
	}
	return report, repeated, nil
}

func (f StatementFile) check() error {
	if f.Body == nil || f.Actor == "" || (f.Instead != "" && !f.Replace) || !slices.Contains([]string{SourceAPI, SourceFolder, SourceCLI}, f.Source) {
		return ErrInvalid.with("a file needs a body, an actor and a source")
	}
	return nil
}

// statementRefusal turns what the reader says of a file into a refusal.
func statementRefusal(err error) error {
	if refused := unreadable(err); refused != nil {
		return refused
	}
	return err
}

// reconcilePlain takes in a file that is not signed. Its lines are matched by the first rule while they are read, where what is read first
// tells enough for that, and by the database where it does not, or turns out to have told too little.
func (s *Service) reconcilePlain(ctx context.Context, f StatementFile) (FileReport, bool, error) {
	first, err := s.peek(ctx, f, f.Body)
	if err != nil {
		return FileReport{}, false, err
	}
	for {
		if _, err := f.Body.Seek(0, io.SeekStart); err != nil {
			return FileReport{}, false, fmt.Errorf("couldn't read the file from its beginning: %w", err)
		}
		report, repeated, err := s.takeIn(ctx, f, &digester{r: f.Body, sum: sha256.New(), seek: xmldsigNamespace}, nil, first)
		if first.account == nil || !unprobed(err) {
			return report, repeated, err
		}
		first.account = nil
	}
}

// intake is one file on its way into the database.
type intake struct {
	*Service
	file   StatementFile
	digest *digester
	signed *signedBy
	now    time.Time
	bins   map[string]string // of banks
	lastID int64             // of the statements in it
	// replaced are the ids of statements that it has taken back.
	replaced []string
	probe    *probing // nil when the database alone matches
}

// takeIn reads a file into the database and books it. What is to be read is what d reads, unless d has read the file as a whole; then by
// has what was signed. first is what the file was seen to begin with.
func (s *Service) takeIn(ctx context.Context, f StatementFile, d *digester, by *signedBy, first *firstSeen) (report FileReport, repeated bool, err error) {
	conn, err := s.cfg.Bulk.Connx(ctx)
	if err != nil {
		return report, false, fmt.Errorf("couldn't get a connection for the file: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	tx, err := conn.BeginTxx(ctx, nil)
	if err != nil {
		return report, false, fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	defer func() {
		if err != nil || repeated {
			_ = tx.Rollback() // after a commit it does nothing
		}
	}()
	in := &intake{Service: s, file: f, digest: d, signed: by, now: s.now(), bins: map[string]string{}}
	if in.probe, err = s.probeFor(ctx, tx, first); err != nil {
		return report, false, err
	}
	w := &lineWriter{account: func(id, _ string) (accountRow, error) { return in.accountOf(ctx, id) }, newID: in.newID, today: recon.DayOf(in.now), probe: in.probe}
	var r io.Reader
	if by != nil {
		r = by.content
	} else {
		file := ahead.New(d) // reads and hashes while what came before is parsed
		defer file.Stop()
		r = file
	}
	var summary statement.Summary
	err = withCopy(ctx, conn, copyQueries[:], func(c *copyIn) error {
		w.copy = c
		if summary, err = statement.Read(r, w, first.options); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, r) // what stands behind the end of the file is part of its digest
		return err
	})
	if err != nil {
		return report, false, err
	}
	report = FileReport{
		SHA256: hex.EncodeToString(d.sum.Sum(nil)), Format: string(summary.Format), SizeBytes: d.size, ReceivedAt: in.now, Statements: []StatementReport{},
	}
	if by != nil {
		report.Signer, report.VerdictID = by.names, by.verdict
	}
	stored, err := in.claim(ctx, tx, report)
	if err != nil {
		return report, false, err
	}
	if stored != nil {
		return *stored, true, nil
	}
	if err := in.book(ctx, tx, w.done, &report); err != nil {
		return report, false, err
	}
	if err := tx.Commit(); err != nil {
		return report, false, fmt.Errorf("couldn't commit: %w", err)
	}
	return report, false, nil
}

// claim registers the file by its digest. A file that is there already, or that another process is taking in at this
// moment, gives its report instead.
func (in *intake) claim(ctx context.Context, tx *sqlx.Tx, r FileReport) (*FileReport, error) {
	sum, err := hex.DecodeString(r.SHA256)
	if err != nil {
		return nil, err
	}
	result, err := tx.ExecContext(ctx, `
		INSERT INTO statement_files (bucket, sha256, name, source, size_bytes, signer, verdict_id, received_by, received_at, result)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '') ON CONFLICT DO NOTHING`,
		int(sum[0]), sum, strings.ToValidUTF8(strings.ReplaceAll(clipBytes(in.file.Name, fileNameMax), "\x00", ""), ""), in.file.Source, r.SizeBytes, r.Signer, r.VerdictID, in.file.Actor, in.now)
	if err != nil {
		return nil, fmt.Errorf("couldn't register the file: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return nil, err
	}
	var body []byte
	if err := one(ctx, tx, &body, `SELECT result FROM statement_files WHERE bucket = $1 AND sha256 = $2`, int(sum[0]), sum); err != nil {
		return nil, err
	}
	var stored FileReport
	if err := json.Unmarshal(body, &stored); err != nil {
		return nil, fmt.Errorf("couldn't read a stored report: %w", err)
	}
	again, err := givenUp(ctx, tx, stored, in.file.Actor)
	if err != nil || !again {
		return &stored, err
	}
	return nil, exec(ctx, tx, 1, `UPDATE statement_files SET source = $3, received_by = $4, received_at = $5 WHERE bucket = $1 AND sha256 = $2`,
		int(sum[0]), sum, in.file.Source, in.file.Actor, in.now)
}

// book books all statements of a file, in the order of banks so that two files never wait for each other in a circle.
func (in *intake) book(ctx context.Context, tx *sqlx.Tx, done []parsedStatement, report *FileReport) error {
	if len(done) == 0 {
		return ErrStatementUnreadable.with("the file has no statement").of(reasonNoStatement, "")
	}
	if err := in.signer(ctx, done); err != nil {
		return err
	}
	slices.SortStableFunc(done, func(a, b parsedStatement) int {
		if c := strings.Compare(a.account.Bank, b.account.Bank); c != 0 {
			return c
		}
		if c := strings.Compare(a.account.Account, b.account.Account); c != 0 {
			return c
		}
		return a.to.Compare(b.to)
	})
	days, err := calendar(ctx, tx)
	if err != nil {
		return err
	}
	sum := in.digest.sum.Sum(nil)
	var requests []postingRequest
	for _, bank := range splitByBank(done) {
		b := &bankBooking{intake: in, tx: tx, days: days}
		if err := b.run(ctx, bank, sum); err != nil {
			return err
		}
		for _, st := range b.statements {
			report.Statements = append(report.Statements, st.report)
			requests = append(requests, st.postings...)
		}
	}
	if in.file.Instead != "" && !slices.Contains(in.replaced, in.file.Instead) {
		return ErrStatementNumber.with("the file has no statement with the number of "+in.file.Instead).of(reasonNumberAbsent, in.file.Instead)
	}
	if _, err := in.postAll(ctx, tx, requests); err != nil {
		return err
	}
	for i := range report.Statements {
		st := &report.Statements[i]
		if st.LedgerBalance, st.Listed, err = checkAccount(ctx, tx, bucketOf(st.Bank), st.Bank, st.Account); err != nil {
			return err
		}
	}
	body, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("couldn't write the report: %w", err)
	}
	if err := exec(ctx, tx, 1, `UPDATE statement_files SET result = $3 WHERE bucket = $1 AND sha256 = $2`, int(sum[0]), sum, body); err != nil {
		return err
	}
	return in.audit(ctx, tx, entry{in.file.Actor, "statement.booked", "file:" + report.SHA256, report})
}

// splitByBank splits statements that are ordered by bank.
func splitByBank(done []parsedStatement) [][]parsedStatement {
	var banks [][]parsedStatement
	for i, p := range done {
		if i == 0 || p.account.Bank != done[i-1].account.Bank {
			banks = append(banks, nil)
		}
		banks[len(banks)-1] = append(banks[len(banks)-1], p)
	}
	return banks
}

// accountOf finds the account of a statement. It is asked while the file's own connection is busy with the COPY.
func (in *intake) accountOf(ctx context.Context, id string) (accountRow, error) {
	var rows []accountRow
	if err := all(ctx, in.db, &rows, `SELECT bucket, account, bank_bic, signed FROM bank_accounts WHERE account = $1`, strings.ToValidUTF8(clipBytes(id, referenceBytesMax), "")); err != nil {
		return accountRow{}, err
	}
	if len(rows) != 1 || (in.file.Bank != "" && rows[0].Bank != in.file.Bank) {
		// A bank that asks about another bank's account learns no more than that it is not its own.
		return accountRow{}, ErrStatementAccount
	}
	return rows[0], nil
}

// statementRandomBits are the low bits of a statement's number; above them are milliseconds.
const statementRandomBits = 22

// newID makes the number of a statement: milliseconds and 22 random bits, so that it sorts by time. Those of one file count up, so that
// they sort as the file does.
func (in *intake) newID() (int64, error) {
	if in.lastID != 0 {
		in.lastID++
		return in.lastID, nil
	}
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("couldn't make an id: %w", err)
	}
	in.lastID = in.now.UnixMilli()<<statementRandomBits | int64(binary.BigEndian.Uint32(b[:])>>(32-statementRandomBits))
	return in.lastID, nil
}

// errUnbalanced says that ledger and statements differ by more than what is listed. It cannot happen; were it to, nothing is
// stored.
var errUnbalanced = errors.New("ledger and statement differ by more than the listed exceptions")

// checkAccount proves for an account: cash in the ledger + open exceptions about lines = closing balance of its last
// statement. It returns the two sums.
func checkAccount(ctx context.Context, tx *sqlx.Tx, bucket int, bank, account string) (cash, listed int64, err error) {
	var row struct {
		Cash    int64  `db:"cash"`
		Listed  int64  `db:"listed"`
		Closing *int64 `db:"closing"`
	}
	err = one(ctx, tx, &row, `
		SELECT
			(SELECT coalesce(sum(CASE WHEN debit_account = $3 THEN amount ELSE -amount END), 0) FROM transfers
				WHERE bucket = $1 AND posting_id IS NOT NULL AND (debit_account = $3 OR credit_account = $3))::bigint AS cash,
			(SELECT coalesce(sum(amount), 0) FROM recon_exceptions
				WHERE bucket = $1 AND bank_bic = $2 AND account = $4 AND missing = 0 AND state NOT IN `+settledStates+`)::bigint AS listed,
			(SELECT closing FROM statements WHERE bucket = $1 AND account = $4 AND state = 'booked' ORDER BY `+statementOrder("DESC")+` LIMIT 1) AS closing`,
		bucket, bank, string(ledger.BankCash(bank, account)), account)
	if err != nil || row.Closing == nil {
		return row.Cash, row.Listed, err
	}
	if row.Cash+row.Listed != *row.Closing {
		return 0, 0, fmt.Errorf("%w: account %s: ledger %d, exceptions %d, closing %d", errUnbalanced, account, row.Cash, row.Listed, *row.Closing)
	}
	return row.Cash, row.Listed, nil
}

// statementOrder is the order of an account's statements in time.
func statementOrder(direction string) string {
	return strings.ReplaceAll("closed_on %, opened_on %, number %, page %, id %", "%", direction)
}
