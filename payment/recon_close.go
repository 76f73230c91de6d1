package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/canon"
	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// PeriodRegisterType marks the layout of a register.
const PeriodRegisterType = "period-register"

// PeriodClosing is a closed period of an account.
type PeriodClosing struct {
	Bank     string    `json:"bank"`
	Account  string    `json:"account"`
	Through  string    `json:"through"`
	ClosedAt time.Time `json:"closed_at"`
	ClosedBy string    `json:"closed_by"`
	// Archived counts the exceptions that were settled and are put away with the period.
	Archived int64 `json:"archived"`
	// Register is the sealed document.
	Register PeriodRegister `json:"register"`
}

// PeriodRegister is what a closed period says, in tiyn. Its canonical JSON is sealed.
type PeriodRegister struct {
	Type    string `json:"type"`
	Bank    string `json:"bank"`
	Account string `json:"account"`
	From    string `json:"from"`
	Through string `json:"through"`
	Opening int64  `json:"opening"`
	Closing int64  `json:"closing"`
	Credit  int64  `json:"credit"`
	Debit   int64  `json:"debit"`
	// LedgerBalance + Listed = Closing.
	LedgerBalance int64 `json:"ledger_balance"`
	Listed        int64 `json:"listed"`
	// Statements are those of the period, in order.
	Statements []PeriodStatement `json:"statements"`
	Matches    int64             `json:"matches"`
	Exceptions []KindCount       `json:"exceptions"`
	// BankOwes is what the bank owes at this moment for payments that it has executed (R6).
	BankOwes int64 `json:"bank_owes"`
}

// PeriodStatement is a statement in a register.
type PeriodStatement struct {
	ID      string `json:"id" db:"-"`
	Key     int64  `json:"-" db:"id"`
	Number  int64  `json:"number" db:"number"`
	Opening int64  `json:"opening" db:"opening"`
	Closing int64  `json:"closing" db:"closing"`
	SHA256  string `json:"sha256" db:"sha256"`
}

