package signer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"qaqpa/signer/audit"
	"qaqpa/signer/sealing"

	"github.com/jmoiron/sqlx"
)

// SealPolicies keeps what each client may have sealed. The schema is that of signer/migrations. Safe for concurrent use.
type SealPolicies struct {
	DB    *sqlx.DB
	Audit *audit.Log
	Now   func() time.Time
}

// ClientPolicy is the policy of a client.
type ClientPolicy struct {
	Client    string
	Policy    sealing.Policy
	ChangedAt time.Time
	ChangedBy string
}

// clientNameMax bounds the name of a client, as audit entries do that of an actor.
const clientNameMax = 128

// Set gives a client a policy in place of its present one, with an entry in the audit log, in one transaction. Gateways heed it with the
// next request. Errors: sealing.ErrPolicy, ErrRequest without client or actor, those of the database.
func (p SealPolicies) Set(ctx context.Context, client string, policy sealing.Policy, actor string) error {
	if client == "" || len(client) > clientNameMax || actor == "" {
		return fmt.Errorf("%w: a seal policy is given to a client, by an actor", ErrRequest)
	}
	if err := policy.Check(); err != nil {
		return err
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return fmt.Errorf("couldn't write down the seal policy: %w", err)
	}
	entry := audit.Entry{Actor: actor, Action: "seal_policy.set", Subject: "client:" + client, Detail: text}
	return p.change(ctx, entry, func(tx *sqlx.Tx) (int64, error) {
		return affected(tx.ExecContext(ctx, `
			INSERT INTO seal_policies (client, policy, changed_at, changed_by) VALUES ($1, $2, $3, $4)
			ON CONFLICT ON CONSTRAINT seal_policies_pk DO UPDATE SET policy = $2, changed_at = $3, changed_by = $4`,
			client, text, p.Now().UTC(), actor))
	})
}

// End takes a client's policy away: it may have nothing sealed any more. ErrNoSealPolicy where there is none.
func (p SealPolicies) End(ctx context.Context, client, actor string) error {
	if actor == "" {
		return fmt.Errorf("%w: a seal policy is ended by an actor", ErrRequest)
	}
	entry := audit.Entry{Actor: actor, Action: "seal_policy.ended", Subject: "client:" + client}
	return p.change(ctx, entry, func(tx *sqlx.Tx) (int64, error) {
		return affected(tx.ExecContext(ctx, `DELETE FROM seal_policies WHERE client = $1`, client))
	})
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (p SealPolicies) change(ctx context.Context, entry audit.Entry, f func(*sqlx.Tx) (int64, error)) error {
	return inTx(ctx, p.DB, func(tx *sqlx.Tx) error {
		n, err := f(tx)
		switch {
		case err != nil:
			return fmt.Errorf("couldn't change a seal policy: %w", err)
		case n == 0:
			return ErrNoSealPolicy
		}
		return p.Audit.AppendAll(ctx, tx, []audit.Entry{entry})
	})
}

// List are the policies of all clients, by name.
func (p SealPolicies) List(ctx context.Context) ([]ClientPolicy, error) {
	var rows []struct {
		Client    string    `db:"client"`
		Policy    []byte    `db:"policy"`
		ChangedAt time.Time `db:"changed_at"`
		ChangedBy string    `db:"changed_by"`
	}
	err := p.DB.SelectContext(ctx, &rows, `SELECT client, policy, changed_at, changed_by FROM seal_policies ORDER BY client`)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the seal policies: %w", err)
	}
	out := make([]ClientPolicy, len(rows))
	for i, r := range rows {
		out[i] = ClientPolicy{Client: r.Client, ChangedAt: r.ChangedAt.UTC(), ChangedBy: r.ChangedBy}
		if err := json.Unmarshal(r.Policy, &out[i].Policy); err != nil {
			return nil, fmt.Errorf("couldn't read the seal policy of %s: %w", r.Client, err)
		}
	}
	return out, nil
}

// SealPolicy is what a client may have sealed. Errors: ErrNoSealPolicy, ErrNoDatabase, those of the database.
func (s *Service) SealPolicy(ctx context.Context, client string) (p sealing.Policy, err error) {
	if s.cfg.DB == nil {
		return p, ErrNoDatabase
	}
	var text []byte
	err = s.cfg.DB.GetContext(ctx, &text, `SELECT policy FROM seal_policies WHERE client = $1`, client)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return p, ErrNoSealPolicy
	case err != nil:
		return p, fmt.Errorf("couldn't read a seal policy: %w", err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("couldn't read a seal policy: %w", err)
	}
	return p, nil
}

