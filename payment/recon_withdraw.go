package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// ActPropose asks that a statement be withdrawn; [ActApprove] and [ActReject] answer it.
const ActPropose = "propose"

// StatementWithdrawal is one step of taking back a statement that was taken in by mistake.
type StatementWithdrawal struct {
	// Action is propose, approve or reject. Who has proposed cannot approve, but may reject.
	Action string `json:"action"`
	// Comment says why; approval needs none.
	Comment string `json:"comment,omitempty"`
	// Also are further names under which the same person acts: under none of them is he a second one.
	Also []string `json:"-"`
}

// WithdrawnStatement is a statement after such a step.
type WithdrawnStatement struct {
	ID      string `json:"id"`
	Bank    string `json:"bank"`
	Account string `json:"account"`
	// State is booked, or withdrawn after the approval.
	State string `json:"state"`
	// ProposedBy asks for the withdrawal; empty when nobody does.
	ProposedBy string `json:"proposed_by,omitempty"`
	Comment    string `json:"comment,omitempty"`
	// Reopened counts payments that are expected again.
	Reopened int64 `json:"reopened"`
}

// withdrawalRow is a statement as its withdrawal sees it.
type withdrawalRow struct {
	accountRow
	State string    `db:"state"`
	To    time.Time `db:"closed_on"`
	By    string    `db:"withdraw_by"`
	Why   string    `db:"withdraw_why"`
}

// WithdrawStatement takes a booked statement back in two steps by two people. The approval undoes what rules matched of it, voids its
// exceptions and gives the ledger the opposite transfers, in one transaction; payments that it had shown are expected again, and its file may
// be taken in anew. A statement on which people have decided something has to be undone by them first, and one of a closed period stands.
//
// Errors: [ErrStatementUnknown], [ErrStatementState], [ErrStatementTouched], [ErrPeriodClosed], [ErrFourEyes], [ErrInvalid].
func (s *Service) WithdrawStatement(ctx context.Context, idem Idem, id string, w StatementWithdrawal) (WithdrawnStatement, bool, error) {
	bucket, key, ok := statementKey(id)
	if !ok {
		return WithdrawnStatement{}, false, ErrStatementUnknown
	}
	switch {
	case w.Action != ActPropose && w.Action != ActApprove && w.Action != ActReject:
		return WithdrawnStatement{}, false, ErrInvalid.with("propose, approve or reject").at("action")
	case len(w.Comment) > commentMax || (w.Comment == "" && w.Action != ActApprove):
		return WithdrawnStatement{}, false, ErrInvalid.with("say why, in at most 4,000 bytes").at("comment")
	}
	out, repeated, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (WithdrawnStatement, error) {
		x := &withdrawing{Service: s, tx: tx, bucket: bucket, id: key, actor: idem.Caller}
		if err := x.lock(ctx); err != nil {
			return WithdrawnStatement{}, err
		}
		if err := x.step(ctx, w); err != nil {
			return WithdrawnStatement{}, err
		}
		out := WithdrawnStatement{
			ID: id, Bank: x.row.Bank, Account: x.row.Account, State: x.row.State, ProposedBy: x.row.By, Comment: x.row.Why, Reopened: x.reopened,
		}
		return out, s.audit(ctx, tx, entry{idem.Caller, "statement.withdrawal-" + w.Action, id, map[string]any{"comment": w.Comment, "statement": out}})
	})
	if err == nil && !repeated {
		s.kick(s.wakeCheckpoint)
	}
	return out, repeated, err
}

// withdrawing is one step with one statement.
type withdrawing struct {
	*Service
	tx       *sqlx.Tx
	bucket   int
	id       int64
	actor    string
	row      withdrawalRow
	reopened int64
}

// lock takes the bank's row first, as everything does that matches.
func (x *withdrawing) lock(ctx context.Context) error {
	var bank string
	if err := orMissing(one(ctx, x.tx, &bank, `SELECT bank_bic FROM statements WHERE bucket = $1 AND id = $2`, x.bucket, x.id), ErrStatementUnknown); err != nil {
		return err
	}
	if _, err := lockHead(ctx, x.tx, x.bucket, bank); err != nil {
		return err
	}
	return one(ctx, x.tx, &x.row, `
		SELECT s.bucket, s.account, s.bank_bic, a.signed, s.state, s.closed_on, s.withdraw_by, s.withdraw_why
		FROM statements s JOIN bank_accounts a ON a.bucket = s.bucket AND a.account = s.account WHERE s.bucket = $1 AND s.id = $2`, x.bucket, x.id)
}

