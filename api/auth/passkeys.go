package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// Passkey is a credential of WebAuthn that belongs to an account.
type Passkey struct {
	ID   []byte `db:"id"`
	Name string `db:"name"`
	// Credential is the public key and its counter as package passkey writes them.
	Credential string    `db:"credential"`
	AddedAt    time.Time `db:"added_at"`
}

// passkeysMax is how many passkeys an account has at most.
const passkeysMax = 5

// questionLife is how long a passkey may think.
const questionLife = 3 * time.Minute

// ErrQuestion says that a question to a passkey is unknown, answered, or too old.
var ErrQuestion = errors.New("no such question to a passkey, or it has ended")

// CheckPassword is the first half of a sign-in by passkey: it tells whose account it is and which passkeys may answer.
// Errors: [ErrSignIn], also for an account without any.
func (s *Store) CheckPassword(ctx context.Context, login, secret string) (Account, []Passkey, error) {
	account, _, err := s.tryPassword(ctx, login, secret)
	if err != nil {
		return Account{}, nil, err
	}
	keys, err := s.PasskeysOf(ctx, account.Login)
	if err == nil && len(keys) == 0 {
		err = ErrSignIn
	}
	return account, keys, err
}

// AccountOf is the account under which a session began. Errors: [ErrAccount] for sessions that began otherwise.
func (s *Store) AccountOf(ctx context.Context, v Session) (Account, error) {
	var out Account
	if v.Way != ByPassword {
		return out, ErrAccount
	}
	err := s.cfg.DB.GetContext(ctx, &out, `SELECT `+accountColumns+` FROM operator_account a JOIN member m ON m.id = a.member
		WHERE a.login = $1 AND a.state = 'active' AND m.revoked_at IS NULL`, v.Account)
	if errors.Is(err, sql.ErrNoRows) {
		return out, ErrAccount
	}
	if err != nil {
		return out, fmt.Errorf("couldn't read an account: %w", err)
	}
	return out, nil
}

// PasskeysOf lists the passkeys of an account, the oldest first.
func (s *Store) PasskeysOf(ctx context.Context, login string) ([]Passkey, error) {
	var out []Passkey
	err := s.cfg.DB.SelectContext(ctx, &out, `SELECT id, name, credential, added_at FROM operator_passkey WHERE login = $1 ORDER BY added_at, id`, login)
	if err != nil {
		return nil, fmt.Errorf("couldn't list passkeys: %w", err)
	}
	return out, nil
}

// Ask keeps a question to a passkey until its answer comes; the token goes to the browser. purpose is sign-in or add.
func (s *Store) Ask(ctx context.Context, login, purpose, question string) (token string, err error) {
	token, hash, err := s.newSecret()
	if err != nil {
		return "", err
	}
	now := s.cfg.Now().UTC()
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM passkey_question WHERE token_sha256 IN (SELECT token_sha256 FROM passkey_question WHERE expires_at <= $1 LIMIT $2)`, now, sweepMax); err != nil {
			return fmt.Errorf("couldn't clear away old questions: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO passkey_question (token_sha256, login, purpose, question, expires_at) VALUES ($1, $2, $3, $4, $5)`,
			hash, login, purpose, question, now.Add(questionLife))
		if err != nil {
			return fmt.Errorf("couldn't store a question: %w", err)
		}
		return nil
	})
	return token, err
}

// Asked takes a question away, so that it is answered once, rightly or wrongly. Errors: [ErrQuestion].
func (s *Store) Asked(ctx context.Context, token, purpose string) (account Account, question string, err error) {
	hash, ok := hashSecret(token)
	if !ok {
		return Account{}, "", ErrQuestion
	}
	var out struct {
		Account
		Question string `db:"question"`
	}
	err = s.cfg.DB.GetContext(ctx, &out, `
		WITH q AS (DELETE FROM passkey_question WHERE token_sha256 = $1 AND purpose = $2 AND expires_at > $3 RETURNING login, question)
		SELECT `+accountColumns+`, q.question FROM q JOIN operator_account a ON a.login = q.login JOIN member m ON m.id = a.member
		WHERE a.state = 'active' AND m.revoked_at IS NULL`, hash, purpose, s.cfg.Now().UTC())
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, "", ErrQuestion
	}
	if err != nil {
		return Account{}, "", fmt.Errorf("couldn't read a question: %w", err)
	}
	return out.Account, out.Question, nil
}

// SignInByPasskey begins a session of an account whose passkey has answered; key holds its new counter. Errors: [ErrSignIn].
func (s *Store) SignInByPasskey(ctx context.Context, a Account, key Passkey, from string) (string, Session, error) {
	return s.begin(ctx, a.session(from), func(ctx context.Context, tx *sqlx.Tx, _ time.Time) error {
		if err := succeed(ctx, tx, `UPDATE operator_passkey SET credential = $3 WHERE id = $1 AND login = $2`, key.ID, a.Login, key.Credential); err != nil {
			return err
		}
		return succeed(ctx, tx, `UPDATE operator_account SET failures = 0, paused_until = NULL WHERE login = $1 AND state = 'active'`, a.Login)
	})
}

// AddPasskey gives an account one more passkey. Errors: [ErrAccount] when it has enough, or this one is somebody's.
func (s *Store) AddPasskey(ctx context.Context, a Account, key Passkey) error {
	now := s.cfg.Now().UTC().Truncate(time.Microsecond)
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		// One after the other, and only while the account is in force: two at once would both find room for the last one, and one that comes
		// while a new invitation is written would outlive it.
		var login string
		err := tx.GetContext(ctx, &login, `SELECT login FROM operator_account WHERE login = $1 AND state = 'active' FOR UPDATE`, a.Login)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrAccount
		}
		if err != nil {
			return fmt.Errorf("couldn't read an account: %w", err)
		}
		done, err := tx.ExecContext(ctx, `
			INSERT INTO operator_passkey (login, id, name, credential, added_at) SELECT $1, $2, $3, $4, $5
			WHERE (SELECT count(*) FROM operator_passkey WHERE login = $1) < $6 ON CONFLICT (id) DO NOTHING`, a.Login, key.ID, key.Name, key.Credential, now, passkeysMax)
		if err != nil {
			return fmt.Errorf("couldn't store a passkey: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return errors.Join(ErrAccount, err)
		}
		return s.cfg.Audit.Append(ctx, tx, "operator-account:"+a.Login, "passkey.added", a.IIN, []byte("{}"))
	})
}

// RemovePasskey takes a passkey away from an account. Removing what is not there changes nothing.
func (s *Store) RemovePasskey(ctx context.Context, a Account, id []byte) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM operator_passkey WHERE login = $1 AND id = $2`, a.Login, id); err != nil {
			return fmt.Errorf("couldn't remove a passkey: %w", err)
		}
		return s.cfg.Audit.Append(ctx, tx, "operator-account:"+a.Login, "passkey.removed", a.IIN, []byte("{}"))
	})
}