// ClosePeriod closes an account through a day on which a statement ends: from then on no statement is booked into it. Its register is
// sealed and kept. Every exception of the period must be resolved or in somebody's hands. Errors: [ErrStatementAccount],
// [ErrPeriodClosed], [ErrPeriodOpen], [ErrInvalid].
func (s *Service) ClosePeriod(ctx context.Context, idem Idem, account, through string) (PeriodClosing, bool, error) {
	day, err := time.Parse(time.DateOnly, through)
	if err != nil {
		return PeriodClosing{}, false, ErrInvalid.with("YYYY-MM-DD").at("through")
	}
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (PeriodClosing, error) {
		var a accountRow
		if err := orMissing(one(ctx, tx, &a, `SELECT bucket, account, bank_bic, signed FROM bank_accounts WHERE account = $1`, account), ErrStatementAccount); err != nil {
			return PeriodClosing{}, err
		}
		if _, err := lockHead(ctx, tx, a.Bucket, a.Bank); err != nil {
			return PeriodClosing{}, err
		}
		from, err := periodBegin(ctx, tx, a, day)
		if err != nil {
			return PeriodClosing{}, err
		}
		register, err := periodRegister(ctx, tx, a, from, day)
		if err != nil {
			return PeriodClosing{}, err
		}
		document, err := canon.Marshal(register)
		if err != nil {
			return PeriodClosing{}, fmt.Errorf("couldn't write the register: %w", err)
		}
		// Sealing is work of the token, of milliseconds; the lock that is held meanwhile is that of one bank's statements.
		seal, err := s.cfg.Sealer.Seal(ctx, document)
		if err != nil {
			return PeriodClosing{}, fmt.Errorf("couldn't seal the register: %w", err)
		}
		out := PeriodClosing{Bank: a.Bank, Account: a.Account, Through: through, ClosedAt: s.now(), ClosedBy: idem.Caller, Register: register}
		if err := exec(ctx, tx, 1, `INSERT INTO recon_periods (bucket, account, through, bank_bic, register, seal, closed_by, closed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			a.Bucket, a.Account, day, a.Bank, document, seal, out.ClosedBy, out.ClosedAt); err != nil {
			return PeriodClosing{}, err
		}
		if out.Archived, err = archive(ctx, tx, a, day, out.ClosedAt); err != nil {
			return PeriodClosing{}, err
		}
		return out, s.audit(ctx, tx, entry{idem.Caller, "period.closed", "account:" + a.Account, out})
	})
}

// archive puts the settled exceptions of a closed period away. A payment that was missing and has been paid since belongs to no account:
// it is put away once the statements that show it lie in closed periods, because one that may still be withdrawn would make it missing again.
func archive(ctx context.Context, tx *sqlx.Tx, a accountRow, through recon.Day, now time.Time) (int64, error) {
	from, err := recon.From(recon.Archive)
	if err != nil {
		return 0, err
	}
	result, err := tx.ExecContext(ctx, `
		UPDATE recon_exceptions e SET state = $6, changed_at = $5, version = version + 1
		WHERE e.bucket = $1 AND e.bank_bic = $2 AND e.opened_on <= $4 AND e.state = ANY($7) AND (e.account = $3 OR (e.account = '' AND NOT EXISTS (
			SELECT 1 FROM recon_matches m JOIN statements s ON s.bucket = $1 AND s.id = m.statement
			WHERE m.bucket = $1 AND m.expectation = e.missing AND m.undone_at IS NULL
				AND NOT EXISTS (SELECT 1 FROM recon_periods p WHERE p.bucket = $1 AND p.account = s.account AND p.through >= s.closed_on))))`,
		a.Bucket, a.Bank, a.Account, through, now, string(recon.Archived), pq.Array(from))
	if err != nil {
		return 0, fmt.Errorf("couldn't archive the period's exceptions: %w", err)
	}
	return result.RowsAffected()
}

// periodBegin is the first day after the last closed period; zero when there is none.
func periodBegin(ctx context.Context, tx *sqlx.Tx, a accountRow, day recon.Day) (time.Time, error) {
	var last *time.Time
	if err := one(ctx, tx, &last, `SELECT max(through) FROM recon_periods WHERE bucket = $1 AND account = $2`, a.Bucket, a.Account); err != nil {
		return time.Time{}, err
	}
	begin := time.Time{}.AddDate(1, 0, 0)
	if last != nil {
		if !day.After(last.UTC()) {
			return begin, ErrPeriodClosed.with(last.Format(time.DateOnly)).of(reasonClosed, last.Format(time.DateOnly))
		}
		begin = last.UTC().AddDate(0, 0, 1)
	}
	var loose int
	if err := one(ctx, tx, &loose, `
		SELECT count(*) FROM recon_exceptions e WHERE e.bucket = $1 AND e.bank_bic = $2 AND e.state = 'open' AND e.opened_on <= $4 AND e.account IN ($3, '')`,
		a.Bucket, a.Bank, a.Account, day); err != nil {
		return begin, err
	}
	if loose > 0 {
		return begin, ErrPeriodOpen.with(fmt.Sprintf("%d exceptions are in nobody's hands", loose))
	}
	return begin, nil
}

func periodRegister(ctx context.Context, tx *sqlx.Tx, a accountRow, from, through time.Time) (PeriodRegister, error) {
	r := PeriodRegister{
		Type: PeriodRegisterType, Bank: a.Bank, Account: a.Account, Through: through.Format(time.DateOnly), Statements: []PeriodStatement{}, Exceptions: []KindCount{},
	}
	err := all(ctx, tx, &r.Statements, `
		SELECT id, number, opening, closing, encode(sha256, 'hex') AS sha256 FROM statements
		WHERE bucket = $1 AND account = $2 AND state = 'booked' AND closed_on BETWEEN $3 AND $4 ORDER BY `+statementOrder("ASC"), a.Bucket, a.Account, from, through)
	if err != nil {
		return r, err
	}
	if len(r.Statements) == 0 {
		return r, ErrPeriodOpen.with("no statement ends in it")
	}
	for i := range r.Statements {
		r.Statements[i].ID = statementPublicID(a.Bucket, r.Statements[i].Key)
	}
	r.Opening, r.Closing = r.Statements[0].Opening, r.Statements[len(r.Statements)-1].Closing
	var sums struct {
		From    time.Time `db:"opened_on"`
		To      time.Time `db:"closed_on"`
		Credit  int64     `db:"credit"`
		Debit   int64     `db:"debit"`
		Later   int       `db:"later"`
		Matches int64     `db:"matches"`
		Owes    int64     `db:"owes"`
	}
	if err := one(ctx, tx, &sums, `
		SELECT min(opened_on) AS opened_on, max(closed_on) AS closed_on, sum(credit)::bigint AS credit, sum(debit)::bigint AS debit,
			(SELECT count(*) FROM statements WHERE bucket = $1 AND account = $2 AND state = 'booked' AND closed_on > $4)::integer AS later,
			(SELECT count(*) FROM recon_matches m JOIN statements s ON s.bucket = $1 AND s.id = m.statement AND s.account = $2 AND s.closed_on BETWEEN $3 AND $4
				WHERE m.bucket = $1 AND m.undone_at IS NULL) AS matches,
			(SELECT coalesce(sum(CASE WHEN debit_account = $5 THEN amount ELSE -amount END), 0) FROM transfers WHERE debit_account = $5 OR credit_account = $5)::bigint AS owes
		FROM statements WHERE bucket = $1 AND account = $2 AND state = 'booked' AND closed_on BETWEEN $3 AND $4`,
		a.Bucket, a.Account, from, through, string(ledger.BankDue(a.Bank))); err != nil {
		return r, err
	}
	if !sums.To.UTC().Equal(through) || sums.Later > 0 {
		// Ledger and statement are compared as they are now: a period is closed before the next statement is booked.
		return r, ErrPeriodOpen.with("the last booked statement has to end on " + r.Through)
	}
	r.From, r.Credit, r.Debit, r.Matches, r.BankOwes = sums.From.Format(time.DateOnly), sums.Credit, sums.Debit, sums.Matches, sums.Owes
	if r.LedgerBalance, r.Listed, err = checkAccount(ctx, tx, a.Bucket, a.Bank, a.Account); err != nil {
		return r, err
	}
	var kinds []struct {
		Kind   recon.Kind `db:"kind"`
		Count  int64      `db:"count"`
		Amount int64      `db:"amount"`
	}
	err = all(ctx, tx, &kinds, `
		SELECT kind, count(*) AS count, sum(amount)::bigint AS amount FROM recon_exceptions
		WHERE bucket = $1 AND bank_bic = $2 AND account IN ($3, '') AND state NOT IN `+settledStates+` GROUP BY kind ORDER BY kind`, a.Bucket, a.Bank, a.Account)
	for _, k := range kinds {
		r.Exceptions = append(r.Exceptions, KindCount(k))
	}
	return r, err
}

// PeriodSeal returns the sealed register of a closed period (CMS in DER, the register inside), or [ErrStatementUnknown].
func (s *Service) PeriodSeal(ctx context.Context, account, through string) ([]byte, error) {
	if _, err := time.Parse(time.DateOnly, through); err != nil {
		return nil, ErrStatementUnknown
	}
	var seal []byte
	err := one(ctx, s.db, &seal, `SELECT seal FROM recon_periods WHERE account = $1 AND through = $2::date`, account, through)
	return seal, orMissing(err, ErrStatementUnknown)
}