// countSeals takes n of what a client may have sealed in a minute. The row is locked for the time of one transaction, so that the limit
// holds for all instances together.
func (s *Service) countSeals(ctx context.Context, client string, n, limit int) error {
	if n > limit {
		return &SealRateError{PerMinute: limit}
	}
	var refused *SealRateError
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		refused = nil
		_, err := tx.ExecContext(ctx, `INSERT INTO seal_windows (client, counts) VALUES ($1, '{}') ON CONFLICT DO NOTHING`, client)
		if err != nil {
			return fmt.Errorf("couldn't count seals: %w", err)
		}
		var text []byte
		if err := tx.GetContext(ctx, &text, `SELECT counts FROM seal_windows WHERE client = $1 FOR UPDATE`, client); err != nil {
			return fmt.Errorf("couldn't count seals: %w", err)
		}
		var w sealing.Window
		if err := json.Unmarshal(text, &w); err != nil {
			return fmt.Errorf("couldn't read how many seals were made: %w", err)
		}
		next, wait, ok := w.Take(s.cfg.Now(), n, limit)
		if !ok {
			refused = &SealRateError{PerMinute: limit, Wait: wait}
			return nil
		}
		if text, err = json.Marshal(next); err != nil {
			return fmt.Errorf("couldn't write down how many seals were made: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE seal_windows SET counts = $2 WHERE client = $1`, client, text); err != nil {
			return fmt.Errorf("couldn't count seals: %w", err)
		}
		return nil
	})
	if err == nil && refused != nil {
		return refused
	}
	return err
}

// sealsKept is how long seals are kept for repetitions.
const sealsKept = 24 * time.Hour

// bucket is that of client and key; the length keeps the pairs ("a","bc") and ("ab","c") apart.
func (c SealClient) bucket() int {
	return int(sha256.Sum256([]byte(strconv.Itoa(len(c.Name)) + ":" + c.Name + ":" + c.Key))[0])
}

// sealsMade are what was made for a request before, by place. ErrSealKeyReused where the key belongs to another request.
func (s *Service) sealsMade(ctx context.Context, c SealClient) (map[int]MadeSeal, error) {
	var rows []struct {
		Item int    `db:"item"`
		Hash []byte `db:"request_hash"`
		Made []byte `db:"made"`
	}
	err := s.cfg.DB.SelectContext(ctx, &rows, `
		SELECT item, request_hash, made FROM seals_made WHERE bucket = $1 AND client = $2 AND key = $3 AND created_at > $4`,
		c.bucket(), c.Name, c.Key, s.cfg.Now().UTC().Add(-sealsKept))
	if err != nil {
		return nil, fmt.Errorf("couldn't look for seals: %w", err)
	}
	out := make(map[int]MadeSeal, len(rows))
	for _, r := range rows {
		if !bytes.Equal(r.Hash, c.Hash[:]) {
			return nil, ErrSealKeyReused
		}
		var made MadeSeal
		if err := json.Unmarshal(r.Made, &made); err != nil {
			return nil, fmt.Errorf("couldn't read a seal that was made: %w", err)
		}
		out[r.Item] = made
	}
	return out, nil
}

// keepSeal stores what was made, so that a repetition gets it again, and forgets what is too old. Where another instance was faster with the
// same key, its seal is the one that counts.
func (s *Service) keepSeal(ctx context.Context, c SealClient, item int, made MadeSeal) (MadeSeal, error) {
	text, err := json.Marshal(made)
	if err != nil {
		return MadeSeal{}, fmt.Errorf("couldn't write down a seal: %w", err)
	}
	now := s.cfg.Now().UTC()
	var n int64
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM seals_made WHERE bucket = $1 AND created_at <= $2`, c.bucket(), now.Add(-sealsKept))
		if err != nil {
			return fmt.Errorf("couldn't forget old seals: %w", err)
		}
		n, err = affected(tx.ExecContext(ctx, `
			INSERT INTO seals_made (bucket, client, key, item, request_hash, created_at, made) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT DO NOTHING`, c.bucket(), c.Name, c.Key, item, c.Hash[:], now, text))
		if err != nil {
			return fmt.Errorf("couldn't keep a seal: %w", err)
		}
		return nil
	})
	if err != nil || n == 1 {
		return made, err
	}
	stored, err := s.sealsMade(ctx, c)
	if err != nil {
		return MadeSeal{}, err
	}
	other, there := stored[item]
	if !there {
		return MadeSeal{}, ErrSealKeyBusy // it has just been forgotten
	}
	return other, nil
}
