package auth

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// sweepMax bounds what one new challenge clears away of old ones.
const sweepMax = 100

// insertChallenge stores a challenge and clears away some that are over, so that no worker is needed for it.
func (s *Store) insertChallenge(ctx context.Context, hash, document []byte, until time.Time) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		now := s.cfg.Now().UTC()
		for _, q := range []string{
			`DELETE FROM sign_in_challenge WHERE token_sha256 IN (SELECT token_sha256 FROM sign_in_challenge WHERE expires_at <= $1 LIMIT $2)`,
			`DELETE FROM session WHERE token_sha256 IN (SELECT token_sha256 FROM session WHERE expires_at <= $1 LIMIT $2)`,
		} {
			if _, err := tx.ExecContext(ctx, q, now, sweepMax); err != nil {
				return fmt.Errorf("couldn't clear away old sign-ins: %w", err)
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sign_in_challenge (token_sha256, document, expires_at) VALUES ($1, $2, $3)`, hash, document, until)
		if err != nil {
			return fmt.Errorf("couldn't store a challenge: %w", err)
		}
		return nil
	})
}

func (s *Store) selectChallenge(ctx context.Context, hash []byte, now time.Time) ([]byte, error) {
	var document []byte
	err := s.cfg.DB.GetContext(ctx, &document, `SELECT document FROM sign_in_challenge WHERE token_sha256 = $1 AND expires_at > $2`, hash, now.UTC())
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoChallenge
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read a challenge: %w", err)
	}
	return document, nil
}

// useChallenge uses a challenge up: of two sign-ins with one challenge the second finds nothing to delete.
func useChallenge(ctx context.Context, tx *sqlx.Tx, challenge []byte, now time.Time) error {
	done, err := tx.ExecContext(ctx, `DELETE FROM sign_in_challenge WHERE token_sha256 = $1 AND expires_at > $2`, challenge, now)
	if err != nil {
		return fmt.Errorf("couldn't use a challenge up: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrNoChallenge, err)
	}
	return nil
}

func (s *Store) insertSession(ctx context.Context, tx *sqlx.Tx, hash []byte, v Session, idle time.Duration) error {
	detail, err := json.Marshal(map[string]string{"session": v.ID, "certificate_sha256": v.CertificateSHA256, "bin": v.BIN, "way": string(v.Way)})
	if err != nil {
		return fmt.Errorf("couldn't describe a session: %w", err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO session (token_sha256, id, iin, bin, name, organisation, kind, roles, certificate, created_at, seen_at, expires_at, way, bound_to, idle_seconds, account)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, $15)`,
		hash, v.ID, v.IIN, v.BIN, v.Name, v.Organisation, v.Kind, strings.Join(v.Roles, " "), v.CertificateSHA256, v.CreatedAt, v.ExpiresAt,
		v.Way, v.BoundTo, int(idle/time.Second), v.Account)
	if err != nil {
		return fmt.Errorf("couldn't store a session: %w", err)
	}
	return s.cfg.Audit.Append(ctx, tx, v.Actor(), "session.begun", v.IIN, detail)
}

// operates reports whether a person acts for the operator, with the certificate of its organisation or by password.
func operates(ctx context.Context, tx *sqlx.Tx, v Session) (bool, error) {
	var is bool
	err := tx.GetContext(ctx, &is, `SELECT EXISTS (SELECT 1 FROM member WHERE iin = $1 AND bin = $2 AND kind = 'operator' AND revoked_at IS NULL)`, v.IIN, v.BIN)
	if err != nil {
		return false, fmt.Errorf("couldn't look up a right: %w", err)
	}
	return is, nil
}

// sessionRow is a row of session.
type sessionRow struct {
	ID           string    `db:"id"`
	IIN          string    `db:"iin"`
	BIN          string    `db:"bin"`
	Name         string    `db:"name"`
	Organisation string    `db:"organisation"`
	Kind         string    `db:"kind"`
	Roles        string    `db:"roles"`
	Certificate  string    `db:"certificate"`
	CreatedAt    time.Time `db:"created_at"`
	SeenAt       time.Time `db:"seen_at"`
	ExpiresAt    time.Time `db:"expires_at"`
	Way          Way       `db:"way"`
	BoundTo      string    `db:"bound_to"`
	Account      string    `db:"account"`
}

func (s *Store) selectSession(ctx context.Context, hash []byte, now time.Time) (Session, error) {
	var r sessionRow
	err := s.cfg.DB.GetContext(ctx, &r, `
		SELECT id, iin, bin, name, organisation, kind, roles, certificate, created_at, seen_at, expires_at, way, bound_to, account
		FROM session WHERE token_sha256 = $1 AND expires_at > $2 AND seen_at > $2 - idle_seconds * interval '1 second'`, hash, now)
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, ErrNoSession
	}
	if err != nil {
		return Session{}, fmt.Errorf("couldn't read a session: %w", err)
	}
	if now.Sub(r.SeenAt) >= seenStep {
		if _, err := s.cfg.DB.ExecContext(ctx, `UPDATE session SET seen_at = $2 WHERE token_sha256 = $1 AND seen_at < $2`, hash, now); err != nil {
			return Session{}, fmt.Errorf("couldn't note a visit: %w", err)
		}
	}
	return Session{
		ID: r.ID, Way: r.Way, BoundTo: r.BoundTo, Account: r.Account, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
		Person: Person{
			IIN: r.IIN, BIN: r.BIN, Name: r.Name, Organisation: r.Organisation, Kind: r.Kind,
			Roles: strings.Fields(r.Roles), CertificateSHA256: r.Certificate,
		},
	}, nil
}

func (s *Store) deleteSession(ctx context.Context, hash []byte) error {
	if _, err := s.cfg.DB.ExecContext(ctx, `DELETE FROM session WHERE token_sha256 = $1`, hash); err != nil {
		return fmt.Errorf("couldn't end a session: %w", err)
	}
	return nil
}
