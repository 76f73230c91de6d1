package auth

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/api/schema"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the tables of this package to the newest schema. Safe to call from several processes at once; it
// only goes forward.
func Migrate(ctx context.Context, db *sqlx.DB) error { return schema.Up(ctx, db, "auth", migrations) }

// row is a row of api_key.
type row struct {
	ID         string        `db:"id"`
	Kind       Kind          `db:"kind"`
	Subject    string        `db:"subject"`
	Name       string        `db:"name"`
	Scopes     string        `db:"scopes"`
	Secret     []byte        `db:"secret_sha256"`
	CreatedAt  time.Time     `db:"created_at"`
	ExpiresAt  sql.NullTime  `db:"expires_at"`
	RevokedAt  sql.NullTime  `db:"revoked_at"`
	PublicKey  []byte        `db:"public_key"`
	PerMinute  sql.NullInt64 `db:"per_minute"`
	ClientSPKI []byte        `db:"client_spki_sha256"`
}

const columns = "id, kind, subject, name, scopes, secret_sha256, created_at, expires_at, revoked_at, public_key, per_minute, client_spki_sha256"

func (r row) scopes() []Scope {
	words := strings.Fields(r.Scopes)
	out := make([]Scope, len(words))
	for i, w := range words {
		out[i] = Scope(w)
	}
	return out
}

func (r row) key() Key {
	k := Key{ID: r.ID, Kind: r.Kind, Subject: r.Subject, Name: r.Name, Scopes: r.scopes(), CreatedAt: r.CreatedAt.UTC(), PublicKey: r.PublicKey, PerMinute: int(r.PerMinute.Int64), ClientSPKI: r.ClientSPKI}
	if r.ExpiresAt.Valid {
		t := r.ExpiresAt.Time.UTC()
		k.ExpiresAt = &t
	}
	if r.RevokedAt.Valid {
		t := r.RevokedAt.Time.UTC()
		k.RevokedAt = &t
	}
	return k
}

func selectKey(ctx context.Context, q sqlx.QueryerContext, id string) (row, error) {
	var r row
	err := sqlx.GetContext(ctx, q, &r, "SELECT "+columns+" FROM api_key WHERE id = $1", id)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrUnknownKey
	}
	if err != nil {
		return r, fmt.Errorf("couldn't look up API key %s: %w", id, err)
	}
	return r, nil
}

func selectKeys(ctx context.Context, db *sqlx.DB) ([]row, error) {
	var rows []row
	err := db.SelectContext(ctx, &rows, "SELECT "+columns+" FROM api_key ORDER BY created_at DESC, id LIMIT 1000")
	if err != nil {
		return nil, fmt.Errorf("couldn't list API keys: %w", err)
	}
	return rows, nil
}

func (s *Store) insert(ctx context.Context, k Key, secretHash []byte, actor string) error {
	words := make([]string, len(k.Scopes))
	for i, scope := range k.Scopes {
		words[i] = string(scope)
	}
	detail, err := k.detail()
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO api_key ("+columns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,NULL,$9,nullif($10,0),$11)",
			k.ID, k.Kind, k.Subject, k.Name, strings.Join(words, " "), secretHash, k.CreatedAt, k.ExpiresAt, k.PublicKey, k.PerMinute, k.ClientSPKI)
		if err != nil {
			return fmt.Errorf("couldn't store API key: %w", err)
		}
		return s.cfg.Audit.Append(ctx, tx, actor, "api_key.created", k.ID, detail)
	})
}

func (s *Store) markRevoked(ctx context.Context, id, actor string, at time.Time) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		r, err := selectKey(ctx, tx, id)
		if err != nil || r.RevokedAt.Valid {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", id, at); err != nil {
			return fmt.Errorf("couldn't revoke API key %s: %w", id, err)
		}
		k := r.key()
		k.RevokedAt = &at
		detail, err := k.detail()
		if err != nil {
			return err
		}
		return s.cfg.Audit.Append(ctx, tx, actor, "api_key.revoked", id, detail)
	})
}

func (s *Store) storeQuota(ctx context.Context, id string, perMinute int, actor string) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		r, err := selectKey(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE api_key SET per_minute = nullif($2, 0) WHERE id = $1", id, perMinute); err != nil {
			return fmt.Errorf("couldn't change API key %s: %w", id, err)
		}
		k := r.key()
		k.PerMinute = perMinute
		detail, err := k.detail()
		if err != nil {
			return err
		}
		return s.cfg.Audit.Append(ctx, tx, actor, "api_key.quota", id, detail)
	})
}

// inTx runs f in a transaction that is rolled back when f fails.
func (s *Store) inTx(ctx context.Context, f func(*sqlx.Tx) error) error {
	tx, err := s.cfg.DB.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't commit: %w", err)
	}
	return nil
}

func rollback(tx *sqlx.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("couldn't roll back: %w", err)
	}
	return nil
}