func (x *withdrawing) step(ctx context.Context, w StatementWithdrawal) error {
	if x.row.State != statementBooked {
		return ErrStatementState.with("it is " + x.row.State)
	}
	if (w.Action == ActPropose) != (x.row.By == "") {
		if x.row.By == "" {
			return ErrStatementState.with("nobody has proposed to withdraw it").of(reasonUnproposed, "")
		}
		return ErrStatementState.with("its withdrawal waits for a second person").of(reasonWaits, "")
	}
	switch w.Action {
	case ActPropose:
		// What cannot be executed is not proposed: the second person should not be the one to find out.
		if err := x.possible(ctx); err != nil {
			return err
		}
		x.row.By, x.row.Why = x.actor, w.Comment
	case ActReject:
		x.row.By, x.row.Why = "", ""
	default:
		if anySame(x.row.By, append(w.Also, x.actor)...) {
			return ErrFourEyes
		}
		if err := x.possible(ctx); err != nil {
			return err
		}
		return x.withdraw(ctx)
	}
	return exec(ctx, x.tx, 1, `UPDATE statements SET withdraw_by = $3, withdraw_why = $4 WHERE bucket = $1 AND id = $2`, x.bucket, x.id, x.row.By, x.row.Why)
}

// possible refuses what people have worked on, and what a closed period has sealed.
func (x *withdrawing) possible(ctx context.Context) error {
	if err := periodOpen(ctx, x.tx, x.row.accountRow, x.row.To.UTC()); err != nil {
		return err
	}
	return untouched(ctx, x.tx, x.bucket, x.id)
}

func (x *withdrawing) withdraw(ctx context.Context) error {
	b := &booking{
		intake: &intake{Service: x.Service, now: x.now()}, tx: x.tx, parsedStatement: parsedStatement{id: x.id, account: x.row.accountRow}, cause: ":withdrawn",
	}
	if err := b.giveUp(ctx, x.id, ":withdrawn", "statement withdrawn"); err != nil {
		return err
	}
	if err := one(ctx, x.tx, &x.reopened, `SELECT count(DISTINCT expectation) FROM recon_matches WHERE bucket = $1 AND statement = $2 AND undone_at = $3`,
		x.bucket, x.id, b.now); err != nil {
		return err
	}
	if err := exec(ctx, x.tx, 1, `UPDATE statements SET state = 'withdrawn' WHERE bucket = $1 AND id = $2 AND state = 'booked'`, x.bucket, x.id); err != nil {
		return err
	}
	if err := x.forgetReplaced(ctx); err != nil {
		return err
	}
	x.row.State = statementWithdrawn
	if err := b.continuity(ctx); err != nil {
		return err
	}
	if _, err := x.postAll(ctx, x.tx, b.postings); err != nil {
		return err
	}
	_, _, err := checkAccount(ctx, x.tx, x.bucket, x.row.Bank, x.row.Account)
	return err
}

// forgetReplaced withdraws what the statement had replaced, too. Otherwise a wrong file that took the place of the right one, and was
// withdrawn, would keep the right one out for ever: it would pass for taken in, while nothing of it is booked.
func (x *withdrawing) forgetReplaced(ctx context.Context) error {
	return exec(ctx, x.tx, -1, `
		WITH RECURSIVE replaced AS (
			SELECT id FROM statements WHERE bucket = $1 AND replaced_by = $2
			UNION SELECT s.id FROM statements s JOIN replaced r ON s.replaced_by = r.id WHERE s.bucket = $1)
		UPDATE statements SET state = 'withdrawn', withdraw_by = $3, withdraw_why = $4
		WHERE bucket = $1 AND id IN (SELECT id FROM replaced) AND state = 'replaced'`, x.bucket, x.id, x.row.By, x.row.Why)
}

