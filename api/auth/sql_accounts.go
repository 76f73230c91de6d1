package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

const accountColumns = `a.login, a.name, a.member, a.state, a.failures, a.created_at, m.iin, m.bin`

// insertAccount invites. An account that was there keeps its name and right only as the invitation says, and loses its passkeys
// and sessions: whoever asks for a new invitation may have lost them to somebody else.
func (s *Store) insertAccount(ctx context.Context, a Account, invite []byte, actor string) error {
	now := s.cfg.Now().UTC().Truncate(time.Microsecond)
	detail, err := accountDetail(a)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		var owner struct {
			IIN string `db:"iin"`
			BIN string `db:"bin"`
		}
		err := tx.GetContext(ctx, &owner, `SELECT iin, bin FROM member WHERE id = $1 AND kind = 'operator' AND revoked_at IS NULL`, a.Member)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrAccount
		}
		if err != nil {
			return fmt.Errorf("couldn't look up a right: %w", err)
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO operator_account (login, name, member, state, invite_sha256, invite_until, password, totp_step, failures, created_at)
			VALUES ($1, $2, $3, 'invited', $4, $5, '', 0, 0, $6)
			ON CONFLICT (login) DO UPDATE SET name = excluded.name, member = excluded.member, state = 'invited', password = '', totp_step = 0,
				invite_sha256 = excluded.invite_sha256, invite_until = excluded.invite_until, failures = 0, paused_until = NULL`,
			a.Login, a.Name, a.Member, invite, now.Add(inviteLife), now)
		if err != nil {
			return fmt.Errorf("couldn't store an account: %w", err)
		}
		if err := endSessions(ctx, tx, a.Login); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM operator_passkey WHERE login = $1`, a.Login); err != nil {
			return fmt.Errorf("couldn't forget passkeys: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE member SET name = $2 WHERE id = $1 AND name = ''`, a.Member, a.Name); err != nil {
			return fmt.Errorf("couldn't keep a name: %w", err)
		}
		return s.cfg.Audit.Append(ctx, tx, actor, "operator.invited", owner.IIN, detail)
	})
}

// endSessions ends the sessions that an account has begun. The caller has changed the account before, and so holds its row. The attack: somebody
// signs in, or adds a passkey, while the account is being ended; what his transaction leaves would not be seen here yet, and would stay.
func endSessions(ctx context.Context, tx *sqlx.Tx, login string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM session WHERE way = 'password' AND account = $1`, login)
	if err != nil {
		return fmt.Errorf("couldn't end the sessions of an account: %w", err)
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM passkey_question WHERE login = $1`, login)
	if err != nil {
		return fmt.Errorf("couldn't forget questions to passkeys: %w", err)
	}
	return nil
}

func (s *Store) enrolAccount(ctx context.Context, login string, invite []byte, kept string, now time.Time) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		var iin string
		err := tx.GetContext(ctx, &iin, `
			UPDATE operator_account a SET state = 'active', password = $4, invite_sha256 = NULL, invite_until = NULL
			FROM member m WHERE m.id = a.member AND m.revoked_at IS NULL
				AND a.login = $1 AND a.state = 'invited' AND a.invite_sha256 = $2 AND a.invite_until > $3
			RETURNING m.iin`, login, invite, now, kept)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrInvitation
		}
		if err != nil {
			return fmt.Errorf("couldn't store a password: %w", err)
		}
		return s.cfg.Audit.Append(ctx, tx, "operator-account:"+login, "operator.enrolled", iin, []byte("{}"))
	})
}

// countFailure counts a try as failed and returns what it is compared with. Errors: [ErrSignIn] for an account that is not
// there, has ended, pauses, or whose right has ended.
func (s *Store) countFailure(ctx context.Context, login string) (Account, string, error) {
	var out struct {
		Account
		Kept string `db:"password"`
	}
	now := s.cfg.Now().UTC()
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &out, `SELECT `+accountColumns+`, a.password FROM operator_account a JOIN member m ON m.id = a.member
			WHERE a.login = $1 AND a.state = 'active' AND m.revoked_at IS NULL AND (a.paused_until IS NULL OR a.paused_until <= $2) FOR UPDATE OF a`, login, now)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrSignIn
		}
		if err != nil {
			return fmt.Errorf("couldn't read an account: %w", err)
		}
		out.Failures++
		var until *time.Time
		if pause := pauseAfter(out.Failures); pause > 0 {
			end := now.Add(pause)
			until = &end
		}
		if _, err := tx.ExecContext(ctx, `UPDATE operator_account SET failures = $2, paused_until = $3 WHERE login = $1`, login, out.Failures, until); err != nil {
			return fmt.Errorf("couldn't count a try: %w", err)
		}
		if out.Failures < failuresFree || s.cfg.Audit == nil {
			return nil
		}
		// Pauses bound how many such entries there can be.
		return s.cfg.Audit.Append(ctx, tx, "operator-account:"+login, "operator.paused", out.IIN, []byte("{}"))
	})
	return out.Account, out.Kept, err
}

// takeStep uses a step of the second factor up: the same code, or an older one, serves no second time.
func takeStep(ctx context.Context, tx *sqlx.Tx, login string, step int64) error {
	return succeed(ctx, tx, `UPDATE operator_account SET totp_step = $2, failures = 0, paused_until = NULL
		WHERE login = $1 AND state = 'active' AND totp_step < $2`, login, step)
}

// succeed runs what has to change exactly one row.
func succeed(ctx context.Context, tx *sqlx.Tx, query string, args ...any) error {
	done, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("couldn't note a sign-in: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrSignIn, err)
	}
	return nil
}

// Accounts lists the accounts of the operator's people, at most 1000, by login.
func (s *Store) Accounts(ctx context.Context) ([]Account, error) {
	var out []Account
	err := s.cfg.DB.SelectContext(ctx, &out, `SELECT `+accountColumns+` FROM operator_account a JOIN member m ON m.id = a.member ORDER BY a.login LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("couldn't list accounts: %w", err)
	}
	return out, nil
}

func (s *Store) endAccount(ctx context.Context, login, actor string) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE operator_account SET state = 'ended', password = '', invite_sha256 = NULL, invite_until = NULL
			WHERE login = $1 AND state <> 'ended'`, login)
		if err != nil {
			return fmt.Errorf("couldn't end an account: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return errors.Join(ErrAccount, err)
		}
		if err := endSessions(ctx, tx, login); err != nil {
			return err
		}
		return s.cfg.Audit.Append(ctx, tx, actor, "operator.ended", login, []byte("{}"))
	})
}
