package auth

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"qaqpa/api/httpsig"
)

// ErrReplay says that a signed request has been here before.
var ErrReplay = errors.New("signed request was made before")

// publicKey reads a SubjectPublicKeyInfo of a kind that requests can be signed with.
func publicKey(spki []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the public key: %w", err)
	}
	if _, err := httpsig.Algorithm(key); err != nil {
		return nil, fmt.Errorf("couldn't take the public key: %w", err)
	}
	return key, nil
}

// Signed returns whose signature a request carries. verify gets the public key of keyID and says whether the signature
// holds; its errors, which should wrap [ErrUnknownKey] where the client shall learn no more, are returned. The nonce is
// used up until the given time, so that the same request is refused with [ErrReplay] by every process of the gateway.
//
// Errors: [ErrUnknownKey], [ErrRevoked], [ErrExpired], [ErrBusy], [ErrReplay], those of verify; any other means that the
// database could not be asked.
func (s *Store) Signed(ctx context.Context, keyID, nonce string, until time.Time, verify func(crypto.PublicKey) error) (Caller, error) {
	c, err := s.signed(ctx, keyID, nonce, until, verify)
	s.metrics.count(err)
	return c, err
}

func (s *Store) signed(ctx context.Context, keyID, nonce string, until time.Time, verify func(crypto.PublicKey) error) (Caller, error) {
	if len(keyID) != idLen || strings.Trim(keyID, alphabet) != "" {
		return Caller{}, ErrUnknownKey
	}
	now := s.cfg.Now()
	r, err := s.find(ctx, keyID, now)
	if err != nil {
		return Caller{}, err
	}
	if r.PublicKey == nil { // a client with a token: its id alone proves nothing
		return Caller{}, ErrUnknownKey
	}
	key, err := publicKey(r.PublicKey)
	if err != nil {
		return Caller{}, err
	}
	if err := verify(key); err != nil {
		return Caller{}, err
	}
	c, err := r.caller(now)
	if err != nil {
		return Caller{}, err
	}
	// Last: only who holds the key can fill the table.
	return c, s.spend(ctx, keyID, nonce, now, until)
}

// nonceSweep is how many nonces whose time is over go with each new one, so that the table keeps its size.
const nonceSweep = 4

// spend uses a nonce up.
func (s *Store) spend(ctx context.Context, keyID, nonce string, now, until time.Time) error {
	result, err := s.cfg.DB.ExecContext(ctx, `
		WITH over AS (
			DELETE FROM request_nonce WHERE (key_id, nonce) IN (
				SELECT key_id, nonce FROM request_nonce WHERE expires_at < $4 ORDER BY expires_at LIMIT $5 FOR UPDATE SKIP LOCKED))
		INSERT INTO request_nonce (key_id, nonce, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, keyID, nonce, until, now.Add(-httpsig.Window), nonceSweep)
	if err != nil {
		return fmt.Errorf("couldn't use up a nonce: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("couldn't use up a nonce: %w", err)
	}
	if n == 0 {
		return ErrReplay
	}
	return nil
}

// SetQuota changes how many requests a minute a key may make; 0 means the default. ErrUnknownKey when there is none.
func (s *Store) SetQuota(ctx context.Context, id string, perMinute int, actor string) error {
	if actor == "" || s.cfg.Audit == nil || perMinute < 0 || perMinute > PerMinuteMax {
		return fmt.Errorf("a quota is 0 to %d requests a minute, set by an actor and noted in the audit log", PerMinuteMax)
	}
	err := s.storeQuota(ctx, id, perMinute, actor)
	s.known.Remove(id)
	return err
}