// untouched refuses a statement of which people have decided something: what a person decided is not undone by a file, nor in passing.
func untouched(ctx context.Context, tx *sqlx.Tx, bucket int, id int64) error {
	var touched bool
	if err := one(ctx, tx, &touched, `
		SELECT EXISTS (SELECT 1 FROM recon_matches WHERE bucket = $1 AND statement = $2 AND rule = 0 AND undone_at IS NULL)
			OR EXISTS (SELECT 1 FROM recon_exceptions WHERE bucket = $1 AND statement = $2 AND state IN ('resolved', 'proposed', 'archived'))`,
		bucket, id); err != nil {
		return err
	}
	if touched {
		return ErrStatementTouched.with(statementPublicID(bucket, id)).of(reasonDecided, statementPublicID(bucket, id))
	}
	var shared bool
	if err := one(ctx, tx, &shared, `SELECT EXISTS (
		SELECT 1 FROM recon_matches m JOIN recon_matches o ON o.bucket = $1 AND o.expectation = m.expectation AND o.statement <> m.statement AND NOT o.whole AND o.undone_at IS NULL
		WHERE m.bucket = $1 AND m.statement = $2 AND NOT m.whole AND m.undone_at IS NULL)`, bucket, id); err != nil {
		return err
	}
	if shared {
		return ErrStatementTouched.with("instalments of one payment stand in another statement, too: undo their match first").of(reasonInstalments, "")
	}
	return nil
}

// giveUp undoes what rules matched of a booked statement and voids its exceptions; the ledger gets the opposite transfers under the
// statement's name with suffix. Payments that were listed as missing before the statement came are so again.
func (b *booking) giveUp(ctx context.Context, id int64, suffix, why string) error {
	legs, err := legsOfStatement(ctx, b.tx, b.account.Bucket, id)
	if err != nil {
		return err
	}
	for i, l := range legs {
		legs[i].Debit, legs[i].Credit = l.Credit, l.Debit
	}
	b.post(ledger.Correction, statementPublicID(b.account.Bucket, id)+suffix, why, legs)
	if err := exec(ctx, b.tx, -1, `UPDATE recon_matches SET undone_at = $3 WHERE bucket = $1 AND statement = $2 AND undone_at IS NULL`, b.account.Bucket, id, b.now); err != nil {
		return err
	}
	if err := exec(ctx, b.tx, -1, `UPDATE recon_exceptions SET state = 'void', resolution = $4, changed_at = $3, version = version + 1
		WHERE bucket = $1 AND statement = $2 AND state NOT IN `+settledStates, b.account.Bucket, id, b.now, why); err != nil {
		return err
	}
	return exec(ctx, b.tx, -1, `
		UPDATE recon_exceptions e SET state = 'open', owner = '', resolution = '', changed_at = $3, version = version + 1
		FROM (SELECT DISTINCT expectation FROM recon_matches WHERE bucket = $1 AND statement = $2 AND undone_at = $3) AS m
		WHERE e.bucket = $1 AND e.statement = 0 AND e.no = 0 AND e.part = 0 AND e.missing = m.expectation AND e.state = 'void'`, b.account.Bucket, id, b.now)
}

// periodOpen refuses a day in a closed period of the account.
func periodOpen(ctx context.Context, tx *sqlx.Tx, account accountRow, day recon.Day) error {
	var closed bool
	if err := one(ctx, tx, &closed, `SELECT EXISTS (SELECT 1 FROM recon_periods WHERE bucket = $1 AND account = $2 AND through >= $3)`,
		account.Bucket, account.Account, day); err != nil {
		return err
	}
	if closed {
		return ErrPeriodClosed.with(day.Format(time.DateOnly)).of(reasonClosed, day.Format(time.DateOnly))
	}
	return nil
}

// givenUp reports whether all statements of a file that were booked were withdrawn, so that it may be taken in again. Its notices and copies, which book
// nothing, are then forgotten with them, and noted anew.
func givenUp(ctx context.Context, tx *sqlx.Tx, r FileReport, actor string) (bool, error) {
	withdrawn := 0
	for _, st := range r.Statements {
		bucket, id, ok := statementKey(st.ID)
		if !ok {
			return false, fmt.Errorf("couldn't read the id %q of a stored report", st.ID)
		}
		var state string
		if err := one(ctx, tx, &state, `SELECT state FROM statements WHERE bucket = $1 AND id = $2`, bucket, id); err != nil {
			return false, err
		}
		switch state {
		case statementWithdrawn:
			withdrawn++
		case statementNoted:
		default:
			return false, nil
		}
	}
	if withdrawn == 0 {
		return false, nil
	}
	for _, st := range r.Statements {
		bucket, id, _ := statementKey(st.ID)
		if err := exec(ctx, tx, -1, `UPDATE statements SET state = 'withdrawn', withdraw_by = $3, withdraw_why = 'the file came again' WHERE bucket = $1 AND id = $2 AND state = 'noted'`,
			bucket, id, actor); err != nil {
			return false, err
		}
	}
	return true, nil
}
